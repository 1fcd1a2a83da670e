//! Removing what is left over, after saying what that is.

use crate::access::Access;
use crate::caller::Caller;
use crate::containers::{Found, shown};
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use crate::{identity, labels, network};
use devctl_engine::{Engine, EngineError};
use devctl_model::{ContainerState, Problem, PruneContainers, PrunedContainers, RemoveContainer};
use devctl_store::EventFilter;
use std::sync::Arc;

/// What is left over.
struct LeftOver {
    gone: Vec<Access>,
    failed: Vec<Found>,
    networks: Vec<(Arc<dyn Engine>, String, String)>,
}

impl Core {
    /// Removes what is left over, or says what that would be.
    pub(crate) async fn prune(
        self: &Arc<Self>,
        caller: &Caller,
        request: &PruneContainers,
    ) -> Result<PrunedContainers, Problem> {
        // Whoever makes a container holds this from its network on until the container is there.
        let names = self.lock("names").await?;
        let left = self.left_over(request.failed).await?;
        let pruned = PrunedContainers {
            gone: left.gone.iter().map(|access| access.alias.clone()).collect(),
            failed: left.failed.iter().map(|found| found.alias().to_owned()).collect(),
            networks: left.networks.iter().map(|(_, name, _)| name.clone()).collect(),
        };
        let nothing = pruned == PrunedContainers::default();
        if request.dry_run || nothing {
            return Ok(pruned);
        }
        let act = async {
            for access in &left.gone {
                self.forget_record(access).await?;
            }
            for (engine, _, id) in &left.networks {
                match engine.network_remove(id).await {
                    // Somebody may have joined it meanwhile.
                    Ok(()) | Err(EngineError::NotFound { .. } | EngineError::Conflict { .. }) => {}
                    Err(error) => return Err(error).at("Remove a network"),
                }
            }
            Ok(())
        };
        let target = Target::other("containers", "left over");
        self.recorded(caller, "prune_containers", target, act).await?;
        drop(names);
        for found in &left.failed {
            let request = RemoveContainer {
                container: found.id().to_owned(),
                volumes: false,
                dry_run: false,
            };
            self.remove(caller, &request).await?;
        }
        Ok(pruned)
    }

    /// Whether this installation has ever done something to a container of this name. Another one may be about to make the
    /// container of a network that is empty.
    async fn has_acted_on(self: &Arc<Self>, alias: &str) -> Result<bool, Problem> {
        let any = EventFilter {
            subject: Some(alias.to_owned()),
            limit: Some(1),
            latest: true,
            ..EventFilter::default()
        };
        let found = self.with_store(move |store| store.events(&any)).await?;
        Ok(!found.is_empty())
    }

    async fn left_over(self: &Arc<Self>, failed: bool) -> Result<LeftOver, Problem> {
        let (found, silent) = self.ours().await;
        let gone = self.gone(&found, &silent);
        let suffix = self.config.suffix();
        let mut networks = Vec::new();
        for endpoint in self.engines.endpoints() {
            if silent.iter().any(|(other, _)| other.url == endpoint.url) {
                continue;
            }
            let engine = self.engines.engine(endpoint).await?;
            let managed = format!("{}={}", labels::MANAGED, labels::SCHEME);
            for one in engine.network_list(&[managed]).await.or_problem()? {
                let Some(owner) = labels::get(&one.labels, labels::FOR) else {
                    continue;
                };
                let is_of_one = found.iter().any(|container| {
                    container.network_alias() == owner || container.summary.networks.contains(&one.name)
                });
                let is_ours = one.name == network::name_of(owner);
                let is_known = networks.iter().any(|(_, _, id)| *id == one.id);
                if is_ours && !is_of_one && !is_known && self.has_acted_on(owner).await? {
                    networks.push((engine.clone(), one.name.clone(), one.id.clone()));
                }
            }
        }
        // What another installation has made on the same engine is that one's to judge.
        let known = identity::known(&self.config);
        let has_failed = |found: &&Found| {
            let state = shown(found, &suffix).state;
            let is_known = known.iter().any(|access| access.container == found.id());
            failed && is_known && !found.is_adopted() && state == ContainerState::Failed
        };
        Ok(LeftOver {
            gone,
            failed: found.iter().filter(has_failed).cloned().collect(),
            networks,
        })
    }
}
