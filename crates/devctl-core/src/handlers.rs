//! What the core does for each operation of the list.

use crate::caller::Caller;
use crate::core::Core;
use crate::operations::{Operations, Streams};
use crate::record::Target;
use async_trait::async_trait;
use devctl_model::*;
use devctl_store::EventFilter;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events in a page, where nobody says how many.
const EVENTS: u32 = 100;

/// A core that serves the operations. Cheap to clone.
#[async_trait]
impl Operations for Arc<Core> {
    async fn list_containers(&self, _: &Caller, _: Nothing) -> Result<ContainerList, Problem> {
        self.container_list().await
    }

    async fn show_container(&self, _: &Caller, request: ContainerRef) -> Result<ContainerDetail, Problem> {
        self.container_detail(&request.container).await
    }

    async fn inspect_source(&self, _: &Caller, request: InspectSource) -> Result<SourceInfo, Problem> {
        self.inspect(request).await
    }

    async fn up(&self, caller: &Caller, request: UpContainer) -> Result<JobRef, Problem> {
        Ok(JobRef {
            job: self.start_up(caller, request)?,
        })
    }

    async fn start_container(&self, caller: &Caller, request: StartContainer) -> Result<JobRef, Problem> {
        Ok(JobRef {
            job: self
                .start_again(caller, &request.container, request.trust, None)
                .await?,
        })
    }

    async fn stop_container(
        &self,
        caller: &Caller,
        request: StopContainer,
    ) -> Result<StoppedContainer, Problem> {
        self.stop(caller, &request).await
    }

    async fn restart_container(&self, caller: &Caller, request: RestartContainer) -> Result<JobRef, Problem> {
        Ok(JobRef {
            job: self
                .start_again(caller, &request.container, request.trust, Some(request.timeout))
                .await?,
        })
    }

    async fn pause_container(
        &self,
        caller: &Caller,
        request: ContainerRef,
    ) -> Result<ChangedContainer, Problem> {
        self.pause(caller, &request.container).await
    }

    async fn unpause_container(
        &self,
        caller: &Caller,
        request: ContainerRef,
    ) -> Result<ChangedContainer, Problem> {
        self.unpause(caller, &request.container).await
    }

    async fn kill_container(
        &self,
        caller: &Caller,
        request: KillContainer,
    ) -> Result<KilledContainer, Problem> {
        self.kill(caller, &request).await
    }

    async fn rename_container(
        &self,
        caller: &Caller,
        request: RenameContainer,
    ) -> Result<RenamedContainer, Problem> {
        self.rename(caller, &request).await
    }

    async fn clone_container(&self, caller: &Caller, request: CloneContainer) -> Result<JobRef, Problem> {
        Ok(JobRef {
            job: self.clone_of(caller, request).await?,
        })
    }

    async fn prune_containers(
        &self,
        caller: &Caller,
        request: PruneContainers,
    ) -> Result<PrunedContainers, Problem> {
        self.prune(caller, &request).await
    }

    async fn adopt_container(
        &self,
        caller: &Caller,
        request: AdoptContainer,
    ) -> Result<AdoptedContainer, Problem> {
        self.adopt(caller, &request).await
    }

    async fn forget_container(
        &self,
        caller: &Caller,
        request: ContainerRef,
    ) -> Result<ForgottenContainer, Problem> {
        self.forget(caller, &request).await
    }

    async fn preview_rebuild(&self, _: &Caller, request: ContainerRef) -> Result<RebuildPreview, Problem> {
        Core::preview_rebuild(self, &request.container).await
    }

    async fn rebuild_container(&self, caller: &Caller, request: RebuildContainer) -> Result<JobRef, Problem> {
        Ok(JobRef {
            job: self.rebuild(caller, request).await?,
        })
    }

    async fn recreate_container(
        &self,
        caller: &Caller,
        request: RecreateContainer,
    ) -> Result<JobRef, Problem> {
        Ok(JobRef {
            job: self.recreate(caller, request).await?,
        })
    }

    async fn show_drift(&self, _: &Caller, request: ContainerRef) -> Result<ContainerDrift, Problem> {
        self.drift(&request.container).await
    }

    async fn remove_container(
        &self,
        caller: &Caller,
        request: RemoveContainer,
    ) -> Result<RemovedContainer, Problem> {
        self.remove(caller, &request).await
    }

    async fn read_stats(&self, _: &Caller, request: StatsOf) -> Result<StatsList, Problem> {
        self.stats_now(request).await
    }

    async fn list_processes(&self, _: &Caller, request: ContainerRef) -> Result<ProcessList, Problem> {
        self.processes(&request.container).await
    }

