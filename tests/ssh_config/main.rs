//! Our client configuration and the `Include` line against the real OpenSSH. Everything happens in temporary
//! directories: `ssh` takes the home directory from the passwd entry, not from `$HOME`, so it is always told its file
//! with `-F`.

#![cfg(test)]
#![cfg(unix)]

mod client_config;
mod config_reader;
mod include_line;
mod login;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Whether a program is there. A test that needs it and does not find it says so and ends; with `DEVCTL_REQUIRE_ALL`
/// it fails.
fn has(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .unwrap()
        .status
        .success();
    if !found {
        assert!(
            std::env::var_os("DEVCTL_REQUIRE_ALL").is_none(),
            "{program} is needed and not installed"
        );
        println!("SKIPPED: no {program} here");
    }
    found
}

/// `ssh -F CONFIG ARGUMENTS`, without a terminal.
fn ssh(config: &Path, arguments: &[&str]) -> Output {
    Command::new("ssh")
        .arg("-F")
        .arg(config)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What `ssh -G` says of one option, as often as it is there.
fn option(config: &Path, host: &str, name: &str) -> Vec<String> {
    let output = ssh(config, &["-G", host]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
    said.lines().filter_map(value).collect()
}

/// A program in the place of `devctl`, by a shell script.
fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// One word for a script.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_str().unwrap().replace('\'', "'\\''"))
}

/// Directory names that have broken one tool or another.
fn odd_names() -> Vec<PathBuf> {
    [
        "plain",
        "two words",
        "100% done",
        "it's",
        "say \"hi\"",
        "$HOME",
        "a#b",
        "# c",
        "back\\slash",
        "ends\\",
        "ünï-日本",
        "a;b",
        "a&b|c",
        "~tilde",
        "[x]*?",
        "`id`",
        "$(id)",
        "two  blanks",
        "!bang",
        "%h%d",
        "=eq=",
    ]
    .iter()
    .map(PathBuf::from)
    .collect()
}
