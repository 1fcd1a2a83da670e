//! The answers of `ports`, by example.

use super::shapes::{Shape, shape};
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl ports list" => shape(
            "one `PortList`.",
            &PortList {
                containers: vec![ContainerPorts {
                    container: "hello".into(),
                    id: "4f1c…".into(),
                    running: true,
                    planned: vec![PlannedPort {
                        target: "3000".into(),
                        label: Some("web".into()),
                    }],
                    listeners: vec![PortListener {
                        port: 3000,
                        address: "127.0.0.1".into(),
                        process: Some("node".into()),
                        command: Some("node server.js".into()),
                        label: Some("web".into()),
                    }],
                    forwards: vec![forward()],
                    published: vec![],
                }],
            },
        ),
        "devctl ports forward" => shape(
            "one `ForwardedPorts`; without `--detach` then one `PortUpdate` on each line.",
            &ForwardedPorts {
                forwards: vec![forward()],
            },
        ),
        "devctl ports open" => shape("one `PortForward`.", &forward()),
        "devctl ports stop" => shape(
            "one `StoppedForwards`.",
            &StoppedForwards {
                stopped: vec![forward()],
            },
        ),
        _ => return None,
    })
}

fn forward() -> PortForward {
    PortForward {
        container: "hello".into(),
        direction: ForwardDirection::IntoContainer,
        listen: "127.0.0.1:3001".into(),
        target: "3000".into(),
        url: Some("http://127.0.0.1:3001/".into()),
        label: Some("web".into()),
        origin: ForwardOrigin::Configured,
        process: 4711,
        note: Some("port 3000 of this computer is taken; it is 3001 here".into()),
    }
}
