//! Image metadata and configuration together, property by property.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::config::{Properties, ShutdownAction, UserEnvProbe};
use crate::error::SpecError;
use crate::hooks::{Hook, HookCommand, HookKind};
use crate::host::HostRequirements;
use crate::metadata::{MetadataEntry, has_stored_properties, stored_properties};
use crate::mounts::MountEntry;
use crate::ports::ForwardPort;
use crate::read::ReadConfig;

/// Where a merged value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An entry of the image's metadata, counted from 1, with the id of its feature.
    Image {
        /// Its place in the label.
        entry: usize,
        /// The feature.
        id: Option<String>,
    },
    /// The configuration: `file:line`.
    Config(String),
}

impl Source {
    /// Whether the image brought it.
    pub fn is_image(&self) -> bool {
        matches!(self, Self::Image { .. })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { entry, id: None } => write!(out, "image metadata, entry {entry}"),
            Self::Image { entry, id: Some(id) } => write!(out, "image metadata, entry {entry} ({id})"),
            Self::Config(place) => out.write_str(place),
        }
    }
}

/// A merged value with where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

/// Everything merged. An absent value was said by nobody.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MergedConfig {
    /// Who asked for an init process.
    pub init: Option<Source>,
    /// Who asked for all rights.
    pub privileged: Option<Source>,
    /// Added capabilities, each once.
    pub cap_add: Vec<Sourced<String>>,
    /// Security options, each once.
    pub security_opt: Vec<Sourced<String>>,
    /// Scripts before the main process.
    pub entrypoints: Vec<Sourced<String>>,
    /// Mounts; of one target the last.
    pub mounts: Vec<Sourced<MountEntry>>,
    /// The five commands of the container, kind by kind, in each kind the image's before the configuration's.
    pub hooks: Vec<(HookKind, Sourced<HookCommand>)>,
    /// Which command a tool waits for.
    pub wait_for: Option<Sourced<HookKind>>,
    /// User of the container.
    pub container_user: Option<Sourced<String>>,
    /// User of tools and commands.
    pub remote_user: Option<Sourced<String>>,
    /// How the user's environment is found out.
    pub user_env_probe: Option<Sourced<UserEnvProbe>>,
    /// The main process is ours.
    pub override_command: Option<Sourced<bool>>,
    /// What happens when the tool is closed.
    pub shutdown_action: Option<Sourced<ShutdownAction>>,
    /// The user's ids are aligned.
    pub update_remote_user_uid: Option<Sourced<bool>>,
    /// Environment of the container.
    pub container_env: IndexMap<String, Sourced<String>>,
    /// Environment of tools and commands; `None` unsets.
    pub remote_env: IndexMap<String, Sourced<Option<String>>>,
    /// Settings of tools: per tool one value of each entry.
    pub customizations: IndexMap<String, Vec<Value>>,
    /// Attributes of ports.
    pub ports_attributes: IndexMap<String, Value>,
    /// Attributes of all other ports.
    pub other_ports_attributes: Option<Value>,
    /// Ports that are always forwarded; `n` and `localhost:n` are the same.
    pub forward_ports: Vec<ForwardPort>,
    /// What the host must have.
    pub host_requirements: HostRequirements,
    /// Whether neither image nor configuration said anything that is merged.
    pub is_nothing_said: bool,
}

/// Merges the image's entries, in their order, with the configuration, which comes last.
///
/// # Errors
/// None that reading the configuration did not give already.
pub fn merge(entries: &[MetadataEntry], read: &ReadConfig) -> Result<MergedConfig, SpecError> {
    merge_all(entries, read, false)
}

/// Merges for a container that exists, from the entries of its own label: of the file only the remote user, its
/// environment and the way it is probed still count.
///
/// # Errors
/// None that reading the configuration did not give already.
pub fn merge_for_existing(entries: &[MetadataEntry], read: &ReadConfig) -> Result<MergedConfig, SpecError> {
    merge_all(entries, read, true)
}

fn merge_all(
    entries: &[MetadataEntry],
    read: &ReadConfig,
    is_existing: bool,
) -> Result<MergedConfig, SpecError> {
    let mut merged = MergedConfig::default();
    let mut hooks: Vec<Vec<Sourced<HookCommand>>> = vec![Vec::new(); HookKind::IN_CONTAINER.len()];
    for (index, entry) in entries.iter().enumerate() {
        let source = Source::Image {
            entry: index + 1,
            id: entry.id.clone(),
        };
        merged.add(&entry.properties, &mut hooks, |_| source.clone());
    }
    let own = stored_properties(read, is_existing)?;
    merged.is_nothing_said =
        entries.iter().all(|entry| entry.raw.is_empty()) && !has_stored_properties(read, is_existing);
    merged.add(&own, &mut hooks, |pointer| {
        Source::Config(read.origin_text(pointer))
    });
    merged.leave_out_repeated();
    merged.hooks = HookKind::IN_CONTAINER
        .into_iter()
        .zip(hooks)
        .flat_map(|(kind, of_kind)| of_kind.into_iter().map(move |hook| (kind, hook)))
        .collect();
    Ok(merged)
}

