//! Giving a container another name while it goes on as it is.

use crate::access::Access;
use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::record::Target;
use crate::{identity, naming, settings};
use devctl_engine::{ContainerStatus, EngineError};
use devctl_model::{ErrorCode, Problem, RenameContainer, RenamedContainer};
use devctl_ssh::Alias;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl Core {
    /// Gives a container another name. Sessions go on; logins by the old name find nothing any more.
    pub(crate) async fn rename(
        self: &Arc<Self>,
        caller: &Caller,
        request: &RenameContainer,
    ) -> Result<RenamedContainer, Problem> {
        let new = Alias::new(&request.name).or_problem()?;
        // Names are chosen by one process at a time.
        let names = self.lock("names").await?;
        let found = self.find(&request.container).await?;
        let renamed = |changed| RenamedContainer {
            name: new.as_str().to_owned(),
            old_name: found.alias().to_owned(),
            ssh_host: self.config.ssh_host(new.as_str()),
            changed,
        };
        if found.alias() == new.as_str() {
            return Ok(renamed(false));
        }
        if matches!(
            found.summary.status,
            ContainerStatus::Removing | ContainerStatus::Dead
        ) {
            return Err(Problem::new(
                ErrorCode::ContainerNotFound,
                format!("{} is being removed", found.alias()),
            ));
        }
        let (all, _) = self.ours().await;
        if self.is_taken(&new, &all, &found.endpoint) {
            return Err(taken(&new, &found));
        }
        let target = Target::container(found.id(), found.alias());
        let done = AtomicBool::new(false);
        let act = async {
            self.rename_found(&found, &new).await?;
            done.store(true, Ordering::Relaxed);
            Ok(())
        };
        // What is asked for later is asked for by the new name.
        let became = || {
            let is_new = done.load(Ordering::Relaxed);
            is_new.then(|| Target::container(found.id(), new.as_str()))
        };
        self.recorded_as(caller, "rename_container", target, act, became)
            .await?;
        drop(names);
        Ok(renamed(true))
    }

    async fn rename_found(self: &Arc<Self>, found: &Found, new: &Alias) -> Result<(), Problem> {
        let old = Alias::new(found.alias()).or_problem()?;
        let known = Access::read(&self.config, &old).filter(|access| access.container == found.id());
        let known = match known {
            Some(known) => known,
            None => self.adopt_record(found).await?,
        };
        // What a login reads is there before the name is: whoever cuts this off can do it again.
        let access = Access {
            alias: new.as_str().to_owned(),
            ..known
        };
        self.ensure_identity().await?;
        self.let_in(&access).await?;
        if found.is_adopted() {
            self.rename_adopted(found, new)?;
            Access::remove(&self.config, old.as_str());
            identity::write_client_config(&self.config)?;
            return self.roles_follow(&old, new).await;
        }
        let name = naming::engine_name(new.as_str());
        if let Err(error) = found.engine.container_rename(found.id(), &name).await {
            Access::remove(&self.config, new.as_str());
            let back = Access {
                alias: old.as_str().to_owned(),
                ..access
            };
            self.let_in(&back).await?;
            return Err(match error {
                EngineError::Conflict { .. } => taken(new, found),
                error => error.into_problem().at("Rename the container"),
            });
        }
        Access::remove(&self.config, old.as_str());
        crate::idle::renamed(&self.config, old.as_str(), new.as_str());
        identity::write_client_config(&self.config)?;
        self.roles_follow(&old, new).await
    }

    /// A role that enters the container goes on to enter it, and not whatever gets the old name later.
    async fn roles_follow(self: &Arc<Self>, old: &Alias, new: &Alias) -> Result<(), Problem> {
        let mut roles = self.chosen(settings::ROLES).await;
        let mut changed = false;
        let lists = roles
            .as_object_mut()
            .into_iter()
            .flat_map(|roles| roles.values_mut());
        for name in lists.filter_map(Value::as_array_mut).flatten() {
            if name.as_str() == Some(old.as_str()) {
                *name = Value::String(new.as_str().to_owned());
                changed = true;
            }
        }
        if changed {
            self.choose_setting(settings::ROLES, roles).await?;
        }
        Ok(())
    }
}

fn taken(new: &Alias, found: &Found) -> Problem {
    Problem::new(
        ErrorCode::EngineConflict,
        format!("there is a container {new} already"),
    )
    .fix("Choose another name")
    .fix_command("See what it is", format!("devctl show {new}"))
    .safe(format!("{} keeps its name", found.alias()))
}