    async fn list_file_changes(&self, _: &Caller, request: ContainerRef) -> Result<FileChangeList, Problem> {
        self.file_changes(&request.container).await
    }

    async fn list_ports(&self, _: &Caller, request: ListPorts) -> Result<PortList, Problem> {
        self.port_list(request).await
    }

    async fn forward_ports(&self, caller: &Caller, request: ForwardPorts) -> Result<ForwardedPorts, Problem> {
        self.forward(caller, request).await
    }

    async fn stop_forwards(
        &self,
        caller: &Caller,
        request: StopForwards,
    ) -> Result<StoppedForwards, Problem> {
        self.end_forwards(caller, request).await
    }

    async fn list_images(&self, _: &Caller, request: ListImages) -> Result<ImageList, Problem> {
        self.image_list(request).await
    }

    async fn show_image(&self, _: &Caller, request: ImageRef) -> Result<ImageDetail, Problem> {
        self.image_detail(request).await
    }

    async fn show_image_history(&self, _: &Caller, request: ImageRef) -> Result<ImageHistory, Problem> {
        self.steps_of_image(request).await
    }

    async fn pull_images(&self, caller: &Caller, request: PullImages) -> Result<JobRef, Problem> {
        self.fetch_images(caller, request)
    }

    async fn push_images(&self, caller: &Caller, request: PushImages) -> Result<JobRef, Problem> {
        self.send_images(caller, request)
    }

    async fn build_image(&self, caller: &Caller, request: BuildImage) -> Result<JobRef, Problem> {
        self.build_folder(caller, request)
    }

    async fn tag_image(&self, caller: &Caller, request: TagImage) -> Result<Done, Problem> {
        self.name_image(caller, request).await
    }

    async fn remove_image(&self, caller: &Caller, request: RemoveImage) -> Result<RemovedImage, Problem> {
        self.drop_image(caller, request).await
    }

    async fn prune_images(&self, caller: &Caller, request: PruneImages) -> Result<PrunedImages, Problem> {
        self.prune_unused_images(caller, request).await
    }

    async fn list_volumes(&self, _: &Caller, request: ListVolumes) -> Result<VolumeList, Problem> {
        self.volume_list(request).await
    }

    async fn show_volume(&self, _: &Caller, request: VolumeRef) -> Result<Volume, Problem> {
        self.volume_detail(request).await
    }

    async fn create_volume(&self, caller: &Caller, request: CreateVolume) -> Result<Volume, Problem> {
        self.make_volume(caller, request).await
    }

    async fn remove_volume(&self, caller: &Caller, request: RemoveVolume) -> Result<Done, Problem> {
        self.drop_volume(caller, request).await
    }

    async fn browse_volume(&self, _: &Caller, request: BrowseVolume) -> Result<VolumeFiles, Problem> {
        self.files_of_volume(request).await
    }

    async fn copy_volume(&self, caller: &Caller, request: CopyVolume) -> Result<JobRef, Problem> {
        self.copy_files(caller, request)
    }

    async fn export_volume(&self, caller: &Caller, request: ExportVolume) -> Result<JobRef, Problem> {
        self.volume_to_file(caller, request)
    }

    async fn import_volume(&self, caller: &Caller, request: ImportVolume) -> Result<JobRef, Problem> {
        self.volume_from_file(caller, request)
    }

    async fn list_networks(&self, _: &Caller, request: ListNetworks) -> Result<NetworkList, Problem> {
        self.network_list(request).await
    }

    async fn show_network(&self, _: &Caller, request: NetworkRef) -> Result<Network, Problem> {
        self.network_detail(request).await
    }

    async fn create_network(&self, caller: &Caller, request: CreateNetwork) -> Result<Network, Problem> {
        self.make_network(caller, request).await
    }

    async fn remove_network(&self, caller: &Caller, request: NetworkRef) -> Result<Done, Problem> {
        self.drop_network(caller, request).await
    }

    async fn join_network(&self, caller: &Caller, request: NetworkMembership) -> Result<Done, Problem> {
        self.join(caller, request).await
    }

    async fn leave_network(&self, caller: &Caller, request: NetworkMembership) -> Result<Done, Problem> {
        self.leave(caller, request).await
    }

    async fn read_disk(&self, _: &Caller, request: ReadDisk) -> Result<DiskReport, Problem> {
        self.disk_report(request).await
    }

    async fn clean(&self, caller: &Caller, request: Clean) -> Result<Cleaned, Problem> {
        self.clean_disk(caller, request).await
    }

    async fn list_idle(&self, _: &Caller, _: Nothing) -> Result<IdleList, Problem> {
        self.idle_list().await
    }

