//! The plan: everything that the core needs to make the container, engine-neutral.

mod host_side;
mod image;
#[cfg(test)]
mod tests;

pub(crate) use image::{build_paths, no_image};

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::config::{ShutdownAction, UserEnvProbe};
use crate::error::SpecError;
use crate::files::Files;
use crate::forwarding::PortRules;
use crate::hooks::{Hook, HookKind};
use crate::host::HostRequirements;
use crate::image_build::BuildPlan;
use crate::merge::MergedConfig;
use crate::mounts::{Mount, MountKind};
use crate::ports::{AppPort, PortMapping, Protocol, parse_publish};
use crate::read::ReadConfig;
use crate::run::{EnvValue, RunOptions};
use crate::run_args::values::security_options;
use crate::run_args::{RunArgs, RunFlag, translate};

const LOOPBACK: &str = "127.0.0.1";

/// Where the image comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageSource {
    /// It is pulled unless it is there.
    Image(String),
    /// It is built.
    Build(Box<BuildPlan>),
}

/// A property that is kept although its effect comes later, or that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The property.
    pub property: String,
    /// One line for people.
    pub text: String,
}

/// A variable of the host that a flag hands over by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenVariable {
    /// The flag.
    pub flag: String,
    /// The name of the variable.
    pub name: String,
    /// Where it is asked for.
    pub origin: String,
}

/// A file of the host that planning or building reads beside the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFile {
    /// The property or flag.
    pub key: String,
    /// The file, absolute.
    pub path: PathBuf,
    /// Where it is asked for.
    pub origin: String,
}

/// Everything that the core needs to make the container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerPlan {
    /// Name for people.
    pub name: Option<String>,
    /// Where the image comes from.
    pub source: ImageSource,
    /// Where commands and sessions start; absolute in the container.
    pub workspace_folder: String,
    /// How the workspace is mounted; `None` mounts nothing.
    pub workspace_mount: Option<Mount>,
    /// Environment of the container, complete.
    pub env: IndexMap<String, String>,
    /// All else that the engine is asked for: mounts beside the workspace, ports (127.0.0.1 unless another address is
    /// written), rights, limits, and the container's user as `user`. Its `env`, `env_files` and `label_files` are empty:
    /// they are resolved into [`ContainerPlan::env`] and `labels`.
    pub run: RunOptions,
    /// The flags of `runArgs` from which part of it comes, one by one.
    pub run_flags: Vec<RunFlag>,
    /// The user of tools and commands; `None` is the container's user.
    pub remote_user: Option<String>,
    /// Ids of the user are aligned with those of the local user.
    pub update_remote_user_uid: bool,
    /// The main process is ours and waits; else it is the image's.
    pub override_command: bool,
    /// Scripts that run before the main process, in order.
    pub entrypoints: Vec<String>,
    /// How the user's environment is found out.
    pub user_env_probe: UserEnvProbe,
    /// Environment of tools and commands, over the probed one; `None` unsets. `${containerEnv:…}` is not yet filled in:
    /// [`crate::variables::container_env_substitute_text`] does that when the container runs.
    pub remote_env: IndexMap<String, Option<String>>,
    /// On the host, before the start.
    pub initialize: Option<Hook>,
    /// In the container, in the order in which they run. `${containerEnv:…}` is not yet filled in.
    pub hooks: Vec<Hook>,
    /// Which of them a tool waits for.
    pub wait_for: HookKind,
    /// What the host must have; where it wants a graphics card, the engine is asked for all where it can give them.
    pub host_requirements: HostRequirements,
    /// What happens when the tool is closed.
    pub shutdown_action: Option<ShutdownAction>,
    /// Ports to forward, and what is known of ports.
    pub ports: PortRules,
    /// Properties whose effect comes later, and unknown ones.
    pub notices: Vec<Notice>,
    /// Variables of the host that are handed over by name.
    pub taken_variables: Vec<TakenVariable>,
    /// Files of the host that are read.
    pub taken_files: Vec<TakenFile>,
}

