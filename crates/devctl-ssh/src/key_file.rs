use std::fmt;
use std::path::{Path, PathBuf};

use devctl_files::{
    FilesError, Mode, ensure_private_dir, ensure_private_file, read_optional, remove_if_there,
    write_if_changed, write_new,
};
use ssh_key::{Certificate, LineEnding, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::SshError;
use crate::key;
use crate::ssh_dir::SshDir;

/// The one key of a person for all containers: a plain 0600 file, worthless without a fresh certificate.
#[derive(Debug, Clone)]
pub struct AccessKey {
    path: PathBuf,
    public: PublicKey,
}

impl AccessKey {
    /// Reads the key, or makes it. Processes that come at once all get the same key. Modes that are too loose are
    /// corrected, and a `.pub` file that is missing or of another key is written anew.
    ///
    /// # Errors
    /// [`SshError::KeyUnreadable`] if something else is in the file: it is not overwritten.
    pub fn ensure(dir: &SshDir, comment: &str) -> Result<Self, SshError> {
        dir.ensure()?;
        let path = dir.access_key();
        let key = read_or_make(&path, comment)?;
        let public = key.public_key().clone();
        let line = key::public_line(&public)? + "\n";
        write_if_changed(&dir.access_key_public(), line.as_bytes(), Mode::PRIVATE)?;
        Ok(Self { path, public })
    }

    /// The key that is to follow this one, made if there is none.
    ///
    /// An `ssh` reads the public halves and certificates when it starts and the private half when it signs, so a change
    /// of the files in between would fail its login. Therefore the change has these steps; each can be repeated after
    /// a crash, and before each of the last two a time passes in which every `ssh` that has started has logged in:
    ///
    /// 1. make the follower, have it certified ([`SshDir::write_next_certificate`]), and generate a client
    ///    configuration that offers both pairs;
    /// 2. [`AccessKey::take_over`]: whoever is caught by it uses the follower under its own name;
    /// 3. [`AccessKey::discard_follower`], and generate the configuration with one pair again.
    ///
    /// # Errors
    /// As [`AccessKey::ensure`].
    pub fn follower(dir: &SshDir, comment: &str) -> Result<Self, SshError> {
        dir.ensure()?;
        let path = dir.next_key();
        let public = read_or_make(&path, comment)?.public_key().clone();
        let line = key::public_line(&public)? + "\n";
        write_if_changed(&dir.next_key_public(), line.as_bytes(), Mode::PRIVATE)?;
        Ok(Self { path, public })
    }

    /// Puts the follower and its certificate in the place of the access key too, and says which key it was; `None` if
    /// there is no follower. Its own files stay: between the writes the old names hold parts of both keys.
    ///
    /// # Errors
    /// [`SshError::CertificateRefused`] if the follower has no certificate of its own yet: nothing is changed then.
    pub fn take_over(dir: &SshDir) -> Result<Option<Self>, SshError> {
        let Some(next) = read(&dir.next_key())? else {
            return Ok(None);
        };
        let line = read_optional(&dir.next_certificate())?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .filter(|line| {
                Certificate::from_openssh(line.trim_end())
                    .is_ok_and(|certificate| certificate.public_key() == next.public_key().key_data())
            })
            .ok_or_else(|| SshError::CertificateRefused {
                rule: "the key that is to follow has no certificate yet".to_owned(),
            })?;
        let private = next.to_openssh(LineEnding::LF).map_err(SshError::Signing)?;
        let public = key::public_line(next.public_key())? + "\n";
        write_if_changed(&dir.access_key(), private.as_bytes(), Mode::PRIVATE)?;
        write_if_changed(&dir.access_key_public(), public.as_bytes(), Mode::PRIVATE)?;
        write_if_changed(&dir.certificate(), line.as_bytes(), Mode::PRIVATE)?;
        Ok(Some(Self {
            path: dir.access_key(),
            public: next.public_key().clone(),
        }))
    }

    /// Removes the follower's own files: before it has taken over that gives it up. Nothing happens if there is none.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn discard_follower(dir: &SshDir) -> Result<(), SshError> {
        for path in [dir.next_certificate(), dir.next_key_public(), dir.next_key()] {
            remove_if_there(&path)?;
        }
        Ok(())
    }

    /// The private key file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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
}

/// The host keys of all containers, below one directory of the state: `ID/ssh_host_ed25519_key` and its certificate.
#[derive(Debug, Clone)]
pub struct HostKeys {
    dir: PathBuf,
}

impl HostKeys {
    /// Names the directory; nothing is made yet.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Reads the host key of a container, or makes it; of processes at once all get the same.
    ///
    /// # Errors
    /// [`SshError::Name`] if the id cannot be a file name, [`SshError::KeyUnreadable`] if the file is damaged.
    pub fn ensure(&self, container_id: &str) -> Result<HostKey, SshError> {
        let dir = self.directory_of(container_id)?;
        ensure_private_dir(&dir)?;
        let path = dir.join("ssh_host_ed25519_key");
        let key = read_or_make(&path, container_id)?;
        Ok(HostKey {
            certificate_path: dir.join("ssh_host_ed25519_key-cert.pub"),
            path,
            key,
        })
    }

