//! The answers of `key`, by example.

use super::shapes::{Shape, certificate, shape};
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl key list" => shape("one array of `KeyRecord`.", &[record()]),
        "devctl key show" => shape(
            "one `KeyInfo`; with a name one `KeyRecord`.",
            &KeyInfo {
                algorithm: "ssh-ed25519".into(),
                fingerprint: "SHA256:…".into(),
                public_key: "ssh-ed25519 AAAA…".into(),
                path: "/home/ann/.ssh/devctl/id_ed25519".into(),
                certificate: Some(certificate()),
            },
        ),
        "devctl key generate" | "devctl key import" | "devctl key passphrase" => {
            shape("one `KeyRecord`.", &record())
        }
        "devctl key export" => shape(
            "one `ExportedKey`; the private key goes into the file only.",
            &ExportedKey {
                public_key: "ssh-ed25519 AAAA… ann@laptop".into(),
                private_key: None,
            },
        ),
        "devctl key rotate" => shape(
            "one `RotatedKey`; `retiresAt` is null when the old key is revoked already.",
            &RotatedKey {
                key: record(),
                old_fingerprint: "SHA256:…".into(),
                retires_at: Some("2026-01-31T13:00:00Z".into()),
            },
        ),
        "devctl key remove" => shape(
            "one `RemovedKey`.",
            &RemovedKey {
                name: "work".into(),
                fingerprint: "SHA256:…".into(),
                taken_from_agent: 2,
            },
        ),
        "devctl key agent list" | "devctl key agent add" => shape(
            "one `AgentKeyList`.",
            &AgentKeyList {
                agent: "/run/user/1000/ssh-agent.socket".into(),
                keys: vec![AgentKey {
                    key_type: "ed25519".into(),
                    fingerprint: Some("SHA256:…".into()),
                    comment: "ann@laptop".into(),
                    name: Some("work".into()),
                    certificate: Some(certificate()),
                }],
            },
        ),
        "devctl key agent remove" => shape(
            "one `Done`; `changed` is false when the agent did not hold it.",
            &Done { changed: true },
        ),
        _ => return None,
    })
}

fn record() -> KeyRecord {
    KeyRecord {
        name: "work".into(),
        key_type: "ed25519".into(),
        fingerprint: "SHA256:…".into(),
        public_key: "ssh-ed25519 AAAA… ann@laptop".into(),
        origin: KeyOrigin::Generated,
        protection: KeyProtection::Vault,
        state: KeyState::Active,
        replaced_by: None,
        retires_at: None,
        weakness: None,
        path: Some("/home/ann/.ssh/devctl/keys/work".into()),
        certificate: None,
        created_at: Some("2026-01-31T12:00:00Z".into()),
    }
}
