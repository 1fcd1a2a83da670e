//! The host as far as a configuration can see it: platform, environment, and the platform's way with paths.

use std::collections::BTreeMap;
use std::fmt;

/// The operating system of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// The platform that this program was built for.
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }

    /// The last name of a path, as the reference takes it: separators at the end do not count.
    pub fn base_name(self, path: &str) -> &str {
        match self {
            Self::Windows => {
                let path = path.trim_end_matches(['/', '\\']);
                path.rsplit(['/', '\\', ':']).next().unwrap_or(path)
            }
            Self::Linux | Self::MacOs => {
                let path = path.trim_end_matches('/');
                path.rsplit('/').next().unwrap_or(path)
            }
        }
    }
}

/// The environment of the host, passed in. Its values are not shown in debug output: there are secrets among them.
#[derive(Clone)]
pub struct LocalEnv {
    /// The platform.
    pub platform: Platform,
    /// The variables.
    pub vars: BTreeMap<String, String>,
}

impl LocalEnv {
    /// The value of a variable; on Windows the case of the name does not count.
    pub fn get(&self, name: &str) -> Option<&str> {
        look_up(self.platform, &self.vars, name)
    }
}

impl fmt::Debug for LocalEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LocalEnv")
            .field("platform", &self.platform)
            .field("vars", &self.vars.len())
            .finish()
    }
}

pub(crate) fn look_up<'a>(
    platform: Platform,
    vars: &'a BTreeMap<String, String>,
    name: &str,
) -> Option<&'a str> {
    let found = vars.get(name);
    if found.is_none() && platform == Platform::Windows {
        let name = name.to_lowercase();
        return vars
            .iter()
            .find(|(key, _)| key.to_lowercase() == name)
            .map(|(_, value)| value.as_str());
    }
    found.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_windows_variables_have_no_case() {
        let vars = BTreeMap::from([("Path".to_owned(), "x".to_owned())]);
        let windows = LocalEnv {
            platform: Platform::Windows,
            vars: vars.clone(),
        };
        let linux = LocalEnv {
            platform: Platform::Linux,
            vars,
        };
        assert_eq!(windows.get("PATH"), Some("x"));
        assert_eq!(linux.get("PATH"), None);
        assert!(!format!("{linux:?}").contains("Path"));
    }

    #[test]
    fn base_names() {
        assert_eq!(Platform::Linux.base_name("/a/b c/"), "b c");
        assert_eq!(Platform::Linux.base_name(r"/a\b"), r"a\b");
        assert_eq!(Platform::Windows.base_name(r"C:\a\b"), "b");
        assert_eq!(Platform::Linux.base_name("/"), "");
    }
}
