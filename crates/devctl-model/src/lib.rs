//! Nouns of the product, ids and error codes: plain data that every door and every room understands.
//!
//! Nothing here does I/O. Times are RFC 3339 strings in UTC, durations are whole milliseconds, sizes are bytes.
//! With the feature `schema` each type also describes itself as JSON Schema and TypeScript.

pub mod authority;
pub mod certificate;
pub mod config;
pub mod container;
pub mod copy;
pub mod disk;
pub mod doctor;
pub mod drift;
pub mod event;
pub mod host;
pub mod id;
pub mod idle;
pub mod image;
pub mod job;
pub mod key;
pub mod life;
pub mod look;
pub mod network;
pub mod port;
pub mod problem;
pub mod secret;
pub mod settings;
pub mod source;
pub mod ssh;
pub mod stream;
pub mod tag;
pub mod trust;
pub mod volume;

pub use authority::{
    AuthorityHome, AuthorityInfo, AuthorityKind, AuthorityList, AuthorityOfKind, AuthorityPhase,
    AuthorityRef, CertificatePolicy, ExportAuthority, ExportedKey, ImportAuthority, RetireAuthority,
    RotationState, RotationStep, SetAuthorityPolicy,
};
pub use certificate::{
    CertificateCheck, CertificateList, CertificateRecord, CertificateRef, CertificateState,
    CertificateVerdict, CertificateWay, IssueCertificate, IssuedCertificate, ListCertificates,
    RevocationInfo, RevocationReport, Revoke, Revoked, VerifyCertificate,
};
pub use config::{ConfigDocument, ReadConfig};
pub use container::{
    Container, ContainerDetail, ContainerEnd, ContainerList, ContainerRef, ContainerState, MountInfo,
    PortInfo, RemoveContainer, RemovedContainer, RestartContainer, StartContainer, StopContainer,
    StoppedContainer, UpContainer, UpKind, UpOutcome,
};
pub use copy::{Copied, CopyIn, CopyOut};
pub use disk::{
    BuildCacheUse, Clean, CleanItem, CleanKind, Cleaned, ContainerUse, DiskReport, ImageUse, ReadDisk,
    VolumeUse,
};
pub use doctor::{CheckState, DoctorCheck, DoctorReport, RunDoctor};
pub use drift::{ContainerDrift, DriftCost, DriftField, RecreateContainer};
pub use event::{Change, EventPage, EventRecord, ListEvents, OutcomeKind};
pub use host::{Host, HostList, HostState};

pub use id::{ContainerId, EventId, JobId};
pub use idle::{IdleInfo, IdleList, IdleState, KeepAwake, ServiceInfo, SetIdle};
pub use image::{
    BuildImage, Image, ImageDetail, ImageHistory, ImageList, ImageRef, ImageStep, ListImages, MovedImage,
    MovedImages, PruneImages, PrunedImages, PullImages, PushImages, RemoveImage, RemovedImage, TagImage,
};
pub use job::{Job, JobList, JobLogLine, JobRef, JobState, JobUpdate, LogStream, Step, StepState};
pub use key::{
    AddAgentKey, AgentKey, AgentKeyList, ChangeKeyPassphrase, ExportKey, GenerateKey, ImportKey, KeyList,
    KeyOrigin, KeyProtection, KeyRecord, KeyRef, KeyState, KeyType, RemovedKey, RotateKey, RotatedKey,
};
pub use life::{
    AdoptContainer, AdoptedContainer, ChangedContainer, CloneContainer, ForgottenContainer, KillContainer,
    KilledContainer, PruneContainers, PrunedContainers, RenameContainer, RenamedContainer,
};
pub use look::{
    ContainerStats, FileChange, FileChangeKind, FileChangeList, Process, ProcessList, StatsList, StatsOf,
    StatsSample, StatsUpdate,
};
pub use network::{CreateNetwork, ListNetworks, Network, NetworkList, NetworkMembership, NetworkRef};
pub use port::{
    ContainerPorts, ForwardDirection, ForwardOrigin, ForwardPorts, ForwardedPorts, ListPorts, PlannedPort,
    PortForward, PortList, PortListener, PortUpdate, StopForwards, StoppedForwards,
};
pub use problem::{ErrorCode, Fix, Problem};
pub use secret::{
    AskedSecret, AskedSecretState, AskedSecrets, AskedSecretsOf, ChangeVault, KeychainInfo, ListSecrets,
    MakeRecoveryKey, RecoveryKeyText, RevealedSecret, SecretDelivery, SecretInfo, SecretList, SecretRef,
    SecretScope, SecretText, SetSecret, UnlockKeychain, VaultChanged, VaultInfo, VaultWay, VaultWayInfo,
};
pub use settings::{SetSetting, Setting, SettingKey, SettingList};
pub use source::{ConfigChoice, InspectSource, RebuildContainer, RebuildPreview, SourceInfo, SourceKind};
pub use ssh::{
    CertificateInfo, ExplainSshHost, KeyInfo, SshConfigText, SshDamage, SshEditorConfig, SshHostLine,
    SshHostLines, SshInstallPlan, SshStatus,
};
pub use stream::{
    FollowLogs, LogChunk, LogLine, OpenTerminal, ResizeTerminal, TerminalOutput, TerminalRef, WriteTerminal,
};
pub use tag::Tag;
pub use trust::{TrustItem, TrustKind, TrustSheet, trust_hash_in};
pub use volume::{
    BrowseVolume, CopiedFiles, CopyDirection, CopyVolume, CreateVolume, ExportVolume, ImportVolume,
    ListVolumes, RemoveVolume, Volume, VolumeArchive, VolumeFile, VolumeFileKind, VolumeFiles, VolumeList,
    VolumeRef,
};

use serde::{Deserialize, Serialize};

/// A request that carries nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The answer of an operation that has nothing to say beyond having worked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Done {
    /// False when the asked state already held and nothing had to be done.
    pub changed: bool,
}
