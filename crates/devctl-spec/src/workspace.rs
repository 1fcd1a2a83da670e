//! The workspace: which folder of the host is mounted, where it lies in the container.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::SpecError;
use crate::files::Files;
use crate::local::Platform;
use crate::mounts::{Mount, MountKind};

/// The workspace of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    /// Where it lies in the container.
    pub workspace_folder: Option<String>,
    /// How it is mounted, in the notation of `--mount` as the reference writes it; `None` for Compose, and a written
    /// value that is no text is kept for `config read`.
    pub workspace_mount: Option<Value>,
    /// The mount where none is written: a folder's name may hold what the notation cannot, so it is not read back from
    /// the text.
    pub default_mount: Option<Mount>,
    /// The top of the git working tree that holds the folder, where there is one.
    pub git_root: Option<PathBuf>,
}

/// The folder and mount before variables are filled in.
pub(crate) fn workspace_of(
    files: &dyn Files,
    folder: &Path,
    raw: &Map<String, Value>,
    platform: Platform,
) -> Result<Workspace, SpecError> {
    let git_root = git_root(files, folder)?;
    let written = raw
        .get("workspaceFolder")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    if raw.contains_key("dockerComposeFile") {
        let workspace_folder = Some(written.unwrap_or("/").to_owned());
        return Ok(Workspace {
            workspace_folder,
            workspace_mount: None,
            default_mount: None,
            git_root,
        });
    }
    let mounted = git_root.as_deref().unwrap_or(folder);
    let source = path_text(mounted)?;
    let target = format!("/workspaces/{}", platform.base_name(source));
    let workspace_folder = match written {
        Some(written) => written.to_owned(),
        None => {
            // The root is the folder or one of its parents.
            let inner = folder.strip_prefix(mounted).unwrap_or(Path::new(""));
            let mut inside = target.clone();
            for part in inner.iter() {
                inside.push('/');
                inside.push_str(path_text(Path::new(part))?);
            }
            inside
        }
    };
    let (workspace_mount, default_mount) = match raw.get("workspaceMount") {
        Some(written) => (written.clone(), None),
        None => {
            let text = default_mount_text(source, &target, platform);
            let mount = Mount {
                kind: MountKind::Bind,
                source: Some(source.to_owned()),
                target,
                consistency: (platform != Platform::Linux).then(|| "consistent".to_owned()),
                ..Mount::default()
            };
            (Value::String(text), Some(mount))
        }
    };
    Ok(Workspace {
        workspace_folder: Some(workspace_folder),
        workspace_mount: Some(workspace_mount),
        default_mount,
        git_root,
    })
}

pub(crate) fn path_text(path: &Path) -> Result<&str, SpecError> {
    path.to_str().ok_or_else(|| SpecError::Unreadable {
        path: path.to_path_buf(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, "the path is not Unicode"),
    })
}

fn default_mount_text(source: &str, target: &str, platform: Platform) -> String {
    let quote = |text: &str| if text.contains(',') { "\"" } else { "" };
    let (around_source, around_target) = (quote(source), quote(target));
    let consistency = if platform == Platform::Linux {
        ""
    } else {
        ",consistency=consistent"
    };
    format!(
        "type=bind,{around_source}source={source}{around_source},{around_target}target={target}{around_target}{consistency}"
    )
}

/// The nearest folder above with a `.git` that is a repository or leads to one, as git itself finds it.
fn git_root(files: &dyn Files, folder: &Path) -> Result<Option<PathBuf>, SpecError> {
    for candidate in folder.ancestors() {
        let git = candidate.join(".git");
        if files.is_dir(&git) {
            if is_repository(files, &git) {
                return Ok(Some(candidate.to_path_buf()));
            }
        } else if files.is_file(&git) {
            let content = files.read(&git).map_err(|source| SpecError::Unreadable {
                path: git.clone(),
                source,
            })?;
            let content = content.unwrap_or_default();
            let linked = std::str::from_utf8(&content)
                .ok()
                .and_then(|text| text.strip_prefix("gitdir:"));
            // Where the link leads nowhere, git gives up and does not look further up.
            return Ok(linked
                .filter(|path| is_repository(files, &candidate.join(path.trim())))
                .map(|_| candidate.to_path_buf()));
        }
    }
    Ok(None)
}

fn is_repository(files: &dyn Files, git: &Path) -> bool {
    let is_whole = files.is_dir(&git.join("objects")) && files.is_dir(&git.join("refs"));
    files.is_file(&git.join("HEAD")) && (is_whole || files.is_file(&git.join("commondir")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::StdFiles;
    use serde_json::json;

    fn of(folder: &Path, raw: Value) -> Workspace {
        let Value::Object(raw) = raw else {
            panic!("an object")
        };
        workspace_of(&StdFiles, folder, &raw, Platform::Linux).unwrap()
    }

    #[test]
    fn the_folder_itself_or_the_git_root_is_mounted() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("a,b");
        let folder = top.join("x/y");
        std::fs::create_dir_all(&folder).unwrap();
        let plain = of(&folder, json!({}));
        assert_eq!(plain.workspace_folder.as_deref(), Some("/workspaces/y"));
        assert_eq!(plain.git_root, None);
        std::fs::create_dir(top.join(".git")).unwrap();
        assert_eq!(
            of(&folder, json!({})).git_root,
            None,
            "an empty .git is no repository"
        );
        for part in ["objects", "refs", "worktrees/y"] {
            std::fs::create_dir_all(top.join(".git").join(part)).unwrap();
        }
        std::fs::write(top.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let inside = of(&folder, json!({}));
        assert_eq!(inside.workspace_folder.as_deref(), Some("/workspaces/a,b/x/y"));
        assert_eq!(
            inside.workspace_mount,
            Some(json!(format!(
                "type=bind,\"source={}\",\"target=/workspaces/a,b\"",
                top.display()
            )))
        );
        std::fs::write(folder.join(".git"), "gitdir: ../../.git/worktrees/y\n").unwrap();
        assert_eq!(of(&folder, json!({})).git_root, None, "a link to nothing");
        for file in ["HEAD", "commondir"] {
            std::fs::write(top.join(".git/worktrees/y").join(file), "../..\n").unwrap();
        }
        assert_eq!(
            of(&folder, json!({})).git_root,
            Some(folder.clone()),
            "a worktree is a root of its own"
        );
    }

    #[test]
    fn what_is_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        let written = of(dir.path(), json!({"workspaceFolder": "/w", "workspaceMount": ""}));
        assert_eq!(written.workspace_folder.as_deref(), Some("/w"));
        assert_eq!(written.workspace_mount, Some(json!("")));
        let compose = of(dir.path(), json!({"dockerComposeFile": "c.yml"}));
        assert_eq!(
            (compose.workspace_folder.as_deref(), compose.workspace_mount),
            (Some("/"), None)
        );
    }

    #[test]
    fn other_platforms_say_their_consistency() {
        assert_eq!(
            default_mount_text("/a", "/workspaces/a", Platform::MacOs),
            "type=bind,source=/a,target=/workspaces/a,consistency=consistent"
        );
    }
}
