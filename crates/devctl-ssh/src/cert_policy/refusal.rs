use std::fmt;

/// A rule of a [`CertPolicy`](super::CertPolicy), by the name that its settings have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyRule {
    /// `maxValiditySeconds`
    MaxValidity,
    /// `principals`
    Principals,
    /// `extensions`
    Extensions,
    /// `keyTypes`
    KeyTypes,
    /// Weak keys are never certified; no setting changes that.
    WeakKey,
    /// `forceCommand`
    ForceCommand,
    /// `sourceAddress`
    SourceAddress,
    /// Containers accept no certificate with a source address; no setting changes that.
    Transport,
}

impl PolicyRule {
    /// The name of the setting, or of the rule where there is no setting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaxValidity => "maxValiditySeconds",
            Self::Principals => "principals",
            Self::Extensions => "extensions",
            Self::KeyTypes => "keyTypes",
            Self::WeakKey => "weak key",
            Self::ForceCommand => "forceCommand",
            Self::SourceAddress => "sourceAddress",
            Self::Transport => "transport",
        }
    }
}

impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that is outside the policy of the authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the policy of the authority refuses this by the rule {rule}: asked was {asked}, allowed is {allowed}"
)]
pub struct PolicyRefusal {
    /// The rule that it breaks.
    pub rule: PolicyRule,
    /// What was asked, in words.
    pub asked: String,
    /// What the rule allows, in words.
    pub allowed: String,
}

impl PolicyRefusal {
    pub(super) fn new(rule: PolicyRule, asked: impl fmt::Display, allowed: impl fmt::Display) -> Self {
        Self {
            rule,
            asked: asked.to_string(),
            allowed: allowed.to_string(),
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self.rule {
            PolicyRule::WeakKey => "make a new key: `devctl key generate NAME`".to_owned(),
            PolicyRule::Transport => "leave out the source address".to_owned(),
            rule => format!("ask for what is allowed, or change {rule} with `devctl ca policy`"),
        }
    }
}

pub(super) fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    words.join(", ")
}
