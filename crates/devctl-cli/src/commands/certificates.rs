//! `devctl cert`.

use super::authorities::kind_word;
use crate::args::authority::{CertCommand, CertListArgs, CertRefArgs, IssueArgs, RevokeArgs, VerifyArgs};
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, moment, plain};
use crate::output::{BAD, DIM, GOOD, Printer, STRONG};
use crate::session::Session;
use crate::{ask, input};
use devctl_core::operations::Operations;
use devctl_model::{
    CertificateRecord, CertificateRef, CertificateState, ErrorCode, IssueCertificate, IssuedCertificate,
    ListCertificates, Nothing, Problem, Revoke, VerifyCertificate,
};
use std::path::{Path, PathBuf};

const HEADS: [Column; 6] = [
    Column::full("SERIAL"),
    Column::full("KIND"),
    Column::full("STATE"),
    Column::giving("ID", Cut::End),
    Column::giving("FOR", Cut::End),
    Column::full("UNTIL"),
];

const REVOCATION_HEADS: [Column; 5] = [
    Column::full("LIST"),
    Column::full("MEANS"),
    Column::giving("WHAT", Cut::End),
    Column::full("AT"),
    Column::giving("WHY", Cut::End),
];

pub(crate) async fn run(printer: &Printer, command: CertCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    match command {
        CertCommand::Issue(args) => issue(&session, args).await,
        CertCommand::List(args) => list(&session, args).await,
        CertCommand::Show(args) => show(&session, args).await,
        CertCommand::Renew => renew(&session).await,
        CertCommand::Revoke(args) => revoke(&session, args).await,
        CertCommand::Revocations => revocations(&session).await,
        CertCommand::Verify(args) => verify(&session, args).await,
    }
}

async fn issue(session: &Session, args: IssueArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    if let Some(folder) = &args.output {
        // Before anything is signed: a certificate that cannot be handed over is one that nobody can give back.
        refuse_taken(folder, &args.name)?;
    }
    let request = IssueCertificate {
        public_key: input::text(&args.key)?.to_string(),
        name: args.name.clone(),
        containers: args.containers,
        roles: args.roles,
        valid_seconds: args.valid.as_deref().map(input::seconds).transpose()?,
        reason: args.reason,
        user: args.user,
        force_command: args.force_command,
        source_addresses: args.source_addresses,
        pty: !args.no_pty,
        port_forwarding: args.port_forwarding,
        agent_forwarding: args.agent_forwarding,
    };
    let issued = session.core.issue_certificate(&session.caller, request).await?;
    let files = args
        .output
        .as_deref()
        .map(|folder| write(folder, &args.name, &issued))
        .transpose()?;
    if printer.json {
        printer.document(&issued)?;
        return Ok(0);
    }
    let palette = printer.stdout.palette;
    match files {
        Some((certificate, known)) => printer.say(&format!("{certificate}\n{known}"))?,
        None => printer.say(&format!(
            "{}\n{}\n{}\n{}",
            palette.paint(DIM, "CERT, the certificate:"),
            plain(&issued.certificate),
            palette.paint(DIM, "KNOWN, the known hosts:"),
            plain(issued.known_hosts.trim_end()),
        ))?,
    }
    for way in &issued.ways {
        printer.say(&format!(
            "{}\n{}\n{}\n{}",
            palette.paint(
                DIM,
                &format!(
                    "what they type for {} (KEY is their private key):",
                    plain(&way.host)
                )
            ),
            plain(&way.ssh),
            palette.paint(
                DIM,
                "a line that you may add to ~/.ssh/authorized_keys, for this connection and nothing else:"
            ),
            plain(&way.authorized_keys),
        ))?;
    }
    Ok(0)
}

/// The two files for the receiver.
fn files(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let plain = |c: char| {
        if c.is_alphanumeric() || "._-@+".contains(c) {
            c
        } else {
            '-'
        }
    };
    let stem: String = name.chars().map(plain).collect();
    (
        folder.join(format!("{stem}-cert.pub")),
        folder.join(format!("{stem}-known_hosts")),
    )
}

/// Makes the folder where it is missing, and refuses where a file is there already.
fn refuse_taken(folder: &Path, name: &str) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Problem::new(
            ErrorCode::FileFailed,
            format!("{} cannot be made", folder.display()),
        )
        .why(error.to_string())
        .fix("Name a folder that you may write to")
        .safe("nothing was signed")
    })?;
    let (certificate, known) = files(folder, name);
    match [certificate, known].into_iter().find(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(Problem::new(
            ErrorCode::FileFailed,
            format!("{} is there already", path.display()),
        )
        .fix("Name another folder; no file is overwritten")
        .safe("nothing was signed")
        .into()),
    }
}

/// Writes the two files for the receiver; neither is overwritten.
fn write(folder: &Path, name: &str, issued: &IssuedCertificate) -> Result<(String, String), Failure> {
    let (certificate, known) = files(folder, name);
    for (path, text) in [
        (&certificate, format!("{}\n", issued.certificate)),
        (&known, issued.known_hosts.clone()),
    ] {
        input::write_new(path, text.as_bytes())?;
    }
    Ok((certificate.display().to_string(), known.display().to_string()))
}

async fn list(session: &Session, args: CertListArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let request = ListCertificates {
        kind: args.kind.map(Into::into),
        expired: args.all,
        limit: args.limit,
    };
    let list = session.core.list_certificates(&session.caller, request).await?;
    if printer.json {
        printer.document(&list.certificates)?;
        return Ok(0);
    }
    let rows: Vec<Vec<Cell>> = list.certificates.iter().map(row).collect();
    printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    Ok(0)
}

