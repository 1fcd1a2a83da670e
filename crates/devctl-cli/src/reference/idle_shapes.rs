//! The answers of `idle`, `keep-awake` and `service`, by example.

use super::shapes::{Shape, shape};
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl idle list" => shape(
            "one `IdleList`.",
            &IdleList {
                containers: vec![info()],
                watched: true,
            },
        ),
        "devctl idle set" | "devctl keep-awake" => shape("one `IdleInfo`.", &info()),
        "devctl service install" | "devctl service status" | "devctl service uninstall" => shape(
            "one `ServiceInfo`.",
            &ServiceInfo {
                installed: true,
                kind: "systemd".into(),
                file: Some("/home/ann/.config/systemd/user/devctl.service".into()),
                pid: Some(4711),
                watched_by: Some("service".into()),
                changed: false,
            },
        ),
        _ => return None,
    })
}

fn info() -> IdleInfo {
    IdleInfo {
        container: "hello".into(),
        state: IdleState::Idle,
        stop_after_minutes: Some(45),
        own_rule: true,
        idle_since: Some("2026-03-01T10:00:00Z".into()),
        awake_until: None,
        stops_at: Some("2026-03-01T10:45:00Z".into()),
    }
}
