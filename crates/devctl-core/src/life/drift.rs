//! What differs between a container and its configuration now, and what applying it costs.

use crate::containers::{Found, masked};
use crate::core::Core;
use crate::labels;
use crate::life::adopt;
use crate::source::{self, Definition};
use devctl_model::{ContainerDrift, DriftCost, DriftField, Problem};
use devctl_spec::plan::ImageSource;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A longer configuration is not kept on the container; that it changed is still seen.
const LABEL_AT_MOST: usize = 64 * 1024;
/// Longer values are cut for people.
const SHOWN_AT_MOST: usize = 400;
/// Properties that are compared name by name.
const BY_NAME: [&str; 5] = [
    "containerEnv",
    "remoteEnv",
    "build",
    "features",
    "hostRequirements",
];

/// What a configuration said when a container was made from it. Variables are not filled in: what they stand for may be
/// secret, and only its hash is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// As written.
    config: Map<String, Value>,
    /// A hash over each property with its variables filled in, where it has any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    filled: BTreeMap<String, String>,
    /// A hash over the Dockerfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dockerfile: Option<String>,
}

impl Snapshot {
    pub(crate) fn of(definition: &Definition) -> Self {
        let config = definition.read.raw.as_object().cloned().unwrap_or_default();
        let value = &definition.read.value;
        let filled = config
            .iter()
            .filter_map(|(key, raw)| {
                let filled = value.get(key).filter(|filled| *filled != raw)?;
                Some((key.clone(), source::short_hash(&filled.to_string())))
            })
            .collect();
        Self {
            config,
            filled,
            dockerfile: definition.dockerfile.clone(),
        }
    }

    /// The label that keeps it; none where it would be too long.
    pub(crate) fn label(&self) -> Option<String> {
        serde_json::to_string(self)
            .ok()
            .filter(|text| text.len() <= LABEL_AT_MOST)
    }

    /// Each difference to what is said now, the dearest first.
    fn differences(&self, now: &Self) -> Vec<DriftField> {
        let keys: BTreeSet<&String> = self.config.keys().chain(now.config.keys()).collect();
        let mut fields = Vec::new();
        for key in keys {
            let (old, new) = (self.config.get(key), now.config.get(key));
            let cost = cost(key);
            if old == new {
                if self.filled.get(key) != now.filled.get(key) {
                    fields.push(DriftField {
                        note: Some("a variable in it stands for something else now".to_owned()),
                        ..field(key, old, new, cost)
                    });
                }
            } else if let (true, Some(Value::Object(old)), Some(Value::Object(new))) =
                (BY_NAME.contains(&key.as_str()), old, new)
            {
                let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
                fields.extend(
                    names
                        .into_iter()
                        .filter(|name| old.get(*name) != new.get(*name))
                        .map(|name| field(&format!("{key}.{name}"), old.get(name), new.get(name), cost)),
                );
            } else {
                fields.push(field(key, old, new, cost));
            }
        }
        if let (Some(old), Some(new)) = (&self.dockerfile, &now.dockerfile)
            && old != new
        {
            fields.push(DriftField {
                note: Some("the Dockerfile has another text now".to_owned()),
                ..field("Dockerfile", None, None, DriftCost::Rebuild)
            });
        }
        fields.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.field.cmp(&b.field)));
        fields
    }
}

/// What it costs to apply another value of a property. Unknown ones have no effect, so they cost nothing.
fn cost(property: &str) -> DriftCost {
    match property {
        "image" | "build" | "dockerFile" | "context" | "features" | "overrideFeatureInstallOrder"
        | "dockerComposeFile" | "service" | "runServices" => DriftCost::Rebuild,
        "runArgs" | "mounts" | "containerEnv" | "containerUser" | "workspaceMount" | "workspaceFolder"
        | "appPort" | "privileged" | "capAdd" | "securityOpt" | "init" | "entrypoint" | "overrideCommand"
        | "updateRemoteUserUID" | "hostRequirements"
        // These have run, and run again only in a new container.
        | "onCreateCommand" | "updateContentCommand" | "postCreateCommand" => DriftCost::Recreate,
        "initializeCommand" | "postStartCommand" => DriftCost::Restart,
        _ => DriftCost::Nothing,
    }
}

fn field(name: &str, old: Option<&Value>, new: Option<&Value>, cost: DriftCost) -> DriftField {
    DriftField {
        field: name.to_owned(),
        old: old.map(|value| shown(name, value)),
        new: new.map(|value| shown(name, value)),
        cost,
        note: None,
    }
}

