//! The vault file. Numbers are big-endian.
//!
//! ```text
//! header   magic "DEVCTLVT" · version u16 · vault id [16] · counter u64 · number of slots u8 · slots
//!          · length of the sealed index u32 · nonce of the index [24]
//! slot     kind u8 · key id [16] · length of parameters u16 · parameters · nonce [24] · wrapped data key [48]
//! index    sealed with the data key, the whole header authenticated:
//!          number u32 · (length of name u16 · name · offset u64 · length u32 · nonce [24])…
//! values   each sealed with the data key, vault id and name authenticated
//! ```
//!
//! A slot is one way to the data key: its parameters, its kind and the vault id are authenticated with the wrapped key.
//! Parameters: of a passphrase, how it becomes a key; of the keychain, nothing (the account is `vault-ID`) or one byte 1
//! (the account is `vault-ID-KEYID`). The counter grows with each write. Since each nonce in the index is new with each
//! value, an older value put back in its place does not open.
//!
//! Version 1 has one slot, of a kind that needs no parameters; version 2 has up to one of each kind. A file that version
//! 1 can say is written as such, so a devctl that only knows that still reads it, and says of another that it is newer.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::{Opened, read_exact, tampered};
use crate::error::VaultError;
use crate::master_key::{self, Key};
use crate::way::WayKind;

const MAGIC: &[u8; 8] = b"DEVCTLVT";
/// One slot without parameters.
const ONE_SLOT: u16 = 1;
/// Several slots, with parameters.
const SLOTS: u16 = 2;
const NONCE: usize = 24;
const TAG: usize = 16;
const WRAPPED: usize = 32 + TAG;

/// Bound on what is read before anything is authenticated: about 200,000 entries.
const LARGEST_INDEX: usize = 64 << 20;

/// Bound on the parameters of a slot; a passphrase has 28 bytes of them.
const LARGEST_PARAMETERS: usize = 64;

pub(super) struct Header {
    pub(super) id: [u8; 16],
    pub(super) counter: u64,
    pub(super) slots: Vec<Slot>,
}

/// The header as it stands in the file, which authenticates the index.
pub(super) struct RawHeader {
    bytes: Vec<u8>,
    index_length: usize,
    index_nonce: [u8; NONCE],
}

pub(crate) struct Slot {
    pub(crate) kind: WayKind,
    pub(crate) key_id: [u8; 16],
    pub(crate) parameters: Vec<u8>,
    nonce: [u8; NONCE],
    wrapped: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    /// Where the values start in the file that this was read from.
    values_start: u64,
}

pub(super) struct Entry {
    pub(super) name: String,
    offset: u64,
    length: u32,
    nonce: [u8; NONCE],
}

impl Slot {
    pub(crate) fn wrap(
        kind: WayKind,
        parameters: Vec<u8>,
        vault_id: &[u8; 16],
        master: &Key,
        data_key: &Key,
    ) -> Result<Self, VaultError> {
        let nonce = new_nonce()?;
        let wrapped = encrypt(
            master,
            &nonce,
            &slot_context(kind, vault_id, &parameters),
            data_key.as_slice(),
        )?;
        Ok(Self {
            kind,
            key_id: master_key::id_of(master),
            parameters,
            nonce,
            wrapped,
        })
    }

    pub(crate) fn unwrap(&self, vault_id: &[u8; 16], master: &Key) -> Option<Key> {
        let context = slot_context(self.kind, vault_id, &self.parameters);
        let opened = decrypt(master, &self.nonce, &context, &self.wrapped)?;
        let mut key = Key::default();
        if opened.len() != key.len() {
            return None;
        }
        key.copy_from_slice(&opened);
        Some(key)
    }
}

impl Entry {
    pub(super) fn seal(
        name: &str,
        vault_id: &[u8; 16],
        data_key: &Key,
        value: &[u8],
    ) -> Result<(Self, Vec<u8>), VaultError> {
        let nonce = new_nonce()?;
        let sealed = encrypt(data_key, &nonce, &value_context(vault_id, name), value)?;
        Ok((
            Self {
                name: name.to_owned(),
                offset: 0,
                length: 0,
                nonce,
            },
            sealed,
        ))
    }

    /// Its part of the index, where its value stands at `offset`.
    fn index_at(&self, offset: u64, length: u32, index: &mut Vec<u8>) {
        index.extend_from_slice(&length16(self.name.len()).to_be_bytes());
        index.extend_from_slice(self.name.as_bytes());
        index.extend_from_slice(&offset.to_be_bytes());
        index.extend_from_slice(&length.to_be_bytes());
        index.extend_from_slice(&self.nonce);
    }

