//! The file of a vault: its header, its index, and the file as a whole under its own key. What is read is written byte by
//! byte as it was, and a genuine file that was changed anywhere opens no longer.

#![no_main]

use devctl_secrets::fuzz;
use libfuzzer_sys::fuzz_target;

/// A vault with two entries, under the key of [`fuzz::KEY`].
const GENUINE: &[u8] = include_bytes!("../genuine/vault");

/// How an input begins that is an index, as it is before it is sealed.
const INDEX: &[u8] = b"INDEX";

fuzz_target!(|bytes: &[u8]| {
    if let Some(index) = bytes.strip_prefix(INDEX) {
        if let Some(written) = fuzz::index(index) {
            assert_eq!(written, index);
        }
        return;
    }
    if let Ok(header) = fuzz::header(bytes) {
        assert_eq!(bytes.get(..header.len()), Some(header.as_slice()));
    }
    if let Ok(entries) = fuzz::open(bytes) {
        // Bytes behind the last value are not looked at.
        assert!(bytes.starts_with(GENUINE));
        assert_eq!(entries, fuzz::open(GENUINE).expect("the genuine vault"));
    }
});
