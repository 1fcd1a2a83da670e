//! `devctl config read`.

use crate::args::ConfigCommand;
use crate::failure::Failure;
use crate::output::Printer;
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::ReadConfig;

pub(crate) async fn run(printer: &Printer, command: ConfigCommand) -> Result<u8, Failure> {
    let ConfigCommand::Read { path, config, merged } = command;
    let session = Session::open(printer).await?;
    let request = ReadConfig {
        folder: path,
        config,
        merged,
    };
    // The document is the answer, with `--json` and without.
    let document = session.core.read_config(&session.caller, request).await?;
    printer.document(&document)?;
    Ok(0)
}
