//! What a build may ask of us: secrets, SSH agents, registry passwords.

use std::collections::BTreeMap;
use std::path::PathBuf;

use prost::Message as _;
#[cfg(unix)]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

#[cfg(unix)]
use super::messages::BytesMessage;
use super::messages::{
    CheckAgentRequest, CredentialsRequest, CredentialsResponse, Empty, GetSecretRequest, GetSecretResponse,
    HealthCheckResponse,
};
use crate::build::{BuildSecret, BuildSshAgent, SecretSource};
use crate::credentials::{RegistryCredentials, RegistrySecret};

/// BuildKit itself takes no larger secret.
const LARGEST_SECRET: u64 = 500 << 10;

/// The methods that a session offers; BuildKit asks for no others.
pub(super) const METHODS: [&str; 4] = [GET_SECRET, CHECK_AGENT, FORWARD_AGENT, CREDENTIALS];

const GET_SECRET: &str = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
const CHECK_AGENT: &str = "/moby.sshforward.v1.SSH/CheckAgent";
pub(super) const FORWARD_AGENT: &str = "/moby.sshforward.v1.SSH/ForwardAgent";
const CREDENTIALS: &str = "/moby.filesync.v1.Auth/Credentials";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// A refusal in the words of gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: u8,
    pub(super) message: String,
}

impl Status {
    pub(super) const NOT_FOUND: u8 = 5;
    pub(super) const FAILED_PRECONDITION: u8 = 9;
    pub(super) const UNIMPLEMENTED: u8 = 12;
    pub(super) const INTERNAL: u8 = 13;

    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Everything that one build may ask for.
#[derive(Debug, Default)]
pub(crate) struct Services {
    secrets: BTreeMap<String, SecretSource>,
    agents: BTreeMap<String, PathBuf>,
    credentials: Option<RegistryCredentials>,
}

impl Services {
    pub(crate) fn new(
        secrets: &[BuildSecret],
        agents: &[BuildSshAgent],
        credentials: Option<&RegistryCredentials>,
    ) -> Self {
        Self {
            secrets: secrets
                .iter()
                .map(|secret| (secret.id.clone(), secret.source.clone()))
                .collect(),
            agents: agents
                .iter()
                .map(|agent| (agent.id.clone(), agent.socket.clone()))
                .collect(),
            credentials: credentials.cloned(),
        }
    }

    /// Answers a call of one message with one message.
    pub(super) async fn answer(&self, method: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
        fn decoded<T: prost::Message + Default>(bytes: &[u8]) -> Result<T, Status> {
            T::decode(bytes).map_err(|error| Status::new(Status::INTERNAL, error.to_string()))
        }
        match method {
            HEALTH => Ok(HealthCheckResponse { status: 1 }.encode_to_vec()),
            GET_SECRET => self.secret(&decoded::<GetSecretRequest>(request)?.id).await,
            CHECK_AGENT => self
                .agent(&decoded::<CheckAgentRequest>(request)?.id)
                .map(|_| Empty {}.encode_to_vec()),
            CREDENTIALS => self.password(&decoded::<CredentialsRequest>(request)?.host).await,
            other => Err(Status::new(
                Status::UNIMPLEMENTED,
                format!("{other} is not served"),
            )),
        }
    }

    async fn secret(&self, id: &str) -> Result<Vec<u8>, Status> {
        let refused = |why: String| Status::new(Status::FAILED_PRECONDITION, format!("secret {id}: {why}"));
        let data = match self.secrets.get(id) {
            Some(SecretSource::Value(value)) => value.to_vec(),
            Some(SecretSource::File(path)) => {
                let unreadable = |error: std::io::Error| refused(format!("{}: {error}", path.display()));
                let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
                if size > LARGEST_SECRET {
                    return Err(refused(format!(
                        "{size} bytes are more than the {LARGEST_SECRET} that a secret may have"
                    )));
                }
                tokio::fs::read(path).await.map_err(unreadable)?
            }
            None => {
                return Err(Status::new(
                    Status::NOT_FOUND,
                    format!("secret {id} was not given to the build"),
                ));
            }
        };
        Ok(GetSecretResponse { data }.encode_to_vec())
    }

    fn agent(&self, id: &str) -> Result<&PathBuf, Status> {
        let id = if id.is_empty() { "default" } else { id };
        self.agents.get(id).ok_or_else(|| {
            Status::new(
                Status::NOT_FOUND,
                format!("the SSH agent {id} was not given to the build"),
            )
        })
    }

