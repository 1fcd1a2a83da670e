//! `devctl ca`.

use crate::args::authority::{CaCommand, ExportArgs, ImportArgs, PolicyArgs, RetireArgs};
use crate::failure::Failure;
use crate::output::text::{counted, moment, plain};
use crate::output::{BAD, DIM, GOOD, Printer, STRONG, WARN};
use crate::session::Session;
use crate::{ask, input};
use devctl_core::operations::Operations;
use devctl_model::{
    AuthorityHome, AuthorityInfo, AuthorityKind, AuthorityList, AuthorityOfKind, AuthorityPhase,
    AuthorityRef, CertificatePolicy, ErrorCode, ExportAuthority, ImportAuthority, Nothing, Problem,
    RetireAuthority, RotationState, RotationStep, SetAuthorityPolicy,
};

pub(crate) async fn run(printer: &Printer, command: CaCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let (core, caller) = (&session.core, &session.caller);
    match command {
        CaCommand::List | CaCommand::Show { kind: None, .. } => {
            list(printer, &core.list_authorities(caller, Nothing {}).await?)
        }
        CaCommand::Show {
            kind: Some(kind),
            generation,
        } => {
            let asked = AuthorityRef {
                kind: kind.into(),
                generation,
            };
            one(printer, &core.show_authority(caller, asked).await?)
        }
        CaCommand::Create { kind } => one(
            printer,
            &core
                .create_authority(caller, AuthorityOfKind { kind: kind.into() })
                .await?,
        ),
        CaCommand::Rotate { kind } => list(
            printer,
            &core
                .rotate_authority(caller, AuthorityOfKind { kind: kind.into() })
                .await?,
        ),
        CaCommand::Rollback { kind } => list(
            printer,
            &core
                .rollback_authority(caller, AuthorityOfKind { kind: kind.into() })
                .await?,
        ),
        CaCommand::Retire(args) => retire(&session, args).await,
        CaCommand::Export(args) => export(&session, args).await,
        CaCommand::Import(args) => import(&session, args).await,
        CaCommand::Policy(args) => policy(&session, args).await,
    }
}

async fn retire(session: &Session, args: RetireArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    if !args.yes && (args.now || args.revoke) {
        let question = if args.revoke {
            "Revoking an authority is final: nothing that it signed is ever accepted again. Go on?"
        } else {
            "Whoever still needs a certificate of it is shut out. Go on?"
        };
        if !printer.can_ask() || !ask::confirm(printer, question).await? {
            return Err(Problem::new(ErrorCode::ConsentRequired, "this was not agreed to")
                .fix("Say --yes to agree without being asked")
                .safe("nothing was changed")
                .into());
        }
    }
    let request = RetireAuthority {
        kind: args.kind.into(),
        now: args.now,
        revoke: args.revoke,
    };
    list(
        printer,
        &session.core.retire_authority(&session.caller, request).await?,
    )
}

async fn export(session: &Session, args: ExportArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let passphrase = match &args.private {
        None => None,
        Some(_) => Some(input::new_passphrase(
            printer,
            args.passphrase_file.as_deref(),
            "A passphrase for the exported key",
        )?),
    };
    let request = ExportAuthority {
        kind: args.kind.into(),
        generation: args.generation,
        passphrase: passphrase.map(|text| text.to_string()),
    };
    let key = session.core.export_authority(&session.caller, request).await?;
    if let (Some(path), Some(private)) = (&args.private, &key.private_key) {
        input::write_new(path, private.as_bytes())?;
        printer.note(&format!("{} holds the private key, encrypted", path.display()))?;
    }
    if printer.json {
        // The private half went into the file that was asked for, and nowhere else.
        printer.document(&devctl_model::ExportedKey {
            private_key: None,
            ..key
        })?;
    } else {
        printer.say(&plain(&key.public_key))?;
    }
    Ok(0)
}

async fn import(session: &Session, args: ImportArgs) -> Result<u8, Failure> {
    let printer = &session.printer;
    let text = args.file.as_deref().map(input::text).transpose()?;
    let request = |passphrase: Option<String>| ImportAuthority {
        kind: args.kind.into(),
        private_key: text.as_deref().cloned(),
        passphrase,
        agent_key: args.agent_key.clone(),
    };
    let given = match &args.passphrase_file {
        Some(file) => input::passphrase(printer, Some(file), "")?,
        None => None,
    };
    let first = session
        .core
        .import_authority(&session.caller, request(given.map(|text| text.to_string())))
        .await;
    let brought = match first {
        Err(problem)
            if problem.code == ErrorCode::KeyPassphrase
                && args.passphrase_file.is_none()
                && printer.can_ask() =>
        {
            let typed = input::passphrase(printer, None, "The passphrase of the key")?;
            let request = request(typed.map(|text| text.to_string()));
            session.core.import_authority(&session.caller, request).await?
        }
        first => first?,
    };
    one(printer, &brought)
}

async fn policy(session: &Session, args: PolicyArgs) -> Result<u8, Failure> {
    let kind: AuthorityKind = args.kind.into();
    let asked = AuthorityRef {
        kind,
        generation: None,
    };
    let now = session.core.show_authority(&session.caller, asked).await?;
    let wanted = if args.default {
        None
    } else {
        Some(changed(now.policy.clone(), &args)?)
    };
    let shown = if !args.default && wanted.as_ref() == Some(&now.policy) {
        now
    } else {
        let request = SetAuthorityPolicy { kind, policy: wanted };
        session
            .core
            .set_authority_policy(&session.caller, request)
            .await?
    };
    let printer = &session.printer;
    if printer.json {
        printer.document(&shown.policy)?;
    } else {
        printer.say(&policy_text(&shown.policy))?;
    }
    Ok(0)
}

