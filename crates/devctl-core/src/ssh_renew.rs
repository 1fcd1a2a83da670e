//! `ssh-renew`: runs before each `ssh` to a container, and does nothing when nothing is due.

use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::identity;
use crate::operations::Role;
use crate::record::Target;
use devctl_model::Problem;

/// Renews certificates that are due. Says whether anything was.
///
/// # Errors
/// What keeps a certificate from being signed: the vault, the keychain, the disk. Nothing is asked of anybody.
pub async fn run(config: &CoreConfig) -> Result<bool, Problem> {
    if !identity::anything_due(config) {
        return Ok(false);
    }
    let core = Core::open(config.clone()).await?;
    let caller = Caller {
        who: config.user.clone(),
        door: "ssh-proxy",
        role: Role::Developer,
    };
    let target = Target::other("certificate", &config.owner_principal());
    core.recorded(&caller, "renew_certificates", target, core.renew_all())
        .await?;
    Ok(true)
}
