//! `devctl secret`.

use crate::args::secret::{
    ChangeArgs, GetArgs, RecoverArgs, RunArgs, SecretArg, SecretCommand, SetArgs, Way,
};
use crate::commands::ExecDocument;
use crate::failure::Failure;
use crate::input;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, moment, plain};
use crate::output::{GOOD, Printer, STRONG};
use crate::session::Session;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devctl_core::operations::Operations;
use devctl_model::{
    AskedSecret, AskedSecretState, AskedSecretsOf, ErrorCode, ListSecrets, Problem, SecretDelivery,
    SecretInfo, SecretRef, SecretScope, SecretText, SetSecret, UpContainer,
};
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

mod vault;

/// More than any secret.
const LARGEST: u64 = 2 * 1024 * 1024;
/// Exit code of a command that cannot be run, and of one that is not there.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

const HEADS: [Column; 4] = [
    Column::full("NAME"),
    Column::giving("FOR", Cut::Start),
    Column::full("AS"),
    Column::full("CHANGED"),
];

pub(crate) async fn run(printer: &Printer, command: SecretCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    match command {
        SecretCommand::Set(args) => set(&session, args).await,
        SecretCommand::Get(args) => get(&session, args).await,
        SecretCommand::List { container } => list(&session, container).await,
        SecretCommand::Remove(secret) => remove(&session, secret).await,
        SecretCommand::Run(args) => run_command(&session, args).await,
        SecretCommand::Vault(command) => vault::run(&session, command).await,
    }
}

async fn set(session: &Session, args: SetArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let delivery = if args.as_file {
        SecretDelivery::File
    } else {
        SecretDelivery::Environment
    };
    let value = match &args.from {
        Some(path) => read(path, delivery)?,
        None => typed(printer, &args.secret.name)?,
    };
    let (text, base64) = match std::str::from_utf8(&value) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(&*value), true),
    };
    let request = SetSecret {
        name: args.secret.name,
        container: args.secret.container,
        value: SecretText::new(text),
        base64,
        delivery,
    };
    let set = session.core.set_secret(&session.caller, request).await?;
    if printer.json {
        printer.document(&set)?;
    } else {
        printer.say(&format!(
            "{} {} is set, {}",
            printer.stdout.palette.paint(GOOD, "✓"),
            printer.stdout.palette.paint(STRONG, &plain(&set.name)),
            told(&set)
        ))?;
    }
    Ok(0)
}

/// Whom it is for, and how it comes.
fn told(secret: &SecretInfo) -> String {
    let whom = match (&secret.scope, &secret.source) {
        (SecretScope::Container, Some(source)) => format!("for what is made from {}", plain(source)),
        _ => "for all your containers".to_owned(),
    };
    match secret.delivery {
        SecretDelivery::Environment => whom,
        SecretDelivery::File => format!("{whom}, as the file /run/devctl-secrets/{}", plain(&secret.name)),
    }
}

fn typed(printer: &Printer, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let value = input::passphrase(printer, None, &format!("The value of {}", plain(name)))?;
    let value = value.ok_or_else(|| {
        Failure::usage("nobody is here to type the value: name a file with --from, or - for standard input")
    })?;
    Ok(Zeroizing::new(value.as_bytes().to_vec()))
}

/// A file as it is; of what becomes a variable the last line has no end, which editors and `echo` put there.
fn read(path: &Path, delivery: SecretDelivery) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut value = Zeroizing::new(Vec::new());
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(LARGEST).read_to_end(&mut value)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut value))
    };
    read.map_err(|error| {
        Problem::new(
            ErrorCode::FileFailed,
            format!("{} cannot be read", path.display()),
        )
        .why(error.to_string())
        .fix("Check the path and its rights")
    })?;
    if delivery == SecretDelivery::Environment && value.last() == Some(&b'\n') {
        value.pop();
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    Ok(value)
}

async fn get(session: &Session, args: GetArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let asked = reference(args.secret);
    if args.reveal {
        let secret = session.core.reveal_secret(&session.caller, asked).await?;
        if printer.json {
            printer.document(&secret)?;
        } else if secret.base64 {
            printer.note("the value is no text; this is base64 of it")?;
            printer.say(secret.value.expose())?;
        } else {
            printer.say(secret.value.expose())?;
        }
        return Ok(0);
    }
    let secret = session.core.show_secret(&session.caller, asked).await?;
    if printer.json {
        printer.document(&secret)?;
    } else {
        printer.say(&format!(
            "{} was set {}, {}; --reveal prints its value",
            plain(&secret.name),
            moment(&secret.changed_at),
            told(&secret)
        ))?;
    }
    Ok(0)
}

fn reference(secret: SecretArg) -> SecretRef {
    SecretRef {
        name: secret.name,
        container: secret.container,
    }
}

async fn list(session: &Session, container: Option<String>) -> Result<u8, Failure> {
    let printer = &session.printer;
    let list = session
        .core
        .list_secrets(&session.caller, ListSecrets { container })
        .await?
        .secrets;
    if printer.json {
        printer.document(&list)?;
    } else if list.is_empty() {
        printer.note("there are no secrets; devctl secret set NAME sets one")?;
    } else {
        let rows: Vec<Vec<Cell>> = list.iter().map(row).collect();
        printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    }
    Ok(0)
}

