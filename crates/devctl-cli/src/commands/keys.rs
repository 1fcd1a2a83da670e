//! `devctl key`.

use crate::args::key::{
    AgentAddArgs, AgentCommand, ExportArgs, GenerateArgs, ImportArgs, KeyCommand, PassphraseArgs, RemoveArgs,
    RotateArgs,
};
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, moment, plain};
use crate::output::{BAD, DIM, GOOD, Palette, Printer, STRONG, WARN};
use crate::session::Session;
use crate::{ask, input};
use devctl_core::operations::Operations;
use devctl_model::{
    AddAgentKey, AgentKeyList, CertificateInfo, ChangeKeyPassphrase, ErrorCode, ExportKey, ExportedKey,
    GenerateKey, ImportKey, KeyProtection, KeyRecord, KeyRef, KeyState, Nothing, Problem, RotateKey,
};
use std::path::Path;

/// The name of the container access key.
const ACCESS: &str = "access";

const HEADS: [Column; 6] = [
    Column::full("NAME"),
    Column::full("TYPE"),
    Column::full("STATE"),
    Column::giving("PROTECTED BY", Cut::End),
    Column::giving("FINGERPRINT", Cut::End),
    Column::full("CERTIFICATE UNTIL"),
];

const AGENT_HEADS: [Column; 5] = [
    Column::full("NAME"),
    Column::full("TYPE"),
    Column::giving("FINGERPRINT", Cut::End),
    Column::giving("COMMENT", Cut::End),
    Column::full("CERTIFICATE UNTIL"),
];

pub(crate) async fn run(printer: &Printer, command: KeyCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    match command {
        KeyCommand::List => list(&session).await,
        KeyCommand::Show { name: None } => access(&session).await,
        KeyCommand::Show { name: Some(name) } => {
            let record = session
                .core
                .show_stored_key(&session.caller, KeyRef { name })
                .await?;
            one(&session.printer, &record)
        }
        KeyCommand::Generate(args) => generate(&session, args).await,
        KeyCommand::Import(args) => import(&session, args).await,
        KeyCommand::Export(args) => export(&session, args).await,
        KeyCommand::Passphrase(args) => passphrase(&session, args).await,
        KeyCommand::Rotate(args) => rotate(&session, args).await,
        KeyCommand::Remove(args) => remove(&session, args).await,
        KeyCommand::Agent(AgentCommand::List) => {
            let held = session.core.list_agent_keys(&session.caller, Nothing {}).await?;
            agent(&session.printer, &held)
        }
        KeyCommand::Agent(AgentCommand::Add(args)) => agent_add(&session, args).await,
        KeyCommand::Agent(AgentCommand::Remove(args)) => {
            let request = KeyRef { name: args.name };
            let done = session.core.remove_agent_key(&session.caller, request).await?;
            let said = if done.changed {
                "the ssh-agent does not hold it any more"
            } else {
                "the ssh-agent did not hold it"
            };
            match session.printer.json {
                true => session.printer.document(&done)?,
                false => session.printer.say(said)?,
            }
            Ok(0)
        }
    }
}

async fn access(session: &Session) -> Result<u8, Failure> {
    let printer = &session.printer;
    let key = session.core.show_key(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&key)?;
        return Ok(0);
    }
    let palette = printer.stdout.palette;
    printer.say(&format!(
        "{} {}",
        palette.paint(STRONG, &plain(&key.fingerprint)),
        plain(&key.algorithm)
    ))?;
    printer.say(&plain(&key.public_key))?;
    printer.say(&format!(
        "{} {}",
        palette.paint(DIM, "private key"),
        plain(&key.path)
    ))?;
    match &key.certificate {
        Some(certificate) => printer.say(&certificate_text(certificate, palette))?,
        None => printer.say("no certificate yet: the first login issues one")?,
    }
    Ok(0)
}

async fn list(session: &Session) -> Result<u8, Failure> {
    let printer = &session.printer;
    let list = session.core.list_keys(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&list.keys)?;
        return Ok(0);
    }
    let rows: Vec<Vec<Cell>> = list
        .keys
        .iter()
        .map(|key| {
            let (word, style) = state(key.state);
            let strength = if key.weakness.is_some() { WARN } else { DIM };
            vec![
                Cell::painted(plain(&key.name), STRONG),
                Cell::painted(plain(&key.key_type), strength),
                Cell::painted(word, style),
                protection(key.protection).into(),
                Cell::painted(plain(&key.fingerprint), DIM),
                until(key.certificate.as_ref()).into(),
            ]
        })
        .collect();
    printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    Ok(0)
}

async fn generate(session: &Session, args: GenerateArgs) -> Result<u8, Failure> {
    let own = if args.passphrase || args.passphrase_file.is_some() {
        let file = args.passphrase_file.as_deref();
        Some(input::new_passphrase(
            &session.printer,
            file,
            "A passphrase for the key",
        )?)
    } else {
        None
    };
    let request = GenerateKey {
        name: args.name,
        key_type: args.key_type.into(),
        comment: args.comment,
        passphrase: own.map(|text| text.to_string()),
        remember: args.remember,
    };
    one(
        &session.printer,
        &session.core.generate_key(&session.caller, request).await?,
    )
}

