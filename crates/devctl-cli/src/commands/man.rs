//! `devctl man` (hidden): man pages and the reference, for packages and for the documentation.

use crate::args::ManArgs;
use crate::failure::Failure;
use crate::output::Printer;
use crate::reference;
use devctl_model::{ErrorCode, Problem};
use serde::Serialize;
use std::path::PathBuf;

/// What `man --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Written {
    /// The files that were written.
    pub files: Vec<PathBuf>,
}

pub(crate) fn run(printer: &Printer, args: &ManArgs) -> Result<u8, Failure> {
    let Some(directory) = &args.directory else {
        if printer.json {
            return Err(Failure::usage(
                "the reference is Markdown, so --markdown has no --json",
            ));
        }
        printer.say(reference::markdown().trim_end())?;
        return Ok(0);
    };
    let failed = |path: &PathBuf, error: &std::io::Error| {
        Problem::new(
            ErrorCode::FileFailed,
            format!("{} cannot be written", path.display()),
        )
        .why(error.to_string())
    };
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
    let mut files = Vec::new();
    for (name, page) in reference::man_pages()? {
        let path = directory.join(name);
        std::fs::write(&path, page).map_err(|error| failed(&path, &error))?;
        files.push(path);
    }
    if printer.json {
        printer.document(&Written { files })?;
    } else {
        for file in &files {
            printer.say(&file.display().to_string())?;
        }
    }
    Ok(0)
}
