//! Secrets of a person: for all their containers, or for what is made from one folder or image.
//!
//! A secret of a container belongs to what the container is made from, not to its name: what is made from another folder
//! and happens to get the same name gets none of it, and a container that is made anew has it again.

use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::labels;
use crate::record::Target;
use crate::source::{self, Definition, Source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devctl_model::{
    AskedSecret, AskedSecretState, AskedSecrets, AskedSecretsOf, Done, ErrorCode, ListSecrets, Problem,
    RevealedSecret, SecretDelivery, SecretInfo, SecretList, SecretRef, SecretText, SetSecret,
};
use devctl_secrets::{SecretBytes, SecretName, SecretScope};
use index::Index;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(crate) mod give;
pub(crate) mod index;
pub(crate) mod login;

/// One variable cannot be longer (`MAX_ARG_STRLEN`, with its name).
const VARIABLE_AT_MOST: usize = 127 * 1024;
/// What a session cannot do without, or what would make programs run something else.
const NOT_TO_BE_SET: [&str; 12] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "IFS", "ENV", "BASH_ENV", "TERM", "SHLVL", "HOSTNAME",
];

/// What a container is made from, as far as its secrets are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    /// In names of secrets.
    pub(crate) subject: String,
    /// For people.
    source: String,
}

impl Whose {
    /// Of a folder or an image.
    pub(crate) fn of(source: &Source) -> Self {
        let kind = match source {
            Source::Folder(_) => "folder",
            Source::Image(_) => "image",
        };
        let text = source.text();
        let name = devctl_ssh::slug(&source.suggested_name());
        Self {
            subject: format!("{name}@{}", source::short_hash(&format!("{kind}:{text}"))),
            source: text,
        }
    }

    /// Of a container that is there; none where its labels do not say what it was made from.
    pub(crate) fn of_found(found: &Found) -> Option<Self> {
        let text = found.label(labels::SOURCE)?.to_owned();
        Some(Self::of(&match found.label(labels::SOURCE_KIND) {
            Some("image") => Source::Image(text),
            _ => Source::Folder(text.into()),
        }))
    }
}

/// The subject of a container's secrets; one that nobody can set secrets for where its labels do not say it.
pub(crate) fn subject_of(found: &Found) -> String {
    Whose::of_found(found).map_or_else(|| format!("{}@unknown", found.alias()), |whose| whose.subject)
}

/// The name of a secret, for a person or for what a container is made from.
fn name_of(whose: Option<&Whose>, name: &str) -> Result<SecretName, Problem> {
    let scope = whose.map_or(SecretScope::Person, |whose| {
        SecretScope::Container(whose.subject.clone())
    });
    SecretName::new(scope, name)
        .map_err(|error| Problem::new(ErrorCode::SecretRefused, error.to_string()).fix("Choose another name"))
}

/// Refuses what no process could be given as a variable.
fn check_variable(name: &str, value: &[u8]) -> Result<(), Problem> {
    let refused = |why: String| {
        Err(Problem::new(ErrorCode::SecretRefused, why)
            .fix("Give it as a file: --as-file, in memory of the container"))
    };
    if NOT_TO_BE_SET.contains(&name) || name.starts_with("LD_") || name.starts_with("DEVCTL_") {
        return refused(format!(
            "{name} is a variable that sessions need for themselves, and no secret can take its place"
        ));
    }
    if value.contains(&0) || std::str::from_utf8(value).is_err() {
        return refused(format!("the value of {name} is no text, and a variable is one"));
    }
    if value.len() > VARIABLE_AT_MOST {
        return refused(format!(
            "the value of {name} has {} bytes, and a variable can have {VARIABLE_AT_MOST}",
            value.len()
        ));
    }
    Ok(())
}

impl Core {
    /// What a person means by a container: the name or id of one that is there, or a folder, whether one was made from
    /// it or not.
    async fn whose(self: &Arc<Self>, container: Option<&str>) -> Result<Option<Whose>, Problem> {
        let Some(container) = container else {
            return Ok(None);
        };
        if container.starts_with(['.', '/', '~']) || Path::new(container).is_absolute() {
            let folder = Source::find(&self.config, container, Some(devctl_model::SourceKind::Folder))?;
            return Ok(Some(Whose::of(&folder)));
        }
        let found = self.find(container).await?;
        let whose = Whose::of_found(&found).ok_or_else(|| {
            Problem::new(
                ErrorCode::RequestInvalid,
                format!("{} does not say what it was made from", found.alias()),
            )
            .fix("Name the folder that it was made from")
        })?;
        Ok(Some(whose))
    }

    /// The secret that a request is about, also as what an event is about.
    async fn meant(
        self: &Arc<Self>,
        container: Option<&str>,
        name: &str,
    ) -> Result<(SecretName, Target), Problem> {
        let whose = self.whose(container).await?;
        let name = name_of(whose.as_ref(), name)?;
        let target = Target::other("secret", &name.to_string());
        Ok((name, target))
    }

