//! The form of the file for the fuzz targets: nothing of it is in the product.

use std::io::Cursor;
use std::path::Path;

use super::format::{self, Contents, Entry, Header, Slot};
use super::tampered;
use crate::error::VaultError;
use crate::master_key::Key;
use crate::way::WayKind;

/// The key that everything in the genuine vault of the targets is sealed with.
pub const KEY: [u8; 32] = *b"the key of the genuine fuzz vaul";

/// What stands in the place of a file's name.
const NOWHERE: &str = "vault";

/// Reads the header of a vault, and writes it again.
///
/// # Errors
/// As [`Vault::open_with`](super::Vault::open_with) for a damaged file.
pub fn header(file: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (header, raw) = format::read_header(&mut &*file, Path::new(NOWHERE))?;
    Ok(format::written_header(&header, &raw))
}

/// Reads an index as it is before it is sealed, and writes it again; `None` where it is none.
#[must_use]
pub fn index(index: &[u8]) -> Option<Vec<u8>> {
    format::parse_index(index, 0).map(|contents| format::written_index(&contents))
}

/// Opens a whole vault with [`KEY`] and reads every value in it.
///
/// # Errors
/// As [`Vault::open_with`](super::Vault::open_with) and [`Vault::get`](super::Vault::get) for a damaged file.
pub fn open(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, VaultError> {
    let path = Path::new(NOWHERE);
    let mut file = Cursor::new(file);
    let (header, raw) = format::read_header(&mut file, path)?;
    let key = header
        .slots
        .iter()
        .find_map(|slot| slot.unwrap(&header.id, &Key::new(KEY)))
        .ok_or_else(|| tampered(path, "its ways in"))?;
    let contents = format::read_index(&mut file, &raw, &key, path)?;
    let one = |entry: &Entry| {
        let sealed = format::read_value(&mut file, &contents, entry, path)?;
        let value = entry.open(&header.id, &key, &sealed);
        let value = value.ok_or_else(|| tampered(path, "a value"))?;
        Ok((entry.name.clone(), value.to_vec()))
    };
    contents.entries.iter().map(one).collect()
}

/// Makes a vault that [`open`] opens, with several ways in.
///
/// # Errors
/// The system gives no random bytes.
pub fn seal(entries: &[(&str, &[u8])]) -> Result<Vec<u8>, VaultError> {
    let id = *b"sixteen bytes id";
    let data_key = Key::new([7; 32]);
    let wrap = |kind, parameters| Slot::wrap(kind, parameters, &id, &Key::new(KEY), &data_key);
    let mut header = Header {
        id,
        counter: 2,
        slots: vec![
            wrap(WayKind::KeyFile, Vec::new())?,
            wrap(WayKind::Passphrase, vec![9; 28])?,
        ],
    };
    let mut contents = Contents::default();
    let mut values = Vec::new();
    for (name, value) in entries {
        let (entry, sealed) = Entry::seal(name, &id, &data_key, value)?;
        contents.entries.push(entry);
        values.push(sealed);
    }
    format::seal(&mut header, &contents, &values, &data_key)
}
