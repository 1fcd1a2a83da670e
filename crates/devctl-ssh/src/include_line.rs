//! The one line in the user's `~/.ssh/config`.
//!
//! `Include` goes to the very top: below a `Host` or `Match` line it would belong to that block, and the first value
//! of an option wins. Nothing else of the file is touched, there are no markers, and taking the line out gives back
//! the file byte by byte. The file may be a link, dangling, read-only, without a final newline, with CRLF line ends
//! or not in UTF-8.

mod edit;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use devctl_files::{
    Action, FilesError, Mode, Reason, is_writable, read_optional, remove_if_there, replace_through_links,
    resolve_links, write_atomic,
};

use crate::error::SshError;
use crate::quoting;
use crate::ssh_client::SshClient;
use crate::ssh_dir::SshDir;
use edit::{Edit, Forms};

/// How often an edit starts again because another program wrote the file meanwhile.
const MOST_ATTEMPTS: usize = 50;

/// A name that is nobody's, to see that `ssh` reads the file at all.
const NOBODY: &str = "devctl-check.invalid";

/// What a plan would do to the user's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncludeAction {
    /// The line is not there: it goes to the top.
    Insert,
    /// The line is there, inside a `Host` or `Match` block: it moves to the top.
    MoveToTop,
    /// The line is there and in force.
    AlreadyThere,
    /// The line goes out.
    Remove,
    /// There is no line to take out.
    NotThere,
    /// Something would have to be done, but the file may not be changed: the line is for a person to paste (or, when
    /// uninstalling, to delete).
    ReadOnly,
}

/// A change to the user's configuration, to be shown before it is agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludePlan {
    /// The file as `ssh` names it.
    pub user_config: PathBuf,
    /// The file that would be written: the end of the links.
    pub target: PathBuf,
    /// What would be done.
    pub action: IncludeAction,
    /// The line itself, without a line end.
    pub line: String,
    /// The change as a unified diff; empty when nothing changes.
    pub diff: String,
    /// Where the file as it was is kept when the line goes in.
    pub backup: PathBuf,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
}

/// Whether the line is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// It is not there.
    Missing,
    /// It is there, before all blocks, in this line (from 1).
    InForce {
        /// The line number.
        line: usize,
    },
    /// It is there, but only holds for the hosts of the block that it stands in.
    InsideBlock {
        /// The line number.
        line: usize,
    },
}

/// What `devctl ssh status` and `doctor` show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludeStatus {
    /// The file as `ssh` names it.
    pub user_config: PathBuf,
    /// The end of the links.
    pub target: PathBuf,
    /// Where the line is.
    pub placement: Placement,
    /// The line as it should be.
    pub line: String,
    /// Whether the file may not be changed by us.
    pub read_only: bool,
}

/// Whether an edit changed the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The file was written.
    Changed,
    /// Nothing had to be done.
    Unchanged,
}

/// Plans to put our line at the top of `user_config`.
///
/// # Errors
/// [`SshError::ConfigInvalid`] for a file that `ssh` cannot read whatever stands in it (byte order mark, UTF-16),
/// [`SshError::Unquotable`] if our directory cannot be named in an `Include` line.
pub fn plan_install(user_config: &Path, dir: &SshDir) -> Result<IncludePlan, SshError> {
    plan(user_config, dir, Wish::Install)
}

/// Plans to take our line out.
///
/// # Errors
/// As [`plan_install`].
pub fn plan_uninstall(user_config: &Path, dir: &SshDir) -> Result<IncludePlan, SshError> {
    plan(user_config, dir, Wish::Uninstall)
}

/// Carries out what [`plan_install`] planned and a person agreed to. If the file changed since, the line is put into
/// what is there now. With `ssh`, the new file is tried before it is put in place: it must be accepted, and every host
/// that the file names must get the same options as before.
///
/// # Errors
/// [`SshError::ConfigReadOnly`], [`SshError::ConfigInvalid`], [`SshError::ConfigWouldChange`]; the file is then as it
/// was.
pub fn install(plan: &IncludePlan, dir: &SshDir, ssh: Option<&SshClient>) -> Result<Applied, SshError> {
    apply(plan, dir, ssh, Wish::Install)
}

/// Carries out what [`plan_uninstall`] planned. A file that did not exist before [`install`] is removed again.
///
/// # Errors
/// As [`install`], but the file is not tried: taking the line out must work also when `ssh` is unhappy.
pub fn uninstall(plan: &IncludePlan, dir: &SshDir) -> Result<Applied, SshError> {
    apply(plan, dir, None, Wish::Uninstall)
}

