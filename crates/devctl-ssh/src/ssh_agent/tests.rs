use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::authority::{Authority, AuthorityKind};
use crate::certificate::{Principal, UserCertRequest, issue_user_certificate};
use crate::client_config::Platform;
use crate::error::SshError;
use crate::signer::Signer;
use crate::user_key::KeyAlgorithm;

/// A real `ssh-agent` of one test; it ends with the test.
struct RealAgent {
    folder: TempDir,
    program: Child,
}

impl RealAgent {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(folder.path().join("agent"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens when it listens.
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("SSH_AUTH_SOCK"), "{line}");
        Self { folder, program }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("agent")
    }

    fn client(&self) -> SshAgent {
        SshAgent::new(&AgentAddress::Socket(self.socket()))
    }

    /// What `ssh-add` says.
    fn ssh_add(&self, arguments: &[&str]) -> String {
        let output = Command::new("ssh-add")
            .args(arguments)
            .env("SSH_AUTH_SOCK", self.socket())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
}

impl Drop for RealAgent {
    fn drop(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

fn key(algorithm: KeyAlgorithm) -> UserKey {
    UserKey::generate(algorithm, "of a test", Path::new("ssh-keygen")).unwrap()
}

fn certificate(key: &UserKey) -> Certificate {
    let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
    issue_user_certificate(&authority, key.public_key(), &request()).unwrap()
}

fn request() -> UserCertRequest {
    let principals = vec![Principal::new("owner-1").unwrap()];
    UserCertRequest::at(1_800_000_000, 7, "agent/7".to_owned(), principals)
}

#[test]
fn keys_and_certificates_of_each_type_come_sign_and_go() {
    let agent = RealAgent::start();
    let client = agent.client();
    assert_eq!(client.list().unwrap(), []);
    for algorithm in KeyAlgorithm::ALL {
        let key = key(algorithm);
        let certificate = certificate(&key);
        client.add(&key, None, AgentConstraints::default()).unwrap();
        client
            .add(&key, Some(&certificate), AgentConstraints::default())
            .unwrap();
        let listed = agent.ssh_add(&["-l"]);
        assert_eq!(
            listed.matches(&key.fingerprint()).count(),
            2,
            "{algorithm}: {listed}"
        );
        assert_eq!(listed.matches("-CERT").count(), 1, "{listed}");
        let held = client.list().unwrap();
        assert!(held.iter().all(|identity| identity.comment == "of a test"));
        assert!(held.iter().any(|identity| matches!(
            &identity.key,
            IdentityKey::Certificate(held) if **held == certificate
        )));

        // `ssh-add -T` has the agent sign, and checks the signature itself: also that of RSA.
        fs::write(agent.folder.path().join("key.pub"), key.public_line().unwrap()).unwrap();
        let tried = Command::new("ssh-add")
            .args(["-T", "key.pub"])
            .env("SSH_AUTH_SOCK", agent.socket())
            .current_dir(agent.folder.path())
            .status()
            .unwrap();
        assert!(tried.success(), "{algorithm}");
        let signature = client.sign(key.public_key(), b"data").unwrap();
        if matches!(algorithm, KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096) {
            assert_eq!(signature.algorithm().as_str(), "rsa-sha2-512");
        } else {
            use signature::Verifier;
            key.public_key().key_data().verify(b"data", &signature).unwrap();
        }

        client.remove_certificate(&certificate).unwrap();
        assert_eq!(client.list().unwrap().len(), 1);
        client.remove_key(key.public_key()).unwrap();
        assert_eq!(client.list().unwrap(), [], "{algorithm}");
        let error = client.remove_key(key.public_key()).unwrap_err();
        assert_eq!(error.code(), "ssh.agent_refused");
        assert_eq!(
            client.sign(key.public_key(), b"data").unwrap_err().code(),
            "ssh.agent_refused"
        );
    }
}

#[test]
fn forgetting_a_key_takes_its_certificates_and_nothing_else() {
    let agent = RealAgent::start();
    let client = agent.client();
    let (one, other) = (key(KeyAlgorithm::Ed25519), key(KeyAlgorithm::EcdsaP256));
    let always = AgentConstraints::default();
    client.add(&one, None, always).unwrap();
    client.add(&one, Some(&certificate(&one)), always).unwrap();
    client.add(&one, Some(&certificate(&one)), always).unwrap();
    client.add(&other, None, always).unwrap();
    assert_eq!(client.forget(one.public_key()).unwrap(), 3);
    assert_eq!(client.forget(one.public_key()).unwrap(), 0);
    assert!(agent.ssh_add(&["-l"]).contains(&other.fingerprint()));
}

#[test]
fn a_lifetime_ends() {
    let agent = RealAgent::start();
    let client = agent.client();
    let (short, long) = (key(KeyAlgorithm::Ed25519), key(KeyAlgorithm::Ed25519));
    let lifetime = |seconds| AgentConstraints {
        lifetime: Some(seconds),
        confirm: false,
    };
    client.add(&long, None, lifetime(3600)).unwrap();
    let started = Instant::now();
    client
        .add(&short, Some(&certificate(&short)), lifetime(2))
        .unwrap();
    assert_eq!(client.list().unwrap().len(), 2);
    while client.list().unwrap().len() == 2 {
        assert!(started.elapsed() < Duration::from_secs(30), "it lives for ever");
        thread::park_timeout(Duration::from_millis(20));
    }
    // The agent counts in whole seconds.
    assert!(
        started.elapsed() > Duration::from_millis(900),
        "{:?}",
        started.elapsed()
    );
    assert!(agent.ssh_add(&["-l"]).contains(&long.fingerprint()));
}

#[test]
fn a_key_to_be_confirmed_does_not_sign_without() {
    let agent = RealAgent::start();
    let client = agent.client();
    let key = key(KeyAlgorithm::Ed25519);
    let confirm = AgentConstraints {
        lifetime: Some(3600),
        confirm: true,
    };
    client.add(&key, None, confirm).unwrap();
    assert_eq!(client.list().unwrap().len(), 1);
    // There is nobody to ask.
    let error = client.sign(key.public_key(), b"data").unwrap_err();
    assert_eq!(error.code(), "ssh.agent_refused");
}

#[test]
fn a_certificate_of_another_key_is_not_added() {
    let agent = RealAgent::start();
    let (one, other) = (key(KeyAlgorithm::Ed25519), key(KeyAlgorithm::Ed25519));
    let error = agent
        .client()
        .add(&one, Some(&certificate(&other)), AgentConstraints::default())
        .unwrap_err();
    assert!(matches!(error, AgentError::Encoding { .. }), "{error:?}");
    assert_eq!(agent.client().list().unwrap(), []);
}

#[test]
fn an_authority_in_an_agent_signs_what_ssh_keygen_reads() {
    let agent = RealAgent::start();
    let client = agent.client();
    for algorithm in [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::EcdsaP521,
    ] {
        let authority = key(algorithm);
        client.add(&authority, None, AgentConstraints::default()).unwrap();
        let signer = Signer::Agent {
            agent: &client,
            public: authority.public_key(),
            kind: AuthorityKind::User,
        };
        let subject = key(KeyAlgorithm::Ed25519);
        let certificate = issue_user_certificate(signer, subject.public_key(), &request()).unwrap();
        let file = agent.folder.path().join("certificate.pub");
        fs::write(&file, certificate.to_openssh().unwrap()).unwrap();
        let output = Command::new("ssh-keygen")
            .arg("-L")
            .arg("-f")
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&authority.fingerprint()), "{said}");
        assert!(said.contains("Serial: 7") && said.contains("owner-1"), "{said}");
    }
}

#[test]
fn an_authority_that_the_agent_lost_is_the_agents_error() {
    let agent = RealAgent::start();
    let client = agent.client();
    let authority = key(KeyAlgorithm::Ed25519);
    let subject = key(KeyAlgorithm::Ed25519);
    let issue = |public, kind| {
        let signer = Signer::Agent {
            agent: &client,
            public,
            kind,
        };
        issue_user_certificate(signer, subject.public_key(), &request()).unwrap_err()
    };
    let error = issue(authority.public_key(), AuthorityKind::User);
    assert!(
        matches!(error, SshError::Agent(AgentError::Refused { .. })),
        "{error:?}"
    );
    let error = issue(authority.public_key(), AuthorityKind::Host);
    assert_eq!(error.code(), "ssh.authority_wrong");
    let rsa = key(KeyAlgorithm::Rsa3072);
    client.add(&rsa, None, AgentConstraints::default()).unwrap();
    let error = issue(rsa.public_key(), AuthorityKind::User);
    assert_eq!(error.code(), "ssh.key_type_refused");
}

/// An agent that answers each request with these bytes, or with none.
fn answering(answer: Vec<u8>) -> (TempDir, SshAgent) {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("agent")).unwrap();
    let client = SshAgent::new(&AgentAddress::Socket(folder.path().join("agent")));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            // The client may have hung up.
            drop(stream.write_all(&answer));
        }
    });
    (folder, client)
}