async fn import(session: &Session, args: ImportArgs) -> Result<u8, Failure> {
    if args.open.passphrase_file.as_deref() == Some(Path::new("-")) && args.file.as_os_str() == "-" {
        return Err(Failure::usage(
            "the key and its passphrase cannot both come from standard input",
        ));
    }
    let text = input::text(&args.file)?;
    let record = opened(session, args.open.passphrase_file.as_deref(), |passphrase| {
        let request = ImportKey {
            name: args.name.clone(),
            key: text.to_string(),
            passphrase,
            remember: args.remember,
        };
        session.core.import_key(&session.caller, request)
    })
    .await?;
    one(&session.printer, &record)
}

async fn export(session: &Session, args: ExportArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let name = args.name.unwrap_or_else(|| ACCESS.to_owned());
    let new = match &args.private {
        None => None,
        Some(_) => Some(input::new_passphrase(
            printer,
            args.new_passphrase_file.as_deref(),
            "A passphrase for the exported key",
        )?),
    };
    let key = opened(session, args.open.passphrase_file.as_deref(), |passphrase| {
        let request = ExportKey {
            name: name.clone(),
            passphrase,
            new_passphrase: new.as_ref().map(|text| text.to_string()),
        };
        session.core.export_key(&session.caller, request)
    })
    .await?;
    if let (Some(path), Some(private)) = (&args.private, &key.private_key) {
        input::write_new(path, private.as_bytes())?;
        printer.note(&format!("{} holds the private key, encrypted", path.display()))?;
    }
    if printer.json {
        // The private half went into the file that was asked for, and nowhere else.
        printer.document(&ExportedKey {
            private_key: None,
            ..key
        })?;
    } else {
        printer.say(&plain(&key.public_key))?;
    }
    Ok(0)
}

async fn passphrase(session: &Session, args: PassphraseArgs) -> Result<u8, Failure> {
    let new = if args.vault {
        None
    } else {
        let file = args.new_passphrase_file.as_deref();
        Some(input::new_passphrase(
            &session.printer,
            file,
            "The new passphrase",
        )?)
    };
    let record = opened(session, args.open.passphrase_file.as_deref(), |passphrase| {
        let request = ChangeKeyPassphrase {
            name: args.key.name.clone(),
            passphrase,
            new_passphrase: new.as_ref().map(|text| text.to_string()),
            remember: args.remember,
        };
        session.core.change_key_passphrase(&session.caller, request)
    })
    .await?;
    one(&session.printer, &record)
}

async fn rotate(session: &Session, args: RotateArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let overlap = if args.now {
        0
    } else {
        input::seconds(&args.overlap)?
    };
    if args.now && !args.yes {
        agreed(
            printer,
            "The old key is revoked at once, which is final and ends its open sessions. Go on?",
        )
        .await?;
    }
    let rotated = opened(session, args.open.passphrase_file.as_deref(), |passphrase| {
        let request = RotateKey {
            name: args.name.clone(),
            overlap_seconds: Some(overlap),
            passphrase,
        };
        session.core.rotate_key(&session.caller, request)
    })
    .await?;
    if printer.json {
        printer.document(&rotated)?;
        return Ok(0);
    }
    printer.say(&record_text(&rotated.key, printer.stdout.palette))?;
    printer.say(&match &rotated.retires_at {
        Some(at) => format!(
            "the old key {} is accepted until {}, then it is revoked",
            plain(&rotated.old_fingerprint),
            moment(at)
        ),
        None => format!("the old key {} is revoked", plain(&rotated.old_fingerprint)),
    })?;
    Ok(0)
}

async fn remove(session: &Session, args: RemoveArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    if !args.yes {
        agreed(
            printer,
            &format!("The private half of {} is lost for ever. Go on?", args.key.name),
        )
        .await?;
    }
    let request = KeyRef { name: args.key.name };
    let removed = session.core.remove_key(&session.caller, request).await?;
    if printer.json {
        printer.document(&removed)?;
        return Ok(0);
    }
    printer.say(&format!("{} is removed", plain(&removed.name)))?;
    printer.note(&format!(
        "If others may have it: devctl cert revoke --fingerprint {}",
        removed.fingerprint
    ))?;
    Ok(0)
}

async fn agent_add(session: &Session, args: AgentAddArgs) -> Result<u8, Failure> {
    let lifetime = u32::try_from(input::seconds(&args.lifetime)?)
        .map_err(|_| Failure::usage(format!("{:?} is longer than an agent can count", args.lifetime)))?;
    let held = opened(session, args.open.passphrase_file.as_deref(), |passphrase| {
        let request = AddAgentKey {
            name: args.key.name.clone(),
            passphrase,
            lifetime_seconds: Some(lifetime),
            confirm: args.confirm,
        };
        session.core.add_agent_key(&session.caller, request)
    })
    .await?;
    agent(&session.printer, &held)
}