    /// Removes the host key and certificate of a container; nothing happens if there are none.
    ///
    /// # Errors
    /// The directory cannot be removed.
    pub fn remove(&self, container_id: &str) -> Result<(), SshError> {
        let dir = self.directory_of(container_id)?;
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FilesError::new(devctl_files::Action::Remove, dir, error).into())
            }
            _ => Ok(()),
        }
    }

    fn directory_of(&self, container_id: &str) -> Result<PathBuf, SshError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if container_id.is_empty()
            || container_id.len() > 128
            || container_id.starts_with('.')
            || !container_id.bytes().all(plain)
        {
            return Err(SshError::Name {
                name: container_id.to_owned(),
                why: "a container id has 1 to 128 letters, digits, hyphens, dots and underscores",
            });
        }
        Ok(self.dir.join(container_id))
    }
}

/// The host key of one container. Holds the private half; `Debug` shows the fingerprint only.
pub struct HostKey {
    path: PathBuf,
    certificate_path: PathBuf,
    key: PrivateKey,
}

impl HostKey {
    /// The private key file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The certificate file; it need not exist.
    #[must_use]
    pub fn certificate_path(&self) -> &Path {
        &self.certificate_path
    }

    /// The public half: the subject of the host certificate.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// `SHA256:…`
    #[must_use]
    pub fn fingerprint(&self) -> String {
        key::fingerprint(self.key.public_key())
    }

    /// The private half in OpenSSH's format, for the agent's standard input and for nowhere else.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn private_openssh(&self) -> Result<Zeroizing<String>, SshError> {
        self.key.to_openssh(LineEnding::LF).map_err(SshError::Signing)
    }

    /// The certificate line as it is on the disk, or `None`; whether it is still good says
    /// [`host_renewal_due`](crate::host_renewal_due).
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub fn certificate_line(&self) -> Result<Option<String>, SshError> {
        let bytes = read_optional(&self.certificate_path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()))
    }

    /// Puts a new certificate in place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_certificate(&self, certificate: &Certificate) -> Result<(), SshError> {
        let line = certificate.to_openssh().map_err(SshError::Signing)? + "\n";
        write_if_changed(&self.certificate_path, line.as_bytes(), Mode::PRIVATE)?;
        Ok(())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostKey")
            .field("path", &self.path)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// What is in the file always wins: whoever loses the race to make it reads the winner's.
fn read_or_make(path: &Path, comment: &str) -> Result<PrivateKey, SshError> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let made = key::generate(comment)?;
    let text = made.to_openssh(LineEnding::LF).map_err(SshError::Signing)?;
    if write_new(path, text.as_bytes(), Mode::PRIVATE)? {
        return Ok(made);
    }
    read(path)?.ok_or_else(|| {
        FilesError::new(
            devctl_files::Action::Read,
            path,
            std::io::ErrorKind::NotFound.into(),
        )
        .into()
    })
}

