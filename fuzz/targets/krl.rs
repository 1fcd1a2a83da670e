//! Revocation lists. What is read is written and read as the same; what a list says is what was put into it.

#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use devctl_krl::{Entry, RevocationList, Revoked};
use libfuzzer_sys::fuzz_target;
use ssh_key::PublicKey;

static AUTHORITIES: LazyLock<[PublicKey; 2]> = LazyLock::new(|| {
    [
        include_str!("../genuine/authority.pub"),
        include_str!("../genuine/user.pub"),
    ]
    .map(|line| PublicKey::from_openssh(line).expect("a genuine key"))
});

/// A list of ours.
const GENUINE: &[u8] = include_bytes!("../genuine/list.krl");

/// How an input begins that is not a list but what is to be put into one.
const WISHES: &[u8] = b"WISHES";
/// How one begins that changes a list of ours.
const CHANGE: &[u8] = b"CHANGE";

fuzz_target!(|bytes: &[u8]| {
    if let Some(wishes) = bytes.strip_prefix(WISHES) {
        made(wishes);
    } else if let Some(how) = bytes.strip_prefix(CHANGE) {
        changed(how);
    } else {
        read(bytes);
    }
});

fn read(bytes: &[u8]) {
    let Ok(list) = RevocationList::parse(bytes) else {
        return;
    };
    let written = list.to_bytes();
    let again = RevocationList::parse(&written).expect("what is written can be read");
    assert_eq!(again, list);
    assert_eq!(again.to_bytes(), written);
    // Each entry is in force, whoever wrote the list.
    for entry in list.entries().take(50) {
        match entry {
            Entry::Serials {
                authority,
                first,
                last,
            } => {
                let authority = authority.unwrap_or(&AUTHORITIES[0]);
                for serial in [first, last] {
                    let said = list.revokes_numbered(authority, serial, "nobody's id \0");
                    assert_eq!(said, Ok(Some(Revoked::Serial)));
                }
            }
            Entry::KeyId { authority, id } => {
                if let Ok(id) = std::str::from_utf8(id) {
                    let authority = authority.unwrap_or(&AUTHORITIES[0]);
                    let said = list.revokes_numbered(authority, 0, id);
                    assert_eq!(said, Ok(Some(Revoked::KeyId)));
                }
            }
            Entry::Sha256(fingerprint) => {
                assert_eq!(list.revokes_fingerprint(fingerprint), Some(Revoked::Key));
            }
            Entry::Key(_) | Entry::Sha1(_) => {}
        }
    }
}

/// A list of ours bears a checksum: with one byte changed, it is refused, or says the same where the byte is in the word
/// before the checksum.
fn changed(how: &[u8]) {
    let [high, low, difference, ..] = *how else {
        return;
    };
    let mut bytes = GENUINE.to_vec();
    let place = usize::from(u16::from_be_bytes([high, low])) % bytes.len();
    bytes[place] ^= difference;
    if let Ok(list) = RevocationList::parse(&bytes) {
        assert_eq!(Ok(list), RevocationList::parse(GENUINE), "byte {place}");
    }
}

/// Each eleven bytes are a wish: which authority, from which serial, and how many of them, or the letters of a key id.
fn made(wishes: &[u8]) {
    let mut list = RevocationList::new(7, 8);
    let mut ranges = Vec::new();
    let mut ids = BTreeSet::new();
    for wish in wishes.as_chunks::<11>().0 {
        let [which, a, b, c, d, e, f, g, h, more, most] = *wish;
        let place = usize::from(which & 1);
        let authority = &AUTHORITIES[place];
        let first = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        if which & 2 == 0 {
            let last = first.saturating_add(u64::from(u16::from_be_bytes([more, most])));
            if list.revoke_serials(authority, first..=last).is_ok() {
                ranges.push((place, first, last));
            } else {
                assert_eq!(first, 0, "only serial 0 is refused");
            }
        } else if let Ok(id) = std::str::from_utf8(&wish[1..])
            && list.revoke_key_id(authority, id).is_ok()
        {
            ids.insert((place, id.to_owned()));
        }
    }
    let read = RevocationList::parse(&list.to_bytes()).expect("what is written can be read");
    assert_eq!(read, list);
    for &(_, first, last) in &ranges {
        for serial in [first, last, first.wrapping_sub(1), last.wrapping_add(1), last / 2] {
            for (place, authority) in AUTHORITIES.iter().enumerate() {
                let wished = ranges
                    .iter()
                    .any(|&(of, from, to)| of == place && (from..=to).contains(&serial));
                let said = read.revokes_numbered(authority, serial, "nobody's id \0");
                assert_eq!(said, Ok(wished.then_some(Revoked::Serial)), "{place} {serial}");
            }
        }
    }
    for (_, id) in &ids {
        for (place, authority) in AUTHORITIES.iter().enumerate() {
            let said = read.revokes_numbered(authority, 0, id);
            let wished = ids.contains(&(place, id.clone()));
            assert_eq!(said, Ok(wished.then_some(Revoked::KeyId)), "{place} {id:?}");
        }
    }
}
