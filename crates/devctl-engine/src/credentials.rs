//! Passwords of image registries, from where the docker client keeps them.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use zeroize::Zeroizing;

use crate::error::EngineError;

/// Where the docker client keeps what it knows about registries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryCredentials {
    /// `config.json` of the docker client (`$DOCKER_CONFIG` or `~/.docker`). A file that is missing holds nothing.
    pub config_file: PathBuf,
    /// Directories in which `docker-credential-NAME` is looked for, in this order.
    pub helper_path: Vec<PathBuf>,
}

/// What a registry is shown.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistrySecret {
    Password {
        username: String,
        password: Zeroizing<String>,
    },
    /// An OAuth refresh token.
    IdentityToken(Zeroizing<String>),
}

impl fmt::Debug for RegistrySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => f
                .debug_struct("Password")
                .field("username", username)
                .finish_non_exhaustive(),
            Self::IdentityToken(_) => f.write_str("IdentityToken(..)"),
        }
    }
}

/// The part of `config.json` that is about registries.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClientConfig {
    auths: BTreeMap<String, StoredAuth>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase", default)]
struct StoredAuth {
    auth: Zeroizing<String>,
    username: String,
    password: Zeroizing<String>,
    identitytoken: Zeroizing<String>,
}

/// What a credential helper prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: Zeroizing<String>,
}

/// How the docker client writes its own registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A helper may have to ask a person to unlock a keychain, but not for ever.
const HELPER_PATIENCE: Duration = Duration::from_secs(60);

impl RegistryCredentials {
    /// What is known for `registry` (a host, with a port where it has one; `docker.io` for Docker Hub): the helper of that
    /// registry, else the store of all, else the file itself.
    ///
    /// # Errors
    /// [`EngineError::Configuration`] for a file that cannot be read, [`EngineError::CredentialHelper`] for a helper that
    /// fails or is not there.
    pub async fn lookup(&self, registry: &str) -> Result<Option<RegistrySecret>, EngineError> {
        let unreadable = |source| EngineError::Configuration {
            path: self.config_file.display().to_string(),
            source,
        };
        let config: ClientConfig = match std::fs::read(&self.config_file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| unreadable(io::Error::from(error)))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let wanted = host_of(registry);
        let helper = config
            .cred_helpers
            .iter()
            .find(|(host, _)| host_of(host) == wanted)
            .map(|(_, helper)| helper.as_str())
            .or_else(|| Some(config.creds_store.as_str()).filter(|store| !store.is_empty()));
        if let Some(helper) = helper {
            let server = if wanted == host_of(DOCKER_HUB) {
                DOCKER_HUB
            } else {
                registry
            };
            if let Some(secret) = self.ask_helper(helper, server).await? {
                return Ok(Some(secret));
            }
        }
        let stored = config.auths.into_iter().find(|(host, _)| host_of(host) == wanted);
        stored.map_or(Ok(None), |(host, auth)| {
            auth.secret()
                .map_err(|reason| unreadable(io::Error::other(format!("auths of {host}: {reason}"))))
        })
    }

    /// Asks `docker-credential-NAME get`, with the server's address on its standard input.
    async fn ask_helper(&self, helper: &str, server: &str) -> Result<Option<RegistrySecret>, EngineError> {
        let program = format!("docker-credential-{helper}");
        let failed = |message: String| EngineError::CredentialHelper {
            registry: server.to_owned(),
            helper: program.clone(),
            message,
        };
        if helper.contains(['/', '\\']) {
            return Err(failed("a helper is a name, not a path".into()));
        }
        let path = self
            .helper_path
            .iter()
            .map(|dir| dir.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
            .find(|path| path.is_file())
            .ok_or_else(|| failed("it is not installed".into()))?;
        let run = async {
            let mut child = tokio::process::Command::new(path)
                .arg("get")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A helper that does not read its input answers all the same, or fails by itself.
                if let Err(error) = stdin.write_all(server.as_bytes()).await {
                    tracing::debug!(%error, "the credential helper did not read its input");
                }
            }
            child.wait_with_output().await
        };
        let output = match tokio::time::timeout(HELPER_PATIENCE, run).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => {
                return Err(failed(format!(
                    "no answer within {} s",
                    HELPER_PATIENCE.as_secs()
                )));
            }
        };
        let stdout = Zeroizing::new(output.stdout);
        if !output.status.success() {
            // Helpers print their errors on the standard output; this one means "nothing known".
            let text = String::from_utf8_lossy(&stdout).trim().to_owned();
            if text.contains("credentials not found") {
                return Ok(None);
            }
            let text = if text.is_empty() {
                String::from_utf8_lossy(&output.stderr).trim().to_owned()
            } else {
                text
            };
            return Err(failed(text));
        }
        // The text of a parse error could quote the secret.
        let answer: HelperAnswer = serde_json::from_slice(&stdout)
            .map_err(|_| failed("its answer is not what the protocol says".into()))?;
        Ok(Some(match answer.username.as_str() {
            "<token>" => RegistrySecret::IdentityToken(answer.secret),
            _ => RegistrySecret::Password {
                username: answer.username,
                password: answer.secret,
            },
        }))
    }
}

