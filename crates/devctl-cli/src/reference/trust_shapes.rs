//! The answers of `ca` and `cert`, by example.

use super::shapes::{Shape, shape};
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl ca list" | "devctl ca rotate" | "devctl ca rollback" | "devctl ca retire" => {
            shape("one `AuthorityList`.", &authorities())
        }
        "devctl ca show" => shape(
            "one `AuthorityList`; with a kind one `AuthorityInfo`.",
            &authorities(),
        ),
        "devctl ca create" | "devctl ca import" => shape("one `AuthorityInfo`.", &authority()),
        "devctl ca export" => shape(
            "one `ExportedKey`; the private key goes into the file only.",
            &ExportedKey {
                public_key: "ssh-ed25519 AAAA…".into(),
                private_key: None,
            },
        ),
        "devctl ca policy" => shape("one `CertificatePolicy`.", &authority().policy),
        "devctl cert issue" => shape("one `IssuedCertificate`.", &issued()),
        "devctl cert list" => shape("one array of `CertificateRecord`.", &[record()]),
        "devctl cert show" => shape("one `CertificateRecord`.", &record()),
        "devctl cert renew" => shape("one `Done`.", &Done { changed: true }),
        "devctl cert revoke" => shape(
            "one `Revoked`; `changed` is false when it was revoked already.",
            &Revoked {
                revocation: revocation(),
                changed: true,
                note: "New connections are refused from now on; open sessions of it end within a second."
                    .into(),
            },
        ),
        "devctl cert revocations" => shape(
            "one `RevocationReport`.",
            &RevocationReport {
                version: 2,
                path: "/home/ann/.local/share/devctl/revoked.krl".into(),
                revocations: vec![revocation()],
                problem: None,
            },
        ),
        "devctl cert verify" => shape(
            "one `CertificateVerdict`; the exit code is 4 when it would be refused.",
            &CertificateVerdict {
                accepted: false,
                verdict: "It would be refused. It was valid until …".into(),
                checks: vec![CertificateCheck {
                    rule: "time".into(),
                    ok: false,
                    words: "It was valid until …".into(),
                }],
            },
        ),
        _ => return None,
    })
}

fn authority() -> AuthorityInfo {
    AuthorityInfo {
        kind: AuthorityKind::User,
        generation: 1,
        algorithm: "ssh-ed25519".into(),
        fingerprint: "SHA256:…".into(),
        public_key: "ssh-ed25519 AAAA…".into(),
        phase: AuthorityPhase::Signing,
        changed_at: "2026-01-31T12:00:00Z".into(),
        kept_in: AuthorityHome::Vault,
        created_at: "2026-01-31T12:00:00Z".into(),
        issued: 12,
        needed_by: vec!["user:ann@laptop/12 until 2026-02-01T04:00:00Z".into()],
        policy: CertificatePolicy {
            max_validity_seconds: 86_400,
            clock_skew_seconds: 300,
            principals: Vec::new(),
            extensions: vec!["permit-pty".into()],
            key_types: vec!["ed25519".into()],
            force_command: None,
            source_addresses: Vec::new(),
        },
    }
}

fn authorities() -> AuthorityList {
    AuthorityList {
        authorities: vec![authority()],
        rotations: vec![RotationState {
            kind: AuthorityKind::User,
            step: RotationStep::Idle,
            next: "make the next user authority; nobody accepts it yet".into(),
            waits_for: Vec::new(),
            back: None,
        }],
        kept_in: "OS keychain".into(),
    }
}

fn record() -> CertificateRecord {
    CertificateRecord {
        kind: AuthorityKind::User,
        generation: 1,
        authority: "SHA256:…".into(),
        serial: 12,
        key_id: "user:bob/12".into(),
        subject: "SHA256:…".into(),
        principals: vec!["ct-4f1c2a3b4c5d".into()],
        extensions: vec!["permit-pty".into()],
        critical_options: Vec::new(),
        valid_after: "2026-01-31T11:55:00Z".into(),
        valid_before: "2026-02-01T04:00:00Z".into(),
        issued_at: "2026-01-31T12:00:00Z".into(),
        asked_by: "ann".into(),
        reason: "pairing".into(),
        state: CertificateState::Valid,
    }
}

fn issued() -> IssuedCertificate {
    IssuedCertificate {
        record: record(),
        certificate: "ssh-ed25519-cert-v01@openssh.com AAAA…".into(),
        known_hosts: "@cert-authority *.devctl ssh-ed25519 AAAA…\n".into(),
        ways: vec![CertificateWay {
            host: "hello.devctl".into(),
            user: "dev".into(),
            ssh: "ssh -F none -i KEY -o CertificateFile=CERT …".into(),
            authorized_keys: "restrict,command=\"…/devctl ssh-proxy hello.devctl dev\" ssh-ed25519 AAAA…"
                .into(),
        }],
    }
}

fn revocation() -> RevocationInfo {
    RevocationInfo {
        version: 2,
        means: "serial".into(),
        what: "12".into(),
        authority: Some("SHA256:…".into()),
        at: "2026-01-31T13:00:00Z".into(),
        asked_by: "ann".into(),
        reason: "the laptop was stolen".into(),
    }
}