/// Makes the plan for an image or Dockerfile configuration.
///
/// `read` should be [`ReadConfig::for_container`], `merged` made from it: with the image's metadata where it is known,
/// without for what the folder alone wants.
///
/// # Errors
/// `unsupported.features`, `unsupported.compose`, `unsupported.run_arg`, `unsupported.build_option`, and
/// [`SpecError::Invalid`] for values that no container can have.
pub fn plan(files: &dyn Files, read: &ReadConfig, merged: &MergedConfig) -> Result<ContainerPlan, SpecError> {
    let config = &read.config;
    refuse_unsupported(read)?;
    let mut host = host_side::HostSide::new(files, read);
    let source = image::source(&mut host, read)?;
    let run_args =
        translate(config.run_args.as_deref().unwrap_or_default()).map_err(|error| SpecError::RunArg {
            place: read.place(&format!("/runArgs/{}", error.index)),
            flag: error.flag,
            why: error.why,
            instead: error.instead,
        })?;
    let override_command = merged.override_command.as_ref().is_none_or(|flag| flag.value);
    if override_command && let Some(flag) = run_args.flags.iter().find(|flag| flag.name == "entrypoint") {
        return Err(SpecError::RunArg {
            place: read.place(&format!("/runArgs/{}", flag.index)),
            flag: "--entrypoint".into(),
            why: "the main process of the container is the one that waits".into(),
            instead: Some("set \"overrideCommand\": false".into()),
        });
    }
    let env = host.environment(merged, &run_args)?;
    let run_flags = run_args.flags.clone();
    let (ports, complaints) = PortRules::read(read, merged);
    let run = run_options(&mut host, read, merged, run_args)?;
    Ok(ContainerPlan {
        name: config.name.clone(),
        source,
        workspace_folder: workspace_folder(read)?,
        workspace_mount: workspace_mount(read)?,
        env,
        run,
        run_flags,
        remote_user: merged.remote_user.as_ref().map(|user| user.value.clone()),
        update_remote_user_uid: merged
            .update_remote_user_uid
            .as_ref()
            .is_none_or(|flag| flag.value),
        override_command,
        entrypoints: merged
            .entrypoints
            .iter()
            .map(|script| script.value.clone())
            .collect(),
        user_env_probe: merged
            .user_env_probe
            .as_ref()
            .map_or(UserEnvProbe::LoginInteractiveShell, |probe| probe.value),
        remote_env: merged
            .remote_env
            .iter()
            .map(|(name, value)| (name.clone(), value.value.clone()))
            .collect(),
        initialize: config
            .initialize_command
            .as_ref()
            .filter(|command| !command.is_empty())
            .map(|command| Hook {
                kind: HookKind::InitializeCommand,
                origin: read.origin_text("/initializeCommand"),
                command: command.clone(),
            }),
        hooks: merged.ordered_hooks(),
        wait_for: merged
            .wait_for
            .as_ref()
            .map_or(HookKind::UpdateContentCommand, |kind| kind.value),
        host_requirements: merged.host_requirements.clone(),
        shutdown_action: merged.shutdown_action.as_ref().map(|action| action.value),
        ports,
        notices: notices(read, merged, complaints),
        taken_variables: host.variables,
        taken_files: host.files_read,
    })
}

fn refuse_unsupported(read: &ReadConfig) -> Result<(), SpecError> {
    let config = &read.config;
    let refusals = [
        (
            config.docker_compose_file.is_some(),
            "dockerComposeFile",
            "unsupported.compose",
        ),
        (
            config.features.as_ref().is_some_and(|all| !all.is_empty()),
            "features",
            "unsupported.features",
        ),
    ];
    match refusals.into_iter().find(|(is_used, ..)| *is_used) {
        None => Ok(()),
        Some((_, property, code)) => Err(SpecError::Unsupported {
            place: read.place(&format!("/{property}")),
            property,
            code,
        }),
    }
}

fn invalid(read: &ReadConfig, property: &str, what: impl Into<String>) -> SpecError {
    SpecError::Invalid {
        place: read.place(&format!("/{property}")),
        property: property.into(),
        what: what.into(),
    }
}

fn workspace_folder(read: &ReadConfig) -> Result<String, SpecError> {
    match read.workspace.workspace_folder.as_deref() {
        Some(folder) if folder.starts_with('/') => Ok(folder.to_owned()),
        other => Err(invalid(
            read,
            "workspaceFolder",
            format!(
                "{:?} is no absolute path in the container",
                other.unwrap_or_default()
            ),
        )),
    }
}

fn workspace_mount(read: &ReadConfig) -> Result<Option<Mount>, SpecError> {
    if let Some(mount) = &read.workspace.default_mount {
        return Ok(Some(mount.clone()));
    }
    let Some(text) = read
        .workspace
        .workspace_mount
        .as_ref()
        .and_then(|mount| mount.as_str())
    else {
        return Ok(None);
    };
    if text.is_empty() {
        return Ok(None);
    }
    let mount = Mount::parse(text).map_err(|what| invalid(read, "workspaceMount", what))?;
    check_source(read, &mount).map_err(|what| invalid(read, "workspaceMount", what))?;
    Ok(Some(mount))
}

/// Engines take absolute paths only.
fn check_source(read: &ReadConfig, mount: &Mount) -> Result<(), String> {
    let is_windows = read.variables.local.platform == crate::local::Platform::Windows;
    match &mount.source {
        Some(source) if mount.kind == MountKind::Bind && !is_windows && !source.starts_with('/') => {
            Err(format!(
                "the source {source:?} is no absolute path; begin it with ${{localWorkspaceFolder}} or ${{localEnv:HOME}}"
            ))
        }
        _ => Ok(()),
    }
}