fn changed(mut policy: CertificatePolicy, args: &PolicyArgs) -> Result<CertificatePolicy, Failure> {
    if let Some(text) = &args.max_validity {
        policy.max_validity_seconds = input::seconds(text)?;
    }
    if let Some(text) = &args.clock_skew {
        policy.clock_skew_seconds = input::seconds(text)?;
    }
    let list = |asked: &[String], nothing: &str| match asked {
        [word] if word == nothing => Vec::new(),
        words => words.to_vec(),
    };
    if !args.principals.is_empty() {
        policy.principals = list(&args.principals, "any");
    }
    if !args.extensions.is_empty() {
        policy.extensions = list(&args.extensions, "none");
    }
    if !args.key_types.is_empty() {
        policy.key_types.clone_from(&args.key_types);
    }
    if let Some(command) = &args.force_command {
        policy.force_command = (!command.is_empty()).then(|| command.clone());
    }
    if !args.source_addresses.is_empty() {
        policy.source_addresses = list(&args.source_addresses, "none");
    }
    Ok(policy)
}

fn list(printer: &Printer, list: &AuthorityList) -> Result<u8, Failure> {
    if printer.json {
        printer.document(list)?;
        return Ok(0);
    }
    for authority in &list.authorities {
        printer.say(&authority_text(printer, authority))?;
    }
    let palette = printer.stdout.palette;
    for rotation in &list.rotations {
        printer.say(&rotation_text(printer, rotation))?;
    }
    printer.say(&format!(
        "{} in the vault, whose master key is kept in {}",
        palette.paint(DIM, "private halves"),
        plain(&list.kept_in)
    ))?;
    Ok(0)
}

fn one(printer: &Printer, authority: &AuthorityInfo) -> Result<u8, Failure> {
    if printer.json {
        printer.document(authority)?;
        return Ok(0);
    }
    printer.say(&authority_text(printer, authority))?;
    printer.say(&policy_text(&authority.policy))?;
    for needed in &authority.needed_by {
        printer.say(&format!("still needed: {}", plain(needed)))?;
    }
    Ok(0)
}

fn authority_text(printer: &Printer, authority: &AuthorityInfo) -> String {
    let palette = printer.stdout.palette;
    let (phase, style) = match authority.phase {
        AuthorityPhase::New => ("new, accepted by nobody", WARN),
        AuthorityPhase::Trusted => ("trusted", GOOD),
        AuthorityPhase::Signing => ("signing", GOOD),
        AuthorityPhase::Retired => ("retired", DIM),
        AuthorityPhase::Revoked => ("revoked", BAD),
    };
    let kept = match authority.kept_in {
        AuthorityHome::Vault => "",
        AuthorityHome::Agent => ", private half in an ssh-agent",
    };
    format!(
        "{} is {} since {}: {} so far{kept}\n  {}\n  {}",
        palette.paint(
            STRONG,
            &format!("{} authority {}", kind_word(authority.kind), authority.generation)
        ),
        palette.paint(style, phase),
        moment(&authority.changed_at),
        counted(authority.issued, "certificate"),
        plain(&authority.fingerprint),
        plain(&authority.public_key),
    )
}

fn rotation_text(printer: &Printer, rotation: &RotationState) -> String {
    let palette = printer.stdout.palette;
    let kind = kind_word(rotation.kind);
    let mut lines = vec![match rotation.step {
        RotationStep::Idle => format!(
            "{} no rotation of the {kind} authority is under way",
            palette.paint(DIM, "rotation")
        ),
        RotationStep::Made => format!(
            "{} the next {kind} authority is made",
            palette.paint(WARN, "rotation")
        ),
        RotationStep::Trusted => format!(
            "{} the next {kind} authority is accepted",
            palette.paint(WARN, "rotation")
        ),
        RotationStep::Signing => format!(
            "{} the next {kind} authority signs",
            palette.paint(WARN, "rotation")
        ),
    }];
    lines.push(format!("  devctl ca rotate {kind}: {}", plain(&rotation.next)));
    if let Some(back) = &rotation.back {
        lines.push(format!("  devctl ca rollback {kind}: {}", plain(back)));
    }
    lines.extend(
        rotation
            .waits_for
            .iter()
            .map(|one| format!("  waits for {}", plain(one))),
    );
    lines.join("\n")
}

fn policy_text(policy: &CertificatePolicy) -> String {
    let or = |words: &[String], nothing: &str| {
        if words.is_empty() {
            nothing.to_owned()
        } else {
            plain(&words.join(", "))
        }
    };
    let mut lines = vec![
        format!("longest validity  {} s", policy.max_validity_seconds),
        format!("clock skew        {} s", policy.clock_skew_seconds),
        format!("principals        {}", or(&policy.principals, "any")),
        format!("extensions        {}", or(&policy.extensions, "none")),
        format!("key types         {}", or(&policy.key_types, "none")),
    ];
    if let Some(command) = &policy.force_command {
        lines.push(format!("force-command     {}", plain(command)));
    }
    if !policy.source_addresses.is_empty() {
        lines.push(format!(
            "source-address    {}",
            plain(&policy.source_addresses.join(", "))
        ));
    }
    lines.join("\n")
}

/// `user` or `host`.
pub(super) fn kind_word(kind: AuthorityKind) -> &'static str {
    match kind {
        AuthorityKind::User => "user",
        AuthorityKind::Host => "host",
    }
}
