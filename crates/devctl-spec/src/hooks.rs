//! Lifecycle commands: their kinds, their order and their three forms.

use indexmap::IndexMap;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The lifecycle commands in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookKind {
    /// On the host, before each start.
    InitializeCommand,
    /// Once, when the container is new.
    OnCreateCommand,
    /// Once, and again whenever a prebuild is refreshed.
    UpdateContentCommand,
    /// Once, when the container has been given to its user.
    PostCreateCommand,
    /// At each start of the container.
    PostStartCommand,
    /// At each attach of a tool.
    PostAttachCommand,
}

impl HookKind {
    /// The five that run inside the container, in order.
    pub const IN_CONTAINER: [Self; 5] = [
        Self::OnCreateCommand,
        Self::UpdateContentCommand,
        Self::PostCreateCommand,
        Self::PostStartCommand,
        Self::PostAttachCommand,
    ];

    /// The property of `devcontainer.json`.
    pub const fn property(self) -> &'static str {
        match self {
            Self::InitializeCommand => "initializeCommand",
            Self::OnCreateCommand => "onCreateCommand",
            Self::UpdateContentCommand => "updateContentCommand",
            Self::PostCreateCommand => "postCreateCommand",
            Self::PostStartCommand => "postStartCommand",
            Self::PostAttachCommand => "postAttachCommand",
        }
    }
}

/// One command, without parallel branches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SimpleCommand {
    /// Run by `/bin/sh -c`.
    Shell(String),
    /// Run without a shell: program and arguments.
    Exec(Vec<String>),
}

/// A lifecycle command in one of its three forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum HookCommand {
    /// Run by `/bin/sh -c`.
    Shell(String),
    /// Run without a shell: program and arguments.
    Exec(Vec<String>),
    /// Named commands that run at the same time; all must succeed.
    Parallel(IndexMap<String, SimpleCommand>),
}

impl HookCommand {
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Shell(line) => line.clone().into(),
            Self::Exec(words) => words.clone().into(),
            Self::Parallel(branches) => branches
                .iter()
                .map(|(name, branch)| match branch {
                    SimpleCommand::Shell(line) => (name.clone(), Value::from(line.clone())),
                    SimpleCommand::Exec(words) => (name.clone(), Value::from(words.clone())),
                })
                .collect(),
        }
    }

    /// Whether there is nothing to run: an empty string, list or object.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Shell(line) => line.trim().is_empty(),
            Self::Exec(words) => words.is_empty(),
            Self::Parallel(branches) => branches.is_empty(),
        }
    }
}

/// A lifecycle command with where it comes from; the order of a list of these is the order of running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// When it runs.
    pub kind: HookKind,
    /// Where it was written, for people: `file:line` or "image metadata, entry 2".
    pub origin: String,
    /// What runs.
    pub command: HookCommand,
}

const FORMS: &str = "a command is a string, a list of strings, or an object of those";

impl<'de> Deserialize<'de> for SimpleCommand {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match Value::deserialize(source)? {
            Value::String(line) => Ok(Self::Shell(line)),
            Value::Array(words) => words_of(words)
                .map(Self::Exec)
                .ok_or_else(|| D::Error::custom(FORMS)),
            _ => Err(D::Error::custom(FORMS)),
        }
    }
}

impl<'de> Deserialize<'de> for HookCommand {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match Value::deserialize(source)? {
            Value::String(line) => Ok(Self::Shell(line)),
            Value::Array(words) => words_of(words)
                .map(Self::Exec)
                .ok_or_else(|| D::Error::custom(FORMS)),
            Value::Object(branches) => branches
                .into_iter()
                .map(|(name, branch)| match SimpleCommand::deserialize(branch) {
                    Ok(command) => Ok((name, command)),
                    Err(_) => Err(D::Error::custom(format!("{name}: {FORMS}"))),
                })
                .collect::<Result<_, _>>()
                .map(Self::Parallel),
            _ => Err(D::Error::custom(FORMS)),
        }
    }
}

fn words_of(words: Vec<Value>) -> Option<Vec<String>> {
    words
        .into_iter()
        .map(|word| match word {
            Value::String(text) => Some(text),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_three_forms_are_told_apart() {
        let read = |value| serde_json::from_value::<HookCommand>(value);
        assert_eq!(read(json!("a b")).unwrap(), HookCommand::Shell("a b".into()));
        assert_eq!(
            read(json!(["a", "b"])).unwrap(),
            HookCommand::Exec(vec!["a".into(), "b".into()])
        );
        let HookCommand::Parallel(branches) = read(json!({"z": "one", "a": ["two"]})).unwrap() else {
            panic!("an object is parallel")
        };
        assert_eq!(
            branches.keys().collect::<Vec<_>>(),
            ["z", "a"],
            "the written order stays"
        );
        assert_eq!(branches["a"], SimpleCommand::Exec(vec!["two".into()]));
    }

    #[test]
    fn other_forms_are_refused_with_the_branch_named() {
        let error = serde_json::from_value::<HookCommand>(json!({"x": {"y": "z"}})).unwrap_err();
        assert!(error.to_string().starts_with("x: "), "{error}");
        assert!(serde_json::from_value::<HookCommand>(json!(3)).is_err());
        assert!(serde_json::from_value::<HookCommand>(json!(["a", 1])).is_err());
    }
}
