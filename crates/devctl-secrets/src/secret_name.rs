use std::fmt;

/// Whom a secret is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretScope {
    /// The person, in all their containers.
    Person,
    /// Containers made from a template.
    Template(String),
    /// One container.
    Container(String),
}

/// The name of a person's secret: for whom, and the environment variable or file that it becomes. Every such name is
/// valid: it can only be made by [`SecretName::new`] and [`SecretName::from_entry`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName {
    scope: SecretScope,
    name: String,
}

/// What is wrong with the parts of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretNameError {
    /// A name is what an environment variable may be called.
    #[error(
        "a secret's name has 1 to 128 letters, digits and underscores of ASCII, and does not start with a digit"
    )]
    Name,
    /// A template's or container's name or id.
    #[error(
        "a template or container in a secret's name has 1 to 100 characters, no '/', no blank and no control character"
    )]
    Subject,
    /// A vault entry that is no secret of a person.
    #[error("the entry is not named scope/subject/name")]
    Entry,
}

const LONGEST_NAME: usize = 128;
const LONGEST_SUBJECT: usize = 100;
const PREFIX: &str = "secret/";

impl SecretName {
    /// The stable code of [`SecretNameError`].
    pub const ERROR_CODE: &str = "secrets.name_refused";

    /// Checks the parts.
    ///
    /// # Errors
    /// Says which part cannot stand.
    pub fn new(scope: SecretScope, name: &str) -> Result<Self, SecretNameError> {
        let first = name.bytes().next().ok_or(SecretNameError::Name)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if first.is_ascii_digit() || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
            return Err(SecretNameError::Name);
        }
        match &scope {
            SecretScope::Template(subject) | SecretScope::Container(subject) => check_subject(subject)?,
            SecretScope::Person => {}
        }
        Ok(Self {
            scope,
            name: name.to_owned(),
        })
    }

    /// Whom it is for.
    #[must_use]
    pub fn scope(&self) -> &SecretScope {
        &self.scope
    }

    /// The environment variable or file name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The vault entry that holds it: `secret/person/NAME`, `secret/template/SUBJECT/NAME`,
    /// `secret/container/SUBJECT/NAME`.
    #[must_use]
    pub fn entry(&self) -> String {
        format!("{PREFIX}{self}")
    }

    /// The name that a vault entry holds; `None` if the entry is of another kind, such as an authority.
    ///
    /// # Errors
    /// It starts like one and is none.
    pub fn from_entry(entry: &str) -> Result<Option<Self>, SecretNameError> {
        let Some(parts) = entry.strip_prefix(PREFIX) else {
            return Ok(None);
        };
        let mut parts = parts.split('/');
        let mut next = || parts.next().ok_or(SecretNameError::Entry);
        let scope = match next()? {
            "person" => SecretScope::Person,
            "template" => SecretScope::Template(next()?.to_owned()),
            "container" => SecretScope::Container(next()?.to_owned()),
            _ => return Err(SecretNameError::Entry),
        };
        let name = next()?;
        if parts.next().is_some() {
            return Err(SecretNameError::Entry);
        }
        Self::new(scope, name).map(Some)
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            SecretScope::Person => write!(f, "person/{}", self.name),
            SecretScope::Template(subject) => write!(f, "template/{subject}/{}", self.name),
            SecretScope::Container(subject) => write!(f, "container/{subject}/{}", self.name),
        }
    }
}

fn check_subject(subject: &str) -> Result<(), SecretNameError> {
    let refused = |symbol: char| symbol == '/' || symbol.is_whitespace() || is_invisible(symbol);
    let length = subject.chars().count();
    if length == 0 || length > LONGEST_SUBJECT || subject.chars().any(refused) {
        return Err(SecretNameError::Subject);
    }
    Ok(())
}

/// Control characters, and those that are not seen or turn the order of what is seen: a name must look like what it is.
pub(crate) fn is_invisible(symbol: char) -> bool {
    symbol.is_control()
        || matches!(symbol, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_entries_and_back() {
        for (scope, entry) in [
            (SecretScope::Person, "secret/person/TOKEN"),
            (
                SecretScope::Template("rust".to_owned()),
                "secret/template/rust/TOKEN",
            ),
            (
                SecretScope::Container("web.api".to_owned()),
                "secret/container/web.api/TOKEN",
            ),
        ] {
            let name = SecretName::new(scope, "TOKEN").unwrap();
            assert_eq!(name.entry(), entry);
            assert_eq!(SecretName::from_entry(entry), Ok(Some(name)));
        }
        assert_eq!(SecretName::from_entry("authority/user"), Ok(None));
    }

    #[test]
    fn parts_that_cannot_stand_are_refused() {
        for name in [
            "",
            "1A",
            "A-B",
            "A B",
            "A\n",
            "A=B",
            "Ä",
            "A/B",
            "..",
            &"A".repeat(129),
        ] {
            assert_eq!(
                SecretName::new(SecretScope::Person, name),
                Err(SecretNameError::Name),
                "{name:?}"
            );
        }
        for subject in [
            "",
            "a/b",
            "a b",
            "a\u{7}",
            "a\u{202e}b",
            "a\u{200b}",
            &"a".repeat(101),
        ] {
            for scope in [SecretScope::Template, SecretScope::Container] {
                assert_eq!(
                    SecretName::new(scope(subject.to_owned()), "A"),
                    Err(SecretNameError::Subject),
                    "{subject:?}"
                );
            }
        }
        for entry in ["secret/", "secret/person", "secret/other/A", "secret/person/A/B"] {
            assert_eq!(
                SecretName::from_entry(entry),
                Err(SecretNameError::Entry),
                "{entry}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_entry_stands_for_one_name(entry in "secret/(person|template|container)(/[a-zA-Z_.]{0,4}){0,3}") {
            if let Ok(Some(name)) = SecretName::from_entry(&entry) {
                prop_assert_eq!(name.entry(), entry);
            }
        }
    }
}
