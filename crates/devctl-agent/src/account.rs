//! The user, from the container's own `/etc/passwd`: the agent is static and has no name service.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The shell of an account that names none (passwd(5)).
const DEFAULT_SHELL: &str = "/bin/sh";

/// Why the user cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("/etc/passwd could not be read")]
    Passwd(#[source] io::Error),
    #[error("the agent runs as user id {running}, but {user:?} has {named} in /etc/passwd")]
    OtherUser { user: String, named: u32, running: u32 },
}

/// The Unix user that everything runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) home: PathBuf,
    pub(crate) shell: PathBuf,
}

impl Account {
    /// The account of the name, which must be the user that the process runs as. A user without an entry (an image
    /// without `/etc/passwd`, or a numeric user) gets `/` and the default shell.
    pub(crate) fn of(user: &str) -> Result<Self, AccountError> {
        let passwd = match fs::read("/etc/passwd") {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(AccountError::Passwd(error)),
        };
        Self::find(
            &String::from_utf8_lossy(&passwd),
            user,
            rustix::process::geteuid().as_raw(),
        )
    }

    fn find(passwd: &str, user: &str, running: u32) -> Result<Self, AccountError> {
        let entries = || passwd.lines().filter_map(Entry::parse);
        let entry = entries().find(|entry| entry.name == user);
        if let Some(entry) = &entry
            && entry.uid != running
        {
            return Err(AccountError::OtherUser {
                user: user.to_owned(),
                named: entry.uid,
                running,
            });
        }
        // "1000" is how an engine is asked for a user without a name.
        let entry = entry.or_else(|| entries().find(|entry| entry.uid == running));
        let text = |text: &str, fallback: &str| PathBuf::from(if text.is_empty() { fallback } else { text });
        Ok(Self {
            name: entry.as_ref().map_or(user, |entry| entry.name).to_owned(),
            home: text(entry.as_ref().map_or("", |entry| entry.home), "/"),
            shell: text(entry.as_ref().map_or("", |entry| entry.shell), DEFAULT_SHELL),
        })
    }

    /// The number of a user, by name or written as one; none where `/etc/passwd` has no such name.
    pub(crate) fn id_of(user: &str) -> Result<Option<u32>, AccountError> {
        let passwd = match fs::read("/etc/passwd") {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(AccountError::Passwd(error)),
        };
        Ok(Self::id_in(&String::from_utf8_lossy(&passwd), user))
    }

    fn id_in(passwd: &str, user: &str) -> Option<u32> {
        let entry = passwd
            .lines()
            .filter_map(Entry::parse)
            .find(|entry| entry.name == user);
        match entry {
            Some(entry) => Some(entry.uid),
            None if user == "root" => Some(0),
            // The largest number means "leave it" to the kernel (chown(2)).
            None => user.parse().ok().filter(|id| *id != u32::MAX),
        }
    }

    /// Whether the shell can be started.
    pub(crate) fn has_shell(&self) -> bool {
        is_executable(&self.shell)
    }
}

/// Whether the path is a file that somebody may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    home: &'a str,
    shell: &'a str,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let home = fields.nth(2)?;
        Some(Self {
            name,
            uid,
            home,
            shell: fields.next().unwrap_or(""),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        # a comment\n+::::::\n\
        dev.name-x:x:1000:1000:,,,:/home/dev:/usr/bin/zsh\n\
        noshell:x:1001:1001::/nowhere:\n\
        short:x:1002:1002::/s\n\
        bad:x:abc:1:::\n";

    fn find(user: &str, running: u32) -> Account {
        Account::find(PASSWD, user, running).unwrap()
    }

    #[test]
    fn an_entry_is_found_by_name_and_a_number_by_id() {
        let dev = find("dev.name-x", 1000);
        assert_eq!((dev.home, dev.shell), ("/home/dev".into(), "/usr/bin/zsh".into()));
        assert_eq!(find("1000", 1000).name, "dev.name-x");
    }

    #[test]
    fn what_is_missing_gets_the_defaults() {
        assert_eq!(find("noshell", 1001).shell, Path::new("/bin/sh"));
        assert_eq!(find("short", 1002).shell, Path::new("/bin/sh"));
        let unknown = find("4711", 4711);
        assert_eq!(
            (unknown.name.as_str(), unknown.home.as_path()),
            ("4711", Path::new("/"))
        );
    }

    #[test]
    fn a_user_has_a_number_by_name_or_as_one() {
        assert_eq!(Account::id_in(PASSWD, "dev.name-x"), Some(1000));
        assert_eq!(Account::id_in("", "root"), Some(0));
        assert_eq!(Account::id_in(PASSWD, "4711"), Some(4711));
        assert_eq!(Account::id_in(PASSWD, "nobody"), None);
        assert_eq!(Account::id_in(PASSWD, "4294967295"), None);
    }

    #[test]
    fn a_name_of_another_user_is_refused() {
        assert!(matches!(
            Account::find(PASSWD, "root", 1000),
            Err(AccountError::OtherUser {
                named: 0,
                running: 1000,
                ..
            })
        ));
    }
}
