use crate::list::{RevocationList, RevokedCertificates};
use crate::{
    CERT_KEY_ID, CERT_SERIAL_LIST, CERT_SERIAL_RANGE, FORMAT_VERSION, MAGIC, SECTION_CERTIFICATES,
    SECTION_EXPLICIT_KEY, SECTION_FINGERPRINT_SHA1, SECTION_FINGERPRINT_SHA256, seal,
};

/// A range takes as much room as this many serials one by one.
const SHORTEST_RANGE: u64 = 3;

pub(crate) fn to_bytes(list: &RevocationList) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
    out.extend_from_slice(&list.version.to_be_bytes());
    out.extend_from_slice(&list.generated.to_be_bytes());
    out.extend_from_slice(&0_u64.to_be_bytes()); // flags: none are defined
    put_string(&mut out, b""); // reserved
    put_string(&mut out, &seal::blank());
    let comment = out.len() - seal::blank().len()..out.len();
    for (authority, revoked) in &list.certificates {
        put_section(&mut out, SECTION_CERTIFICATES, &certificates(authority, revoked));
    }
    put_strings(&mut out, SECTION_EXPLICIT_KEY, &list.keys);
    put_strings(&mut out, SECTION_FINGERPRINT_SHA256, &list.sha256);
    put_strings(&mut out, SECTION_FINGERPRINT_SHA1, &list.sha1);
    seal::put(&mut out, comment);
    out
}

fn certificates(authority: &[u8], revoked: &RevokedCertificates) -> Vec<u8> {
    let mut section = Vec::new();
    put_string(&mut section, authority);
    put_string(&mut section, b""); // reserved
    let mut singles = Vec::new();
    let mut ranges = Vec::new();
    for (first, last) in revoked.serials.iter() {
        // A range from 1 to the last serial of all does not overflow: it has one less than 2^64.
        if last - first + 1 < SHORTEST_RANGE {
            for serial in first..=last {
                singles.extend_from_slice(&serial.to_be_bytes());
            }
        } else {
            let range = [first.to_be_bytes(), last.to_be_bytes()].concat();
            put_section(&mut ranges, CERT_SERIAL_RANGE, &range);
        }
    }
    if !singles.is_empty() {
        put_section(&mut section, CERT_SERIAL_LIST, &singles);
    }
    section.extend_from_slice(&ranges);
    put_strings(&mut section, CERT_KEY_ID, &revoked.key_ids);
    section
}

/// A section of strings, unless there is none.
fn put_strings<'a, T: AsRef<[u8]> + 'a>(
    out: &mut Vec<u8>,
    kind: u8,
    strings: impl IntoIterator<Item = &'a T>,
) {
    let mut section = Vec::new();
    for string in strings {
        put_string(&mut section, string.as_ref());
    }
    if !section.is_empty() {
        put_section(out, kind, &section);
    }
}

fn put_section(out: &mut Vec<u8>, kind: u8, content: &[u8]) {
    out.push(kind);
    put_string(out, content);
}

/// A length in four bytes, then the bytes. More than 4 GiB gives a list that [`parse`](RevocationList::parse) refuses.
fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}