/// Asks the core with the passphrase of a file, else without one; where one is needed, the person is asked for it.
async fn opened<T, F>(
    session: &Session,
    file: Option<&Path>,
    request: impl Fn(Option<String>) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Problem>>,
{
    let printer = &session.printer;
    let given = match file {
        Some(_) => input::passphrase(printer, file, "")?,
        None => None,
    };
    match request(given.map(|text| text.to_string())).await {
        Err(problem) if problem.code == ErrorCode::KeyPassphrase && file.is_none() && printer.can_ask() => {
            let typed = input::passphrase(printer, None, "The passphrase of the key")?;
            Ok(request(typed.map(|text| text.to_string())).await?)
        }
        first => Ok(first?),
    }
}

async fn agreed(printer: &Printer, question: &str) -> Result<(), Failure> {
    if printer.can_ask() && ask::confirm(printer, question).await? {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::ConsentRequired, "this was not agreed to")
        .fix("Say --yes to agree without being asked")
        .safe("nothing was changed")
        .into())
}

fn one(printer: &Printer, key: &KeyRecord) -> Result<u8, Failure> {
    if printer.json {
        printer.document(key)?;
    } else {
        printer.say(&record_text(key, printer.stdout.palette))?;
    }
    Ok(0)
}

fn record_text(key: &KeyRecord, palette: Palette) -> String {
    let (word, style) = state(key.state);
    let label = |text| palette.paint(DIM, text);
    let mut lines = vec![
        format!(
            "{} {} {}",
            palette.paint(STRONG, &plain(&key.name)),
            plain(&key.key_type),
            palette.paint(style, word)
        ),
        format!("  {}", plain(&key.fingerprint)),
        format!("  {}", plain(&key.public_key)),
        format!("  {} {}", label("protected by"), protection(key.protection)),
    ];
    if let Some(path) = &key.path {
        lines.push(format!("  {} {}", label("private key"), plain(path)));
    }
    if let Some(weakness) = &key.weakness {
        lines.push(format!(
            "  {}",
            palette.paint(WARN, &format!("weak: {}", plain(weakness)))
        ));
    }
    if let Some(at) = &key.retires_at {
        lines.push(format!("  {} {}", label("revoked at"), moment(at)));
    }
    if let Some(certificate) = &key.certificate {
        let valid = if certificate.valid {
            "valid until"
        } else {
            "not valid; it was until"
        };
        lines.push(format!(
            "  {} {} {valid} {}",
            label("certificate"),
            certificate.serial,
            moment(&certificate.valid_before)
        ));
    }
    lines.join("\n")
}

fn agent(printer: &Printer, held: &AgentKeyList) -> Result<u8, Failure> {
    if printer.json {
        printer.document(held)?;
        return Ok(0);
    }
    printer.say(&format!(
        "{} {}",
        printer.stdout.palette.paint(DIM, "ssh-agent at"),
        plain(&held.agent)
    ))?;
    let rows: Vec<Vec<Cell>> = held
        .keys
        .iter()
        .map(|key| {
            vec![
                Cell::painted(plain(key.name.as_deref().unwrap_or("-")), STRONG),
                plain(&key.key_type).into(),
                Cell::painted(plain(key.fingerprint.as_deref().unwrap_or("-")), DIM),
                plain(&key.comment).into(),
                until(key.certificate.as_ref()).into(),
            ]
        })
        .collect();
    printer.say(&render(
        &AGENT_HEADS,
        &rows,
        printer.columns(),
        printer.stdout.palette,
    ))?;
    Ok(0)
}

fn state(state: KeyState) -> (&'static str, anstyle::Style) {
    match state {
        KeyState::Active => ("active", GOOD),
        KeyState::Retiring => ("retiring", WARN),
        KeyState::Revoked => ("revoked", BAD),
    }
}

fn protection(protection: KeyProtection) -> &'static str {
    match protection {
        KeyProtection::Vault => "the vault",
        KeyProtection::Passphrase => "your passphrase",
        KeyProtection::RememberedPassphrase => "your passphrase, in the vault",
        KeyProtection::FileMode => "its certificate",
        KeyProtection::NotHere => "not here",
    }
}

fn until(certificate: Option<&CertificateInfo>) -> String {
    certificate.map_or_else(|| "-".to_owned(), |one| moment(&one.valid_before))
}

/// A certificate that is renewed by itself, in lines.
pub(super) fn certificate_text(certificate: &CertificateInfo, palette: Palette) -> String {
    let valid = if certificate.valid {
        palette.paint(GOOD, "valid")
    } else {
        palette.paint(BAD, "not valid")
    };
    let label = |text| palette.paint(DIM, text);
    [
        format!("certificate {} is {valid}", certificate.serial),
        format!("  {} {}", label("id"), plain(&certificate.key_id)),
        format!(
            "  {} {} to {}, renewed from {} on",
            label("valid"),
            moment(&certificate.valid_after),
            moment(&certificate.valid_before),
            moment(&certificate.renew_at)
        ),
        format!(
            "  {} {}",
            label("may enter"),
            plain(&certificate.principals.join(", "))
        ),
        format!("  {} {}", label("signed by"), plain(&certificate.authority)),
    ]
    .join("\n")
}