    pub(crate) async fn keep_secret(
        self: &Arc<Self>,
        caller: &Caller,
        request: SetSecret,
    ) -> Result<SecretInfo, Problem> {
        let whose = self.whose(request.container.as_deref()).await?;
        let name = name_of(whose.as_ref(), &request.name)?;
        let value = SecretBytes::new(if request.base64 {
            // What the decoder says of a wrong symbol would show it.
            STANDARD.decode(request.value.expose()).map_err(|_| {
                Problem::new(
                    ErrorCode::RequestInvalid,
                    "the value is said to be base64, and is not",
                )
            })?
        } else {
            request.value.expose().as_bytes().to_vec()
        });
        if value.expose().is_empty() {
            return Err(Problem::new(
                ErrorCode::SecretRefused,
                format!("the value of {} is empty", name.name()),
            )
            .fix_command(
                "Remove the secret",
                format!("devctl secret remove {}", name.name()),
            ));
        }
        if request.delivery == SecretDelivery::Environment {
            check_variable(name.name(), value.expose())?;
        }
        let target = Target::other("secret", &name.to_string());
        let act = self.blocking(move |config| {
            // The value first: a name without one would be a secret that cannot be given.
            crate::vault::open(config)?
                .put(&name.entry(), &value)
                .or_problem()?;
            Index::change(config, |index| {
                let now = crate::clock::text((config.clock)());
                index.set(&name, request.delivery, now, whose.map(|whose| whose.source));
                shown(index, &name)
            })
        });
        self.recorded(caller, "set_secret", target, act).await
    }

    pub(crate) async fn secret_info(self: &Arc<Self>, request: SecretRef) -> Result<SecretInfo, Problem> {
        let whose = self.whose(request.container.as_deref()).await?;
        let name = name_of(whose.as_ref(), &request.name)?;
        self.blocking(move |config| shown(&Index::read(config)?, &name))
            .await
    }

    pub(crate) async fn reveal(
        self: &Arc<Self>,
        caller: &Caller,
        request: SecretRef,
    ) -> Result<RevealedSecret, Problem> {
        let (name, target) = self.meant(request.container.as_deref(), &request.name).await?;
        let act = self.blocking(move |config| {
            shown(&Index::read(config)?, &name)?;
            let value = crate::vault::open(config)?
                .get(&name.entry())
                .or_problem()?
                .ok_or_else(|| unknown(&name))?;
            let text = std::str::from_utf8(value.expose());
            Ok(RevealedSecret {
                name: name.name().to_owned(),
                base64: text.is_err(),
                value: SecretText::new(match text {
                    Ok(text) => text.to_owned(),
                    Err(_) => STANDARD.encode(value.expose()),
                }),
            })
        });
        self.recorded(caller, "reveal_secret", target, act).await
    }

    pub(crate) async fn secret_list(self: &Arc<Self>, request: ListSecrets) -> Result<SecretList, Problem> {
        let whose = self.whose(request.container.as_deref()).await?;
        self.blocking(move |config| {
            let index = Index::read(config)?;
            let secrets = match whose {
                None => index.rows().iter().filter_map(index::Row::shown).collect(),
                Some(whose) => index
                    .of(Some(&whose.subject))
                    .iter()
                    .filter_map(|(name, _)| index.row(name)?.shown())
                    .collect(),
            };
            Ok(SecretList { secrets })
        })
        .await
    }

    pub(crate) async fn forget_secret(
        self: &Arc<Self>,
        caller: &Caller,
        request: SecretRef,
    ) -> Result<Done, Problem> {
        let (name, target) = self.meant(request.container.as_deref(), &request.name).await?;
        let act = self.blocking(move |config| {
            shown(&Index::read(config)?, &name)?;
            crate::vault::open(config)?.delete(&name.entry()).or_problem()?;
            let changed = Index::change(config, |index| Ok(index.remove(&name)))?;
            Ok(Done { changed })
        });
        self.recorded(caller, "remove_secret", target, act).await
    }

    pub(crate) async fn decline(
        self: &Arc<Self>,
        caller: &Caller,
        request: SecretRef,
    ) -> Result<Done, Problem> {
        let (name, target) = self.meant(request.container.as_deref(), &request.name).await?;
        let act = self.blocking(move |config| {
            let changed = Index::change(config, |index| Ok(index.decline(&name)))?;
            Ok(Done { changed })
        });
        self.recorded(caller, "decline_secret", target, act).await
    }

    /// The variables for a command on this computer, and the names of what is a file in containers and so is not among
    /// them.
    ///
    /// # Errors
    /// `secrets.…` when the vault does not open, `container.not_found`.
    pub async fn secret_variables(
        self: &Arc<Self>,
        caller: &Caller,
        container: Option<&str>,
    ) -> Result<(BTreeMap<String, SecretBytes>, Vec<String>), Problem> {
        let whose = self.whose(container).await?;
        let subject = whose.map(|whose| whose.subject).unwrap_or_default();
        let target = Target::other("secret", if subject.is_empty() { "person" } else { &subject });
        let act = self.given(&subject);
        let given = self.recorded(caller, "run_with_secrets", target, act).await?;
        Ok(given.map(give::Given::into_variables).unwrap_or_default())
    }

