//! How a value is written so that `ssh` reads back the same value. Rules from `readconf.c`, held against the real
//! client in `tests/ssh_config`: most options are split into words with quotes and backslashes, then `%` tokens and
//! `${VARIABLES}` are expanded; `ProxyCommand` is the rest of the line verbatim, then `%` tokens, then the shell;
//! `Match exec` is split by one rule up to OpenSSH 9.x (no escapes inside quotes) and by another later (escapes), so
//! it gets nothing that the two read differently.

use std::fmt::Write as _;
use std::path::Path;

use crate::client_config::Platform;
use crate::error::SshError;

/// A path as the value of `IdentityFile`, `UserKnownHostsFile` and the like.
pub(crate) fn path_value(role: &'static str, path: &Path) -> Result<String, SshError> {
    let text = checked(role, path)?;
    if text.contains("${") {
        return Err(unquotable(
            role,
            text,
            "ssh would read `${` as a variable, and nothing escapes it",
        ));
    }
    Ok(quoted(&text.replace('%', "%%")))
}

/// A path as the argument of `Include`: a pattern for glob(3), and from OpenSSH 9.9 with `%` tokens and variables,
/// before without, so these cannot be written for both. On Windows the pattern has slashes: a backslash would take the
/// meaning from the character behind it.
pub(crate) fn include_value(path: &Path, platform: Platform) -> Result<String, SshError> {
    let role = "an included file";
    let text = checked(role, path)?;
    if text.contains("${") || text.contains('%') {
        return Err(unquotable(
            role,
            text,
            "versions of ssh differ on `%` and `${` in an Include line",
        ));
    }
    if platform == Platform::Windows {
        if text.contains(['[', ']']) {
            return Err(unquotable(
                role,
                text,
                "ssh for Windows would read `[` as part of a pattern",
            ));
        }
        return Ok(quoted(&text.replace('\\', "/")));
    }
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    Ok(quoted(&pattern))
}

/// Our program with fixed arguments, as the value of `ProxyCommand`. The arguments may hold `%` tokens.
pub(crate) fn proxy_command(program: &Path, arguments: &str, platform: Platform) -> Result<String, SshError> {
    let text = checked("the path of devctl", program)?;
    let program = match platform {
        Platform::Unix => shell_word(&text),
        Platform::Windows => format!("\"{text}\""),
    };
    Ok(format!("{} {arguments}", program.replace('%', "%%")))
}

/// Our program with fixed plain arguments, as the quoted argument of `Match … exec`.
pub(crate) fn match_exec(program: &Path, arguments: &str, platform: Platform) -> Result<String, SshError> {
    let text = checked("the path of devctl", program)?;
    let command = match platform {
        // cmd.exe takes a blank into a word after a caret; quotes inside our quotes would end them.
        Platform::Windows => format!("{} {arguments}", text.replace(' ', "^ ")),
        Platform::Unix if !text.contains(['\'', '"', '\\']) => format!("{} {arguments}", shell_word(&text)),
        // No quote and no backslash survives both parsers, but a backslash before a digit does: the shell makes the
        // path from octal escapes, and neither splits nor expands the result.
        Platform::Unix => {
            let mut escaped = String::new();
            for character in text.chars() {
                match character {
                    '\'' | '"' | '\\' => {
                        // Cannot fail: a String takes everything.
                        let _ = write!(escaped, "\\0{:03o}", u32::from(character));
                    }
                    other => escaped.push(other),
                }
            }
            format!("set -f; IFS=; p=$(printf %b '{escaped}'); exec $p {arguments}")
        }
    };
    Ok(format!("\"{}\"", command.replace('%', "%%")))
}

