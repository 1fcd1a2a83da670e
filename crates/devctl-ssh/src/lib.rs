//! SSH keys, authorities, certificates, revocation lists, `ssh_config` and `known_hosts` files.
//!
//! Nothing here reads a clock, the environment or a home directory: times are seconds since the Unix epoch, paths and
//! settings come from the caller. The private halves of the [`Authority`] keys leave this crate only as bytes that the
//! caller keeps in the vault, or never leave the ssh agent that holds them ([`Signer`]); keys of people ([`UserKey`])
//! stand encrypted in a [`KeyStoreDir`]; the access key and the host keys are 0600 files, as sshd's own are.

mod access_key;
mod agent_error;
mod alias;
mod authority;
mod cert_policy;
mod certificate;
mod cidr;
mod client_config;
mod config_damage;
mod config_reader;
mod editor_config;
mod error;
mod explain;
mod include_line;
mod key;
mod key_error;
mod key_file;
mod key_store;
mod permission_fix;
mod quoting;
mod renewal;
mod revocation;
mod signer;
mod ssh_agent;
mod ssh_client;
mod ssh_dir;
mod stable_link;
mod user_key;

pub use access_key::{AccessKey, AccessKeyFiles};
pub use agent_error::AgentError;
pub use alias::{Alias, Suffix, slug};
pub use authority::{Authority, AuthorityKind, read_trusted_authorities, write_trusted_authorities};
pub use cert_policy::{CertPolicy, Issue, PolicyRefusal, PolicyRule, PrincipalRule, SubjectType, Transport};
pub use certificate::{
    BACKDATE, Extensions, HOST_VALIDITY, HostCertRequest, Principal, USER_VALIDITY, UserCertRequest,
    issue_host_certificate, issue_user_certificate,
};
pub use cidr::Cidr;
pub use client_config::{ClientConfig, HostEntry, Platform, render_config, render_known_hosts};
pub use config_damage::{Damage, ForeignTool, config_damage};
pub use config_reader::{ConfigLine, Effective, Fault, UserConfig};
pub use editor_config::editor_ssh_config;
pub use error::SshError;
pub use explain::{Check, CheckedRule, Explanation, Purpose, Question, Revocation, explain};
pub use include_line::{
    Applied, IncludeAction, IncludePlan, IncludeStatus, Placement, include_status, install, plan_install,
    plan_uninstall, uninstall,
};
pub use key_error::KeyError;
pub use key_file::{HostKey, HostKeys};
pub use key_store::{KeyName, KeyStoreContents, KeyStoreDir, KeyStoreFinding, StoredKey};
pub use renewal::{Due, host_renewal_due, renewal_due};
pub use revocation::{read_revocation_list, write_revocation_list};
pub use signer::Signer;
pub use ssh_agent::{AgentAddress, AgentConstraints, AgentIdentity, AgentTransport, IdentityKey, SshAgent};
pub use ssh_client::SshClient;
pub use ssh_dir::SshDir;
pub use stable_link::point_stable_link;
pub use user_key::{KeyAlgorithm, UserKey, Weakness, key_type, weakness};

pub use devctl_krl::{Entry as RevocationEntry, KrlError, RevocationList, Revoked};
pub use ssh_key::{Certificate, Fingerprint, HashAlg, PublicKey, Signature};