    async fn set_idle(&self, caller: &Caller, request: SetIdle) -> Result<IdleInfo, Problem> {
        self.choose_idle(caller, request).await
    }

    async fn keep_awake(&self, caller: &Caller, request: KeepAwake) -> Result<IdleInfo, Problem> {
        Core::keep_awake(self, caller, request).await
    }

    async fn show_service(&self, _: &Caller, _: Nothing) -> Result<ServiceInfo, Problem> {
        self.service_info().await
    }

    async fn install_service(&self, caller: &Caller, _: Nothing) -> Result<ServiceInfo, Problem> {
        self.service_installed(caller).await
    }

    async fn uninstall_service(&self, caller: &Caller, _: Nothing) -> Result<ServiceInfo, Problem> {
        self.service_uninstalled(caller).await
    }

    async fn copy_into_container(&self, caller: &Caller, request: CopyIn) -> Result<Copied, Problem> {
        self.copy_in(caller, request, Arc::default()).await
    }

    async fn copy_from_container(&self, caller: &Caller, request: CopyOut) -> Result<Copied, Problem> {
        self.copy_out(caller, request, Arc::default()).await
    }

    async fn read_config(&self, _: &Caller, request: ReadConfig) -> Result<ConfigDocument, Problem> {
        self.config_document(request).await
    }

    async fn list_jobs(&self, _: &Caller, _: Nothing) -> Result<JobList, Problem> {
        Ok(JobList {
            jobs: self.jobs.list(),
        })
    }

    async fn show_job(&self, _: &Caller, request: JobRef) -> Result<Job, Problem> {
        self.jobs.show(&request.job)
    }

    async fn cancel_job(&self, _: &Caller, request: JobRef) -> Result<Done, Problem> {
        Ok(Done {
            changed: self.jobs.cancel(&request.job)?,
        })
    }

    async fn list_events(&self, _: &Caller, request: ListEvents) -> Result<EventPage, Problem> {
        let filter = EventFilter {
            since_seq: request.after,
            operation: request.operation,
            subject: request.subject,
            limit: Some(request.limit.unwrap_or(EVENTS)),
            latest: request.after.is_none(),
            ..EventFilter::default()
        };
        let events = self.with_store(move |store| store.events(&filter)).await?;
        Ok(EventPage {
            events: events.into_iter().map(crate::record::shown).collect(),
        })
    }

    async fn list_hosts(&self, _: &Caller, _: Nothing) -> Result<HostList, Problem> {
        Ok(HostList {
            hosts: self.engines.hosts().await,
        })
    }

    async fn list_settings(&self, _: &Caller, _: Nothing) -> Result<SettingList, Problem> {
        Ok(SettingList {
            settings: self.settings().await?,
        })
    }

    async fn get_setting(&self, _: &Caller, request: SettingKey) -> Result<Setting, Problem> {
        self.setting(&request.key).await
    }

    async fn set_setting(&self, caller: &Caller, request: SetSetting) -> Result<Setting, Problem> {
        let target = Target::other("setting", &request.key);
        let act = self.choose_setting(&request.key, request.value.clone());
        self.recorded(caller, "set_setting", target, act).await
    }

    async fn run_doctor(&self, caller: &Caller, request: RunDoctor) -> Result<DoctorReport, Problem> {
        self.doctor(caller, request.fix).await
    }

    async fn show_key(&self, _: &Caller, _: Nothing) -> Result<KeyInfo, Problem> {
        self.key_info().await
    }

    async fn list_keys(&self, _: &Caller, _: Nothing) -> Result<KeyList, Problem> {
        self.key_list().await
    }

    async fn show_stored_key(&self, _: &Caller, request: KeyRef) -> Result<KeyRecord, Problem> {
        self.stored_key(request.name).await
    }

    async fn generate_key(&self, caller: &Caller, request: GenerateKey) -> Result<KeyRecord, Problem> {
        self.make_key(caller, request).await
    }

    async fn import_key(&self, caller: &Caller, request: ImportKey) -> Result<KeyRecord, Problem> {
        self.bring_key(caller, request).await
    }

    async fn export_key(&self, caller: &Caller, request: ExportKey) -> Result<ExportedKey, Problem> {
        self.give_key(caller, request).await
    }

    async fn change_key_passphrase(
        &self,
        caller: &Caller,
        request: ChangeKeyPassphrase,
    ) -> Result<KeyRecord, Problem> {
        self.protect_key(caller, request).await
    }

    async fn rotate_key(&self, caller: &Caller, request: RotateKey) -> Result<RotatedKey, Problem> {
        self.turn_key(caller, request).await
    }

