//! The agents: one static binary for each architecture that a container can have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::machine::{Package, Seen};
use crate::workspace::Workspace;
use crate::{command, machine, report};

/// What a container may run on, and what builds for it.
struct Architecture {
    /// As in Rust's targets and in the folder that `devctl` takes the agents from.
    name: &'static str,
    target: &'static str,
    /// A C compiler for it and its headers, where this machine is of another architecture. (The headers are glibc's:
    /// Debian packages musl's for this machine's own architecture only, and what the agent's C code uses of them is
    /// the same in both.)
    cross_compiler: Package,
    cross_headers: Package,
}

const ARCHITECTURES: [Architecture; 2] = [
    Architecture {
        name: "x86_64",
        target: "x86_64-unknown-linux-musl",
        cross_compiler: Package {
            name: "gcc-x86-64-linux-gnu",
            seen: Seen::Program("x86_64-linux-gnu-gcc"),
            why: "compiles the agent's C code for amd64",
        },
        cross_headers: Package {
            name: "libc6-dev-amd64-cross",
            seen: Seen::File("/usr/x86_64-linux-gnu/include/stdio.h"),
            why: "are the headers for that",
        },
    },
    Architecture {
        name: "aarch64",
        target: "aarch64-unknown-linux-musl",
        cross_compiler: Package {
            name: "gcc-aarch64-linux-gnu",
            seen: Seen::Program("aarch64-linux-gnu-gcc"),
            why: "compiles the agent's C code for arm64",
        },
        cross_headers: Package {
            name: "libc6-dev-arm64-cross",
            seen: Seen::File("/usr/aarch64-linux-gnu/include/stdio.h"),
            why: "are the headers for that",
        },
    },
];

/// A C compiler for static binaries of this machine's own architecture.
const MUSL: Package = Package {
    name: "musl-tools",
    seen: Seen::Program("musl-gcc"),
    why: "compiles the agent's C code without a C library of the system",
};

/// Four megabytes: what the agent may add to a download twice over, and to each container.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Builds both agents into `target/agents/ARCHITECTURE/devctl-agent` and returns that folder. Cargo sees whether
/// anything changed; an unchanged binary is not touched, so that what embeds it is not built again.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    report::heading("agents");
    let folder = workspace.kept("agents");
    for architecture in &ARCHITECTURES {
        let built = build_one(workspace, architecture)?;
        let kept = folder.join(architecture.name).join("devctl-agent");
        let size = keep(&built, &kept)?;
        report::note(format!("{} ({} KiB)", kept.display(), size.div_ceil(1024)));
        if size > LARGEST {
            bail!(
                "{} has {size} bytes, more than the {LARGEST} that an agent may have",
                kept.display()
            );
        }
    }
    Ok(folder)
}

fn build_one(workspace: &Workspace, architecture: &Architecture) -> Result<PathBuf> {
    need_target(workspace, architecture.target)?;
    let mut cargo = workspace.release_cargo();
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "devctl-agent",
        "--profile",
        "agent",
    ]);
    cargo.args(["--target", architecture.target]);
    if architecture.name == std::env::consts::ARCH {
        machine::need(&[MUSL])?;
    } else {
        let Package { seen, .. } = architecture.cross_compiler;
        machine::need(&[architecture.cross_compiler, architecture.cross_headers])?;
        if let Seen::Program(compiler) = seen {
            let suffix = architecture.target.replace('-', "_");
            cargo.env(format!("CC_{suffix}"), compiler);
            // Ubuntu's compiler calls checking functions that only glibc has, unless it is told not to.
            cargo.env(format!("CFLAGS_{suffix}"), "-U_FORTIFY_SOURCE");
        }
        let linker = format!(
            "CARGO_TARGET_{}_LINKER",
            architecture.target.replace('-', "_").to_uppercase()
        );
        // LLVM's linker comes with Rust and knows every architecture.
        cargo.env(linker, "rust-lld");
    }
    command::run(&mut cargo)?;
    Ok(workspace
        .target()
        .join(architecture.target)
        .join("agent/devctl-agent"))
}

fn need_target(workspace: &Workspace, target: &str) -> Result<()> {
    let sysroot = command::output(
        Command::new("rustc")
            .args(["--print", "sysroot"])
            .current_dir(workspace.root()),
    )?;
    if Path::new(&sysroot)
        .join("lib/rustlib")
        .join(target)
        .join("lib")
        .is_dir()
    {
        return Ok(());
    }
    report::installs(
        &format!("Rust's standard library for {target}"),
        "the agent is linked statically",
    );
    if !command::on_path("rustup") {
        bail!(
            "Rust did not come through rustup here\nfix: install the target {target} the way Rust was installed"
        );
    }
    command::run(
        Command::new("rustup")
            .args(["target", "add", target])
            .current_dir(workspace.root()),
    )
}

/// Copies `built` to `kept` where they differ, and returns the size.
fn keep(built: &Path, kept: &Path) -> Result<u64> {
    let new = fs::read(built).with_context(|| format!("cargo built no {}", built.display()))?;
    if !fs::read(kept).is_ok_and(|old| old == new) {
        if let Some(folder) = kept.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::copy(built, kept).with_context(|| format!("cannot write {}", kept.display()))?;
    }
    Ok(new.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_agent_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (built, kept) = (folder.path().join("built"), folder.path().join("a/kept"));
        fs::write(&built, "one").unwrap();
        assert_eq!(keep(&built, &kept).unwrap(), 3);
        let long_ago = std::time::UNIX_EPOCH;
        fs::File::options()
            .write(true)
            .open(&kept)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        keep(&built, &kept).unwrap();
        assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), long_ago);
        fs::write(&built, "other").unwrap();
        keep(&built, &kept).unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "other");
    }
}
