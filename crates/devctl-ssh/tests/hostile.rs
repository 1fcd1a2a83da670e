//! Bytes that somebody else made: private keys, certificates, answers of an agent. Each target runs for
//! `DEVCTL_FUZZ_SECONDS` (3 unless it is set) with other seeds each time.

#![cfg(test)]

use std::path::Path;
use std::time::Duration;

use devctl_ssh::{
    AgentConstraints, AgentError, AgentTransport, Authority, AuthorityKind, Certificate, KeyAlgorithm,
    Principal, PublicKey, Purpose, Question, Revocation, SshAgent, Transport, UserCertRequest, UserConfig,
    UserKey, explain, issue_user_certificate,
};
use devctl_testkit::generated::{damaged, throw};
use proptest::prelude::*;

const NOW: u64 = 1_800_000_000;

fn key(algorithm: KeyAlgorithm) -> UserKey {
    UserKey::generate(algorithm, "a comment", Path::new("ssh-keygen")).unwrap()
}

fn certificate(key: &UserKey) -> Certificate {
    let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
    let request = UserCertRequest {
        force_command: Some("id".to_owned()),
        source_address: vec!["10.0.0.0/8".parse().unwrap()],
        ..UserCertRequest::at(
            NOW,
            7,
            "dev/7".to_owned(),
            vec![Principal::new("ct-web").unwrap()],
        )
    };
    issue_user_certificate(&authority, key.public_key(), &request).unwrap()
}

#[test]
fn a_private_key_of_somebody_is_read_whole_or_refused() {
    let mut seeds: Vec<Vec<u8>> = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::Rsa3072,
    ]
    .into_iter()
    .map(|algorithm| key(algorithm).to_openssh_plain().unwrap().as_bytes().to_vec())
    .collect();
    // The first example of RFC 8410, and beginnings that are refused by name.
    seeds.push(
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
          -----END PRIVATE KEY-----\n"
            .to_vec(),
    );
    seeds.push(b"PuTTY-User-Key-File-3: ssh-ed25519\r\n".to_vec());
    seeds.push(vec![0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30]);
    throw(damaged(seeds), |bytes| {
        match UserKey::import(&bytes, None) {
            Ok(key) => {
                let text = key.to_openssh_plain().unwrap();
                let again = UserKey::import(text.as_bytes(), None).unwrap();
                prop_assert_eq!(again.fingerprint(), key.fingerprint());
            }
            Err(error) => prop_assert!(error.code().starts_with("ssh.")),
        }
        Ok(())
    });
}

#[test]
fn a_certificate_that_was_changed_is_never_accepted() {
    let key = key(KeyAlgorithm::Ed25519);
    let genuine = certificate(&key);
    let trusted = [PublicKey::from(genuine.signature_key().clone())];
    let principals = ["ct-web".to_owned()];
    let question = Question {
        now: NOW,
        purpose: Purpose::Login {
            container: "web",
            user: "dev",
            principals: &principals,
        },
        authorities: &trusted,
        revocation: &Revocation::NotRevoked,
        transport: Transport::Network,
    };
    assert!(explain(&genuine, &question).accepted);
    let bytes = genuine.to_bytes().unwrap();
    throw(damaged(vec![bytes.clone()]), |changed| {
        if let Ok(certificate) = Certificate::from_bytes(&changed) {
            let explanation = explain(&certificate, &question);
            prop_assert_eq!(explanation.accepted, changed == bytes);
            prop_assert_eq!(explanation.first_broken().is_none(), explanation.accepted);
        }
        Ok(())
    });
}

/// Gives the same answer to everything.
struct Parrot(Vec<u8>);

impl AgentTransport for Parrot {
    fn exchange(&self, _: &[u8], _: Duration) -> Result<Vec<u8>, AgentError> {
        Ok(self.0.clone())
    }
}

#[test]
fn no_answer_of_an_agent_is_taken_for_another() {
    let key = key(KeyAlgorithm::Ed25519);
    let certificate = certificate(&key);
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let list = [
        vec![12, 0, 0, 0, 2],
        string(&key.public_key().to_bytes().unwrap()),
        string(b"alone"),
        string(&certificate.to_bytes().unwrap()),
        string(b"certified"),
    ]
    .concat();
    let signature = [string(b"ssh-ed25519"), string(&[7; 64])].concat();
    let signed = [vec![14], string(&signature)].concat();
    let agent = |answer| SshAgent::over("a parrot", Box::new(Parrot(answer)));
    assert_eq!(agent(list.clone()).list().unwrap().len(), 2);
    agent(signed.clone()).sign(key.public_key(), b"data").unwrap();

    throw(damaged(vec![list, signed, vec![5], vec![6]]), |answer| {
        let kind = answer.first().copied();
        let agent = agent(answer.clone());
        prop_assert!(agent.list().is_err() || kind == Some(12));
        prop_assert!(agent.sign(key.public_key(), b"data").is_err() || kind == Some(14));
        let added = agent.add(&key, Some(&certificate), AgentConstraints::default());
        prop_assert_eq!(added.is_ok(), answer == [6]);
        let removed = agent.remove_key(key.public_key());
        prop_assert_eq!(removed.is_ok(), answer == [6]);
        Ok(())
    });
}

#[test]
fn no_configuration_of_somebody_ends_the_reader() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    let seeds: Vec<Vec<u8>> = [
        "Host web *.box !no.box\n  Port 7\n  IdentityFile \"~/a b\"\nHost *\n  User=ann\n",
        "Match originalhost web exec \"true\"\n  ProxyCommand nc %h %p # not a comment\nMatch all\n  Port 9\n",
        "Include config\nInclude \"con*\" 'c d'\r\nHost [web\n\tPort\t7\r\n\u{feff}Host x\n",
        "# DevPod Start web\nHost web\n# DevPod End web\n",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    throw(damaged(seeds), |bytes| {
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(config) = UserConfig::read(&path, home.path(), "ann") {
            for host in ["web", "no.box", ""] {
                let effective = config.effective(host, None);
                // An option is in force once, unless it is one that adds up; each line says where it stands.
                prop_assert!(
                    effective
                        .lines
                        .iter()
                        .all(|line| line.line > 0 && line.file.starts_with(home.path()))
                );
            }
        }
        Ok(())
    });
}
