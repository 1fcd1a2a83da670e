//! What a plan asks for, line by line.

use std::path::Path;

use serde_json::Value;

use super::reach::Reach;
use super::{TrustItem, TrustKind};
use crate::error::SpecError;
use crate::files::Files;
use crate::hooks::HookKind;
use crate::image_build::BuildSecretSource;
use crate::merge::MergedConfig;
use crate::metadata::MetadataEntry;
use crate::mounts::{Mount, MountKind};
use crate::origins::pointer_step;
use crate::plan::{ContainerPlan, ImageSource};
use crate::ports::parse_publish;
use crate::read::ReadConfig;
use crate::run_args::RunFlag;
use crate::variables::host_variables;

/// The trust sheet of a plan.
///
/// Asked first with no `entries` (what the folder wants, before anything is pulled, built or run), then with the image's
/// own: the second list holds the first. `merged` and `plan` must be made from the same `entries` and `read`.
///
/// # Errors
/// [`SpecError::Unreadable`] where the real place of a path cannot be found out.
pub fn wants(
    files: &dyn Files,
    read: &ReadConfig,
    entries: &[MetadataEntry],
    merged: &MergedConfig,
    plan: &ContainerPlan,
) -> Result<Vec<TrustItem>, SpecError> {
    let mut sheet = Sheet {
        read,
        reach: Reach::new(files, read)?,
        items: Vec::new(),
    };
    sheet.host_command();
    sheet.rights(merged);
    sheet.merged_mounts(merged, plan)?;
    sheet.run_args(&plan.run_flags)?;
    sheet.app_ports();
    sheet.build(plan)?;
    sheet.graphics(merged);
    sheet.host_files(plan)?;
    sheet.host_variables(entries, plan);
    Ok(sheet.items)
}

struct Sheet<'a> {
    read: &'a ReadConfig,
    reach: Reach<'a>,
    items: Vec<TrustItem>,
}

