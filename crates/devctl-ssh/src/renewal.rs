use std::path::Path;

use devctl_files::read_optional;
use ssh_key::{Certificate, PublicKey};

use crate::authority::read_trusted_authorities;
use crate::key_file::HostKey;
use crate::ssh_dir::SshDir;

/// Why a certificate has to be signed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// There is no key to certify.
    NoKey,
    /// There is no certificate.
    Missing,
    /// The certificate or a file beside it cannot be read.
    Unreadable,
    /// The certificate is of another key.
    OtherKey,
    /// No trusted authority signed it, or none is known.
    OtherAuthority,
    /// It names another host.
    OtherName,
    /// Its time has not come: the clock went back.
    NotYetValid,
    /// Two thirds of its life are over.
    Old,
    /// Its time is over.
    Expired,
}

/// Whether the user certificate has to be renewed at `now` (seconds since the epoch). `authorities` is the file that
/// [`write_trusted_authorities`](crate::write_trusted_authorities) keeps in the state directory: without it, or with
/// another authority in it, the certificate is worthless.
///
/// Reads a directory and three small files, and nothing else: no vault, no keychain, no database. What cannot be read is due.
#[must_use]
pub fn renewal_due(dir: &SshDir, authorities: &Path, now: u64) -> Option<Due> {
    let Ok(files) = dir.access_key() else {
        return Some(Due::Unreadable);
    };
    let subject = match read_optional(&files.public) {
        Ok(Some(line)) => match PublicKey::from_openssh(&String::from_utf8_lossy(&line)) {
            Ok(key) => key,
            Err(_) => return Some(Due::Unreadable),
        },
        Ok(None) => return Some(Due::NoKey),
        Err(_) => return Some(Due::Unreadable),
    };
    if !files.private.exists() {
        return Some(Due::NoKey);
    }
    match read_certificate(&files.certificate) {
        Ok(certificate) => due(&certificate, &subject, authorities, now),
        Err(due) => Some(due),
    }
}

/// Whether the certificate of a host key has to be renewed at `now`; it must prove `name` (`NAME.devctl`).
#[must_use]
pub fn host_renewal_due(key: &HostKey, name: &str, authorities: &Path, now: u64) -> Option<Due> {
    let certificate = match read_certificate(key.certificate_path()) {
        Ok(certificate) => certificate,
        Err(due) => return Some(due),
    };
    if !certificate
        .valid_principals()
        .iter()
        .any(|principal| principal == name)
    {
        return Some(Due::OtherName);
    }
    due(&certificate, key.public_key(), authorities, now)
}

fn read_certificate(path: &Path) -> Result<Certificate, Due> {
    match read_optional(path) {
        Ok(Some(line)) => {
            Certificate::from_openssh(String::from_utf8_lossy(&line).trim_end()).map_err(|_| Due::Unreadable)
        }
        Ok(None) => Err(Due::Missing),
        Err(_) => Err(Due::Unreadable),
    }
}

