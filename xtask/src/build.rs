//! What is released: the command line with the agents inside, and the window with the interface inside.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;
use crate::{agents, command, machine, report};

/// Where the products are.
#[derive(Debug)]
pub(crate) struct Products {
    pub(crate) devctl: PathBuf,
    pub(crate) window: PathBuf,
}

/// Builds everything that a person runs.
pub(crate) fn products(workspace: &Workspace) -> Result<Products> {
    machine::need(&machine::TO_BUILD)?;
    agents::build(workspace)?;
    interface(workspace)?;
    report::heading("devctl and the window");
    command::run(
        workspace
            .cargo()
            .args(["build", "--release", "--package", "devctl-cli"]),
    )?;
    // The window carries the interface in itself instead of asking a development server for it.
    command::run(workspace.release_cargo().args([
        "build",
        "--release",
        "--package",
        "dev-container-launcher",
        "--features",
        "custom-protocol",
    ]))?;
    let release = workspace.target().join("release");
    let products = Products {
        devctl: release.join(format!("devctl{}", std::env::consts::EXE_SUFFIX)),
        window: release.join(format!("dev-container-launcher{}", std::env::consts::EXE_SUFFIX)),
    };
    let man = release.join("man");
    fs::create_dir_all(&man).with_context(|| format!("cannot make {}", man.display()))?;
    command::run(Command::new(&products.devctl).arg("man").arg(&man))?;
    for product in [&products.devctl, &products.window] {
        let size = fs::metadata(product)
            .with_context(|| format!("cargo built no {}", product.display()))?
            .len();
        report::note(format!("{} ({:.1} MB)", product.display(), size as f64 / 1e6));
    }
    Ok(products)
}

/// Builds the interface into `ui/dist`.
pub(crate) fn interface(workspace: &Workspace) -> Result<()> {
    report::heading("interface");
    npm_packages(workspace, "ui")?;
    command::run(workspace.npm("ui").args(["run", "--silent", "build"]))
}

/// Installs the npm packages of a folder exactly as its lock file says, where they are not those already.
pub(crate) fn npm_packages(workspace: &Workspace, folder: &str) -> Result<()> {
    machine::need_node()?;
    let lock_file = workspace.join(folder).join("package-lock.json");
    let wanted = fs::read(&lock_file).with_context(|| format!("cannot read {}", lock_file.display()))?;
    let installed = workspace.join(folder).join("node_modules/.installed-from-lock");
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    report::installs(
        &format!("the npm packages of {folder}"),
        "as its package-lock.json pins them",
    );
    command::run(workspace.npm(folder).args(["ci", "--no-fund", "--no-audit"]))?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))
}
