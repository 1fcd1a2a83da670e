//! Gives the files of one user and group id to another, for a home directory whose user got the id of the host's user.
//!
//! Everything is opened first, without following a link, and looked at and changed through what was opened: whoever
//! moves files about meanwhile cannot make it change another file than the one it looked at. Where the tree leaves the
//! mount that it began in, it stops: a bind mount belongs to the host.

use std::collections::VecDeque;
use std::ffi::{CStr, OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use devctl_agent_protocol::OwnReport;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Statx, StatxFlags, Uid, chownat, openat, statx,
};
use rustix::io::Errno;

use crate::tools::{ToolError, answer};

const USAGE: &str = "own FROM_UID:FROM_GID TO_UID:TO_GID PATH…";

/// A user id and a group id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ids {
    user: u32,
    group: u32,
}

impl Ids {
    fn parse(text: &OsStr) -> Result<Self, ToolError> {
        let wrong = || ToolError::Ids {
            text: text.to_string_lossy().into_owned(),
        };
        let (user, group) = text
            .to_str()
            .and_then(|text| text.split_once(':'))
            .ok_or_else(wrong)?;
        // The largest number means "leave it" to the kernel (chown(2)).
        let id = |text: &str| text.parse().ok().filter(|id| *id != u32::MAX).ok_or_else(wrong);
        Ok(Self {
            user: id(user)?,
            group: id(group)?,
        })
    }
}

/// Changes the owner of everything below the paths and prints one [`OwnReport`].
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, ToolError> {
    let [from, to, paths @ ..] = arguments else {
        return Err(ToolError::Usage(USAGE));
    };
    if paths.is_empty() {
        return Err(ToolError::Usage(USAGE));
    }
    let mut change = Change {
        from: Ids::parse(from)?,
        to: Ids::parse(to)?,
        report: OwnReport::default(),
        first_failure: None,
    };
    for path in paths {
        change.tree(Path::new(path));
    }
    answer(&change.report)?;
    match change.first_failure {
        None => Ok(ExitCode::SUCCESS),
        Some((path, source)) => {
            let first = path.display().to_string();
            Err(ToolError::Own {
                failed: change.report.failed,
                first,
                source,
            })
        }
    }
}

struct Change {
    from: Ids,
    to: Ids,
    report: OwnReport,
    first_failure: Option<(PathBuf, io::Error)>,
}

/// A folder whose entries are still to be visited.
struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    names: VecDeque<Vec<u8>>,
}

impl Change {
    /// Visits the path and what is below it.
    fn tree(&mut self, path: &Path) {
        let Some((parent, mount)) = self.parent(path) else {
            return;
        };
        let name = path
            .file_name()
            .map_or(b".".to_vec(), |name| name.as_bytes().to_vec());
        let above = path.parent().unwrap_or(path).to_owned();
        let mut open = vec![Folder {
            fd: parent,
            path: above,
            names: VecDeque::from([name]),
        }];
        while let Some(folder) = open.last_mut() {
            let Some(name) = folder.names.pop_front() else {
                open.pop();
                continue;
            };
            let path = folder.path.join(OsStr::from_bytes(&name));
            match self.entry(folder.fd.as_fd(), &name, &path, mount) {
                Ok(below) => open.extend(below),
                // It went away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound && open.len() > 1 => {}
                Err(error) => self.failed(path, error),
            }
        }
    }

    /// The folder that the path lies in, whose links are followed as they are root's, and its mount.
    fn parent(&mut self, path: &Path) -> Option<(OwnedFd, u64)> {
        let parent = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => path,
        };
        let opened = openat(
            CWD,
            parent,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let looked_at = opened.map_err(io::Error::from).and_then(|fd| {
            let mount = mount_of(&fd, &look(&fd)?)?;
            Ok((fd, mount))
        });
        looked_at
            .map_err(|error| self.failed(path.to_owned(), error))
            .ok()
    }

    /// Changes one entry, and opens it when it is a folder of the same mount.
    fn entry(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        path: &Path,
        mount: u64,
    ) -> io::Result<Option<Folder>> {
        let fd = openat(
            parent,
            name,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let status = look(&fd)?;
        if mount_of(&fd, &status)? != mount {
            self.report
                .skipped_mounts
                .push(path.to_string_lossy().into_owned());
            return Ok(None);
        }
        let owner =
            (status.stx_uid == self.from.user && self.from.user != self.to.user).then_some(self.to.user);
        let group =
            (status.stx_gid == self.from.group && self.from.group != self.to.group).then_some(self.to.group);
        if owner.is_some() || group.is_some() {
            let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
            chownat(
                &fd,
                "",
                owner,
                group,
                AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW,
            )?;
            self.report.changed += 1;
        }
        if FileType::from_raw_mode(status.stx_mode.into()) != FileType::Directory {
            return Ok(None);
        }
        let fd = openat(
            &fd,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let names = names(&fd)?;
        Ok(Some(Folder {
            fd,
            path: path.to_owned(),
            names,
        }))
    }

    fn failed(&mut self, path: PathBuf, error: io::Error) {
        self.report.failed += 1;
        self.first_failure.get_or_insert((path, error));
    }
}

/// Everything that a folder holds.
fn names(folder: &OwnedFd) -> io::Result<VecDeque<Vec<u8>>> {
    let mut names = VecDeque::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if name != c"." && name != c".." {
            names.push_back(name.to_bytes().to_vec());
        }
    }
    Ok(names)
}

fn look(fd: &OwnedFd) -> Result<Statx, Errno> {
    statx(
        fd,
        "",
        AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW,
        StatxFlags::BASIC_STATS | StatxFlags::MNT_ID,
    )
}

/// The number of the mount. The device does not tell a bind mount, and differs between files of one overlay.
fn mount_of(fd: &OwnedFd, status: &Statx) -> io::Result<u64> {
    if StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::MNT_ID) {
        return Ok(status.stx_mnt_id);
    }
    // A kernel before 5.8.
    mount_from_fdinfo(fd)
}

fn mount_from_fdinfo(fd: &OwnedFd) -> io::Result<u64> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    info.lines()
        .find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
        .ok_or_else(|| io::Error::other("/proc/self/fdinfo names no mount"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_two_numbers_that_the_kernel_takes_as_such() {
        assert_eq!(
            Ids::parse(OsStr::new("1000:0")).unwrap(),
            Ids { user: 1000, group: 0 }
        );
        for text in [
            "",
            "1",
            "1:",
            ":1",
            "1:1:1",
            "-1:1",
            "4294967295:1",
            "1:4294967295",
            "root:root",
        ] {
            assert!(Ids::parse(OsStr::new(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn old_and_new_kernels_number_mounts_alike() {
        for path in ["/", "/proc"] {
            let fd = openat(CWD, path, OFlags::PATH, Mode::empty()).unwrap();
            let status = look(&fd).unwrap();
            assert_eq!(
                mount_of(&fd, &status).unwrap(),
                mount_from_fdinfo(&fd).unwrap(),
                "{path}"
            );
        }
    }
}
