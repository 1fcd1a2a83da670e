//! Private keys that a person brings. One is read whole, and is the same key when it is written and read again, or it is
//! refused by name.

#![no_main]

use devctl_ssh::{UserKey, key_type};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Without a passphrase: the derivation takes a tenth of a second, as it should.
    match UserKey::import(bytes, None) {
        Ok(key) => {
            let text = key.to_openssh_plain().expect("what was read is written");
            let again = UserKey::import(text.as_bytes(), None).expect("what is written is read");
            assert_eq!(again.public_key(), key.public_key());
            assert_eq!(*again.to_openssh_plain().expect("it is written again"), *text);
            assert!(!key_type(key.public_key()).is_empty());
            let line = key.public_line().expect("its public half");
            assert_eq!(line.lines().count(), 1, "{line:?}");
            // Nothing of the private half is shown.
            assert!(format!("{key:?}").len() < 4096 + 6 * key.comment().len());
        }
        Err(error) => {
            assert!(error.code().starts_with("ssh."), "{error:?}");
            assert!(!error.to_string().is_empty());
        }
    }
});