#[test]
fn an_agent_that_lies_about_a_signature_is_found_out() {
    let (authority, other) = (key(KeyAlgorithm::Ed25519), key(KeyAlgorithm::Ed25519));
    let real = RealAgent::start();
    real.client()
        .add(&other, None, AgentConstraints::default())
        .unwrap();
    let signature: Vec<u8> = real
        .client()
        .sign(other.public_key(), b"something else")
        .unwrap()
        .try_into()
        .unwrap();
    let mut answer = vec![14];
    answer.extend_from_slice(&u32::try_from(signature.len()).unwrap().to_be_bytes());
    answer.extend_from_slice(&signature);
    let mut framed = u32::try_from(answer.len()).unwrap().to_be_bytes().to_vec();
    framed.extend_from_slice(&answer);
    let (_folder, client) = answering(framed);
    let signer = Signer::Agent {
        agent: &client,
        public: authority.public_key(),
        kind: AuthorityKind::User,
    };
    // The builder checks only in builds with debug assertions, we always: either is a refusal.
    issue_user_certificate(signer, other.public_key(), &request()).unwrap_err();
}

#[test]
fn answers_out_of_the_protocol_are_named() {
    for answer in [
        &[0, 0, 0, 0][..],
        &[0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 9, 12],
        &[0, 0, 0, 1, 6],
        &[0, 0, 0, 5, 12, 0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 5, 12, 0, 0, 0, 1],
        &[0, 0, 0, 6, 12, 0, 0, 0, 0, 0],
    ] {
        let (_folder, client) = answering(answer.to_vec());
        let error = client.list().unwrap_err();
        assert_eq!(error.code(), "ssh.agent_protocol", "{answer:?}: {error:?}");
    }
}

