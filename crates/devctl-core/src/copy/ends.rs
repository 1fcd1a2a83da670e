//! What the two ends of a copy mean. The rules are those of `docker cp`: a folder that is there takes the copy under its own
//! name, a name that is not there becomes the copy's, and `FOLDER/.` means what is in the folder.

use super::local;
use crate::config::CoreConfig;
use crate::containers::Found;
use crate::error::OrProblem;
use devctl_engine::PathKind;
use devctl_model::{ErrorCode, Problem};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How the first entry of an archive is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// This.
    Is(OsString),
    /// It is not there: only what is in it.
    Contents,
}

/// The beginning of a copy on this computer.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) path: PathBuf,
    pub(super) is_folder: bool,
    contents: bool,
}

impl Local {
    pub(super) fn of(text: &str, config: &CoreConfig) -> Result<Self, Problem> {
        let contents = is_contents(text);
        let given = config.absolute(text);
        // A link is copied as a link, unless something behind it was named.
        let path = if contents || ends_in_slash(text) {
            std::fs::canonicalize(&given).map_err(|error| local(&given, "read", &error))?
        } else {
            given
        };
        let metadata = std::fs::symlink_metadata(&path).map_err(|error| local(&path, "read", &error))?;
        if ends_in_slash(text) && !metadata.is_dir() {
            return Err(no_folder(text));
        }
        Ok(Self {
            path,
            is_folder: metadata.is_dir(),
            contents,
        })
    }
}

/// The beginning of a copy in a container.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) is_folder: bool,
    contents: bool,
}

pub(super) async fn source_inside(found: &Found, text: &str) -> Result<Source, Problem> {
    let contents = is_contents(text);
    let path = absolute_inside(text);
    let missing = || not_there(found, &path);
    let stat = found.engine.path_stat(found.id(), &path).await.or_problem()?;
    let stat = stat.ok_or_else(missing)?;
    if stat.kind == PathKind::Symlink && (contents || ends_in_slash(text)) {
        let target = found.engine.path_stat(found.id(), &stat.link_target).await;
        let kind = target.or_problem()?.ok_or_else(missing)?.kind;
        if kind != PathKind::Directory {
            return Err(no_folder(text));
        }
        return Ok(Source {
            path: stat.link_target,
            is_folder: true,
            contents,
        });
    }
    let is_folder = stat.kind == PathKind::Directory;
    if !is_folder && ends_in_slash(text) {
        return Err(no_folder(text));
    }
    Ok(Source {
        path,
        is_folder,
        contents,
    })
}

/// The end of a copy in a container.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    /// A folder that is there, or whose absence the engine tells.
    pub(super) folder: String,
    pub(super) name: Name,
}

pub(super) async fn inside(found: &Found, text: &str, from: &Local) -> Result<Inside, Problem> {
    let mut path = absolute_inside(text);
    let mut stat = found.engine.path_stat(found.id(), &path).await.or_problem()?;
    if let Some(link) = stat.as_ref().filter(|stat| stat.kind == PathKind::Symlink) {
        path.clone_from(&link.link_target);
        stat = found.engine.path_stat(found.id(), &path).await.or_problem()?;
    }
    match stat.map(|stat| stat.kind) {
        Some(PathKind::Directory) => {
            let name = match (from.contents, from.path.file_name()) {
                (false, Some(name)) => Name::Is(name.to_owned()),
                // The root of this computer has no name, so that only what is in it can be meant.
                (true, _) | (false, None) => Name::Contents,
            };
            return Ok(Inside { folder: path, name });
        }
        Some(_) if from.is_folder => return Err(file_in_the_way(text)),
        Some(_) if ends_in_slash(text) => return Err(no_folder(text)),
        None if ends_in_slash(text) && !from.is_folder => return Err(not_there(found, &path)),
        Some(_) | None => {}
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let folder = if folder.is_empty() { "/" } else { folder };
    if found
        .engine
        .path_stat(found.id(), folder)
        .await
        .or_problem()?
        .is_none()
    {
        return Err(not_there(found, folder));
    }
    Ok(Inside {
        folder: folder.to_owned(),
        name: Name::Is(name.into()),
    })
}

/// A folder of a container that is there.
pub(super) async fn folder_inside(found: &Found, text: &str) -> Result<String, Problem> {
    let path = absolute_inside(text);
    let stat = found.engine.path_stat(found.id(), &path).await.or_problem()?;
    let stat = stat.ok_or_else(|| not_there(found, &path))?;
    match stat.kind {
        PathKind::Directory => Ok(path),
        PathKind::Symlink => Ok(stat.link_target),
        PathKind::File | PathKind::Other => Err(no_folder(text)),
    }
}

/// The end of a copy on this computer.
#[cfg_attr(not(unix), expect(dead_code, reason = "files are not unpacked there"))]
#[derive(Debug, Clone)]
pub(super) struct Outside {
    /// A folder that is there.
    pub(super) folder: PathBuf,
    /// None where the archive's own name stays.
    pub(super) name: Option<Name>,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "files are not unpacked there"))]
