use std::path::{Path, PathBuf};

use devctl_files::{Mode, remove_if_there, write_if_changed};
use ssh_key::{Certificate, PublicKey};

use crate::error::SshError;
use crate::key;
use crate::key_error::KeyError;
use crate::key_file::read_or_make;
use crate::ssh_dir::SshDir;

/// The name of the first access key; a later one has its number behind it.
const NAME: &str = "id_ed25519";

/// The files of one access key. Each key has names of its own, and they are never those of another: `ssh` reads key and
/// certificate one after the other, and one that runs while the key is changed finds both of the old or both of the new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyFiles {
    /// The how-manieth access key it is, from 1.
    pub generation: u32,
    /// The private half.
    pub private: PathBuf,
    /// The public half.
    pub public: PathBuf,
    /// The certificate.
    pub certificate: PathBuf,
}

impl AccessKeyFiles {
    pub(crate) fn of(dir: &Path, generation: u32) -> Self {
        let name = match generation {
            1 => NAME.to_owned(),
            later => format!("{NAME}-{later}"),
        };
        Self {
            generation,
            public: dir.join(format!("{name}.pub")),
            certificate: dir.join(format!("{name}-cert.pub")),
            private: dir.join(name),
        }
    }

    /// The generation that a file of this name belongs to.
    pub(crate) fn generation_of(file_name: &str) -> Option<u32> {
        let stem = file_name
            .strip_suffix("-cert.pub")
            .or_else(|| file_name.strip_suffix(".pub"))
            .unwrap_or(file_name);
        match stem.strip_prefix(NAME)? {
            "" => Some(1),
            later => {
                let number = later.strip_prefix('-')?;
                let generation = number.parse().ok()?;
                (generation > 1 && number == format!("{generation}")).then_some(generation)
            }
        }
    }

    /// The public half as the file has it; `None` where there is no such file.
    ///
    /// # Errors
    /// [`SshError::KeyUnreadable`] if something else is in the file.
    pub fn public_key(&self) -> Result<Option<PublicKey>, SshError> {
        let Some(line) = devctl_files::read_optional(&self.public)? else {
            return Ok(None);
        };
        PublicKey::from_openssh(String::from_utf8_lossy(&line).trim_end())
            .map(Some)
            .map_err(|source| SshError::KeyUnreadable {
                path: self.public.clone(),
                source,
            })
    }

    /// Puts a new certificate in place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_certificate(&self, certificate: &Certificate) -> Result<(), SshError> {
        let line = certificate.to_openssh().map_err(SshError::Signing)? + "\n";
        write_if_changed(&self.certificate, line.as_bytes(), Mode::PRIVATE)?;
        Ok(())
    }

    /// Removes the files, the private half first.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(&self) -> Result<(), SshError> {
        for path in [&self.private, &self.certificate, &self.public] {
            remove_if_there(path)?;
        }
        Ok(())
    }
}

/// The one key of a person for all containers: a plain 0600 file, worthless without a fresh certificate.
#[derive(Debug, Clone)]
pub struct AccessKey {
    files: AccessKeyFiles,
    public: PublicKey,
}

impl AccessKey {
    /// Reads the key in use, or makes it. Processes that come at once all get the same key. Modes that are too loose are
    /// corrected, and a `.pub` file that is missing or of another key is written anew.
    ///
    /// # Errors
    /// [`SshError::KeyUnreadable`] if something else is in the file: it is not overwritten.
    pub fn ensure(dir: &SshDir, comment: &str) -> Result<Self, SshError> {
        dir.ensure()?;
        Self::at(dir.access_key()?, comment)
    }

    /// Makes the key that follows the one in use, which from now on is the one in use. What is written before stays as
    /// it is, so that it can be used until [`AccessKeyFiles::remove`]. The caller certifies the new key and generates
    /// the client configuration again; where that is cut off, the renewal makes up for it.
    ///
    /// # Errors
    /// As [`AccessKey::ensure`].
    pub fn make_next(dir: &SshDir, comment: &str) -> Result<Self, SshError> {
        dir.ensure()?;
        let last = dir.access_key()?.generation;
        let next = last.checked_add(1).ok_or_else(|| KeyError::NameTaken {
            name: format!("{NAME}-{last}"),
        })?;
        Self::at(AccessKeyFiles::of(dir.path(), next), comment)
    }

    fn at(files: AccessKeyFiles, comment: &str) -> Result<Self, SshError> {
        let key = read_or_make(&files.private, comment)?;
        let public = key.public_key().clone();
        let line = key::public_line(&public)? + "\n";
        write_if_changed(&files.public, line.as_bytes(), Mode::PRIVATE)?;
        Ok(Self { files, public })
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &AccessKeyFiles {
        &self.files
    }

    /// The private key file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.files.private
    }

    /// The public half: the subject of the user certificate.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// `ssh-ed25519 AAAA… comment`
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn public_line(&self) -> Result<String, SshError> {
        key::public_line(&self.public)
    }

    /// `SHA256:…`
    #[must_use]
    pub fn fingerprint(&self) -> String {
        key::fingerprint(&self.public)
    }

