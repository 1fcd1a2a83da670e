//! From a bare machine to a container that `ssh` reaches, and the window beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::build::{self, Products};
use crate::engine::{self, Engine};
use crate::workspace::Workspace;
use crate::{command, fixtures, machine, report};

/// The image of the sample, as its configuration names it.
const SAMPLE_IMAGE: &str = "mcr.microsoft.com/devcontainers/base:bookworm";

/// Installs, builds, brings a container up and shows the way in.
pub(crate) fn start(workspace: &Workspace, folder: Option<&Path>) -> Result<()> {
    report::heading("what this machine needs");
    machine::need(&machine::TO_BUILD)?;
    machine::need(&[machine::Package {
        name: "openssh-client",
        ..machine::program("ssh", "logs in to the containers")
    }])?;
    machine::need_node()?;
    let engine = engine::find_or_start(workspace)?;
    let products = build::products(workspace)?;

    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => sample(workspace, engine)?,
    };
    report::heading(format!("a container from {}", folder.display()));
    command::run(Command::new(&products.devctl).arg("up").arg(&folder))?;
    let host = ssh_host(&products.devctl, &folder)?;

    report::heading(format!("the login to {host}"));
    let status = ssh_status(&products.devctl)?;
    command::run(Command::new("ssh").args(["-F", &status.our_config, "-o", "BatchMode=yes", &host, "true"]))
        .context("the container runs, but `ssh` does not get in\nfix: devctl doctor")?;
    report::note("works");
    let line = if status.installed || offer_install(&products.devctl)? {
        format!("ssh {host}")
    } else {
        format!("ssh -F {} {host}", status.our_config)
    };

    open_window(&products)?;
    report::heading("done");
    report::line(line);
    Ok(())
}

/// The sample's folder; where its image cannot be had, a copy of the folder on an image made here.
fn sample(workspace: &Workspace, engine: Engine) -> Result<PathBuf> {
    let sample = workspace.join("examples/hello");
    let configuration = sample.join(".devcontainer/devcontainer.json");
    let text = fs::read_to_string(&configuration)
        .with_context(|| format!("cannot read {}", configuration.display()))?;
    if command::succeeds(engine.command().args(["image", "inspect", SAMPLE_IMAGE])) {
        return Ok(sample);
    }
    report::heading(format!("the sample's image, {SAMPLE_IMAGE}"));
    if command::run(engine.command().args(["pull", SAMPLE_IMAGE])).is_ok() {
        return Ok(sample);
    }
    let copy = workspace.kept("sample").join("hello");
    report::note(format!(
        "it cannot be pulled here: {} is the sample on {} instead, made from Debian packages",
        copy.display(),
        fixtures::BASE_IMAGE
    ));
    fixtures::base_image(workspace, engine)?;
    copy_with_image(&sample, &copy, &text)?;
    Ok(copy)
}

/// Copies the sample, leaving alone what a person has changed in a copy made before.
fn copy_with_image(sample: &Path, copy: &Path, configuration: &str) -> Result<()> {
    let wanted = configuration.replace(SAMPLE_IMAGE, fixtures::BASE_IMAGE);
    if wanted == configuration {
        bail!("the sample's configuration does not name {SAMPLE_IMAGE}");
    }
    let files = [
        (copy.join(".devcontainer/devcontainer.json"), wanted),
        (
            copy.join("README.md"),
            fs::read_to_string(sample.join("README.md")).context("the sample has no README.md")?,
        ),
    ];
    for (path, text) in files {
        if path.exists() {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Asks `devctl` for the name that `ssh` reaches the container by.
fn ssh_host(devctl: &Path, folder: &Path) -> Result<String> {
    let answer = command::output(Command::new(devctl).args(["up", "--json"]).arg(folder))?;
    let document: Value =
        serde_json::from_str(&answer).context("`devctl up --json` did not print one document")?;
    match document.get("sshHost").and_then(Value::as_str) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("`devctl up --json` named no sshHost: {answer}"),
    }
}

/// What `devctl ssh status` says.
struct SshStatus {
    /// Whether plain `ssh` knows our hosts.
    installed: bool,
    /// Our own client configuration: `ssh -F` on it works without touching anybody's files.
    our_config: String,
}

fn ssh_status(devctl: &Path) -> Result<SshStatus> {
    let answer = command::output(Command::new(devctl).args(["ssh", "status", "--json"]))?;
    let document: Value =
        serde_json::from_str(&answer).context("`devctl ssh status --json` did not print one document")?;
    match (document["installed"].as_bool(), document["ourConfig"].as_str()) {
        (Some(installed), Some(our_config)) => Ok(SshStatus {
            installed,
            our_config: our_config.to_owned(),
        }),
        _ => bail!("`devctl ssh status --json` lacks installed or ourConfig: {answer}"),
    }
}

/// Offers the one line in `~/.ssh/config`; true where `ssh NAME.devctl` works afterwards.
fn offer_install(devctl: &Path) -> Result<bool> {
    if !machine::has_terminal() {
        report::note("plain `ssh` knows the name after this, which adds one Include line to ~/.ssh/config:");
        report::note(format!("{} ssh install", devctl.display()));
        return Ok(false);
    }
    // It shows the change and asks by itself; a no is an answer, not a failure.
    if let Err(error) = command::run(Command::new(devctl).args(["ssh", "install"])) {
        report::note(format!("{error:#}"));
    }
    Ok(ssh_status(devctl)?.installed)
}

/// Opens the window where there is a display to open it on; it stays when this program ends.
fn open_window(products: &Products) -> Result<()> {
    report::heading("the window");
    let display = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !display("DISPLAY") && !display("WAYLAND_DISPLAY") {
        report::note(format!(
            "there is no display here; on one, it is {}",
            products.window.display()
        ));
        return Ok(());
    }
    let mut window = Command::new(&products.window);
    window
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut window, 0);
    window
        .spawn()
        .with_context(|| format!("cannot start {}", products.window.display()))?;
    report::note(format!("opened: {}", products.window.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_of_the_sample_differs_in_its_image_only() {
        let folder = tempfile::tempdir().unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hello");
        let text = fs::read_to_string(sample.join(".devcontainer/devcontainer.json")).unwrap();
        let copy = folder.path().join("hello");
        copy_with_image(&sample, &copy, &text).unwrap();
        let copied = fs::read_to_string(copy.join(".devcontainer/devcontainer.json")).unwrap();
        assert_eq!(copied, text.replace(SAMPLE_IMAGE, fixtures::BASE_IMAGE));
        assert_ne!(copied, text);
        fs::write(copy.join("README.md"), "mine").unwrap();
        copy_with_image(&sample, &copy, &text).unwrap();
        assert_eq!(fs::read_to_string(copy.join("README.md")).unwrap(), "mine");
    }
}