/// Where our line is.
///
/// # Errors
/// The file cannot be read, or our directory cannot be named in an `Include` line.
pub fn include_status(user_config: &Path, dir: &SshDir) -> Result<IncludeStatus, SshError> {
    let target = resolve_links(user_config)?;
    let forms = Forms::new(user_config, dir)?;
    let content = read_optional(&target)?.unwrap_or_default();
    let placement = match edit::find(&content, &forms) {
        None => Placement::Missing,
        Some(found) if found.inside_block => Placement::InsideBlock { line: found.line },
        Some(found) => Placement::InForce { line: found.line },
    };
    Ok(IncludeStatus {
        user_config: user_config.to_path_buf(),
        read_only: !is_writable(&target),
        target,
        placement,
        line: forms.canonical().to_owned(),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Install,
    Uninstall,
}

fn plan(user_config: &Path, dir: &SshDir, wish: Wish) -> Result<IncludePlan, SshError> {
    let target = resolve_links(user_config)?;
    let forms = Forms::new(user_config, dir)?;
    let before = read_optional(&target)?;
    let content = before.as_deref().unwrap_or_default();
    if wish == Wish::Install {
        refuse_what_ssh_cannot_read(content, user_config)?;
    }
    let found = edit::find(content, &forms);
    let (action, edit) = match (wish, found) {
        (Wish::Install, None) => (IncludeAction::Insert, Edit::put_on_top(content, &forms)),
        (Wish::Install, Some(found)) if found.inside_block => {
            (IncludeAction::MoveToTop, Edit::put_on_top(content, &forms))
        }
        (Wish::Install, Some(_)) => (IncludeAction::AlreadyThere, Edit::nothing(content)),
        (Wish::Uninstall, Some(_)) => (IncludeAction::Remove, Edit::take_out(content, &forms)),
        (Wish::Uninstall, None) => (IncludeAction::NotThere, Edit::nothing(content)),
    };
    let changes = !matches!(action, IncludeAction::AlreadyThere | IncludeAction::NotThere);
    let action = if changes && !is_writable(&target) {
        IncludeAction::ReadOnly
    } else {
        action
    };
    Ok(IncludePlan {
        user_config: user_config.to_path_buf(),
        target,
        action,
        line: forms.canonical().to_owned(),
        diff: edit.diff(user_config),
        backup: dir.backup_of(user_config),
        after: edit.after(),
        before,
    })
}

fn apply(
    agreed: &IncludePlan,
    dir: &SshDir,
    ssh: Option<&SshClient>,
    wish: Wish,
) -> Result<Applied, SshError> {
    let _lock = dir.lock()?;
    for _ in 0..MOST_ATTEMPTS {
        let plan = plan(&agreed.user_config, dir, wish)?;
        match plan.action {
            IncludeAction::AlreadyThere | IncludeAction::NotThere => return Ok(Applied::Unchanged),
            IncludeAction::ReadOnly => return Err(read_only(&plan)),
            IncludeAction::Remove if plan.after.is_empty() && read_optional(&plan.backup)?.is_none() => {
                // There was no file when the line came in.
                if read_optional(&plan.target)? == plan.before {
                    remove_if_there(&plan.target).map_err(|error| or_read_only(error, &plan))?;
                    return Ok(Applied::Changed);
                }
            }
            IncludeAction::Insert | IncludeAction::MoveToTop | IncludeAction::Remove => {
                if let Some(ssh) = ssh {
                    try_out(&plan, dir, ssh)?;
                }
                if wish == Wish::Install {
                    prepare(&plan)?;
                }
                let done =
                    replace_through_links(&plan.user_config, &plan.after, 0o600, plan.before.as_deref())
                        .map_err(|error| or_read_only(error, &plan))?;
                if done {
                    return Ok(Applied::Changed);
                }
            }
        }
    }
    Err(SshError::ConfigBusy {
        path: agreed.user_config.clone(),
    })
}

/// Keeps a copy of the file as it is, or notes that there is none, and makes `~/.ssh` where it is missing.
fn prepare(plan: &IncludePlan) -> Result<(), SshError> {
    match &plan.before {
        Some(bytes) => write_atomic(&plan.backup, bytes, Mode::PRIVATE)?,
        None => {
            remove_if_there(&plan.backup)?;
            if let Some(parent) = plan.target.parent().filter(|parent| !parent.exists()) {
                devctl_files::ensure_private_dir(parent)?;
            }
        }
    }
    Ok(())
}

/// The new content in a file of ours, before anything of the user's is touched: `ssh` must accept it, and give every
/// host that the user's file names what it gave before.
fn try_out(plan: &IncludePlan, dir: &SshDir, ssh: &SshClient) -> Result<(), SshError> {
    let stage = |bytes: &[u8]| {
        let failed = |error| SshError::from(FilesError::new(Action::Write, dir.path(), error));
        let mut file = tempfile::Builder::new()
            .prefix(".try-")
            .tempfile_in(dir.path())
            .map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        Ok::<_, SshError>(file)
    };
    let old = stage(plan.before.as_deref().unwrap_or_default())?;
    let new = stage(&plan.after)?;
    let content = plan.before.as_deref().unwrap_or_default();
    for host in std::iter::once(NOBODY.to_owned()).chain(edit::named_hosts(content)) {
        let told = |error| match error {
            SshError::ConfigInvalid { message, path } => SshError::ConfigInvalid {
                message: message.replace(
                    &path.display().to_string(),
                    &plan.user_config.display().to_string(),
                ),
                path: plan.user_config.clone(),
            },
            other => other,
        };
        let before = ssh.effective(old.path(), &host).map_err(told)?;
        let after = ssh.effective(new.path(), &host).map_err(told)?;
        if before != after {
            return Err(SshError::ConfigWouldChange {
                path: plan.user_config.clone(),
                host,
            });
        }
    }
    Ok(())
}

fn refuse_what_ssh_cannot_read(content: &[u8], path: &Path) -> Result<(), SshError> {
    let message = if content.starts_with(b"\xef\xbb\xbf") {
        "it starts with a byte order mark; save it as UTF-8 without one"
    } else if content.contains(&0) {
        "it holds zero bytes (UTF-16?); save it as UTF-8"
    } else {
        return Ok(());
    };
    Err(SshError::ConfigInvalid {
        path: path.to_path_buf(),
        message: message.to_owned(),
    })
}

fn read_only(plan: &IncludePlan) -> SshError {
    SshError::ConfigReadOnly {
        path: plan.target.clone(),
        line: plan.line.clone(),
    }
}

fn or_read_only(error: FilesError, plan: &IncludePlan) -> SshError {
    match error.reason() {
        Reason::NoRights | Reason::ReadOnly => read_only(plan),
        _ => error.into(),
    }
}