    /// Puts a new certificate in place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_certificate(&self, certificate: &Certificate) -> Result<(), SshError> {
        self.files.write_certificate(certificate)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::key_store::KeyStoreFinding;
    use ssh_key::PrivateKey;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn all_that_come_at_once_get_the_same_key() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join(".ssh/devctl"));
        let prints: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| AccessKey::ensure(&dir, "dev").unwrap().fingerprint()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(prints.iter().all(|print| *print == prints[0]));
        let on_disk = PrivateKey::from_openssh(fs::read(dir.access_key().unwrap().private).unwrap()).unwrap();
        assert_eq!(key::fingerprint(on_disk.public_key()), prints[0]);
        let public =
            PublicKey::from_openssh(&fs::read_to_string(dir.access_key().unwrap().public).unwrap()).unwrap();
        assert_eq!(key::fingerprint(&public), prints[0]);
    }

    #[test]
    fn loose_modes_are_corrected_and_a_wrong_pub_file_is_written_anew() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join("devctl"));
        let made = AccessKey::ensure(&dir, "dev").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(
            dir.access_key().unwrap().private,
            fs::Permissions::from_mode(0o644),
        )
        .unwrap();
        fs::write(dir.access_key().unwrap().public, "ssh-ed25519 rubbish").unwrap();
        let again = AccessKey::ensure(&dir, "dev").unwrap();
        assert_eq!(again.fingerprint(), made.fingerprint());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(dir.path()), mode(&dir.access_key().unwrap().private)),
            (0o700, 0o600)
        );
        assert_eq!(
            fs::read_to_string(dir.access_key().unwrap().public)
                .unwrap()
                .trim(),
            made.public_line().unwrap()
        );
    }

    #[test]
    fn what_is_loose_or_not_ours_in_the_directory_is_found() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join("devctl"));
        assert!(dir.findings().unwrap().is_empty());
        AccessKey::ensure(&dir, "dev").unwrap();
        drop(dir.lock().unwrap());
        fs::create_dir(dir.path().join("keys")).unwrap();
        assert!(dir.findings().unwrap().is_empty());
        fs::set_permissions(
            dir.access_key().unwrap().private,
            fs::Permissions::from_mode(0o640),
        )
        .unwrap();
        fs::write(dir.path().join("notes"), "").unwrap();
        let findings = dir.findings().unwrap();
        assert!(
            matches!(
                findings.as_slice(),
                [KeyStoreFinding::LooseMode { path, mode: 0o640 }, KeyStoreFinding::UnknownFile { path: other }]
                    if *path == dir.access_key().unwrap().private && other.ends_with("notes")
            ),
            "{findings:?}"
        );
    }

    #[test]
    fn a_damaged_key_is_named_and_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path());
        fs::write(dir.access_key().unwrap().private, "not a key").unwrap();
        let error = AccessKey::ensure(&dir, "dev").unwrap_err();
        assert_eq!(error.code(), "ssh.key_unreadable");
        assert!(error.to_string().contains("id_ed25519"));
        assert_eq!(fs::read(dir.access_key().unwrap().private).unwrap(), b"not a key");
    }

    #[test]
    fn each_key_has_names_of_its_own_and_the_youngest_is_in_use() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join("devctl"));
        let first = AccessKey::ensure(&dir, "dev").unwrap();
        let second = AccessKey::make_next(&dir, "dev").unwrap();
        assert_eq!(second.files().generation, 2);
        assert!(second.path().ends_with("id_ed25519-2"));
        assert_ne!(first.fingerprint(), second.fingerprint());
        assert_eq!(
            AccessKey::ensure(&dir, "dev").unwrap().fingerprint(),
            second.fingerprint()
        );
        assert!(dir.findings().unwrap().is_empty());
        let both = dir.access_keys().unwrap();
        assert_eq!(both.iter().map(|one| one.generation).collect::<Vec<_>>(), [1, 2]);
        let old = both.first().unwrap();
        assert_eq!(old.public_key().unwrap().as_ref(), Some(first.public_key()));

        // Lost, it comes back at its own place and not at the last one's.
        fs::remove_file(second.path()).unwrap();
        let again = AccessKey::ensure(&dir, "dev").unwrap();
        assert_eq!(again.path(), second.path());
        old.remove().unwrap();
        old.remove().unwrap();
        assert_eq!(dir.access_keys().unwrap().len(), 1);
        assert_eq!(dir.access_key().unwrap().generation, 2);
        assert_eq!(old.public_key().unwrap(), None);
    }

    #[test]
    fn only_names_of_ours_are_generations() {
        for (name, generation) in [
            ("id_ed25519", Some(1)),
            ("id_ed25519.pub", Some(1)),
            ("id_ed25519-cert.pub", Some(1)),
            ("id_ed25519-12-cert.pub", Some(12)),
            ("id_ed25519-2.pub", Some(2)),
            ("id_ed25519-1", None),
            ("id_ed25519-02", None),
            ("id_ed25519-+2", None),
            ("id_ed25519-x", None),
            ("id_ed25519.bak", None),
            ("id_ed25519-99999999999", None),
            ("id_rsa", None),
        ] {
            assert_eq!(AccessKeyFiles::generation_of(name), generation, "{name}");
        }
    }
}
