//! Containers through the Docker API.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerState as ApiState, ContainerStateStatusEnum,
    ContainerSummary as ApiSummary, ContainerSummaryStateEnum, EndpointSettings, HealthStatusEnum,
    MountPoint as ApiMountPoint, NetworkSettings, PortSummary, PortSummaryTypeEnum,
    RestartPolicy as ApiRestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, ListContainersOptions, RemoveContainerOptions,
    RenameContainerOptions, RestartContainerOptions, StartContainerOptions, StopContainerOptions,
};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::answer::{INSPECT_PATIENCE, PATIENCE, READ_PATIENCE, START, Subject};
use super::{DockerEngine, checked, label_filter, request};
use crate::container::{
    ChangeKind, ContainerDetails, ContainerFilter, ContainerState, ContainerStatus, ContainerSummary,
    CreateRequest, Created, FileChange, HealthState, MountKind, MountPoint, NetworkAttachment, PortProtocol,
    PublishedPort, RemoveOptions, RestartPolicy,
};
use crate::engine::ByteStream;
use crate::error::{EngineError, ObjectKind};
use crate::info::EngineKind;
use crate::wire::{Call, body_stream};

/// The engine's answer to a creation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateAnswer {
    id: String,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

/// The engine's answer to a wait.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WaitAnswer {
    status_code: i64,
    #[serde(default)]
    error: Option<WaitError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WaitError {
    #[serde(default)]
    message: String,
}

impl DockerEngine {
    pub(super) async fn create_container(&self, wanted: &CreateRequest) -> Result<Created, EngineError> {
        checked(ObjectKind::Image, &wanted.image)?;
        let name = match &wanted.name {
            Some(name) => checked(ObjectKind::Container, name)?,
            None => "",
        };
        let nofile = match wanted.nofile_at_most {
            Some(limit) => self.nofile_for(limit).await?,
            None => None,
        };
        let body = request::create_body(wanted, nofile, self.facts.api_version)?;
        let subject = Subject::new("create", ObjectKind::Container, name);
        let mut call = Call::post("/containers/create".into(), subject).json(&body);
        if !name.is_empty() {
            call = call.query("name", name);
        }
        if let Some(platform) = &wanted.platform {
            call = call.query("platform", platform.as_str());
        }
        let answer: CreateAnswer = within(subject, PATIENCE, self.wire.ask(call)).await?;
        Ok(Created {
            id: answer.id,
            warnings: answer.warnings.unwrap_or_default(),
        })
    }

