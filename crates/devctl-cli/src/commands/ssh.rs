//! `devctl ssh`: logging in with the real client, and the client configuration.

use super::exec::ExecDocument;
use super::keys::certificate_text;
use crate::args::{SshArgs, SshCommand};
use crate::ask;
use crate::failure::Failure;
use crate::output::text::plain;
use crate::output::{BAD, DIM, GOOD, LINK, Palette, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{
    ContainerRef, ErrorCode, ExplainSshHost, Nothing, Problem, SshHostLine, SshInstallPlan, SshStatus,
};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Exit code of ssh when ssh itself fails, or a signal ended it.
const SSH_FAILED: u8 = 255;

pub(crate) async fn run(printer: &Printer, args: SshArgs) -> Result<u8, Failure> {
    match (args.command, args.container) {
        (Some(SshCommand::Install { yes }), _) => install(printer, yes).await,
        (Some(SshCommand::Uninstall), _) => uninstall(printer).await,
        (Some(SshCommand::Config { print }), _) => config(printer, print).await,
        (Some(SshCommand::Status { host: None }), _) => status(printer).await,
        (Some(SshCommand::Status { host: Some(host) }), _) => lines_of(printer, host).await,
        (None, Some(container)) => connect(printer, container, args.args).await,
        (None, None) => Err(Failure::usage("ssh needs a container")),
    }
}

async fn connect(printer: &Printer, container: String, args: Vec<OsString>) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    // The configuration is brought up to date by being shown; the detail says under which name ssh knows the container.
    let config = session.core.show_ssh_config(&session.caller, Nothing {}).await?;
    let detail = session
        .core
        .show_container(&session.caller, ContainerRef { container })
        .await?;
    if !Path::new(&config.path).is_file() {
        return Err(
            Problem::new(ErrorCode::FileFailed, format!("{} is not there", config.path))
                .fix_command("Writes it anew.", "devctl doctor --fix")
                .into(),
        );
    }
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(&config.path);
    ssh.args(std::iter::repeat_n("-v", usize::from(printer.verbose)));
    if printer.quiet {
        ssh.arg("-q");
    }
    ssh.arg(&detail.container.ssh_host).args(args);
    drop(session);
    if printer.json {
        return document(printer, &mut ssh);
    }
    hand_over(&mut ssh)
}

/// Becomes ssh: signals, terminal and exit code are its own then.
#[cfg(unix)]
fn hand_over(ssh: &mut Command) -> Result<u8, Failure> {
    use std::os::unix::process::CommandExt;
    Err(not_started(&ssh.exec()).into())
}

#[cfg(not(unix))]
fn hand_over(ssh: &mut Command) -> Result<u8, Failure> {
    let status = ssh.status().map_err(|error| not_started(&error))?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(SSH_FAILED))
}

/// Runs ssh with its output caught, for the one document.
fn document(printer: &Printer, ssh: &mut Command) -> Result<u8, Failure> {
    let output = ssh
        .stdin(Stdio::inherit())
        .output()
        .map_err(|error| not_started(&error))?;
    let code = output.status.code().unwrap_or_else(|| i32::from(SSH_FAILED));
    printer.document(&ExecDocument {
        exit_code: code,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })?;
    Ok(u8::try_from(code).unwrap_or(SSH_FAILED))
}

fn not_started(error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::NotFound {
        return Problem::new(ErrorCode::SshClientMissing, "the ssh client is not installed")
            .fix_command("Says how to install it.", "devctl doctor");
    }
    Problem::new(ErrorCode::SshClientMissing, "the ssh client could not be started").why(error.to_string())
}

async fn install(printer: &Printer, yes: bool) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let plan = session.core.plan_ssh_install(&session.caller, Nothing {}).await?;
    let editor_changes = plan.editor.as_ref().is_some_and(|editor| !editor.already);
    if plan.already && !editor_changes {
        return tell_plan(printer, &plan, "already includes the configuration of devctl");
    }
    if let Some(blocked) = &plan.blocked {
        return Err(Problem::new(
            ErrorCode::SshConfigReadonly,
            format!("{} cannot be changed", plan.path),
        )
        .why(blocked)
        .safe("Nothing was changed.")
        .fix(format!("Add this line at its top by hand: {}", plan.include_line))
        .into());
    }
    if !yes {
        let palette = printer.stderr.palette;
        printer.note(&format!(
            "This changes {}:\n",
            palette.paint(STRONG, &plain(&plan.path))
        ))?;
        printer.note(&diff_text(&plan.diff, palette))?;
        if let Some(editor) = plan.editor.as_ref().filter(|_| editor_changes) {
            printer.note(&format!(
                "\nand {}, which VS Code uses instead:\n",
                palette.paint(STRONG, &plain(&editor.path))
            ))?;
            printer.note(&diff_text(&editor.diff, palette))?;
        }
        if !printer.can_ask() {
            return Err(Problem::new(
                ErrorCode::ConsentRequired,
                format!(
                    "{} is not changed without being asked, and no terminal is there to ask",
                    plan.path
                ),
            )
            .safe("Nothing was changed.")
            .fix_command("Does not ask.", "devctl ssh install --yes")
            .into());
        }
        if !ask::confirm(printer, "Add the line?").await? {
            return Err(Problem::new(
                ErrorCode::ConsentRequired,
                format!("{} is not changed: the answer was not yes", plan.path),
            )
            .safe("Nothing was changed.")
            .into());
        }
    }
    let done = session.core.install_ssh(&session.caller, Nothing {}).await?;
    tell_plan(printer, &done, "includes the configuration of devctl now")
}

