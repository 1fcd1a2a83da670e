//! The same certificates at the OpenSSH server of this machine and at the agent: the same answers.
//!
//! Where they differ, the table says so, and why that is right. Everything is made by `ssh-keygen`.

use crate::bed::{Bed, HOST};
use devctl_agent_protocol::RevocationList;
use devctl_tests::need_engine;
use devctl_tests::sshd::Sshd;
use std::fs;
use std::process::{Command, Output, Stdio};

/// How a login ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The command ran.
    In,
    /// The command of the certificate ran in its place.
    Forced,
    /// Let in, but without the terminal that was asked for.
    NoTerminal,
    /// Let in, but not through to a port.
    NoForwarding,
    /// Not let in.
    Refused,
    /// The client does not believe the server.
    NotBelieved,
}

use Answer::{Forced, In, NoForwarding, NoTerminal, NotBelieved, Refused};

/// What both say, or what OpenSSH says, what the agent says, and why.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Both(Answer),
    Differ {
        sshd: Answer,
        agent: Answer,
        why: &'static str,
    },
}

use Wanted::{Both, Differ};

/// What the client asks for.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Command,
    Terminal,
    Port,
}

use Ask::{Command as Run, Port, Terminal};

/// What is revoked, or what the list is instead.
#[derive(Debug, Clone, Copy)]
enum List {
    /// A specification of ssh-keygen(1); USER, CA stand for the public keys.
    Of(&'static str),
    Garbage,
    Empty,
}

/// One login: its name, the user's key, the authority, how the certificate is signed (no arguments: there is none), what is
/// revoked, what is asked for, and what has to come out.
type Login = (
    &'static str,
    Key,
    &'static str,
    &'static [&'static str],
    List,
    Ask,
    Wanted,
);

/// A type of key, as ssh-keygen has it.
type Key = (&'static str, &'static str);

const ED25519: Key = ("ed25519", "256");
const P256: Key = ("ecdsa", "256");
const P384: Key = ("ecdsa", "384");
const P521: Key = ("ecdsa", "521");
const RSA: Key = ("rsa", "3072");

/// The authorities, all of them trusted by both.
const AUTHORITIES: [(&str, Key); 5] = [
    ("user_ca", ED25519),
    ("ca_p256", P256),
    ("ca_p384", P384),
    ("ca_p521", P521),
    ("ca_rsa", RSA),
];

const NONE: List = List::Of("");
const USUAL: &[&str] = &["-n", "owner-1", "-z", "42"];

const NO_RSA: Wanted = Differ {
    sshd: In,
    agent: Refused,
    why: "the agent has no RSA: every Rust implementation of it leaks its private key by timing (RUSTSEC-2023-0071), and \
          what would only verify comes with it",
};

const NO_SOURCE: &str =
    "a connection through the engine has no source address, so the agent cannot keep the promise";

