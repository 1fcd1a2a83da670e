use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use ssh_key::public::KeyData;
use ssh_key::{EcdsaCurve, PublicKey};

use crate::authority::AuthorityKind;
use crate::certificate::{BACKDATE, Extensions, HOST_VALIDITY, HostCertRequest, Principal, UserCertRequest};
use crate::cidr::Cidr;
use crate::user_key::{key_type, weakness};

mod refusal;

pub use refusal::{PolicyRefusal, PolicyRule};

/// Longest validity of a user certificate where the policy has not been changed: a day.
const USER_LONGEST: u64 = 24 * 60 * 60;

/// What an authority may sign. It changes a request first, then judges what has become of it; nothing is dropped in
/// silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertPolicy {
    /// The longest time from the issue, or from the first valid second if that comes later, to the end, in seconds.
    pub max_validity_seconds: u64,
    /// Seconds that a certificate which is to be valid at once is dated back, for clocks that differ.
    pub clock_skew_seconds: u64,
    /// What a principal has to fit; with no rule each well-formed principal does.
    #[serde(default)]
    pub principals: Vec<PrincipalRule>,
    /// What a user certificate may permit. Nothing, for the host authority.
    pub extensions: Extensions,
    /// The types of keys that are certified. Weak keys never are.
    pub key_types: BTreeSet<SubjectType>,
    /// The command that every user certificate is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_command: Option<String>,
    /// The addresses that every user certificate is bound to. Such certificates are for other ssh servers: a container
    /// is entered through the engine, and that connection has no address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_address: Vec<Cidr>,
}

/// What a principal has to fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrincipalRule {
    /// It is this one.
    Exact(Principal),
    /// It starts so: `ct-`.
    Prefix(Principal),
}

impl PrincipalRule {
    fn fits(&self, principal: &Principal) -> bool {
        match self {
            Self::Exact(exact) => exact == principal,
            Self::Prefix(prefix) => principal.as_str().starts_with(prefix.as_str()),
        }
    }
}

impl fmt::Display for PrincipalRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(principal) => principal.fmt(f),
            Self::Prefix(prefix) => write!(f, "{prefix}…"),
        }
    }
}

/// A type of key that a certificate can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectType {
    /// ed25519
    Ed25519,
    /// ECDSA on P-256
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// ECDSA on P-384
    #[serde(rename = "ecdsa-p384")]
    EcdsaP384,
    /// ECDSA on P-521
    #[serde(rename = "ecdsa-p521")]
    EcdsaP521,
    /// RSA of 3072 bits or more. Our agent does not accept it; other ssh servers do.
    Rsa,
    /// ed25519 on a security key
    SkEd25519,
    /// ECDSA on a security key
    #[serde(rename = "sk-ecdsa-p256")]
    SkEcdsaP256,
}

impl SubjectType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::Rsa,
        Self::SkEd25519,
        Self::SkEcdsaP256,
    ];

    /// The type of a public key, or `None` for DSA and types that are not known.
    #[must_use]
    pub fn of(key: &PublicKey) -> Option<Self> {
        Some(match key.key_data() {
            KeyData::Ed25519(_) => Self::Ed25519,
            KeyData::Ecdsa(ecdsa) => match ecdsa.curve() {
                EcdsaCurve::NistP256 => Self::EcdsaP256,
                EcdsaCurve::NistP384 => Self::EcdsaP384,
                EcdsaCurve::NistP521 => Self::EcdsaP521,
            },
            KeyData::Rsa(_) => Self::Rsa,
            KeyData::SkEd25519(_) => Self::SkEd25519,
            KeyData::SkEcdsaSha2NistP256(_) => Self::SkEcdsaP256,
            _ => return None,
        })
    }

    /// As in the policy's JSON: `ed25519`, `ecdsa-p256`, `rsa`, `sk-ed25519` …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Rsa => "rsa",
            Self::SkEd25519 => "sk-ed25519",
            Self::SkEcdsaP256 => "sk-ecdsa-p256",
        }
    }
}

impl fmt::Display for SubjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the holder of a certificate will come to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transport {
    /// Through the engine's exec: the way into our containers. There is no address at the other end.
    Exec,
    /// Over a network, to another ssh server.
    Network,
}

/// The circumstances of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue {
    /// Now, in seconds since the epoch.
    pub now: u64,
    /// Whether a validity that is too long is cut to the longest one instead of refused.
    pub clip_validity: bool,
    /// For what the certificate is.
    pub transport: Transport,
}

impl CertPolicy {
    /// The policy of an authority where nobody has chosen one: a day for people, a month for hosts, five minutes for
    /// clocks, all types of keys, all of the extensions, every principal.
    #[must_use]
    pub fn default_for(kind: AuthorityKind) -> Self {
        let (max_validity_seconds, extensions) = match kind {
            AuthorityKind::User => (USER_LONGEST, Extensions::OWNER),
            AuthorityKind::Host => (HOST_VALIDITY, Extensions::NONE),
        };
        Self {
            max_validity_seconds,
            clock_skew_seconds: BACKDATE,
            principals: Vec::new(),
            extensions,
            key_types: SubjectType::ALL.into(),
            force_command: None,
            source_address: Vec::new(),
        }
    }

