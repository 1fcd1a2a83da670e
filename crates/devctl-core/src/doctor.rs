//! The doctor: looks at everything that the launcher needs, and mends what can be mended without harm.

use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::engines::product;
use crate::identity;
use crate::record::Target;
use crate::ssh_files::{certificate, client};
use crate::vault;
use devctl_engine::EngineHealth;
use devctl_model::{CheckState, DoctorCheck, DoctorReport, ErrorCode, Fix, Problem};
use devctl_secrets::{KeySource, RollbackWatch, Vault};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Less than this is too little for an image.
const DISK_LOW: u64 = 2 * 1024 * 1024 * 1024;
/// Clocks further apart than this break certificates, which are dated back five minutes.
const CLOCKS_APART: Duration = Duration::from_secs(120);

impl Core {
    /// Makes all checks; with `fix`, mends first what can be mended without harm.
    pub(crate) async fn doctor(
        self: &Arc<Self>,
        caller: &Caller,
        fix: bool,
    ) -> Result<DoctorReport, Problem> {
        if fix {
            self.recorded(
                caller,
                "run_doctor",
                Target::other("installation", "doctor"),
                self.mend(),
            )
            .await?;
        }
        let mut checks = self.engine_checks().await;
        checks.push(self.disk_check().await);
        let core = self.clone();
        let local = tokio::task::spawn_blocking(move || core.local_checks());
        checks.extend(local.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "the checks could not be made").why(error.to_string())
        })?);
        let healthy = checks.iter().all(|check| check.state != CheckState::Failed);
        Ok(DoctorReport { checks, healthy })
    }

    /// Directories and their modes, keys, certificates and the generated configuration: all ours, all safe to make anew.
    async fn mend(self: &Arc<Self>) -> Result<(), Problem> {
        self.correct_key_modes()?;
        self.ensure_identity().await?;
        self.renew_all().await?;
        identity::write_client_config(&self.config)?;
        Ok(())
    }

    async fn engine_checks(self: &Arc<Self>) -> Vec<DoctorCheck> {
        let endpoint = match self.engines.endpoint(None) {
            Ok(endpoint) => endpoint.clone(),
            Err(problem) => return vec![failed("engine", "Engine", problem.message, None)],
        };
        let (mut engine, mut socket, mut api) = (
            ok("engine", "Engine", String::new()),
            ok(
                "socket",
                "Rights to the engine",
                format!("{} may be used", endpoint.url),
            ),
            ok("api", "Engine API", String::new()),
        );
        let skipped =
            |id: &str, title: &str| check(id, title, CheckState::Skipped, "waits for the engine".to_owned());
        let install = Fix {
            text: "Install an engine".to_owned(),
            command: Some("sudo apt-get install docker.io".to_owned()),
        };
        let start = Fix {
            text: "Start the engine".to_owned(),
            command: Some("sudo systemctl start docker".to_owned()),
        };
        let mut clock = skipped("clock", "Clock");
        match devctl_engine::probe(&endpoint).await {
            EngineHealth::Ok(facts) => {
                engine.detail = format!("{} at {}", facts.kind, endpoint.url);
                api.detail = format!("version {}", facts.api_version);
                if let Ok(connected) = self.engines.engine(&endpoint).await
                    && let Ok(info) = connected.info().await
                {
                    engine.detail = format!("{} at {}", product(info.kind, &info.version), endpoint.url);
                    for warning in &info.warnings {
                        tracing::debug!(warning, "the engine warns");
                    }
                    clock = self.clock_check(info.time.map(SystemTime::from));
                }
            }
            EngineHealth::NoSocket => {
                engine = failed(
                    "engine",
                    "Engine",
                    format!("nothing is at {}", endpoint.url),
                    Some(install),
                );
                socket = skipped("socket", "Rights to the engine");
                api = skipped("api", "Engine API");
            }
            EngineHealth::NoRights => {
                engine.detail = format!("something is at {}", endpoint.url);
                socket = failed(
                    "socket",
                    "Rights to the engine",
                    format!("{} may not be opened by {}", endpoint.url, self.config.user),
                    Some(Fix {
                        text: "Join the group docker, then log in again".to_owned(),
                        command: Some(format!("sudo usermod -aG docker {}", self.config.user)),
                    }),
                );
                api = skipped("api", "Engine API");
            }
            EngineHealth::NotAnswering(error) => {
                engine = failed("engine", "Engine", error.to_string(), Some(start));
                socket = skipped("socket", "Rights to the engine");
                api = skipped("api", "Engine API");
            }
            EngineHealth::TooOld { version } => {
                engine.detail = format!("answers at {}", endpoint.url);
                api = failed(
                    "api",
                    "Engine API",
                    format!("version {version} is older than what is needed"),
                    Some(Fix {
                        text: "Update the engine".to_owned(),
                        command: None,
                    }),
                );
            }
        }
        vec![engine, socket, api, clock]
    }

    /// The engine's clock against ours: certificates are checked by the container's, which is the engine's.
    fn clock_check(&self, theirs: Option<SystemTime>) -> DoctorCheck {
        let Some(theirs) = theirs else {
            return check(
                "clock",
                "Clock",
                CheckState::Skipped,
                "the engine does not tell the time".to_owned(),
            );
        };
        let ours = (self.config.clock)();
        let apart = ours
            .duration_since(theirs)
            .unwrap_or_else(|ahead| ahead.duration());
        if apart > CLOCKS_APART {
            let fix = Fix {
                text: "Set the clocks right".to_owned(),
                command: Some("sudo timedatectl set-ntp true".to_owned()),
            };
            let detail = format!(
                "the engine's clock is {} s away from this computer's",
                apart.as_secs()
            );
            return failed("clock", "Clock", detail, Some(fix));
        }
        ok(
            "clock",
            "Clock",
            "the engine's clock agrees with this computer's".to_owned(),
        )
    }

    async fn disk_check(self: &Arc<Self>) -> DoctorCheck {
        let title = "Disk space";
        let data_root = match self.engines.endpoint(None) {
            Ok(endpoint) => match self.engines.engine(&endpoint.clone()).await {
                Ok(engine) => engine.info().await.ok().map(|info| info.data_root),
                Err(_) => None,
            },
            Err(_) => None,
        };
        let mut places = vec![("state", nearest(&self.config.state_dir))];
        if let Some(root) = data_root.filter(|root| std::path::Path::new(root).is_dir()) {
            places.push(("the engine", root.into()));
        }
        let mut detail = Vec::new();
        let mut low = false;
        for (what, path) in places {
            match free(&path) {
                Some(bytes) => {
                    low |= bytes < DISK_LOW;
                    detail.push(format!("{:.1} GB free for {what}", bytes as f64 / 1e9));
                }
                None => detail.push(format!("what is free for {what} is not known")),
            }
        }
        let detail = detail.join(", ");
        if low {
            let fix = Fix {
                text: "See what takes the space".to_owned(),
                command: Some("docker system df".to_owned()),
            };
            return DoctorCheck {
                fix: Some(fix),
                ..check("disk", title, CheckState::Warning, detail)
            };
        }
        ok("disk", title, detail)
    }

    fn local_checks(&self) -> Vec<DoctorCheck> {
        let config = &self.config;
        let mut checks = Vec::new();
        checks.push(match client(config).and_then(|client| client.version()) {
            Some(version) => ok("ssh", "SSH client", version),
            None => failed(
                "ssh",
                "SSH client",
                "there is no ssh in PATH".to_owned(),
                Some(Fix {
                    text: "Install it".to_owned(),
                    command: Some("sudo apt-get install openssh-client".to_owned()),
                }),
            ),
        });
        checks.extend(vault_checks(config));
        checks.push(match self.store() {
            Ok(_) => ok(
                "state",
                "Event log",
                config.state_dir.join("state.db").display().to_string(),
            ),
            Err(problem) => {
                let fix = problem.fixes.first().cloned();
                failed("state", "Event log", problem.message, fix)
            }
        });
        let renew = Fix {
            text: "Sign it anew".to_owned(),
            command: Some("devctl doctor --fix".to_owned()),
        };
        checks.push(match certificate(config) {
            Some(found) if found.valid => ok(
                "certificate",
                "Certificate",
                format!("valid until {}, renewed by itself", found.valid_before),
            ),
            Some(found) => DoctorCheck {
                can_fix: true,
                fix: Some(renew),
                ..check(
                    "certificate",
                    "Certificate",
                    CheckState::Warning,
                    format!("ended {}", found.valid_before),
                )
            },
            None => DoctorCheck {
                can_fix: true,
                fix: Some(renew),
                ..check(
                    "certificate",
                    "Certificate",
                    CheckState::Warning,
                    "there is none yet".to_owned(),
                )
            },
        });
        checks.extend(self.key_checks());
        checks.push(self.include_check());
        checks.extend(self.damage_checks());
        checks.push(match crate::agent::mount(std::env::consts::ARCH) {
            Ok(_) => agent_check(&crate::agent::of_another_version()),
            Err(problem) => failed("agent", "Agent", problem.message, problem.fixes.first().cloned()),
        });
        checks
    }

    /// What other programs have broken in the user's ssh configuration; nothing where all is well.
    fn damage_checks(&self) -> Vec<DoctorCheck> {
        let found = match crate::ssh_files::damage(&self.config) {
            Ok(found) => found,
            Err(problem) => {
                return vec![failed("ssh_config", "SSH configuration", problem.message, None)];
            }
        };
        found
            .into_iter()
            .map(|one| DoctorCheck {
                fix: Some(Fix {
                    text: one.fix,
                    command: None,
                }),
                ..check(
                    "ssh_config",
                    "SSH configuration",
                    CheckState::Warning,
                    format!("{}:{} ({}): {}", one.file, one.line, one.tool, one.what),
                )
            })
            .collect()
    }

    fn include_check(&self) -> DoctorCheck {
        let title = "Include line";
        let install = Fix {
            text: "Add the one line, after seeing the change".to_owned(),
            command: Some("devctl ssh install".to_owned()),
        };
        match devctl_ssh::include_status(&self.config.ssh_user_config, &self.config.ssh()) {
            Ok(status) => match status.placement {
                devctl_ssh::Placement::InForce { line } => ok(
                    "include",
                    title,
                    format!("line {line} of {}", status.target.display()),
                ),
                devctl_ssh::Placement::Missing => DoctorCheck {
                    fix: Some(install),
                    ..check(
                        "include",
                        title,
                        CheckState::Warning,
                        format!(
                            "not in {}; until then: ssh -F {} NAME.devctl",
                            status.target.display(),
                            self.config.ssh().config().display()
                        ),
                    )
                },
                devctl_ssh::Placement::InsideBlock { line } => failed(
                    "include",
                    title,
                    format!(
                        "line {line} of {} stands inside a block of other hosts",
                        status.target.display()
                    ),
                    Some(install),
                ),
            },
            Err(error) => failed(
                "include",
                title,
                error.to_string(),
                error.fix().map(|text| Fix { text, command: None }),
            ),
        }
    }
}