const LOGINS: [Login; 35] = [
    ("an ed25519 key", ED25519, "user_ca", USUAL, NONE, Run, Both(In)),
    ("a P-256 key", P256, "user_ca", USUAL, NONE, Run, Both(In)),
    ("a P-384 key", P384, "user_ca", USUAL, NONE, Run, Both(In)),
    ("a P-521 key", P521, "user_ca", USUAL, NONE, Run, Both(In)),
    ("an RSA key", RSA, "user_ca", USUAL, NONE, Run, NO_RSA),
    (
        "a P-256 authority",
        ED25519,
        "ca_p256",
        USUAL,
        NONE,
        Run,
        Both(In),
    ),
    (
        "a P-384 authority",
        ED25519,
        "ca_p384",
        USUAL,
        NONE,
        Run,
        Both(In),
    ),
    (
        "a P-521 authority",
        ED25519,
        "ca_p521",
        USUAL,
        NONE,
        Run,
        Both(In),
    ),
    ("an RSA authority", ED25519, "ca_rsa", USUAL, NONE, Run, NO_RSA),
    (
        "another authority",
        ED25519,
        "stranger",
        USUAL,
        NONE,
        Run,
        Both(Refused),
    ),
    ("a plain key", ED25519, "user_ca", &[], NONE, Run, Both(Refused)),
    (
        "one of several principals",
        ED25519,
        "user_ca",
        &["-n", "x,owner-1"],
        NONE,
        Run,
        Both(In),
    ),
    (
        "a role that is accepted",
        ED25519,
        "user_ca",
        &["-n", "role-dev"],
        NONE,
        Run,
        Both(In),
    ),
    (
        "another principal",
        ED25519,
        "user_ca",
        &["-n", "somebody"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "the login name, which is no principal here",
        ED25519,
        "user_ca",
        &["-n", "root,dev"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "a pattern as a principal",
        ED25519,
        "user_ca",
        &["-n", "owner-*"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "no principal",
        ED25519,
        "user_ca",
        &["-z", "42"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "expired",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-V", "-10m:-1m"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "not yet valid",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-V", "+5m:+10m"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "forever",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-V", "always:forever"],
        NONE,
        Run,
        Both(In),
    ),
    (
        "a host's certificate",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-h"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "a forced command",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-O", "force-command=echo forced"],
        NONE,
        Run,
        Both(Forced),
    ),
    (
        "an unknown critical option",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-O", "critical:frobnicate@devctl"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "from another network",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-O", "source-address=10.9.9.0/24"],
        NONE,
        Run,
        Both(Refused),
    ),
    (
        "from this network",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-O", "source-address=127.0.0.0/8"],
        NONE,
        Run,
        Differ {
            sshd: In,
            agent: Refused,
            why: NO_SOURCE,
        },
    ),
    (
        "a command without extensions",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-O", "clear"],
        NONE,
        Run,
        Both(In),
    ),
    (
        "a terminal without extensions",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-O", "clear"],
        NONE,
        Terminal,
        Both(NoTerminal),
    ),
    (
        "a port without extensions",
        ED25519,
        "user_ca",
        &["-n", "owner-1", "-O", "clear"],
        NONE,
        Port,
        Both(NoForwarding),
    ),
    (
        "revoked by serial",
        ED25519,
        "user_ca",
        USUAL,
        List::Of("serial: 42"),
        Run,
        Both(Refused),
    ),
    (
        "revoked by a range",
        ED25519,
        "user_ca",
        USUAL,
        List::Of("serial: 40-50"),
        Run,
        Both(Refused),
    ),
    (
        "revoked by key id",
        ED25519,
        "user_ca",
        USUAL,
        List::Of("id: id of the user"),
        Run,
        Both(Refused),
    ),
    (
        "revoked by key",
        ED25519,
        "user_ca",
        USUAL,
        List::Of("key: USER"),
        Run,
        Both(Refused),
    ),
    (
        "revoked by fingerprint",
        ED25519,
        "user_ca",
        USUAL,
        List::Of("sha256: USER"),
        Run,
        Both(Refused),
    ),
    (
        "its authority revoked",
        ED25519,
        "user_ca",
        USUAL,
        List::Of("key: CA"),
        Run,
        Both(Refused),
    ),
    (
        "not numbered, all numbers revoked",
        ED25519,
        "user_ca",
        &["-n", "owner-1"],
        List::Of("serial: 1-1000"),
        Run,
        Both(In),
    ),
];

/// Lists that are no lists.
const BROKEN: [Login; 2] = [
    (
        "a list of garbage",
        ED25519,
        "user_ca",
        USUAL,
        List::Garbage,
        Run,
        Both(Refused),
    ),
    (
        "an empty list",
        ED25519,
        "user_ca",
        USUAL,
        List::Empty,
        Run,
        Differ {
            sshd: In,
            agent: Refused,
            why: "OpenSSH takes a file of no bytes for a list without entries, and lets everybody in; we never write one, and a \
              file that lost its content has to shut",
        },
    ),
];

struct Servers {
    bed: Bed,
    sshd: Sshd,
    folder: tempfile::TempDir,
}

impl Servers {
    fn new() -> Option<Self> {
        let mut bed = Bed::new();
        let folder = tempfile::tempdir().unwrap();
        for (name, (kind, bits)) in &AUTHORITIES[1..] {
            bed.keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-f", name]);
        }
        bed.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "stranger"]);
        let authorities = AUTHORITIES.map(|(name, _)| bed.read(&format!("{name}.pub")).trim().to_owned());
        bed.config.user_authorities = authorities.to_vec();
        let accepted = ["owner-1", "role-dev"].map(str::to_owned);
        bed.config.accepted_principals = [("dev".to_owned(), accepted.to_vec())].into();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("authorities"), authorities.join("\n") + "\n").unwrap();
        // The accepted principals of the document are OpenSSH's file of them.
        fs::write(file("principals"), accepted.join("\n") + "\n").unwrap();
        fs::copy(bed.path("krl"), file("revoked")).unwrap();
        // Both servers prove the same name, by a certificate of the same authority.
        fs::copy(bed.path("host"), file("sshd_host_key")).unwrap();
        fs::copy(bed.path("host.pub"), file("sshd_host_key.pub")).unwrap();
        fs::copy(bed.path("host-cert.pub"), file("sshd_host_key-cert.pub")).unwrap();
        let place = |name: &str| file(name).display().to_string();
        let sshd = Sshd::start(
            folder.path(),
            &format!(
                "HostCertificate {}\nTrustedUserCAKeys {}\nAuthorizedPrincipalsFile {}\nRevokedKeys {}\n\
                 AuthorizedKeysFile none\nStrictModes no\nPermitRootLogin yes\nMaxAuthTries 20",
                place("sshd_host_key-cert.pub"),
                place("authorities"),
                place("principals"),
                place("revoked"),
            ),
        )?;
        Some(Self { bed, sshd, folder })
    }

    /// Makes the key, the certificate and the list of a login.
    fn prepare(&mut self, (_, (kind, bits), authority, sign, list, ..): &Login) {
        for name in ["user", "user.pub", "user-cert.pub"] {
            let _fresh = fs::remove_file(self.bed.path(name));
        }
        self.bed
            .keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-f", "user"]);
        if !sign.is_empty() {
            self.bed.certify_by(authority, sign);
        }
        let krl = match list {
            List::Of(specification) => {
                let (user, authority) = (self.bed.read("user.pub"), self.bed.read("user_ca.pub"));
                let specification = specification.replace("USER", &user).replace("CA", &authority);
                self.bed.revoke(&(specification.trim_end().to_owned() + "\n"));
                fs::read(self.bed.path("krl")).unwrap()
            }
            List::Garbage => b"garbage".to_vec(),
            List::Empty => Vec::new(),
        };
        self.bed.config.revocation_list = RevocationList::new(krl.clone());
        // As a list has to be replaced while the server runs.
        let next = self.folder.path().join("next");
        fs::write(&next, krl).unwrap();
        fs::rename(&next, self.folder.path().join("revoked")).unwrap();
        self.bed.write();
    }

    /// The client for one of both, which has to prove that name; what is asked for is to come.
    fn client(&self, of_agent: bool, name: &str) -> Command {
        if of_agent {
            let mut ssh = self.bed.client("ssh");
            ssh.args(["-o", &format!("HostKeyAlias={name}")]);
            return ssh;
        }
        let path = |name: &str| self.bed.path(name).display().to_string();
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-l", "root", "-p", &self.sshd.port.to_string()])
            .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"])
            .args([
                "-i",
                &path("user"),
                "-o",
                &format!("CertificateFile={}", path("user-cert.pub")),
            ])
            .args(["-o", &format!("UserKnownHostsFile={}", path("known_hosts"))])
            .args([
                "-o",
                "GlobalKnownHostsFile=none",
                "-o",
                "StrictHostKeyChecking=yes",
            ])
            .args(["-o", "HostName=127.0.0.1", "-o", &format!("HostKeyAlias={name}")])
            .env_remove("SSH_AUTH_SOCK");
        ssh
    }

    fn log_in(&self, of_agent: bool, ask: Ask) -> Result<Answer, String> {
        let mut ssh = self.client(of_agent, HOST);
        ssh.args(["-o", "BatchMode=yes"]);
        let output = match ask {
            Run => ssh.args([HOST, "echo in"]),
            Terminal => ssh.args(["-tt", HOST, "tty"]),
            Port => ssh.args(["-W", "127.0.0.1:1", HOST]),
        }
        .stdin(Stdio::null())
        .output()
        .unwrap();
        answer(&output).ok_or_else(|| format!("{output:?}"))
    }
}

