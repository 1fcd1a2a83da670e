//! SSH keys, authorities, certificates, revocation lists, `ssh_config` and `known_hosts` files.
//!
//! Nothing here reads a clock, the environment or a home directory: times are seconds since the Unix epoch, paths and
//! settings come from the caller. The private halves of the [`Authority`] keys leave this crate only as bytes that the
//! caller keeps in the vault; the access key and the host keys are 0600 files, as sshd's own are.

mod alias;
mod authority;
mod certificate;
mod client_config;
mod error;
mod include_line;
mod key;
mod key_file;
mod quoting;
mod renewal;
mod revocation;
mod ssh_client;
mod ssh_dir;
mod stable_link;

pub use alias::{Alias, Suffix, slug};
pub use authority::{Authority, AuthorityKind, read_trusted_authorities, write_trusted_authorities};
pub use certificate::{
    BACKDATE, Extensions, HOST_VALIDITY, HostCertRequest, Principal, USER_VALIDITY, UserCertRequest,
    issue_host_certificate, issue_user_certificate,
};
pub use client_config::{ClientConfig, HostEntry, Platform, render_config, render_known_hosts};
pub use error::SshError;
pub use include_line::{
    Applied, IncludeAction, IncludePlan, IncludeStatus, Placement, include_status, install, plan_install,
    plan_uninstall, uninstall,
};
pub use key_file::{AccessKey, HostKey, HostKeys};
pub use renewal::{Due, host_renewal_due, renewal_due};
pub use revocation::{read_revocation_list, write_revocation_list};
pub use ssh_client::SshClient;
pub use ssh_dir::SshDir;
pub use stable_link::point_stable_link;

pub use devctl_krl::{Entry as RevocationEntry, KrlError, RevocationList, Revoked};
pub use ssh_key::{Certificate, HashAlg, PublicKey};