fn read(path: &Path) -> Result<Option<PrivateKey>, SshError> {
    let Some(bytes) = read_optional(path)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let unreadable = |source| SshError::KeyUnreadable {
        path: path.to_path_buf(),
        source,
    };
    let key = PrivateKey::from_openssh(bytes.as_slice()).map_err(unreadable)?;
    if key.is_encrypted() {
        return Err(unreadable(ssh_key::Error::Encrypted));
    }
    // Corrects the mode: ssh refuses a private key that others can read.
    ensure_private_file(path)?;
    Ok(Some(key))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::authority::{Authority, AuthorityKind};
    use crate::certificate::{Principal, UserCertRequest, issue_user_certificate};
    use crate::key_store::KeyStoreFinding;
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
        let on_disk = PrivateKey::from_openssh(fs::read(dir.access_key()).unwrap()).unwrap();
        assert_eq!(key::fingerprint(on_disk.public_key()), prints[0]);
        let public = PublicKey::from_openssh(&fs::read_to_string(dir.access_key_public()).unwrap()).unwrap();
        assert_eq!(key::fingerprint(&public), prints[0]);
    }

    #[test]
    fn loose_modes_are_corrected_and_a_wrong_pub_file_is_written_anew() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join("devctl"));
        let made = AccessKey::ensure(&dir, "dev").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(dir.access_key(), fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(dir.access_key_public(), "ssh-ed25519 rubbish").unwrap();
        let again = AccessKey::ensure(&dir, "dev").unwrap();
        assert_eq!(again.fingerprint(), made.fingerprint());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(dir.path()), mode(&dir.access_key())), (0o700, 0o600));
        assert_eq!(
            fs::read_to_string(dir.access_key_public()).unwrap().trim(),
            made.public_line().unwrap()
        );
    }

    #[test]
    fn a_follower_takes_over_when_it_is_certified_and_as_often_as_wanted() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join("devctl"));
        let old = AccessKey::ensure(&dir, "dev").unwrap();
        let files = || fs::read_dir(dir.path()).unwrap().count();
        assert!(AccessKey::take_over(&dir).unwrap().is_none());
        let before = files();

        let next = AccessKey::follower(&dir, "dev").unwrap();
        assert_eq!(
            AccessKey::follower(&dir, "dev").unwrap().fingerprint(),
            next.fingerprint()
        );
        assert_ne!(next.fingerprint(), old.fingerprint());
        let certify = |key: &AccessKey| {
            let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
            let principals = vec![Principal::new("owner-1").unwrap()];
            let request = UserCertRequest::at(1_800_000_000, 1, "dev".to_owned(), principals);
            issue_user_certificate(&authority, key.public_key(), &request).unwrap()
        };
        for unfit in [None, Some(certify(&old))] {
            if let Some(unfit) = unfit {
                dir.write_next_certificate(&unfit).unwrap();
            }
            let error = AccessKey::take_over(&dir).unwrap_err();
            assert_eq!(error.code(), "ssh.certificate_refused");
            assert_eq!(
                AccessKey::ensure(&dir, "dev").unwrap().fingerprint(),
                old.fingerprint()
            );
        }

        let certificate = certify(&next);
        dir.write_next_certificate(&certificate).unwrap();
        let taken = AccessKey::take_over(&dir).unwrap().unwrap();
        assert_eq!(taken.fingerprint(), next.fingerprint());
        assert_eq!(
            AccessKey::ensure(&dir, "dev").unwrap().fingerprint(),
            next.fingerprint()
        );
        let line = fs::read_to_string(dir.certificate()).unwrap();
        assert_eq!(line.trim_end(), certificate.to_openssh().unwrap());
        assert_eq!(
            AccessKey::take_over(&dir).unwrap().unwrap().fingerprint(),
            next.fingerprint()
        );
        assert_eq!(
            files(),
            before + 4,
            "the certificate, and the follower's own three files"
        );
        assert!(dir.findings().unwrap().is_empty());
        AccessKey::discard_follower(&dir).unwrap();
        assert_eq!(files(), before + 1);
        assert_eq!(
            AccessKey::ensure(&dir, "dev").unwrap().fingerprint(),
            next.fingerprint()
        );
    }

    #[test]
    fn a_follower_can_be_given_up() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join("devctl"));
        let old = AccessKey::ensure(&dir, "dev").unwrap();
        AccessKey::follower(&dir, "dev").unwrap();
        AccessKey::discard_follower(&dir).unwrap();
        AccessKey::discard_follower(&dir).unwrap();
        assert!(AccessKey::take_over(&dir).unwrap().is_none());
        assert_eq!(
            AccessKey::ensure(&dir, "dev").unwrap().fingerprint(),
            old.fingerprint()
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
        fs::set_permissions(dir.access_key(), fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(dir.path().join("notes"), "").unwrap();
        let findings = dir.findings().unwrap();
        assert!(
            matches!(
                findings.as_slice(),
                [KeyStoreFinding::LooseMode { path, mode: 0o640 }, KeyStoreFinding::UnknownFile { path: other }]
                    if *path == dir.access_key() && other.ends_with("notes")
            ),
            "{findings:?}"
        );
    }

    #[test]
    fn a_damaged_key_is_named_and_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path());
        fs::write(dir.access_key(), "not a key").unwrap();
        let error = AccessKey::ensure(&dir, "dev").unwrap_err();
        assert_eq!(error.code(), "ssh.key_unreadable");
        assert!(error.to_string().contains("id_ed25519"));
        assert_eq!(fs::read(dir.access_key()).unwrap(), b"not a key");
    }

    #[test]
    fn a_host_key_is_per_container_and_ids_cannot_leave_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let keys = HostKeys::new(home.path().join("hosts"));
        let one = keys.ensure("abc").unwrap();
        assert_eq!(keys.ensure("abc").unwrap().public_key(), one.public_key());
        assert_ne!(keys.ensure("def").unwrap().public_key(), one.public_key());
        assert_eq!(one.certificate_line().unwrap(), None);
        for bad in ["", "..", "../x", "a/b", ".hidden", "a b"] {
            assert_eq!(
                keys.ensure(bad).unwrap_err().code(),
                "ssh.name_invalid",
                "{bad:?}"
            );
        }
        keys.remove("abc").unwrap();
        keys.remove("abc").unwrap();
        assert!(!one.path().exists());
        assert!(!format!("{one:?}").contains("PRIVATE"));
    }
}
