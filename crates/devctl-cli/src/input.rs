//! Files and passphrases that a person names: never on the command line, where every process sees them.

use crate::failure::Failure;
use crate::output::Printer;
use devctl_model::{ErrorCode, Problem};
use std::io::{self, BufRead as _, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Keys, certificates and passphrases are small; what is larger is something else.
const LARGEST: u64 = 1024 * 1024;

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(LARGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Problem::new(
            ErrorCode::FileFailed,
            format!("{} is no text, and keys and certificates are", path.display()),
        )
        .why("it holds bytes that are not UTF-8")
        .fix("Name a file in OpenSSH's form or in PEM; `openssl pkey -inform DER -in FILE -out NEWFILE` makes that of a binary key")
        .into()),
        Err(error) => Err(Problem::new(
            ErrorCode::FileFailed,
            format!("{} cannot be read", path.display()),
        )
        .why(error.to_string())
        .fix("Check the path and its rights")
        .into()),
    }
}

/// Writes a file (0600) that is not there yet.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |why: String| {
        Problem::new(
            ErrorCode::FileFailed,
            format!("{} could not be written", path.display()),
        )
        .why(why)
        .fix("Name a file that is not there yet, in a folder that is")
    };
    match devctl_files::write_new(path, content, devctl_files::Mode::PRIVATE) {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed("it is there already, and no file is overwritten".to_owned()).into()),
        Err(error) => Err(failed(error.to_string()).into()),
    }
}

/// A passphrase: the first line of a file, or typed at the terminal without being shown. `None` where there is neither.
pub(crate) fn passphrase(
    printer: &Printer,
    file: Option<&Path>,
    question: &str,
) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(path) = file {
        let text = if path.as_os_str() == "-" {
            let mut line = Zeroizing::new(String::new());
            io::stdin().lock().take(LARGEST).read_line(&mut line)?;
            line
        } else {
            text(path)?
        };
        let line = text.lines().next().unwrap_or_default();
        return Ok(Some(Zeroizing::new(line.to_owned())));
    }
    if !printer.can_ask() {
        return Ok(None);
    }
    let typed = rpassword::prompt_password(format!("{question}: "))?;
    Ok(Some(Zeroizing::new(typed)))
}

/// A passphrase that is chosen now, and so typed twice at a terminal.
pub(crate) fn new_passphrase(
    printer: &Printer,
    file: Option<&Path>,
    question: &str,
) -> Result<Zeroizing<String>, Failure> {
    let Some(chosen) = passphrase(printer, file, question)? else {
        return Err(Failure::usage(
            "a passphrase is needed: name a file with --passphrase-file, or - for standard input",
        ));
    };
    if file.is_none() && passphrase(printer, None, "The same again")?.as_deref() != Some(&*chosen) {
        return Err(Failure::usage("the two passphrases differ"));
    }
    Ok(chosen)
}

/// A duration such as `90s`, `30m`, `16h`, `7d`, in seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, Failure> {
    let refused = || Failure::usage(format!("{text:?} is no duration: write 90s, 30m, 16h, or 7d"));
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
    let (number, unit) = text.split_at(split);
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return Err(refused()),
    };
    let number: u64 = number.parse().map_err(|_| refused())?;
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, expected) in [
            ("90s", 90),
            ("30m", 1800),
            ("16h", 57_600),
            ("7d", 604_800),
            ("1w", 604_800),
        ] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for bad in [
            "",
            "7",
            "d",
            "0s",
            "-1h",
            "1.5h",
            "99999999999999999999d",
            "99999999999999w",
            "1 h",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