    pub(super) fn open(&self, vault_id: &[u8; 16], data_key: &Key, sealed: &[u8]) -> Option<Opened> {
        decrypt(
            data_key,
            &self.nonce,
            &value_context(vault_id, &self.name),
            sealed,
        )
    }
}

/// The whole file, with the counter moved on. `values` are sealed and in the order of the entries.
pub(super) fn seal(
    header: &mut Header,
    contents: &Contents,
    values: &[Vec<u8>],
    data_key: &Key,
) -> Result<Vec<u8>, VaultError> {
    header.counter = header.counter.saturating_add(1);
    let mut index = Zeroizing::new(Vec::new());
    index.extend_from_slice(&length32(contents.entries.len()).to_be_bytes());
    let mut offset = 0u64;
    for (entry, value) in contents.entries.iter().zip(values) {
        let length = length32(value.len());
        entry.index_at(offset, length, &mut index);
        offset += u64::from(length);
    }
    let nonce = new_nonce()?;
    let mut file = header_bytes(header, index.len() + TAG, &nonce);
    let sealed = encrypt(data_key, &nonce, &file, &index)?;
    file.extend_from_slice(&sealed);
    for value in values {
        file.extend_from_slice(value);
    }
    Ok(file)
}

pub(super) fn read_header(file: &mut impl Read, path: &Path) -> Result<(Header, RawHeader), VaultError> {
    let mut reader = Recorded {
        file,
        bytes: Vec::new(),
        path,
    };
    if reader.array::<8>()? != *MAGIC {
        return Err(tampered(path, "it does not start like a vault"));
    }
    let version = u16::from_be_bytes(reader.array()?);
    if ![ONE_SLOT, SLOTS].contains(&version) {
        return Err(VaultError::Newer {
            path: path.to_path_buf(),
            version,
        });
    }
    let id = reader.array()?;
    let counter = u64::from_be_bytes(reader.array()?);
    let [slots] = reader.array()?;
    if slots == 0 || usize::from(slots) > WayKind::ALL.len() {
        return Err(tampered(path, "the number of its ways in"));
    }
    let slots: Vec<Slot> = (0..slots).map(|_| reader.slot()).collect::<Result<_, _>>()?;
    for (at, slot) in slots.iter().enumerate() {
        if slots.iter().skip(at + 1).any(|other| other.kind == slot.kind) {
            return Err(tampered(path, "two ways in of one kind"));
        }
    }
    let index_length = u32::from_be_bytes(reader.array()?) as usize;
    let index_nonce = reader.array()?;
    if !(TAG..=LARGEST_INDEX).contains(&index_length) {
        return Err(tampered(path, "the length of its index"));
    }
    let header = Header { id, counter, slots };
    if version != version_of(&header) {
        return Err(tampered(path, "its version"));
    }
    let raw = RawHeader {
        bytes: reader.bytes,
        index_length,
        index_nonce,
    };
    Ok((header, raw))
}

/// `file` stands behind the header.
pub(super) fn read_index(
    file: &mut impl Read,
    raw: &RawHeader,
    data_key: &Key,
    path: &Path,
) -> Result<Contents, VaultError> {
    let sealed = read_exact(file, raw.index_length, path)?;
    let index = decrypt(data_key, &raw.index_nonce, &raw.bytes, &sealed)
        .ok_or_else(|| tampered(path, "its index"))?;
    let values_start = (raw.bytes.len() + raw.index_length) as u64;
    parse_index(&index, values_start).ok_or_else(|| tampered(path, "the form of its index"))
}

pub(super) fn read_value(
    file: &mut (impl Read + Seek),
    contents: &Contents,
    entry: &Entry,
    path: &Path,
) -> Result<Vec<u8>, VaultError> {
    let at = contents
        .values_start
        .checked_add(entry.offset)
        .ok_or_else(|| tampered(path, "the place of a value"))?;
    file.seek(SeekFrom::Start(at)).map_err(|error| {
        VaultError::Files(devctl_files::FilesError::new(
            devctl_files::Action::Read,
            path,
            error,
        ))
    })?;
    read_exact(file, entry.length as usize, path)
}

pub(super) fn parse_index(index: &[u8], values_start: u64) -> Option<Contents> {
    let mut rest = index;
    let count = u32::from_be_bytes(take(&mut rest)?);
    let mut entries = Vec::new();
    for _ in 0..count {
        let name_length = u16::from_be_bytes(take(&mut rest)?);
        let (name, after) = rest.split_at_checked(usize::from(name_length))?;
        rest = after;
        entries.push(Entry {
            name: String::from_utf8(name.to_vec()).ok()?,
            offset: u64::from_be_bytes(take(&mut rest)?),
            length: u32::from_be_bytes(take(&mut rest)?),
            nonce: take(&mut rest)?,
        });
    }
    rest.is_empty().then_some(Contents {
        entries,
        values_start,
    })
}

