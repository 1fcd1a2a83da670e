//! The completion scripts, in the shells that they are for.

use crate::sandbox::Sandbox;
use std::process::Command;

fn installed(shell: &str) -> bool {
    let there = Command::new(shell).arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: {shell} is not installed");
    }
    there
}

#[test]
fn a_script_is_written_for_each_shell() {
    let home = Sandbox::without_engine();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = home.run(&["completion", shell]).expect(0).stdout();
        let document = home.run(&["completion", shell, "--json"]).expect(0).json();
        assert_eq!(document["shell"], shell);
        assert_eq!(document["script"].as_str().unwrap().trim_end(), text.trim_end());
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let home = Sandbox::without_engine();
    let script = home.run(&["completion", "bash"]).expect(0).stdout();
    let file = home.home().join("devctl.bash");
    std::fs::write(&file, script).unwrap();
    let complete = |words: &str, index: usize| {
        let program = format!(
            "set -e; source '{}'; function_of=$(complete -p devctl | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
             COMP_WORDS=({words}); COMP_CWORD={index}; COMP_TYPE=9; $function_of devctl; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file.display()
        );
        let output = home
            .command("bash")
            .args(["--norc", "-c", &program])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let commands = complete("devctl re", 1);
    for command in ["rebuild", "remove", "restart"] {
        assert!(commands.contains(command), "{commands}");
    }
    assert!(!complete("devctl ssh-", 1).contains("ssh-proxy"));
    assert!(complete("devctl up --tr", 2).contains("--trust"));
    assert!(complete("devctl completion f", 2).contains("fish"));
}

#[test]
fn zsh_fish_and_powershell_load_their_scripts() {
    let home = Sandbox::without_engine();
    for (shell, name, check) in [
        ("zsh", "zsh", vec!["-n"]),
        ("fish", "fish", vec!["--no-execute"]),
        ("pwsh", "powershell", vec!["-NoProfile", "-File"]),
    ] {
        if !installed(shell) {
            continue;
        }
        let file = home.home().join(format!(
            "script.{}",
            if name == "powershell" { "ps1" } else { name }
        ));
        std::fs::write(&file, home.run(&["completion", name]).expect(0).stdout()).unwrap();
        let output = home.command(shell).args(check).arg(&file).output().unwrap();
        assert!(output.status.success(), "{shell}: {output:?}");
    }
}
