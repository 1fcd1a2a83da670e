//! Bytes that somebody else made, thrown at both ends of the protocol for `DEVCTL_FUZZ_SECONDS` (3 unless it is set), with
//! other seeds each time.

#![cfg(test)]

use std::collections::BTreeMap;

use devctl_agent_protocol::{
    AgentConfig, AgentReport, Allow, HostPrivateKey, PROTOCOL_VERSION, RevocationList, encode_config,
    read_config,
};
use devctl_testkit::generated::{damaged, throw};
use proptest::prelude::*;

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
    throw(damaged(vec![whole]), |bytes| {
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
    throw(damaged(vec![line.into_bytes()]), |bytes| {
        if let Ok(report) = AgentReport::from_line(&String::from_utf8_lossy(&bytes)) {
            let again = report.to_line().unwrap();
            prop_assert!(!again.trim_end().contains('\n'));
            prop_assert_eq!(AgentReport::from_line(&again).unwrap(), report);
        }
        Ok(())
    });
}