    async fn password(&self, host: &str) -> Result<Vec<u8>, Status> {
        let secret = match &self.credentials {
            Some(credentials) => credentials
                .lookup(host)
                .await
                .map_err(|error| Status::new(Status::FAILED_PRECONDITION, error.to_string()))?,
            None => None,
        };
        // An empty answer means "without a login"; a token has no name.
        let answer = match secret {
            Some(RegistrySecret::Password { username, password }) => CredentialsResponse {
                username,
                secret: password.to_string(),
            },
            Some(RegistrySecret::IdentityToken(token)) => CredentialsResponse {
                username: String::new(),
                secret: token.to_string(),
            },
            None => CredentialsResponse::default(),
        };
        Ok(answer.encode_to_vec())
    }

    /// Joins a stream of messages with an agent's socket, until either side ends.
    #[cfg(unix)]
    pub(super) async fn forward(
        &self,
        id: &str,
        mut from_build: mpsc::Receiver<Vec<u8>>,
        to_build: mpsc::Sender<Vec<u8>>,
    ) -> Result<(), Status> {
        let socket = self.agent(id)?;
        let failed = |error: std::io::Error| {
            Status::new(
                Status::FAILED_PRECONDITION,
                format!("the SSH agent at {}: {error}", socket.display()),
            )
        };
        let stream = tokio::net::UnixStream::connect(socket).await.map_err(failed)?;
        let (mut reader, mut writer) = stream.into_split();
        let upwards = async {
            while let Some(message) = from_build.recv().await {
                let message = BytesMessage::decode(&message[..]).map_err(std::io::Error::other)?;
                writer.write_all(&message.data).await?;
            }
            writer.shutdown().await
        };
        let downwards = async {
            let mut buffer = vec![0; 16 << 10];
            loop {
                let count = reader.read(&mut buffer).await?;
                let message = BytesMessage {
                    data: buffer[..count].to_vec(),
                };
                // Without a receiver the build has what it wanted.
                if count == 0 || to_build.send(message.encode_to_vec()).await.is_err() {
                    return Ok(());
                }
            }
        };
        let (sent, received) = futures_util::future::join(upwards, downwards).await;
        sent.and(received).map_err(failed)
    }

    #[cfg(not(unix))]
    pub(super) async fn forward(
        &self,
        _: &str,
        _: mpsc::Receiver<Vec<u8>>,
        _: mpsc::Sender<Vec<u8>>,
    ) -> Result<(), Status> {
        Err(Status::new(
            Status::UNIMPLEMENTED,
            "SSH agents are forwarded from Unix sockets only",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[tokio::test]
    async fn only_what_was_given_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s"), "from file").unwrap();
        std::fs::write(dir.path().join("large"), vec![0; 600 << 10]).unwrap();
        let file = |id: &str, name: &str| BuildSecret {
            id: id.into(),
            source: SecretSource::File(dir.path().join(name)),
        };
        let value = SecretSource::Value(Zeroizing::new(b"value".to_vec()));
        let secrets = [
            file("f", "s"),
            file("l", "large"),
            file("m", "missing"),
            BuildSecret {
                id: "v".into(),
                source: value,
            },
        ];
        let services = Services::new(&secrets, &[], None);
        let ask = async |id: &str| {
            let request = GetSecretRequest { id: id.into() }.encode_to_vec();
            let answer = services.answer(GET_SECRET, &request).await?;
            Ok::<_, Status>(GetSecretResponse::decode(&answer[..]).unwrap().data)
        };
        assert_eq!(ask("f").await.unwrap(), b"from file");
        assert_eq!(ask("v").await.unwrap(), b"value");
        assert_eq!(ask("l").await.unwrap_err().code, Status::FAILED_PRECONDITION);
        assert_eq!(ask("m").await.unwrap_err().code, Status::FAILED_PRECONDITION);
        assert_eq!(ask("x").await.unwrap_err().code, Status::NOT_FOUND);
        assert_eq!(
            services.answer("/other/Method", b"").await.unwrap_err().code,
            Status::UNIMPLEMENTED
        );
        let agent = CheckAgentRequest { id: String::new() }.encode_to_vec();
        assert_eq!(
            services.answer(CHECK_AGENT, &agent).await.unwrap_err().code,
            Status::NOT_FOUND
        );
    }
}
