use crate::list::{RevocationList, RevokedCertificates};
use crate::{
    CERT_KEY_ID, CERT_SERIAL_BITMAP, CERT_SERIAL_LIST, CERT_SERIAL_RANGE, FORMAT_VERSION, MAGIC,
    SECTION_CERTIFICATES, SECTION_EXPLICIT_KEY, SECTION_FINGERPRINT_SHA1, SECTION_FINGERPRINT_SHA256, seal,
};

/// A range takes as much room as this many serials one by one.
const SHORTEST_RANGE: u64 = 3;

/// How far the serials of one bitmap may lie apart. OpenSSH reads no number of more than 16384 bits.
const BITMAP_SPAN: u64 = 16384 - 8;

/// What a bitmap takes beside its bits: kind, length, first serial, length of the number, and a zero before it.
const BITMAP_HEAD: usize = 1 + 4 + 8 + 4 + 1;

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
            singles.extend(first..=last);
        } else {
            let range = [first.to_be_bytes(), last.to_be_bytes()].concat();
            put_section(&mut ranges, CERT_SERIAL_RANGE, &range);
        }
    }
    put_singles(&mut section, &singles);
    section.extend_from_slice(&ranges);
    put_strings(&mut section, CERT_KEY_ID, &revoked.key_ids);
    section
}

/// Serials in ascending order: one by one, or as bitmaps where they lie close enough that this is shorter. The list goes
/// into a container at each login.
fn put_singles(section: &mut Vec<u8>, serials: &[u64]) {
    let mut one_by_one = Vec::new();
    let mut rest = serials;
    while let Some(&first) = rest.first() {
        let near = rest.partition_point(|serial| serial - first < BITMAP_SPAN);
        let (together, others) = rest.split_at(near);
        let span = together.last().map_or(0, |last| last - first);
        // At most BITMAP_SPAN bits.
        let bytes = usize::try_from(span / 8 + 1).unwrap_or(usize::MAX);
        if bytes.saturating_add(BITMAP_HEAD) < size_of_val(together) {
            put_section(section, CERT_SERIAL_BITMAP, &bitmap(first, together, bytes));
        } else {
            one_by_one.extend(together.iter().flat_map(|serial| serial.to_be_bytes()));
        }
        rest = others;
    }
    if !one_by_one.is_empty() {
        put_section(section, CERT_SERIAL_LIST, &one_by_one);
    }
}

/// The first serial, and a big-endian number of `bytes` bytes whose bit `n` stands for `first + n`.
fn bitmap(first: u64, serials: &[u64], bytes: usize) -> Vec<u8> {
    let mut number = vec![0_u8; bytes];
    for serial in serials {
        let bit = serial - first;
        let from_the_end = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        if let Some(byte) = number.iter_mut().rev().nth(from_the_end) {
            *byte |= 1 << (bit % 8);
        }
    }
    if number.first().is_some_and(|byte| byte & 0x80 != 0) {
        // Else it would be read as a negative number.
        number.insert(0, 0);
    }
    let mut content = first.to_be_bytes().to_vec();
    put_string(&mut content, &number);
    content
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