    /// The secrets that a source's configuration would like to have.
    pub(crate) async fn asked_secrets(
        self: &Arc<Self>,
        request: AskedSecretsOf,
    ) -> Result<AskedSecrets, Problem> {
        let found = Source::find(&self.config, &request.source, request.kind)?;
        if let Source::Image(image) = found {
            // An image's label names no secrets.
            return Ok(AskedSecrets {
                container: image,
                secrets: Vec::new(),
            });
        }
        let definition = self.read_source(found, request.config).await?;
        self.blocking(move |config| {
            Ok(AskedSecrets {
                container: definition.source.text(),
                secrets: asked(config, &definition)?,
            })
        })
        .await
    }

    /// What to tell about the secrets that a configuration would like to have and that nobody was asked for.
    pub(crate) async fn secret_notices(self: &Arc<Self>, definition: &Definition) -> Vec<String> {
        if definition
            .read
            .config
            .secrets
            .as_ref()
            .is_none_or(|all| all.is_empty())
        {
            return Vec::new();
        }
        let folder = definition.source.text();
        match asked(&self.config, definition) {
            Ok(asked) => asked
                .iter()
                .filter_map(|secret| match secret.state {
                    AskedSecretState::Missing => Some(missing(secret, &folder)),
                    AskedSecretState::Refused => Some(format!(
                        "secrets: {} can be no variable, so it cannot be set",
                        secret.name
                    )),
                    AskedSecretState::Set | AskedSecretState::Declined => None,
                })
                .collect(),
            Err(problem) => vec![format!("secrets: {problem}")],
        }
    }
}

fn missing(secret: &AskedSecret, folder: &str) -> String {
    let what = secret
        .description
        .as_ref()
        .map(|what| format!(" ({what})"))
        .unwrap_or_default();
    let link = secret
        .documentation_url
        .as_ref()
        .map(|link| format!(", see {link}"))
        .unwrap_or_default();
    format!(
        "secrets: {}{what} is not set{link}; devctl secret set {} --container {}",
        secret.name,
        secret.name,
        crate::up::quoted(folder)
    )
}

fn asked(config: &CoreConfig, definition: &Definition) -> Result<Vec<AskedSecret>, Problem> {
    let whose = Whose::of(&definition.source);
    let index = Index::read(config)?;
    let given = index.of(Some(&whose.subject));
    let declared = definition.read.config.secrets.iter().flatten();
    Ok(declared
        .map(|(name, about)| {
            let state = match name_of(Some(&whose), name) {
                _ if given.iter().any(|(given, _)| given.name() == name) => AskedSecretState::Set,
                Err(_) => AskedSecretState::Refused,
                Ok(_) if check_variable(name, b"").is_err() => AskedSecretState::Refused,
                Ok(own) if index.is_declined(&own) => AskedSecretState::Declined,
                Ok(_) => AskedSecretState::Missing,
            };
            AskedSecret {
                name: name.clone(),
                description: about.description.clone(),
                documentation_url: about.documentation_url.clone(),
                state,
            }
        })
        .collect())
}

fn shown(index: &Index, name: &SecretName) -> Result<SecretInfo, Problem> {
    index
        .row(name)
        .and_then(index::Row::shown)
        .ok_or_else(|| unknown(name))
}

fn unknown(name: &SecretName) -> Problem {
    let whom = match name.scope() {
        SecretScope::Person => "for all containers",
        SecretScope::Template(_) | SecretScope::Container(_) => "for this container",
    };
    Problem::new(
        ErrorCode::SecretNotFound,
        format!("there is no secret {} {whom}", name.name()),
    )
    .fix_command("See what there is", "devctl secret list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_belongs_to_what_a_container_is_made_from() {
        let folder = Whose::of(&Source::Folder("/src/My App".into()));
        assert!(folder.subject.starts_with("my-app@"), "{}", folder.subject);
        let other = Whose::of(&Source::Folder("/tmp/My App".into()));
        let image = Whose::of(&Source::Image("/src/My App".into()));
        assert!(folder.subject != other.subject && folder.subject != image.subject);
        assert!(name_of(Some(&folder), "TOKEN").is_ok());
        assert_eq!(
            name_of(None, "TO KEN").unwrap_err().code,
            ErrorCode::SecretRefused
        );
    }

    #[test]
    fn what_no_variable_can_be_is_refused_by_name() {
        assert!(check_variable("TOKEN", b"hunter2\nand more").is_ok());
        for (name, value) in [
            ("PATH", b"x".as_slice()),
            ("LD_PRELOAD", b"x"),
            ("TOKEN", b"a\0b"),
            ("TOKEN", b"\xff"),
            ("TOKEN", &[b'x'; VARIABLE_AT_MOST + 1]),
        ] {
            let refused = check_variable(name, value).unwrap_err();
            assert_eq!(refused.code, ErrorCode::SecretRefused);
            assert!(refused.message.contains(name), "{}", refused.message);
        }
    }
}
