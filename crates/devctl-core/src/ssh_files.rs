//! What doors show of keys, certificates, authorities, and the Include line.

use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::identity;
use devctl_model::{
    CertificateInfo, ErrorCode, ExplainSshHost, KeyInfo, Problem, SshDamage, SshEditorConfig, SshHostLine,
    SshHostLines, SshInstallPlan, SshStatus,
};
use devctl_ssh::{AccessKey, IncludeAction, IncludePlan, Placement, SshClient, UserConfig};
use std::path::{Path, PathBuf};
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
                    .map(|access| config.ssh_host(&access.alias))
                    .collect(),
                problem,
                certificate: certificate(&config),
                damage: damage(&config)?,
                editor_config: match editor_config(&config)? {
                    None => None,
                    Some(path) => {
                        let status = devctl_ssh::include_status(&path, &ssh).or_problem()?;
                        Some(SshEditorConfig {
                            path: path.display().to_string(),
                            installed: matches!(status.placement, Placement::InForce { .. }),
                        })
                    }
                },
            })
        })
        .await
    }

    /// Which lines are in force for a host.
    pub(crate) async fn host_lines(self: &Arc<Self>, asked: ExplainSshHost) -> Result<SshHostLines, Problem> {
        let config = self.config.clone();
        blocking(move || {
            let read = UserConfig::read(&config.ssh_user_config, &config.home, &config.user).or_problem()?;
            let effective = read.effective(&asked.host, None);
            let line = |line: &devctl_ssh::ConfigLine| SshHostLine {
                keyword: line.keyword.clone(),
                value: line.value.clone(),
                file: line.file.display().to_string(),
                line: line.line as u64,
            };
            Ok(SshHostLines {
                lines: effective.lines.iter().map(line).collect(),
                conditional: effective.conditional.iter().map(line).collect(),
                remarks: effective
                    .remarks
                    .iter()
                    .chain(read.faults())
                    .map(|fault| SshDamage {
                        tool: String::new(),
                        file: fault.file.display().to_string(),
                        line: fault.line as u64,
                        what: fault.what.clone(),
                        fix: String::new(),
                    })
                    .collect(),
            })
        })
        .await
    }

    /// What adding the Include line would change.
    pub(crate) async fn include_plan(self: &Arc<Self>) -> Result<SshInstallPlan, Problem> {
        let config = self.config.clone();
        blocking(move || {
            let plan = |path: &Path| devctl_ssh::plan_install(path, &config.ssh()).or_problem();
            let mut answer = shown(&plan(&config.ssh_user_config)?);
            if let Some(path) = editor_config(&config)? {
                answer.editor = Some(Box::new(shown(&plan(&path)?)));
            }
            Ok(answer)
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
            config.ssh().ensure().or_problem()?;
            let mut answer = changed(&config, &config.ssh_user_config, add)?;
            if let Some(path) = editor_config(&config)? {
                answer.editor = Some(Box::new(changed(&config, &path, add)?));
            }
            Ok(answer)
        })
        .await
    }
}

/// Adds the Include line to one configuration, or takes it out.
fn changed(config: &CoreConfig, path: &Path, add: bool) -> Result<SshInstallPlan, Problem> {
    let ssh = config.ssh();
    let plan = if add {
        devctl_ssh::plan_install(path, &ssh)
    } else {
        devctl_ssh::plan_uninstall(path, &ssh)
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
        .safe("nothing was changed in it"));
    }
    if add {
        devctl_ssh::install(&plan, &ssh, client(config).as_ref()).or_problem()?;
    } else {
        devctl_ssh::uninstall(&plan, &ssh).or_problem()?;
    }
    Ok(shown(&plan))
}

/// The configuration that VS Code's Remote SSH uses instead of the user's own, where its settings name one.
fn editor_config(config: &CoreConfig) -> Result<Option<PathBuf>, Problem> {
    let home = &config.home;
    let folder = if cfg!(windows) {
        home.join("AppData/Roaming")
    } else if cfg!(target_os = "macos") {
        home.join("Library/Application Support")
    } else {
        let chosen = config.env.get("XDG_CONFIG_HOME").filter(|path| !path.is_empty());
        chosen.map_or_else(|| home.join(".config"), PathBuf::from)
    };
    match devctl_ssh::editor_ssh_config(&folder.join("Code/User/settings.json"), home) {
        Ok(path) => Ok(path.filter(|path| *path != config.ssh_user_config)),
        // Settings that cannot be read are the editor's to tell.
        Err(error) => {
            tracing::debug!(%error, "the editor's settings are not looked at");
            Ok(None)
        }
    }
}

/// What breaks logins in the user's configuration.
pub(crate) fn damage(config: &CoreConfig) -> Result<Vec<SshDamage>, Problem> {
    let host = identity::known(config).first().map_or_else(
        || config.ssh_host("devctl-check"),
        |access| config.ssh_host(&access.alias),
    );
    let found = devctl_ssh::config_damage(
        &config.ssh_user_config,
        &config.ssh(),
        &config.home,
        &config.user,
        &host,
        client(config).as_ref(),
    );
    Ok(found
        .or_problem()?
        .into_iter()
        .map(|one| SshDamage {
            tool: one.tool.name().to_owned(),
            file: one.file.display().to_string(),
            line: one.line as u64,
            what: one.what,
            fix: one.fix,
        })
        .collect())
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

fn shown(plan: &IncludePlan) -> SshInstallPlan {
    let changes = matches!(
        plan.action,
        IncludeAction::Insert | IncludeAction::MoveToTop | IncludeAction::Remove
    );
    SshInstallPlan {
        path: plan.target.display().to_string(),
        already: matches!(plan.action, IncludeAction::AlreadyThere | IncludeAction::NotThere),
        diff: plan.diff.clone(),
        backup: (changes && plan.target.exists()).then(|| plan.backup.display().to_string()),
        blocked: (plan.action == IncludeAction::ReadOnly)
            .then(|| format!("{} may not be changed by you", plan.target.display())),
        include_line: plan.line.clone(),
        editor: None,
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