    pub(super) async fn start_container(&self, container: &str) -> Result<(), EngineError> {
        let subject = Subject::new(
            START,
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let started = self
            .client
            .start_container(container, None::<StartContainerOptions>)
            .await;
        let started = started.map_err(self.failed(subject));
        if let Err(EngineError::LimitRefused { .. }) = &started {
            self.nofile_was_refused();
        }
        started
    }

    pub(super) async fn stop_container(&self, container: &str, timeout: Duration) -> Result<(), EngineError> {
        let subject = Subject::new(
            "stop",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let options = StopContainerOptions {
            t: Some(whole_seconds(timeout)),
            ..StopContainerOptions::default()
        };
        let client = self.client.clone().with_timeout(timeout.saturating_add(PATIENCE));
        client
            .stop_container(container, Some(options))
            .await
            .map_err(self.failed(subject))
    }

    pub(super) async fn restart_container(
        &self,
        container: &str,
        timeout: Duration,
    ) -> Result<(), EngineError> {
        let subject = Subject::new(
            "restart",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let options = RestartContainerOptions {
            t: Some(whole_seconds(timeout)),
            ..RestartContainerOptions::default()
        };
        let client = self.client.clone().with_timeout(timeout.saturating_add(PATIENCE));
        client
            .restart_container(container, Some(options))
            .await
            .map_err(self.failed(subject))
    }

    pub(super) async fn kill_container(&self, container: &str, signal: &str) -> Result<(), EngineError> {
        let subject = Subject::new(
            "kill",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let options = KillContainerOptions {
            signal: signal.to_owned(),
        };
        self.client
            .kill_container(container, Some(options))
            .await
            .map_err(self.failed(subject))
    }

    pub(super) async fn remove_container(
        &self,
        container: &str,
        options: RemoveOptions,
    ) -> Result<(), EngineError> {
        let subject = Subject::new(
            "remove",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let options = RemoveContainerOptions {
            v: options.volumes,
            force: options.force,
            link: false,
        };
        self.client
            .remove_container(container, Some(options))
            .await
            .map_err(self.failed(subject))
    }

    pub(super) async fn ask_whether_going(&self, container: &str) -> Result<bool, EngineError> {
        let subject = Subject::new(
            "look after",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        if self.facts.kind == EngineKind::Podman {
            // It knows no such question in Docker's words, and says "removing" in its list.
            let status = self.inspect_container(container).await.map(|it| it.state.status);
            return match status {
                Err(EngineError::NotFound { .. }) => Ok(true),
                status => Ok(matches!(
                    status?,
                    ContainerStatus::Removing | ContainerStatus::Dead
                )),
            };
        }
        // A change of nothing: what is being removed may not be changed any more.
        let call =
            Call::post(format!("/containers/{container}/update"), subject).json(&serde_json::json!({}));
        let asked = self.wire.ask::<serde_json::Value>(call);
        match self.read(subject, INSPECT_PATIENCE, asked, |error| error).await {
            Ok(_) => Ok(false),
            Err(EngineError::NotFound { .. }) => Ok(true),
            Err(EngineError::Answer { message, .. } | EngineError::Conflict { message, .. }) => {
                Ok(message.contains("marked for removal"))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn rename_container(&self, container: &str, name: &str) -> Result<(), EngineError> {
        let subject = Subject::new(
            "rename",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let options = RenameContainerOptions {
            name: checked(ObjectKind::Container, name)?.to_owned(),
        };
        self.client
            .rename_container(container, options)
            .await
            .map_err(self.failed(subject))
    }

    pub(super) async fn changes_of_container(&self, container: &str) -> Result<Vec<FileChange>, EngineError> {
        let subject = Subject::new(
            "list the changed files",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let changes = self
            .client
            .container_changes(container)
            .await
            .map_err(self.failed(subject))?;
        Ok(changes
            .unwrap_or_default()
            .into_iter()
            .map(|change| FileChange {
                path: change.path,
                kind: match change.kind {
                    bollard::models::ChangeType::_0 => ChangeKind::Modified,
                    bollard::models::ChangeType::_1 => ChangeKind::Added,
                    bollard::models::ChangeType::_2 => ChangeKind::Deleted,
                },
            })
            .collect())
    }

    pub(super) async fn inspect_container(&self, container: &str) -> Result<ContainerDetails, EngineError> {
        let subject = Subject::new(
            "inspect",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let asked = self
            .client
            .inspect_container(container, None::<InspectContainerOptions>);
        let found = self.read(subject, INSPECT_PATIENCE, asked, self.failed(subject));
        Ok(details(found.await?))
    }

    pub(super) async fn list_containers(
        &self,
        filter: &ContainerFilter,
    ) -> Result<Vec<ContainerSummary>, EngineError> {
        let mut filters = label_filter(&filter.labels);
        if !filter.names.is_empty() {
            // The engine takes a pattern that is found anywhere in "/name".
            let exact = filter
                .names
                .iter()
                .map(|name| format!("^/?{}$", name.replace('.', "\\.")));
            filters.insert("name".into(), exact.collect());
        }
        let options = ListContainersOptions {
            all: filter.all,
            filters: Some(filters),
            ..ListContainersOptions::default()
        };
        let subject = Subject::engine("list the containers");
        let asked = self.client.list_containers(Some(options));
        let listed = self.read(subject, READ_PATIENCE, asked, self.failed(subject));
        Ok(listed.await?.into_iter().map(summary).collect())
    }

    pub(super) async fn wait_container(&self, container: &str) -> Result<i64, EngineError> {
        let subject = Subject::new(
            "wait for",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let answer: WaitAnswer = self
            .wire
            .ask(Call::post(format!("/containers/{container}/wait"), subject))
            .await?;
        match answer.error {
            Some(error) if !error.message.is_empty() => Err(EngineError::Answer {
                operation: subject.to_string(),
                status: 200,
                message: error.message,
            }),
            _ => Ok(answer.status_code),
        }
    }

    pub(super) async fn unpack_into(
        &self,
        container: &str,
        directory: &str,
        archive: ByteStream,
    ) -> Result<(), EngineError> {
        let subject = Subject::new(
            "copy into",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let call = Call::put(format!("/containers/{container}/archive"), subject)
            .query("path", directory)
            .query("noOverwriteDirNonDir", "1")
            .archive(archive);
        let mut connection = self.wire.open().await?;
        connection.send(call).await?;
        Ok(())
    }

    pub(super) async fn pack_from(&self, container: &str, path: &str) -> Result<ByteStream, EngineError> {
        let subject = Subject::new(
            "copy from",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let call = Call::get(format!("/containers/{container}/archive"), subject).query("path", path);
        let mut connection = self.wire.open().await?;
        Ok(body_stream(connection.send(call).await?))
    }
}

/// Ends a request that the engine does not answer.
pub(super) async fn within<T>(
    subject: Subject<'_>,
    after: Duration,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(after, work).await {
        Ok(result) => result,
        Err(_) => Err(EngineError::Timeout {
            operation: subject.to_string(),
            after,
        }),
    }
}

/// The engine counts in whole seconds; a part of one is rounded up, so that no process gets less than was said.
fn whole_seconds(time: Duration) -> i32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// A time as the engine prints it. Year one is its word for "never".
fn moment(text: Option<&str>) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text?, &Rfc3339)
        .ok()
        .filter(|at| at.year() > 1)
}

fn bare_name(name: &str) -> String {
    name.strip_prefix('/').unwrap_or(name).to_owned()
}

fn details(found: ContainerInspectResponse) -> ContainerDetails {
    let config = found.config.unwrap_or_default();
    let host = found.host_config.unwrap_or_default();
    let network = found.network_settings.unwrap_or_default();
    ContainerDetails {
        id: found.id.unwrap_or_default(),
        name: bare_name(&found.name.unwrap_or_default()),
        image: config.image.unwrap_or_default(),
        image_id: found.image.unwrap_or_default(),
        created: found.created,
        state: state(found.state.unwrap_or_default()),
        restart_count: found.restart_count.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        env: config.env.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        workdir: config.working_dir.unwrap_or_default(),
        hostname: config.hostname.unwrap_or_default(),
        entrypoint: config.entrypoint.unwrap_or_default(),
        cmd: config.cmd.unwrap_or_default(),
        tty: config.tty.unwrap_or_default(),
        mounts: mounts(found.mounts),
        ports: published(&network),
        networks: attachments(network.networks),
        network_mode: host.network_mode.unwrap_or_default(),
        privileged: host.privileged.unwrap_or_default(),
        cap_add: host.cap_add.unwrap_or_default(),
        cap_drop: host.cap_drop.unwrap_or_default(),
        security_opt: host.security_opt.unwrap_or_default(),
        init: host.init.unwrap_or_default(),
        memory: host.memory.unwrap_or_default(),
        nano_cpus: host.nano_cpus.unwrap_or_default(),
        pids_limit: host.pids_limit,
        restart: restart(host.restart_policy),
        platform: found.platform.unwrap_or_default(),
        log_path: found.log_path.unwrap_or_default(),
    }
}

fn state(state: ApiState) -> ContainerState {
    let running = state.running.unwrap_or_default();
    let status = match state.status {
        Some(ContainerStateStatusEnum::CREATED) => ContainerStatus::Created,
        Some(ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::STOPPING) => {
            ContainerStatus::Running
        }
        Some(ContainerStateStatusEnum::PAUSED) => ContainerStatus::Paused,
        Some(ContainerStateStatusEnum::RESTARTING) => ContainerStatus::Restarting,
        Some(ContainerStateStatusEnum::REMOVING) => ContainerStatus::Removing,
        Some(ContainerStateStatusEnum::DEAD) => ContainerStatus::Dead,
        Some(ContainerStateStatusEnum::EXITED) => ContainerStatus::Exited,
        Some(ContainerStateStatusEnum::EMPTY) | None if running => ContainerStatus::Running,
        Some(ContainerStateStatusEnum::EMPTY) | None => ContainerStatus::Exited,
    };
    let ended = matches!(
        status,
        ContainerStatus::Exited | ContainerStatus::Dead | ContainerStatus::Removing
    );
    ContainerState {
        status,
        exit_code: state.exit_code.filter(|_| ended),
        oom_killed: state.oom_killed.unwrap_or_default(),
        error: state.error.unwrap_or_default(),
        pid: state.pid.filter(|pid| *pid > 0),
        started_at: moment(state.started_at.as_deref()),
        finished_at: moment(state.finished_at.as_deref()),
        health: state.health.and_then(|health| match health.status {
            Some(HealthStatusEnum::STARTING) => Some(HealthState::Starting),
            Some(HealthStatusEnum::HEALTHY) => Some(HealthState::Healthy),
            Some(HealthStatusEnum::UNHEALTHY) => Some(HealthState::Unhealthy),
            Some(HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) | None => None,
        }),
    }
}

fn restart(policy: Option<ApiRestartPolicy>) -> RestartPolicy {
    let Some(policy) = policy else {
        return RestartPolicy::No;
    };
    match policy.name {
        Some(RestartPolicyNameEnum::ALWAYS) => RestartPolicy::Always,
        Some(RestartPolicyNameEnum::UNLESS_STOPPED) => RestartPolicy::UnlessStopped,
        Some(RestartPolicyNameEnum::ON_FAILURE) => {
            let tries = policy
                .maximum_retry_count
                .and_then(|tries| u32::try_from(tries).ok());
            RestartPolicy::OnFailure(tries.unwrap_or_default())
        }
        Some(RestartPolicyNameEnum::NO | RestartPolicyNameEnum::EMPTY) | None => RestartPolicy::No,
    }
}

fn mounts(found: Option<Vec<ApiMountPoint>>) -> Vec<MountPoint> {
    let mut mounts: Vec<_> = found
        .unwrap_or_default()
        .into_iter()
        .map(|mount| MountPoint {
            kind: match mount.typ.as_deref() {
                Some("bind") => MountKind::Bind,
                Some("tmpfs") => MountKind::Tmpfs,
                Some("image") => MountKind::Image,
                Some("npipe") => MountKind::NamedPipe,
                _ => MountKind::Volume,
            },
            name: mount.name.filter(|name| !name.is_empty()),
            source: mount.source.unwrap_or_default(),
            target: mount.destination.unwrap_or_default(),
            read_only: !mount.rw.unwrap_or(true),
        })
        .collect();
    mounts.sort_by(|left, right| left.target.cmp(&right.target));
    mounts
}

fn attachments(found: Option<HashMap<String, EndpointSettings>>) -> Vec<NetworkAttachment> {
    let mut attachments: Vec<_> = found
        .unwrap_or_default()
        .into_iter()
        .map(|(network, settings)| NetworkAttachment {
            network,
            network_id: settings.network_id.unwrap_or_default(),
            ipv4: settings.ip_address.unwrap_or_default(),
            ipv6: settings.global_ipv6_address.unwrap_or_default(),
            gateway: settings.gateway.unwrap_or_default(),
            mac_address: settings.mac_address.unwrap_or_default(),
            aliases: settings.aliases.unwrap_or_default(),
        })
        .collect();
    attachments.sort_by(|left, right| left.network.cmp(&right.network));
    attachments
}

fn protocol(word: &str) -> PortProtocol {
    match word {
        "udp" => PortProtocol::Udp,
        "sctp" => PortProtocol::Sctp,
        _ => PortProtocol::Tcp,
    }
}

fn published(network: &NetworkSettings) -> Vec<PublishedPort> {
    let mut ports = Vec::new();
    for (key, bindings) in network.ports.iter().flatten() {
        let (number, word) = key.split_once('/').unwrap_or((key, "tcp"));
        let Ok(container_port) = number.parse() else {
            continue;
        };
        let announced = PublishedPort {
            container_port,
            protocol: protocol(word),
            host_ip: None,
            host_port: None,
        };
        match bindings.as_deref() {
            None | Some([]) => ports.push(announced),
            Some(bindings) => {
                for binding in bindings {
                    let host_ip = binding.host_ip.as_deref().and_then(|ip| ip.parse().ok());
                    let host_port = binding.host_port.as_deref().and_then(|port| port.parse().ok());
                    ports.push(PublishedPort {
                        host_ip,
                        host_port,
                        ..announced.clone()
                    });
                }
            }
        }
    }
    ports.sort();
    ports
}

fn summary(row: ApiSummary) -> ContainerSummary {
    let mut ports: Vec<_> = row.ports.unwrap_or_default().into_iter().map(port).collect();
    ports.sort();
    let mut networks: Vec<_> = row
        .network_settings
        .and_then(|settings| settings.networks)
        .unwrap_or_default()
        .into_keys()
        .collect();
    networks.sort();
    ContainerSummary {
        id: row.id.unwrap_or_default(),
        name: row
            .names
            .unwrap_or_default()
            .first()
            .map(|name| bare_name(name))
            .unwrap_or_default(),
        image: row.image.unwrap_or_default(),
        image_id: row.image_id.unwrap_or_default(),
        status: match row.state {
            Some(ContainerSummaryStateEnum::CREATED) => ContainerStatus::Created,
            Some(ContainerSummaryStateEnum::RUNNING | ContainerSummaryStateEnum::STOPPING) => {
                ContainerStatus::Running
            }
            Some(ContainerSummaryStateEnum::PAUSED) => ContainerStatus::Paused,
            Some(ContainerSummaryStateEnum::RESTARTING) => ContainerStatus::Restarting,
            Some(ContainerSummaryStateEnum::REMOVING) => ContainerStatus::Removing,
            Some(ContainerSummaryStateEnum::DEAD) => ContainerStatus::Dead,
            Some(ContainerSummaryStateEnum::EXITED | ContainerSummaryStateEnum::EMPTY) | None => {
                ContainerStatus::Exited
            }
        },
        status_text: row.status.unwrap_or_default(),
        created: row
            .created
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()),
        labels: row.labels.unwrap_or_default().into_iter().collect(),
        ports,
        mounts: mounts(row.mounts),
        networks,
    }
}

fn port(port: PortSummary) -> PublishedPort {
    PublishedPort {
        container_port: port.private_port,
        protocol: match port.typ {
            Some(PortSummaryTypeEnum::UDP) => PortProtocol::Udp,
            Some(PortSummaryTypeEnum::SCTP) => PortProtocol::Sctp,
            Some(PortSummaryTypeEnum::TCP | PortSummaryTypeEnum::EMPTY) | None => PortProtocol::Tcp,
        },
        host_ip: port.ip.and_then(|ip| ip.parse().ok()),
        host_port: port.public_port,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_second_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(10)), 10);
        assert_eq!(whole_seconds(Duration::MAX - Duration::from_secs(1)), i32::MAX);
    }

    #[test]
    fn the_year_one_means_never() {
        assert_eq!(moment(Some("0001-01-01T00:00:00Z")), None);
        assert_eq!(
            moment(Some("2026-11-23T14:00:00.5Z")).map(OffsetDateTime::unix_timestamp),
            Some(1_795_442_400)
        );
        assert_eq!(moment(None), None);
    }
}
