//! The reference implementation as a child process, with a stub for its engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::inputs::Input;

pub(crate) const REFUSED: &str = "the reference refused";
pub(crate) const VERSION: &str = "0.89.0";

/// The installed reference, or why there is none.
pub(crate) fn program() -> Result<PathBuf, String> {
    let package = here().join("node_modules/@devcontainers/cli");
    let manifest = std::fs::read_to_string(package.join("package.json"))
        .map_err(|_| "run `npm ci --prefix tests/conformance`".to_owned())?;
    let manifest: Value = serde_json::from_str(&manifest).map_err(|error| error.to_string())?;
    if manifest["version"] != VERSION {
        return Err(format!(
            "version {} is installed, {VERSION} is pinned",
            manifest["version"]
        ));
    }
    let node = Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match node {
        Ok(status) if status.success() => Ok(package.join("devcontainer.js")),
        _ => Err("node is not installed".into()),
    }
}

/// What the reference prints, and the images that it asked the engine for.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) document: Value,
    pub(crate) images: Vec<String>,
}

/// Asks for one configuration; with `image`, the description of the engine's one image, for the merged one too.
pub(crate) fn read_configuration(
    program: &Path,
    input: &Input,
    env: &BTreeMap<String, String>,
    image: Option<&Value>,
) -> Result<Answer, String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (description, log) = (scratch.path().join("image.json"), scratch.path().join("log"));
    std::fs::write(
        &description,
        image
            .map(|image| Value::Array(vec![image.clone()]).to_string())
            .unwrap_or_default(),
    )
    .map_err(|error| error.to_string())?;
    let mut command = Command::new("node");
    command
        .arg(program)
        .arg("read-configuration")
        .arg("--workspace-folder")
        .arg(&input.folder)
        .arg("--docker-path")
        .arg(here().join("stub-engine.sh"));
    if let Some(chosen) = input.chosen() {
        command.arg("--config").arg(chosen);
    }
    if image.is_some() {
        command.arg("--include-merged-configuration");
    }
    let output = command
        .env_clear()
        .envs(env)
        .env("DEVCTL_STUB_IMAGE", &description)
        .env("DEVCTL_STUB_LOG", &log)
        .current_dir(&input.folder)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{REFUSED}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let mut document: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stdout)))?;
    // Of the registry client, which read nothing here.
    if let Some(fields) = document.as_object_mut() {
        fields.remove("ociAuthDiagnostics");
    }
    let images = std::fs::read_to_string(&log)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    Ok(Answer { document, images })
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}