pub(super) fn outside(path: &Path, text: &str, from: &Source) -> Result<Outside, Problem> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Ok(Outside {
                folder: path.to_owned(),
                name: from.contents.then_some(Name::Contents),
            });
        }
        Ok(_) if from.is_folder => return Err(file_in_the_way(text)),
        Ok(_) if ends_in_slash(text) => return Err(no_folder(text)),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if ends_in_slash(text) && !from.is_folder {
                return Err(local(path, "written", &error));
            }
        }
        Err(error) => return Err(local(path, "written", &error)),
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(no_folder(text));
    };
    if !folder.is_dir() {
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(local(folder, "written", &error));
    }
    Ok(Outside {
        folder: folder.to_owned(),
        name: Some(Name::Is(name.to_owned())),
    })
}

/// A path in a container, from its root, without the dots that mean nothing. What goes up is left to the engine, which
/// never leaves the container.
fn absolute_inside(text: &str) -> String {
    let parts: Vec<&str> = text
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    format!("/{}", parts.join("/"))
}

fn is_contents(text: &str) -> bool {
    text == "." || text.ends_with("/.")
}

fn ends_in_slash(text: &str) -> bool {
    text.ends_with('/') || is_contents(text)
}

fn not_there(found: &Found, path: &str) -> Problem {
    Problem::new(
        ErrorCode::PathNotFound,
        format!("there is no {path} in {}", found.alias()),
    )
    .fix("Check the path")
}

fn no_folder(text: &str) -> Problem {
    Problem::new(ErrorCode::PathRefused, format!("{text} is no folder"))
        .fix("Leave the slash at its end away")
}

fn file_in_the_way(text: &str) -> Problem {
    Problem::new(
        ErrorCode::PathRefused,
        format!("{text} is a file, and a folder is copied"),
    )
    .fix("Name a folder, or what is not there yet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_containers_begin_at_the_root() {
        for (text, path) in [
            ("a/b", "/a/b"),
            ("/", "/"),
            ("", "/"),
            ("/a//./b/.", "/a/b"),
            ("/a/../b/", "/a/../b"),
        ] {
            assert_eq!(absolute_inside(text), path);
        }
    }

    #[test]
    fn the_end_of_a_copy_out_follows_what_is_there() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(home.path().join("file"), "x").unwrap();
        let from = |is_folder, contents| Source {
            path: "/src".into(),
            is_folder,
            contents,
        };
        let end = |name: &str, is_folder, contents| {
            let text = home.path().join(name).display().to_string();
            let path: PathBuf = Path::new(&text).components().collect();
            outside(&path, &text, &from(is_folder, contents)).map(|end| (end.folder, end.name))
        };
        let new = |name: &str| (home.path().to_owned(), Some(Name::Is(name.into())));
        assert_eq!(end("folder", true, false).unwrap(), (folder.clone(), None));
        assert_eq!(end("folder/", false, false).unwrap(), (folder.clone(), None));
        assert_eq!(end("folder", true, true).unwrap(), (folder, Some(Name::Contents)));
        assert_eq!(end("new", true, false).unwrap(), new("new"));
        assert_eq!(end("new/", true, false).unwrap(), new("new"));
        assert_eq!(end("new", true, true).unwrap(), new("new"));
        assert_eq!(end("file", false, false).unwrap(), new("file"));
        for (name, is_folder) in [
            ("file", true),
            ("file/", false),
            ("new/", false),
            ("no/such", false),
        ] {
            assert!(end(name, is_folder, false).is_err(), "{name}");
        }
    }
}