fn check(id: &str, title: &str, state: CheckState, detail: String) -> DoctorCheck {
    DoctorCheck {
        id: id.to_owned(),
        title: title.to_owned(),
        state,
        detail,
        fix: None,
        can_fix: false,
    }
}

fn ok(id: &str, title: &str, detail: String) -> DoctorCheck {
    check(id, title, CheckState::Ok, detail)
}

fn failed(id: &str, title: &str, detail: String, fix: Option<Fix>) -> DoctorCheck {
    DoctorCheck {
        fix,
        ..check(id, title, CheckState::Failed, detail)
    }
}

/// The agents inside this program; `others` are the architectures whose agent is of another version.
fn agent_check(others: &[&str]) -> DoctorCheck {
    if others.is_empty() {
        return ok("agent", "Agent", "carried inside devctl".to_owned());
    }
    DoctorCheck {
        fix: Some(Fix {
            text: "Build devctl together with its agents".to_owned(),
            command: Some("cargo xtask build".to_owned()),
        }),
        ..check(
            "agent",
            "Agent",
            CheckState::Warning,
            format!(
                "the one inside devctl for {} is of another version than devctl",
                others.join(" and ")
            ),
        )
    }
}

/// The keychain, in each of its states with what to do about it, and the vault that it opens.
fn vault_checks(config: &CoreConfig) -> [DoctorCheck; 2] {
    let opened = vault::open(config);
    let keychain = vault::keychain(config);
    let keychain = match keychain {
        Some(state) if state.ready => ok("keychain", "Keychain", state.words),
        Some(state) => DoctorCheck {
            fix: state.fix.map(|text| Fix {
                command: (state.code == "secrets.keychain_locked")
                    .then(|| "devctl secret vault unlock".to_owned()),
                text,
            }),
            ..check(
                "keychain",
                "Keychain",
                // What opens by another way needs no keychain.
                if opened.is_ok() {
                    CheckState::Warning
                } else {
                    CheckState::Failed
                },
                state.words,
            )
        },
        None => check(
            "keychain",
            "Keychain",
            CheckState::Skipped,
            "not to be used here (DEVCTL_KEYCHAIN=off)".to_owned(),
        ),
    };
    let vault = match opened {
        Ok(vault) => vault_check(&vault, config.key_sources.keychain.is_some()),
        Err(problem) => failed("vault", "Vault", problem.message, problem.fixes.first().cloned()),
    };
    [keychain, vault]
}

