//! `ssh-renew`: runs before each `ssh` to a container, and does nothing when nothing is due.

use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::identity;
use crate::operations::Role;
use crate::record::Target;
use devctl_model::Problem;
use std::sync::Arc;

/// Renews certificates that are due. Says whether anything was.
///
/// # Errors
/// What keeps a certificate from being signed: the vault, the keychain, the disk. Nothing is asked of anybody.
pub async fn run(config: &CoreConfig) -> Result<bool, Problem> {
    if !identity::anything_due(config) {
        return Ok(false);
    }
    renew(&Core::open(config.clone()).await?, "ssh-proxy").await?;
    Ok(true)
}

/// Renews what is due, for a door.
pub(crate) async fn renew(core: &Arc<Core>, door: &'static str) -> Result<(), Problem> {
    let caller = Caller {
        who: core.config.user.clone(),
        door,
        role: Role::Developer,
    };
    let target = Target::other("certificate", &core.config.owner_principal());
    core.recorded(&caller, "renew_certificates", target, core.renew_all())
        .await
}