async fn uninstall(printer: &Printer) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let done = session.core.uninstall_ssh(&session.caller, Nothing {}).await?;
    let what = if done.already {
        "did not include the configuration of devctl"
    } else {
        "is as it was before devctl"
    };
    tell_plan(printer, &done, what)
}

fn tell_plan(printer: &Printer, plan: &SshInstallPlan, what: &str) -> Result<u8, Failure> {
    if printer.json {
        printer.document(plan)?;
        return Ok(0);
    }
    let palette = printer.stdout.palette;
    printer.say(&format!("{} {what}", palette.paint(STRONG, &plain(&plan.path))))?;
    if let (false, Some(backup)) = (plan.already, &plan.backup) {
        printer.say(&format!(
            "  {} {}",
            palette.paint(DIM, "the old file is"),
            plain(backup)
        ))?;
    }
    match &plan.editor {
        Some(editor) => tell_plan(printer, editor, what),
        None => Ok(0),
    }
}

fn diff_text(diff: &str, palette: Palette) -> String {
    let line = |line: &str| {
        let style = match line.as_bytes().first() {
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            _ => DIM,
        };
        format!("  {}", palette.paint(style, &plain(line)))
    };
    diff.lines().map(line).collect::<Vec<_>>().join("\n")
}

async fn config(printer: &Printer, print: bool) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let config = session.core.show_ssh_config(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&config)?;
    } else if print {
        printer.say(config.text.trim_end())?;
    } else {
        printer.say(&plain(&config.path))?;
    }
    Ok(0)
}

async fn status(printer: &Printer) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let status = session.core.ssh_status(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&status)?;
    } else {
        printer.say(&status_text(&status, printer.stdout.palette))?;
    }
    Ok(0)
}

async fn lines_of(printer: &Printer, host: String) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let lines = session
        .core
        .explain_ssh_host(&session.caller, ExplainSshHost { host })
        .await?;
    if printer.json {
        printer.document(&lines)?;
        return Ok(0);
    }
    let palette = printer.stdout.palette;
    let text = |line: &SshHostLine| {
        format!(
            "{} {}  {}",
            palette.paint(STRONG, &plain(&line.keyword)),
            plain(&line.value),
            palette.paint(DIM, &format!("{}:{}", plain(&line.file), line.line))
        )
    };
    for line in &lines.lines {
        printer.say(&text(line))?;
    }
    for line in &lines.conditional {
        printer.say(&format!("{} {}", palette.paint(WARN, "perhaps"), text(line)))?;
    }
    for remark in &lines.remarks {
        printer.say(&format!(
            "{} {}:{}: {}",
            palette.paint(WARN, "!"),
            plain(&remark.file),
            remark.line,
            plain(&remark.what)
        ))?;
    }
    Ok(0)
}

fn status_text(status: &SshStatus, palette: Palette) -> String {
    let mut lines = Vec::new();
    if status.installed {
        lines.push(format!(
            "{} {} includes the configuration of devctl",
            palette.paint(GOOD, "✓"),
            plain(&status.user_config)
        ));
        if let Some(problem) = &status.problem {
            lines.push(format!("{} {}", palette.paint(BAD, "✗"), plain(problem)));
        }
    } else {
        let why = status
            .problem
            .as_deref()
            .unwrap_or("the configuration of devctl is not included");
        lines.push(format!(
            "{} {}: {why}; {} adds the line",
            palette.paint(WARN, "!"),
            plain(&status.user_config),
            palette.paint(LINK, "devctl ssh install"),
            why = plain(why)
        ));
    }
    lines.push(format!(
        "  {} {}",
        palette.paint(DIM, "line"),
        plain(&status.include_line)
    ));
    lines.push(format!(
        "  {} {}",
        palette.paint(DIM, "ours"),
        plain(&status.our_config)
    ));
    if let Some(editor) = &status.editor_config {
        let (mark, style) = if editor.installed {
            ("✓", GOOD)
        } else {
            ("!", WARN)
        };
        lines.push(format!(
            "{} VS Code uses {}, which {} our configuration",
            palette.paint(style, mark),
            plain(&editor.path),
            if editor.installed {
                "includes"
            } else {
                "does not include"
            }
        ));
    }
    for one in &status.damage {
        lines.push(format!(
            "{} {}:{} ({}): {}; {}",
            palette.paint(BAD, "✗"),
            plain(&one.file),
            one.line,
            plain(&one.tool),
            plain(&one.what),
            plain(&one.fix)
        ));
    }
    if let Some(certificate) = &status.certificate {
        lines.push(certificate_text(certificate, palette));
    }
    for host in &status.hosts {
        lines.push(format!(
            "  {}",
            palette.paint(LINK, &format!("ssh {}", plain(host)))
        ));
    }
    lines.join("\n")
}
