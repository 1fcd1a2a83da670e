//! Which files of a build context are sent: the rules of `.dockerignore`.
//!
//! Source of the rules: the Docker documentation ("dockerignore files") and the behaviour of the docker client, which
//! the table in the tests was taken from.

use std::io;

/// The patterns of one `.dockerignore`, in their order: the last one that matches decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dockerignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    tokens: Vec<Token>,
    /// The pattern began with `!`: what it matches is sent after all.
    keeps: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`: one character that is not a slash.
    One,
    /// `*`: characters that are not slashes.
    Star,
    /// `**/`: nothing, or anything that ends with a slash.
    Directories,
    /// `**` at the end.
    Anything,
    /// `[a-z]`.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Dockerignore {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// With the number of the line whose pattern cannot be.
    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut patterns = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                continue;
            }
            let line = line.trim();
            let (keeps, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let invalid = |reason: &str| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("line {}: {line:?} {reason}", number + 1),
                )
            };
            if pattern.is_empty() {
                if keeps {
                    return Err(invalid("excludes nothing"));
                }
                continue;
            }
            let cleaned = clean(pattern);
            if cleaned.is_empty() {
                // The context itself, which is always sent.
                continue;
            }
            let tokens = tokenize(&cleaned).ok_or_else(|| invalid("is not a pattern"))?;
            patterns.push(Pattern { tokens, keeps });
        }
        Ok(Self { patterns })
    }

    /// Whether a file or directory is left out. `path` is relative to the context, with slashes.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        let mut ignored = false;
        for pattern in &self.patterns {
            // Only a pattern that would change the answer needs a look.
            if pattern.keeps == ignored && pattern.matches_it_or_a_parent(path) {
                ignored = !pattern.keeps;
            }
        }
        ignored
    }

    /// Whether something below an ignored directory may be sent after all.
    pub(crate) fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.keeps)
    }
}

/// The path without `.`, `..`, double slashes, and slashes at its ends.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn tokenize(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' if characters.next_if_eq(&'*').is_some() => {
                while characters.next_if_eq(&'*').is_some() {}
                characters.next_if_eq(&'/');
                if characters.peek().is_some() {
                    Token::Directories
                } else {
                    Token::Anything
                }
            }
            '*' => Token::Star,
            '?' => Token::One,
            '\\' => Token::Literal(characters.next()?),
            '[' => class(&mut characters)?,
            literal => Token::Literal(literal),
        });
    }
    Some(tokens)
}

fn class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = characters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let first = match characters.next()? {
            ']' if ranges.is_empty() => return None,
            ']' => return Some(Token::Class { ranges, negated }),
            '\\' => characters.next()?,
            first => first,
        };
        let last = match characters.next_if_eq(&'-') {
            None => first,
            Some(_) => match characters.next()? {
                '\\' => characters.next()?,
                ']' => return None,
                last => last,
            },
        };
        ranges.push((first, last));
    }
}

impl Pattern {
    fn matches_it_or_a_parent(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(slash, _)| &path[..slash]);
        parents.chain([path]).any(|path| self.matches(path))
    }

    /// Walks all possible positions at once, so that no pattern takes longer than its length times the path's.
    fn matches(&self, path: &str) -> bool {
        let end = self.tokens.len();
        let mut at = vec![false; end + 1];
        // Inside the directories of a `**/`.
        let mut inside = vec![false; end];
        at[0] = true;
        self.skip_what_may_be_nothing(&mut at);
        for character in path.chars() {
            let mut next_at = vec![false; end + 1];
            let mut next_inside = vec![false; end];
            for (index, token) in self.tokens.iter().enumerate() {
                let slash = character == '/';
                if *token == Token::Directories && (at[index] || inside[index]) {
                    next_inside[index] = true;
                    next_at[index + 1] |= slash;
                }
                if !at[index] {
                    continue;
                }
                match token {
                    Token::Literal(literal) => next_at[index + 1] |= *literal == character,
                    Token::One => next_at[index + 1] |= !slash,
                    Token::Star => next_at[index] |= !slash,
                    Token::Anything => next_at[index] = true,
                    Token::Directories => {}
                    Token::Class { ranges, negated } => {
                        let within = ranges
                            .iter()
                            .any(|(first, last)| (*first..=*last).contains(&character));
                        next_at[index + 1] |= within != *negated;
                    }
                }
            }
            (at, inside) = (next_at, next_inside);
            self.skip_what_may_be_nothing(&mut at);
        }
        at[end]
    }

    fn skip_what_may_be_nothing(&self, at: &mut [bool]) {
        for (index, token) in self.tokens.iter().enumerate() {
            if at[index] && matches!(token, Token::Star | Token::Directories | Token::Anything) {
                at[index + 1] = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(text: &str, path: &str) -> bool {
        Dockerignore::parse(text).unwrap().ignores(path)
    }

    #[test]
    fn the_rules_one_by_one() {
        for (text, path, expected) in [
            ("a", "a", true),
            ("a", "b/a", false),
            ("a", "a/b/c", true),
            ("/a", "a", true),
            ("a/", "a/b", true),
            ("./a//b/", "a/b", true),
            ("a/../b", "b", true),
            ("# a", "# a", false),
            (" # a", "# a", true),
            ("  a  ", "a", true),
            ("\u{feff}a", "a", true),
            ("a\r\nb\r\n", "a", true),
            ("*", "x", true),
            ("*", ".hidden", true),
            ("*.md", "a.md", true),
            ("*.md", "d/a.md", false),
            ("*/temp*", "a/temporary", true),
            ("*/temp*", "a/b/temporary", false),
            ("*/*/temp*", "a/b/temp", true),
            ("temp?", "tempa", true),
            ("temp?", "temp", false),
            ("temp?", "temp/", false),
            ("**/*.go", "a.go", true),
            ("**/*.go", "a/b/c.go", true),
            ("**", "a/b", true),
            ("a/**", "a", false),
            ("a/**", "a/b/c", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**/z", "a/bz", false),
            ("**/a/**/b", "x/a/y/z/b", true),
            ("a**b", "a/x/b", true),
            ("a**b", "axb", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a.b", "axb", false),
            ("(a|b)+", "a", false),
            ("(a|b)+", "(a|b)+", true),
            ("ü?", "üö", true),
            (".", "a", false),
            ("/", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(ignores(text, path), expected, "{text:?} {path:?}");
        }
    }

    #[test]
    fn the_last_match_decides() {
        let text = "*.md\n!README*.md\nREADME-secret.md";
        for (path, expected) in [
            ("a.md", true),
            ("README.md", false),
            ("README-secret.md", true),
            ("x", false),
        ] {
            assert_eq!(ignores(text, path), expected, "{path}");
        }
        assert!(ignores("*.md\nREADME-secret.md\n!README*.md", "a.md"));
        assert!(!ignores(
            "*.md\nREADME-secret.md\n!README*.md",
            "README-secret.md"
        ));
        assert!(!ignores("*\n!src", "src/deep/file"));
        assert!(ignores("*\n!src\nsrc/secret", "src/secret/key"));
        assert!(!ignores("! a", "a"));
    }

    #[test]
    fn a_pattern_that_cannot_be_is_an_error_with_its_line() {
        for text in ["a\n[", "a\n[a", "a\n!", "a\n[]", "a\nb\\", "a\n[a-]"] {
            let error = Dockerignore::parse(text).unwrap_err();
            assert!(error.to_string().starts_with("line 2: "), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_others() {
        let pattern = "**/".repeat(40) + &"*a".repeat(40);
        assert!(!ignores(&pattern, &"a/".repeat(60)));
    }
}
