//! Images, volumes and networks of a host: what is there, who uses it, and what it takes.

pub(crate) mod archive;
mod disk;
mod images;
mod moving;
mod networks;
mod shelf;
mod volumes;

use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::labels;
use devctl_engine::{ContainerFilter, ContainerSummary, Endpoint, Engine};
use devctl_model::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Core {
    /// The engine of a host; the current one where none is named.
    async fn engine_on(&self, host: Option<&str>) -> Result<(Arc<dyn Engine>, Endpoint), Problem> {
        let endpoint = self.engines.endpoint(host)?.clone();
        Ok((self.engines.engine(&endpoint).await?, endpoint))
    }
}

impl CoreConfig {
    /// Which installation this is, for labels: another person's devctl on the same engine has another one.
    pub(crate) fn installation(&self) -> String {
        shelf::short(self.state_dir.as_os_str().as_encoded_bytes())
    }
}

/// All containers of an engine, whoever made them.
async fn everybody(engine: &Arc<dyn Engine>) -> Result<Vec<ContainerSummary>, Problem> {
    let filter = ContainerFilter {
        all: true,
        ..ContainerFilter::default()
    };
    engine.container_list(&filter).await.or_problem()
}

/// What a person calls a container: ours by its alias.
fn called(container: &ContainerSummary) -> String {
    alias_in(&container.labels).unwrap_or(&container.name).to_owned()
}

/// The alias of a container of ours.
fn alias_in(found: &BTreeMap<String, String>) -> Option<&str> {
    labels::get(found, labels::MANAGED)?;
    labels::get(found, labels::NAME)
}

/// Whether this launcher made it.
fn is_ours(found: &BTreeMap<String, String>) -> bool {
    found.contains_key(labels::MANAGED)
}
