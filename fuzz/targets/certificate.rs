//! Certificates, as bytes and as a line. One that differs from the genuine one in a single bit is never accepted, and
//! what is read is written as it was.

#![no_main]

use std::sync::LazyLock;

use devctl_fuzz::NOW;
use devctl_ssh::{
    Certificate, CheckedRule, PublicKey, Purpose, Question, Revocation, RevocationList, Transport, explain,
};
use libfuzzer_sys::fuzz_target;

/// Of `ssh-keygen -s`: for the principal `ct-web`, valid from 2020 to 2100.
static GENUINE: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::from_openssh(include_str!("../genuine/user-cert.pub")).expect("the genuine certificate")
});
static AUTHORITY: LazyLock<PublicKey> = LazyLock::new(|| {
    PublicKey::from_openssh(include_str!("../genuine/authority.pub")).expect("its authority")
});

/// Of a host `web.devctl`, as bytes, by the same authority.
const GENUINE_HOST: &[u8] = include_bytes!("../genuine/host-cert");

fuzz_target!(|bytes: &[u8]| {
    let is_line = bytes.starts_with(b"ssh-") || bytes.starts_with(b"ecdsa-") || bytes.starts_with(b"sk-");
    let certificate = if is_line {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let Ok(certificate) = Certificate::from_openssh(text) else {
            return;
        };
        let line = certificate.to_openssh().expect("what was read is written");
        assert_eq!(Certificate::from_openssh(&line).as_ref(), Ok(&certificate));
        certificate
    } else {
        let Ok(certificate) = Certificate::from_bytes(bytes) else {
            return;
        };
        certificate
    };
    let written = certificate.to_bytes().expect("what was read is written");
    assert_eq!(
        Certificate::from_bytes(&written)
            .as_ref()
            .map(Certificate::to_bytes),
        Ok(Ok(written.clone()))
    );

    let principals = ["ct-web".to_owned()];
    let authorities = [AUTHORITY.clone()];
    let mut list = RevocationList::new(1, NOW);
    list.revoke_serials(
        &AUTHORITY,
        certificate.serial().max(1)..=certificate.serial().max(1),
    )
    .expect("a serial can be revoked");
    let revoked = Revocation::of(&certificate, &list);
    for (purpose, is_login) in [
        (
            Purpose::Login {
                container: "web",
                user: "dev",
                principals: &principals,
            },
            true,
        ),
        (Purpose::Host { name: "web.devctl" }, false),
    ] {
        for revocation in [&Revocation::NotRevoked, &revoked] {
            let explanation = explain(
                &certificate,
                &Question {
                    now: NOW,
                    purpose,
                    authorities: &authorities,
                    revocation,
                    transport: Transport::Network,
                },
            );
            assert_eq!(explanation.first_broken().is_none(), explanation.accepted);
            if explanation.accepted {
                let genuine = if is_login {
                    GENUINE.to_bytes().expect("the genuine certificate")
                } else {
                    GENUINE_HOST.to_vec()
                };
                assert_eq!(written, genuine);
                assert_eq!(*revocation, Revocation::NotRevoked);
            }
            let kept = |rule: CheckedRule| {
                explanation
                    .checks
                    .iter()
                    .any(|check| check.rule == rule && check.kept)
            };
            assert!(!kept(CheckedRule::Revocation) || *revocation == Revocation::NotRevoked);
        }
    }
});
