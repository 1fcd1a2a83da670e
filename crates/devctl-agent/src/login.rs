//! Who may log in: the rules of a user certificate.
//!
//! russh has checked by now that the certificate's time and signature are right and that the client holds the key; the
//! time is checked again, because that costs nothing. Everything else is decided here.

use std::collections::BTreeMap;

use devctl_agent_protocol::{Allow, RefusalCode};
use devctl_krl::{RevocationList, Revoked};
use ssh_key::certificate::CertType;
use ssh_key::public::KeyData;
use ssh_key::{Certificate, HashAlg};

/// Against what certificates are checked.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) user: String,
    pub(crate) authorities: Vec<KeyData>,
    pub(crate) revocations: RevocationList,
    pub(crate) accepted_principals: BTreeMap<String, Vec<String>>,
    pub(crate) allow: Allow,
}

/// What a certificate was accepted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) serial: u64,
    pub(crate) key_id: String,
    pub(crate) principal: String,
    pub(crate) fingerprint: String,
    pub(crate) authority: String,
    pub(crate) pty: bool,
    pub(crate) port_forwarding: bool,
    pub(crate) agent_forwarding: bool,
    pub(crate) sftp: bool,
    pub(crate) forced_command: Option<String>,
}

/// Why a login was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: RefusalCode,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(code: RefusalCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

impl Policy {
    /// Checks the certificate for the login name at the time `now`, in seconds since 1970.
    pub(crate) fn check(&self, user: &str, certificate: &Certificate, now: u64) -> Result<Grant, Refusal> {
        if user != self.user {
            return Err(Refusal::new(
                RefusalCode::WrongUser,
                format!("the agent serves the user {:?}, not {user:?}", self.user),
            ));
        }
        if certificate.cert_type() != CertType::User {
            return Err(Refusal::new(
                RefusalCode::NotAUserCertificate,
                "it is not a user certificate",
            ));
        }
        if !self.authorities.contains(certificate.signature_key()) {
            return Err(Refusal::new(
                RefusalCode::UnknownAuthority,
                format!(
                    "the authority {} is not one of ours",
                    certificate.signature_key().fingerprint(HashAlg::Sha256)
                ),
            ));
        }
        if certificate.verify_signature().is_err() {
            return Err(Refusal::new(
                RefusalCode::UnknownAuthority,
                "the authority's signature is wrong",
            ));
        }
        // The interval of PROTOCOL.certkeys: valid after <= now < valid before.
        if now < certificate.valid_after() || now >= certificate.valid_before() {
            return Err(Refusal::new(
                RefusalCode::NotValidNow,
                format!(
                    "it is valid from {} to {}, it is {now} now (seconds since 1970)",
                    certificate.valid_after(),
                    certificate.valid_before()
                ),
            ));
        }
        match self.revocations.revokes(certificate) {
            Ok(None) => {}
            Ok(Some(revoked)) => {
                let what = match revoked {
                    Revoked::Serial => "its serial",
                    Revoked::KeyId => "its key id",
                    Revoked::Key => "its key",
                    Revoked::Authority => "its authority",
                };
                return Err(Refusal::new(RefusalCode::Revoked, format!("{what} is revoked")));
            }
            Err(error) => {
                return Err(Refusal::new(
                    RefusalCode::Revoked,
                    format!("whether it is revoked cannot be told: {error}"),
                ));
            }
        }
        let principal = self.principal(certificate)?;
        let forced_command = forced_command(certificate)?;
        let extension = |name: &str| certificate.extensions().contains_key(name);
        Ok(Grant {
            serial: certificate.serial(),
            key_id: certificate.key_id().to_owned(),
            principal,
            fingerprint: certificate.public_key().fingerprint(HashAlg::Sha256).to_string(),
            authority: certificate
                .signature_key()
                .fingerprint(HashAlg::Sha256)
                .to_string(),
            pty: self.allow.pty && extension("permit-pty"),
            port_forwarding: self.allow.port_forwarding && extension("permit-port-forwarding"),
            agent_forwarding: self.allow.agent_forwarding && extension("permit-agent-forwarding"),
            sftp: self.allow.sftp,
            forced_command,
        })
    }

    fn principal(&self, certificate: &Certificate) -> Result<String, Refusal> {
        if certificate.valid_principals().is_empty() {
            return Err(Refusal::new(
                RefusalCode::NoPrincipals,
                "it names no principal and would be valid for everybody",
            ));
        }
        let accepted = self
            .accepted_principals
            .get(&self.user)
            .map_or(&[][..], Vec::as_slice);
        certificate
            .valid_principals()
            .iter()
            // Never a pattern: a certificate names what it may enter.
            .find(|principal| !principal.is_empty() && accepted.contains(principal))
            .cloned()
            .ok_or_else(|| {
                Refusal::new(
                    RefusalCode::PrincipalNotAccepted,
                    format!("none of its principals may enter as {:?}", self.user),
                )
            })
    }
}

