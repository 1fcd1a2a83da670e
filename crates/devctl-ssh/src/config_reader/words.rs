//! How `ssh` takes a line apart (`readconf.c`, `misc.c`). Two rules: the keyword ends at a blank or one `=`, and most
//! arguments are words with quotes, backslashes and comments; `Match` takes its words by the first rule, too.

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// `Keyword value`, `Keyword=value` or `Keyword = value`; nothing for comments and empty lines. The value may be empty.
pub(crate) fn keyword_and_value(line: &str) -> Option<(String, &str)> {
    let line = line.trim_end_matches(['\u{c}', ' ', '\t', '\r', '\n']);
    let mut rest = Some(line);
    let mut keyword = delimited(&mut rest)?;
    if keyword.is_empty() {
        // Leading blanks.
        keyword = delimited(&mut rest)?;
    }
    if keyword.is_empty() || keyword.starts_with('#') {
        return None;
    }
    Some((
        keyword.to_ascii_lowercase(),
        rest.unwrap_or_default().trim_start_matches(BLANK),
    ))
}

/// The next word up to a blank, a quoted part or one `=`; `None` at the end and where a quote is not closed.
pub(crate) fn delimited(rest: &mut Option<&str>) -> Option<String> {
    let text = rest.take()?;
    let Some(at) = text.find(|character| BLANK.contains(&character) || matches!(character, '"' | '=')) else {
        return Some(text.to_owned());
    };
    let (word, tail) = text.split_at(at);
    if let Some(quoted) = tail.strip_prefix('"') {
        let (inside, after) = quoted.split_once('"')?;
        *rest = Some(after.trim_start_matches(BLANK));
        return Some(format!("{word}{inside}"));
    }
    let had_equals = tail.starts_with('=');
    let mut tail = tail.get(1..).unwrap_or_default().trim_start_matches(BLANK);
    if !had_equals && let Some(after) = tail.strip_prefix('=') {
        tail = after.trim_start_matches(BLANK);
    }
    *rest = Some(tail);
    Some(word.to_owned())
}

/// The words of a value up to a comment; `None` where a quote is not closed.
pub(crate) fn words(value: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut characters = value.chars().peekable();
    loop {
        while characters
            .next_if(|character| matches!(character, ' ' | '\t'))
            .is_some()
        {}
        if matches!(characters.peek(), None | Some('#')) {
            return Some(words);
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(character) = characters.next() {
            match (character, quote) {
                ('\\', _) => {
                    let escaped = characters.next_if(|next| {
                        matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' ')
                    });
                    word.push(escaped.unwrap_or('\\'));
                }
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some(character),
                (character, Some(open)) if character == open => quote = None,
                (character, _) => word.push(character),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart_as_ssh_does() {
        let split = |line| keyword_and_value(line).map(|(keyword, value)| (keyword, value.to_owned()));
        let is = |keyword: &str, value: &str| Some((keyword.to_owned(), value.to_owned()));
        assert_eq!(split("Host a b"), is("host", "a b"));
        assert_eq!(split("\t  HOST = a\r\n"), is("host", "a"));
        assert_eq!(split("User=x"), is("user", "x"));
        assert_eq!(split("User==x"), is("user", "=x"));
        assert_eq!(split("  # Host a"), None);
        assert_eq!(split("#Host a"), None);
        assert_eq!(split("  \t "), None);
        assert_eq!(split("User"), is("user", ""));
        assert_eq!(split("\"User\" x"), is("user", "x"));
    }

    #[test]
    fn words_end_where_ssh_ends_them() {
        let is = |all: &[&str]| Some(all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words("a b\t c"), is(&["a", "b", "c"]));
        assert_eq!(words("\"a b\" 'c d'e #f"), is(&["a b", "c de"]));
        assert_eq!(words("a#b"), is(&["a#b"]));
        assert_eq!(words(r#"a\ b "c\"d" C:\new"#), is(&["a b", "c\"d", r"C:\new"]));
        assert_eq!(words("\"\""), is(&[""]));
        assert_eq!(words("\"a"), None);
        assert_eq!(words("# all"), is(&[]));
    }
}
