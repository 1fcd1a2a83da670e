//! Bytes that somebody else made, thrown at both ends of the protocol for `DEVCTL_FUZZ_SECONDS` (3 unless it is set), with
//! other seeds each time.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use devctl_agent_protocol::{
    AgentConfig, AgentReport, Allow, HostPrivateKey, PROTOCOL_VERSION, RevocationList, encode_config,
    read_config,
};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

/// Throws values at a target until the time is over.
fn throw<S: Strategy>(values: S, target: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let seconds = std::env::var("DEVCTL_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: 256,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        if let Err(failure) = runner.run(&values, &target) {
            panic!("{failure}");
        }
    }
}

fn damaged(seed: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 0..5);
    let cut = prop::option::weighted(0.3, any::<Index>());
    let from_seed = (changes, cut).prop_map(move |(changes, cut)| {
        let mut bytes = seed.clone();
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    });
    prop_oneof![9 => from_seed, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

#[test]
fn a_document_is_read_whole_or_refused() {
    let config = AgentConfig {
        protocol: PROTOCOL_VERSION,
        host_private_key: HostPrivateKey::new("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned()),
        host_certificate: "ssh-ed25519-cert-v01@openssh.com AAAA".to_owned(),
        user_authorities: vec!["ssh-ed25519 AAAA".to_owned()],
        revocation_list: RevocationList::new(vec![1, 2, 3]),
        accepted_principals: BTreeMap::from([("dev".to_owned(), vec!["owner-1".to_owned()])]),
        environment: BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]),
        unset_environment: vec!["X".to_owned()],
        working_directory: Some("/w".to_owned()),
        user: "dev".to_owned(),
        banner: None,
        allow: Allow::ALL,
    };
    let whole = encode_config(&config).unwrap().to_vec();
    assert_eq!(read_config(&mut whole.as_slice()).unwrap(), config);
    throw(damaged(whole), |bytes| {
        let mut rest = bytes.as_slice();
        if let Ok(read) = read_config(&mut rest) {
            // What was taken for a document is one: it is written and read as the same.
            let again = encode_config(&read).unwrap();
            prop_assert_eq!(read_config(&mut again.as_slice()).unwrap(), read);
        }
        Ok(())
    });
}

#[test]
fn a_line_of_the_agent_is_a_report_or_refused() {
    let line = AgentReport::Warning {
        message: "a \"message\"".to_owned(),
    }
    .to_line()
    .unwrap();
    throw(damaged(line.into_bytes()), |bytes| {
        if let Ok(report) = AgentReport::from_line(&String::from_utf8_lossy(&bytes)) {
            let again = report.to_line().unwrap();
            prop_assert!(!again.trim_end().contains('\n'));
            prop_assert_eq!(AgentReport::from_line(&again).unwrap(), report);
        }
        Ok(())
    });
}