/// One word for the shell, plain where it may be plain.
fn shell_word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@:,".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Inside double quotes a backslash escapes a quote and a backslash and is itself otherwise (`argv_split`).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' if matches!(characters.peek(), None | Some('"' | '\'' | '\\')) => out.push_str("\\\\"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn checked(role: &'static str, path: &Path) -> Result<String, SshError> {
    let Some(text) = path.to_str() else {
        return Err(unquotable(
            role,
            path.to_string_lossy().into_owned(),
            "it is not UTF-8",
        ));
    };
    if text.is_empty() {
        return Err(unquotable(role, String::new(), "it is empty"));
    }
    if !path.is_absolute() && !looks_like_windows(text) {
        return Err(unquotable(role, text.to_owned(), "it is not an absolute path"));
    }
    if text.chars().any(char::is_control) {
        return Err(unquotable(
            role,
            text.to_owned(),
            "it holds a control character, which would start a new line",
        ));
    }
    Ok(text.to_owned())
}

/// `C:\…` or `\\server\…`; the tests of the Windows rules run everywhere.
fn looks_like_windows(text: &str) -> bool {
    text.starts_with("\\\\")
        || matches!(
            text.as_bytes(),
            [b'A'..=b'Z' | b'a'..=b'z', b':', b'\\' | b'/', ..]
        )
}

fn unquotable(role: &'static str, value: String, why: &'static str) -> SshError {
    SshError::Unquotable { role, value, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_by_the_rules_that_were_measured() {
        for (path, written) in [
            ("/a b/id", r#""/a b/id""#),
            ("/100%/id", r#""/100%%/id""#),
            ("/say \"hi\"", r#""/say \"hi\"""#),
            ("/ends\\", r#""/ends\\""#),
            ("/mid\\dle", r#""/mid\dle""#),
            ("/ü/日本", r#""/ü/日本""#),
            ("/a#b", r#""/a#b""#),
            (r"C:\Users\new\id", r#""C:\Users\new\id""#),
        ] {
            assert_eq!(path_value("a key", Path::new(path)).unwrap(), written);
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused_by_name() {
        for bad in [
            "",
            "relative/id",
            "/a\nProxyCommand evil",
            "/a\rb",
            "/a\tb",
            "/a\u{85}b",
            "/${HOME}/id",
        ] {
            let error = path_value("a key", Path::new(bad)).unwrap_err();
            assert_eq!(error.code(), "ssh.path_unusable", "{bad:?}");
        }
        assert!(include_value(Path::new("/100%/config"), Platform::Unix).is_err());
        assert!(proxy_command(Path::new("/a\nb"), "x", Platform::Unix).is_err());
        assert!(match_exec(Path::new("/a\nb"), "x", Platform::Unix).is_err());
    }

    #[test]
    fn an_included_file_is_a_pattern_for_each_platform() {
        let unix = |path: &str| include_value(Path::new(path), Platform::Unix).unwrap();
        assert_eq!(unix("/a b/[x]*/config"), r#""/a b/\[x\]\*/config""#);
        let windows = |path: &str| include_value(Path::new(path), Platform::Windows);
        assert_eq!(
            windows(r"C:\Users\Jo Doe\.ssh\devctl\config").unwrap(),
            r#""C:/Users/Jo Doe/.ssh/devctl/config""#
        );
        assert_eq!(
            windows(r"\\server\home\ü\config").unwrap(),
            r#""//server/home/ü/config""#
        );
        assert!(windows(r"C:\a[1]\config").is_err());
    }

    #[test]
    fn the_program_survives_the_shell_and_cmd() {
        let proxy =
            |path: &str, platform| proxy_command(Path::new(path), "ssh-proxy %n %r", platform).unwrap();
        assert_eq!(
            proxy("/usr/bin/devctl", Platform::Unix),
            "/usr/bin/devctl ssh-proxy %n %r"
        );
        assert_eq!(
            proxy("/my 100% $x/devctl", Platform::Unix),
            "'/my 100%% $x/devctl' ssh-proxy %n %r"
        );
        assert_eq!(
            proxy("/o'brien/devctl", Platform::Unix),
            r"'/o'\''brien/devctl' ssh-proxy %n %r"
        );
        assert_eq!(
            proxy(r"C:\Program Files\devctl.exe", Platform::Windows),
            r#""C:\Program Files\devctl.exe" ssh-proxy %n %r"#
        );
        let exec = |path: &str, platform| match_exec(Path::new(path), "ssh-renew", platform).unwrap();
        assert_eq!(
            exec("/usr/bin/devctl", Platform::Unix),
            r#""/usr/bin/devctl ssh-renew""#
        );
        assert_eq!(
            exec("/my files/devctl", Platform::Unix),
            r#""'/my files/devctl' ssh-renew""#
        );
        assert_eq!(
            exec(r"C:\My Files\devctl.exe", Platform::Windows),
            r#""C:\My^ Files\devctl.exe ssh-renew""#
        );
        let odd = exec("/o'brien/devctl", Platform::Unix);
        assert!(
            odd.contains(r"/o\0047brien/") && !odd.trim_matches('"').contains('"'),
            "{odd}"
        );
    }
}