/// The bytes of the header as they would be written, and of an index.
#[cfg(feature = "fuzz")]
pub(super) fn written_header(header: &Header, raw: &RawHeader) -> Vec<u8> {
    header_bytes(header, raw.index_length, &raw.index_nonce)
}

/// The index of these contents, with the places that they were read with.
#[cfg(feature = "fuzz")]
pub(super) fn written_index(contents: &Contents) -> Vec<u8> {
    let mut index = length32(contents.entries.len()).to_be_bytes().to_vec();
    for entry in &contents.entries {
        entry.index_at(entry.offset, entry.length, &mut index);
    }
    index
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

fn version_of(header: &Header) -> u16 {
    match header.slots.as_slice() {
        [slot] if slot.parameters.is_empty() && slot.kind.opens_by_itself() => ONE_SLOT,
        _ => SLOTS,
    }
}

fn header_bytes(header: &Header, index_length: usize, nonce: &[u8; NONCE]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&version_of(header).to_be_bytes());
    bytes.extend_from_slice(&header.id);
    bytes.extend_from_slice(&header.counter.to_be_bytes());
    bytes.push(u8::try_from(header.slots.len()).unwrap_or(u8::MAX));
    for slot in &header.slots {
        bytes.push(slot.kind.byte());
        bytes.extend_from_slice(&slot.key_id);
        bytes.extend_from_slice(&length16(slot.parameters.len()).to_be_bytes());
        bytes.extend_from_slice(&slot.parameters);
        bytes.extend_from_slice(&slot.nonce);
        bytes.extend_from_slice(&slot.wrapped);
    }
    bytes.extend_from_slice(&length32(index_length).to_be_bytes());
    bytes.extend_from_slice(nonce);
    bytes
}

/// Reads the header and keeps its bytes.
struct Recorded<'a, R> {
    file: &'a mut R,
    bytes: Vec<u8>,
    path: &'a Path,
}

impl<R: Read> Recorded<'_, R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], VaultError> {
        let mut array = [0u8; N];
        array.copy_from_slice(&self.vec(N)?);
        Ok(array)
    }

    fn vec(&mut self, length: usize) -> Result<Vec<u8>, VaultError> {
        let read = read_exact(self.file, length, self.path)?;
        self.bytes.extend_from_slice(&read);
        Ok(read)
    }

    fn slot(&mut self) -> Result<Slot, VaultError> {
        let [kind] = self.array()?;
        let kind = WayKind::from_byte(kind).ok_or_else(|| tampered(self.path, "the kind of a way in"))?;
        let key_id = self.array()?;
        let parameters_length = u16::from_be_bytes(self.array()?);
        if usize::from(parameters_length) > LARGEST_PARAMETERS {
            return Err(tampered(self.path, "the parameters of a way in"));
        }
        Ok(Slot {
            kind,
            key_id,
            parameters: self.vec(usize::from(parameters_length))?,
            nonce: self.array()?,
            wrapped: self.vec(WRAPPED)?,
        })
    }
}

fn slot_context(kind: WayKind, vault_id: &[u8; 16], parameters: &[u8]) -> Vec<u8> {
    let mut context = b"devctl vault slot 1".to_vec();
    context.push(kind.byte());
    context.extend_from_slice(vault_id);
    context.extend_from_slice(parameters);
    context
}

fn value_context(vault_id: &[u8; 16], name: &str) -> Vec<u8> {
    let mut context = b"devctl vault value 1".to_vec();
    context.extend_from_slice(vault_id);
    context.extend_from_slice(name.as_bytes());
    context
}

fn new_nonce() -> Result<[u8; NONCE], VaultError> {
    let mut nonce = [0u8; NONCE];
    getrandom::fill(&mut nonce).map_err(VaultError::Random)?;
    Ok(nonce)
}

fn encrypt(key: &Key, nonce: &[u8; NONCE], context: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let payload = Payload {
        msg: plain,
        aad: context,
    };
    // Fails only beyond 256 GiB.
    cipher(key)
        .encrypt(&XNonce::from(*nonce), payload)
        .map_err(|_| VaultError::EntryRefused {
            name: String::new(),
            why: "it is too large for the cipher",
        })
}

fn decrypt(key: &Key, nonce: &[u8; NONCE], context: &[u8], sealed: &[u8]) -> Option<Opened> {
    let payload = Payload {
        msg: sealed,
        aad: context,
    };
    cipher(key)
        .decrypt(&XNonce::from(*nonce), payload)
        .ok()
        .map(Zeroizing::new)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&CipherKey::from(**key))
}

/// Names have at most 255 bytes, parameters 64.
fn length16(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// Values have at most 1 MiB, the index 64.
fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