    async fn remove_key(&self, caller: &Caller, request: KeyRef) -> Result<RemovedKey, Problem> {
        self.drop_key(caller, request.name).await
    }

    async fn list_agent_keys(&self, _: &Caller, _: Nothing) -> Result<AgentKeyList, Problem> {
        self.agent_keys().await
    }

    async fn add_agent_key(&self, caller: &Caller, request: AddAgentKey) -> Result<AgentKeyList, Problem> {
        self.lend_key(caller, request).await
    }

    async fn remove_agent_key(&self, caller: &Caller, request: KeyRef) -> Result<Done, Problem> {
        self.call_key_back(caller, request.name).await
    }

    async fn list_authorities(&self, _: &Caller, _: Nothing) -> Result<AuthorityList, Problem> {
        self.authority_list().await
    }

    async fn show_authority(&self, _: &Caller, request: AuthorityRef) -> Result<AuthorityInfo, Problem> {
        self.authority(request).await
    }

    async fn create_authority(
        &self,
        caller: &Caller,
        request: AuthorityOfKind,
    ) -> Result<AuthorityInfo, Problem> {
        self.make_authority(caller, request.kind).await
    }

    async fn import_authority(
        &self,
        caller: &Caller,
        request: ImportAuthority,
    ) -> Result<AuthorityInfo, Problem> {
        self.bring_authority(caller, request).await
    }

    async fn rotate_authority(
        &self,
        caller: &Caller,
        request: AuthorityOfKind,
    ) -> Result<AuthorityList, Problem> {
        self.step_authority(caller, request.kind).await
    }

    async fn rollback_authority(
        &self,
        caller: &Caller,
        request: AuthorityOfKind,
    ) -> Result<AuthorityList, Problem> {
        self.step_authority_back(caller, request.kind).await
    }

    async fn retire_authority(
        &self,
        caller: &Caller,
        request: RetireAuthority,
    ) -> Result<AuthorityList, Problem> {
        self.end_authority(caller, request).await
    }

    async fn export_authority(
        &self,
        caller: &Caller,
        request: ExportAuthority,
    ) -> Result<ExportedKey, Problem> {
        self.give_authority(caller, request).await
    }

    async fn set_authority_policy(
        &self,
        caller: &Caller,
        request: SetAuthorityPolicy,
    ) -> Result<AuthorityInfo, Problem> {
        self.choose_policy(caller, request).await
    }

    async fn list_certificates(
        &self,
        _: &Caller,
        request: ListCertificates,
    ) -> Result<CertificateList, Problem> {
        self.certificate_list(request).await
    }

    async fn show_certificate(
        &self,
        _: &Caller,
        request: CertificateRef,
    ) -> Result<CertificateRecord, Problem> {
        self.certificate_record(request).await
    }

    async fn issue_certificate(
        &self,
        caller: &Caller,
        request: IssueCertificate,
    ) -> Result<IssuedCertificate, Problem> {
        self.issue(caller, request).await
    }

    async fn renew_certificates(&self, caller: &Caller, _: Nothing) -> Result<Done, Problem> {
        self.renew_now(caller).await
    }

    async fn revoke_certificate(&self, caller: &Caller, request: Revoke) -> Result<Revoked, Problem> {
        self.revoke_now(caller, request).await
    }

    async fn list_revocations(&self, _: &Caller, _: Nothing) -> Result<RevocationReport, Problem> {
        self.revocation_report().await
    }

    async fn verify_certificate(
        &self,
        _: &Caller,
        request: VerifyCertificate,
    ) -> Result<CertificateVerdict, Problem> {
        self.verdict(request).await
    }

    async fn list_secrets(&self, _: &Caller, request: ListSecrets) -> Result<SecretList, Problem> {
        self.secret_list(request).await
    }

    async fn show_secret(&self, _: &Caller, request: SecretRef) -> Result<SecretInfo, Problem> {
        self.secret_info(request).await
    }

    async fn set_secret(&self, caller: &Caller, request: SetSecret) -> Result<SecretInfo, Problem> {
        self.keep_secret(caller, request).await
    }

    async fn reveal_secret(&self, caller: &Caller, request: SecretRef) -> Result<RevealedSecret, Problem> {
        self.reveal(caller, request).await
    }

    async fn remove_secret(&self, caller: &Caller, request: SecretRef) -> Result<Done, Problem> {
        self.forget_secret(caller, request).await
    }

    async fn decline_secret(&self, caller: &Caller, request: SecretRef) -> Result<Done, Problem> {
        self.decline(caller, request).await
    }

