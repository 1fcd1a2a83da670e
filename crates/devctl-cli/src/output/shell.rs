//! Commands that can be copied into a shell.

use std::borrow::Cow;

/// The word as a POSIX shell reads it back. Control characters need `$'…'` (bash, zsh, POSIX since 2024).
pub(crate) fn quote(word: &str) -> Cow<'_, str> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        Cow::Borrowed(word)
    } else if word.chars().any(char::is_control) {
        Cow::Owned(format!("$'{}'", word.chars().map(escape).collect::<String>()))
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

fn escape(character: char) -> String {
    match character {
        '\'' | '\\' => format!("\\{character}"),
        _ if character.is_control() => {
            let mut buffer = [0; 4];
            let bytes = character.encode_utf8(&mut buffer).bytes();
            bytes.map(|byte| format!("\\{byte:03o}")).collect()
        }
        _ => character.to_string(),
    }
}

/// The words as one command line.
pub(crate) fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words = [
            "plain",
            "",
            "a b",
            "it's",
            "$HOME",
            "`id`",
            "new\nline",
            "*",
            "~",
            "größe",
            "\\",
            "\u{1b}'\\n\u{9b}é",
        ];
        let script = format!("printf '%s\\0' {}", command_line(words));
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let read: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        let expected: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        assert_eq!(&read[..words.len()], expected);
    }

    #[test]
    fn what_needs_no_quotes_gets_none() {
        assert_eq!(
            command_line(["devctl", "up", "/home/dev/a-b", "--name=x"]),
            "devctl up /home/dev/a-b --name=x"
        );
    }
}
