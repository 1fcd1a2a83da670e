use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use devctl_files::{
    Action, FileLock, FilesError, Mode, ensure_private_dir, ensure_private_file, read_optional,
    remove_if_there, sweep_temporary_files, write_atomic, write_if_changed, write_new,
};
use ssh_key::{Certificate, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::SshError;
use crate::key_error::KeyError;
use crate::user_key::UserKey;

const LOCK: &str = ".lock";
const PUBLIC: &str = ".pub";
const CERTIFICATE: &str = "-cert.pub";
/// Before the name of a key that has not got its place yet. No key has such a name, and no temporary file is swept by it.
const UNFINISHED: &str = ".devctl-next-";

/// Names that Windows gives to devices, in every folder: a directory of keys may come to lie there.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
/// Those that have a number behind them.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// The name of a key in a [`KeyStoreDir`]: 1 to 64 of a to z, 0 to 9, `-` and `_`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`KeyError::NameRefused`]; also for a name that ends in `-cert`, whose public key would be taken for another
    /// key's certificate.
    pub fn new(name: impl Into<String>) -> Result<Self, KeyError> {
        let name = name.into();
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let why = if name.is_empty() || name.len() > 64 {
            "it has 1 to 64 characters"
        } else if !name.bytes().all(plain) {
            "it has a to z, 0 to 9, hyphens and underscores"
        } else if name.starts_with(['-', '_']) {
            "it starts with a letter or a digit"
        } else if name.ends_with("-cert") {
            "files that end in -cert.pub are certificates"
        } else if is_device(&name) {
            "Windows has a device of that name"
        } else {
            return Ok(Self(name));
        };
        Err(KeyError::NameRefused { name, why })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_device(name: &str) -> bool {
    let is_numbered = |device: &str| {
        name.strip_prefix(device)
            .is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9']))
    };
    DEVICES.contains(&name) || NUMBERED_DEVICES.iter().any(|device| is_numbered(device))
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The directory of a person's keys (0700): `NAME`, the private key and encrypted, `NAME.pub` and `NAME-cert.pub`, each
/// 0600.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStoreDir {
    path: PathBuf,
}

/// A key in a [`KeyStoreDir`], as far as it can be seen without its passphrase.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Its name.
    pub name: KeyName,
    /// The public half, as the private key file has it.
    pub public_key: PublicKey,
    /// Whether the private half is encrypted. One that is not was put there by somebody else.
    pub encrypted: bool,
    /// Its certificate, if there is one.
    pub certificate: Option<Certificate>,
}

/// What is not as it should be in a [`KeyStoreDir`], or in the [`SshDir`](crate::SshDir) around it.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyStoreFinding {
    /// Others than the owner may read or write it.
    LooseMode {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Nothing of ours: neither a key nor what belongs to one.
    UnknownFile {
        /// The file.
        path: PathBuf,
    },
    /// A private key in the clear.
    Plain {
        /// The file.
        path: PathBuf,
    },
    /// A file of ours that cannot be read as what it is named.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SshError,
    },
    /// A public key or a certificate of another key than the private one beside it.
    OfAnotherKey {
        /// The file.
        path: PathBuf,
    },
}

/// What is in a [`KeyStoreDir`].
#[derive(Debug, Default)]
pub struct KeyStoreContents {
    /// The keys, by name.
    pub keys: Vec<StoredKey>,
    /// What is wrong.
    pub findings: Vec<KeyStoreFinding>,
}

impl KeyStoreDir {
    /// Names the directory; nothing is made yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The private key file of a name.
    #[must_use]
    pub fn private_path(&self, name: &KeyName) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// The public key file of a name.
    #[must_use]
    pub fn public_path(&self, name: &KeyName) -> PathBuf {
        self.path.join(format!("{name}{PUBLIC}"))
    }

    /// The certificate file of a name.
    #[must_use]
    pub fn certificate_path(&self, name: &KeyName) -> PathBuf {
        self.path.join(format!("{name}{CERTIFICATE}"))
    }

