//! Secrets of a person, and the vault that holds them.

use crate::source::SourceKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that no log and no `Debug` shows. It is wiped when it is dropped.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct SecretText(String);

impl SecretText {
    /// Takes it in.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value. Do not print it, unless that was asked for, or pass it as an argument of a process.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// How a container gets a secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum SecretDelivery {
    /// As an environment variable.
    #[default]
    Environment,
    /// As a file in memory, `/run/devctl-secrets/NAME`; `NAME_FILE` says so in the environment.
    File,
}

/// Whom a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum SecretScope {
    /// For every container of this person.
    Person,
    /// For what is made from one folder or image.
    Container,
}

/// What is known of a secret without opening the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    /// Its name: the environment variable or the file.
    pub name: String,
    /// Whom it is for.
    pub scope: SecretScope,
    /// The folder or the image whose container gets it; absent for a person's own.
    pub source: Option<String>,
    /// How a container gets it.
    pub delivery: SecretDelivery,
    /// When it was set last.
    pub changed_at: String,
}

/// Secrets, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SecretList {
    /// The secrets.
    pub secrets: Vec<SecretInfo>,
}

/// Which secrets are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListSecrets {
    /// Those that this container gets, its person's among them: name, id, or folder. All where absent.
    #[serde(default)]
    pub container: Option<String>,
}

/// One secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Its name.
    pub name: String,
    /// The container that it is for (name, id, or folder); the person's own where absent.
    #[serde(default)]
    pub container: Option<String>,
}

/// Sets a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetSecret {
    /// Its name: letters, digits and underscores.
    pub name: String,
    /// The container that it is for (name, id, or folder); every container of the person where absent.
    #[serde(default)]
    pub container: Option<String>,
    /// Its value.
    pub value: SecretText,
    /// Whether the value is base64 of what is meant, for what is no text.
    #[serde(default)]
    pub base64: bool,
    /// How a container gets it.
    #[serde(default)]
    pub delivery: SecretDelivery,
}

/// A secret with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RevealedSecret {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: SecretText,
    /// Whether the value is base64 of what is meant, because that is no text.
    pub base64: bool,
}

/// Asks which secrets a folder's configuration would like to have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskedSecretsOf {
    /// The folder or the image.
    pub source: String,
    /// Which of the two it is, where that is said.
    #[serde(default)]
    pub kind: Option<SourceKind>,
    /// The configuration, where there are several.
    #[serde(default)]
    pub config: Option<String>,
}

/// The secrets that a configuration would like to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AskedSecrets {
    /// The `container` to set them for.
    pub container: String,
    /// The secrets, in the order of the configuration.
    pub secrets: Vec<AskedSecret>,
}

/// A secret that a configuration would like to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AskedSecret {
    /// Its name.
    pub name: String,
    /// What it is for, in the configuration's words.
    pub description: Option<String>,
    /// Where it is explained.
    pub documentation_url: Option<String>,
    /// Whether it is there.
    pub state: AskedSecretState,
}

/// Whether a secret that a configuration would like to have is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AskedSecretState {
    /// It is, for this container or for all.
    Set,
    /// It was left empty when it was asked for.
    Declined,
    /// Nobody was asked yet.
    Missing,
    /// It cannot be set: no variable has such a name.
    Refused,
}

/// A way into the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VaultWay {
    /// A key in the keychain of the operating system.
    Keychain,
    /// A key in the file that `DEVCTL_MASTER_KEY_FILE` names.
    KeyFile,
    /// A key in the systemd credential `devctl-master-key`.
    SystemdCredential,
    /// A key in a file (0600) beside the vault: whoever reads the disk reads the vault.
    OwnFile,
    /// A passphrase.
    Passphrase,
    /// The printed recovery key.
    RecoveryKey,
}

/// The vault, as it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VaultInfo {
    /// Its file.
    pub path: String,
    /// Whether it is there; it is made when something has to be kept.
    pub exists: bool,
    /// The ways in, if it could be opened.
    pub ways: Vec<VaultWayInfo>,
    /// The way that opened it.
    pub opened_by: Option<VaultWay>,
    /// Why it could not be opened.
    pub problem: Option<String>,
    /// How many entries it has: secrets, and keys of devctl's own.
    pub entries: Option<u64>,
    /// Where is kept how often it was written, so that an older copy is noticed.
    pub watched_in: Option<String>,
    /// The keychain of the operating system; absent where it is not to be used.
    pub keychain: Option<KeychainInfo>,
}

/// A way into the vault, and where its key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VaultWayInfo {
    /// Which.
    pub way: VaultWay,
    /// Where its key is, in words.
    pub place: String,
    /// Whether it opens the vault without a person.
    pub opens_by_itself: bool,
}

/// What the keychain can do right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeychainInfo {
    /// Whether a secret can be kept and read.
    pub ready: bool,
    /// The stable code of its state, such as `secrets.keychain_locked`.
    pub code: String,
    /// In words.
    pub words: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// Changes the ways into the vault. No entry is lost: the entries are not touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeVault {
    /// A way to take away; with `add`, the other comes into its place.
    #[serde(default)]
    pub remove: Option<VaultWay>,
    /// A way to add.
    #[serde(default)]
    pub add: Option<VaultWay>,
    /// The new passphrase, where that is the way.
    #[serde(default)]
    pub passphrase: Option<SecretText>,
    /// Opens the vault with its passphrase.
    #[serde(default)]
    pub open_with: Option<SecretText>,
    /// Opens the vault with its recovery key.
    #[serde(default)]
    pub recovery_key: Option<SecretText>,
    /// Takes a vault that is older than the one seen last: somebody restored it on purpose.
    #[serde(default)]
    pub accept_older: bool,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VaultChanged {
    /// The vault now.
    pub vault: VaultInfo,
    /// Why the key of the way that is gone could not be deleted from its place.
    pub left_behind: Option<String>,
}

/// Makes a recovery key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MakeRecoveryKey {
    /// Opens the vault with its passphrase.
    #[serde(default)]
    pub open_with: Option<SecretText>,
}

/// A recovery key, to be printed. It is shown once and nowhere kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecoveryKeyText {
    /// Eight groups of five letters and digits.
    pub recovery_key: SecretText,
}

/// Unlocks the keychain: by its own prompt, or with its password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnlockKeychain {
    /// Its password; the keychain's own prompt asks where absent.
    #[serde(default)]
    pub password: Option<SecretText>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_shown() {
        let request = SetSecret {
            name: "TOKEN".into(),
            value: SecretText::new("hunter2".into()),
            ..SetSecret::default()
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_request_needs_a_name_and_a_value_only() {
        let request: SetSecret = serde_json::from_str(r#"{"name":"A","value":"x"}"#).unwrap();
        assert_eq!(request.delivery, SecretDelivery::Environment);
        assert_eq!(request.value.expose(), "x");
        assert_eq!(
            serde_json::to_value(VaultWay::SystemdCredential).unwrap(),
            "systemd-credential"
        );
    }
}
