//! The secrets of a login, which waits for nothing that it can do without.

use crate::access::Access;
use crate::config::CoreConfig;
use crate::secrets::give::{self, Given};
use crate::secrets::index::Index;
use devctl_engine::Engine;
use devctl_model::{ErrorCode, Problem};
use std::sync::Arc;

/// What a login is given.
#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) given: Option<Given>,
    /// Why not all of it could be given. A locked keychain must not keep anybody out of their container.
    pub(crate) problem: Option<Problem>,
    /// Whether the container's memory holds some.
    pub(crate) has_secrets: bool,
}

impl Secrets {
    /// What this user is given in this container. The vault is opened only where a name says that there is something in
    /// it, and once.
    pub(crate) async fn of(
        config: &CoreConfig,
        engine: &Arc<dyn Engine>,
        mut access: Access,
        user: &str,
    ) -> Self {
        let mut secrets = Self {
            has_secrets: access.has_secrets,
            ..Self::default()
        };
        // They are their person's, who enters as the remote user; root takes none along.
        if user != access.remote_user {
            return secrets;
        }
        match find(config, &access.secrets_of).await {
            // Variables alone go with the login itself.
            Ok(Some(given)) if !given.has_files() && !access.has_secrets => secrets.given = Some(given),
            Ok(given) => {
                let brought = give::bring(config, engine, &mut access, given.as_ref()).await;
                secrets.problem = brought.err();
                secrets.given = given;
                secrets.has_secrets = access.has_secrets;
            }
            Err(problem) => secrets.problem = Some(problem),
        }
        secrets
    }
}

async fn find(config: &CoreConfig, subject: &str) -> Result<Option<Given>, Problem> {
    if Index::read(config)?.of(Some(subject)).is_empty() {
        return Ok(None);
    }
    let (config, subject) = (config.clone(), subject.to_owned());
    tokio::task::spawn_blocking(move || Given::of(&config, &subject))
        .await
        .map_err(|error| {
            Problem::new(ErrorCode::Internal, "the secrets could not be read").why(error.to_string())
        })?
}