fn run_options(
    host: &mut host_side::HostSide<'_>,
    read: &ReadConfig,
    merged: &MergedConfig,
    run_args: RunArgs,
) -> Result<RunOptions, SpecError> {
    let RunArgs {
        options: mut run,
        flags,
    } = run_args;
    let run_arg = |name: &str, why: String| {
        let index = flags
            .iter()
            .find(|flag| flag.name == name)
            .map_or(0, |flag| flag.index);
        let place = read.place(&format!("/runArgs/{index}"));
        SpecError::RunArg {
            place,
            flag: format!("--{name}"),
            why,
            instead: None,
        }
    };
    run.init |= merged.init.is_some();
    run.privileged |= merged.privileged.is_some();
    add_new(
        &mut run.cap_add,
        merged.cap_add.iter().map(|capability| &capability.value),
    );
    let written: Vec<String> = merged
        .security_opt
        .iter()
        .map(|option| option.value.clone())
        .collect();
    let security = security_options(&written).map_err(|what| invalid(read, "securityOpt", what))?;
    run.unmask_system_paths |= security.unmask_system_paths;
    add_new(&mut run.security_opt, security.options.iter());
    host.load_seccomp_profiles(&mut run.security_opt)?;
    for mount in &run.mounts {
        check_source(read, mount).map_err(|why| run_arg("mount", why))?;
    }
    for bind in &mut run.binds {
        if let Some(source) = bind
            .source
            .as_deref()
            .filter(|source| source.starts_with(['.', '~']))
        {
            if source.starts_with('~') {
                return Err(run_arg(
                    "volume",
                    format!("{source:?}: no shell expands ~; write ${{localEnv:HOME}}"),
                ));
            }
            bind.source = Some(host.absolute(Path::new(source)).display().to_string());
        }
    }
    let mut mounts = Vec::with_capacity(merged.mounts.len() + run.mounts.len());
    for entry in &merged.mounts {
        check_source(read, &entry.value.mount).map_err(|what| invalid(read, "mounts", what))?;
        mounts.push(entry.value.mount.clone());
    }
    mounts.append(&mut run.mounts);
    run.mounts = mounts;
    let mut ports = app_ports(read)?;
    ports.append(&mut run.ports);
    for port in &mut ports {
        port.host_ip.get_or_insert_with(|| LOOPBACK.to_owned());
    }
    run.ports = ports;
    if run.networks.iter().any(|network| network.name.is_empty()) {
        return Err(run_arg(
            "network",
            "flags of a network are given, but no network".into(),
        ));
    }
    if run.user.is_none() {
        run.user = merged.container_user.as_ref().map(|user| user.value.clone());
    }
    let from_files = host.labels(&run.label_files)?;
    for (key, value) in from_files {
        run.labels.entry(key).or_insert(value);
    }
    run.label_files.clear();
    run.env.clear();
    run.env_files.clear();
    Ok(run)
}

fn app_ports(read: &ReadConfig) -> Result<Vec<PortMapping>, SpecError> {
    let mut all = Vec::new();
    for port in &read.config.app_port {
        match port {
            AppPort::Port(number) => all.push(PortMapping {
                host_ip: Some(LOOPBACK.to_owned()),
                host_port: Some(number.to_string()),
                container_port: *number,
                protocol: Protocol::Tcp,
            }),
            AppPort::Publish(text) => {
                all.extend(parse_publish(text).map_err(|what| invalid(read, "appPort", what))?);
            }
        }
    }
    Ok(all)
}

/// The list, then what of `more` is not in it.
fn add_new<'a>(list: &mut Vec<String>, more: impl Iterator<Item = &'a String>) {
    let mut present: HashSet<String> = list.iter().cloned().collect();
    list.extend(more.filter(|value| present.insert((*value).clone())).cloned());
}

const LATER: [(&str, &str); 1] = [("shutdownAction", "containers are stopped by devctl stop only")];
const KNOWN: [&str; 45] = [
    "$schema",
    "appPort",
    "build",
    "capAdd",
    "containerEnv",
    "containerUser",
    "context",
    "customizations",
    "devPort",
    "dockerComposeFile",
    "dockerFile",
    "extensions",
    "features",
    "forwardPorts",
    "hostRequirements",
    "image",
    "init",
    "initializeCommand",
    "mounts",
    "name",
    "onCreateCommand",
    "otherPortsAttributes",
    "overrideCommand",
    "overrideFeatureInstallOrder",
    "portsAttributes",
    "postAttachCommand",
    "postCreateCommand",
    "postStartCommand",
    "privileged",
    "remoteEnv",
    "remoteUser",
    "runArgs",
    "runServices",
    "secrets",
    "securityOpt",
    "service",
    "settings",
    "shutdownAction",
    "updateContentCommand",
    "updateRemoteUserUID",
    "userEnvProbe",
    "waitFor",
    "workspaceFolder",
    "workspaceMount",
    "additionalProperties",
];

fn notices(read: &ReadConfig, merged: &MergedConfig, ports: Vec<Notice>) -> Vec<Notice> {
    let later = LATER
        .into_iter()
        .filter(|_| merged.shutdown_action.is_some())
        .map(|(property, text)| Notice {
            property: property.to_owned(),
            text: format!("{property}: {text}"),
        });
    let unknown = read
        .raw
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(property, _)| !KNOWN.contains(&property.as_str()))
        .map(|(property, _)| Notice {
            property: property.clone(),
            text: format!(
                "{property}: no property of a dev container ({})",
                read.origin_text(&format!("/{property}"))
            ),
        });
    ports.into_iter().chain(later).chain(unknown).collect()
}