impl Sheet<'_> {
    fn add(
        &mut self,
        kind: TrustKind,
        key: &str,
        value: impl Into<String>,
        origin: String,
        consequence: impl Into<String>,
    ) {
        let item = TrustItem {
            kind,
            key: key.to_owned(),
            value: value.into(),
            consequence: consequence.into(),
            origin,
        };
        self.items.push(item);
    }

    fn host_command(&mut self) {
        if self
            .read
            .config
            .initialize_command
            .as_ref()
            .is_some_and(|command| !command.is_empty())
        {
            // As written: the values of variables are nobody's business here.
            let written = match self.read.raw.get("initializeCommand") {
                Some(Value::String(line)) => line.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            let origin = self.read.origin_text("/initializeCommand");
            let consequence = "This command runs on this machine as you, before each start.";
            self.add(
                TrustKind::HostCommand,
                "initializeCommand",
                written,
                origin,
                consequence,
            );
        }
    }

    fn rights(&mut self, merged: &MergedConfig) {
        if let Some(source) = &merged.privileged {
            self.add(
                TrustKind::Privileged,
                "privileged",
                "true",
                source.to_string(),
                PRIVILEGED,
            );
        }
        for capability in &merged.cap_add {
            let origin = capability.source.to_string();
            self.add(
                TrustKind::Capability,
                "capAdd",
                &capability.value,
                origin,
                capability_text(&capability.value),
            );
        }
        for option in &merged.security_opt {
            if !strengthens(&option.value) {
                let origin = option.source.to_string();
                self.add(
                    TrustKind::SecurityOption,
                    "securityOpt",
                    &option.value,
                    origin,
                    SECURITY,
                );
            }
        }
    }

    fn merged_mounts(&mut self, merged: &MergedConfig, plan: &ContainerPlan) -> Result<(), SpecError> {
        if self.read.raw.get("workspaceMount").is_some()
            && let Some(mount) = &plan.workspace_mount
        {
            let origin = self.read.origin_text("/workspaceMount");
            self.mount("workspaceMount", mount, origin)?;
        }
        for entry in &merged.mounts {
            self.mount("mounts", &entry.value.mount, entry.source.to_string())?;
        }
        Ok(())
    }

    fn mount(&mut self, key: &str, mount: &Mount, origin: String) -> Result<(), SpecError> {
        let source = mount.source.as_deref().unwrap_or_default();
        match mount.kind {
            MountKind::Bind => self.host_path(key, source, &mount.target, mount.read_only, origin)?,
            MountKind::Npipe => {
                let value = format!("{source} on {}", mount.target);
                self.add(
                    TrustKind::HostMount,
                    key,
                    value,
                    origin,
                    "The container reaches a service of this machine.",
                );
            }
            MountKind::Volume => self.volume(key, mount, origin)?,
            MountKind::Tmpfs | MountKind::Image | MountKind::Cluster => {}
        }
        Ok(())
    }

    /// The local driver mounts what its options say: `type=none,o=bind,device=/` is a path of the host, and what an
    /// overlay or a share shows stands in `o`, whatever its device is called.
    fn volume(&mut self, key: &str, mount: &Mount, origin: String) -> Result<(), SpecError> {
        let option = |name| mount.volume_options.get(name).map_or("", String::as_str);
        let (kind, flags) = (option("type"), option("o"));
        let is_local = mount
            .volume_driver
            .as_deref()
            .is_none_or(|driver| driver == "local");
        if is_local && (mount.volume_options.is_empty() || kind == "tmpfs") {
            return Ok(());
        }
        let is_bind = matches!(kind, "" | "none" | "bind")
            && flags
                .split(',')
                .all(|flag| matches!(flag, "" | "bind" | "rbind" | "ro" | "rw"));
        if is_local && is_bind {
            return self.host_path(key, option("device"), &mount.target, mount.read_only, origin);
        }
        let driver = mount.volume_driver.as_deref().unwrap_or("local");
        let options: Vec<String> = mount
            .volume_options
            .iter()
            .map(|(name, value)| format!(",{name}={value}"))
            .collect();
        self.add(
            TrustKind::HostMount,
            key,
            format!("driver={driver}{} on {}", options.concat(), mount.target),
            origin,
            "The engine mounts files of this machine, a device or a share of another machine for the container.",
        );
        Ok(())
    }

    fn host_path(
        &mut self,
        key: &str,
        source: &str,
        target: &str,
        is_read_only: bool,
        origin: String,
    ) -> Result<(), SpecError> {
        if self.reach.is_inside(Path::new(source))? {
            return Ok(());
        }
        // A link that leads elsewhere tomorrow is another wish.
        let real = self.reach.elsewhere(Path::new(source))?;
        let leads = real
            .as_deref()
            .map_or_else(String::new, |real| format!(" (leads to {})", real.display()));
        let value = format!(
            "{source}{leads} on {target}{}",
            if is_read_only { " (read-only)" } else { "" }
        );
        let is_socket =
            is_engine_socket(source) || real.is_some_and(|real| is_engine_socket(&real.to_string_lossy()));
        let consequence = if is_socket {
            "The container controls the container engine, and through it this whole machine."
        } else if is_read_only {
            "The container reads these files of this machine."
        } else {
            "The container reads and changes these files of this machine."
        };
        self.add(TrustKind::HostMount, key, value, origin, consequence);
        Ok(())
    }

    fn run_args(&mut self, flags: &[RunFlag]) -> Result<(), SpecError> {
        for flag in flags {
            let origin = self.read.origin_text(&format!("/runArgs/{}", flag.index));
            let key = format!("--{}", flag.name);
            let value = flag.value.as_str();
            match flag.name {
                "privileged" if value == "true" => {
                    self.add(TrustKind::Privileged, &key, value, origin, PRIVILEGED);
                }
                "cap-add" => self.add(TrustKind::Capability, &key, value, origin, capability_text(value)),
                "security-opt" if !strengthens(value) => {
                    self.add(TrustKind::SecurityOption, &key, value, origin, SECURITY);
                }
                "mount" => {
                    if let Ok(mount) = Mount::parse(value) {
                        self.mount(&key, &mount, origin)?;
                    }
                }
                "volume" => {
                    if let Ok(bind) = crate::mounts::parse_bind(value)
                        && bind.is_host_path()
                    {
                        let source = self.read.folder.join(bind.source.as_deref().unwrap_or_default());
                        let source = source.to_string_lossy().into_owned();
                        let is_read_only = bind.options.iter().any(|option| option == "ro");
                        self.host_path(&key, &source, &bind.target, is_read_only, origin)?;
                    }
                }
                "volumes-from" => {
                    let text = "The container reads and changes the volumes of another container.";
                    self.add(TrustKind::HostMount, &key, value, origin, text);
                }
                "ipc" | "pid" | "uts" | "userns" | "cgroupns" if reaches_out(value) => {
                    let text = format!(
                        "The container shares the {} namespace with {}.",
                        flag.name,
                        sharer(value)
                    );
                    self.add(TrustKind::HostNamespace, &key, value, origin, text);
                }
                "network" | "net" => self.network(&key, value, origin),
                "device" | "gpus" => self.add(TrustKind::Device, &key, value, origin, DEVICE),
                "device-cgroup-rule" => {
                    let text = "The container may make and use device files of this kind.";
                    self.add(TrustKind::Device, &key, value, origin, text);
                }
                "publish" => self.published(&key, value, origin),
                "publish-all" if value == "true" => {
                    let text = "Every port that the image names is open to the network of this machine.";
                    self.add(TrustKind::PublishedPort, &key, value, origin, text);
                }
                name => {
                    if let Some(text) = weakening(name, value) {
                        self.add(TrustKind::WeakIsolation, &key, value, origin, text);
                    }
                }
            }
        }
        Ok(())
    }

    fn network(&mut self, key: &str, value: &str, origin: String) {
        let fields: Vec<&str> = value.split(',').collect();
        let name = fields
            .iter()
            .find_map(|field| field.strip_prefix("name="))
            .unwrap_or(value);
        if reaches_out(name) {
            let text = format!("The container shares the network of {}.", sharer(name));
            self.add(TrustKind::HostNamespace, key, value, origin, text);
        } else if name != "none" {
            let text = "The container leaves its own network and reaches the other containers of this one.";
            self.add(TrustKind::WeakIsolation, key, value, origin, text);
        }
    }

    fn app_ports(&mut self) {
        for (index, port) in self.read.config.app_port.iter().enumerate() {
            let origin = self.read.origin_text(&format!("/appPort/{index}"));
            match port {
                crate::ports::AppPort::Port(number) => {
                    let text = format!("127.0.0.1:{number}:{number}");
                    self.published("appPort", &text, origin);
                }
                crate::ports::AppPort::Publish(text) => self.published("appPort", text, origin),
            }
        }
    }

    fn published(&mut self, key: &str, written: &str, origin: String) {
        // Without an address, planning takes 127.0.0.1.
        let is_local = parse_publish(written).is_ok_and(|ports| {
            ports
                .iter()
                .all(|port| port.host_ip.is_none() || port.is_loopback())
        });
        let text = if is_local {
            "Programs on this machine reach this port of the container."
        } else {
            "Other machines reach this port of the container."
        };
        self.add(TrustKind::PublishedPort, key, written, origin, text);
    }

    fn build(&mut self, plan: &ContainerPlan) -> Result<(), SpecError> {
        let ImageSource::Build(build) = &plan.source else {
            return Ok(());
        };
        let origin = self.read.origin_text("/build/options");
        for secret in &build.secrets {
            let value = match &secret.source {
                BuildSecretSource::File(path) => format!("{}: {}", secret.id, path.display()),
                BuildSecretSource::Env(name) => format!("{}: variable {name}", secret.id),
            };
            let text = "The build reads this secret of yours.";
            self.add(TrustKind::BuildAccess, "--secret", value, origin.clone(), text);
        }
        for agent in &build.ssh {
            let text = "The build signs in to other machines with the keys of your SSH agent.";
            self.add(TrustKind::BuildAccess, "--ssh", &agent.id, origin.clone(), text);
        }
        if let Some(network) = build
            .network
            .as_deref()
            .filter(|name| !matches!(*name, "default" | "none"))
        {
            let text = "The build shares a network outside of its own.";
            self.add(TrustKind::BuildAccess, "--network", network, origin, text);
        }
        Ok(())
    }

    fn graphics(&mut self, merged: &MergedConfig) {
        if merged.host_requirements.gpu.is_wanted() {
            let is_own = self.read.config.properties.host_requirements.as_ref();
            let origin = if is_own.is_some_and(|wish| wish.gpu.is_wanted()) {
                self.read.origin_text("/hostRequirements/gpu")
            } else {
                "image metadata".to_owned()
            };
            self.add(
                TrustKind::Device,
                "hostRequirements.gpu",
                "all graphics cards",
                origin,
                DEVICE,
            );
        }
    }

    fn host_files(&mut self, plan: &ContainerPlan) -> Result<(), SpecError> {
        for file in &plan.taken_files {
            if self.reach.is_inside(&file.path)? {
                continue;
            }
            let (kind, text) = match file.key.as_str() {
                "build.context" => (
                    TrustKind::BuildAccess,
                    "The build reads all files of this folder.",
                ),
                "build.dockerfile" => (
                    TrustKind::BuildAccess,
                    "The image is built from a file outside the workspace.",
                ),
                _ => (
                    TrustKind::HostFile,
                    "This file of this machine is read into the container's settings.",
                ),
            };
            self.add(
                kind,
                &file.key,
                file.path.display().to_string(),
                file.origin.clone(),
                text,
            );
        }
        Ok(())
    }

    /// Variables that are written out; paths of mounts are left to the mounts, and what stays on the host to itself.
    fn host_variables(&mut self, entries: &[MetadataEntry], plan: &ContainerPlan) {
        for taken in &plan.taken_variables {
            self.add(
                TrustKind::HostVariable,
                &taken.flag,
                &taken.name,
                taken.origin.clone(),
                VARIABLE,
            );
        }
        for key in FLOWING.iter().chain(&[
            "runArgs",
            "build",
            "name",
            "appPort",
            "image",
            "dockerFile",
            "context",
        ]) {
            if let Some(value) = self.read.raw.get(*key) {
                self.flowing(key, value, &format!("/{key}"), None);
            }
        }
        for (index, entry) in entries.iter().enumerate() {
            let source = crate::merge::Source::Image {
                entry: index + 1,
                id: entry.id.clone(),
            };
            for key in FLOWING {
                if let Some(value) = entry.raw.get(key) {
                    self.flowing(key, value, "", Some(&source.to_string()));
                }
            }
        }
    }

    /// The recursion is as deep as the configuration, which parsing bounds.
    fn flowing(&mut self, key: &str, value: &Value, pointer: &str, origin: Option<&str>) {
        match value {
            Value::String(text) if !host_variables(text).is_empty() => {
                let origin = origin.map_or_else(|| self.read.origin_text(pointer), str::to_owned);
                let learns = if key == "image" { REGISTRY } else { VARIABLE };
                self.add(TrustKind::HostVariable, key, text, origin, learns);
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let is_shown = match key {
                        "runArgs" => is_mount_value(items, index),
                        "mounts" => is_bind(item),
                        _ => false,
                    };
                    if is_shown {
                        continue;
                    }
                    self.flowing(key, item, &format!("{pointer}/{index}"), origin);
                }
            }
            Value::Object(fields) => {
                for (name, item) in fields {
                    self.flowing(
                        &format!("{key}.{name}"),
                        item,
                        &pointer_step(pointer, name),
                        origin,
                    );
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

const PRIVILEGED: &str = "The container has all rights of this machine's administrator.";
const SECURITY: &str = "A protection of this machine against the container is changed or switched off.";
const DEVICE: &str = "The container uses this device of this machine.";
const VARIABLE: &str = "The container learns the value of this variable of your environment.";
const REGISTRY: &str = "The registry of the image learns the value of this variable of your environment.";
/// The properties whose texts reach the container.
const FLOWING: [&str; 12] = [
    "containerEnv",
    "remoteEnv",
    HookKind::IN_CONTAINER[0].property(),
    HookKind::IN_CONTAINER[1].property(),
    HookKind::IN_CONTAINER[2].property(),
    HookKind::IN_CONTAINER[3].property(),
    HookKind::IN_CONTAINER[4].property(),
    "entrypoint",
    "containerUser",
    "remoteUser",
    "workspaceFolder",
    "mounts",
];

fn capability_text(name: &str) -> String {
    match name.to_ascii_uppercase().trim_start_matches("CAP_") {
        "SYS_PTRACE" => "Programs in the container may inspect each other.".to_owned(),
        "ALL" => "Programs in the container have every right of an administrator.".to_owned(),
        name => format!("Programs in the container have the right {name} beyond the usual ones."),
    }
}

/// The one option that takes rights away.
fn strengthens(option: &str) -> bool {
    matches!(
        option,
        "no-new-privileges" | "no-new-privileges=true" | "no-new-privileges:true"
    )
}

fn reaches_out(mode: &str) -> bool {
    mode == "host" || mode.starts_with("container:") || mode.starts_with("ns:")
}

fn sharer(mode: &str) -> &str {
    if mode == "host" {
        "this machine"
    } else {
        "another container"
    }
}

fn weakening(name: &str, value: &str) -> Option<&'static str> {
    Some(match name {
        "cgroup-parent" => "The container leaves the group in which its use of this machine is limited.",
        "group-add" => "The main process belongs to this further group.",
        "oom-kill-disable" if value == "true" => "The container may use up all memory of this machine.",
        "oom-score-adj" if value.starts_with('-') => {
            "Other programs of this machine are ended before the container."
        }
        "pids-limit" if value.starts_with('-') || value == "0" => {
            "The container may start any number of processes."
        }
        "annotation" => "The low-level runtime is given this instruction.",
        "memory" if value == "0" => "The container may use up all memory of this machine.",
        // A mount that leads elsewhere by then is followed without a look at it.
        "restart" if value != "no" => "The engine starts the container by itself, unseen by devctl.",
        "runtime" => "Another low-level runtime isolates the container.",
        "sysctl" => "The container runs with this kernel parameter.",
        "userns" => "The users of the container are mapped in another way.",
        "cpu-rt-runtime" | "cpu-rt-period" => "The container may hold processors in real time.",
        "volume-driver" => "Volumes are made by another driver, which may reach other machines.",
        _ => return None,
    })
}

fn is_engine_socket(source: &str) -> bool {
    let is_socket = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock"]
        .iter()
        .any(|name| source.ends_with(name));
    is_socket
        || matches!(
            source.trim_end_matches('/'),
            "" | "/run" | "/var/run" | "/var" | "/var/lib/docker"
        )
}

/// Binds are lines of their own, with their variables filled in.
fn is_bind(mount: &Value) -> bool {
    match mount {
        Value::String(text) => text
            .split(',')
            .any(|field| field.trim_matches('"').eq_ignore_ascii_case("type=bind")),
        other => other
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("bind")),
    }
}

fn is_mount_value(items: &[Value], index: usize) -> bool {
    let text = |at: usize| items.get(at).and_then(Value::as_str).unwrap_or_default();
    let is_joined = ["-v", "--volume=", "--mount="]
        .iter()
        .any(|flag| text(index).starts_with(flag));
    is_joined || (index > 0 && matches!(text(index - 1), "-v" | "--volume" | "--mount"))
}
