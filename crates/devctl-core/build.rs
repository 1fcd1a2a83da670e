//! Carries the static SSH servers into the product. `cargo xtask agents` builds them; a build without them works and
//! says so when a container is entered.

use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=DEVCTL_AGENT_DIR");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let agents =
        std::env::var_os("DEVCTL_AGENT_DIR").map_or_else(|| root.join("target/agents"), PathBuf::from);
    for (arch, variable) in [
        ("x86_64", "DEVCTL_AGENT_X86_64"),
        ("aarch64", "DEVCTL_AGENT_AARCH64"),
    ] {
        let agent = agents.join(arch).join("devctl-agent");
        println!("cargo:rerun-if-changed={}", agent.display());
        let path = match agent.canonicalize() {
            Ok(path) => path,
            Err(_) => {
                let empty =
                    PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join(format!("no-{arch}"));
                if let Err(error) = std::fs::write(&empty, []) {
                    println!("cargo:warning={}: {error}", empty.display());
                }
                empty
            }
        };
        let program = std::fs::read(&path).unwrap_or_default();
        // Nobody has the one program for two architectures in use: half of it is not worth its room on the disk.
        let packed = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join(format!("{arch}.z"));
        let bytes = if program.is_empty() {
            Vec::new()
        } else {
            miniz_oxide::deflate::compress_to_vec_zlib(&program, 9)
        };
        if let Err(error) = std::fs::write(&packed, bytes) {
            println!("cargo:warning={}: {error}", packed.display());
        }
        println!("cargo:rustc-env={variable}={}", packed.display());
        // Hashing the agents again at each start would cost more than all else that a command does on its own.
        let digest = Sha256::digest(&program);
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        println!("cargo:rustc-env={variable}_HASH={short}");
        // As it answers to `--version`: one that was built from other sources would refuse what this program tells it.
        let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
        let name = format!("devctl-agent {version}\n");
        let is_own = program.windows(name.len()).any(|bytes| bytes == name.as_bytes());
        println!("cargo:rustc-env={variable}_OWN={is_own}");
    }
}