    /// Keeps a new key, encrypted by the passphrase, and records it: `record` runs when the key is written beside its
    /// place and is not there yet. So a process that is killed at any instant leaves neither a record without a key nor a
    /// key without a record: what it began is [`unfinished`](Self::unfinished), to be [finished](Self::finish) where it
    /// is recorded and to be [given up](Self::give_up) where it is not.
    ///
    /// The inner result is that of `record`; where it failed, nothing is kept.
    ///
    /// # Errors
    /// [`KeyError::NameTaken`], [`KeyError::PassphraseEmpty`], or a file cannot be written.
    pub fn add<E>(
        &self,
        name: &KeyName,
        key: &UserKey,
        passphrase: &[u8],
        record: impl FnOnce() -> Result<(), E>,
    ) -> Result<Result<(), E>, SshError> {
        let private = key.to_openssh_encrypted(passphrase)?;
        let lock = self.lock()?;
        if self.private_path(name).exists() {
            return Err(taken(name));
        }
        write_atomic(&self.unfinished_path(name), private.as_bytes(), Mode::PRIVATE)?;
        if let Err(error) = record() {
            self.give_up(name)?;
            return Ok(Err(error));
        }
        self.put_in_place(name, &key.public_line()?, &lock)?;
        Ok(Ok(()))
    }

    /// Puts a key whose maker was killed in its place, with its public half as this line. It does so as well where its
    /// maker was killed after that.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] where there is none, [`KeyError::NameTaken`] where another has the name, or a file cannot be
    /// written.
    pub fn finish(&self, name: &KeyName, public_line: &str) -> Result<(), SshError> {
        self.put_in_place(name, public_line, &self.lock()?)
    }

    fn put_in_place(&self, name: &KeyName, public_line: &str, _: &FileLock) -> Result<(), SshError> {
        let unfinished = self.unfinished_path(name);
        let private = read_optional(&unfinished)?.ok_or_else(|| KeyError::Unknown {
            name: name.to_string(),
        })?;
        let private = Zeroizing::new(private);
        if !write_new(&self.private_path(name), &private, Mode::PRIVATE)? && *self.bytes(name)? != *private {
            return Err(taken(name));
        }
        // What an earlier key of this name has left behind would be of another key.
        remove_if_there(&self.certificate_path(name))?;
        let line = format!("{}\n", public_line.trim_end());
        write_if_changed(&self.public_path(name), line.as_bytes(), Mode::PRIVATE)?;
        remove_if_there(&unfinished)?;
        Ok(())
    }

