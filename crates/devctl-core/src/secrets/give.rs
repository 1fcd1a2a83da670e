//! How containers get secrets: as variables that the engine never hears of, and as files in memory.
//!
//! An engine writes the variables of an exec to its disk and shows them to whoever may ask it. So they go another way:
//! into the folder in the container's memory, through the standard input of a process in it, from where the agent takes
//! them when it becomes the command. A login needs not even that: the agent that serves it is told on its own input.

use crate::access::Access;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::secrets::index::Index;
use crate::vault;
use devctl_agent_protocol::{
    DELIVER_ARGUMENT, MAX_SECRETS_BYTES, RUN_ARGUMENT, SECRETS_FOLDER, SECRETS_VARIABLE, SecretValue,
    SecretsDocument,
};
use devctl_engine::{Engine, ExecRequest, MountKind, MountSpec};
use devctl_model::{ErrorCode, Problem, SecretDelivery};
use devctl_secrets::SecretBytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// More than this does not fit beside the other variables of a process (`ARG_MAX`).
const VARIABLES_AT_MOST: usize = 1024 * 1024;

/// The secrets of a container, with their values.
#[derive(Debug, Default)]
pub(crate) struct Given {
    variables: BTreeMap<String, SecretBytes>,
    files: BTreeMap<String, SecretBytes>,
}

impl Given {
    /// What a container of this subject is given; none where it has no secrets, and then the vault stays closed.
    ///
    /// A name whose value is gone is the remains of a removal that was cut off.
    pub(crate) fn of(config: &CoreConfig, subject: &str) -> Result<Option<Self>, Problem> {
        let named = Index::read(config)?.of(Some(subject));
        if named.is_empty() {
            return Ok(None);
        }
        let vault = vault::open(config)?;
        let mut given = Self::default();
        for (name, delivery) in named {
            let Some(value) = vault.get(&name.entry()).or_problem()? else {
                tracing::warn!(%name, "a secret has a name and no value");
                continue;
            };
            let into = match delivery {
                SecretDelivery::Environment => &mut given.variables,
                SecretDelivery::File => &mut given.files,
            };
            into.insert(name.name().to_owned(), value);
        }
        let size: usize = given
            .variables
            .iter()
            .map(|(name, value)| name.len() + value.expose().len() + 2)
            .sum();
        if size > VARIABLES_AT_MOST {
            return Err(Problem::new(
                ErrorCode::SecretRefused,
                format!("the secrets that are variables have {size} bytes, and {VARIABLES_AT_MOST} fit"),
            )
            .fix("Set the largest ones again with --as-file"));
        }
        Ok(Some(given))
    }

    /// Every value, to be hidden in output.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[u8]> {
        let all = self.variables.values().chain(self.files.values());
        all.map(|value| value.expose().as_slice())
    }

    /// Whether this is a name of a variable that is given.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.files.is_empty()
    }

    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The variables that say where the files are. They are no secret.
    fn places(&self) -> impl Iterator<Item = (String, String)> {
        self.files
            .keys()
            .map(|name| (format!("{name}_FILE"), format!("{SECRETS_FOLDER}/{name}")))
            .filter(|(name, _)| !self.variables.contains_key(name))
    }

    /// The variables of a login.
    pub(crate) fn login(&self) -> impl Iterator<Item = (String, String)> {
        let own = self
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value.expose()).into_owned()));
        own.chain(self.places())
            .chain([(SECRETS_VARIABLE.to_owned(), SECRETS_FOLDER.to_owned())])
    }

    /// The variables of a command on this computer. Files are given in containers only.
    pub(crate) fn into_variables(self) -> (BTreeMap<String, SecretBytes>, Vec<String>) {
        (self.variables, self.files.into_keys().collect())
    }

    fn document(&self) -> SecretsDocument {
        let wire = |values: &BTreeMap<String, SecretBytes>| -> BTreeMap<String, SecretValue> {
            values
                .iter()
                .map(|(name, value)| (name.clone(), SecretValue::new(value.expose().clone())))
                .collect()
        };
        let mut environment = wire(&self.variables);
        environment.extend(
            self.places()
                .map(|(name, path)| (name, SecretValue::new(path.into_bytes()))),
        );
        SecretsDocument {
            environment,
            files: wire(&self.files),
        }
    }
}

/// The words before a command that is to have the secrets. Variables of these names keep the value that they have.
pub(crate) fn before(agent: &str, kept: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut words = vec![agent.to_owned(), RUN_ARGUMENT.to_owned()];
    for name in kept {
        words.extend(["--keep".to_owned(), name]);
    }
    words.push("--".to_owned());
    words
}

/// What is told where a container is entered without its secrets.
pub(crate) fn not_given(problem: &Problem) -> String {
    let fix = problem
        .fixes
        .iter()
        .find_map(|fix| fix.command.as_deref())
        .map(|command| format!("; {command}"))
        .unwrap_or_default();
    format!("not all secrets are here: {}{fix}", problem.message)
}

/// The folder of secrets of a container: in memory, empty at each start.
pub(crate) fn mount() -> MountSpec {
    let mut mount = MountSpec::new(MountKind::Tmpfs, None, SECRETS_FOLDER);
    mount.tmpfs_size = i64::try_from(2 * MAX_SECRETS_BYTES).ok();
    mount.tmpfs_mode = Some(0o755);
    mount
}

