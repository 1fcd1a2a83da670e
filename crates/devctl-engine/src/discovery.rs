//! Which engines this machine has.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::endpoint::{Endpoint, EndpointSource};
use crate::engine::EngineFacts;
use crate::error::EngineError;

/// The kind of machine that is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostPlatform {
    Linux,
    MacOs,
    Windows,
}

impl HostPlatform {
    /// The one that this program was built for.
    #[must_use]
    pub fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

/// All that discovery looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEnv {
    /// Environment variables; `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_CONFIG`, `DOCKER_TLS_VERIFY` are looked at.
    pub vars: BTreeMap<String, String>,
    pub home: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`; where it is unknown, `/run/user/UID` is tried.
    pub runtime_dir: Option<PathBuf>,
    pub uid: Option<u32>,
    pub platform: HostPlatform,
    /// What `/run` and `/var/run` lie under: `/`, or a directory in tests.
    pub system_root: PathBuf,
}

/// What discovery found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The current engine first. Never empty: where nothing is found, the docker client's own default is named. None is
    /// current where the chosen context does not exist.
    pub endpoints: Vec<Endpoint>,
    /// Configuration that could not be read, and a current context that does not exist.
    pub problems: Vec<EngineError>,
}

/// The part of the docker client's `config.json` that says which context is current.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClientConfig {
    current_context: String,
}

/// The part of a context's `meta.json` that says where its engine is.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextMeta {
    name: String,
    #[serde(default)]
    endpoints: BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextEndpoint {
    #[serde(default)]
    host: String,
}

/// Lists the engines of this machine, without asking any of them.
///
/// The order of preference is the docker client's: `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context of
/// `config.json`, the default socket; where that socket is missing, the first engine that was found is current.
/// Sockets that are the same file are listed once, under the first name.
#[must_use]
pub fn discover(env: &EngineEnv) -> Discovery {
    let mut found = Search {
        env,
        seen: HashSet::new(),
        found: Discovery::default(),
    };
    let default_url = env.default_url();

    let docker_host = env.var("DOCKER_HOST");
    if let Some(url) = docker_host {
        found.add(
            "DOCKER_HOST",
            EndpointSource::DockerHost,
            env.with_tls_of_the_environment(url),
        );
    }
    let config_dir = env.docker_config_dir();
    let contexts = config_dir
        .as_deref()
        .map(|dir| found.contexts(dir))
        .unwrap_or_default();
    let wanted = match (docker_host, env.var("DOCKER_CONTEXT")) {
        (Some(_), _) => None,
        (None, Some(name)) => Some(name.to_owned()),
        (None, None) => config_dir.as_deref().and_then(|dir| found.current_context(dir)),
    };
    // "default" is the docker client's name for its own default socket.
    let wanted = wanted.filter(|name| name != "default");
    let mut current_is_missing = false;
    if let Some(name) = &wanted {
        match contexts.iter().find(|(context, _)| context == name) {
            Some((name, url)) => found.add(name, EndpointSource::Context(name.clone()), url.clone()),
            None => {
                current_is_missing = true;
                found.found.problems.push(EngineError::Invalid {
                    what: format!("the current docker context {name:?}"),
                    reason: "there is no context of that name (docker context ls)".into(),
                });
            }
        }
    }
    for (name, product, url) in env.well_known().into_iter().filter(|(_, _, url)| is_there(url)) {
        found.add(&name, EndpointSource::WellKnown(product), url);
    }
    for (name, url) in contexts {
        found.add(&name, EndpointSource::Context(name.clone()), url);
    }
    let mut found = found.found;
    if found.endpoints.is_empty() {
        found.endpoints.push(Endpoint {
            name: "default".into(),
            source: EndpointSource::WellKnown("Docker"),
            url: default_url,
            current: true,
        });
    }
    if let Some(first) = found.endpoints.first_mut() {
        // A context that was chosen and is not there is not silently another one.
        first.current = !current_is_missing;
    }
    found
}

impl EngineEnv {
    fn var(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn docker_config_dir(&self) -> Option<PathBuf> {
        self.var("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(self.home.as_ref()?.join(".docker")))
    }

    fn system(&self, path: &str) -> PathBuf {
        self.system_root.join(path)
    }

    fn default_url(&self) -> String {
        match self.platform {
            HostPlatform::Windows => "npipe:////./pipe/docker_engine".into(),
            HostPlatform::Linux | HostPlatform::MacOs => unix_url(&self.system("var/run/docker.sock")),
        }
    }

    /// The docker client speaks TLS to a `tcp://` address when `DOCKER_TLS_VERIFY` is set to anything.
    fn with_tls_of_the_environment(&self, url: &str) -> String {
        match url.strip_prefix("tcp://") {
            Some(rest) if self.var("DOCKER_TLS_VERIFY").is_some() => format!("https://{rest}"),
            _ => url.to_owned(),
        }
    }

    /// Name, product and address of the places where engines are known to listen, the most likely first.
    fn well_known(&self) -> Vec<(String, &'static str, String)> {
        if self.platform == HostPlatform::Windows {
            return [
                ("default", "Docker", "docker_engine"),
                ("podman", "Podman", "podman-machine-default"),
            ]
            .map(|(name, product, pipe)| (name.to_owned(), product, format!("npipe:////./pipe/{pipe}")))
            .to_vec();
        }
        let runtime_dir = self.runtime_dir.clone().or_else(|| {
            self.uid
                .filter(|uid| *uid != 0)
                .map(|uid| self.system(&format!("run/user/{uid}")))
        });
        let mut places = vec![("default".to_owned(), "Docker", self.system("var/run/docker.sock"))];
        if let Some(dir) = &runtime_dir {
            places.push(("rootless".into(), "rootless Docker", dir.join("docker.sock")));
        }
        if let Some(home) = &self.home {
            places.push((
                "desktop-linux".into(),
                "Docker Desktop",
                home.join(".docker/desktop/docker.sock"),
            ));
            places.push((
                "desktop".into(),
                "Docker Desktop",
                home.join(".docker/run/docker.sock"),
            ));
            places.push((
                "orbstack".into(),
                "OrbStack",
                home.join(".orbstack/run/docker.sock"),
            ));
            places.push((
                "rancher-desktop".into(),
                "Rancher Desktop",
                home.join(".rd/docker.sock"),
            ));
            for colima in [home.join(".colima"), home.join(".config/colima")] {
                for (profile, socket) in colima_profiles(&colima) {
                    let name = if profile == "default" {
                        "colima".into()
                    } else {
                        format!("colima-{profile}")
                    };
                    places.push((name, "Colima", socket));
                }
            }
        }
        if let Some(dir) = &runtime_dir {
            places.push(("podman".into(), "Podman", dir.join("podman/podman.sock")));
        }
        places.push((
            "podman-root".into(),
            "Podman",
            self.system("run/podman/podman.sock"),
        ));
        if let Some(home) = &self.home {
            let machine = home.join(".local/share/containers/podman/machine/podman.sock");
            places.push(("podman-machine".into(), "Podman", machine));
        }
        places
            .into_iter()
            .map(|(name, product, path)| (name, product, unix_url(&path)))
            .collect()
    }
}

/// Profiles of Colima that have a socket, in the order of their names. A directory that is missing or may not be read
/// has none for us.
fn colima_profiles(dir: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut profiles: Vec<_> = entries
        .flatten()
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path().join("docker.sock"),
            )
        })
        .filter(|(_, socket)| socket.symlink_metadata().is_ok())
        .collect();
    profiles.sort();
    profiles
}

