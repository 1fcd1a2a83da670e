//! Networks through the Docker API.

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptions};

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;

use super::answer::{PATIENCE, READ_PATIENCE, Subject};
use super::containers::within;
use super::{DockerEngine, checked, label_filter};
use crate::error::{EngineError, ObjectKind};
use crate::info::ApiVersion;
use crate::network::{NetworkCreate, NetworkDetails};
use crate::subnet::Ipv4Net;
use crate::wire::Call;

/// The first API that never makes two networks of one name. Before, the engine must be told not to, in a field that
/// bollard has dropped.
const NAMES_ARE_UNIQUE: ApiVersion = ApiVersion { major: 1, minor: 44 };

/// The engine's answer to a creation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateAnswer {
    id: String,
}

impl DockerEngine {
    pub(super) async fn create_network(&self, request: &NetworkCreate) -> Result<String, EngineError> {
        let subject = Subject::new(
            "create",
            ObjectKind::Network,
            checked(ObjectKind::Network, &request.name)?,
        );
        let ipam = request.subnet.map(|subnet| Ipam {
            driver: Some("default".into()),
            config: Some(vec![IpamConfig {
                subnet: Some(subnet.to_string()),
                gateway: Some(subnet.gateway().to_string()),
                ..IpamConfig::default()
            }]),
            options: None,
        });
        let body = NetworkCreateRequest {
            name: request.name.clone(),
            driver: Some("bridge".into()),
            internal: Some(request.internal),
            ipam,
            labels: Some(request.labels.clone().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        let mut body = serde_json::to_value(body).map_err(|error| EngineError::Invalid {
            what: "the network".into(),
            reason: error.to_string(),
        })?;
        if self.facts.api_version < NAMES_ARE_UNIQUE {
            body["CheckDuplicate"] = serde_json::Value::Bool(true);
        }
        let call = Call::post("/networks/create".into(), subject).json(&body);
        let created: Result<CreateAnswer, _> = within(subject, PATIENCE, self.wire.ask(call)).await;
        match created {
            Ok(created) => Ok(created.id),
            Err(EngineError::SubnetTaken { message, .. }) => Err(EngineError::SubnetTaken {
                subnet: request
                    .subnet
                    .map(|subnet| subnet.to_string())
                    .unwrap_or_default(),
                message,
            }),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn inspect_network(&self, network: &str) -> Result<NetworkDetails, EngineError> {
        let subject = Subject::new(
            "inspect",
            ObjectKind::Network,
            checked(ObjectKind::Network, network)?,
        );
        let asked = self
            .client
            .inspect_network(network, None::<InspectNetworkOptions>);
        let found = self
            .read(subject, READ_PATIENCE, asked, self.failed(subject))
            .await?;
        Ok(NetworkDetails {
            id: found.id.unwrap_or_default(),
            name: found.name.unwrap_or_default(),
            driver: found.driver.unwrap_or_default(),
            internal: found.internal.unwrap_or_default(),
            subnets: subnets(found.ipam),
            created: found.created.and_then(|at| at.format(&Rfc3339).ok()),
            labels: found.labels.unwrap_or_default().into_iter().collect(),
            containers: found.containers.unwrap_or_default().into_keys().collect(),
        })
    }

    pub(super) async fn list_networks(&self, labels: &[String]) -> Result<Vec<NetworkDetails>, EngineError> {
        let options = ListNetworksOptions {
            filters: Some(label_filter(labels)),
        };
        let subject = Subject::engine("list the networks");
        let asked = self.client.list_networks(Some(options));
        let networks = self
            .read(subject, READ_PATIENCE, asked, self.failed(subject))
            .await?;
        Ok(networks
            .into_iter()
            .map(|network| NetworkDetails {
                id: network.id.unwrap_or_default(),
                name: network.name.unwrap_or_default(),
                driver: network.driver.unwrap_or_default(),
                internal: network.internal.unwrap_or_default(),
                subnets: subnets(network.ipam),
                created: network.created.and_then(|at| at.format(&Rfc3339).ok()),
                labels: network.labels.unwrap_or_default().into_iter().collect(),
                containers: Vec::new(),
            })
            .collect())
    }

    pub(super) async fn remove_network(&self, network: &str) -> Result<(), EngineError> {
        let subject = Subject::new(
            "remove",
            ObjectKind::Network,
            checked(ObjectKind::Network, network)?,
        );
        self.client
            .remove_network(network)
            .await
            .map_err(self.failed(subject))
    }
}

fn subnets(ipam: Option<Ipam>) -> Vec<Ipv4Net> {
    let configs = ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    // IPv6 subnets do not parse, and cannot overlap with ours.
    configs
        .into_iter()
        .filter_map(|config| config.subnet?.parse().ok())
        .collect()
}