/// A value for people; in variables, what looks like a secret is not shown.
fn shown(name: &str, value: &Value) -> String {
    let variables = ["containerEnv", "remoteEnv"];
    let hidden = match (name.split_once('.'), value) {
        (Some((property, variable)), _) if variables.contains(&property) => {
            Value::String(masked(variable, value.as_str().unwrap_or_default()))
        }
        (None, Value::Object(all)) if variables.contains(&name) => {
            let hide = |(name, value): (&String, &Value)| {
                let text = value.as_str().map(|text| masked(name, text));
                (name.clone(), text.map_or(Value::Null, Value::String))
            };
            Value::Object(all.iter().map(hide).collect())
        }
        _ => value.clone(),
    };
    let text = hidden.to_string();
    match text.char_indices().nth(SHOWN_AT_MOST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// What the configuration says otherwise than when the container was made.
pub(crate) fn fields(found: &Found, definition: &Definition) -> Vec<DriftField> {
    let Some(hash) = found.label(labels::CONFIG_HASH) else {
        return Vec::new();
    };
    if hash == definition.hash {
        return Vec::new();
    }
    let made_with = found
        .label(labels::CONFIG)
        .and_then(|text| serde_json::from_str::<Snapshot>(text).ok());
    let fields = made_with.map(|old| old.differences(&Snapshot::of(definition)));
    fields.filter(|fields| !fields.is_empty()).unwrap_or_else(|| {
        vec![DriftField {
            field: "configuration".to_owned(),
            old: None,
            new: None,
            cost: DriftCost::Rebuild,
            note: Some("what it was made with is not known".to_owned()),
        }]
    })
}

impl Core {
    /// What differs between a container and its configuration now.
    pub(crate) async fn drift(self: &Arc<Self>, name: &str) -> Result<ContainerDrift, Problem> {
        let found = self.find(name).await?;
        if found.is_adopted() {
            return Err(adopt::not_ours(&found, "compared with a configuration"));
        }
        let definition = self.definition_of(&found).await?;
        let mut fields = fields(&found, &definition);
        if !fields.iter().any(|field| field.cost == DriftCost::Rebuild)
            && let Some(field) = image_moved(&found, &definition).await
        {
            fields.insert(0, field);
        }
        let cost = fields.iter().map(|field| field.cost).max();
        let verb = match cost {
            None | Some(DriftCost::Nothing) => None,
            Some(DriftCost::Restart) => Some("restart"),
            Some(DriftCost::Recreate) => Some("recreate"),
            Some(DriftCost::Rebuild) => Some("rebuild"),
        };
        Ok(ContainerDrift {
            name: found.alias().to_owned(),
            fields,
            cost,
            command: verb.map(|verb| format!("devctl {verb} {}", found.alias())),
        })
    }
}

/// That the name of the image means another one here by now.
async fn image_moved(found: &Found, definition: &Definition) -> Option<DriftField> {
    let plan = source::plan(definition, &[]).ok()?.plan;
    let ImageSource::Image(reference) = &plan.source else {
        return None;
    };
    let now = found.engine.image_inspect(reference).await.ok()?;
    let bare = |id: &str| id.trim_start_matches("sha256:").to_owned();
    let (old, new) = (bare(&found.summary.image_id), bare(&now.id));
    (old != new && !old.is_empty()).then(|| DriftField {
        field: "image".to_owned(),
        old: Some(old.chars().take(12).collect()),
        new: Some(new.chars().take(12).collect()),
        cost: DriftCost::Rebuild,
        note: Some(format!("{reference} is another image now")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn snapshot(config: &Value) -> Snapshot {
        Snapshot {
            config: config.as_object().cloned().unwrap(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn each_property_has_its_price_and_secrets_are_not_shown() {
        let old = snapshot(&json!({
            "image": "a", "name": "x", "mounts": ["type=volume,source=v,target=/v"],
            "containerEnv": { "A": "1", "API_TOKEN": "old-secret", "SAME": "s" },
        }));
        let new = snapshot(&json!({
            "image": "b", "name": "y", "postStartCommand": "true",
            "containerEnv": { "A": "2", "API_TOKEN": "new-secret", "SAME": "s" },
        }));
        let fields = old.differences(&new);
        let costs: Vec<(&str, DriftCost)> = fields.iter().map(|f| (f.field.as_str(), f.cost)).collect();
        assert_eq!(
            costs,
            [
                ("image", DriftCost::Rebuild),
                ("containerEnv.A", DriftCost::Recreate),
                ("containerEnv.API_TOKEN", DriftCost::Recreate),
                ("mounts", DriftCost::Recreate),
                ("postStartCommand", DriftCost::Restart),
                ("name", DriftCost::Nothing),
            ]
        );
        assert_eq!(fields[1].old.as_deref(), Some("\"1\""));
        assert_eq!(fields[3].new, None);
        let text = format!("{fields:?}");
        assert!(
            !text.contains("old-secret") && !text.contains("new-secret"),
            "{text}"
        );
    }

    #[test]
    fn a_variable_that_stands_for_something_else_is_a_difference() {
        let with = |hash: &str| Snapshot {
            filled: BTreeMap::from([("mounts".to_owned(), hash.to_owned())]),
            ..snapshot(&json!({ "mounts": ["source=${localEnv:HOME},target=/h,type=bind"] }))
        };
        assert!(with("1").differences(&with("1")).is_empty());
        let fields = with("1").differences(&with("2"));
        assert_eq!((fields.len(), fields[0].cost), (1, DriftCost::Recreate));
        assert!(fields[0].note.is_some());
    }
}
