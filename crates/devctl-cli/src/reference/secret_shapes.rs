//! The answers of `secret`, by example.

use super::shapes::{Shape, shape};
use crate::commands::ExecDocument;
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl secret set" => shape("one `SecretInfo`.", &secret()),
        "devctl secret get" => shape(
            "one `SecretInfo`; with `--reveal` one `RevealedSecret`.",
            &secret(),
        ),
        "devctl secret list" => shape("one array of `SecretInfo`. The vault stays closed.", &[secret()]),
        "devctl secret remove" | "devctl secret vault unlock" => {
            shape("one `Done`.", &Done { changed: true })
        }
        "devctl secret run" => shape(
            "one document with the output of the command in it.",
            &ExecDocument {
                exit_code: 0,
                stdout: "published\n".into(),
                stderr: String::new(),
            },
        ),
        "devctl secret vault show" => shape("one `VaultInfo`.", &vault()),
        "devctl secret vault change" | "devctl secret vault recover" => shape(
            "one `VaultChanged`.",
            &VaultChanged {
                vault: vault(),
                left_behind: None,
            },
        ),
        "devctl secret vault recovery-key" => shape(
            "one `RecoveryKeyText`, shown this once.",
            &RecoveryKeyText {
                recovery_key: SecretText::new("4G3DP-…".into()),
            },
        ),
        _ => return None,
    })
}

fn secret() -> SecretInfo {
    SecretInfo {
        name: "NPM_TOKEN".into(),
        scope: SecretScope::Container,
        source: Some("/home/ann/src/hello".into()),
        delivery: SecretDelivery::Environment,
        changed_at: "2026-01-31T12:00:00Z".into(),
    }
}

fn vault() -> VaultInfo {
    VaultInfo {
        path: "/home/ann/.local/state/devctl/vault/vault".into(),
        exists: true,
        ways: vec![VaultWayInfo {
            way: VaultWay::Keychain,
            place: "the OS keychain".into(),
            opens_by_itself: true,
        }],
        opened_by: Some(VaultWay::Keychain),
        problem: None,
        entries: Some(3),
        watched_in: Some("the OS keychain".into()),
        keychain: Some(KeychainInfo {
            ready: true,
            code: "secrets.keychain_ready".into(),
            words: "the keychain works".into(),
            fix: None,
        }),
    }
}