fn vault_check(vault: &Vault, has_keychain: bool) -> DoctorCheck {
    let source = vault.key_source();
    let detail = format!("opened by {source}");
    if let RollbackWatch::Behind(why) = vault.rollback_watch() {
        return check(
            "vault",
            "Vault",
            CheckState::Warning,
            format!("{detail}; an older copy of it would not be noticed: {why}"),
        );
    }
    match source {
        KeySource::OwnFile(_) => DoctorCheck {
            fix: Some(if has_keychain {
                Fix {
                    text: "Let the keychain open it, once it works".to_owned(),
                    command: Some("devctl secret vault change --remove own-file --add keychain".to_owned()),
                }
            } else {
                Fix {
                    text: "Let a key file outside of this disk, a systemd credential or a passphrase open it"
                        .to_owned(),
                    command: Some("devctl secret vault show".to_owned()),
                }
            }),
            ..check(
                "vault",
                "Vault",
                CheckState::Warning,
                format!("{detail}: whoever reads the disk can read it"),
            )
        },
        _ => ok("vault", "Vault", detail),
    }
}

/// The nearest folder above that is there.
fn nearest(path: &std::path::Path) -> std::path::PathBuf {
    path.ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(path)
        .to_owned()
}

#[cfg(unix)]
fn free(path: &std::path::Path) -> Option<u64> {
    let space = rustix::fs::statvfs(path).ok()?;
    Some(space.f_bavail * space.f_frsize)
}

#[cfg(not(unix))]
fn free(_path: &std::path::Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_of_another_version_is_told() {
        assert_eq!(agent_check(&[]).state, CheckState::Ok);
        let told = agent_check(&["amd64", "arm64"]);
        assert_eq!(told.state, CheckState::Warning);
        assert!(told.detail.contains("amd64 and arm64"), "{}", told.detail);
        assert!(told.fix.is_some_and(|fix| fix.command.is_some()));
    }

    #[test]
    fn the_agents_that_are_built_with_it_are_of_its_own_version() {
        assert_eq!(crate::agent::of_another_version(), [""; 0]);
    }
}
