//! What an engine's refusals mean.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use crate::error::{EngineError, ObjectKind};
use crate::wire::unreachable_engine;

/// What a request is about, for the error that it may become.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// What is done, as in "start the container web".
    pub(crate) operation: &'static str,
    pub(crate) kind: Option<ObjectKind>,
    /// Of the object; empty where the request is about none.
    pub(crate) name: &'a str,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(operation: &'static str, kind: ObjectKind, name: &'a str) -> Self {
        Self {
            operation,
            kind: Some(kind),
            name,
        }
    }

    pub(crate) fn engine(operation: &'static str) -> Self {
        Self {
            operation,
            kind: None,
            name: "",
        }
    }
}

/// The error behind a status. The engine's messages are not an interface, yet the status alone says too little: each
/// text below was seen from Docker 20.10 to 28 or Podman 4, and one that is new falls back to the status.
pub(crate) fn from_status(status: u16, message: &str, subject: &Subject<'_>) -> EngineError {
    let text = message.to_ascii_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    let message = message.trim().to_owned();
    let name = subject.name.to_owned();
    if has(&["no space left on device", "disk quota exceeded"]) {
        return EngineError::NoSpace { message };
    }
    if has(&["error setting rlimit", "setrlimit", "error setting limits"]) {
        return EngineError::LimitRefused {
            container: name,
            message,
        };
    }
    if has(&["container-init binary not found"]) {
        return EngineError::Unsupported {
            what: "an init process in the container".into(),
            reason: message,
            fix: "sudo apt-get install catatonit, or set \"init\": false".into(),
        };
    }
    if has(&[
        "port is already allocated",
        "address already in use",
        "ports are not available",
    ]) {
        return EngineError::PortTaken { message };
    }
    if subject.kind == Some(ObjectKind::Network)
        && has(&[
            "pool overlaps",
            "overlapping ipv4",
            "conflicts with network",
            "is already used on the host",
        ])
    {
        return EngineError::SubnetTaken {
            subnet: name,
            message,
        };
    }
    if status == 404
        && has(&[
            "could not find the file",
            "could not be found",
            "no such file or directory",
        ])
    {
        return EngineError::Invalid {
            what: format!("the path to {subject}"),
            reason: message,
        };
    }
    if status == 404
        || (status >= 400
            && has(&[
                "no such container",
                "no such image",
                "no such volume",
                "no such exec",
            ]))
    {
        return not_found(&text, message, subject);
    }
    let name_taken = subject.kind == Some(ObjectKind::Container) && has(&["is already in use"]);
    if name_taken || has(&["container state improper"]) {
        return EngineError::Conflict {
            operation: subject.to_string(),
            message,
        };
    }
    match (status, subject.kind) {
        (409, _) | (304, _) => EngineError::Conflict {
            operation: subject.to_string(),
            message,
        },
        (_, Some(ObjectKind::Network)) if has(&["already exists", "name already used"]) => {
            EngineError::Conflict {
                operation: subject.to_string(),
                message,
            }
        }
        (_, Some(ObjectKind::Container)) if subject.operation == START => EngineError::StartFailed {
            container: name,
            message,
        },
        (400, _) => EngineError::Invalid {
            what: format!("the request to {subject}"),
            reason: message,
        },
        _ => EngineError::Answer {
            operation: subject.to_string(),
            status,
            message,
        },
    }
}

/// The operation whose refusals mean that a container did not start.
pub(crate) const START: &str = "start";

fn not_found(text: &str, message: String, subject: &Subject<'_>) -> EngineError {
    // Making a container can miss its image, its network, a volume or a container that it refers to.
    for (words, kind) in [
        ("no such image", ObjectKind::Image),
        ("no such volume", ObjectKind::Volume),
        ("no such exec", ObjectKind::Exec),
        ("no such container", ObjectKind::Container),
    ] {
        if let Some(at) = text.find(words) {
            let rest = message[at + words.len()..].trim_start_matches([':', ' ']);
            let named = rest.split_whitespace().next().unwrap_or_default();
            let name = if subject.kind == Some(kind) || named.is_empty() {
                subject.name
            } else {
                named
            };
            return EngineError::NotFound {
                kind,
                name: name.to_owned(),
            };
        }
    }
    if let (Some(start), true) = (text.find("network "), text.contains("not found"))
        && subject.kind != Some(ObjectKind::Network)
    {
        let named = message[start + "network ".len()..]
            .split_whitespace()
            .next()
            .unwrap_or_default();
        return EngineError::NotFound {
            kind: ObjectKind::Network,
            name: named.to_owned(),
        };
    }
    match subject.kind {
        Some(kind) => EngineError::NotFound {
            kind,
            name: subject.name.to_owned(),
        },
        None => EngineError::Answer {
            operation: subject.to_string(),
            status: 404,
            message,
        },
    }
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{} the {kind} {}", self.operation, self.name),
            None => f.write_str(self.operation),
        }
    }
}

