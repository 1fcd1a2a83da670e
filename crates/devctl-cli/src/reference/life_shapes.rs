//! The answers of what is done with a container between its making and its end, by example.

use super::shapes::{Shape, shape};
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl pause" | "devctl unpause" => shape(
            "one `ChangedContainer`; `changed` is false when it was in that state already.",
            &ChangedContainer {
                name: "hello".into(),
                changed: true,
            },
        ),
        "devctl kill" => shape(
            "one `KilledContainer`.",
            &KilledContainer {
                name: "hello".into(),
                signal: "SIGTERM".into(),
            },
        ),
        "devctl rename" => shape(
            "one `RenamedContainer`; `changed` is false when it was called so already.",
            &RenamedContainer {
                name: "web".into(),
                old_name: "hello".into(),
                ssh_host: "web.devctl".into(),
                changed: true,
            },
        ),
        "devctl adopt" => shape(
            "one `AdoptedContainer`; `changed` is false when it was ours already.",
            &AdoptedContainer {
                name: "db".into(),
                id: "3f2a…".into(),
                ssh_host: "db.devctl".into(),
                remote_user: "root".into(),
                remote_workspace_folder: "/".into(),
                changed: true,
            },
        ),
        "devctl forget" => shape(
            "one `ForgottenContainer`.",
            &ForgottenContainer {
                name: "db".into(),
                id: "3f2a…".into(),
                still_there: true,
            },
        ),
        "devctl prune" => shape(
            "one `PrunedContainers`.",
            &PrunedContainers {
                gone: vec!["hello".into()],
                failed: Vec::new(),
                networks: vec!["devctl-old".into()],
            },
        ),
        "devctl drift" => shape(
            "one `ContainerDrift`; without `cost` nothing differs.",
            &ContainerDrift {
                name: "hello".into(),
                fields: vec![DriftField {
                    field: "containerEnv.LEVEL".into(),
                    old: Some("\"info\"".into()),
                    new: Some("\"debug\"".into()),
                    cost: DriftCost::Recreate,
                    note: None,
                }],
                cost: Some(DriftCost::Recreate),
                command: Some("devctl recreate hello".into()),
            },
        ),
        _ => return None,
    })
}
