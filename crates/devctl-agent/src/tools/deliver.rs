//! Makes the folder of secrets hold what the launcher gives, and nothing else.
//!
//! The folder and its names belong to root, so that the user whom the files are for cannot put a link where one is
//! written. A file is complete from the moment that it has its name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use devctl_agent_protocol::{MAX_SECRETS_BYTES, SECRETS_FOLDER, SecretValue, SecretsDocument};
use rustix::fs::{AtFlags, CWD, Dir, Gid, Mode, OFlags, Uid, fchown, fstatfs, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::account::Account;
use crate::protect;
use crate::tools::ToolError;

const USAGE: &str = "deliver USER";

/// The variables, for `run`: one document, so that they are all of one delivery.
pub(super) const ENVIRONMENT: &str = ".environment";
const UNFINISHED: &str = ".unfinished";

/// Magic numbers of file systems that are in memory (statfs(2)).
const TMPFS: u64 = 0x0102_1994;
const RAMFS: u64 = 0x8584_58f6;

/// Takes the document on standard input and writes the folder.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, ToolError> {
    let [user] = arguments else {
        return Err(ToolError::Usage(USAGE));
    };
    protect::harden()?;
    let user = user.to_string_lossy();
    let owner = Account::id_of(&user)?.ok_or_else(|| ToolError::NoUser {
        user: user.into_owned(),
    })?;
    let document = read(&mut io::stdin().lock())?;
    let folder = open_folder(SECRETS_FOLDER)?;
    write(&folder, &document, owner)?;
    Ok(ExitCode::SUCCESS)
}

fn read(input: &mut impl io::Read) -> Result<SecretsDocument, ToolError> {
    let mut text = Vec::new();
    let read = input
        .take(MAX_SECRETS_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|source| ToolError::System {
            what: "reading the secrets",
            source,
        });
    // The error of the reader of JSON may show what it read.
    let document = match read {
        Ok(bytes) if bytes > MAX_SECRETS_BYTES => Err(ToolError::Secrets {
            what: "there are too many",
        }),
        Ok(_) => serde_json::from_slice(&text).map_err(|_| ToolError::Secrets {
            what: "the document is damaged",
        }),
        Err(error) => Err(error),
    };
    text.fill(0);
    document
}

/// The folder, if what is written there stays in memory.
fn open_folder(path: &str) -> Result<OwnedFd, ToolError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat(CWD, path, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Err(ToolError::NotInMemory),
        Err(errno) => return Err(system("opening the folder")(errno)),
    };
    let kind = fstatfs(&folder).map_err(system("looking at the folder"))?.f_type;
    // The type of the field differs from one architecture to the next, the number does not.
    match u64::try_from(kind) {
        Ok(TMPFS | RAMFS) => Ok(folder),
        _ => Err(ToolError::NotInMemory),
    }
}

/// Writes what the document has, and takes away what it does not have.
fn write(folder: &OwnedFd, document: &SecretsDocument, owner: u32) -> Result<(), ToolError> {
    for name in document.files.keys() {
        if name.is_empty() || name.starts_with('.') || name.contains('/') {
            return Err(ToolError::SecretName { name: name.clone() });
        }
    }
    for name in names(folder).map_err(system("reading the folder"))? {
        let keeps = name == ENVIRONMENT && !document.environment.is_empty();
        if !keeps && !document.files.contains_key(&name) {
            remove(folder, &name)?;
        }
    }
    for (name, value) in &document.files {
        write_one(folder, name, value.expose(), owner)?;
    }
    if !document.environment.is_empty() {
        let mut text = environment_text(&document.environment)?;
        let written = write_one(folder, ENVIRONMENT, &text, owner);
        text.fill(0);
        written?;
    }
    Ok(())
}

fn environment_text(variables: &BTreeMap<String, SecretValue>) -> Result<Vec<u8>, ToolError> {
    serde_json::to_vec(variables).map_err(|_| ToolError::Secrets {
        what: "the variables cannot be written",
    })
}

fn write_one(folder: &OwnedFd, name: &str, bytes: &[u8], owner: u32) -> Result<(), ToolError> {
    // What a delivery that was killed has left.
    remove(folder, UNFINISHED)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, UNFINISHED, flags, Mode::RUSR).map_err(system("making a file"))?;
    if rustix::process::geteuid().as_raw() != owner {
        fchown(&file, Some(Uid::from_raw(owner)), None::<Gid>)
            .map_err(system("giving a file to its user"))?;
    }
    let mut file = std::fs::File::from(file);
    file.write_all(bytes).map_err(|source| ToolError::System {
        what: "writing a secret",
        source,
    })?;
    renameat(folder, UNFINISHED, folder, name).map_err(system("naming a file"))
}

fn remove(folder: &OwnedFd, name: &str) -> Result<(), ToolError> {
    match unlinkat(folder.as_fd(), name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(system("removing a file")(errno)),
    }
}

fn names(folder: &OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}

fn system(what: &'static str) -> impl FnOnce(Errno) -> ToolError {
    move |errno| ToolError::System {
        what,
        source: errno.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn document(environment: &[(&str, &str)], files: &[(&str, &str)]) -> SecretsDocument {
        let values = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), SecretValue::new(value.as_bytes().to_vec())))
                .collect()
        };
        SecretsDocument {
            environment: values(environment),
            files: values(files),
        }
    }

    #[test]
    fn the_folder_holds_the_last_delivery_and_nothing_else() {
        // A system without a tmpfs at hand has nothing to try this on.
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let path = folder.path().to_str().unwrap();
        let fd = open_folder(path).unwrap();
        let me = rustix::process::geteuid().as_raw();
        fs::write(folder.path().join(UNFINISHED), "half").unwrap();
        write(&fd, &document(&[("A", "1")], &[("K", "key\n"), ("L", "x")]), me).unwrap();
        assert_eq!(fs::read(folder.path().join("K")).unwrap(), b"key\n");
        let mode = fs::metadata(folder.path().join("K"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o400);
        assert!(folder.path().join(ENVIRONMENT).exists());
        write(&fd, &document(&[], &[("K", "other")]), me).unwrap();
        assert_eq!(names(&fd).unwrap(), ["K"]);
        assert_eq!(fs::read(folder.path().join("K")).unwrap(), b"other");
        write(&fd, &SecretsDocument::default(), me).unwrap();
        assert!(names(&fd).unwrap().is_empty());
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let fd = open_folder(folder.path().to_str().unwrap()).unwrap();
        for name in ["../x", "", ".environment", "a/b"] {
            let refused = write(&fd, &document(&[], &[(name, "v")]), 0);
            assert!(matches!(refused, Err(ToolError::SecretName { .. })), "{name}");
        }
        assert!(names(&fd).unwrap().is_empty());
    }

    #[test]
    fn a_folder_on_a_disk_or_behind_a_link_is_refused() {
        assert!(matches!(
            open_folder("/no/such/folder"),
            Err(ToolError::NotInMemory)
        ));
        assert!(matches!(open_folder("/proc/self"), Err(ToolError::NotInMemory)));
    }

    #[test]
    fn a_damaged_document_shows_nothing_of_itself() {
        let error = read(&mut &b"{\"environment\":{\"A\":\"hunter2"[..]).unwrap_err();
        assert!(!error.chain().contains("hunter2"), "{}", error.chain());
    }
}