fn row(one: &CertificateRecord) -> Vec<Cell> {
    let (word, style) = state(one.state);
    vec![
        Cell::painted(one.serial.to_string(), STRONG),
        format!("{} {}", kind_word(one.kind), one.generation).into(),
        Cell::painted(word, style),
        plain(&one.key_id).into(),
        plain(&one.principals.join(", ")).into(),
        moment(&one.valid_before).into(),
    ]
}

fn state(state: CertificateState) -> (&'static str, anstyle::Style) {
    match state {
        CertificateState::Valid => ("valid", GOOD),
        CertificateState::NotYetValid => ("not yet valid", DIM),
        CertificateState::Expired => ("expired", DIM),
        CertificateState::Revoked => ("revoked", BAD),
        CertificateState::Untrusted => ("untrusted", BAD),
    }
}

async fn show(session: &Session, args: CertRefArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let asked = CertificateRef {
        kind: args.kind.into(),
        serial: args.serial,
        generation: args.generation,
    };
    let one = session.core.show_certificate(&session.caller, asked).await?;
    if printer.json {
        printer.document(&one)?;
        return Ok(0);
    }
    let (word, style) = state(one.state);
    let palette = printer.stdout.palette;
    let mut lines = vec![format!(
        "certificate {} of the {} authority {} is {}",
        one.serial,
        kind_word(one.kind),
        one.generation,
        palette.paint(style, word)
    )];
    for (label, text) in [
        ("id", one.key_id.clone()),
        ("key", one.subject.clone()),
        ("for", one.principals.join(", ")),
        ("permits", one.extensions.join(", ")),
        ("bound to", one.critical_options.join(", ")),
        (
            "valid",
            format!("{} to {}", moment(&one.valid_after), moment(&one.valid_before)),
        ),
        (
            "signed",
            format!("{} by {}", moment(&one.issued_at), one.authority),
        ),
        ("asked by", one.asked_by.clone()),
        ("what for", one.reason.clone()),
    ] {
        if !text.is_empty() {
            lines.push(format!("  {} {}", palette.paint(DIM, label), plain(&text)));
        }
    }
    printer.say(&lines.join("\n"))?;
    Ok(0)
}

async fn renew(session: &Session) -> Result<u8, Failure> {
    let printer = &session.printer;
    let done = session
        .core
        .renew_certificates(&session.caller, Nothing {})
        .await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        printer.say("your certificate was signed anew")?;
    }
    Ok(0)
}

async fn revoke(session: &Session, args: RevokeArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let serials = args
        .serials
        .as_deref()
        .map(|text| {
            let (first, last) = text.split_once('-').ok_or(())?;
            Ok((
                first.trim().parse().map_err(|_| ())?,
                last.trim().parse().map_err(|_| ())?,
            ))
        })
        .transpose()
        .map_err(|()| Failure::usage("a range of serials is written as 7-20"))?;
    let request = Revoke {
        kind: Some(args.kind.into()),
        generation: args.generation,
        serial: args.serial,
        serials,
        key_id: args.key_id,
        public_key: args
            .key
            .as_deref()
            .map(input::text)
            .transpose()?
            .map(|text| text.to_string()),
        fingerprint: args.fingerprint,
        reason: args.reason,
    };
    if !args.yes
        && (!printer.can_ask()
            || !ask::confirm(
                printer,
                "A revocation is final; its open sessions end within a second. Go on?",
            )
            .await?)
    {
        return Err(Problem::new(ErrorCode::ConsentRequired, "this was not agreed to")
            .fix("Say --yes to agree without being asked")
            .safe("nothing was revoked")
            .into());
    }
    let revoked = session.core.revoke_certificate(&session.caller, request).await?;
    if printer.json {
        printer.document(&revoked)?;
        return Ok(0);
    }
    let already = if revoked.changed {
        ""
    } else {
        " It was revoked already."
    };
    printer.say(&format!("{}{already}", plain(&revoked.note)))?;
    Ok(0)
}

async fn revocations(session: &Session) -> Result<u8, Failure> {
    let printer = &session.printer;
    let report = session.core.list_revocations(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&report)?;
        return Ok(0);
    }
    let rows: Vec<Vec<Cell>> = report
        .revocations
        .iter()
        .map(|one| {
            vec![
                one.version.to_string().into(),
                one.means.replace('_', " ").into(),
                plain(&one.what).into(),
                moment(&one.at).into(),
                plain(&one.reason).into(),
            ]
        })
        .collect();
    printer.say(&render(
        &REVOCATION_HEADS,
        &rows,
        printer.columns(),
        printer.stdout.palette,
    ))?;
    if let Some(problem) = &report.problem {
        printer.note(&format!("{}: {}", plain(&report.path), plain(problem)))?;
    }
    Ok(0)
}

async fn verify(session: &Session, args: VerifyArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let request = VerifyCertificate {
        certificate: input::text(&args.file)?.to_string(),
        container: args.container,
        user: args.user,
    };
    let verdict = session.core.verify_certificate(&session.caller, request).await?;
    if printer.json {
        printer.document(&verdict)?;
    } else {
        let palette = printer.stdout.palette;
        for check in &verdict.checks {
            let (mark, style) = if check.ok { ("ok ", GOOD) } else { ("NO ", BAD) };
            printer.say(&format!("{} {}", palette.paint(style, mark), plain(&check.words)))?;
        }
        printer.say(&plain(&verdict.verdict))?;
    }
    Ok(if verdict.accepted { 0 } else { 4 })
}