impl MergedConfig {
    /// The hooks of the container in the order in which they run.
    pub fn ordered_hooks(&self) -> Vec<Hook> {
        self.hooks
            .iter()
            .filter(|(_, hook)| !hook.value.is_empty())
            .map(|(kind, hook)| Hook {
                kind: *kind,
                origin: hook.source.to_string(),
                command: hook.value.clone(),
            })
            .collect()
    }

    /// Done once at the end, so that long lists are not searched for each of their values.
    fn leave_out_repeated(&mut self) {
        for list in [&mut self.cap_add, &mut self.security_opt] {
            let mut seen = HashSet::new();
            list.retain(|item| seen.insert(item.value.clone()));
        }
        let mut seen = HashSet::new();
        self.forward_ports.retain(|port| seen.insert(port.clone()));
        let mut seen = HashSet::new();
        self.mounts.reverse();
        self.mounts
            .retain(|entry| seen.insert(entry.value.mount.target.clone()));
        self.mounts.reverse();
    }

    fn add(
        &mut self,
        next: &Properties,
        hooks: &mut [Vec<Sourced<HookCommand>>],
        source: impl Fn(&str) -> Source,
    ) {
        if next.init == Some(true) {
            self.init.get_or_insert_with(|| source("/init"));
        }
        if next.privileged == Some(true) {
            self.privileged.get_or_insert_with(|| source("/privileged"));
        }
        add_all(&mut self.cap_add, next.cap_add.as_ref(), "/capAdd", &source);
        add_all(
            &mut self.security_opt,
            next.security_opt.as_ref(),
            "/securityOpt",
            &source,
        );
        if let Some(entrypoint) = next.entrypoint.as_ref().filter(|text| !text.is_empty()) {
            self.entrypoints.push(Sourced {
                value: entrypoint.clone(),
                source: source("/entrypoint"),
            });
        }
        for (index, mount) in next.mounts.iter().flatten().enumerate() {
            self.mounts.push(Sourced {
                value: mount.clone(),
                source: source(&format!("/mounts/{index}")),
            });
        }
        for (of_kind, kind) in hooks.iter_mut().zip(HookKind::IN_CONTAINER) {
            if let Some(command) = next.hook(kind)
                && *command != HookCommand::Shell(String::new())
            {
                of_kind.push(Sourced {
                    value: command.clone(),
                    source: source(&format!("/{}", kind.property())),
                });
            }
        }
        replace(&mut self.wait_for, next.wait_for, || source("/waitFor"));
        let named = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        replace(&mut self.container_user, named(&next.container_user), || {
            source("/containerUser")
        });
        replace(&mut self.remote_user, named(&next.remote_user), || {
            source("/remoteUser")
        });
        replace(&mut self.user_env_probe, next.user_env_probe, || {
            source("/userEnvProbe")
        });
        replace(&mut self.override_command, next.override_command, || {
            source("/overrideCommand")
        });
        replace(&mut self.shutdown_action, next.shutdown_action, || {
            source("/shutdownAction")
        });
        replace(
            &mut self.update_remote_user_uid,
            next.update_remote_user_uid,
            || source("/updateRemoteUserUID"),
        );
        for (name, value) in next.container_env.iter().flatten() {
            let source = source(&crate::origins::pointer_step("/containerEnv", name));
            self.container_env.insert(
                name.clone(),
                Sourced {
                    value: value.clone(),
                    source,
                },
            );
        }
        for (name, value) in next.remote_env.iter().flatten() {
            let source = source(&crate::origins::pointer_step("/remoteEnv", name));
            self.remote_env.insert(
                name.clone(),
                Sourced {
                    value: value.clone(),
                    source,
                },
            );
        }
        for (tool, settings) in next.customizations.iter().flatten() {
            self.customizations
                .entry(tool.clone())
                .or_default()
                .push(settings.clone());
        }
        for (port, attributes) in next.ports_attributes.iter().flatten() {
            self.ports_attributes.insert(port.clone(), attributes.clone());
        }
        if let Some(attributes) = next
            .other_ports_attributes
            .as_ref()
            .filter(|value| !value.is_null())
        {
            self.other_ports_attributes = Some(attributes.clone());
        }
        for port in next.forward_ports.iter().flatten() {
            self.forward_ports.push(local_port(port));
        }
        if let Some(requirements) = &next.host_requirements {
            self.host_requirements = std::mem::take(&mut self.host_requirements).merge(requirements.clone());
        }
    }