    /// Whether the policy itself makes sense for an authority of this kind.
    ///
    /// # Errors
    /// A policy that nothing can fit, or that says of host certificates what they cannot hold.
    pub fn check(&self, kind: AuthorityKind) -> Result<(), PolicyRefusal> {
        let refused = |rule, asked: &str, allowed: &str| Err(PolicyRefusal::new(rule, asked, allowed));
        if self.max_validity_seconds == 0 {
            return refused(PolicyRule::MaxValidity, "0 s", "at least 1 s");
        }
        if self.key_types.is_empty() {
            return refused(PolicyRule::KeyTypes, "no type", "at least one type");
        }
        if let Some(command) = &self.force_command
            && (command.is_empty() || command.chars().any(char::is_control))
        {
            return refused(
                PolicyRule::ForceCommand,
                &format!("{command:?}"),
                "one line that is not empty",
            );
        }
        if kind == AuthorityKind::User {
            return Ok(());
        }
        if self.force_command.is_some() {
            return refused(
                PolicyRule::ForceCommand,
                "a host certificate",
                "user certificates",
            );
        }
        if !self.source_address.is_empty() {
            return refused(
                PolicyRule::SourceAddress,
                "a host certificate",
                "user certificates",
            );
        }
        if self.extensions != Extensions::NONE {
            return refused(PolicyRule::Extensions, "a host certificate", "user certificates");
        }
        Ok(())
    }

    /// What the user authority signs when this is asked.
    ///
    /// # Errors
    /// The first rule that the request breaks.
    pub fn apply_to_user(
        &self,
        subject: &PublicKey,
        request: &UserCertRequest,
        issue: Issue,
    ) -> Result<UserCertRequest, PolicyRefusal> {
        let mut changed = request.clone();
        (changed.valid_after, changed.valid_before) =
            self.dated(request.valid_after, request.valid_before, issue);
        if changed.force_command.is_none() {
            changed.force_command.clone_from(&self.force_command);
        }
        if changed.source_address.is_empty() {
            changed.source_address.clone_from(&self.source_address);
        }

        self.judge_subject(subject)?;
        self.judge_validity(changed.valid_after, changed.valid_before, issue)?;
        self.judge_principals(&changed.principals)?;
        if !self.extensions.contains(changed.extensions) {
            return Err(PolicyRefusal::new(
                PolicyRule::Extensions,
                changed.extensions,
                self.extensions,
            ));
        }
        if let (Some(forced), Some(asked)) = (&self.force_command, &changed.force_command)
            && forced != asked
        {
            return Err(PolicyRefusal::new(PolicyRule::ForceCommand, asked, forced));
        }
        let outside = changed.source_address.iter().find(|asked| {
            !self.source_address.is_empty() && !self.source_address.iter().any(|range| range.contains(asked))
        });
        if let Some(asked) = outside {
            return Err(PolicyRefusal::new(
                PolicyRule::SourceAddress,
                asked,
                refusal::list(&self.source_address),
            ));
        }
        if issue.transport == Transport::Exec && !changed.source_address.is_empty() {
            return Err(PolicyRefusal::new(
                PolicyRule::Transport,
                refusal::list(&changed.source_address),
                "none: a connection through the engine has no source address, so the container refuses the login",
            ));
        }
        Ok(changed)
    }

    /// What the host authority signs when this is asked.
    ///
    /// # Errors
    /// The first rule that the request breaks.
    pub fn apply_to_host(
        &self,
        subject: &PublicKey,
        request: &HostCertRequest,
        issue: Issue,
    ) -> Result<HostCertRequest, PolicyRefusal> {
        let mut changed = request.clone();
        (changed.valid_after, changed.valid_before) =
            self.dated(request.valid_after, request.valid_before, issue);
        self.judge_subject(subject)?;
        self.judge_validity(changed.valid_after, changed.valid_before, issue)?;
        self.judge_principals(&changed.names)?;
        Ok(changed)
    }

    /// Dates back what is valid at once, and cuts what is too long if that is wanted.
    fn dated(&self, valid_after: u64, valid_before: u64, issue: Issue) -> (u64, u64) {
        let longest = valid_after
            .max(issue.now)
            .saturating_add(self.max_validity_seconds);
        let after = if valid_after <= issue.now {
            issue.now.saturating_sub(self.clock_skew_seconds)
        } else {
            valid_after
        };
        let before = if issue.clip_validity {
            valid_before.min(longest)
        } else {
            valid_before
        };
        (after, before)
    }

    fn judge_validity(&self, after: u64, before: u64, issue: Issue) -> Result<(), PolicyRefusal> {
        let seconds = before.saturating_sub(after.max(issue.now));
        if seconds <= self.max_validity_seconds {
            return Ok(());
        }
        Err(PolicyRefusal::new(
            PolicyRule::MaxValidity,
            format_args!("{seconds} s"),
            format_args!("{} s", self.max_validity_seconds),
        ))
    }

    fn judge_principals(&self, principals: &[Principal]) -> Result<(), PolicyRefusal> {
        if self.principals.is_empty() {
            return Ok(());
        }
        match principals
            .iter()
            .find(|principal| !self.principals.iter().any(|rule| rule.fits(principal)))
        {
            None => Ok(()),
            Some(asked) => Err(PolicyRefusal::new(
                PolicyRule::Principals,
                asked,
                refusal::list(&self.principals),
            )),
        }
    }

    fn judge_subject(&self, subject: &PublicKey) -> Result<(), PolicyRefusal> {
        if let Some(weakness) = weakness(subject) {
            return Err(PolicyRefusal::new(
                PolicyRule::WeakKey,
                weakness,
                "keys that are not weak",
            ));
        }
        match SubjectType::of(subject) {
            Some(asked) if self.key_types.contains(&asked) => Ok(()),
            _ => Err(PolicyRefusal::new(
                PolicyRule::KeyTypes,
                key_type(subject),
                refusal::list(&self.key_types),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
