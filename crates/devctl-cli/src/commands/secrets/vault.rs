//! `devctl secret vault`.

use super::{ChangeArgs, Failure, RecoverArgs, Session, Way};
use crate::args::secret::VaultCommand;
use crate::input;
use crate::output::text::plain;
use crate::output::{BAD, DIM, GOOD, Printer, STRONG, WARN};
use devctl_core::operations::Operations;
use devctl_model::{
    ChangeVault, MakeRecoveryKey, Nothing, SecretText, UnlockKeychain, VaultChanged, VaultInfo, VaultWay,
};
use std::path::Path;

pub(super) async fn run(session: &Session, command: VaultCommand) -> Result<u8, Failure> {
    let (core, caller, printer) = (&session.core, &session.caller, &session.printer);
    match command {
        VaultCommand::Show => {
            let vault = core.show_vault(caller, Nothing {}).await?;
            if printer.json {
                printer.document(&vault)?;
            } else {
                printer.say(&told(printer, &vault))?;
            }
        }
        VaultCommand::Change(args) => change(session, args).await?,
        VaultCommand::RecoveryKey { passphrase_file } => {
            let open_with = passphrase(printer, passphrase_file.as_deref())?;
            let key = core
                .make_recovery_key(caller, MakeRecoveryKey { open_with })
                .await?;
            if printer.json {
                printer.document(&key)?;
            } else {
                printer.say(key.recovery_key.expose())?;
                printer.note("Print it or write it down: it is shown this once, and nowhere kept. An older one opens nothing any more.")?;
            }
        }
        VaultCommand::Recover(args) => recover(session, args).await?,
        VaultCommand::Unlock { password_file } => {
            let password = passphrase(printer, password_file.as_deref())?;
            let done = core.unlock_keychain(caller, UnlockKeychain { password }).await?;
            if printer.json {
                printer.document(&done)?;
            } else {
                printer.say(if done.changed {
                    "the keychain is unlocked"
                } else {
                    "the keychain works already"
                })?;
            }
        }
    }
    Ok(0)
}

/// The first line of a file, where one is named.
fn passphrase(printer: &Printer, file: Option<&Path>) -> Result<Option<SecretText>, Failure> {
    let Some(file) = file else { return Ok(None) };
    let line = input::passphrase(printer, Some(file), "")?;
    Ok(line.map(|line| SecretText::new(line.to_string())))
}

/// The new passphrase, where that is the way.
fn chosen(printer: &Printer, way: Option<Way>, file: Option<&Path>) -> Result<Option<SecretText>, Failure> {
    match way {
        Some(Way::Passphrase) => {
            let text = input::new_passphrase(printer, file, "A passphrase for the vault")?;
            Ok(Some(SecretText::new(text.to_string())))
        }
        _ if file.is_some() => Err(Failure::usage("--new-passphrase-file goes with --add passphrase")),
        _ => Ok(None),
    }
}

async fn change(session: &Session, args: ChangeArgs) -> Result<(), Failure> {
    let printer = &session.printer;
    let request = ChangeVault {
        remove: args.remove.map(VaultWay::from),
        add: args.add.map(VaultWay::from),
        passphrase: chosen(printer, args.add, args.new_passphrase_file.as_deref())?,
        open_with: passphrase(printer, args.passphrase_file.as_deref())?,
        recovery_key: None,
        accept_older: args.accept_older,
    };
    let changed = session.core.change_vault(&session.caller, request).await?;
    show_change(printer, &changed)
}

async fn recover(session: &Session, args: RecoverArgs) -> Result<(), Failure> {
    let printer = &session.printer;
    let key = input::passphrase(printer, args.key_file.as_deref(), "The recovery key")?;
    let key = key.ok_or_else(|| {
        Failure::usage("nobody is here to type the recovery key: name a file with --key-file, or -")
    })?;
    let request = ChangeVault {
        remove: None,
        add: Some(args.add.into()),
        passphrase: chosen(printer, Some(args.add), args.new_passphrase_file.as_deref())?,
        open_with: None,
        recovery_key: Some(SecretText::new(key.to_string())),
        accept_older: args.accept_older,
    };
    let changed = session.core.change_vault(&session.caller, request).await?;
    show_change(printer, &changed)
}

fn show_change(printer: &Printer, changed: &VaultChanged) -> Result<(), Failure> {
    if printer.json {
        printer.document(changed)?;
        return Ok(());
    }
    printer.say(&told(printer, &changed.vault))?;
    if let Some(why) = &changed.left_behind {
        printer.note(&format!(
            "{} the key of the way that is gone could not be deleted from its place: {}",
            printer.stderr.palette.paint(WARN, "note:"),
            plain(why)
        ))?;
    }
    Ok(())
}

fn told(printer: &Printer, vault: &VaultInfo) -> String {
    let palette = printer.stdout.palette;
    let mut lines = vec![palette.paint(STRONG, &plain(&vault.path))];
    if !vault.exists {
        lines.push("  is not there yet; it is made when something has to be kept".to_owned());
    }
    if let Some(problem) = &vault.problem {
        lines.push(format!("  {} {}", palette.paint(BAD, "✗"), plain(problem)));
    }
    for way in &vault.ways {
        let opened = vault.opened_by == Some(way.way);
        let mark = if opened {
            palette.paint(GOOD, "✓")
        } else {
            palette.paint(DIM, "·")
        };
        let how = match (opened, way.opens_by_itself) {
            (true, _) => " (opened it now)",
            (false, true) => "",
            (false, false) => " (needs a person)",
        };
        lines.push(format!("  {mark} {}{how}", plain(&way.place)));
    }
    if vault.exists
        && vault.problem.is_none()
        && !vault.ways.iter().any(|way| way.way == VaultWay::RecoveryKey)
    {
        lines.push("  · no recovery key; devctl secret vault recovery-key makes one".to_owned());
    }
    if let Some(keychain) = &vault.keychain {
        let mark = if keychain.ready {
            palette.paint(GOOD, "✓")
        } else {
            palette.paint(WARN, "!")
        };
        lines.push(format!("  {mark} {}", plain(&keychain.words)));
        if let Some(fix) = &keychain.fix {
            lines.push(format!("    {}", plain(fix)));
        }
    }
    lines.join("\n")
}
