use std::fmt;

use serde::{Deserialize, Serialize};
use ssh_key::certificate::{Builder, CertType};
use ssh_key::{Certificate, PublicKey};

use crate::authority::AuthorityKind;
use crate::cidr::Cidr;
use crate::error::SshError;
use crate::signer::Signer;

/// Seconds that a certificate is dated back, for clocks that differ.
pub const BACKDATE: u64 = 5 * 60;

/// Seconds that a user certificate is valid from its issue: 16 hours.
pub const USER_VALIDITY: u64 = 16 * 60 * 60;

/// Seconds that a host certificate is valid from its issue: 30 days.
pub const HOST_VALIDITY: u64 = 30 * 24 * 60 * 60;

/// OpenSSH reads at most this many principals of one certificate (`SSHKEY_CERT_MAX_PRINCIPALS`).
const MOST_PRINCIPALS: usize = 256;

/// Longest key id that we sign; it is a line in logs.
const LONGEST_KEY_ID: usize = 255;

/// What a certificate says that its holder may enter, or the name that a host may carry: never empty, never a
/// pattern, never two in one (OpenSSH before 10.3 took some of these for wildcards).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(String);

impl Principal {
    /// Reads a principal.
    ///
    /// # Errors
    /// [`SshError::Principal`] for an empty one and for commas, `*`, `?`, `!`, blanks and control characters.
    pub fn new(principal: impl Into<String>) -> Result<Self, SshError> {
        let principal = principal.into();
        let why = if principal.is_empty() {
            "it is empty"
        } else if principal.len() > 255 {
            "it is longer than 255 bytes"
        } else if principal
            .chars()
            .any(|character| matches!(character, ',' | '*' | '?' | '!'))
        {
            "commas and wildcards are not allowed"
        } else if principal
            .chars()
            .any(|character| character.is_whitespace() || character.is_control())
        {
            "blanks and control characters are not allowed"
        } else {
            return Ok(Self(principal));
        };
        Err(SshError::Principal { principal, why })
    }

    /// The principal as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Principal {
    type Error = SshError;

    fn try_from(principal: String) -> Result<Self, SshError> {
        Self::new(principal)
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the holder of a user certificate may do beyond running commands. X11 forwarding and `~/.ssh/rc` are never
/// granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extensions {
    /// A terminal (`permit-pty`).
    pub pty: bool,
    /// Forwarded ports and Unix sockets (`permit-port-forwarding`).
    pub port_forwarding: bool,
    /// The user's own ssh agent inside the container (`permit-agent-forwarding`).
    pub agent_forwarding: bool,
}

impl Extensions {
    /// All three: for the owner, whose `ssh` still forwards no agent unless asked.
    pub const OWNER: Self = Self {
        pty: true,
        port_forwarding: true,
        agent_forwarding: true,
    };

    /// None of them: commands alone, and what every host certificate has.
    pub const NONE: Self = Self {
        pty: false,
        port_forwarding: false,
        agent_forwarding: false,
    };

    /// Whether these grant all that the others do.
    #[must_use]
    pub fn contains(self, others: Self) -> bool {
        (self.pty || !others.pty)
            && (self.port_forwarding || !others.port_forwarding)
            && (self.agent_forwarding || !others.agent_forwarding)
    }

    /// In the order that certificates need: sorted by name.
    fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.agent_forwarding, "permit-agent-forwarding"),
            (self.port_forwarding, "permit-port-forwarding"),
            (self.pty, "permit-pty"),
        ]
        .into_iter()
        .filter_map(|(granted, name)| granted.then_some(name))
    }
}

