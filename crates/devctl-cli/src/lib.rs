//! The command-line door: `devctl`.

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::output::Printer;
use clap::Parser;
use devctl_model::{ErrorCode, Problem};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::process::ExitCode;

mod args;
mod ask;
mod commands;
mod completion;
mod consent;
mod core;
mod failure;
mod input;
mod interrupt;
mod job;
mod output;
mod progress;
mod reference;
mod session;
mod terminal;
mod trace;

pub use reference::{man_pages, markdown};

/// Exit code of `exec` when devctl itself fails.
const EXEC_FAILED: u8 = 125;
/// Exit code of `ssh` when devctl itself fails.
const SSH_FAILED: u8 = 255;
/// Exit code of an interruption.
const INTERRUPTED: u8 = 130;
/// Exit code of a command whose output nobody reads any more: 128 and the number of the signal.
const BROKEN_PIPE: u8 = 141;
/// Exit code of a command line that cannot be understood.
const USAGE: u8 = 2;

/// Carries out the command line of this process and says how it ended.
pub fn run() -> ExitCode {
    if let Some(code) = completion::serve() {
        return code;
    }
    let line: Vec<OsString> = std::env::args_os().collect();
    match Cli::try_parse_from(&line) {
        Ok(cli) => ExitCode::from(carry_out(cli)),
        Err(error) => ExitCode::from(refuse(&error, &line)),
    }
}

fn carry_out(cli: Cli) -> u8 {
    let printer = Printer::new(&cli.output);
    trace::start(cli.output.verbose, printer.stderr.palette.is_on());
    let own_failure = match &cli.command {
        Command::Exec(_) => Some(EXEC_FAILED),
        Command::Ssh(ssh) if ssh.command.is_none() => Some(SSH_FAILED),
        _ => None,
    };
    match commands::run(&printer, cli.command) {
        Ok(code) => code,
        Err(failure) => end(&printer, &failure, own_failure),
    }
}

/// Says what is left to be said about a failure, and chooses the exit code.
fn end(printer: &Printer, failure: &Failure, own_failure: Option<u8>) -> u8 {
    match failure {
        Failure::Problem(problem) => {
            let code = match (problem.code, own_failure) {
                (ErrorCode::Cancelled, _) | (_, None) => problem.code.exit_code(),
                (_, Some(own)) => own,
            };
            match printer.problem(problem) {
                Ok(()) => code,
                Err(error) => end(printer, &Failure::Output(error), Some(code)),
            }
        }
        Failure::Interrupted => INTERRUPTED,
        // Whoever read our output has seen enough: `devctl list | head -1`. A command that was cut off by it ends as
        // the signal would have ended it here.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            own_failure.map_or(0, |_| BROKEN_PIPE)
        }
        Failure::Output(error) => {
            let problem =
                Problem::new(ErrorCode::FileFailed, "the output could not be written").why(error.to_string());
            // Where even this cannot be written, the exit code has to do.
            let _ = printer.note(&output::problem::render(&problem, printer.stderr.palette));
            own_failure.unwrap_or_else(|| problem.code.exit_code())
        }
    }
}

/// Help and version on standard output; what cannot be understood on standard error, and with `--json` also as the
/// one document.
fn refuse(error: &clap::Error, line: &[OsString]) -> u8 {
    // Nothing can be done where not even this can be written.
    let _ = error.print();
    let code = u8::try_from(error.exit_code()).unwrap_or(USAGE);
    if code != 0 && wants_json(line) {
        let text = error.render().to_string();
        let message = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        let problem =
            Problem::new(ErrorCode::RequestInvalid, message).fix_command("Shows the usage.", "devctl --help");
        let document = serde_json::json!({ "error": problem });
        let _ = writeln!(io::stdout(), "{document}");
    }
    code
}

/// Whether a command line that cannot be parsed asks for JSON.
fn wants_json(line: &[OsString]) -> bool {
    line.iter()
        .skip(1)
        .take_while(|word| *word != OsStr::new("--"))
        .any(|word| word == "--json")
}
