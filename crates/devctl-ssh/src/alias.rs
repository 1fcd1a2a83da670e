use std::fmt;
use std::str::FromStr;

use crate::error::SshError;

/// Longest label of a host name (RFC 1035).
const LONGEST_LABEL: usize = 63;

/// What stands for a container before the suffix in `ssh ALIAS.devctl`: `[a-z0-9-]{1,63}`, no hyphen at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias(String);

impl Alias {
    /// Reads an alias as it was typed.
    ///
    /// # Errors
    /// [`SshError::Name`] for anything that is not exactly an alias.
    pub fn new(name: &str) -> Result<Self, SshError> {
        let refused = |why| {
            Err(SshError::Name {
                name: name.to_owned(),
                why,
            })
        };
        if name.is_empty() {
            return refused("it is empty");
        }
        if name.len() > LONGEST_LABEL {
            return refused("it is longer than 63 characters");
        }
        if name
            .bytes()
            .any(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        {
            return refused("only a to z, 0 to 9 and hyphens are allowed");
        }
        if name.starts_with('-') || name.ends_with('-') {
            return refused("a hyphen cannot be first or last");
        }
        Ok(Self(name.to_owned()))
    }

    /// Reads the `%n` that `ssh` passes to its proxy: `ALIAS.SUFFIX`, and nothing else.
    ///
    /// # Errors
    /// [`SshError::Name`] for a host that is not ours.
    pub fn from_host(host: &str, suffix: &Suffix) -> Result<Self, SshError> {
        let alias = host
            .strip_suffix(suffix.as_str())
            .and_then(|rest| rest.strip_suffix('.'));
        match alias {
            Some(alias) => Self::new(alias),
            None => Err(SshError::Name {
                name: host.to_owned(),
                why: "it does not end in our suffix",
            }),
        }
    }

    /// The alias with a number behind it, for the second container of the same name: `web-2`. Shortened where the
    /// number needs the room.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let number = number.to_string();
        let room = LONGEST_LABEL - number.len() - 1;
        let kept = self
            .0
            .get(..room.min(self.0.len()))
            .unwrap_or(&self.0)
            .trim_end_matches('-');
        Self(format!("{kept}-{number}"))
    }

    /// The alias as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that `ssh` is called with: `web.devctl`.
    #[must_use]
    pub fn host(&self, suffix: &Suffix) -> String {
        format!("{}.{suffix}", self.0)
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Alias {
    type Err = SshError;
    fn from_str(name: &str) -> Result<Self, SshError> {
        Self::new(name)
    }
}

/// Last labels of names that are not ours: of many sites, of home networks, and of other tools like this one. All of
/// two letters are of countries.
const IN_USE: [&str; 26] = [
    "arpa",
    "app",
    "biz",
    "cloud",
    "coder",
    "com",
    "corp",
    "dev",
    "devpod",
    "edu",
    "gov",
    "home",
    "info",
    "int",
    "internal",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mil",
    "net",
    "onion",
    "org",
    "private",
    "test",
    "xyz",
];

/// What all our host names end in, without the dot: `devctl`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Suffix(String);

impl Suffix {
    /// Reads a suffix: one or more labels, as in [`Alias`], with dots between.
    ///
    /// Our configuration is in force for every host that ends in the suffix, so a single label must not be one that
    /// names on the internet or in a home network end in. A suffix of more labels is somebody's own domain.
    ///
    /// # Errors
    /// [`SshError::Name`] for anything else.
    pub fn new(suffix: &str) -> Result<Self, SshError> {
        if suffix.len() > 190 {
            return Err(SshError::Name {
                name: suffix.to_owned(),
                why: "it is longer than 190 characters",
            });
        }
        for label in suffix.split('.') {
            Alias::new(label)?;
        }
        let is_in_use = suffix.len() == 2 || IN_USE.contains(&suffix);
        if is_in_use || suffix.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(SshError::Name {
                name: suffix.to_owned(),
                why: "names of other computers end in it, and it would take them all",
            });
        }
        Ok(Self(suffix.to_owned()))
    }

    /// The suffix as text, without a leading dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Suffix {
    fn default() -> Self {
        Self("devctl".to_owned())
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The alias for a folder or container of any name. What cannot stand in a host name becomes a hyphen; a name with
/// nothing usable becomes `container`. Two names may give one alias: the caller numbers them.
#[must_use]
pub fn slug(name: &str) -> Alias {
    let mut alias = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if alias.len() == LONGEST_LABEL {
            break;
        }
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            alias.push(character);
        } else if !alias.is_empty() && !alias.ends_with('-') {
            alias.push('-');
        }
    }
    alias.truncate(alias.trim_end_matches('-').len());
    if alias.is_empty() {
        alias.push_str("container");
    }
    Alias(alias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_what_a_person_expects() {
        for (name, alias) in [
            ("web", "web"),
            ("My Project", "my-project"),
            ("  it's 100% $done\n", "it-s-100-done"),
            ("a__b..c", "a-b-c"),
            ("Größe", "gr-e"),
            ("日本語", "container"),
            ("", "container"),
            ("---", "container"),
        ] {
            assert_eq!(slug(name).as_str(), alias, "{name:?}");
        }
    }

    #[test]
    fn numbers_fit_into_the_longest_alias() {
        let longest = slug(&"x".repeat(200));
        assert_eq!(longest.as_str().len(), 63);
        let second = longest.numbered(12);
        assert_eq!(second.as_str().len(), 63);
        assert!(second.as_str().ends_with("-12"));
        assert_eq!(slug("web").numbered(2).as_str(), "web-2");
    }

    #[test]
    fn a_host_gives_its_alias_back_and_strangers_none() {
        let suffix = Suffix::default();
        assert_eq!(Alias::from_host("web-2.devctl", &suffix).unwrap(), slug("web-2"));
        for bad in [
            "web",
            "devctl",
            ".devctl",
            "a.b.devctl",
            "$(id).devctl",
            "webdevctl",
            "-x.devctl",
            "WEB.devctl",
        ] {
            assert!(Alias::from_host(bad, &suffix).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bad_suffixes_are_refused() {
        for bad in [
            "",
            ".",
            ".devctl",
            "dev ctl",
            "*",
            "Devctl",
            "a..b",
            "-a",
            "com",
            "de",
            "local",
            "localhost",
            "1",
            "0.1",
        ] {
            assert!(Suffix::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Suffix::new("dev.example").unwrap().as_str(), "dev.example");
    }

    proptest! {
        #[test]
        fn a_slug_is_an_alias_and_stays_itself(name in "\\PC{0,200}|[\\x00-\\x7f]{0,80}") {
            let alias = slug(&name);
            prop_assert!(Alias::new(alias.as_str()).is_ok());
            prop_assert_eq!(slug(alias.as_str()), alias);
        }
    }
}