    async fn list_asked_secrets(&self, _: &Caller, request: AskedSecretsOf) -> Result<AskedSecrets, Problem> {
        self.asked_secrets(request).await
    }

    async fn show_vault(&self, _: &Caller, _: Nothing) -> Result<VaultInfo, Problem> {
        self.vault_info().await
    }

    async fn change_vault(&self, caller: &Caller, request: ChangeVault) -> Result<VaultChanged, Problem> {
        self.change_ways(caller, request).await
    }

    async fn make_recovery_key(
        &self,
        caller: &Caller,
        request: MakeRecoveryKey,
    ) -> Result<RecoveryKeyText, Problem> {
        self.recovery_key(caller, request).await
    }

    async fn unlock_keychain(&self, caller: &Caller, request: UnlockKeychain) -> Result<Done, Problem> {
        self.open_keychain(caller, request).await
    }

    async fn ssh_status(&self, _: &Caller, _: Nothing) -> Result<SshStatus, Problem> {
        self.ssh_state().await
    }

    async fn explain_ssh_host(&self, _: &Caller, request: ExplainSshHost) -> Result<SshHostLines, Problem> {
        self.host_lines(request).await
    }

    async fn plan_ssh_install(&self, _: &Caller, _: Nothing) -> Result<SshInstallPlan, Problem> {
        self.include_plan().await
    }

    async fn install_ssh(&self, caller: &Caller, _: Nothing) -> Result<SshInstallPlan, Problem> {
        let target = Target::other("ssh_config", &self.config.ssh_user_config.display().to_string());
        self.recorded(caller, "install_ssh", target, self.include(true))
            .await
    }

    async fn uninstall_ssh(&self, caller: &Caller, _: Nothing) -> Result<SshInstallPlan, Problem> {
        let target = Target::other("ssh_config", &self.config.ssh_user_config.display().to_string());
        self.recorded(caller, "uninstall_ssh", target, self.include(false))
            .await
    }

    async fn show_ssh_config(&self, _: &Caller, _: Nothing) -> Result<SshConfigText, Problem> {
        self.ensure_identity().await?;
        crate::identity::write_client_config(&self.config)?;
        let path = self.config.ssh().config().display().to_string();
        Ok(SshConfigText {
            text: self.client_config()?,
            path,
        })
    }

    async fn write_terminal(&self, _: &Caller, request: WriteTerminal) -> Result<Done, Problem> {
        self.terminals.write(&request.terminal, &request.data).await?;
        Ok(Done { changed: true })
    }

    async fn resize_terminal(&self, _: &Caller, request: ResizeTerminal) -> Result<Done, Problem> {
        self.terminals
            .resize(&request.terminal, request.columns, request.rows)
            .await?;
        Ok(Done { changed: true })
    }

    async fn close_terminal(&self, _: &Caller, request: TerminalRef) -> Result<Done, Problem> {
        Ok(Done {
            changed: self.terminals.close(&request.terminal),
        })
    }
}

#[async_trait]
impl Streams for Arc<Core> {
    async fn changes(&self, _: &Caller, _: Nothing) -> Result<mpsc::Receiver<Change>, Problem> {
        // Listening comes before watching: nothing is missed in between.
        let mut changes = self.changes.subscribe();
        crate::watch::start(self);
        let (sender, receiver) = mpsc::channel(256);
        tokio::spawn(async move {
            loop {
                let change = tokio::select! {
                    () = sender.closed() => return,
                    change = changes.recv() => change,
                };
                let change = match change {
                    Ok(change) => change,
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => Change::Resync,
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                };
                if sender.send(change).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    async fn follow_job(&self, _: &Caller, request: JobRef) -> Result<mpsc::Receiver<JobUpdate>, Problem> {
        self.jobs.follow(&request.job)
    }

    async fn follow_logs(
        &self,
        caller: &Caller,
        request: FollowLogs,
    ) -> Result<mpsc::Receiver<LogChunk>, Problem> {
        self.container_logs(caller, request).await
    }

    async fn follow_stats(
        &self,
        _: &Caller,
        request: StatsOf,
    ) -> Result<mpsc::Receiver<StatsUpdate>, Problem> {
        self.stats_from_now_on(request).await
    }

    async fn follow_ports(
        &self,
        _: &Caller,
        request: ContainerRef,
    ) -> Result<mpsc::Receiver<PortUpdate>, Problem> {
        self.port_updates(&request.container).await
    }

    async fn open_terminal(
        &self,
        caller: &Caller,
        request: OpenTerminal,
    ) -> Result<mpsc::Receiver<TerminalOutput>, Problem> {
        self.terminal(caller, request).await
    }
}
