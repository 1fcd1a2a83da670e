use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use devctl_files::{
    Action, FileLock, FilesError, Mode, ensure_private_dir, ensure_private_file, sweep_temporary_files,
    write_atomic,
};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::key_source::{KeySource, KeySources};
use crate::master_key::{self, Key};
use crate::secret::SecretBytes;
use crate::secret_name::is_invisible;
use crate::way::{NewWay, Unlock, WayKind};
use format::{Contents, Entry, Header};
use rollback::{Memory, RollbackWatch};

mod format;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub(crate) mod rollback;
mod ways;

pub(crate) use format::Slot;

const VAULT_FILE: &str = "vault";
const LOCK_FILE: &str = ".vault.lock";

/// Longest name of an entry, in bytes.
const LONGEST_NAME: usize = 255;

/// What is reserved before the bytes are there.
const ONE_READ: usize = 128 << 10;

/// Largest value of an entry, in bytes: keys and passwords, no files.
const LARGEST_VALUE: usize = 1 << 20;

/// Named secrets in one encrypted file, `DIR/vault`.
///
/// Every call sees what other processes wrote; writers take turns under a lock and replace the file whole, so a write
/// costs as much as the file is large. Values are encrypted one by one, so reading one or listing the names decrypts no
/// other.
pub struct Vault {
    dir: PathBuf,
    place: KeySource,
    sources: KeySources,
    id: [u8; 16],
    data_key: Key,
    memory: Memory,
}

impl Vault {
    /// Opens the vault in `dir` (made 0700 where it is missing), or makes an empty one with a new master key in the
    /// first place of `sources` that has room for one. Of processes that come at once, one makes it.
    ///
    /// Blocks until the keychain answers, at most as long as its patience.
    ///
    /// # Errors
    /// [`VaultError::KeychainLocked`] and the like if the key is out of reach, [`VaultError::PassphraseNeeded`] if a
    /// person has to be asked, [`VaultError::Tampered`] if the file is not as we wrote it: it is never replaced by a
    /// new one. [`VaultError::RolledBack`] if it is an older copy.
    pub fn open(dir: &Path, sources: &KeySources) -> Result<Self, VaultError> {
        Self::open_with(dir, sources, &Unlock::default())
    }

    /// As [`Vault::open`], with what a person gave. With a passphrase or a recovery key the vault has to be there.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`VaultError::WrongPassphrase`], [`VaultError::WrongRecoveryKey`], and
    /// [`VaultError::NoSuchWay`] if the vault has no such way in.
    pub fn open_with(dir: &Path, sources: &KeySources, unlock: &Unlock) -> Result<Self, VaultError> {
        ensure_private_dir(dir)?;
        let path = dir.join(VAULT_FILE);
        let opens_only = unlock.passphrase.is_some() || unlock.recovery_key.is_some();
        if !opens_only && !path.exists() {
            Self::make(dir, |id| master_key::choose(dir, id, sources))?;
        }
        let mut header = read_header_of(&path)?;
        ensure_private_file(&path)?;
        let (place, data_key) = loop {
            match ways::open_header(&header, dir, sources, unlock) {
                Ok(opened) => break opened,
                Err(error) => {
                    // The ways may have been changed between the reading of the file and of the key.
                    let now = read_header_of(&path)?;
                    if now.counter == header.counter {
                        return Err(error);
                    }
                    header = now;
                }
            }
        };
        let vault = Self {
            memory: Memory::new(dir, &header.id, &place, sources),
            dir: dir.to_path_buf(),
            place,
            sources: sources.clone(),
            id: header.id,
            data_key,
        };
        if unlock.accept_older {
            vault.accept_older()?;
        } else {
            // Before the file, so that a write in between cannot look like an older copy.
            let seen = vault.memory.recall()?;
            let found = vault.read_header()?.counter;
            if found < seen {
                return Err(VaultError::RolledBack { path, found, seen });
            }
        }
        Ok(vault)
    }

    /// Makes a vault with this one way in.
    ///
    /// # Errors
    /// [`VaultError::Exists`]; as [`Vault::add_way`].
    pub fn create(dir: &Path, sources: &KeySources, way: &NewWay) -> Result<Self, VaultError> {
        ensure_private_dir(dir)?;
        let made = Self::make(dir, |id| master_key::new_way(dir, id, sources, way))?;
        if !made {
            return Err(VaultError::Exists {
                path: dir.join(VAULT_FILE),
            });
        }
        let unlock = Unlock {
            passphrase: match way {
                NewWay::Passphrase(passphrase) => Some(passphrase.clone()),
                _ => None,
            },
            ..Unlock::default()
        };
        Self::open_with(dir, sources, &unlock)
    }

    /// Which way opened it, for `doctor`.
    #[must_use]
    pub fn key_source(&self) -> &KeySource {
        &self.place
    }

