//! What a login needs to know about a container, kept in one small file, so that `ssh` asks no database, no keychain
//! and the engine only once.
//!
//! The file is a copy of what the engine's labels and the container itself say. When it is missing or wrong it is made
//! anew from them.

use crate::agent::Agent;
use crate::config::CoreConfig;
use crate::error::OrProblem;
use crate::life::gone::MadeFrom;
use crate::user::Alignment;
use devctl_engine::{Endpoint, EngineFacts};
use devctl_files::Mode;
use devctl_model::Problem;
use devctl_ssh::Alias;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a login needs to know about a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Access {
    pub(crate) alias: String,
    pub(crate) container: String,
    pub(crate) url: String,
    pub(crate) host: String,
    pub(crate) facts: EngineFacts,
    pub(crate) remote_user: String,
    pub(crate) workspace_folder: String,
    pub(crate) probe: String,
    /// `remoteEnv`, with `${containerEnv:…}` not yet filled in; null takes a variable out.
    pub(crate) remote_env: indexmap::IndexMap<String, Option<String>>,
    /// The probed environment of the remote user, once somebody needed it.
    pub(crate) environment: Option<BTreeMap<String, String>>,
    /// The start of the container that the probe and the markers below belong to.
    pub(crate) started_at: Option<String>,
    /// The home that has yet to follow its user's new ids; none once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unowned_home: Option<Alignment>,
    /// The agent that serves it. A record of another version of this program names another one, or none.
    #[serde(default)]
    pub(crate) agent: Agent,
    /// Whose secrets it is given; empty in a record of an older version.
    #[serde(default)]
    pub(crate) secrets_of: String,
    /// True when there may be secrets in its memory.
    #[serde(default)]
    pub(crate) has_secrets: bool,
    /// True when everything that has to run once has run.
    pub(crate) set_up: bool,
    /// True when a start needs a command on this computer, which only `devctl up` may run.
    pub(crate) starts_on_host: bool,
    /// True when something runs in the container at each start or attach.
    pub(crate) runs_on_start: bool,
    /// What it was made from, for when it is gone.
    #[serde(default)]
    pub(crate) made_from: MadeFrom,
}

impl Access {
    /// Where an engine that was known when this was written can be reached.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            name: self.host.clone(),
            ..Endpoint::explicit(self.url.clone())
        }
    }

    fn path(config: &CoreConfig, alias: &str) -> PathBuf {
        config.state_dir.join("access").join(format!("{alias}.json"))
    }

    /// Reads what is known of an alias. What cannot be read is not known.
    pub(crate) fn read(config: &CoreConfig, alias: &Alias) -> Option<Self> {
        let text = std::fs::read(Self::path(config, alias.as_str())).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps it. The environment of a user may hold secrets, so the file is private.
    pub(crate) fn write(&self, config: &CoreConfig) -> Result<(), Problem> {
        let path = Self::path(config, &self.alias);
        if let Some(folder) = path.parent() {
            devctl_files::ensure_private_dir(folder).or_problem()?;
        }
        let text = serde_json::to_vec(self).map_err(|error| {
            Problem::new(
                devctl_model::ErrorCode::Internal,
                "the access record could not be written",
            )
            .why(error.to_string())
        })?;
        devctl_files::write_if_changed(&path, &text, Mode::PRIVATE).or_problem()?;
        Ok(())
    }

    /// Forgets an alias.
    pub(crate) fn remove(config: &CoreConfig, alias: &str) {
        if let Err(error) = std::fs::remove_file(Self::path(config, alias))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, alias, "an access record stays behind");
        }
    }
}