fn unix_url(path: &Path) -> String {
    format!("unix://{}", path.display())
}

/// Whether the socket or pipe of a well-known place exists. One that may not be looked at counts as there: the probe
/// will say that rights are missing, which is more use than silence.
fn is_there(url: &str) -> bool {
    let path = match url.strip_prefix("unix://") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(url.trim_start_matches("npipe://").replace('/', "\\")),
    };
    match path.metadata() {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

struct Search<'a> {
    env: &'a EngineEnv,
    seen: HashSet<String>,
    found: Discovery,
}

impl Search<'_> {
    fn add(&mut self, name: &str, source: EndpointSource, url: String) {
        let identity = match url.strip_prefix("unix://") {
            // A socket that does not exist is known by its name only.
            Some(path) => std::fs::canonicalize(path).map_or_else(|_| url.clone(), |path| unix_url(&path)),
            None => url.trim_end_matches('/').to_ascii_lowercase(),
        };
        if !self.seen.insert(identity) {
            return;
        }
        let taken = |name: &str, found: &Discovery| found.endpoints.iter().any(|other| other.name == name);
        let mut unique = name.to_owned();
        let mut number = 2;
        while taken(&unique, &self.found) {
            unique = format!("{name}-{number}");
            number += 1;
        }
        self.found.endpoints.push(Endpoint {
            name: unique,
            source,
            url,
            current: false,
        });
    }

    /// Name and address of each docker context, sorted by name.
    fn contexts(&mut self, config_dir: &Path) -> Vec<(String, String)> {
        let metas = config_dir.join("contexts/meta");
        let entries = match std::fs::read_dir(&metas) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(source) => {
                self.problem(&metas, source);
                return Vec::new();
            }
        };
        let mut contexts = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path().join("meta.json");
            let meta = match std::fs::read(&path) {
                Ok(text) => serde_json::from_slice::<ContextMeta>(&text).map_err(io::Error::from),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Err(error),
            };
            match meta {
                Ok(meta) => {
                    let host = meta
                        .endpoints
                        .get("docker")
                        .map(|docker| docker.host.clone())
                        .unwrap_or_default();
                    // A context for something else than an engine has no address of one.
                    if !host.is_empty() {
                        let url = with_tls_of_the_context(config_dir, &meta.name, host);
                        contexts.push((meta.name, url));
                    }
                }
                Err(source) => self.problem(&path, source),
            }
        }
        contexts.sort();
        contexts
    }

    fn current_context(&mut self, config_dir: &Path) -> Option<String> {
        let path = config_dir.join("config.json");
        let config = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice::<ClientConfig>(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => Err(error),
        };
        match config {
            Ok(config) => Some(config.current_context).filter(|name| !name.is_empty()),
            Err(source) => {
                self.problem(&path, source);
                None
            }
        }
    }

    fn problem(&mut self, path: &Path, source: io::Error) {
        tracing::debug!(path = %path.display(), env = ?self.env.platform, %source, "docker configuration not read");
        self.found.problems.push(EngineError::Configuration {
            path: path.display().to_string(),
            source,
        });
    }
}

