use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `deliver USER`: takes a [`SecretsDocument`] on standard input, to its end, and makes [`SECRETS_FOLDER`] hold that and
/// nothing else. It is run as root; the files belong to the user, who is named or a number.
///
/// It fails where the folder is not in memory: what it is given must not come to lie on a disk.
pub const DELIVER_ARGUMENT: &str = "deliver";

/// `run [--keep NAME]… -- COMMAND ARGUMENTS…`: becomes the command, with the variables that were delivered, but for
/// those that are to keep the value that they have. What it starts leaves no core dump unless it asks for one.
pub const RUN_ARGUMENT: &str = "run";

/// Where secrets are files in a container: a tmpfs, which a container has from the beginning.
pub const SECRETS_FOLDER: &str = "/run/devctl-secrets";

/// The variable that says where [`SECRETS_FOLDER`] is, in everything that was given secrets.
pub const SECRETS_VARIABLE: &str = "DEVCTL_SECRETS";

/// More than one document may have.
pub const MAX_SECRETS_BYTES: usize = 16 * 1024 * 1024;

/// What a container is given. Wiped when dropped, and `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretsDocument {
    /// Variables of what `run` starts.
    pub environment: BTreeMap<String, SecretValue>,
    /// Files, by name.
    pub files: BTreeMap<String, SecretValue>,
}

/// One value; base64 on the wire. Wiped when dropped, never shown.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretValue(Vec<u8>);

impl SecretValue {
    /// Takes it in.
    pub fn new(value: Vec<u8>) -> Self {
        Self(value)
    }

    /// The value.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

impl Serialize for SecretValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = STANDARD.encode(&self.0);
        let written = serializer.serialize_str(&text);
        text.zeroize();
        written
    }
}

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        let value = STANDARD.decode(&text).map(Self);
        text.zeroize();
        // What the decoder says of a wrong symbol would show it.
        value.map_err(|_| serde::de::Error::custom("a value is no base64"))
    }
}

impl fmt::Debug for SecretsDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsDocument")
            .field("environment", &self.environment.keys())
            .field("files", &self.files.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_whole_and_are_not_shown() {
        let document = SecretsDocument {
            environment: BTreeMap::from([("TOKEN".to_owned(), SecretValue::new(b"hunter2".to_vec()))]),
            files: BTreeMap::from([("KEY".to_owned(), SecretValue::new(vec![0, 255, 10]))]),
        };
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<SecretsDocument>(&text).unwrap(), document);
        let shown = format!("{document:?} {:?}", document.environment["TOKEN"]);
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
        let refused =
            serde_json::from_str::<SecretsDocument>(r#"{"environment":{"A":"hunter2!"},"files":{}}"#);
        assert!(!refused.unwrap_err().to_string().contains("hunter2"));
    }
}