fn due(certificate: &Certificate, subject: &PublicKey, authorities: &Path, now: u64) -> Option<Due> {
    if certificate.public_key() != subject.key_data() {
        return Some(Due::OtherKey);
    }
    let Ok(trusted) = read_trusted_authorities(authorities) else {
        return Some(Due::Unreadable);
    };
    if !trusted
        .iter()
        .any(|authority| authority.key_data() == certificate.signature_key())
    {
        return Some(Due::OtherAuthority);
    }
    let (after, before) = (certificate.valid_after(), certificate.valid_before());
    if now < after {
        return Some(Due::NotYetValid);
    }
    if now >= before {
        return Some(Due::Expired);
    }
    let third = before.saturating_sub(after) / 3;
    (now >= before.saturating_sub(third)).then_some(Due::Old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_key::AccessKey;
    use crate::authority::{Authority, AuthorityKind, write_trusted_authorities};
    use crate::certificate::{
        HostCertRequest, Principal, UserCertRequest, issue_host_certificate, issue_user_certificate,
    };
    use crate::key_file::HostKeys;
    use std::fs;

    const NOW: u64 = 1_800_000_000;
    const DAY: u64 = 24 * 60 * 60;

    struct Issued {
        home: tempfile::TempDir,
        dir: SshDir,
        authority: Authority,
    }

    impl Issued {
        fn at(now: u64) -> Self {
            let home = tempfile::tempdir().unwrap();
            let dir = SshDir::new(home.path().join("devctl"));
            let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
            write_trusted_authorities(&home.path().join("trusted"), &[authority.public_key().clone()])
                .unwrap();
            let issued = Self { home, dir, authority };
            issued.renew(now);
            issued
        }

        fn renew(&self, now: u64) {
            let key = AccessKey::ensure(&self.dir, "dev").unwrap();
            let principals = vec![Principal::new("owner-1").unwrap()];
            let request = UserCertRequest::at(now, 1, "dev".to_owned(), principals);
            let certificate = issue_user_certificate(&self.authority, key.public_key(), &request).unwrap();
            key.write_certificate(&certificate).unwrap();
        }

        fn due(&self, now: u64) -> Option<Due> {
            renewal_due(&self.dir, &self.home.path().join("trusted"), now)
        }
    }

    #[test]
    fn nothing_is_due_until_two_thirds_are_over() {
        let issued = Issued::at(NOW);
        assert_eq!(issued.due(NOW), None);
        assert_eq!(issued.due(NOW + 10 * 60 * 60), None);
        assert_eq!(issued.due(NOW + 11 * 60 * 60), Some(Due::Old));
        assert_eq!(issued.due(NOW + 30 * DAY), Some(Due::Expired));
        assert_eq!(issued.due(NOW - DAY), Some(Due::NotYetValid));
        issued.renew(NOW + 30 * DAY);
        assert_eq!(issued.due(NOW + 30 * DAY), None);
    }

    #[test]
    fn what_is_missing_damaged_or_of_others_is_due() {
        let issued = Issued::at(NOW);
        let trusted = issued.home.path().join("trusted");
        let keep = fs::read(&trusted).unwrap();
        let other = Authority::generate(AuthorityKind::User, 2).unwrap();
        write_trusted_authorities(&trusted, &[other.public_key().clone()]).unwrap();
        assert_eq!(issued.due(NOW), Some(Due::OtherAuthority));
        fs::remove_file(&trusted).unwrap();
        assert_eq!(issued.due(NOW), Some(Due::OtherAuthority));
        fs::write(&trusted, keep).unwrap();

        fs::write(
            issued.dir.access_key().unwrap().certificate,
            "ssh-ed25519-cert-v01@openssh.com AAAA rubbish",
        )
        .unwrap();
        assert_eq!(issued.due(NOW), Some(Due::Unreadable));
        fs::write(issued.dir.access_key().unwrap().certificate, "").unwrap();
        assert_eq!(issued.due(NOW), Some(Due::Unreadable));
        fs::remove_file(issued.dir.access_key().unwrap().certificate).unwrap();
        assert_eq!(issued.due(NOW), Some(Due::Missing));

        issued.renew(NOW);
        fs::remove_file(issued.dir.access_key().unwrap().private).unwrap();
        assert_eq!(issued.due(NOW), Some(Due::NoKey));
        AccessKey::ensure(&issued.dir, "dev").unwrap();
        assert_eq!(issued.due(NOW), Some(Due::OtherKey));
    }

    #[test]
    fn a_host_certificate_must_carry_the_name() {
        let home = tempfile::tempdir().unwrap();
        let trusted = home.path().join("trusted");
        let authority = Authority::generate(AuthorityKind::Host, 1).unwrap();
        write_trusted_authorities(&trusted, &[authority.public_key().clone()]).unwrap();
        let key = HostKeys::new(home.path().join("hosts")).ensure("abc").unwrap();
        assert_eq!(
            host_renewal_due(&key, "web.devctl", &trusted, NOW),
            Some(Due::Missing)
        );
        let names = vec![Principal::new("web.devctl").unwrap()];
        let request = HostCertRequest::at(NOW, 1, "web".to_owned(), names);
        let certificate = issue_host_certificate(&authority, key.public_key(), &request).unwrap();
        key.write_certificate(&certificate).unwrap();
        assert_eq!(
            host_renewal_due(&key, "web.devctl", &trusted, NOW + 19 * DAY),
            None
        );
        assert_eq!(
            host_renewal_due(&key, "api.devctl", &trusted, NOW),
            Some(Due::OtherName)
        );
        assert_eq!(
            host_renewal_due(&key, "web.devctl", &trusted, NOW + 21 * DAY),
            Some(Due::Old)
        );
        assert!(
            key.certificate_line()
                .unwrap()
                .unwrap()
                .starts_with("ssh-ed25519-cert-v01@openssh.com ")
        );
    }
}
