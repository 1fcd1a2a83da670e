//! Lines with public keys: the authorities that are trusted, keys that somebody sent, and our own known hosts made of
//! them. No comment of a key comes to be a line, an option or a marker of its own.

#![no_main]

use devctl_fuzz::{folder, put};
use devctl_ssh::{
    PublicKey, SshError, Suffix, key_type, read_trusted_authorities, render_known_hosts, weakness,
    write_trusted_authorities,
};
use libfuzzer_sys::fuzz_target;
use ssh_key::known_hosts::{HostPatterns, KnownHosts, Marker};

fuzz_target!(|bytes: &[u8]| {
    let file = put("authorities", bytes);
    let keys = match read_trusted_authorities(&file) {
        Ok(keys) => keys,
        Err(SshError::KeyUnreadable { path, .. }) => return assert_eq!(path, file),
        Err(error) => panic!("{error}"),
    };
    for key in &keys {
        assert!(!key_type(key).is_empty());
        let _ = weakness(key);
    }
    let written = folder().join("written");
    match write_trusted_authorities(&written, &keys) {
        Ok(()) => assert_same(
            &read_trusted_authorities(&written).expect("what is written can be read"),
            &keys,
        ),
        // A comment that would not stay on its line.
        Err(SshError::Unquotable { .. }) => return,
        Err(error) => panic!("{error}"),
    }
    let suffix = Suffix::default();
    let Ok(text) = render_known_hosts(&suffix, &keys) else {
        return assert!(keys.is_empty());
    };
    let entries: Vec<_> = KnownHosts::new(&text)
        .collect::<Result<_, _>>()
        .expect("known hosts that can be read");
    assert_eq!(text.lines().count(), keys.len());
    let read: Vec<PublicKey> = entries.iter().map(|entry| entry.public_key().clone()).collect();
    assert_same(&read, &keys);
    for entry in &entries {
        assert_eq!(entry.marker(), Some(&Marker::CertAuthority));
        let HostPatterns::Patterns(patterns) = entry.host_patterns() else {
            panic!("hashed names");
        };
        assert_eq!(*patterns, [format!("*.{suffix}")]);
    }
});

fn assert_same(read: &[PublicKey], put: &[PublicKey]) {
    let data = |keys: &[PublicKey]| keys.iter().map(|key| key.key_data().clone()).collect::<Vec<_>>();
    assert_eq!(data(read), data(put));
}