impl fmt::Display for Extensions {
    /// `permit-agent-forwarding, permit-pty`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

/// A user certificate to be signed.
#[derive(Debug, Clone)]
pub struct UserCertRequest {
    /// Unique for the authority, at least 1 (0 cannot be revoked), and kept by the caller before signing.
    pub serial: u64,
    /// Whom it is for, in words; the agent logs it.
    pub key_id: String,
    /// At least one.
    pub principals: Vec<Principal>,
    /// First valid second since the epoch.
    pub valid_after: u64,
    /// First second that is too late.
    pub valid_before: u64,
    /// What else it permits.
    pub extensions: Extensions,
    /// The one command that runs, whatever the client asks for (`force-command`).
    pub force_command: Option<String>,
    /// The addresses that it may be used from (`source-address`); empty: all. Containers refuse such a certificate.
    pub source_address: Vec<Cidr>,
}

impl UserCertRequest {
    /// A request with the default times and all of an owner's extensions, for an issue at `now`.
    #[must_use]
    pub fn at(now: u64, serial: u64, key_id: String, principals: Vec<Principal>) -> Self {
        Self {
            serial,
            key_id,
            principals,
            valid_after: now.saturating_sub(BACKDATE),
            valid_before: now.saturating_add(USER_VALIDITY),
            extensions: Extensions::OWNER,
            force_command: None,
            source_address: Vec::new(),
        }
    }
}

/// A host certificate to be signed.
#[derive(Debug, Clone)]
pub struct HostCertRequest {
    /// As in [`UserCertRequest::serial`].
    pub serial: u64,
    /// Which container it is for.
    pub key_id: String,
    /// The host names that it proves: `NAME.devctl`.
    pub names: Vec<Principal>,
    /// First valid second since the epoch.
    pub valid_after: u64,
    /// First second that is too late.
    pub valid_before: u64,
}

impl HostCertRequest {
    /// A request with the default times, for an issue at `now`.
    #[must_use]
    pub fn at(now: u64, serial: u64, key_id: String, names: Vec<Principal>) -> Self {
        Self {
            serial,
            key_id,
            names,
            valid_after: now.saturating_sub(BACKDATE),
            valid_before: now.saturating_add(HOST_VALIDITY),
        }
    }
}

/// Signs a user certificate for a public key. `signer` is an [`Authority`](crate::Authority) or a [`Signer`].
///
/// # Errors
/// [`SshError::WrongAuthority`] for a host authority, [`SshError::CertificateRefused`] for a request that breaks a
/// rule, [`SshError::Signing`] if the key cannot be signed, [`SshError::Agent`] if an agent was to sign and did not.
pub fn issue_user_certificate<'a>(
    signer: impl Into<Signer<'a>>,
    subject: &PublicKey,
    request: &UserCertRequest,
) -> Result<Certificate, SshError> {
    let signer = signer.into();
    require(signer, AuthorityKind::User)?;
    let content = Content {
        serial: request.serial,
        key_id: &request.key_id,
        principals: &request.principals,
        valid_after: request.valid_after,
        valid_before: request.valid_before,
    };
    let mut builder = content.builder(subject, CertType::User)?;
    if let Some(command) = &request.force_command {
        if command.is_empty() || command.chars().any(char::is_control) {
            return Err(SshError::CertificateRefused {
                rule: "a forced command is one line that is not empty".to_owned(),
            });
        }
        builder
            .critical_option("force-command", command)
            .map_err(SshError::Signing)?;
    }
    if !request.source_address.is_empty() {
        let ranges: Vec<String> = request.source_address.iter().map(Cidr::to_string).collect();
        builder
            .critical_option("source-address", ranges.join(","))
            .map_err(SshError::Signing)?;
    }
    for name in request.extensions.names() {
        builder.extension(name, "").map_err(SshError::Signing)?;
    }
    signer.sign(builder)
}

/// Signs a host certificate for a public key.
///
/// # Errors
/// As [`issue_user_certificate`].
pub fn issue_host_certificate<'a>(
    signer: impl Into<Signer<'a>>,
    subject: &PublicKey,
    request: &HostCertRequest,
) -> Result<Certificate, SshError> {
    let signer = signer.into();
    require(signer, AuthorityKind::Host)?;
    let content = Content {
        serial: request.serial,
        key_id: &request.key_id,
        principals: &request.names,
        valid_after: request.valid_after,
        valid_before: request.valid_before,
    };
    signer.sign(content.builder(subject, CertType::Host)?)
}

