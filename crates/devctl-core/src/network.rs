//! A network of its own for each container, with a subnet of ours: engines run out of their own after thirty.

use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::labels;
use devctl_engine::{Engine, EngineError, NetworkCreate, NetworkDetails, SubnetPool};
use devctl_model::{ErrorCode, Problem};
use std::sync::Arc;

/// The name of a container's network.
pub(crate) fn name_of(alias: &str) -> String {
    format!("devctl-{alias}")
}

impl Core {
    /// Makes the network of a container; one that was left behind for it is used.
    pub(crate) async fn ensure_network(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        alias: &str,
    ) -> Result<(), Problem> {
        const STEP: &str = "Make the network";
        let range = self.chosen(crate::settings::SUBNET_RANGE).await;
        let range = range.as_str().and_then(crate::settings::parse_range);
        let pool = match range {
            Some(range) => SubnetPool::new(range, 28).at(STEP)?,
            None => SubnetPool::default(),
        };
        let request = NetworkCreate {
            name: name_of(alias),
            subnet: None,
            internal: false,
            labels: labels::belongs_to(alias),
        };
        let routes = devctl_engine::parse_routes(&self.config.routes);
        match pool.create_network(engine.as_ref(), &request, &routes).await {
            Ok(_) => Ok(()),
            Err(EngineError::Conflict { .. }) => {
                if !networks_of(engine, alias).await.at(STEP)?.is_empty() {
                    return Ok(());
                }
                Err(Problem::new(
                    ErrorCode::EngineConflict,
                    format!("there is a network {} that is not ours", request.name),
                )
                .at(STEP)
                .fix("Choose another name for the container, or rename that network"))
            }
            Err(error) => Err(error.into_problem().at(STEP)),
        }
    }

    /// Starts a container in its network.
    ///
    /// # Errors
    /// Those of the engine.
    pub(crate) async fn start_in_network(
        &self,
        engine: &Arc<dyn Engine>,
        container: &str,
        alias: &str,
    ) -> Result<(), EngineError> {
        match engine.container_start(container).await {
            Err(EngineError::StartFailed { message, .. }) if message.contains("is ambiguous") => {
                leave_one(engine, alias).await?;
                engine.container_start(container).await?;
            }
            started => started?,
        }
        if self.follows_a_crash() {
            leave_one(engine, alias).await?;
        }
        Ok(())
    }

    /// Removes the network of a container; one that is gone or still used by somebody is left alone.
    pub(crate) async fn remove_network(
        &self,
        engine: &Arc<dyn Engine>,
        alias: &str,
    ) -> Result<bool, Problem> {
        let mut removed = false;
        for network in networks_of(engine, alias).await.or_problem()? {
            removed |= remove_unused(engine, &network).await.or_problem()?;
        }
        Ok(removed)
    }
}

/// The networks that were made for a container: one. There are two where somebody was killed while the engine made it
/// and the next one asked for it again at the same time: Docker does not keep the names of networks apart by itself.
async fn networks_of(engine: &Arc<dyn Engine>, alias: &str) -> Result<Vec<NetworkDetails>, EngineError> {
    let name = name_of(alias);
    let mut found = engine.network_list(&[format!("{}={alias}", labels::FOR)]).await?;
    found.retain(|network| network.name == name);
    Ok(found)
}

/// Removes networks of a container until one is left, so that its name means one again.
async fn leave_one(engine: &Arc<dyn Engine>, alias: &str) -> Result<(), EngineError> {
    let found = networks_of(engine, alias).await?;
    let mut left = found.len();
    for network in found {
        if left > 1 && remove_unused(engine, &network).await? {
            left -= 1;
        }
    }
    Ok(())
}

/// Removes a network, unless somebody is in it. Says whether it was removed.
async fn remove_unused(engine: &Arc<dyn Engine>, network: &NetworkDetails) -> Result<bool, EngineError> {
    match engine.network_remove(&network.id).await {
        Ok(()) => Ok(true),
        Err(EngineError::NotFound { .. } | EngineError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