fn answer(output: &Output) -> Option<Answer> {
    let said = String::from_utf8_lossy(&output.stderr);
    match String::from_utf8_lossy(&output.stdout).as_ref() {
        "in\n" => return Some(In),
        "forced\n" => return Some(Forced),
        _ => {}
    }
    [
        ("PTY allocation request failed", NoTerminal),
        ("administratively prohibited", NoForwarding),
        ("Host key verification failed", NotBelieved),
        ("Permission denied", Refused),
        // The agent ends where there is no list that it could ask.
        ("onnection closed by", Refused),
    ]
    .into_iter()
    .find_map(|(words, answer)| said.contains(words).then_some(answer))
}

fn compare(servers: &mut Servers, logins: &[Login]) -> Vec<String> {
    let mut wrong = Vec::new();
    for login in logins {
        let (name, .., ask, wanted) = login;
        servers.prepare(login);
        let said = (servers.log_in(false, *ask), servers.log_in(true, *ask));
        let expected = match wanted {
            Both(answer) => (*answer, *answer),
            Differ { sshd, agent, .. } => (*sshd, *agent),
        };
        if said != (Ok(expected.0), Ok(expected.1)) {
            wrong.push(format!(
                "{name}: OpenSSH and the agent said {said:?}, not {expected:?}"
            ));
        }
    }
    wrong
}

