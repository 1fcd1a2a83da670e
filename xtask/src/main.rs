//! The chores of the workspace: `cargo xtask VERB`.
//!
//! Every verb can be run again at any time: it does only what is still to do, and says in one line what it installs
//! and why.

mod agents;
mod arguments;
mod bench;
mod build;
mod command;
mod engine;
mod fixtures;
mod fuzz;
mod generate;
mod machine;
mod report;
mod start;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use arguments::{USAGE, Verb};
use workspace::Workspace;

fn main() -> ExitCode {
    let verb = match arguments::parse(std::env::args().skip(1)) {
        Ok(verb) => verb,
        Err(error) => {
            report::error(&error);
            report::line(USAGE);
            return ExitCode::from(2);
        }
    };
    match run(verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Usage => {
            report::line(USAGE);
            Ok(())
        }
        Verb::Start { folder } => start::start(&workspace, folder.as_deref()),
        Verb::Test { selection } => test::test(&workspace, &selection),
        Verb::Bench { wish } => bench::bench(&workspace, &wish),
        Verb::Generate { check } => generate::generate(&workspace, check),
        Verb::Tidy => tidy::tidy(&workspace),
        Verb::Fixtures => fixtures::make(&workspace),
        Verb::Agents => agents::build(&workspace).map(drop),
        Verb::Build => build::products(&workspace).map(drop),
    }
}