/// The one critical option that is honoured here; every other refuses the login.
fn forced_command(certificate: &Certificate) -> Result<Option<String>, Refusal> {
    let mut forced = None;
    for (name, value) in certificate.critical_options().iter() {
        match name.as_str() {
            "force-command" if !value.is_empty() => forced = Some(value.clone()),
            "source-address" => {
                return Err(Refusal::new(
                    RefusalCode::CriticalOption,
                    "it is bound to a source address, and a connection through the engine has none",
                ));
            }
            "verify-required" => {
                return Err(Refusal::new(
                    RefusalCode::CriticalOption,
                    "it requires a verified security key, which is not supported",
                ));
            }
            _ => {
                return Err(Refusal::new(
                    RefusalCode::CriticalOption,
                    format!("its critical option {name:?} is not supported"),
                ));
            }
        }
    }
    Ok(forced)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;
    use std::time::{SystemTime, UNIX_EPOCH};

    use tempfile::TempDir;

    use super::*;

    struct Authority {
        folder: TempDir,
        policy: Policy,
    }

    impl Authority {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for name in ["ca", "stranger", "user"] {
                keygen(&folder, &["-q", "-t", "ed25519", "-N", "", "-f", name]);
            }
            let ca = fs::read_to_string(folder.path().join("ca.pub")).unwrap();
            let policy = Policy {
                user: "dev".into(),
                authorities: vec![ssh_key::PublicKey::from_openssh(&ca).unwrap().key_data().clone()],
                revocations: RevocationList::new(1, 1),
                accepted_principals: BTreeMap::from([("dev".into(), vec!["owner-1".into(), "ct-2".into()])]),
                allow: Allow::ALL,
            };
            Self { folder, policy }
        }

        fn check(&self, arguments: &[&str]) -> Result<Grant, RefusalCode> {
            let ca = if arguments.contains(&"-n") {
                "ca"
            } else {
                "stranger"
            };
            self.check_by(ca, arguments)
        }

        fn check_by(&self, ca: &str, arguments: &[&str]) -> Result<Grant, RefusalCode> {
            let mut all = vec!["-q", "-s", ca, "-I", "id", "-z", "9"];
            all.extend_from_slice(arguments);
            all.push("user.pub");
            keygen(&self.folder, &all);
            let certificate = Certificate::read_file(&self.folder.path().join("user-cert.pub")).unwrap();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            self.policy
                .check("dev", &certificate, now)
                .map_err(|refusal| refusal.code)
        }
    }

    fn keygen(folder: &TempDir, arguments: &[&str]) {
        let output = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    #[test]
    fn a_certificate_in_order_is_granted_what_it_permits() {
        let authority = Authority::new();
        let grant = authority.check(&["-n", "x,ct-2", "-V", "-1m:+5m"]).unwrap();
        assert_eq!(
            (grant.serial, grant.key_id.as_str(), grant.principal.as_str()),
            (9, "id", "ct-2")
        );
        assert!(grant.pty && grant.port_forwarding && grant.agent_forwarding);
        let grant = authority.check(&["-n", "owner-1", "-O", "clear"]).unwrap();
        assert!(!grant.pty && !grant.port_forwarding && !grant.agent_forwarding);
    }

    #[test]
    fn what_the_host_forbids_no_certificate_permits() {
        let mut authority = Authority::new();
        authority.policy.allow = Allow {
            pty: false,
            port_forwarding: false,
            agent_forwarding: false,
            sftp: false,
        };
        let grant = authority.check(&["-n", "owner-1"]).unwrap();
        assert!(!grant.pty && !grant.port_forwarding && !grant.agent_forwarding && !grant.sftp);
    }

    #[test]
    fn each_rule_refuses_by_its_name() {
        let authority = Authority::new();
        let refused = |arguments: &[&str]| authority.check(arguments).unwrap_err();
        assert_eq!(refused(&["-n", "dev"]), RefusalCode::PrincipalNotAccepted);
        assert_eq!(refused(&["-n", "owner-*"]), RefusalCode::PrincipalNotAccepted);
        assert_eq!(authority.check_by("ca", &[]), Err(RefusalCode::NoPrincipals));
        assert_eq!(
            refused(&["-n", "owner-1", "-V", "-10m:-5m"]),
            RefusalCode::NotValidNow
        );
        assert_eq!(
            refused(&["-n", "owner-1", "-V", "+5m:+10m"]),
            RefusalCode::NotValidNow
        );
        assert_eq!(
            refused(&["-n", "owner-1", "-h"]),
            RefusalCode::NotAUserCertificate
        );
        assert_eq!(
            authority.check_by("stranger", &["-n", "owner-1"]),
            Err(RefusalCode::UnknownAuthority)
        );
        for option in [
            "source-address=10.0.0.0/8",
            "critical:frobnicate@devctl",
            "verify-required",
        ] {
            assert_eq!(
                refused(&["-n", "owner-1", "-O", option]),
                RefusalCode::CriticalOption,
                "{option}"
            );
        }
    }

    /// OpenSSH's client does not offer such a certificate, but others might.
    #[test]
    fn a_changed_certificate_is_refused() {
        let authority = Authority::new();
        assert_eq!(
            authority.check(&["-n", "owner-9"]),
            Err(RefusalCode::PrincipalNotAccepted)
        );
        let certificate = Certificate::read_file(&authority.folder.path().join("user-cert.pub")).unwrap();
        let mut bytes = certificate.to_bytes().unwrap();
        let place = bytes.windows(7).position(|word| word == b"owner-9").unwrap();
        bytes[place + 6] = b'1';
        let changed = Certificate::from_bytes(&bytes).unwrap();
        assert_eq!(changed.valid_principals(), ["owner-1"]);
        let refusal = authority
            .policy
            .check("dev", &changed, changed.valid_after())
            .unwrap_err();
        assert_eq!(refusal.code, RefusalCode::UnknownAuthority);
    }

    #[test]
    fn a_forced_command_is_kept() {
        let grant = Authority::new()
            .check(&["-n", "owner-1", "-O", "force-command=id -u"])
            .unwrap();
        assert_eq!(grant.forced_command.as_deref(), Some("id -u"));
    }

    #[test]
    fn another_login_name_is_refused_before_anything_else() {
        let authority = Authority::new();
        authority.check(&["-n", "owner-1"]).unwrap();
        let certificate = Certificate::read_file(&authority.folder.path().join("user-cert.pub")).unwrap();
        assert_eq!(
            authority.policy.check("root", &certificate, 0).unwrap_err().code,
            RefusalCode::WrongUser
        );
    }
}
