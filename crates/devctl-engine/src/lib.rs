//! Container engines behind one trait.
//!
//! [`discover`] lists the engines of this machine, [`connect`] opens one, and everything else happens through
//! [`Engine`]. This crate is the only one that sees bollard: no type of it is part of the interface, so that the
//! core can be tested with an engine of its own making.
//!
//! Nothing here adds labels, names or defaults of its own: what the caller says is what the engine is told, and
//! nothing that the caller did not name is changed.

mod build;
mod buildkit;
mod container;
mod context;
mod credentials;
mod demux;
mod discovery;
mod docker;
mod dockerignore;
mod endpoint;
mod engine;
mod error;
mod event;
mod exec;
mod image;
mod info;
mod logs;
mod network;
mod reference;
mod stats;
mod storage;
mod subnet;
mod tail;
mod volume;
mod wire;

pub use build::{BuildEvent, BuildReport, BuildRequest, BuildSecret, BuildSshAgent, SecretSource};
pub use container::{
    ChangeKind, ContainerDetails, ContainerFilter, ContainerState, ContainerStatus, ContainerSummary,
    CreateRequest, Created, Device, DeviceRequest, FileChange, HealthState, Healthcheck, LogConfig,
    MountKind, MountPoint, MountSpec, NetworkAttachment, NetworkRequest, PortBinding, PortProtocol,
    Propagation, PublishedPort, RemoveOptions, RestartPolicy, Ulimit,
};
pub use credentials::{RegistryCredentials, RegistrySecret, helper_path};
pub use discovery::{Discovery, EngineEnv, EngineHealth, HostPlatform, discover, probe};
pub use endpoint::{Endpoint, EndpointSource, Transport};
pub use engine::{ByteStream, Engine, EngineFacts, connect, connect_known};
pub use error::{BuildFailure, EngineError, ObjectKind};
pub use event::{EngineEvent, EventCursor, EventFilter, ObjectEvent};
pub use exec::{
    ExecControl, ExecFrame, ExecOutput, ExecRequest, ExecSession, Finished, Input, OutputStream, RawExec,
    RawExecRequest, StderrSink, TerminalSize,
};
pub use image::{ImageDetails, PullEvent, PullRequest};
pub use info::{ApiVersion, CgroupVersion, EngineInfo, EngineKind};
pub use logs::{LogFrame, LogOptions, LogTail};
pub use network::{NetworkCreate, NetworkDetails};
pub use stats::{PathKind, PathStat, ProcessTable, StatsReading};
pub use storage::{
    CacheRecord, ContainerUsage, DiskUsage, ImageLayer, ImageSummary, LimitsUpdate, PushEvent, PushRequest,
    RemovedImage, VolumeUsage,
};
pub use subnet::{Ipv4Net, SubnetPool, parse_routes};
pub use volume::{VolumeCreate, VolumeDetails};
