//! The binary `devctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    devctl_cli::run()
}
