//! Images and users that are not usual.

use std::process::{Command, Stdio};

use crate::bed::{Bed, HOST, start};
use devctl_tests::agent::empty_image;
use devctl_tests::need_engine;
use devctl_tests::sandbox::IMAGE;

#[test]
fn an_image_without_a_shell_says_so_and_serves_the_rest() {
    need_engine!();
    // The agent is the only program there is; it also keeps the container alive by waiting for its document.
    let container = start(
        empty_image(),
        &["--network", "none", "-i"],
        &["/.devctl/devctl-agent", "serve"],
    );
    let mut bed = Bed::around(container, "0");
    bed.config.working_directory = None;
    bed.write();
    let output = bed.ssh(&[HOST, "echo hello"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("the shell /bin/sh of the user 0 is not in this image"),
        "{}",
        bed.trouble(&output)
    );
    assert_eq!(bed.ssh(&["-T", HOST]).status.code(), Some(127));
    // A plain command is run as it is.
    assert!(
        bed.sh("/.devctl/devctl-agent --version")
            .starts_with("devctl-agent ")
    );
    // Files and forwarding need nothing of the image.
    let file = bed.path("file");
    std::fs::write(&file, "content").unwrap();
    let there = bed
        .client("scp")
        .args(["-q", file.to_str().unwrap(), &format!("{HOST}:/copied")])
        .output()
        .unwrap();
    assert!(there.status.success(), "{}", bed.trouble(&there));
    let back = bed
        .client("scp")
        .args([
            "-q",
            &format!("{HOST}:/copied"),
            bed.path("back").to_str().unwrap(),
        ])
        .status();
    assert!(back.unwrap().success());
    assert_eq!(bed.read("back"), "content");
    bed.refuses_a_dead_port();
}

#[test]
fn users_and_shells_that_are_not_usual() {
    need_engine!();
    let container = start(IMAGE, &["--network", "none", "--init"], &["sleep", "infinity"]);
    container.exec(
        "useradd --badname -m -s /bin/dash 'first.last-x_1$' ; useradd -m -s /usr/sbin/nologin locked; \
         useradd -m -s '' plain; useradd -m -s /no/such/shell lost; useradd -M -d /nowhere -s /bin/bash homeless; \
         printf '#!/bin/sh\\nexec /bin/sh \"$@\"\\n' > '/opt/my shell'; chmod 755 '/opt/my shell'; \
         useradd -m -s '/opt/my shell' spaced",
    );
    let mut bed = Bed::around(container, "root");
    let mut become_user = |user: &str| {
        bed.config.user = user.to_owned();
        bed.config.accepted_principals = [(user.to_owned(), vec!["owner-1".to_owned()])].into();
        bed.config.working_directory = None;
        bed.write();
        bed.ssh(&[HOST, "echo $0 $USER $PWD"])
    };
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(
        said(&become_user("first.last-x_1$")),
        "dash first.last-x_1$ /home/first.last-x_1$"
    );
    assert_eq!(said(&become_user("plain")), "sh plain /home/plain");
    assert_eq!(said(&become_user("homeless")), "bash homeless /");
    assert_eq!(said(&become_user("spaced")), "/bin/sh spaced /home/spaced");
    let locked = become_user("locked");
    assert_eq!(locked.status.code(), Some(1));
    assert!(said(&locked).contains("not available"));
    let lost = become_user("lost");
    assert_eq!(lost.status.code(), Some(127));
    assert!(String::from_utf8_lossy(&lost.stderr).contains("/no/such/shell"));
    // A user that only has a number.
    assert_eq!(said(&become_user("4711")), "sh 4711 /");
}

#[test]
fn the_agent_for_arm_runs_and_reads_its_document() {
    need_engine!();
    let Some(binary) = std::env::var_os("DEVCTL_AGENT_BINARY_ARM64") else {
        eprintln!("SKIPPED: DEVCTL_AGENT_BINARY_ARM64 does not name an agent for arm64");
        return;
    };
    let qemu = |argument: &str| {
        let mut command = Command::new("qemu-aarch64-static");
        command.arg(&binary).arg(argument);
        command
    };
    let version = qemu("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("devctl-agent "));
    // The whole way: handshake, login and a command, with the client on this machine.
    let bed = Bed::around(start(IMAGE, &[], &["sleep", "infinity"]), "root");
    let proxy = format!(
        "#!/bin/bash\nexec qemu-aarch64-static '{}' serve < <(cat '{}'; exec cat) 2>>'{}'\n",
        binary.to_string_lossy(),
        bed.path("frame").display(),
        bed.path("reports").display()
    );
    std::fs::write(bed.path("proxy"), proxy).unwrap();
    let output = bed
        .client("ssh")
        .args([HOST, "/bin/echo in"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "in\n",
        "{}",
        bed.trouble(&output)
    );
}
