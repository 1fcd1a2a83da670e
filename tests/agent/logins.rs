//! Who gets in: the certificates of an OpenSSH authority against the agent.

use devctl_agent_protocol::{AgentReport, FatalCode, RefusalCode, RevocationList};

use crate::bed::{Bed, HOST};
use devctl_tests::need_engine;
use devctl_tests::programs::wait_until;

/// Tries to log in; the codes of what was refused.
fn refused(bed: &Bed) -> Vec<RefusalCode> {
    bed.clear_reports();
    let output = bed.ssh(&[HOST, "true"]);
    assert_eq!(output.status.code(), Some(255), "it was let in");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("Permission denied"),
        "{}",
        bed.trouble(&output)
    );
    // What the agent says comes by another way than what the client says; this is its last word.
    bed.wait_for_report("the last word", |report| match report {
        AgentReport::LoginRefused { code, .. } => (code == RefusalCode::Unauthenticated).then_some(()),
        _ => None,
    });
    let mut codes: Vec<_> = bed
        .reports()
        .into_iter()
        .filter_map(|report| match report {
            AgentReport::LoginRefused { code, .. } if code != RefusalCode::Unauthenticated => Some(code),
            _ => None,
        })
        .collect();
    // After its certificate the client offers the plain key.
    if codes.len() > 1 {
        assert_eq!(codes.pop(), Some(RefusalCode::NotACertificate));
    }
    codes
}

#[test]
fn a_login_is_reported_with_its_serial() {
    need_engine!();
    let bed = Bed::new();
    assert_eq!(bed.sh("id -un"), "dev");
    let (user, serial, key_id, principal, fingerprint) =
        bed.wait_for_report("the login", |report| match report {
            AgentReport::LoginAccepted {
                user,
                serial,
                key_id,
                principal,
                fingerprint,
                ..
            } => Some((user, serial, key_id, principal, fingerprint)),
            _ => None,
        });
    assert_eq!(
        (user.as_str(), serial, key_id.as_str(), principal.as_str()),
        ("dev", 42, "id of the user", "owner-1")
    );
    let key = ssh_fingerprint(&bed);
    assert_eq!(fingerprint, key);
}

fn ssh_fingerprint(bed: &Bed) -> String {
    let line = crate::bed::run(
        "ssh-keygen",
        &["-l", "-f", bed.path("user.pub").to_str().unwrap()],
    );
    line.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn the_matrix_of_certificates() {
    need_engine!();
    let mut bed = Bed::new();
    bed.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "stranger"]);

    // Accepted: every kind of authority and key that the agent knows, a second authority, no end of validity.
    bed.certify_by("user_ca", &["-n", "x,owner-1", "-z", "7"]);
    assert_eq!(bed.sh("echo in"), "in", "valid forever, several principals");
    for (kind, bits) in [
        ("ecdsa", "256"),
        ("ecdsa", "384"),
        ("ecdsa", "521"),
        ("ed25519", "256"),
    ] {
        let authority = format!("ca-{kind}-{bits}");
        bed.keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-f", &authority]);
        bed.config
            .user_authorities
            .push(bed.read(&format!("{authority}.pub")).trim().to_owned());
        bed.write();
        bed.certify_by(&authority, &["-n", "owner-1", "-z", "7"]);
        assert_eq!(bed.sh("echo in"), "in", "authority {authority}");
        std::fs::remove_file(bed.path("user")).unwrap();
        bed.keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-f", "user"]);
        bed.certify(&[]);
        assert_eq!(bed.sh("echo in"), "in", "key {kind} {bits}");
    }

    // Refused, each by its reason.
    bed.certify_by("user_ca", &["-n", "somebody", "-z", "7"]);
    assert_eq!(refused(&bed), [RefusalCode::PrincipalNotAccepted]);
    bed.certify_by("user_ca", &["-n", "owner-*", "-z", "7"]);
    assert_eq!(refused(&bed), [RefusalCode::PrincipalNotAccepted]);
    bed.certify_by("user_ca", &["-z", "7"]);
    assert_eq!(refused(&bed), [RefusalCode::NoPrincipals]);
    bed.certify_by("user_ca", &["-n", "owner-1", "-z", "7", "-V", "-10m:-1m"]);
    assert_eq!(refused(&bed), [RefusalCode::NotValidNow]);
    bed.certify_by("user_ca", &["-n", "owner-1", "-z", "7", "-V", "+5m:+10m"]);
    assert_eq!(refused(&bed), [RefusalCode::NotValidNow]);
    bed.certify_by("stranger", &["-n", "owner-1", "-z", "7"]);
    assert_eq!(refused(&bed), [RefusalCode::UnknownAuthority]);
    for option in [
        "source-address=10.0.0.0/8",
        "source-address=127.0.0.0/8",
        "critical:frobnicate@devctl",
        "verify-required",
    ] {
        bed.certify(&["-O", option]);
        assert_eq!(refused(&bed), [RefusalCode::CriticalOption], "{option}");
    }

    // A key without its certificate.
    std::fs::remove_file(bed.path("user-cert.pub")).unwrap();
    assert_eq!(refused(&bed), [RefusalCode::NotACertificate]);
}