fn row(secret: &SecretInfo) -> Vec<Cell> {
    let whom = secret.source.as_deref().unwrap_or("all containers");
    let delivery = match secret.delivery {
        SecretDelivery::Environment => "variable",
        SecretDelivery::File => "file",
    };
    vec![
        Cell::painted(plain(&secret.name), STRONG),
        plain(whom).into(),
        delivery.to_owned().into(),
        moment(&secret.changed_at).into(),
    ]
}

async fn remove(session: &Session, secret: SecretArg) -> Result<u8, Failure> {
    let printer = &session.printer;
    let name = plain(&secret.name);
    let done = session
        .core
        .remove_secret(&session.caller, reference(secret))
        .await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        printer.say(&format!("{name} is removed"))?;
        printer.note(
            "What runs already keeps what it was given; containers lose it when they are entered next",
        )?;
    }
    Ok(0)
}

async fn run_command(session: &Session, args: RunArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let (variables, files) = session
        .core
        .secret_variables(&session.caller, args.container.as_deref())
        .await?;
    if !files.is_empty() {
        printer.note(&format!(
            "{} {} given as files in containers, and not here",
            plain(&files.join(", ")),
            if files.len() == 1 { "is" } else { "are" }
        ))?;
    }
    let Some((program, words)) = args.command.split_first() else {
        return Err(Failure::usage("a command is needed"));
    };
    leave_no_core()?;
    let mut command = Command::new(program);
    command.args(words);
    for (name, value) in &variables {
        command.env(name, std::str::from_utf8(value.expose()).unwrap_or_default());
    }
    let ran = if printer.json {
        command.stdin(Stdio::inherit()).output().map(|output| {
            let document = ExecDocument {
                exit_code: output.status.code().unwrap_or(1),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            };
            (code(document.exit_code), Some(document))
        })
    } else {
        become_it(&mut command).map(|ended| (code(ended), None))
    };
    match ran {
        Ok((code, document)) => {
            if let Some(document) = document {
                printer.document(&document)?;
            }
            Ok(code)
        }
        Err(error) => {
            printer.note(&format!(
                "{} cannot be run: {error}",
                plain(&program.to_string_lossy())
            ))?;
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            Ok(if is_missing { NOT_FOUND } else { NOT_EXECUTABLE })
        }
    }
}

/// A crash of the command must not write what it was given to a disk. The limit is inherited, and stays.
fn leave_no_core() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Resource::Core, none).map_err(io::Error::from)?;
    }
    Ok(())
}

/// An exit code as a process can pass it on.
fn code(ended: i32) -> u8 {
    u8::try_from(ended).unwrap_or(1)
}

/// On Unix this process becomes the command, so that signals and the terminal are its own.
#[cfg(unix)]
fn become_it(command: &mut Command) -> io::Result<i32> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> io::Result<i32> {
    Ok(command.status()?.code().unwrap_or(1))
}

/// Asks once for the secrets that a configuration would like to have and nobody was asked for yet. What is left empty is
/// remembered. Without a terminal the outcome of `up` tells about them.
pub(crate) async fn ask_for_missing(session: &Session, request: &UpContainer) -> Result<(), Failure> {
    let printer = &session.printer;
    if !printer.can_ask() {
        return Ok(());
    }
    let asked = AskedSecretsOf {
        source: request.source.clone(),
        kind: request.kind,
        config: request.config.clone(),
    };
    // What is wrong with the configuration, `up` itself says, and better.
    let Ok(asked) = session.core.list_asked_secrets(&session.caller, asked).await else {
        return Ok(());
    };
    let missing: Vec<&AskedSecret> = asked
        .secrets
        .iter()
        .filter(|secret| secret.state == AskedSecretState::Missing)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    printer.note(&format!(
        "{} asks for secrets. They are kept in the vault and given to what is made from it; leave empty what you do not want to give.",
        plain(&asked.container)
    ))?;
    for secret in missing {
        if let Some(what) = &secret.description {
            printer.note(&format!("  {}", plain(what)))?;
        }
        if let Some(link) = &secret.documentation_url {
            printer.note(&format!("  {}", plain(link)))?;
        }
        let name = secret.name.clone();
        let value = input::passphrase(printer, None, &plain(&name))?.unwrap_or_default();
        let container = Some(asked.container.clone());
        if value.is_empty() {
            let reference = SecretRef { name, container };
            session.core.decline_secret(&session.caller, reference).await?;
            continue;
        }
        let request = SetSecret {
            name,
            container,
            value: SecretText::new(value.to_string()),
            ..SetSecret::default()
        };
        session.core.set_secret(&session.caller, request).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_last_line_is_no_part_of_a_variable_and_is_part_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, "a\nb\r\n").unwrap();
        let read = |delivery| read(&path, delivery).unwrap().to_vec();
        assert_eq!(read(SecretDelivery::Environment), b"a\nb");
        assert_eq!(read(SecretDelivery::File), b"a\nb\r\n");
    }
}
