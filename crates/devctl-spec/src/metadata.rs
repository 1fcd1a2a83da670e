//! The `devcontainer.metadata` label of images and containers.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::config::{Properties, typed};
use crate::error::SpecError;
use crate::origins::Origins;
use crate::read::ReadConfig;
use crate::variables::{VariableContext, substitute};

/// The name of the label.
pub const LABEL: &str = "devcontainer.metadata";

/// The properties of a configuration that are stored in the label, in the reference's order.
const STORED: [&str; 24] = [
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
    "waitFor",
    "customizations",
    "mounts",
    "containerEnv",
    "containerUser",
    "init",
    "privileged",
    "capAdd",
    "securityOpt",
    "remoteUser",
    "userEnvProbe",
    "remoteEnv",
    "overrideCommand",
    "portsAttributes",
    "otherPortsAttributes",
    "forwardPorts",
    "shutdownAction",
    "updateRemoteUserUID",
    "hostRequirements",
];
/// Those of them that a changed file may change on a container that exists.
const CHANGEABLE: [&str; 3] = ["remoteUser", "userEnvProbe", "remoteEnv"];

/// One entry of the label.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataEntry {
    /// As written, variables not filled in.
    pub raw: Map<String, Value>,
    /// The id of the feature that wrote it.
    pub id: Option<String>,
    /// Typed, variables filled in.
    pub properties: Properties,
}

impl MetadataEntry {
    fn new(
        raw: Map<String, Value>,
        image: &str,
        number: usize,
        variables: &VariableContext,
    ) -> Result<Self, SpecError> {
        let wrong = |what: String| SpecError::Metadata {
            image: image.to_owned(),
            what: format!("entry {number}: {what}"),
        };
        let value =
            substitute(&Value::Object(raw.clone()), variables).map_err(|error| wrong(error.to_string()))?;
        let properties = typed(&value, &Origins::default()).map_err(|error| match error {
            SpecError::Invalid { property, what, .. } => wrong(format!("{property}: {what}")),
            other => other,
        })?;
        let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { raw, id, properties })
    }
}

/// Reads the label of `image`: an array of objects, or one object. No label, or an empty one, is no entry.
///
/// Empty objects are kept, so that an entry's number is its place in the label.
///
/// # Errors
/// [`SpecError::Metadata`]; unlike the reference, which goes on without the entries, because they may hold the user and
/// the commands that the image needs.
pub fn parse_label(
    image: &str,
    label: Option<&str>,
    variables: &VariableContext,
) -> Result<Vec<MetadataEntry>, SpecError> {
    let Some(label) = label.filter(|label| !label.is_empty()) else {
        return Ok(Vec::new());
    };
    let wrong = |what: String| SpecError::Metadata {
        image: image.to_owned(),
        what,
    };
    let value: Value = serde_json::from_str(label).map_err(|error| wrong(error.to_string()))?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(_) => vec![value],
        _ => return Err(wrong("neither an array nor an object".into())),
    };
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| match item {
            Value::Object(raw) => MetadataEntry::new(raw, image, index + 1, variables),
            _ => Err(wrong(format!("entry {} is no object", index + 1))),
        })
        .collect()
}

/// The label for a container made from an image with `entries` and the configuration `read`: always an array, the
/// configuration last, variables not filled in, empty entries left out.
pub fn metadata_for_label(entries: &[MetadataEntry], read: &ReadConfig) -> String {
    let own = picked(&read.raw, &STORED);
    let all: Vec<Value> = entries
        .iter()
        .map(|entry| &entry.raw)
        .chain([&own])
        .filter(|entry| !entry.is_empty())
        .map(|entry| Value::Object(entry.clone()))
        .collect();
    Value::Array(all).to_string()
}

/// The properties of the configuration that take part in the merge, typed.
pub(crate) fn stored_properties(
    read: &ReadConfig,
    on_existing_container: bool,
) -> Result<Properties, SpecError> {
    typed(
        &Value::Object(picked(&read.value, keys(on_existing_container))),
        &read.origins,
    )
}

/// Whether there is any of them.
pub(crate) fn has_stored_properties(read: &ReadConfig, on_existing_container: bool) -> bool {
    !picked(&read.value, keys(on_existing_container)).is_empty()
}

fn keys(on_existing_container: bool) -> &'static [&'static str] {
    if on_existing_container {
        &CHANGEABLE
    } else {
        &STORED
    }
}

fn picked(value: &Value, keys: &[&str]) -> Map<String, Value> {
    keys.iter()
        .filter_map(|key| value.get(*key).map(|found| ((*key).to_owned(), found.clone())))
        .collect()
}
