//! The one list of operations: everything that a front end can ask of the core, declared once.
//!
//! From [`operations!`] and [`streams!`] come the trait that the core implements (an operation without a handler does
//! not compile), the dispatcher that doors call, the descriptions from which the OpenAPI document and the TypeScript
//! client are generated, and the list of commands that the desktop door registers.

use crate::caller::Caller;
use async_trait::async_trait;
use devctl_model::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::mpsc;

/// The HTTP method of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Acts.
    Post,
    /// Sets.
    Put,
    /// Removes.
    Delete,
}

/// Who may ask for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May look.
    Viewer,
    /// May change containers.
    Developer,
    /// May change this installation.
    Admin,
}

/// An operation, described.
#[derive(Debug, Clone, Copy)]
pub struct OperationInfo {
    /// Its name, the same in every door.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// HTTP method.
    pub method: Method,
    /// HTTP path; `{field}` is taken from the request.
    pub path: &'static str,
    /// Who may ask.
    pub role: Role,
    /// Whether it changes anything, and so is written to the event log.
    pub changes: bool,
    /// What it reads (for a read), or makes stale (for a change).
    pub tags: &'static [Tag],
}

macro_rules! operations {
    ($(
        $(#[doc = $doc:literal])*
        $kind:ident $name:ident($request:ty) -> $response:ty,
        $method:ident $path:literal, $role:ident, [$($tag:ident),*];
    )*) => {
        /// Every operation.
        pub const OPERATIONS: &[OperationInfo] = &[$(
            OperationInfo {
                name: stringify!($name),
                about: concat!($($doc, "\n"),*).trim_ascii(),
                method: Method::$method,
                path: $path,
                role: Role::$role,
                changes: operations!(@changes $kind),
                tags: &[$(Tag::$tag),*],
            },
        )*];

        /// What the core does for each operation.
        #[async_trait]
        pub trait Operations: Send + Sync {
            $(
                $(#[doc = $doc])*
                async fn $name(&self, caller: &Caller, request: $request) -> Result<$response, Problem>;
            )*
        }

        /// Carries out the operation of that name on a JSON request and answers in JSON.
        pub async fn dispatch(
            operations: &dyn Operations,
            caller: &Caller,
            name: &str,
            request: Value,
        ) -> Result<Value, Problem> {
            match name {
                $(stringify!($name) => {
                    let request: $request = parse(name, request)?;
                    answer(operations.$name(caller, request).await?)
                })*
                _ => Err(Problem::new(ErrorCode::RequestInvalid, format!("there is no operation {name:?}"))),
            }
        }

        /// Calls `visit` with the types of each operation, for generators.
        #[cfg(feature = "schema")]
        pub fn visit_operations(visit: &mut impl VisitOperation) {
            $(visit.operation::<$request, $response>(stringify!($name));)*
        }
    };
    (@changes read) => { false };
    (@changes change) => { true };
}

macro_rules! streams {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident($request:ty) -> $item:ty, $role:ident;
    )*) => {
        /// Every stream: what a front end can listen to.
        pub const STREAMS: &[StreamInfo] = &[$(
            StreamInfo { name: stringify!($name), about: concat!($($doc, "\n"),*).trim_ascii(), role: Role::$role },
        )*];

        /// What the core does for each stream. A stream ends when its receiver is dropped.
        #[async_trait]
        pub trait Streams: Send + Sync {
            $(
                $(#[doc = $doc])*
                async fn $name(
                    &self,
                    caller: &Caller,
                    request: $request,
                ) -> Result<mpsc::Receiver<$item>, Problem>;
            )*
        }

        /// Opens the stream of that name on a JSON request; its items come as JSON.
        pub async fn open_stream(
            streams: &dyn Streams,
            caller: &Caller,
            name: &str,
            request: Value,
        ) -> Result<mpsc::Receiver<Value>, Problem> {
            match name {
                $(stringify!($name) => {
                    let request: $request = parse(name, request)?;
                    Ok(as_json(streams.$name(caller, request).await?))
                })*
                _ => Err(Problem::new(ErrorCode::RequestInvalid, format!("there is no stream {name:?}"))),
            }
        }

        /// Calls `visit` with the types of each stream, for generators.
        #[cfg(feature = "schema")]
        pub fn visit_streams(visit: &mut impl VisitOperation) {
            $(visit.operation::<$request, $item>(stringify!($name));)*
        }
    };
}

/// A stream, described.
#[derive(Debug, Clone, Copy)]
pub struct StreamInfo {
    /// Its name, the same in every door.
    pub name: &'static str,
    /// What it tells.
    pub about: &'static str,
    /// Who may listen.
    pub role: Role,
}

/// Sees the types of each operation.
#[cfg(feature = "schema")]
pub trait VisitOperation {
    /// One operation or stream.
    fn operation<Request, Response>(&mut self, name: &'static str)
    where
        Request: ts_rs::TS + schemars::JsonSchema + 'static,
        Response: ts_rs::TS + schemars::JsonSchema + 'static;
}

operations! {
    /// Lists the containers of this launcher on every host that answers.
    read list_containers(Nothing) -> ContainerList, Get "/containers", Viewer, [Containers];
    /// Shows everything about one container.
    read show_container(ContainerRef) -> ContainerDetail, Get "/containers/{container}", Viewer, [Containers];
    /// Says what a folder or an image would become. Nothing is pulled, built or run.
    read inspect_source(InspectSource) -> SourceInfo, Post "/sources/inspect", Viewer, [Containers];
    /// Makes a container from a folder or an image, or brings the one that was made from it before up again. A job.
    change up(UpContainer) -> JobRef, Post "/containers", Developer, [Containers, Jobs];
    /// Starts a container and runs what has to run on each start. A job.
    change start_container(StartContainer) -> JobRef, Post "/containers/{container}/start", Developer, [Containers, Jobs];
    /// Stops a container.
    change stop_container(StopContainer) -> StoppedContainer, Post "/containers/{container}/stop", Developer, [Containers];
    /// Stops a container and starts it again. A job.
    change restart_container(RestartContainer) -> JobRef, Post "/containers/{container}/restart", Developer, [Containers, Jobs];
    /// Freezes the processes of a container.
    change pause_container(ContainerRef) -> ChangedContainer, Post "/containers/{container}/pause", Developer, [Containers];
    /// Lets the frozen processes of a container go on.
    change unpause_container(ContainerRef) -> ChangedContainer, Post "/containers/{container}/unpause", Developer, [Containers];
    /// Sends a signal to the main process of a container.
    change kill_container(KillContainer) -> KilledContainer, Post "/containers/{container}/kill", Developer, [Containers];
    /// Gives a container another name, whether it runs or not. Its SSH name is another one at once.
    change rename_container(RenameContainer) -> RenamedContainer, Post "/containers/{container}/rename", Developer, [Containers, Ssh];
    /// Makes a second container of the same configuration, with a name, a host key and a network of its own; at choice with
    /// the files of the first, and with copies of its volumes. A job.
    change clone_container(CloneContainer) -> JobRef, Post "/containers/{container}/clone", Developer, [Containers, Jobs];
    /// Removes what is left over: records of containers that are gone, networks that nobody is in, and, when asked for,
    /// containers that failed.
    change prune_containers(PruneContainers) -> PrunedContainers, Post "/containers/prune", Developer, [Containers];
    /// Makes a container that somebody else made ours to enter. It is not made anew, and goes on as it is.
    change adopt_container(AdoptContainer) -> AdoptedContainer, Post "/adopted", Developer, [Containers, Ssh];
    /// Takes a container off the list that was adopted, or that is gone. One that was adopted goes on as it is.
    change forget_container(ContainerRef) -> ForgottenContainer, Post "/containers/{container}/forget", Developer, [Containers, Ssh];
    /// Says what a rebuild would lose and keep.
    read preview_rebuild(ContainerRef) -> RebuildPreview, Get "/containers/{container}/rebuild", Viewer, [Containers];
    /// Makes a container anew from its configuration. Volumes and the workspace folder stay. A job.
    change rebuild_container(RebuildContainer) -> JobRef, Post "/containers/{container}/rebuild", Developer, [Containers, Jobs];
    /// Makes a container anew from the image that it has, without building or pulling. Volumes and the workspace folder
    /// stay. A job.
    change recreate_container(RecreateContainer) -> JobRef, Post "/containers/{container}/recreate", Developer, [Containers, Jobs];
    /// Says what differs between a container and its configuration now, and what applying it costs.
    read show_drift(ContainerRef) -> ContainerDrift, Get "/containers/{container}/drift", Viewer, [Containers];
    /// Removes a container. The workspace folder always stays; volumes go only when asked for.
    change remove_container(RemoveContainer) -> RemovedContainer, Delete "/containers/{container}", Developer, [Containers];
    /// Says what containers use: processors, memory, network, disks. It takes a second or two.
    read read_stats(StatsOf) -> StatsList, Get "/stats", Viewer, [];
    /// Lists the processes of a container.
    read list_processes(ContainerRef) -> ProcessList, Get "/containers/{container}/processes", Viewer, [];
    /// Lists the files that differ from the image of a container.
    read list_file_changes(ContainerRef) -> FileChangeList, Get "/containers/{container}/changes", Viewer, [];
    /// Says what listens in a container, what is forwarded, and what its configuration wants.
    read list_ports(ListPorts) -> PortList, Post "/ports", Viewer, [Ports, Containers];
    /// Forwards ports between this computer and a container, until they are stopped or this process ends.
    change forward_ports(ForwardPorts) -> ForwardedPorts, Post "/containers/{container}/forwards", Developer, [Ports];
    /// Ends forwards of a container, whichever process carries them.
    change stop_forwards(StopForwards) -> StoppedForwards, Delete "/containers/{container}/forwards", Developer, [Ports];
    /// Lists the images of a host, and who uses them.
    read list_images(ListImages) -> ImageList, Get "/images", Viewer, [Storage];
    /// Shows everything about one image.
    read show_image(ImageRef) -> ImageDetail, Post "/images/show", Viewer, [Storage];
    /// Shows how an image was made.
    read show_image_history(ImageRef) -> ImageHistory, Post "/images/history", Viewer, [Storage];
    /// Fetches images from their registries, several at once. A job.
    change pull_images(PullImages) -> JobRef, Post "/images/pull", Developer, [Storage, Jobs];
    /// Sends images to their registries. A job.
    change push_images(PushImages) -> JobRef, Post "/images/push", Developer, [Storage, Jobs];
    /// Builds an image from a folder. A job.
    change build_image(BuildImage) -> JobRef, Post "/images/build", Developer, [Storage, Jobs];
    /// Gives an image one more name.
    change tag_image(TagImage) -> Done, Post "/images/tag", Developer, [Storage];
    /// Removes an image, or one of its names.
    change remove_image(RemoveImage) -> RemovedImage, Post "/images/remove", Developer, [Storage];
    /// Removes images that this launcher built and that no container is made of.
    change prune_images(PruneImages) -> PrunedImages, Post "/images/prune", Developer, [Storage];
    /// Lists the volumes of a host, and who uses them.
    read list_volumes(ListVolumes) -> VolumeList, Get "/volumes", Viewer, [Storage];
    /// Shows one volume.
    read show_volume(VolumeRef) -> Volume, Get "/volumes/{volume}", Viewer, [Storage];
    /// Makes a volume.
    change create_volume(CreateVolume) -> Volume, Post "/volumes", Developer, [Storage];
    /// Removes a volume. One that has data in it goes only when it is named twice.
    change remove_volume(RemoveVolume) -> Done, Delete "/volumes/{volume}", Developer, [Storage];
    /// Looks into a volume. No container has to run for it.
    read browse_volume(BrowseVolume) -> VolumeFiles, Post "/volumes/{volume}/browse", Developer, [Storage];
    /// Copies a file or a folder into a volume or out of it. A job.
    change copy_volume(CopyVolume) -> JobRef, Post "/volumes/{volume}/copy", Developer, [Storage, Jobs];
    /// Writes a volume to a file, and its checksum beside it. A job.
    change export_volume(ExportVolume) -> JobRef, Post "/volumes/{volume}/export", Developer, [Storage, Jobs];
    /// Fills a volume from a file that was exported. A job.
    change import_volume(ImportVolume) -> JobRef, Post "/volumes/{volume}/import", Developer, [Storage, Jobs];
    /// Lists the networks of a host, and who is in them.
    read list_networks(ListNetworks) -> NetworkList, Get "/networks", Viewer, [Storage];
    /// Shows one network.
    read show_network(NetworkRef) -> Network, Get "/networks/{network}", Viewer, [Storage];
    /// Makes a network.
    change create_network(CreateNetwork) -> Network, Post "/networks", Developer, [Storage];
    /// Removes a network that nobody is in.
    change remove_network(NetworkRef) -> Done, Delete "/networks/{network}", Developer, [Storage];
    /// Puts a container into a network, where the others find it by its name.
    change join_network(NetworkMembership) -> Done, Post "/networks/{network}/join", Developer, [Storage, Containers];
    /// Takes a container out of a network.
    change leave_network(NetworkMembership) -> Done, Post "/networks/{network}/leave", Developer, [Storage, Containers];
    /// Says what takes place on a host's disk.
    read read_disk(ReadDisk) -> DiskReport, Get "/disk", Viewer, [Storage];
    /// Gives disk space back. Without anything named: only what this launcher made and nobody uses.
    change clean(Clean) -> Cleaned, Post "/disk/clean", Developer, [Storage];
    /// How idle the containers are, and which will be stopped for it.
    read list_idle(Nothing) -> IdleList, Get "/idle", Viewer, [Containers];
    /// Chooses after how long a container is stopped that nobody uses.
    change set_idle(SetIdle) -> IdleInfo, Put "/containers/{container}/idle", Developer, [Containers];
    /// Keeps a container from being stopped for idleness, for a time.
    change keep_awake(KeepAwake) -> IdleInfo, Post "/containers/{container}/awake", Developer, [Containers];
    /// Whether the background service is installed and runs.
    read show_service(Nothing) -> ServiceInfo, Get "/service", Viewer, [Doctor];
    /// Starts the background service now and at each login of the person.
    change install_service(Nothing) -> ServiceInfo, Post "/service", Admin, [Doctor];
    /// Ends the background service and starts it no more.
    change uninstall_service(Nothing) -> ServiceInfo, Delete "/service", Admin, [Doctor];
    /// Copies a file or folder of this computer into a container, which need not run.
    change copy_into_container(CopyIn) -> Copied, Post "/containers/{container}/files", Developer, [];
    /// Copies a file or folder of a container, which need not run, to this computer. Nothing is written elsewhere, whatever
    /// the container sends.
    change copy_from_container(CopyOut) -> Copied, Post "/containers/{container}/files/out", Admin, [];
    /// Reads a configuration in the reference's own shape, without making anything of it.
    read read_config(ReadConfig) -> ConfigDocument, Post "/config/read", Viewer, [];
    /// Lists the jobs of this process.
    read list_jobs(Nothing) -> JobList, Get "/jobs", Viewer, [Jobs];
    /// Shows one job.
    read show_job(JobRef) -> Job, Get "/jobs/{job}", Viewer, [Jobs];
    /// Stops a job. What it made is taken back or kept for the next run; the job says which.
    change cancel_job(JobRef) -> Done, Post "/jobs/{job}/cancel", Developer, [Jobs];
    /// Lists events, oldest first.
    read list_events(ListEvents) -> EventPage, Get "/events", Viewer, [Events];
    /// Lists the hosts that were found, and whether they answer.
    read list_hosts(Nothing) -> HostList, Get "/hosts", Viewer, [Hosts];
    /// Lists the settings with their values and defaults.
    read list_settings(Nothing) -> SettingList, Get "/settings", Viewer, [Settings];
    /// Shows one setting.
    read get_setting(SettingKey) -> Setting, Get "/settings/{key}", Viewer, [Settings];
    /// Changes a setting, or brings its default back.
    change set_setting(SetSetting) -> Setting, Put "/settings/{key}", Admin, [Settings];
    /// Checks everything that the launcher needs, and says how to mend what fails.
    read run_doctor(RunDoctor) -> DoctorReport, Post "/doctor", Viewer, [Doctor];
    /// Shows the access key and its certificate.
    read show_key(Nothing) -> KeyInfo, Get "/ssh/key", Viewer, [Ssh];
    /// Lists the keys, the access key first.
    read list_keys(Nothing) -> KeyList, Get "/ssh/keys", Viewer, [Ssh];
    /// Shows one key.
    read show_stored_key(KeyRef) -> KeyRecord, Get "/ssh/keys/{name}", Viewer, [Ssh];
    /// Makes a key. Its private half is encrypted where it lies.
    change generate_key(GenerateKey) -> KeyRecord, Post "/ssh/keys", Admin, [Ssh];
    /// Brings a key here: a private one, which is encrypted where it lies, or a public one alone.
    change import_key(ImportKey) -> KeyRecord, Post "/ssh/keys/import", Admin, [Ssh];
    /// Gives a key out: its public half, or the private one, encrypted.
    change export_key(ExportKey) -> ExportedKey, Post "/ssh/keys/{name}/export", Admin, [Ssh];
    /// Changes what protects the private half of a key.
    change change_key_passphrase(ChangeKeyPassphrase) -> KeyRecord, Post "/ssh/keys/{name}/passphrase", Admin, [Ssh];
    /// Puts a new key in the place of one; the old one is revoked when the overlap ends.
    change rotate_key(RotateKey) -> RotatedKey, Post "/ssh/keys/rotate", Admin, [Ssh];
    /// Removes a key, its certificate and its passphrase, and takes it from the ssh-agent.
    change remove_key(KeyRef) -> RemovedKey, Delete "/ssh/keys/{name}", Admin, [Ssh];
    /// Lists what the person's ssh-agent holds.
    read list_agent_keys(Nothing) -> AgentKeyList, Get "/ssh/agent", Viewer, [Ssh];
    /// Gives a key and a fresh certificate for it to the ssh-agent, for a time.
    change add_agent_key(AddAgentKey) -> AgentKeyList, Post "/ssh/agent/{name}", Admin, [Ssh];
    /// Takes a key and its certificates from the ssh-agent.
    change remove_agent_key(KeyRef) -> Done, Delete "/ssh/agent/{name}", Admin, [Ssh];
    /// Shows the authorities.
    read list_authorities(Nothing) -> AuthorityList, Get "/ssh/authorities", Viewer, [Ssh];
    /// Shows one authority.
    read show_authority(AuthorityRef) -> AuthorityInfo, Get "/ssh/authorities/{kind}", Viewer, [Ssh];
    /// Makes the next authority of a kind. Nobody accepts it yet.
    change create_authority(AuthorityOfKind) -> AuthorityInfo, Post "/ssh/authorities/{kind}", Admin, [Ssh];
    /// Brings an authority here that exists elsewhere, as the next of its kind.
    change import_authority(ImportAuthority) -> AuthorityInfo, Post "/ssh/authorities/{kind}/import", Admin, [Ssh];
    /// Takes the next step of a rotation: make, accept, let sign, retire the last.
    change rotate_authority(AuthorityOfKind) -> AuthorityList, Post "/ssh/authorities/{kind}/rotate", Admin, [Ssh];
    /// Takes the last step of a rotation back.
    change rollback_authority(AuthorityOfKind) -> AuthorityList, Post "/ssh/authorities/{kind}/rollback", Admin, [Ssh];
    /// Ends the life of the last authority of a kind, after another signs in its place.
    change retire_authority(RetireAuthority) -> AuthorityList, Post "/ssh/authorities/{kind}/retire", Admin, [Ssh];
    /// Gives the key of an authority out: its public half, or the private one, encrypted.
    change export_authority(ExportAuthority) -> ExportedKey, Post "/ssh/authorities/{kind}/export", Admin, [Ssh];
    /// Sets what the authority of a kind may sign.
    change set_authority_policy(SetAuthorityPolicy) -> AuthorityInfo, Put "/ssh/authorities/{kind}/policy", Admin, [Ssh];
    /// Lists the certificates that were signed, newest first.
    read list_certificates(ListCertificates) -> CertificateList, Get "/ssh/certificates", Viewer, [Ssh];
    /// Shows the record of one certificate.
    read show_certificate(CertificateRef) -> CertificateRecord, Get "/ssh/certificates/{kind}/{serial}", Viewer, [Ssh];
    /// Signs a public key that somebody sent, and says how they use the certificate.
    change issue_certificate(IssueCertificate) -> IssuedCertificate, Post "/ssh/certificates", Admin, [Ssh];
    /// Signs the access key's certificate anew, and those of containers that are due.
    change renew_certificates(Nothing) -> Done, Post "/ssh/certificates/renew", Developer, [Ssh];
    /// Revokes certificates or a key, for new connections and open sessions. It is final.
    change revoke_certificate(Revoke) -> Revoked, Post "/ssh/revocations", Admin, [Ssh];
    /// Lists what is revoked.
    read list_revocations(Nothing) -> RevocationReport, Get "/ssh/revocations", Viewer, [Ssh];
    /// Says whether a certificate would be accepted, and why.
    read verify_certificate(VerifyCertificate) -> CertificateVerdict, Post "/ssh/certificates/verify", Viewer, [Ssh];
    /// Lists secrets by name. The vault stays closed.
    read list_secrets(ListSecrets) -> SecretList, Get "/secrets", Viewer, [Secrets];
    /// Shows what is known of a secret, without its value.
    read show_secret(SecretRef) -> SecretInfo, Get "/secrets/{name}", Viewer, [Secrets];
    /// Sets a secret, for all containers of this person or for one.
    change set_secret(SetSecret) -> SecretInfo, Put "/secrets/{name}", Developer, [Secrets];
    /// Shows the value of a secret.
    change reveal_secret(SecretRef) -> RevealedSecret, Post "/secrets/{name}/reveal", Admin, [];
    /// Removes a secret. Containers lose it when they are entered next.
    change remove_secret(SecretRef) -> Done, Delete "/secrets/{name}", Developer, [Secrets];
    /// Notes that a secret that a configuration asks for is not to be set.
    change decline_secret(SecretRef) -> Done, Post "/secrets/{name}/decline", Developer, [Secrets];
    /// Says which secrets a folder's configuration asks for, and which of them are there.
    read list_asked_secrets(AskedSecretsOf) -> AskedSecrets, Post "/secrets/asked", Viewer, [Secrets];
    /// Shows the vault, the ways into it, and the state of the keychain.
    read show_vault(Nothing) -> VaultInfo, Get "/vault", Viewer, [Secrets];
    /// Changes the ways into the vault, without touching what is in it.
    change change_vault(ChangeVault) -> VaultChanged, Put "/vault", Admin, [Secrets, Doctor];
    /// Makes a recovery key, in the place of the one that there may be. It is shown once.
    change make_recovery_key(MakeRecoveryKey) -> RecoveryKeyText, Post "/vault/recovery-key", Admin, [Secrets];
    /// Unlocks the keychain of the operating system, by its own prompt or with its password.
    change unlock_keychain(UnlockKeychain) -> Done, Post "/vault/keychain", Admin, [Secrets, Doctor];
    /// Says whether plain `ssh NAME.devctl` works.
    read ssh_status(Nothing) -> SshStatus, Get "/ssh", Viewer, [Ssh];
    /// Says which lines of the user's ssh configuration are in force for a host, and which only `ssh` can tell.
    read explain_ssh_host(ExplainSshHost) -> SshHostLines, Post "/ssh/config/explain", Viewer, [Ssh];
    /// Shows what adding the one Include line to the user's ssh configuration would change.
    read plan_ssh_install(Nothing) -> SshInstallPlan, Get "/ssh/install", Viewer, [Ssh];
    /// Adds the one Include line to the user's ssh configuration.
    change install_ssh(Nothing) -> SshInstallPlan, Post "/ssh/install", Admin, [Ssh];
    /// Takes the Include line out of the user's ssh configuration.
    change uninstall_ssh(Nothing) -> SshInstallPlan, Delete "/ssh/install", Admin, [Ssh];
    /// Shows the complete client configuration.
    read show_ssh_config(Nothing) -> SshConfigText, Get "/ssh/config", Viewer, [Ssh];
    /// Gives input to an open terminal.
    read write_terminal(WriteTerminal) -> Done, Post "/terminals/{terminal}/input", Developer, [];
    /// Tells an open terminal its size.
    read resize_terminal(ResizeTerminal) -> Done, Post "/terminals/{terminal}/size", Developer, [];
    /// Closes a terminal; its shell gets a hang-up.
    read close_terminal(TerminalRef) -> Done, Delete "/terminals/{terminal}", Developer, [];
}

streams! {
    /// Everything that changes, as it changes.
    changes(Nothing) -> Change, Viewer;
    /// A job: first the whole job with its log so far, then each update until it ends.
    follow_job(JobRef) -> JobUpdate, Viewer;
    /// The log of a container's main process.
    follow_logs(FollowLogs) -> LogChunk, Viewer;
    /// What containers use, once a second. Only what somebody follows is asked for, once for all who do.
    follow_stats(StatsOf) -> StatsUpdate, Viewer;
    /// What happens to the forwards of a container that this process carries, those of before first.
    follow_ports(ContainerRef) -> PortUpdate, Viewer;
    /// A terminal in a container.
    open_terminal(OpenTerminal) -> TerminalOutput, Developer;
}

fn parse<T: DeserializeOwned>(name: &str, request: Value) -> Result<T, Problem> {
    let request = if request.is_null() {
        Value::Object(serde_json::Map::new())
    } else {
        request
    };
    serde_json::from_value(request).map_err(|e| {
        Problem::new(
            ErrorCode::RequestInvalid,
            format!("the request of {name} cannot be read: {e}"),
        )
    })
}

fn answer<T: Serialize>(response: T) -> Result<Value, Problem> {
    serde_json::to_value(response)
        .map_err(|e| Problem::new(ErrorCode::Internal, "an answer could not be written").why(e.to_string()))
}

fn as_json<T: Serialize + Send + 'static>(mut items: mpsc::Receiver<T>) -> mpsc::Receiver<Value> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(item) = items.recv().await {
            match serde_json::to_value(item) {
                Ok(value) => {
                    if sender.send(value).await.is_err() {
                        break;
                    }
                }
                Err(error) => tracing::error!(%error, "an item of a stream could not be written"),
            }
        }
    });
    receiver
}