fn require(signer: Signer<'_>, asked: AuthorityKind) -> Result<(), SshError> {
    if signer.kind() == asked {
        return Ok(());
    }
    Err(SshError::WrongAuthority {
        kind: signer.kind().as_str(),
        asked: asked.as_str(),
    })
}

/// What both kinds have.
struct Content<'a> {
    serial: u64,
    key_id: &'a str,
    principals: &'a [Principal],
    valid_after: u64,
    valid_before: u64,
}

impl Content<'_> {
    fn check(&self) -> Result<(), SshError> {
        let refused = |rule: String| Err(SshError::CertificateRefused { rule });
        if self.serial == 0 {
            return refused("serial 0 cannot be revoked".to_owned());
        }
        if self.principals.is_empty() {
            return refused(
                "a certificate without principals is good for nothing or for everything".to_owned(),
            );
        }
        if self.principals.len() > MOST_PRINCIPALS {
            return refused(format!("OpenSSH reads at most {MOST_PRINCIPALS} principals"));
        }
        if self.key_id.is_empty() || self.key_id.len() > LONGEST_KEY_ID {
            return refused(format!("the key id has 1 to {LONGEST_KEY_ID} bytes"));
        }
        if self.key_id.chars().any(char::is_control) {
            return refused("the key id holds a control character".to_owned());
        }
        if self.valid_before <= self.valid_after {
            return refused("it would end before it starts".to_owned());
        }
        Ok(())
    }

    fn builder(&self, subject: &PublicKey, kind: CertType) -> Result<Builder, SshError> {
        self.check()?;
        let mut nonce = [0u8; Builder::RECOMMENDED_NONCE_SIZE];
        getrandom::fill(&mut nonce).map_err(SshError::Random)?;
        let mut builder = Builder::new(
            nonce.to_vec(),
            subject.key_data().clone(),
            self.valid_after,
            self.valid_before,
        )
        .map_err(SshError::Signing)?;
        builder.serial(self.serial).map_err(SshError::Signing)?;
        builder.cert_type(kind).map_err(SshError::Signing)?;
        builder.key_id(self.key_id).map_err(SshError::Signing)?;
        for principal in self.principals {
            builder
                .valid_principal(principal.as_str())
                .map_err(SshError::Signing)?;
        }
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::authority::Authority;
    use crate::key;
    use crate::user_key::{KeyAlgorithm, UserKey};

    const NOW: u64 = 1_800_000_000;

    fn owner() -> Vec<Principal> {
        vec![Principal::new("owner-1000").unwrap()]
    }

    fn subject() -> PublicKey {
        key::generate("dev").unwrap().public_key().clone()
    }

    #[test]
    fn a_user_certificate_says_what_was_asked() {
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        let request = UserCertRequest::at(NOW, 7, "user:dev/7".to_owned(), owner());
        let certificate = issue_user_certificate(&authority, &subject(), &request).unwrap();
        certificate.verify_signature().unwrap();
        assert_eq!((certificate.serial(), certificate.key_id()), (7, "user:dev/7"));
        assert_eq!(
            (certificate.valid_after(), certificate.valid_before()),
            (NOW - 300, NOW + 57_600)
        );
        assert_eq!(certificate.valid_principals(), ["owner-1000"]);
        assert_eq!(certificate.extensions().len(), 3);
        assert!(certificate.critical_options().is_empty());
    }

    /// What the real `ssh-keygen` reads in a certificate.
    fn read_by_ssh_keygen(certificate: &Certificate) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("certificate.pub");
        std::fs::write(&file, certificate.to_openssh().unwrap()).unwrap();
        let output = std::process::Command::new("ssh-keygen")
            .arg("-L")
            .arg("-f")
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn keys_of_each_type_are_certified_by_authorities_of_each_type() {
        let mut subjects: Vec<PublicKey> = KeyAlgorithm::ALL
            .into_iter()
            .map(|algorithm| {
                let key = UserKey::generate(algorithm, "dev", Path::new("ssh-keygen")).unwrap();
                key.public_key().clone()
            })
            .collect();
        // What `ssh-keygen -t ed25519-sk` and `-t ecdsa-sk` write; they need a token to be made.
        for line in [
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbhAAAABHNzaDo= token",
            "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfUAAAAEc3NoOg== token",
        ] {
            subjects.push(PublicKey::from_openssh(line).unwrap());
        }
        assert_eq!(subjects.len(), 8);
        for algorithm in [
            KeyAlgorithm::Ed25519,
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::EcdsaP521,
        ] {
            let authority = Authority::generate_as(AuthorityKind::User, 1, algorithm).unwrap();
            for subject in &subjects {
                let request = UserCertRequest::at(NOW, 7, "user:dev/7".to_owned(), owner());
                let certificate = issue_user_certificate(&authority, subject, &request).unwrap();
                let read = read_by_ssh_keygen(&certificate);
                assert!(read.contains(&authority.fingerprint()), "{read}");
                assert!(read.contains(&key::fingerprint(subject)), "{read}");
                assert!(read.contains(subject.algorithm().as_str().trim_end_matches("@openssh.com")));
            }
        }
    }

    #[test]
    fn critical_options_are_what_ssh_keygen_reads() {
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        let request = UserCertRequest {
            force_command: Some("make deploy -- \"$SSH_ORIGINAL_COMMAND\"".to_owned()),
            source_address: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            extensions: Extensions::NONE,
            valid_after: 0,
            valid_before: u64::MAX,
            ..UserCertRequest::at(NOW, 7, "ci/7".to_owned(), owner())
        };
        let certificate = issue_user_certificate(&authority, &subject(), &request).unwrap();
        let read = read_by_ssh_keygen(&certificate);
        for part in [
            "Valid: forever",
            "force-command make deploy -- \"$SSH_ORIGINAL_COMMAND\"",
            "source-address 10.0.0.0/8,::1/128",
            "Extensions: (none)",
        ] {
            assert!(read.contains(part), "{part}: {read}");
        }
    }

    #[test]
    fn requests_that_break_a_rule_are_refused() {
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        let good = UserCertRequest::at(NOW, 1, "dev".to_owned(), owner());
        for bad in [
            UserCertRequest {
                serial: 0,
                ..good.clone()
            },
            UserCertRequest {
                principals: Vec::new(),
                ..good.clone()
            },
            UserCertRequest {
                principals: vec![owner().remove(0); 257],
                ..good.clone()
            },
            UserCertRequest {
                key_id: String::new(),
                ..good.clone()
            },
            UserCertRequest {
                key_id: "a\nb".to_owned(),
                ..good.clone()
            },
            UserCertRequest {
                force_command: Some(String::new()),
                ..good.clone()
            },
            UserCertRequest {
                force_command: Some("id\nsh".to_owned()),
                ..good.clone()
            },
            UserCertRequest {
                valid_before: good.valid_after,
                ..good
            },
        ] {
            let error = issue_user_certificate(&authority, &subject(), &bad).unwrap_err();
            assert_eq!(error.code(), "ssh.certificate_refused", "{bad:?}");
        }
    }

    #[test]
    fn an_authority_signs_its_own_kind_only() {
        let host = Authority::generate(AuthorityKind::Host, 1).unwrap();
        let request = UserCertRequest::at(NOW, 1, "dev".to_owned(), owner());
        let error = issue_user_certificate(&host, &subject(), &request).unwrap_err();
        assert_eq!(error.code(), "ssh.authority_wrong");
        let request = HostCertRequest::at(
            NOW,
            1,
            "web".to_owned(),
            vec![Principal::new("web.devctl").unwrap()],
        );
        assert_eq!(
            issue_host_certificate(&host, &subject(), &request)
                .unwrap()
                .cert_type(),
            CertType::Host
        );
    }

    #[test]
    fn principals_that_mean_more_than_one_are_refused() {
        for bad in [
            "", "a,b", "*", "web-?", "!root", "a b", "a\tb", "a\nb", "\u{7f}", "a\u{a0}b",
        ] {
            assert_eq!(
                Principal::new(bad).unwrap_err().code(),
                "ssh.principal_invalid",
                "{bad:?}"
            );
        }
    }
}