/// Makes the container's folder hold what is given, and nothing else.
async fn deliver(engine: &Arc<dyn Engine>, access: &Access, given: &Given) -> Result<(), Problem> {
    const STEP: &str = "Give secrets";
    const WORDS_AT_MOST: usize = 16 * 1024;
    let text = serde_json::to_vec(&given.document()).map_err(|error| {
        Problem::new(ErrorCode::Internal, "the secrets could not be written down").why(error.to_string())
    })?;
    let text = SecretBytes::new(text);
    if text.expose().len() > MAX_SECRETS_BYTES {
        return Err(Problem::new(
            ErrorCode::SecretRefused,
            format!("the secrets of {} are too many to be given", access.alias),
        )
        .at(STEP)
        .fix("Remove those that it does not need: devctl secret list"));
    }
    let request = ExecRequest {
        cmd: vec![
            access.agent.path().to_owned(),
            DELIVER_ARGUMENT.to_owned(),
            access.remote_user.clone(),
        ],
        user: Some("0:0".to_owned()),
        stdin: true,
        ..ExecRequest::default()
    };
    let session = engine.exec(&access.container, &request).await.at(STEP)?;
    let finished = session.finish(text.expose(), WORDS_AT_MOST).await.at(STEP)?;
    if finished.code == 0 {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
    let problem = Problem::new(
        ErrorCode::SecretsNotDelivered,
        format!("{} could not be given its secrets", access.alias),
    )
    .at(STEP)
    .safe("no secret was written to a disk");
    let has_no_folder = said.contains("not in memory");
    if has_no_folder && given.is_empty() {
        // Where nothing can be, nothing has to be taken away.
        return Ok(());
    }
    Err(if has_no_folder {
        problem
            .why("it has no folder in memory for them: it was made by an older devctl")
            .fix_command("Make it anew", format!("devctl rebuild {}", access.alias))
    } else {
        problem
            .why(said)
            .fix_command("See what is wrong", "devctl doctor")
    })
}

impl Core {
    /// The secrets of a container, with their values; none where it has none.
    pub(crate) async fn given(self: &Arc<Self>, subject: &str) -> Result<Option<Given>, Problem> {
        let subject = subject.to_owned();
        self.blocking(move |config| Given::of(config, &subject)).await
    }

    /// Gives a container its secrets, before something runs in it. What it was given before and has no more is taken
    /// away.
    pub(crate) async fn give(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        access: &mut Access,
    ) -> Result<Option<Given>, Problem> {
        let given = self.given(&access.secrets_of).await?;
        bring(&self.config, engine, access, given.as_ref()).await?;
        Ok(given)
    }
}

/// Brings what is given into the container, and notes that it has something.
pub(crate) async fn bring(
    config: &CoreConfig,
    engine: &Arc<dyn Engine>,
    access: &mut Access,
    given: Option<&Given>,
) -> Result<(), Problem> {
    match given {
        Some(given) => {
            // Noted before: what is in the container must be taken away again, also when this is cut off.
            if !access.has_secrets {
                access.has_secrets = true;
                access.write(config)?;
            }
            deliver(engine, access, given).await
        }
        None if access.has_secrets => {
            deliver(engine, access, &Given::default()).await?;
            access.has_secrets = false;
            access.write(config)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use devctl_secrets::{SecretName, SecretScope};

    fn given() -> Given {
        let secret = |text: &str| SecretBytes::new(text.as_bytes().to_vec());
        Given {
            variables: BTreeMap::from([("TOKEN".to_owned(), secret("hunter2"))]),
            files: BTreeMap::from([("KEY".to_owned(), secret("private"))]),
        }
    }

    #[test]
    fn a_login_gets_the_variables_and_is_told_where_the_files_are() {
        let login: BTreeMap<String, String> = given().login().collect();
        assert_eq!(login["TOKEN"], "hunter2");
        assert_eq!(login["KEY_FILE"], "/run/devctl-secrets/KEY");
        assert_eq!(login["DEVCTL_SECRETS"], "/run/devctl-secrets");
        assert!(!login.contains_key("KEY"), "a file is no variable");
    }

    #[test]
    fn no_value_is_shown_or_stands_among_the_words_of_a_command() {
        let given = given();
        assert!(!format!("{given:?}").contains("hunter2"));
        assert_eq!(
            before("/agent", ["TOKEN".to_owned()]),
            ["/agent", "run", "--keep", "TOKEN", "--"]
        );
    }

    #[test]
    fn without_names_the_vault_is_not_even_made() {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::testing::config(folder.path());
        assert!(Given::of(&config, "app@1").unwrap().is_none());
        assert!(!config.vault_file().exists());
        let name = SecretName::new(SecretScope::Container("app@1".into()), "A").unwrap();
        vault::open(&config)
            .unwrap()
            .put(&name.entry(), b"v".as_slice())
            .unwrap();
        Index::change(&config, |index| {
            index.set(&name, SecretDelivery::Environment, "now".into(), None);
            Ok(())
        })
        .unwrap();
        assert!(Given::of(&config, "app@2").unwrap().is_none());
        assert!(Given::of(&config, "app@1").unwrap().unwrap().sets("A"));
    }
}
