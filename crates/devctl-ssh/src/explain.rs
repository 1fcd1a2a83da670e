use std::fmt;

use devctl_krl::{RevocationList, Revoked};
use ssh_key::certificate::CertType;
use ssh_key::{Algorithm, Certificate, HashAlg, PublicKey};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::cert_policy::Transport;
use crate::cidr::Cidr;

/// What is asked about a certificate.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Now, in seconds since the epoch.
    pub now: u64,
    /// What the certificate is to be good for.
    pub purpose: Purpose<'a>,
    /// The authorities that are trusted for this purpose.
    pub authorities: &'a [PublicKey],
    /// What the revocation list says of it.
    pub revocation: &'a Revocation,
    /// How its holder will come.
    pub transport: Transport,
}

/// What a certificate is to be good for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose<'a> {
    /// To log in.
    Login {
        /// The container, as a person names it.
        container: &'a str,
        /// The user of the container.
        user: &'a str,
        /// The principals that may enter as this user.
        principals: &'a [String],
    },
    /// To prove that a host has this name.
    Host {
        /// `NAME.devctl`
        name: &'a str,
    },
}

/// What a revocation list says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// It is not on the list.
    NotRevoked,
    /// It is.
    Revoked {
        /// By which entry, in words: `its serial`.
        by: String,
    },
    /// There is no list, or none that can be read: then nothing is accepted.
    Unknown {
        /// Why, in words.
        why: String,
    },
}

impl Revocation {
    /// What this list says of a certificate.
    #[must_use]
    pub fn of(certificate: &Certificate, list: &RevocationList) -> Self {
        match list.revokes(certificate) {
            Ok(None) => Self::NotRevoked,
            Ok(Some(revoked)) => Self::Revoked {
                by: match revoked {
                    Revoked::Serial => "its serial",
                    Revoked::KeyId => "its key id",
                    Revoked::Key => "its key",
                    Revoked::Authority => "its authority",
                }
                .to_owned(),
            },
            Err(error) => Self::Unknown {
                why: error.to_string(),
            },
        }
    }
}

/// A rule that a certificate is judged by. The rules and their order are those of the agent inside containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedRule {
    /// It is of the kind that the purpose needs.
    Kind,
    /// A trusted authority signed it.
    Authority,
    /// The signature is right.
    Signature,
    /// Its time has come and is not over.
    Time,
    /// It is not revoked.
    Revocation,
    /// It names a principal that may enter, or the host's name.
    Principal,
    /// Its critical options are known and can be kept.
    CriticalOptions,
    /// The type of its key can be checked at the other end.
    KeyType,
}

impl CheckedRule {
    /// A word for JSON: `authority`, `criticalOptions` …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Authority => "authority",
            Self::Signature => "signature",
            Self::Time => "time",
            Self::Revocation => "revocation",
            Self::Principal => "principal",
            Self::CriticalOptions => "criticalOptions",
            Self::KeyType => "keyType",
        }
    }
}

impl fmt::Display for CheckedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a certificate fares by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The rule.
    pub rule: CheckedRule,
    /// Whether it is kept.
    pub kept: bool,
    /// Why, in a plain sentence.
    pub words: String,
}

/// Whether and why a certificate would be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether all rules are kept.
    pub accepted: bool,
    /// All rules, also those after the first that is broken.
    pub checks: Vec<Check>,
}

impl Explanation {
    /// The rule for which the certificate is refused.
    #[must_use]
    pub fn first_broken(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.kept)
    }
}

/// Judges a certificate by the rules of the agent inside containers, or for a host by those of `ssh`.
#[must_use]
pub fn explain(certificate: &Certificate, question: &Question<'_>) -> Explanation {
    let mut checks = vec![
        kind(certificate, question.purpose),
        authority(certificate, question.authorities),
        signature(certificate),
        time(certificate, question.now),
        revocation(question.revocation),
        principal(certificate, question.purpose),
        critical_options(certificate, question),
    ];
    if let Purpose::Login { .. } = question.purpose {
        checks.push(key_type(certificate, question.transport));
    }
    Explanation {
        accepted: checks.iter().all(|check| check.kept),
        checks,
    }
}

fn check(rule: CheckedRule, outcome: Result<String, String>) -> Check {
    Check {
        rule,
        kept: outcome.is_ok(),
        words: outcome.unwrap_or_else(|words| words),
    }
}

fn kind(certificate: &Certificate, purpose: Purpose<'_>) -> Check {
    let outcome = match (certificate.cert_type(), purpose) {
        (CertType::User, Purpose::Login { .. }) => Ok("It is a user certificate.".to_owned()),
        (CertType::Host, Purpose::Host { .. }) => Ok("It is a host certificate.".to_owned()),
        (CertType::Host, Purpose::Login { .. }) => {
            Err("It is a host certificate: it proves what a host is, nobody can log in with it.".to_owned())
        }
        (CertType::User, Purpose::Host { .. }) => Err(
            "It is a user certificate: it says who may log in, and proves nothing about a host.".to_owned(),
        ),
    };
    check(CheckedRule::Kind, outcome)
}

fn authority(certificate: &Certificate, trusted: &[PublicKey]) -> Check {
    let signer = certificate.signature_key();
    let fingerprint = signer.fingerprint(HashAlg::Sha256);
    let outcome = if trusted.iter().any(|authority| authority.key_data() == signer) {
        Ok(format!("The authority {fingerprint} is trusted."))
    } else if trusted.is_empty() {
        Err(format!(
            "It was signed by {fingerprint}, and no authority is trusted."
        ))
    } else {
        let ours: Vec<String> = trusted
            .iter()
            .map(|authority| authority.fingerprint(HashAlg::Sha256).to_string())
            .collect();
        Err(format!(
            "It was signed by {fingerprint}, which is not trusted; trusted is {}.",
            ours.join(", ")
        ))
    };
    check(CheckedRule::Authority, outcome)
}

