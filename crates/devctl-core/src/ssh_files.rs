//! What doors show of keys, certificates, authorities, and the Include line.

use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::identity;
use devctl_model::{CertificateInfo, ErrorCode, KeyInfo, Problem, SshInstallPlan, SshStatus};
use devctl_ssh::{AccessKey, IncludeAction, IncludePlan, Placement, SshClient};
use std::path::Path;
use std::sync::Arc;

impl Core {
    /// The access key and its certificate; both are made where they are missing.
    pub(crate) async fn key_info(self: &Arc<Self>) -> Result<KeyInfo, Problem> {
        self.ensure_identity().await?;
        let config = self.config.clone();
        blocking(move || {
            let key = AccessKey::ensure(&config.ssh(), &format!("devctl access key of {}", config.user))
                .or_problem()?;
            Ok(KeyInfo {
                algorithm: key.public_key().algorithm().to_string(),
                fingerprint: key.fingerprint(),
                public_key: key.public_line().or_problem()?,
                path: key.path().display().to_string(),
                certificate: certificate(&config),
            })
        })
        .await
    }

    /// Whether plain `ssh NAME.devctl` works.
    pub(crate) async fn ssh_state(self: &Arc<Self>) -> Result<SshStatus, Problem> {
        let config = self.config.clone();
        blocking(move || {
            let ssh = config.ssh();
            let status = devctl_ssh::include_status(&config.ssh_user_config, &ssh).or_problem()?;
            let problem = match &status.placement {
                Placement::InForce { .. } => None,
                Placement::Missing if status.read_only => Some(format!(
                    "{} may not be changed; add the line yourself",
                    status.target.display()
                )),
                Placement::Missing => Some("the Include line is not there".to_owned()),
                Placement::InsideBlock { line } => Some(format!(
                    "the Include line in line {line} stands inside a block of other hosts"
                )),
            };
            Ok(SshStatus {
                installed: problem.is_none(),
                user_config: status.target.display().to_string(),
                our_config: ssh.config().display().to_string(),
                include_line: status.line,
                hosts: identity::known(&config)
                    .iter()
                    .map(|access| format!("{}.devctl", access.alias))
                    .collect(),
                problem,
                certificate: certificate(&config),
            })
        })
        .await
    }

    /// What adding the Include line would change.
    pub(crate) async fn include_plan(self: &Arc<Self>) -> Result<SshInstallPlan, Problem> {
        let config = self.config.clone();
        blocking(move || {
            let plan = devctl_ssh::plan_install(&config.ssh_user_config, &config.ssh()).or_problem()?;
            Ok(shown(&config, &plan))
        })
        .await
    }

    /// Adds the Include line, or takes it out.
    pub(crate) async fn include(self: &Arc<Self>, add: bool) -> Result<SshInstallPlan, Problem> {
        if add {
            // What the line names has to be there.
            self.ensure_identity().await?;
        }
        let config = self.config.clone();
        blocking(move || {
            let ssh = config.ssh();
            ssh.ensure().or_problem()?;
            let plan = if add {
                devctl_ssh::plan_install(&config.ssh_user_config, &ssh)
            } else {
                devctl_ssh::plan_uninstall(&config.ssh_user_config, &ssh)
            };
            let plan = plan.or_problem()?;
            if plan.action == IncludeAction::ReadOnly {
                let does = if add { "Add" } else { "Delete" };
                return Err(Problem::new(
                    ErrorCode::SshConfigReadonly,
                    format!("{} may not be changed", plan.target.display()),
                )
                .fix(format!(
                    "{does} this line yourself, at the very top: {}",
                    plan.line
                ))
                .fix(format!(
                    "Or say ssh -F {} for each connection",
                    ssh.config().display()
                ))
                .safe("nothing was changed"));
            }
            let client = client(&config);
            if add {
                devctl_ssh::install(&plan, &ssh, client.as_ref()).or_problem()?;
            } else {
                devctl_ssh::uninstall(&plan, &ssh).or_problem()?;
            }
            Ok(shown(&config, &plan))
        })
        .await
    }
}

/// The user's own ssh client, where there is one.
pub(crate) fn client(config: &CoreConfig) -> Option<SshClient> {
    let path = config.env.get("PATH")?;
    let name = if cfg!(windows) { "ssh.exe" } else { "ssh" };
    let program = std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())?;
    Some(SshClient::new(program))
}

fn shown(config: &CoreConfig, plan: &IncludePlan) -> SshInstallPlan {
    let changes = matches!(
        plan.action,
        IncludeAction::Insert | IncludeAction::MoveToTop | IncludeAction::Remove
    );
    SshInstallPlan {
        path: plan.target.display().to_string(),
        already: matches!(plan.action, IncludeAction::AlreadyThere | IncludeAction::NotThere),
        diff: plan.diff.clone(),
        backup: (changes && plan.target.exists()).then(|| config.ssh().backup().display().to_string()),
        blocked: (plan.action == IncludeAction::ReadOnly)
            .then(|| format!("{} may not be changed by you", plan.target.display())),
        include_line: plan.line.clone(),
    }
}

/// The certificate of the access key, as it is on the disk.
pub(crate) fn certificate(config: &CoreConfig) -> Option<CertificateInfo> {
    certificate_in(config, &config.ssh().access_key().ok()?.certificate)
}

/// The certificate in a file, where there is a readable one.
pub(crate) fn certificate_in(config: &CoreConfig, path: &Path) -> Option<CertificateInfo> {
    let text = std::fs::read_to_string(path).ok()?;
    let certificate = devctl_ssh::Certificate::from_openssh(text.trim()).ok()?;
    Some(certificate_info(config, &certificate))
}

/// A certificate in the words of doors.
pub(crate) fn certificate_info(
    config: &CoreConfig,
    certificate: &devctl_ssh::Certificate,
) -> CertificateInfo {
    let (after, before) = (certificate.valid_after(), certificate.valid_before());
    let now = config.now_seconds();
    CertificateInfo {
        serial: certificate.serial(),
        key_id: certificate.key_id().to_owned(),
        principals: certificate.valid_principals().to_vec(),
        valid_after: crate::clock::seconds_text(after),
        valid_before: crate::clock::seconds_text(before),
        renew_at: crate::clock::seconds_text(after + before.saturating_sub(after) / 3 * 2),
        valid: after <= now && now < before,
        authority: certificate
            .signature_key()
            .fingerprint(devctl_ssh::HashAlg::Sha256)
            .to_string(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Problem::new(ErrorCode::Internal, "a file could not be looked at").why(error.to_string())
    })?
}