    /// The merged properties in the reference's shape, to be laid over the configuration.
    pub(crate) fn to_fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            // What nobody said removes what the configuration's own object would show.
            fields.insert(key.to_owned(), value.unwrap_or(Value::Null));
        };
        let texts = |list: &[Sourced<String>]| {
            (!list.is_empty()).then(|| list.iter().map(|item| item.value.as_str()).collect::<Value>())
        };
        set("init", Some(self.init.is_some().into()));
        set("privileged", Some(self.privileged.is_some().into()));
        set("capAdd", texts(&self.cap_add));
        set("securityOpt", texts(&self.security_opt));
        set("entrypoints", texts(&self.entrypoints));
        set(
            "mounts",
            (!self.mounts.is_empty()).then(|| {
                Value::Array(
                    self.mounts
                        .iter()
                        .map(|mount| mount.value.written.clone())
                        .collect(),
                )
            }),
        );
        set(
            "customizations",
            (!self.customizations.is_empty()).then(|| {
                let tools = self.customizations.iter();
                Value::Object(
                    tools
                        .map(|(tool, all)| (tool.clone(), Value::Array(all.clone())))
                        .collect(),
                )
            }),
        );
        for kind in HookKind::IN_CONTAINER {
            let of_kind = self.hooks.iter().filter(|(other, _)| *other == kind);
            let commands = of_kind.map(|(_, hook)| hook.value.to_value()).collect();
            set(&format!("{}s", kind.property()), Some(Value::Array(commands)));
        }
        set(
            "waitFor",
            self.wait_for.as_ref().map(|kind| kind.value.property().into()),
        );
        set(
            "remoteUser",
            self.remote_user.as_ref().map(|user| user.value.clone().into()),
        );
        set(
            "containerUser",
            self.container_user.as_ref().map(|user| user.value.clone().into()),
        );
        set(
            "userEnvProbe",
            self.user_env_probe
                .as_ref()
                .map(|probe| probe.value.name().into()),
        );
        set(
            "remoteEnv",
            Some(
                self.remote_env
                    .iter()
                    .map(|(name, value)| (name.clone(), value.value.clone()))
                    .collect(),
            ),
        );
        set(
            "containerEnv",
            Some(
                self.container_env
                    .iter()
                    .map(|(name, value)| (name.clone(), value.value.clone()))
                    .collect(),
            ),
        );
        set(
            "overrideCommand",
            self.override_command.as_ref().map(|flag| flag.value.into()),
        );
        set(
            "portsAttributes",
            Some(self.ports_attributes.clone().into_iter().collect()),
        );
        set("otherPortsAttributes", self.other_ports_attributes.clone());
        set(
            "forwardPorts",
            (!self.forward_ports.is_empty())
                .then(|| self.forward_ports.iter().map(ForwardPort::to_value).collect()),
        );
        set(
            "shutdownAction",
            self.shutdown_action
                .as_ref()
                .map(|action| action.value.name().into()),
        );
        set(
            "updateRemoteUserUID",
            self.update_remote_user_uid.as_ref().map(|flag| flag.value.into()),
        );
        // The largest of no values is minus infinity in the reference; printed, so that the documents stay equal.
        let nothing = || json!({"cpus": null, "memory": "-Infinity", "storage": "-Infinity"});
        set(
            "hostRequirements",
            self.is_nothing_said
                .then(nothing)
                .or_else(|| self.host_requirements.to_value()),
        );
        fields
    }
}

fn add_all(
    all: &mut Vec<Sourced<String>>,
    next: Option<&Vec<String>>,
    pointer: &str,
    source: impl Fn(&str) -> Source,
) {
    for (index, value) in next.into_iter().flatten().enumerate() {
        all.push(Sourced {
            value: value.clone(),
            source: source(&format!("{pointer}/{index}")),
        });
    }
}

fn replace<T>(slot: &mut Option<Sourced<T>>, value: Option<T>, source: impl Fn() -> Source) {
    if let Some(value) = value {
        *slot = Some(Sourced {
            value,
            source: source(),
        });
    }
}

fn local_port(port: &ForwardPort) -> ForwardPort {
    match port {
        ForwardPort::HostPort(text) => match text.strip_prefix("localhost:").map(str::parse) {
            Some(Ok(number)) => ForwardPort::Port(number),
            _ => port.clone(),
        },
        ForwardPort::Port(_) => port.clone(),
    }
}
