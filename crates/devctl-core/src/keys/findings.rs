//! What the doctor says of keys: what others may read, what is not ours, what is weak, and what ends soon.

use crate::certificates::is_revoked;
use crate::clock;
use crate::core::Core;
use crate::error::OrProblem;
use crate::revocations::parsed;
use devctl_model::{CheckState, DoctorCheck, Fix, Problem};
use devctl_ssh::{KeyStoreFinding, read_revocation_list, weakness};
use devctl_store::{AuthorityKind, CertificateFilter, KeyOrigin, KeyState, PassphraseOf};
use std::path::Path;

/// A certificate that ends within this many seconds is told.
const SOON: u64 = 60 * 60;
/// So many checks of a kind at most; the rest is counted.
const MOST: usize = 10;

impl Core {
    /// The checks of keys and certificates: one that says that all is well, or one for each thing that is not.
    pub(crate) fn key_checks(&self) -> Vec<DoctorCheck> {
        let title = "Keys";
        let found = self.file_checks().and_then(|mut checks| {
            checks.extend(self.weak_keys()?);
            checks.extend(self.ending_certificates()?);
            Ok(checks)
        });
        match found {
            Ok(checks) if checks.is_empty() => vec![row(
                "keys",
                title,
                CheckState::Ok,
                "modes are right, no key is weak, and no certificate ends soon".to_owned(),
                None,
            )],
            Ok(checks) => checks,
            Err(problem) => vec![DoctorCheck {
                fix: problem.fixes.first().cloned(),
                ..row("keys", title, CheckState::Failed, problem.message, None)
            }],
        }
    }

    fn file_checks(&self) -> Result<Vec<DoctorCheck>, Problem> {
        let ssh = self.config.ssh();
        let mut findings = ssh.findings().or_problem()?;
        findings.extend(ssh.keys().contents().or_problem()?.findings);
        let recorded = self.store()?.keys().or_problem()?;
        let mut checks: Vec<DoctorCheck> = findings.iter().map(file_check).collect();
        for key in &recorded {
            let Ok(name) = devctl_ssh::KeyName::new(&key.name) else {
                continue;
            };
            let path = ssh.keys().private_path(&name);
            if key.passphrase != PassphraseOf::Nobody && !path.exists() {
                checks.push(row(
                    "key-missing",
                    "Key file",
                    CheckState::Warning,
                    format!("the private half of {name} is gone from {}", path.display()),
                    Some(command(
                        "Forget it, or bring the file back",
                        format!("devctl key remove {name}"),
                    )),
                ));
            }
        }
        Ok(bounded(checks))
    }

    fn weak_keys(&self) -> Result<Vec<DoctorCheck>, Problem> {
        let mut checks = Vec::new();
        for key in self.store()?.keys().or_problem()? {
            let Some(weakness) = weakness(&parsed(&key.public_line)?) else {
                continue;
            };
            if key.state == KeyState::Revoked {
                continue;
            }
            let fix = if key.origin == KeyOrigin::Public {
                command(
                    "Ask its owner for another key, and forget this one",
                    format!("devctl key remove {}", key.name),
                )
            } else {
                command(
                    "Put a strong one in its place",
                    format!("devctl key rotate {}", key.name),
                )
            };
            checks.push(row(
                "key-weak",
                "Weak key",
                CheckState::Warning,
                format!("{} is {weakness}", key.name),
                Some(fix),
            ));
        }
        Ok(bounded(checks))
    }

