//! A network of its own for each container, with a subnet of ours: engines run out of their own after thirty.

use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::labels;
use devctl_engine::{Engine, EngineError, NetworkCreate, SubnetPool};
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
                let there = engine.network_inspect(&request.name).await.at(STEP)?;
                if labels::get(&there.labels, labels::FOR) == Some(alias) {
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

    /// Removes the network of a container; one that is gone or still used by somebody is left alone.
    pub(crate) async fn remove_network(
        &self,
        engine: &Arc<dyn Engine>,
        alias: &str,
    ) -> Result<bool, Problem> {
        let name = name_of(alias);
        match engine.network_inspect(&name).await {
            Ok(network) if labels::get(&network.labels, labels::FOR) == Some(alias) => {}
            Ok(_) => return Ok(false),
            Err(EngineError::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error).or_problem(),
        }
        match engine.network_remove(&name).await {
            Ok(()) => Ok(true),
            Err(EngineError::NotFound { .. }) => Ok(false),
            // Somebody else's container has joined it.
            Err(EngineError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error).or_problem(),
        }
    }
}
