//! The recipes of the user guide for a stolen laptop, word for word.

use crate::holder::{Holder, begun, ends_soon};
use devctl_tests::programs::{Ran, ran};
use devctl_tests::sandbox::{Sandbox, config, devctl_program};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The lines that a person types, of the block of the guide after this heading.
fn recipe(heading: &str) -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/user-guide.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (_, section) = guide
        .split_once(&format!("\n### {heading}\n"))
        .unwrap_or_else(|| panic!("the guide has no section {heading:?}"));
    let block = section
        .split("```console\n")
        .nth(1)
        .and_then(|block| block.split("```").next())
        .unwrap();
    let lines: Vec<String> = block
        .lines()
        .filter_map(|line| Some(line.strip_prefix("$ ")?.to_owned()))
        .collect();
    assert!(!lines.is_empty(), "{heading}: {block}");
    lines
}

/// Types one line of the guide in the home.
fn typed(home: &Sandbox, line: &str) -> Ran {
    let program = devctl_program();
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut shell = home.command("sh");
    Ran(shell.env("PATH", path).args(["-c", line]).output().unwrap())
}

#[test]
fn the_laptop_of_somebody_who_was_let_in() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("hers", &config("")));
    let holder = Holder::new(&home, "bob", &up, &[]);
    let mut session = holder.session(&home, &up);
    // The files that the guide speaks of.
    fs::copy(holder.file("key.pub"), home.home().join("bob.pub")).unwrap();
    ran(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(home.home().join("bob-new")));
    for line in recipe("Somebody's laptop was stolen") {
        let line = line.replace("hello", up.name());
        let _typed = typed(&home, &line).expect(0);
        if line.contains("cert revoke") {
            ends_soon("the thief's session", &mut session, Instant::now());
        }
    }
    let refused = holder.try_ssh(&home, &up, "echo in").expect(255);
    assert!(refused.stderr().contains("Permission denied"), "{refused:?}");
    // Bob is in again with the new key.
    let files = [
        ("bob-new", "key"),
        ("bob-new.pub", "key.pub"),
        ("bob-cert.pub", "bob-cert.pub"),
    ];
    for (new, place) in files {
        fs::copy(home.home().join(new), holder.file(place)).unwrap();
    }
    assert_eq!(holder.try_ssh(&home, &up, "echo in").expect(0).stdout(), "in\n");
}

#[test]
fn my_own_laptop() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("mine", &config("")));
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    // All that the thief has: the state, the keys, the configuration.
    let stolen = home.home().join("stolen");
    ran(Command::new("cp").arg("-a").arg(home.ssh_dir()).arg(&stolen));
    let mut session = begun(home.client("ssh").arg(up.host()));
    for line in recipe("My laptop was stolen") {
        let _typed = typed(&home, &line).expect(0);
    }
    ends_soon("the session that was open", &mut session, Instant::now());
    assert_eq!(
        home.ssh(up.host(), "echo in"),
        "in",
        "its owner enters with a new key"
    );
    // The generated configuration names the new key, too: only the old one is tried.
    let configuration = fs::read_to_string(home.ssh_dir().join("config")).unwrap();
    let old = configuration
        .lines()
        .filter(|line| {
            !line.trim_start().starts_with("IdentityFile")
                && !line.trim_start().starts_with("CertificateFile")
        })
        .collect::<Vec<_>>()
        .join("\n");
    fs::write(stolen.join("config"), old).unwrap();
    let mut thief = home.command("ssh");
    thief
        .arg("-F")
        .arg(stolen.join("config"))
        .args(["-o", "BatchMode=yes", "-i"]);
    thief.arg(stolen.join("id_ed25519")).arg("-o").arg(format!(
        "CertificateFile={}",
        stolen.join("id_ed25519-cert.pub").display()
    ));
    let refused = Ran(thief.args([up.host(), "echo in"]).output().unwrap()).expect(255);
    assert!(refused.stderr().contains("Permission denied"), "{refused:?}");
}
