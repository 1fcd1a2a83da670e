//! Logins while keys change, and keys that only an ssh-agent has.

use devctl_tests::programs::{Background, ran, wait_until};
use devctl_tests::sandbox::{Sandbox, config};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const CLIENTS: usize = 2;
const ROTATIONS: usize = 4;

/// The private halves of access keys that are in our directory.
fn access_keys(home: &Sandbox) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(home.ssh_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("id_ed25519") && !name.ends_with(".pub"))
        .collect();
    names.sort();
    names
}

/// Moves the end of every overlap into the past; the next login sees it.
fn end_overlaps(home: &Sandbox) {
    let path = home.state().join("retiring_keys.json");
    let mut times: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for time in times.as_object_mut().unwrap().values_mut() {
        *time = 1.into();
    }
    fs::write(&path, times.to_string()).unwrap();
}

#[test]
fn a_login_works_at_every_instant_of_a_rotation_and_an_open_session_lives_on() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("rotate", &config("")));
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    let kept = home.home().join("kept");
    for name in ["id_ed25519", "id_ed25519-cert.pub"] {
        let to = kept.with_file_name(name.replace("id_ed25519", "kept"));
        fs::copy(home.ssh_dir().join(name), to).unwrap();
    }
    let mut session = Background::start(
        home.client("ssh")
            .args([up.host(), "echo opened; read line; echo still $line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()),
    );
    session.read_until("opened");

    let ended = AtomicBool::new(false);
    let logins: [AtomicUsize; CLIENTS] = Default::default();
    let failures = thread::scope(|scope| {
        let clients: Vec<_> = logins
            .iter()
            .map(|count| {
                let (home, host, ended) = (&home, up.host(), &ended);
                scope.spawn(move || {
                    let mut failures = Vec::new();
                    while !ended.load(Ordering::Relaxed) {
                        let login = home.try_ssh(host, "echo in");
                        if login.code() != 0 {
                            failures.push(login.stderr());
                        }
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    failures
                })
            })
            .collect();
        let pass = || {
            let before: Vec<usize> = logins.iter().map(|count| count.load(Ordering::Relaxed)).collect();
            wait_until("logins to end", || {
                let now = logins.iter().map(|count| count.load(Ordering::Relaxed));
                now.zip(&before).all(|(now, before)| now >= before + 2)
            });
        };
        // A panic of ours lets the clients end, too.
        let rotated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..ROTATIONS {
                let _rotated = home.run(&["key", "rotate"]).expect(0);
            }
            assert_eq!(access_keys(&home).len(), ROTATIONS + 1);
            pass();
        }));
        ended.store(true, Ordering::Relaxed);
        let failures: Vec<String> = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect();
        if let Err(panic) = rotated {
            std::panic::resume_unwind(panic);
        }
        failures
    });
    assert!(failures.is_empty(), "{failures:?}");

    // The session of the first key has seen four rotations.
    let mut input = session.child().stdin.take().unwrap();
    input.write_all(b"here\n").unwrap();
    session.read_until("still here");
    assert_eq!(session.end(), 0);

    let with_the_first = || {
        home.command("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
            .arg("-i")
            .arg(&kept)
            .arg("-o")
            .arg(format!("CertificateFile={}-cert.pub", kept.display()))
            .arg("-o")
            .arg(format!(
                "UserKnownHostsFile={}",
                home.ssh_dir().join("known_hosts").display()
            ))
            .arg("-o")
            .arg(format!(
                "ProxyCommand={} ssh-proxy %n %r",
                home.state().join("devctl").display()
            ))
            .arg(format!("{}@{}", up.text("remoteUser"), up.host()))
            .arg("echo in")
            .output()
            .unwrap()
    };
    let accepted = with_the_first();
    assert!(
        accepted.status.success(),
        "the overlap has not ended: {accepted:?}"
    );
    end_overlaps(&home);
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    assert_eq!(access_keys(&home), [format!("id_ed25519-{}", ROTATIONS + 1)]);
    assert!(!with_the_first().status.success(), "what was replaced is revoked");
}

#[test]
fn a_revoked_access_key_is_followed_by_another_that_enters_at_once() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("stolen", &config("")));
    let public = home.ssh_dir().join("id_ed25519.pub");
    let _revoked = home
        .run(&["cert", "revoke", "--yes", "--key", public.to_str().unwrap()])
        .expect(0);
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    assert_eq!(access_keys(&home), ["id_ed25519-2"]);
}

#[test]
fn a_key_that_only_the_agent_has_enters_and_is_shut_out_when_it_is_revoked() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("agent", &config("")));
    let socket = home.home().join("agent.sock");
    let _agent = Background::start(
        Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null()),
    );
    wait_until("the agent", || socket.exists());
    let settings = home.home().join("agent_config");
    let known = home.ssh_dir().join("known_hosts");
    let devctl = home.state().join("devctl");
    fs::write(
        &settings,
        format!(
            "Host *.devctl\n  ProxyCommand {} ssh-proxy %n %r\n  UserKnownHostsFile {}\n  IdentityAgent {}\n  \
             IdentityFile none\n  BatchMode yes\n  User {}\n",
            devctl.display(),
            known.display(),
            socket.display(),
            up.text("remoteUser"),
        ),
    )
    .unwrap();
    let login = || {
        let mut ssh = home.command("ssh");
        ssh.arg("-F").arg(&settings).args([up.host(), "echo in"]);
        ssh.output().unwrap()
    };
    let add = |name: &str| {
        let mut command = home.devctl(&["key", "agent", "add", name]);
        ran(command.env("SSH_AUTH_SOCK", &socket));
    };
    for key_type in ["ed25519", "ecdsa-p256"] {
        let _made = home.run(&["key", "generate", key_type, "-t", key_type]).expect(0);
        assert!(!login().status.success(), "nothing is lent");
        add(key_type);
        let entered = login();
        assert!(entered.status.success(), "{key_type}: {entered:?}");
        let shown = home.run(&["key", "show", key_type, "--json"]).expect(0).json();
        let print = shown["fingerprint"].as_str().unwrap();
        let mut revoke = home.devctl(&["cert", "revoke", "--yes", "--fingerprint", print]);
        ran(revoke.env("SSH_AUTH_SOCK", &socket));
        assert!(!login().status.success(), "{key_type} is revoked");
    }
}