fn signature(certificate: &Certificate) -> Check {
    let outcome = match (
        certificate.verify_signature(),
        certificate.signature_key().algorithm(),
    ) {
        (Ok(()), _) => Ok("The signature of the authority is right.".to_owned()),
        (Err(_), Algorithm::Rsa { .. }) => Err(
            "The authority has an RSA key: its signatures are not checked, and so not trusted.".to_owned(),
        ),
        (Err(_), _) => Err("The signature is wrong: the certificate was changed or damaged.".to_owned()),
    };
    check(CheckedRule::Signature, outcome)
}

/// The interval of PROTOCOL.certkeys: valid after <= now < valid before.
fn time(certificate: &Certificate, now: u64) -> Check {
    let (after, before) = (certificate.valid_after(), certificate.valid_before());
    let outcome = if now < after {
        Err(format!(
            "It is valid only from {}; it is {} now.",
            moment(after),
            moment(now)
        ))
    } else if now >= before {
        Err(format!(
            "It was valid until {}; it is {} now.",
            moment(before),
            moment(now)
        ))
    } else {
        Ok(format!(
            "It is valid from {} until {}.",
            moment(after),
            moment(before)
        ))
    };
    check(CheckedRule::Time, outcome)
}

fn revocation(revocation: &Revocation) -> Check {
    let outcome = match revocation {
        Revocation::NotRevoked => Ok("It is not on the revocation list.".to_owned()),
        Revocation::Revoked { by } => Err(format!(
            "It is on the revocation list, by {by}. That is for ever: have a new one issued."
        )),
        Revocation::Unknown { why } => Err(format!(
            "Whether it is revoked cannot be told, and so it is refused: {why}."
        )),
    };
    check(CheckedRule::Revocation, outcome)
}

fn principal(certificate: &Certificate, purpose: Purpose<'_>) -> Check {
    let names = certificate.valid_principals();
    let listed = names.join(", ");
    let outcome = match purpose {
        _ if names.is_empty() => Err(
            "It names no principal: it would be good for everybody, and so it is good for nobody.".to_owned(),
        ),
        Purpose::Login {
            container,
            user,
            principals,
        } => match names
            .iter()
            .find(|name| !name.is_empty() && principals.contains(name))
        {
            Some(name) => Ok(format!("{name} may enter {container} as {user}.")),
            None if principals.is_empty() => Err(format!(
                "Nobody may enter {container} as {user} by a certificate."
            )),
            None => Err(format!(
                "Nobody of {listed} may enter {container} as {user}; accepted is {}.",
                principals.join(", ")
            )),
        },
        Purpose::Host { name } if names.iter().any(|listed| listed == name) => {
            Ok(format!("It is for the host {name}."))
        }
        Purpose::Host { name } => Err(format!("It is for the host {listed}, not for {name}.")),
    };
    check(CheckedRule::Principal, outcome)
}

fn critical_options(certificate: &Certificate, question: &Question<'_>) -> Check {
    let mut kept = Vec::new();
    for (name, value) in certificate.critical_options().iter() {
        let refused = match (question.purpose, name.as_str()) {
            (Purpose::Login { .. }, "force-command") if !value.is_empty() => {
                kept.push(format!("Only the command {value:?} runs."));
                continue;
            }
            (Purpose::Login { .. }, "source-address") => match question.transport {
                Transport::Network if value.split(',').all(|range| range.parse::<Cidr>().is_ok()) => {
                    kept.push(format!("It is good from {value} only."));
                    continue;
                }
                Transport::Network => format!("Its source addresses {value:?} cannot be read."),
                Transport::Exec => {
                    "It is bound to a source address, and a connection through the engine has none."
                        .to_owned()
                }
            },
            (Purpose::Login { .. }, "verify-required") => {
                "It requires a verified security key, which is not supported.".to_owned()
            }
            _ => format!("Its critical option {name:?} is not supported."),
        };
        return check(CheckedRule::CriticalOptions, Err(refused));
    }
    let words = if kept.is_empty() {
        "It has no critical options.".to_owned()
    } else {
        kept.join(" ")
    };
    check(CheckedRule::CriticalOptions, Ok(words))
}

fn key_type(certificate: &Certificate, transport: Transport) -> Check {
    let key = PublicKey::from(certificate.public_key().clone());
    let words = crate::user_key::key_type(&key);
    let outcome = match (key.algorithm(), transport) {
        (Algorithm::Rsa { .. }, Transport::Exec) => Err(format!(
            "It is for an {words} key, and containers check no RSA signatures; other ssh servers do."
        )),
        _ => Ok(format!("It is for an {words} key.")),
    };
    check(CheckedRule::KeyType, outcome)
}

/// `2026-11-23 17:00:00 UTC`, or the ends of time in words.
fn moment(seconds: u64) -> String {
    match seconds {
        0 => "the beginning".to_owned(),
        u64::MAX => "for ever".to_owned(),
        _ => i64::try_from(seconds)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .and_then(|moment| {
                moment
                    .format(format_description!(
                        "[year]-[month]-[day] [hour]:[minute]:[second] UTC"
                    ))
                    .ok()
            })
            .unwrap_or_else(|| format!("second {seconds} since 1970")),
    }
}

#[cfg(test)]
mod tests;