impl StoredAuth {
    /// `None` for an empty entry, which the docker client leaves where a store holds the password.
    fn secret(self) -> Result<Option<RegistrySecret>, &'static str> {
        if !self.identitytoken.is_empty() {
            return Ok(Some(RegistrySecret::IdentityToken(self.identitytoken)));
        }
        if !self.auth.is_empty() {
            let decoded = Zeroizing::new(
                STANDARD
                    .decode(self.auth.as_bytes())
                    .map_err(|_| "it is not base64")?,
            );
            let text = std::str::from_utf8(&decoded).map_err(|_| "it is not text")?;
            let (username, password) = text.split_once(':').ok_or("it has no colon")?;
            // The docker client pads with zeros.
            let password = password.trim_end_matches('\0');
            return Ok(Some(RegistrySecret::Password {
                username: username.to_owned(),
                password: Zeroizing::new(password.to_owned()),
            }));
        }
        if self.username.is_empty() {
            return Ok(None);
        }
        Ok(Some(RegistrySecret::Password {
            username: self.username,
            password: self.password,
        }))
    }
}

/// The host of an entry: `https://host/v1/` and `host` are the same, and Docker Hub has several names.
fn host_of(entry: &str) -> &str {
    let rest = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest);
    match host {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

impl RegistrySecret {
    /// As the engine takes it: `AuthConfig` of its API.
    pub(crate) fn document(&self, registry: &str) -> serde_json::Value {
        match self {
            Self::Password { username, password } => serde_json::json!({
                "username": username, "password": password.as_str(), "serveraddress": registry}),
            Self::IdentityToken(token) => {
                serde_json::json!({"identitytoken": token.as_str(), "serveraddress": registry})
            }
        }
    }

    /// The value of that header where there is no password.
    pub(crate) fn nobody() -> Zeroizing<String> {
        Zeroizing::new(base64::engine::general_purpose::URL_SAFE.encode(b"{}"))
    }

    /// The value of the header `X-Registry-Auth`: URL-safe base64 of a JSON document. (bollard 0.21 sends the other
    /// alphabet, which the engine takes for "no credentials" as soon as a `+` or `/` occurs.)
    pub(crate) fn header(&self, registry: &str) -> Zeroizing<String> {
        let document = Zeroizing::new(self.document(registry).to_string());
        Zeroizing::new(base64::engine::general_purpose::URL_SAFE.encode(document.as_bytes()))
    }
}

/// The directories of a `PATH`, for [`RegistryCredentials::helper_path`].
#[must_use]
pub fn helper_path(path: Option<&str>) -> Vec<PathBuf> {
    path.map(|path| {
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .collect()
    })
    .unwrap_or_default()
}

impl RegistryCredentials {
    /// The docker client's own file in `config_dir` (`$DOCKER_CONFIG` or `~/.docker`).
    #[must_use]
    pub fn in_config_dir(config_dir: &Path, path: Option<&str>) -> Self {
        Self {
            config_file: config_dir.join("config.json"),
            helper_path: helper_path(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(config: &str) -> (tempfile::TempDir, RegistryCredentials) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), config).unwrap();
        let credentials = RegistryCredentials {
            config_file: dir.path().join("config.json"),
            helper_path: vec![dir.path().into()],
        };
        (dir, credentials)
    }

    #[cfg(unix)]
    fn helper(dir: &Path, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = dir.join(format!("docker-credential-{name}"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn password(username: &str, password: &str) -> Option<RegistrySecret> {
        Some(RegistrySecret::Password {
            username: username.into(),
            password: Zeroizing::new(password.into()),
        })
    }

    #[tokio::test]
    async fn the_file_is_read_in_all_its_forms() {
        let (_dir, credentials) = stored(
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "Ym9iOnA6dw=="}, "ghcr.io": {"username": "a", "password": "b"},
                "r.example:5000": {"identitytoken": "t"}, "empty.example": {}, "bad.example": {"auth": "!"}}}"#,
        );
        assert_eq!(
            credentials.lookup("docker.io").await.unwrap(),
            password("bob", "p:w")
        );
        assert_eq!(credentials.lookup("ghcr.io").await.unwrap(), password("a", "b"));
        let token = Some(RegistrySecret::IdentityToken(Zeroizing::new("t".into())));
        assert_eq!(credentials.lookup("r.example:5000").await.unwrap(), token);
        assert_eq!(credentials.lookup("empty.example").await.unwrap(), None);
        assert_eq!(credentials.lookup("other.example").await.unwrap(), None);
        assert_eq!(
            credentials.lookup("bad.example").await.unwrap_err().code(),
            "engine.configuration"
        );
    }

    #[tokio::test]
    async fn a_file_that_is_missing_holds_nothing_and_a_broken_one_is_an_error() {
        let (dir, credentials) = stored("{");
        assert_eq!(
            credentials.lookup("a.example").await.unwrap_err().code(),
            "engine.configuration"
        );
        std::fs::remove_file(dir.path().join("config.json")).unwrap();
        assert_eq!(credentials.lookup("a.example").await.unwrap(), None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn helpers_are_asked_in_the_clients_order() {
        let (dir, credentials) = stored(
            r#"{"credsStore": "all", "credHelpers": {"one.example": "one", "none.example": "gone", "p.example": "../x"},
                "auths": {"file.example": {"auth": "YTpi"}}}"#,
        );
        helper(
            dir.path(),
            "one",
            r#"[ "$1" = get ] || exit 3; read s; echo "{\"ServerURL\":\"$s\",\"Username\":\"u-$s\",\"Secret\":\"s\"}""#,
        );
        helper(
            dir.path(),
            "all",
            r#"read s; case "$s" in file*) echo "credentials not found in native keychain"; exit 1;;
               broken*) echo "keychain is locked"; exit 1;; junk*) echo secret-junk;;
               *) echo "{\"Username\":\"<token>\",\"Secret\":\"$s\"}";; esac"#,
        );
        assert_eq!(
            credentials.lookup("one.example").await.unwrap(),
            password("u-one.example", "s")
        );
        let token = |text: &str| Some(RegistrySecret::IdentityToken(Zeroizing::new(text.into())));
        assert_eq!(credentials.lookup("docker.io").await.unwrap(), token(DOCKER_HUB));
        assert_eq!(
            credentials.lookup("file.example").await.unwrap(),
            password("a", "b")
        );
        for (registry, message) in [
            ("broken.example", "keychain is locked"),
            ("none.example", "not installed"),
            ("p.example", "not a path"),
            ("junk.example", "protocol"),
        ] {
            let error = credentials.lookup(registry).await.unwrap_err();
            assert_eq!(error.code(), "engine.registry_auth");
            assert!(error.to_string().contains(message), "{error}");
            assert!(!error.to_string().contains("secret-junk"), "{error}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let secret = RegistrySecret::Password {
            username: "bob".into(),
            password: Zeroizing::new("hunter2".into()),
        };
        assert!(!format!("{secret:?}").contains("hunter2"));
        let token = RegistrySecret::IdentityToken(Zeroizing::new("hunter2".into()));
        assert!(!format!("{token:?}").contains("hunter2"));
    }

    #[test]
    fn the_header_is_url_safe() {
        let secret = RegistrySecret::Password {
            username: "ü?>".into(),
            password: Zeroizing::new("~~~???".into()),
        };
        assert!(!secret.header("r").contains(['+', '/']));
    }
}
