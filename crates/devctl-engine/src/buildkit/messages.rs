//! The protobuf messages of BuildKit that are used here, written by hand from its `.proto` files: fields that nobody
//! reads are left out, which the encoding allows.

use prost::Message;

/// `moby.buildkit.secrets.v1.GetSecretRequest`
#[derive(Clone, PartialEq, Message)]
pub(super) struct GetSecretRequest {
    #[prost(string, tag = "1")]
    pub(super) id: String,
}

/// `moby.buildkit.secrets.v1.GetSecretResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct GetSecretResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) data: Vec<u8>,
}

/// `moby.sshforward.v1.CheckAgentRequest`
#[derive(Clone, PartialEq, Message)]
pub(super) struct CheckAgentRequest {
    #[prost(string, tag = "1")]
    pub(super) id: String,
}

/// `moby.sshforward.v1.BytesMessage`
#[cfg(unix)]
#[derive(Clone, PartialEq, Message)]
pub(super) struct BytesMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) data: Vec<u8>,
}

/// `moby.filesync.v1.CredentialsRequest`
#[derive(Clone, PartialEq, Message)]
pub(super) struct CredentialsRequest {
    #[prost(string, tag = "1")]
    pub(super) host: String,
}

/// `moby.filesync.v1.CredentialsResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct CredentialsResponse {
    #[prost(string, tag = "1")]
    pub(super) username: String,
    #[prost(string, tag = "2")]
    pub(super) secret: String,
}

/// `grpc.health.v1.HealthCheckResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct HealthCheckResponse {
    /// 1 is "serving".
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
}

/// An answer without a field.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Empty {}

/// `moby.buildkit.v1.StatusResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct StatusResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) vertexes: Vec<Vertex>,
    #[prost(message, repeated, tag = "2")]
    pub(super) statuses: Vec<VertexStatus>,
    #[prost(message, repeated, tag = "3")]
    pub(super) logs: Vec<VertexLog>,
    #[prost(message, repeated, tag = "4")]
    pub(super) warnings: Vec<VertexWarning>,
}

/// `moby.buildkit.v1.Vertex`: a step of the build.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Vertex {
    #[prost(string, tag = "1")]
    pub(super) digest: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(bool, tag = "4")]
    pub(super) cached: bool,
    #[prost(message, optional, tag = "5")]
    pub(super) started: Option<Timestamp>,
    #[prost(message, optional, tag = "6")]
    pub(super) completed: Option<Timestamp>,
    #[prost(string, tag = "7")]
    pub(super) error: String,
}

/// `moby.buildkit.v1.VertexStatus`: progress inside a step.
#[derive(Clone, PartialEq, Message)]
pub(super) struct VertexStatus {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) vertex: String,
    #[prost(int64, tag = "4")]
    pub(super) current: i64,
    #[prost(int64, tag = "5")]
    pub(super) total: i64,
}

/// `moby.buildkit.v1.VertexLog`
#[derive(Clone, PartialEq, Message)]
pub(super) struct VertexLog {
    #[prost(string, tag = "1")]
    pub(super) vertex: String,
    /// 1 is the standard output, 2 the standard error.
    #[prost(int64, tag = "3")]
    pub(super) stream: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) msg: Vec<u8>,
}

/// `moby.buildkit.v1.VertexWarning`
#[derive(Clone, PartialEq, Message)]
pub(super) struct VertexWarning {
    #[prost(bytes = "vec", tag = "3")]
    pub(super) short: Vec<u8>,
}

/// `google.protobuf.Timestamp`
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}
