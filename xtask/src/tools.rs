//! Cargo's helpers that the tests need, built once into `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{command, report};

/// A cargo subcommand from crates.io.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// `cargo-NAME`.
    name: &'static str,
    version: &'static str,
    features: &'static [&'static str],
    why: &'static str,
}

/// The test runner. Its self-update is left out: cargo installs it.
pub(crate) const NEXTEST: Tool = Tool {
    name: "nextest",
    version: "0.9.151",
    features: &["--no-default-features", "--features", "default-no-update"],
    why: "runs each test in a process of its own",
};

/// The checker of licences, bans and sources.
pub(crate) const DENY: Tool = Tool {
    name: "deny",
    version: "0.20.2",
    features: &[],
    why: "checks the licences and origins of dependencies",
};

/// The builder of fuzz targets.
pub(crate) const FUZZ: Tool = Tool {
    name: "fuzz",
    version: "0.13.2",
    features: &[],
    why: "builds the fuzz targets",
};

impl Tool {
    /// The command `cargo NAME`, installed first where it is not there.
    pub(crate) fn command(self, workspace: &Workspace) -> Result<Command> {
        let mut command = Command::new(self.find(workspace)?);
        command.current_dir(workspace.root()).arg(self.name);
        Ok(command)
    }

    fn find(self, workspace: &Workspace) -> Result<PathBuf> {
        let binary = format!("cargo-{}", self.name);
        if command::on_path(&binary) {
            return Ok(PathBuf::from(binary));
        }
        let tools = workspace.kept("tools");
        let own = tools.join("bin").join(&binary);
        let version = format!("{binary} {}", self.version);
        let said = command::output(Command::new(&own).args([self.name, "--version"]));
        if said.is_ok_and(|said| said.lines().next().is_some_and(|line| line.starts_with(&version))) {
            return Ok(own);
        }
        report::installs(
            &format!("{binary} {} into {}", self.version, tools.display()),
            self.why,
        );
        let mut install = workspace.cargo();
        // A debug build takes a fraction of the time to make, and these tools wait for others most of the time.
        install
            .args(["install", "--locked", "--debug", "--force", "--root"])
            .arg(&tools);
        install
            .arg(format!("{binary}@{}", self.version))
            .args(self.features);
        install
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env_remove("CARGO_TARGET_DIR");
        command::run(&mut install)?;
        Ok(own)
    }
}
