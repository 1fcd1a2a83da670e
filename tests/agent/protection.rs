//! The user whom the agent serves cannot look into it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use devctl_agent_protocol::{AgentReport, FatalCode};

use crate::bed::Bed;
use devctl_tests::need_engine;

#[test]
fn neither_memory_nor_environment_nor_a_debugger_is_open_to_the_user() {
    need_engine!();
    let bed = Bed::new();
    let _session = bed.started(&[], "sleep 1000");
    let agent = bed.container.exec("pgrep -x devctl-agent").trim().to_owned();
    assert_eq!(
        bed.container.exec(&format!("ps -o user= -p {agent}")).trim(),
        "dev"
    );
    for path in ["mem", "environ", "maps", "syscall", "auxv", "stack"] {
        let output = bed
            .container
            .try_exec("dev", &format!("head -c 1 /proc/{agent}/{path}"));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "/proc/PID/{path} can be read");
        assert!(
            text.contains("denied") || text.contains("not permitted"),
            "{path}: {text}"
        );
    }
    for path in ["fd", "exe", "cwd", "root"] {
        let output = bed
            .container
            .try_exec("dev", &format!("ls -L /proc/{agent}/{path}/ 2>&1"));
        assert!(!output.status.success(), "/proc/PID/{path} can be followed");
    }
    // ptrace(PTRACE_ATTACH = 16), by the number of its system call (101 on amd64, 117 with PTRACE_SEIZE elsewhere).
    let number = if cfg!(target_arch = "x86_64") { 101 } else { 117 };
    let attach = |pid: &str| {
        let script = format!("perl -e 'exit(syscall({number}, 16, {pid}, 0, 0) == 0 ? 0 : 1)'");
        bed.container.try_exec("dev", &script).status.success()
    };
    assert!(!attach(&agent), "the user can attach to the agent");
    // The binary cannot be read either, and what the agent starts is not harmed.
    assert!(
        !bed.container
            .try_exec("dev", "head -c 1 /.devctl/devctl-agent")
            .status
            .success()
    );
    let sleep = bed.container.exec("pgrep -x sleep -u dev").trim().to_owned();
    assert!(
        bed.container
            .try_exec("dev", &format!("head -c 1 /proc/{sleep}/environ"))
            .status
            .success()
    );
}

#[test]
fn the_host_key_is_nowhere_in_the_container() {
    need_engine!();
    let bed = Bed::new();
    let _session = bed.started(&[], "sleep 1000");
    let line = bed.read("host").lines().nth(2).unwrap().to_owned();
    for place in [
        "/proc/[0-9]*/environ",
        "/proc/[0-9]*/cmdline",
        "/.devctl",
        "/work",
        "/tmp",
        "/home",
        "/run",
        "/var/tmp",
    ] {
        // The pattern comes on standard input, or grep would find it in its own command line.
        let mut grep = Command::new("docker")
            .args(["exec", "-i", &bed.container.name, "sh", "-c"])
            .arg(format!("grep -rlaF -f - {place} 2>/dev/null"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        grep.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let output = grep.wait_with_output().unwrap();
        assert!(
            output.stdout.is_empty(),
            "{place}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn core_dumps_are_off_for_the_agent_and_as_before_for_its_commands() {
    need_engine!();
    let bed = Bed::with(&["--network", "none", "--init", "--ulimit", "core=12345:12345"]);
    let _session = bed.started(&[], "sleep 1000");
    let limits = "grep 'Max core' /proc/$(pgrep -x devctl-agent)/limits";
    assert!(bed.container.exec(limits).contains(" 0 "));
    assert_eq!(
        bed.sh("grep 'Max core' /proc/self/limits | tr -s ' ' | cut -d' ' -f5"),
        "12345"
    );
}

#[test]
fn a_traced_agent_does_not_read_its_document() {
    need_engine!();
    let bed = Bed::new();
    // On this machine, as strace and gdb are in few images: the same binary under gdb's tracing.
    let Ok(gdb) = std::process::Command::new("gdb").arg("--version").output() else {
        eprintln!("SKIPPED: no gdb");
        return;
    };
    assert!(gdb.status.success());
    let binary = bed.path("agent");
    crate::bed::run(
        "docker",
        &[
            "cp",
            &format!("{}:/.devctl/devctl-agent", bed.container.name),
            binary.to_str().unwrap(),
        ],
    );
    let errors = bed.path("errors");
    let output = std::process::Command::new("gdb")
        .args([
            "-q",
            "-batch",
            "-ex",
            &format!(
                "run serve < {} 2> {}",
                bed.path("frame").display(),
                errors.display()
            ),
        ])
        .arg(&binary)
        .output()
        .unwrap();
    let reported = std::fs::read_to_string(&errors).unwrap();
    assert!(
        reported
            .lines()
            .filter_map(|line| AgentReport::from_line(line).ok())
            .any(|report| matches!(
                report,
                AgentReport::Fatal {
                    code: FatalCode::NotProtected,
                    ..
                }
            )),
        "{reported}{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