/// An error of bollard in our terms.
pub(crate) fn from_bollard(
    error: bollard::errors::Error,
    endpoint: &str,
    subject: &Subject<'_>,
) -> EngineError {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            from_status(status_code, &message, subject)
        }
        Error::RequestTimeoutError => EngineError::Timeout {
            operation: subject.to_string(),
            after: PATIENCE,
        },
        Error::DockerStreamError { error } => from_status(500, &error, subject),
        Error::SocketNotFoundError(path) => unreachable_engine(
            endpoint,
            io::Error::new(io::ErrorKind::NotFound, format!("{path} does not exist")),
        ),
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } | Error::StrParseError { .. } => {
            EngineError::Unreadable {
                operation: subject.to_string(),
                reason: error.to_string(),
            }
        }
        error => match io_of(&error).map(io::Error::kind) {
            Some(
                kind @ (io::ErrorKind::NotFound
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::PermissionDenied),
            ) => unreachable_engine(endpoint, io::Error::new(kind, error)),
            kind => EngineError::Broken {
                operation: subject.to_string(),
                source: io::Error::new(kind.unwrap_or(io::ErrorKind::Other), error),
            },
        },
    }
}

/// How long a request without a time of its own may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long a question may take that an engine answers from its memory. Longer than any engine needs that is not stuck.
pub(crate) const READ_PATIENCE: Duration = Duration::from_secs(10);

/// How long a question about one container may take: the engine does not answer it while it starts that container.
pub(crate) const INSPECT_PATIENCE: Duration = Duration::from_secs(60);

/// The error of the system at the bottom of a chain of errors.
pub(crate) fn io_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut link: Option<&'a (dyn StdError + 'static)> = Some(error);
    let mut found = None;
    while let Some(error) = link {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found = Some(io);
        }
        link = error.source();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_get_their_meaning() {
        let container = Subject::new(START, ObjectKind::Container, "web");
        let create = Subject::new("create", ObjectKind::Container, "web");
        let network = Subject::new("create", ObjectKind::Network, "net");
        for (status, message, subject, code) in [
            (
                404,
                "No such container: web",
                container,
                "engine.not_found.container",
            ),
            (404, "No such image: debian:99", create, "engine.not_found.image"),
            (404, "network abc not found", create, "engine.not_found.network"),
            (
                404,
                "Could not find the file /nope in container web",
                create,
                "engine.invalid",
            ),
            (404, "network net not found", network, "engine.not_found.network"),
            (
                409,
                "Conflict. The container name \"/web\" is already in use",
                create,
                "engine.conflict",
            ),
            (
                403,
                "Pool overlaps with other one on this address space",
                network,
                "engine.no_subnet",
            ),
            (
                409,
                "network with name net already exists",
                network,
                "engine.conflict",
            ),
            (
                500,
                "network name net already used: network already exists",
                network,
                "engine.conflict",
            ),
            (
                500,
                "driver failed: Bind for 127.0.0.1:80 failed: port is already allocated",
                container,
                "engine.port_taken",
            ),
            (
                500,
                "write /x: no space left on device",
                create,
                "engine.no_space",
            ),
            (
                400,
                "OCI runtime create failed: error setting rlimit type 7",
                container,
                "engine.limit_refused",
            ),
            (
                400,
                "OCI runtime create failed: exec: \"nope\": not found",
                container,
                "engine.start_failed",
            ),
            (500, "something else", create, "engine.answer"),
            (400, "invalid restart policy", create, "engine.invalid"),
        ] {
            assert_eq!(from_status(status, message, &subject).code(), code, "{message}");
        }
    }

    #[test]
    fn a_missing_image_is_named() {
        let subject = Subject::new("create", ObjectKind::Container, "web");
        let EngineError::NotFound { name, .. } = from_status(404, "No such image: debian:99", &subject)
        else {
            panic!("not found expected");
        };
        assert_eq!(name, "debian:99");
    }
}
