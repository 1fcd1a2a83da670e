//! `devctl pause`, `unpause`, `kill`, `rename`, `adopt` and `forget`.

use crate::args::ContainerArg;
use crate::args::life::{AdoptArgs, KillArgs, RenameArgs};
use crate::failure::Failure;
use crate::output::Printer;
use crate::output::text::plain;
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{AdoptContainer, ContainerRef, KillContainer, RenameContainer};

pub(crate) async fn pause(printer: &Printer, args: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: args.container,
    };
    let done = session.core.pause_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        let word = if done.changed { "is" } else { "was" };
        printer.say(&format!("{} {word} paused", plain(&done.name)))?;
    }
    Ok(0)
}

pub(crate) async fn unpause(printer: &Printer, args: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: args.container,
    };
    let done = session.core.unpause_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        let word = if done.changed { "goes on" } else { "was not paused" };
        printer.say(&format!("{} {word}", plain(&done.name)))?;
    }
    Ok(0)
}

pub(crate) async fn kill(printer: &Printer, args: KillArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = KillContainer {
        container: args.target.container,
        signal: Some(args.signal),
    };
    let done = session.core.kill_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        printer.say(&format!("{} was sent {}", plain(&done.name), plain(&done.signal)))?;
    }
    Ok(0)
}

pub(crate) async fn rename(printer: &Printer, args: RenameArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = RenameContainer {
        container: args.target.container,
        name: args.name,
    };
    let done = session.core.rename_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&done)?;
    } else if done.changed {
        printer.say(&format!("{} is called {} now", plain(&done.old_name), done.name))?;
        printer.say(&format!("  ssh {}", plain(&done.ssh_host)))?;
    } else {
        printer.say(&format!("{} was called so already", plain(&done.name)))?;
    }
    Ok(0)
}

pub(crate) async fn adopt(printer: &Printer, args: AdoptArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = AdoptContainer {
        container: args.container,
        name: args.name,
        host: args.host,
    };
    let done = session.core.adopt_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&done)?;
    } else if done.changed {
        printer.say(&format!(
            "{} is adopted, and goes on as it was",
            plain(&done.name)
        ))?;
        printer.say(&format!("  ssh {}", plain(&done.ssh_host)))?;
    } else {
        printer.say(&format!("{} was ours already", plain(&done.name)))?;
    }
    Ok(0)
}

pub(crate) async fn forget(printer: &Printer, args: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: args.container,
    };
    let done = session.core.forget_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        let rest = if done.still_there {
            "; the container goes on as it is"
        } else {
            ""
        };
        printer.say(&format!("{} is off the list{rest}", plain(&done.name)))?;
    }
    Ok(0)
}