#[test]
fn another_login_name_than_the_agents_user_is_refused() {
    need_engine!();
    let bed = Bed::new();
    let output = bed.ssh(&["-l", "root", HOST, "true"]);
    assert_eq!(output.status.code(), Some(255));
    wait_until("the report", || {
        bed.reports().iter().any(|report| {
            matches!(
                report,
                AgentReport::LoginRefused {
                    code: RefusalCode::WrongUser,
                    ..
                }
            )
        })
    });
}

#[test]
fn what_is_revoked_stays_out_and_the_rest_gets_in() {
    need_engine!();
    let mut bed = Bed::new();
    let (user, other) = (bed.read("user.pub"), bed.read("host.pub"));
    let authority = bed.read("user_ca.pub");
    for specification in [
        "serial: 42\n".to_owned(),
        "serial: 40-50\n".to_owned(),
        "id: id of the user\n".to_owned(),
        format!("key: {user}"),
        format!("sha256: {user}"),
        format!("key: {authority}"),
    ] {
        bed.revoke(&specification);
        bed.write();
        assert_eq!(refused(&bed), [RefusalCode::Revoked], "{specification}");
    }
    bed.revoke(&format!("serial: 43\nserial: 100-200\nid: another\nkey: {other}"));
    bed.write();
    assert_eq!(bed.sh("echo in"), "in");
}

#[test]
fn a_revocation_list_that_cannot_be_read_refuses_everybody() {
    need_engine!();
    let mut bed = Bed::new();
    for list in [b"".as_slice(), b"garbage"] {
        bed.config.revocation_list = RevocationList::new(list.to_vec());
        bed.write();
        bed.clear_reports();
        assert_eq!(bed.ssh(&[HOST, "true"]).status.code(), Some(255));
        let code = bed.wait_for_report("the reason", |report| match report {
            AgentReport::Fatal { code, .. } => Some(code),
            _ => None,
        });
        assert_eq!(code, FatalCode::RevocationList);
    }
}

#[test]
fn extensions_are_permissions() {
    need_engine!();
    let bed = Bed::new();
    bed.certify(&["-O", "clear"]);
    assert_eq!(bed.sh("echo in"), "in");
    let terminal = bed.ssh(&["-tt", HOST, "tty"]);
    assert!(String::from_utf8_lossy(&terminal.stderr).contains("PTY allocation request failed"));
    let forwarding = bed.ssh(&["-W", "127.0.0.1:1", HOST]);
    assert!(
        String::from_utf8_lossy(&forwarding.stderr).contains("administratively prohibited"),
        "{}",
        bed.trouble(&forwarding)
    );
}

#[test]
fn a_forced_command_runs_instead() {
    need_engine!();
    let bed = Bed::new();
    bed.certify(&["-O", "force-command=echo forced: $SSH_ORIGINAL_COMMAND"]);
    assert_eq!(bed.sh("rm -rf /"), "forced: rm -rf /");
}

#[test]
fn a_host_that_is_not_ours_is_not_believed() {
    need_engine!();
    let bed = Bed::new();
    bed.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "stranger"]);
    std::fs::write(
        bed.path("known_hosts"),
        format!("@cert-authority *.devctl {}", bed.read("stranger.pub")),
    )
    .unwrap();
    let output = bed.ssh(&[HOST, "true"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Host key verification failed"));
}
