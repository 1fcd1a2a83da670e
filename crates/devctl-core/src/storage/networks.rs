//! Networks: what is there, who is in them, and putting containers together.

use super::{called, everybody, is_ours};
use crate::caller::Caller;
use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::labels;
use crate::record::Target;
use devctl_engine::{ContainerSummary, EngineError, NetworkCreate, NetworkDetails, SubnetPool};
use devctl_model::{
    CreateNetwork, Done, ErrorCode, ListNetworks, Network, NetworkList, NetworkMembership, NetworkRef,
    Problem,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Networks that the engine makes by itself.
const BUILT_IN: [&str; 3] = ["bridge", "host", "none"];

impl Core {
    /// The networks of a host.
    pub(crate) async fn network_list(
        self: &Arc<Self>,
        request: ListNetworks,
    ) -> Result<NetworkList, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let (networks, containers) =
            futures_util::future::join(engine.network_list(&[]), everybody(&engine)).await;
        let (mut networks, containers) = (networks.or_problem()?, containers?);
        networks.sort_by(|one, other| one.name.cmp(&other.name).then(one.id.cmp(&other.id)));
        Ok(NetworkList {
            networks: networks
                .into_iter()
                .map(|network| shown(network, &containers))
                .collect(),
        })
    }

    /// One network.
    pub(crate) async fn network_detail(self: &Arc<Self>, request: NetworkRef) -> Result<Network, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let asked = engine.network_inspect(&request.network);
        let (network, containers) = futures_util::future::join(asked, everybody(&engine)).await;
        Ok(shown(network.or_problem()?, &containers?))
    }

    /// Makes a network.
    pub(crate) async fn make_network(
        self: &Arc<Self>,
        caller: &Caller,
        request: CreateNetwork,
    ) -> Result<Network, Problem> {
        let subnet = match &request.subnet {
            None => None,
            Some(text) => Some(crate::settings::parse_range(text).ok_or_else(|| {
                Problem::new(
                    ErrorCode::RequestInvalid,
                    format!("{text:?} is no private IPv4 range"),
                )
                .fix("Name one such as 10.213.7.0/24, or none")
            })?),
        };
        let target = Target::other("network", &request.name);
        let act = async {
            let (engine, _) = self.engine_on(request.host.as_deref()).await?;
            let wanted = NetworkCreate {
                name: request.name.clone(),
                subnet,
                internal: request.internal,
                labels: BTreeMap::from([(labels::MANAGED.to_owned(), labels::SCHEME.to_owned())]),
            };
            let made = match subnet {
                Some(_) => engine.network_create(&wanted).await,
                None => {
                    let range = self.chosen(crate::settings::SUBNET_RANGE).await;
                    let pool = match range.as_str().and_then(crate::settings::parse_range) {
                        Some(range) => SubnetPool::new(range, 28).or_problem()?,
                        None => SubnetPool::default(),
                    };
                    let routes = devctl_engine::parse_routes(&self.config.routes);
                    pool.create_network(engine.as_ref(), &wanted, &routes)
                        .await
                        .map(|(id, _)| id)
                }
            };
            match made {
                Ok(id) => Ok(shown(engine.network_inspect(&id).await.or_problem()?, &[])),
                Err(EngineError::Conflict { .. }) => Err(Problem::new(
                    ErrorCode::EngineConflict,
                    format!("there is a network {} already", request.name),
                )
                .fix("Choose another name")),
                Err(error) => Err(error.into_problem()),
            }
        };
        self.recorded(caller, "create_network", target, act).await
    }

    /// Removes a network that nobody is in.
    pub(crate) async fn drop_network(
        self: &Arc<Self>,
        caller: &Caller,
        request: NetworkRef,
    ) -> Result<Done, Problem> {
        let target = Target::other("network", &request.network);
        let act = async {
            let network = self.network_detail(request.clone()).await?;
            if !network.containers.is_empty() {
                let first = &network.containers[0];
                return Err(Problem::new(
                    ErrorCode::EngineConflict,
                    format!("in {} is: {}", network.name, network.containers.join(", ")),
                )
                .safe("the network is as it was")
                .fix_command(
                    "Take it out first",
                    format!("devctl network leave {} {first}", network.name),
                ));
            }
            let (engine, _) = self.engine_on(request.host.as_deref()).await?;
            engine.network_remove(&network.id).await.or_problem()?;
            Ok(Done { changed: true })
        };
        self.recorded(caller, "remove_network", target, act).await
    }

    /// Puts a container into a network, where the others find it by its name.
    pub(crate) async fn join(
        self: &Arc<Self>,
        caller: &Caller,
        request: NetworkMembership,
    ) -> Result<Done, Problem> {
        let found = self.find(&request.container).await?;
        let target = Target::container(found.id(), found.alias());
        let act = async {
            let network = found
                .engine
                .network_inspect(&request.network)
                .await
                .or_problem()?;
            if BUILT_IN.contains(&network.name.as_str()) {
                return Err(Problem::new(
                    ErrorCode::RequestInvalid,
                    format!(
                        "the network {} is the engine's own: nobody has a name in it",
                        network.name
                    ),
                )
                .fix_command("Make one", "devctl network create NAME"));
            }
            if found.summary.networks.contains(&network.name) {
                return Ok(Done { changed: false });
            }
            let names = [found.alias().to_owned()];
            found
                .engine
                .network_connect(&network.id, found.id(), &names)
                .await
                .or_problem()?;
            Ok(Done { changed: true })
        };
        self.recorded(caller, "join_network", target, act).await
    }

    /// Takes a container out of a network.
    pub(crate) async fn leave(
        self: &Arc<Self>,
        caller: &Caller,
        request: NetworkMembership,
    ) -> Result<Done, Problem> {
        let found = self.find(&request.container).await?;
        let target = Target::container(found.id(), found.alias());
        let act = async {
            let network = found
                .engine
                .network_inspect(&request.network)
                .await
                .or_problem()?;
            if !found.summary.networks.contains(&network.name) {
                return Ok(Done { changed: false });
            }
            if network.name == crate::network::name_of(found.alias()) {
                return Err(Problem::new(
                    ErrorCode::RequestInvalid,
                    format!("{} is the network that {} lives in", network.name, found.alias()),
                )
                .safe("the container is in it as before"));
            }
            found
                .engine
                .network_disconnect(&network.id, found.id())
                .await
                .or_problem()?;
            Ok(Done { changed: true })
        };
        self.recorded(caller, "leave_network", target, act).await
    }
}

/// A network as lists show it.
pub(super) fn shown(network: NetworkDetails, containers: &[ContainerSummary]) -> Network {
    let members = containers.iter().filter(|container| {
        container.networks.contains(&network.name) && !labels::is_helper(&container.labels)
    });
    Network {
        containers: members.map(called).collect(),
        ours: is_ours(&network.labels),
        made_for: labels::get(&network.labels, labels::FOR).map(str::to_owned),
        id: network.id,
        name: network.name,
        driver: network.driver,
        internal: network.internal,
        subnets: network.subnets.iter().map(ToString::to_string).collect(),
    }
}