    /// Removes a key whose maker was killed.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn give_up(&self, name: &KeyName) -> Result<(), SshError> {
        remove_if_there(&self.unfinished_path(name))?;
        Ok(())
    }

    /// The names of the keys whose makers were killed before all was done.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn unfinished(&self) -> Result<Vec<KeyName>, SshError> {
        let failed = |error| FilesError::new(Action::Read, &self.path, error);
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error).into()),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(failed)?.file_name();
            let name = file.to_str().and_then(|name| name.strip_prefix(UNFINISHED));
            names.extend(name.and_then(|name| KeyName::new(name).ok()));
        }
        Ok(names)
    }

    fn unfinished_path(&self, name: &KeyName) -> PathBuf {
        self.path.join(format!("{UNFINISHED}{name}"))
    }

    /// Puts a key in the place of the one of this name: the same with a new passphrase or comment, or its successor.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], [`KeyError::PassphraseEmpty`], or a file cannot be written.
    pub fn replace(&self, name: &KeyName, key: &UserKey, passphrase: &[u8]) -> Result<(), SshError> {
        let private = key.to_openssh_encrypted(passphrase)?;
        let _lock = self.lock()?;
        let held = self.read(name)?;
        if held.public_key().key_data() != key.public_key().key_data() {
            remove_if_there(&self.certificate_path(name))?;
        }
        write_atomic(&self.private_path(name), private.as_bytes(), Mode::PRIVATE)?;
        self.write_public(name, key)
    }

    /// Keeps a key under a second name, encrypted as it is, before another takes its place under the first.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], [`KeyError::NameTaken`], or a file cannot be written.
    pub fn copy(&self, name: &KeyName, second: &KeyName) -> Result<(), SshError> {
        let _lock = self.lock()?;
        let private = self.bytes(name)?;
        if !write_new(&self.private_path(second), &private, Mode::PRIVATE)? {
            return Err(taken(second));
        }
        remove_if_there(&self.certificate_path(second))?;
        for (from, to) in [
            (self.public_path(name), self.public_path(second)),
            (self.certificate_path(name), self.certificate_path(second)),
        ] {
            if let Some(line) = read_optional(&from)? {
                write_atomic(&to, &line, Mode::PRIVATE)?;
            }
        }
        Ok(())
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyError::Unknown`]; otherwise as [`UserKey::import`].
    pub fn load(&self, name: &KeyName, passphrase: Option<&[u8]>) -> Result<UserKey, SshError> {
        UserKey::import(&self.bytes(name)?, passphrase)
    }

    /// Puts a certificate beside the key that it is for.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], [`SshError::CertificateRefused`] if it is for another key, or the file cannot be written.
    pub fn write_certificate(&self, name: &KeyName, certificate: &Certificate) -> Result<(), SshError> {
        let _lock = self.lock()?;
        if self.read(name)?.public_key().key_data() != certificate.public_key() {
            return Err(SshError::CertificateRefused {
                rule: format!("it is not for the key {name:?}", name = name.as_str()),
            });
        }
        let line = certificate.to_openssh().map_err(SshError::Signing)? + "\n";
        write_if_changed(&self.certificate_path(name), line.as_bytes(), Mode::PRIVATE)?;
        Ok(())
    }

    /// Removes a key and all that belongs to it; the private half first. Says whether there was one.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(&self, name: &KeyName) -> Result<bool, SshError> {
        let _lock = self.lock()?;
        let there = remove_if_there(&self.private_path(name))?;
        remove_if_there(&self.unfinished_path(name))?;
        remove_if_there(&self.certificate_path(name))?;
        remove_if_there(&self.public_path(name))?;
        Ok(there)
    }

    /// What is in the directory; it is empty where there is none. Needs no passphrase and corrects nothing.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn contents(&self) -> Result<KeyStoreContents, SshError> {
        let mut contents = KeyStoreContents::default();
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(contents),
            Err(error) => return Err(FilesError::new(Action::Read, &self.path, error).into()),
        };
        loose(&self.path, 0o700, &mut contents.findings)?;
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| FilesError::new(Action::Read, &self.path, error))?;
            if !ours_for_a_moment(&entry.file_name()) {
                files.push(entry.path());
            }
        }
        files.sort();
        let names = files
            .iter()
            .filter_map(|file| KeyName::new(file.file_name()?.to_str()?).ok())
            .filter(|name| self.private_path(name).is_file());
        for name in names {
            match self.stored(name, &mut contents.findings) {
                Ok(key) => contents.keys.push(key),
                Err((path, source)) => contents
                    .findings
                    .push(KeyStoreFinding::Unreadable { path, source }),
            }
        }
        for path in files {
            if self
                .owner(&path)
                .is_none_or(|name| !self.private_path(&name).is_file())
            {
                contents.findings.push(KeyStoreFinding::UnknownFile { path });
            } else {
                loose(&path, 0o600, &mut contents.findings)?;
            }
        }
        Ok(contents)
    }

    /// Corrects the modes of the directory and of everything in it that is ours. Says what was corrected.
    ///
    /// # Errors
    /// A mode cannot be changed.
    pub fn correct_modes(&self) -> Result<Vec<PathBuf>, SshError> {
        let mut corrected = Vec::new();
        for finding in self.contents()?.findings {
            if let KeyStoreFinding::LooseMode { path, .. } = finding {
                if path == self.path {
                    ensure_private_dir(&path)?;
                } else {
                    ensure_private_file(&path)?;
                }
                corrected.push(path);
            }
        }
        Ok(corrected)
    }

    /// One writer at a time; what killed ones left is swept.
    fn lock(&self) -> Result<FileLock, SshError> {
        ensure_private_dir(&self.path)?;
        let lock = FileLock::acquire(&self.path.join(LOCK))?;
        sweep_temporary_files(&self.path)?;
        Ok(lock)
    }

    /// The key to which a file belongs by its name.
    fn owner(&self, path: &Path) -> Option<KeyName> {
        let name = path.file_name()?.to_str()?;
        let stem = name
            .strip_suffix(CERTIFICATE)
            .or_else(|| name.strip_suffix(PUBLIC))
            .unwrap_or(name);
        KeyName::new(stem).ok()
    }

    fn stored(
        &self,
        name: KeyName,
        findings: &mut Vec<KeyStoreFinding>,
    ) -> Result<StoredKey, (PathBuf, SshError)> {
        let path = self.private_path(&name);
        let private = self.read(&name).map_err(|source| (path.clone(), source))?;
        if !private.is_encrypted() {
            findings.push(KeyStoreFinding::Plain { path });
        }
        let path = self.public_path(&name);
        let public = text(&path)
            .map_err(|source| (path.clone(), source))?
            .and_then(|line| PublicKey::from_openssh(&line).ok());
        if public.is_none_or(|public| public.key_data() != private.public_key().key_data()) {
            findings.push(KeyStoreFinding::OfAnotherKey { path });
        }
        let path = self.certificate_path(&name);
        let line = text(&path).map_err(|source| (path.clone(), source))?;
        let certificate = match line.map(|line| Certificate::from_openssh(&line)) {
            None => None,
            Some(Ok(certificate)) if certificate.public_key() == private.public_key().key_data() => {
                Some(certificate)
            }
            Some(Ok(_)) => {
                findings.push(KeyStoreFinding::OfAnotherKey { path });
                None
            }
            Some(Err(source)) => {
                findings.push(KeyStoreFinding::Unreadable {
                    source: SshError::KeyUnreadable {
                        path: path.clone(),
                        source,
                    },
                    path,
                });
                None
            }
        };
        Ok(StoredKey {
            name,
            public_key: private.public_key().clone(),
            encrypted: private.is_encrypted(),
            certificate,
        })
    }

    fn write_public(&self, name: &KeyName, key: &UserKey) -> Result<(), SshError> {
        let line = key.public_line()? + "\n";
        write_if_changed(&self.public_path(name), line.as_bytes(), Mode::PRIVATE)?;
        Ok(())
    }

    fn bytes(&self, name: &KeyName) -> Result<Zeroizing<Vec<u8>>, SshError> {
        let bytes = read_optional(&self.private_path(name))?.ok_or_else(|| KeyError::Unknown {
            name: name.to_string(),
        })?;
        Ok(Zeroizing::new(bytes))
    }

    /// The key as it is in its file: encrypted, with the public half in the clear.
    fn read(&self, name: &KeyName) -> Result<PrivateKey, SshError> {
        PrivateKey::from_openssh(self.bytes(name)?.as_slice()).map_err(|source| SshError::KeyUnreadable {
            path: self.private_path(name),
            source,
        })
    }
}

fn taken(name: &KeyName) -> SshError {
    let name = name.to_string();
    KeyError::NameTaken { name }.into()
}

fn text(path: &Path) -> Result<Option<String>, SshError> {
    let bytes = read_optional(path)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()))
}

/// Whether it is the lock of a directory of ours, or a file that is being written or was when its writer was killed.
pub(crate) fn ours_for_a_moment(name: &OsStr) -> bool {
    name == LOCK || name.to_str().is_some_and(|name| name.starts_with(".devctl-"))
}

#[cfg(unix)]
pub(crate) fn loose(path: &Path, most: u32, findings: &mut Vec<KeyStoreFinding>) -> Result<(), SshError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata =
        std::fs::symlink_metadata(path).map_err(|error| FilesError::new(Action::Read, path, error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if !metadata.is_symlink() && mode & !most != 0 {
        findings.push(KeyStoreFinding::LooseMode {
            path: path.to_path_buf(),
            mode,
        });
    }
    Ok(())
}

/// Access lists, which are inherited from the user's profile, take the place of modes.
#[cfg(not(unix))]
pub(crate) fn loose(_: &Path, _: u32, _: &mut Vec<KeyStoreFinding>) -> Result<(), SshError> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