#[test]
fn nobody_and_a_silent_agent_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent");
    let address = AgentAddress::Socket(path.clone());
    let error = SshAgent::new(&address).list().unwrap_err();
    assert_eq!(error.code(), "ssh.agent_unreachable");
    assert!(error.to_string().contains("agent") && error.fix().is_some());

    let _silent = UnixListener::bind(&path).unwrap();
    let started = Instant::now();
    let error = transport::to(&address)
        .exchange(&[message::REQUEST_IDENTITIES], Duration::from_millis(100))
        .unwrap_err();
    assert_eq!(error.code(), "ssh.agent_timeout");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_pipe_is_opened_like_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let pipe = AgentAddress::Pipe(path.clone());
    let error = SshAgent::new(&pipe).list().unwrap_err();
    assert_eq!(error.code(), "ssh.agent_unreachable");
    // What is written to a fifo comes back from it: the request is no answer.
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let error = SshAgent::new(&pipe).list().unwrap_err();
    assert_eq!(error.code(), "ssh.agent_protocol");
    assert!(error.to_string().contains("something else"), "{error}");
}

#[test]
fn the_agent_is_the_one_that_ssh_would_use() {
    let home = Path::new("/home/dev");
    let choose = |setting, socket: Option<&'static str>, platform| {
        let variables = move |name: &str| match name {
            "SSH_AUTH_SOCK" => socket.map(Into::into),
            "OTHER" => Some("/run/other".into()),
            _ => None,
        };
        AgentAddress::choose(setting, variables, home, platform)
    };
    let socket = |path: &str| Some(AgentAddress::Socket(path.into()));
    let unix = |setting, variable| choose(setting, variable, Platform::Unix).unwrap();
    assert_eq!(unix(None, Some("/run/a")), socket("/run/a"));
    assert_eq!(unix(None, None), None);
    assert_eq!(unix(None, Some("")), None);
    assert_eq!(unix(Some("none"), Some("/run/a")), None);
    assert_eq!(unix(Some("SSH_AUTH_SOCK"), Some("/run/a")), socket("/run/a"));
    assert_eq!(unix(Some("$OTHER"), Some("/run/a")), socket("/run/other"));
    assert_eq!(unix(Some("$MISSING"), Some("/run/a")), None);
    assert_eq!(unix(Some("~/.1p/agent"), None), socket("/home/dev/.1p/agent"));
    assert_eq!(unix(Some("%d/100%%"), None), socket("/home/dev/100%"));
    for bad in ["%u", "relative/path", "/run/%", "/run/${UID}/agent"] {
        let error = choose(Some(bad), None, Platform::Unix).unwrap_err();
        assert_eq!(error.code(), "ssh.agent_address", "{bad}");
    }
    let pipe = |path: &str| Some(AgentAddress::Pipe(path.into()));
    let windows = |setting, variable| choose(setting, variable, Platform::Windows).unwrap();
    assert_eq!(windows(None, None), pipe(r"\\.\pipe\openssh-ssh-agent"));
    assert_eq!(windows(None, Some(r"\\.\pipe\mine")), pipe(r"\\.\pipe\mine"));
    assert_eq!(
        windows(Some(r"\\.\pipe\pageant"), None),
        pipe(r"\\.\pipe\pageant")
    );
    assert_eq!(windows(Some("none"), None), None);
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 10u8..16) {
        let mut answer = vec![kind];
        answer.extend_from_slice(&bytes);
        prop_assert!(message::identities(&answer).is_err() || kind == 12);
        prop_assert!(message::signature(&answer).is_err() || kind == 14);
        prop_assert!(message::identities(&bytes).is_err() || bytes.first() == Some(&12));
    }
}