#[test]
fn the_agent_answers_as_openssh_does() {
    need_engine!();
    let Some(mut servers) = Servers::new() else { return };
    let mut wrong = compare(&mut servers, &LOGINS);
    wrong.extend(compare(&mut servers, &BROKEN));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for login in LOGINS.iter().chain(&BROKEN) {
        if let Differ { why, .. } = login.6 {
            assert!(why.len() > 20, "{}: an exception without a reason", login.0);
        }
    }
}

#[test]
fn both_are_believed_by_their_authority_and_name_only() {
    need_engine!();
    let Some(servers) = Servers::new() else { return };
    let known = |text: String| fs::write(servers.bed.path("known_hosts"), text).unwrap();
    let authority = servers.bed.read("host_ca.pub");
    let other = servers.bed.read("stranger.pub");
    let host = servers.bed.read("host.pub");
    for (what, text, wanted) in [
        (
            "its authority",
            format!("@cert-authority *.devctl {authority}"),
            In,
        ),
        (
            "another authority",
            format!("@cert-authority *.devctl {other}"),
            NotBelieved,
        ),
        ("nobody", String::new(), NotBelieved),
        (
            "its authority for other names",
            format!("@cert-authority *.example {authority}"),
            NotBelieved,
        ),
        (
            "a revoked authority",
            format!("@cert-authority *.devctl {authority}@revoked * {authority}"),
            NotBelieved,
        ),
        (
            "a revoked key",
            format!("@cert-authority *.devctl {authority}@revoked * {host}"),
            NotBelieved,
        ),
    ] {
        known(text);
        let said = [false, true].map(|of_agent| servers.log_in(of_agent, Run));
        assert_eq!(said, [Ok(wanted), Ok(wanted)], "{what}");
    }
    // The name that it proves is not the one that was typed.
    known(format!("@cert-authority *.devctl {authority}"));
    for of_agent in [false, true] {
        let mut ssh = servers.client(of_agent, "other.devctl");
        ssh.args(["-o", "BatchMode=yes", HOST, "echo in"]);
        assert_eq!(
            answer(&ssh.stdin(Stdio::null()).output().unwrap()),
            Some(NotBelieved)
        );
    }
}