    /// Where it is kept how often the vault was written, so that an older copy is noticed, and whether that works.
    #[must_use]
    pub fn rollback_watch(&self) -> RollbackWatch {
        self.memory.watch()
    }

    /// How often the vault was written. It only grows; a smaller number than one seen before is an older copy.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn counter(&self) -> Result<u64, VaultError> {
        Ok(self.read_header()?.counter)
    }

    /// The value of an entry, or `None`.
    ///
    /// # Errors
    /// The file cannot be read, or is not as we wrote it.
    pub fn get(&self, name: &str) -> Result<Option<SecretBytes>, VaultError> {
        let (mut file, header, contents) = self.read_contents()?;
        self.value_of(&mut file, &header, &contents, name)
    }

    /// Sets the value of an entry.
    ///
    /// # Errors
    /// [`VaultError::EntryRefused`] for a name that is empty, has an empty part between its slashes, is longer than 255
    /// bytes or holds control characters, and for a value over 1 MiB; otherwise as [`Vault::get`], and the file cannot
    /// be written.
    pub fn put(&self, name: &str, value: &(impl AsRef<[u8]> + ?Sized)) -> Result<(), VaultError> {
        let value = value.as_ref();
        check_entry(name, value)?;
        let _lock = self.lock()?;
        self.put_locked(&[(name, value)])
    }

    /// Sets the values of many entries in one write.
    ///
    /// # Errors
    /// As [`Vault::put`]; then none of them is set.
    pub fn put_all<'a>(
        &self,
        entries: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), VaultError> {
        let entries: Vec<_> = entries.into_iter().collect();
        for (name, value) in &entries {
            check_entry(name, value)?;
        }
        let _lock = self.lock()?;
        self.put_locked(&entries)
    }

    /// The value of an entry, made by `make` if there is none. Of processes that come at once, one makes it and all
    /// get the same.
    ///
    /// # Errors
    /// As [`Vault::put`], and what `make` fails with.
    pub fn get_or_insert_with<E: From<VaultError>>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<SecretBytes, E>,
    ) -> Result<SecretBytes, E> {
        if let Some(value) = self.get(name)? {
            return Ok(value);
        }
        let _lock = self.lock()?;
        if let Some(value) = self.get(name)? {
            return Ok(value);
        }
        let value = make()?;
        check_entry(name, value.as_ref())?;
        self.put_locked(&[(name, value.as_ref())])?;
        Ok(value)
    }

    /// Removes an entry; says whether there was one.
    ///
    /// # Errors
    /// As [`Vault::put`].
    pub fn delete(&self, name: &str) -> Result<bool, VaultError> {
        let _lock = self.lock()?;
        let (mut file, mut header, mut contents) = self.read_contents()?;
        let Some(at) = contents.entries.iter().position(|entry| entry.name == name) else {
            return Ok(false);
        };
        let mut values = self.sealed_values(&mut file, &contents)?;
        contents.entries.remove(at);
        values.remove(at);
        self.write(&mut header, contents, &values)?;
        Ok(true)
    }

    /// The names of all entries, sorted.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn names(&self) -> Result<Vec<String>, VaultError> {
        let (_, _, contents) = self.read_contents()?;
        let mut names: Vec<String> = contents.entries.into_iter().map(|entry| entry.name).collect();
        names.sort();
        Ok(names)
    }

    /// Says whether it made one; `false` if there is one.
    fn make(
        dir: &Path,
        choose: impl FnOnce(&[u8; 16]) -> Result<master_key::Made, VaultError>,
    ) -> Result<bool, VaultError> {
        let _lock = FileLock::acquire(&dir.join(LOCK_FILE))?;
        sweep_temporary_files(dir)?;
        let path = dir.join(VAULT_FILE);
        if path.exists() {
            return Ok(false);
        }
        let mut id = [0u8; 16];
        getrandom::fill(&mut id).map_err(VaultError::Random)?;
        let made = choose(&id)?;
        let data_key = master_key::random()?;
        let mut header = Header {
            id,
            counter: 0,
            slots: vec![made.slot(&id, &data_key)?],
        };
        let bytes = format::seal(&mut header, &Contents::default(), &[], &data_key)?;
        write_atomic(&path, &bytes, Mode::PRIVATE)?;
        Ok(true)
    }

    fn path(&self) -> PathBuf {
        self.dir.join(VAULT_FILE)
    }

    fn lock(&self) -> Result<FileLock, VaultError> {
        Ok(FileLock::acquire(&self.dir.join(LOCK_FILE))?)
    }

    fn read_header(&self) -> Result<Header, VaultError> {
        Ok(self.read_contents()?.1)
    }

    fn read_contents(&self) -> Result<(File, Header, Contents), VaultError> {
        let path = self.path();
        // Before the file, so that a write in between cannot look like an older copy.
        let seen = self.memory.seen_here();
        let mut file = open_file(&path)?;
        let (header, raw) = format::read_header(&mut file, &path)?;
        if header.id != self.id {
            return Err(tampered(
                &path,
                "it is another vault than the one that was opened",
            ));
        }
        let contents = format::read_index(&mut file, &raw, &self.data_key, &path)?;
        if header.counter < seen {
            return Err(VaultError::RolledBack {
                path,
                found: header.counter,
                seen,
            });
        }
        self.memory.see(header.counter);
        Ok((file, header, contents))
    }

    /// Writes an older copy anew, with a count above the highest one seen.
    fn accept_older(&self) -> Result<(), VaultError> {
        let _lock = self.lock()?;
        let seen = self.memory.recall()?;
        let (mut file, mut header, contents) = self.read_contents()?;
        if header.counter >= seen {
            return Ok(());
        }
        let values = self.sealed_values(&mut file, &contents)?;
        header.counter = seen;
        self.write(&mut header, contents, &values)
    }

    fn value_of(
        &self,
        file: &mut File,
        header: &Header,
        contents: &Contents,
        name: &str,
    ) -> Result<Option<SecretBytes>, VaultError> {
        let Some(entry) = contents.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let sealed = format::read_value(file, contents, entry, &self.path())?;
        let opened = entry.open(&header.id, &self.data_key, &sealed);
        opened
            .map(|value| Some(SecretBytes::from(value)))
            .ok_or_else(|| tampered(&self.path(), "a value"))
    }

    fn sealed_values(&self, file: &mut File, contents: &Contents) -> Result<Vec<Vec<u8>>, VaultError> {
        let path = self.path();
        contents
            .entries
            .iter()
            .map(|entry| format::read_value(file, contents, entry, &path))
            .collect()
    }

    fn put_locked(&self, new: &[(&str, &[u8])]) -> Result<(), VaultError> {
        let (mut file, mut header, mut contents) = self.read_contents()?;
        let mut values = self.sealed_values(&mut file, &contents)?;
        let known = contents.entries.iter().enumerate();
        let mut places: HashMap<String, usize> = known.map(|(at, entry)| (entry.name.clone(), at)).collect();
        for (name, value) in new {
            let (entry, sealed) = Entry::seal(name, &header.id, &self.data_key, value)?;
            match places.get(*name) {
                Some(at) => {
                    contents.entries[*at] = entry;
                    values[*at] = sealed;
                }
                None => {
                    places.insert((*name).to_owned(), values.len());
                    contents.entries.push(entry);
                    values.push(sealed);
                }
            }
        }
        self.write(&mut header, contents, &values)
    }

    /// Values that did not change are carried over as they are, still sealed.
    fn write(&self, header: &mut Header, contents: Contents, values: &[Vec<u8>]) -> Result<(), VaultError> {
        sweep_temporary_files(&self.dir)?;
        let bytes = format::seal(header, &contents, values, &self.data_key)?;
        write_atomic(&self.path(), &bytes, Mode::PRIVATE)?;
        let in_keychain = header.slots.iter().any(|slot| slot.kind == WayKind::Keychain);
        self.memory.record(header.counter, in_keychain);
        Ok(())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("dir", &self.dir)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

fn check_entry(name: &str, value: &[u8]) -> Result<(), VaultError> {
    let why = if name.is_empty() {
        "a name is needed"
    } else if name.len() > LONGEST_NAME {
        "the name is longer than 255 bytes"
    } else if name.chars().any(is_invisible) {
        "the name holds a control character"
    } else if name.split('/').any(str::is_empty) {
        "the name has an empty part"
    } else if value.len() > LARGEST_VALUE {
        "the value is larger than 1 MiB"
    } else {
        return Ok(());
    };
    Err(VaultError::EntryRefused {
        name: name.to_owned(),
        why,
    })
}

fn read_header_of(path: &Path) -> Result<Header, VaultError> {
    Ok(format::read_header(&mut open_file(path)?, path)?.0)
}

fn open_file(path: &Path) -> Result<File, VaultError> {
    File::open(path).map_err(|error| FilesError::new(Action::Read, path, error).into())
}

fn tampered(path: &Path, what: &'static str) -> VaultError {
    VaultError::Tampered {
        path: path.to_path_buf(),
        what,
    }
}

/// Reads exactly `length` bytes; a file that ends before is damaged. Takes no more memory than the file has bytes: the
/// length is believed only when they are there.
fn read_exact(file: &mut impl Read, length: usize, path: &Path) -> Result<Vec<u8>, VaultError> {
    let mut bytes = Vec::with_capacity(length.min(ONE_READ));
    let read = file.take(length as u64).read_to_end(&mut bytes);
    match read.map_err(|error| FilesError::new(Action::Read, path, error))? {
        read if read == length => Ok(bytes),
        _ => Err(tampered(path, "it ends too early")),
    }
}

/// A decrypted value.
type Opened = Zeroizing<Vec<u8>>;

#[cfg(test)]
#[cfg(unix)]
mod tests;
