use std::fs;
use std::path::{Path, PathBuf};

use devctl_files::{Action, FilesError, ensure_private_dir};

use crate::error::SshError;

/// Makes `bin_dir/devctl` lead to the program at `program`, and gives that path: the one that stands in generated
/// configuration, so that it survives updates and moves of the program. Re-pointed in one step; a link that is right
/// is left alone, and a `program` that is gone (deleted during an update) never replaces it.
///
/// # Errors
/// The directory cannot be written, or `program` is not there.
pub fn point_stable_link(bin_dir: &Path, program: &Path) -> Result<PathBuf, SshError> {
    ensure_private_dir(bin_dir)?;
    let link = bin_dir.join(if cfg!(windows) { "devctl.exe" } else { "devctl" });
    if program == link || leads_to(&link, program) {
        return Ok(link);
    }
    fs::metadata(program).map_err(|error| FilesError::new(Action::Read, program, error))?;
    let failed = |error| SshError::from(FilesError::new(Action::Write, &link, error));
    let staged = tempfile::Builder::new()
        .prefix(".devctl-")
        .make_in(bin_dir, |path| stage(program, path))
        .map_err(failed)?;
    staged.persist(&link).map_err(|error| failed(error.error))?;
    Ok(link)
}

#[cfg(unix)]
fn leads_to(link: &Path, program: &Path) -> bool {
    fs::read_link(link).is_ok_and(|to| to == program)
}

#[cfg(unix)]
fn stage(program: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(program, path)
}

/// A copy of the same size and not older: links need a privilege there.
#[cfg(not(unix))]
fn leads_to(link: &Path, program: &Path) -> bool {
    let (Ok(copy), Ok(original)) = (fs::metadata(link), fs::metadata(program)) else {
        return false;
    };
    let (Ok(copied), Ok(changed)) = (copy.modified(), original.modified()) else {
        return false;
    };
    copy.len() == original.len() && copied >= changed
}

#[cfg(not(unix))]
fn stage(program: &Path, path: &Path) -> std::io::Result<()> {
    fs::copy(program, path).map(|_| ())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn the_link_follows_the_program_and_survives_its_removal() {
        let home = tempfile::tempdir().unwrap();
        let (bin, one, two) = (
            home.path().join("state/bin"),
            home.path().join("one"),
            home.path().join("two"),
        );
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let link = point_stable_link(&bin, &one).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), one);
        assert_eq!(point_stable_link(&bin, &link).unwrap(), link);
        assert_eq!(fs::read_link(&link).unwrap(), one);
        point_stable_link(&bin, &two).unwrap();
        assert_eq!(fs::read(&link).unwrap(), b"2");
        let error = point_stable_link(&bin, &home.path().join("gone")).unwrap_err();
        assert_eq!(error.code(), "files.not_found");
        assert_eq!(fs::read(&link).unwrap(), b"2");
        assert_eq!(fs::read_dir(&bin).unwrap().count(), 1);
    }
}