/// A context speaks TLS when the docker client stored certificates for it, in a directory named by the SHA-256 of the
/// context's name.
fn with_tls_of_the_context(config_dir: &Path, name: &str, host: String) -> String {
    let digest = hex::encode(Sha256::digest(name.as_bytes()));
    match host.strip_prefix("tcp://") {
        Some(rest)
            if config_dir
                .join("contexts/tls")
                .join(digest)
                .join("docker")
                .is_dir() =>
        {
            format!("https://{rest}")
        }
        _ => host,
    }
}

/// How an engine is.
#[derive(Debug)]
pub enum EngineHealth {
    Ok(EngineFacts),
    /// Nothing is at the address.
    NoSocket,
    /// Something is there and we may not speak to it.
    NoRights,
    /// Something is there and does not answer like an engine.
    NotAnswering(EngineError),
    /// It answers and is too old.
    TooOld {
        version: String,
    },
}

/// How long [`probe`] waits for an answer.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);

/// Asks an engine how it is; takes three seconds at most.
pub async fn probe(endpoint: &Endpoint) -> EngineHealth {
    let answer = tokio::time::timeout(PROBE_PATIENCE, crate::engine::connect(endpoint)).await;
    match answer {
        Ok(Ok(engine)) => EngineHealth::Ok(engine.facts()),
        Ok(Err(EngineError::NoRights { .. })) => EngineHealth::NoRights,
        Ok(Err(EngineError::TooOld { version, .. })) => EngineHealth::TooOld { version },
        Ok(Err(EngineError::Unreachable { source, .. })) if source.kind() == io::ErrorKind::NotFound => {
            EngineHealth::NoSocket
        }
        Ok(Err(error)) => EngineHealth::NotAnswering(error),
        Err(_) => EngineHealth::NotAnswering(EngineError::Silent {
            endpoint: endpoint.url.clone(),
            operation: "ask for the version".into(),
            after: PROBE_PATIENCE,
        }),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A machine made of directories: sockets at those places below it, and a home in it.
    struct Machine {
        dir: tempfile::TempDir,
        sockets: Vec<UnixListener>,
        env: EngineEnv,
    }

    fn machine(sockets: &[&str]) -> Machine {
        let dir = tempfile::Builder::new()
            .prefix("devctl-")
            .tempdir_in("/tmp")
            .unwrap();
        let env = EngineEnv {
            vars: BTreeMap::new(),
            home: Some(dir.path().join("home")),
            runtime_dir: None,
            uid: Some(1000),
            platform: HostPlatform::Linux,
            system_root: dir.path().to_owned(),
        };
        let mut machine = Machine {
            dir,
            sockets: Vec::new(),
            env,
        };
        for socket in sockets {
            let path = machine.path(socket);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            machine.sockets.push(UnixListener::bind(path).unwrap());
        }
        machine
    }

    impl Machine {
        fn path(&self, inside: &str) -> PathBuf {
            self.dir.path().join(inside)
        }

        fn context(&self, directory: &str, name: &str, host: &str) {
            self.write(
                &format!("home/.docker/contexts/meta/{directory}/meta.json"),
                &format!(
                    r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#
                ),
            );
        }

        fn write(&self, inside: &str, text: &str) {
            let path = self.path(inside);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn names(&self) -> Vec<String> {
            discover(&self.env)
                .endpoints
                .into_iter()
                .map(|endpoint| endpoint.name)
                .collect()
        }
    }

    #[test]
    fn each_known_place_is_found() {
        for (socket, name, product) in [
            ("var/run/docker.sock", "default", "Docker"),
            ("run/user/1000/docker.sock", "rootless", "rootless Docker"),
            (
                "home/.docker/desktop/docker.sock",
                "desktop-linux",
                "Docker Desktop",
            ),
            ("home/.docker/run/docker.sock", "desktop", "Docker Desktop"),
            ("run/user/1000/podman/podman.sock", "podman", "Podman"),
            ("run/podman/podman.sock", "podman-root", "Podman"),
            ("home/.colima/default/docker.sock", "colima", "Colima"),
            ("home/.colima/work/docker.sock", "colima-work", "Colima"),
            ("home/.config/colima/default/docker.sock", "colima", "Colima"),
            ("home/.rd/docker.sock", "rancher-desktop", "Rancher Desktop"),
            ("home/.orbstack/run/docker.sock", "orbstack", "OrbStack"),
        ] {
            let machine = machine(&[socket]);
            let expected = Endpoint {
                name: name.into(),
                source: EndpointSource::WellKnown(product),
                url: unix_url(&machine.path(socket)),
                current: true,
            };
            assert_eq!(discover(&machine.env).endpoints, [expected], "{socket}");
        }
    }

    #[test]
    fn the_docker_clients_order_decides_which_is_current() {
        let mut machine = machine(&["var/run/docker.sock", "run/podman/podman.sock"]);
        machine.context("aa", "work", "tcp://build.example:2375");
        machine.context("bb", "other", "unix:///elsewhere.sock");
        assert_eq!(machine.names(), ["default", "podman-root", "other", "work"]);
        machine.write("home/.docker/config.json", r#"{"currentContext":"work"}"#);
        assert_eq!(machine.names()[0], "work");
        machine.env.vars.insert("DOCKER_CONTEXT".into(), "other".into());
        assert_eq!(machine.names()[0], "other");
        machine.env.vars.insert("DOCKER_CONTEXT".into(), "default".into());
        assert_eq!(machine.names()[0], "default");
        machine
            .env
            .vars
            .insert("DOCKER_HOST".into(), "tcp://127.0.0.1:2375".into());
        let found = discover(&machine.env).endpoints;
        assert_eq!(
            (found[0].source.clone(), found[0].current),
            (EndpointSource::DockerHost, true)
        );
        assert!(found[1..].iter().all(|endpoint| !endpoint.current));
    }

    #[test]
    fn one_socket_with_two_names_is_listed_once() {
        let mut machine = machine(&["var/run/docker.sock"]);
        std::os::unix::fs::symlink(machine.path("var/run/docker.sock"), machine.path("link.sock")).unwrap();
        machine
            .env
            .vars
            .insert("DOCKER_HOST".into(), unix_url(&machine.path("link.sock")));
        assert_eq!(machine.names(), ["DOCKER_HOST"]);
    }

    #[test]
    fn nothing_at_all_names_the_default() {
        let machine = machine(&[]);
        let found = discover(&machine.env);
        assert_eq!(
            found.endpoints[0].url,
            unix_url(&machine.path("var/run/docker.sock"))
        );
        assert!(found.problems.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let machine = machine(&["var/run/docker.sock"]);
        machine.write("home/.docker/config.json", r#"{"currentContext":"gone"}"#);
        machine.write("home/.docker/contexts/meta/xx/meta.json", "{");
        let found = discover(&machine.env);
        assert_eq!(found.endpoints.len(), 1);
        let codes: Vec<_> = found.problems.iter().map(EngineError::code).collect();
        assert_eq!(codes, ["engine.configuration", "engine.invalid"]);
    }

    #[test]
    fn tls_is_seen_and_refused_by_name() {
        let mut machine = machine(&[]);
        machine
            .env
            .vars
            .insert("DOCKER_HOST".into(), "tcp://h:2376".into());
        machine.env.vars.insert("DOCKER_TLS_VERIFY".into(), "1".into());
        let error = discover(&machine.env).endpoints[0].transport().unwrap_err();
        assert_eq!(error.code(), "engine.unsupported");
    }

    #[tokio::test]
    async fn a_probe_tells_what_is_wrong() {
        let machine = machine(&["silent.sock", "old.sock"]);
        let endpoint = |inside: &str| Endpoint::explicit(unix_url(&machine.path(inside)));
        assert!(matches!(
            probe(&endpoint("none.sock")).await,
            EngineHealth::NoSocket
        ));
        let health = probe(&endpoint("silent.sock")).await;
        assert!(
            matches!(&health, EngineHealth::NotAnswering(error) if error.code() == "engine.timeout"),
            "{health:?}"
        );
        let old = machine.sockets[1].try_clone().unwrap();
        let server = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut stream, _) = old.accept().unwrap();
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"GET /version HTTP/1.1\r\n"));
            let body = r#"{"ApiVersion":"1.24"}"#;
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        });
        let health = probe(&endpoint("old.sock")).await;
        assert!(
            matches!(&health, EngineHealth::TooOld { version } if version == "1.24"),
            "{health:?}"
        );
        server.join().unwrap();
    }
}