    /// Certificates that nobody renews: those in hands of others, and those that were lent to an agent. Of each key the
    /// one that lasts longest counts.
    fn ending_certificates(&self) -> Result<Vec<DoctorCheck>, Problem> {
        let now = self.config.now_seconds();
        let store = self.store()?;
        let own = self.config.ssh().access_key().or_problem()?;
        let own = own
            .public_key()
            .or_problem()?
            .map(|key| crate::signer::fingerprint(&key));
        let valid = store
            .certificates(&CertificateFilter {
                kind: Some(AuthorityKind::User),
                valid_at: Some(now),
                ..CertificateFilter::default()
            })
            .or_problem()?;
        let authorities = store.authorities(AuthorityKind::User).or_problem()?;
        let list = read_revocation_list(&self.config.revocation_list()).or_problem()?;
        let retired = self.config.ssh().access_keys().or_problem()?;
        let retired: Vec<String> = retired
            .iter()
            .filter_map(|files| files.public_key().ok().flatten())
            .map(|key| crate::signer::fingerprint(&key))
            .collect();
        let names = store.keys().or_problem()?;
        let ending = valid.iter().filter(|one| {
            one.valid_before.saturating_sub(now) <= SOON
                && Some(&one.subject_fingerprint) != own.as_ref()
                && !retired.contains(&one.subject_fingerprint)
                && !is_revoked(one, &authorities, list.as_ref())
                && !valid.iter().any(|later| {
                    later.subject_fingerprint == one.subject_fingerprint
                        && later.valid_before > one.valid_before
                })
        });
        let checks = ending.map(|one| {
            let ours = names
                .iter()
                .find(|key| key.fingerprint == one.subject_fingerprint && key.origin != KeyOrigin::Public);
            let fix = match ours {
                Some(key) => command(
                    "Lend the key to the ssh-agent again, if it is still needed",
                    format!("devctl key agent add {}", key.name),
                ),
                None => command(
                    "Issue another one, if it is still needed",
                    "devctl cert issue KEY.pub --name WHO".to_owned(),
                ),
            };
            row(
                "certificate-ends",
                "Certificate ends soon",
                CheckState::Warning,
                format!("{} ends {}", one.key_id, clock::seconds_text(one.valid_before)),
                Some(fix),
            )
        });
        Ok(bounded(checks.collect()))
    }

    /// Corrects the modes of our directory, and of all that is ours in it.
    pub(crate) fn correct_key_modes(&self) -> Result<(), Problem> {
        let ssh = self.config.ssh();
        ssh.correct_modes().or_problem()?;
        ssh.keys().correct_modes().or_problem()?;
        Ok(())
    }
}

fn file_check(finding: &KeyStoreFinding) -> DoctorCheck {
    let warning = |id, title, detail, fix| row(id, title, CheckState::Warning, detail, Some(fix));
    match finding {
        KeyStoreFinding::LooseMode { path, mode } => DoctorCheck {
            can_fix: true,
            ..row(
                "key-mode",
                "Rights of a file",
                CheckState::Failed,
                format!("{} has mode {mode:o}, so that others may reach it", path.display()),
                Some(command("Correct the mode", "devctl doctor --fix".to_owned())),
            )
        },
        KeyStoreFinding::UnknownFile { path } => warning(
            "key-unknown-file",
            "Unknown file",
            format!("{} is none of ours", path.display()),
            Fix {
                text: "Move it elsewhere: this folder is devctl's own".to_owned(),
                command: None,
            },
        ),
        KeyStoreFinding::Plain { path } => warning(
            "key-plain",
            "Plain key",
            format!("{} is not encrypted", path.display()),
            Fix {
                text: format!(
                    "Encrypt it with ssh-keygen -p -f {}, or move it away and bring it here with devctl key import",
                    path.display()
                ),
                command: None,
            },
        ),
        KeyStoreFinding::Unreadable { path, source } => warning(
            "key-unreadable",
            "Unreadable key",
            format!("{}: {source}", path.display()),
            forget(path),
        ),
        KeyStoreFinding::OfAnotherKey { path } => warning(
            "key-mixed",
            "Mixed key files",
            format!("{} is of another key than the private one beside it", path.display()),
            Fix {
                text: "Remove that file; the public half is in the private one, and certificates are signed anew"
                    .to_owned(),
                command: None,
            },
        ),
        other => warning(
            "key-file",
            "Key file",
            format!("{other:?}"),
            Fix {
                text: "See what is in the folder of the keys".to_owned(),
                command: None,
            },
        ),
    }
}

fn forget(path: &Path) -> Fix {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    command(
        "Forget the key, or bring its file back",
        format!("devctl key remove {name}"),
    )
}

fn command(text: &str, command: String) -> Fix {
    Fix {
        text: text.to_owned(),
        command: Some(command),
    }
}

/// As many as a person reads; the last says how many there are beside.
fn bounded(mut checks: Vec<DoctorCheck>) -> Vec<DoctorCheck> {
    let more = checks.len().saturating_sub(MOST);
    checks.truncate(MOST);
    if more > 0
        && let Some(last) = checks.last_mut()
    {
        last.detail.push_str(&format!("; and {more} more like it"));
    }
    checks
}

fn row(id: &str, title: &str, state: CheckState, detail: String, fix: Option<Fix>) -> DoctorCheck {
    DoctorCheck {
        id: id.to_owned(),
        title: title.to_owned(),
        state,
        detail,
        fix,
        can_fix: false,
    }
}
