//! Unpacking an archive that nobody vouches for: a container may send any names, links and kinds of entries. Folders are
//! entered one by one from the one that was named, and never through a link, so that nothing outside of it is reached.

use super::ends::{Name, Outside};
use super::pipe;
use super::{CopyProgress, CopyStream, TOLD, local, lost, unread};
use devctl_model::{ErrorCode, Problem};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use tar::{Archive, Entry, EntryType};

/// Bytes that are read at once. Where all of them are zero they become a hole.
const BLOCK: usize = 64 * 1024;
static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// How folders are made: their own mode comes when all is in them.
const MADE: Mode = Mode::RWXU;

/// Unpacks in a thread of its own; what was left out.
pub(super) async fn unpack(
    archive: CopyStream,
    to: Outside,
    keep_owners: bool,
    progress: Arc<CopyProgress>,
) -> Result<Vec<String>, Problem> {
    let (reader, carry) = pipe::reader(archive);
    let work = tokio::task::spawn_blocking(move || {
        let mut unpacker = Unpacker::open(&to, keep_owners, progress)?;
        unpacker.take_all(reader)?;
        unpacker.end()
    });
    let (work, ()) = tokio::join!(work, carry);
    work.map_err(|error| lost(&error))?
}

/// The parts of a path below the folder that was named.
type Parts = Vec<OsString>;

struct Unpacker {
    folder: PathBuf,
    root: OwnedFd,
    /// What becomes of the archive's own first name.
    name: Option<Name>,
    keep_owners: bool,
    progress: Arc<CopyProgress>,
    skipped: Vec<String>,
    /// The folder that was entered last: most entries are next to the one before.
    entered: Option<(Parts, OwnedFd)>,
    /// Folders with what they get when all is in them.
    folders: Vec<(Parts, Traits)>,
    block: Vec<u8>,
}

/// What an entry has beside its bytes.
#[derive(Debug, Clone, Copy)]
struct Traits {
    mode: Mode,
    modified: i64,
    owner: (u32, u32),
}

impl Unpacker {
    fn open(to: &Outside, keep_owners: bool, progress: Arc<CopyProgress>) -> Result<Self, Problem> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&to.folder, flags, Mode::empty())
            .map_err(|error| local(&to.folder, "written", &error.into()))?;
        Ok(Self {
            folder: to.folder.clone(),
            root,
            name: to.name.clone(),
            keep_owners,
            progress,
            skipped: Vec::new(),
            entered: None,
            folders: Vec::new(),
            block: vec![0; BLOCK],
        })
    }

    fn take_all(&mut self, reader: impl Read) -> Result<(), Problem> {
        let mut archive = Archive::new(reader);
        for entry in archive.entries().map_err(|error| unread(&error))? {
            self.take(entry.map_err(|error| unread(&error))?)?;
        }
        Ok(())
    }

    fn take(&mut self, mut entry: Entry<'_, impl Read>) -> Result<(), Problem> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
            return Ok(());
        }
        let Some(parts) = self.place(&entry.path_bytes())? else {
            // The folder whose contents are meant is there already.
            return Ok(());
        };
        let traits = self.traits(&entry)?;
        let Some((name, above)) = parts.split_last() else {
            return Ok(());
        };
        let done = match kind {
            EntryType::Directory => self
                .make_folder(above, name)
                .map(|()| self.folders.push((parts.clone(), traits))),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                return self.write_file(above, name, &mut entry, traits);
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                self.make_symlink(above, name, &target, traits)
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                match self.place(&target)? {
                    Some(target) => self.make_link(above, name, &target),
                    None => return Err(refused(&target)),
                }
            }
            _ => {
                if self.skipped.len() < TOLD {
                    self.skipped.push(self.shown(&parts).display().to_string());
                }
                return Ok(());
            }
        };
        done.map_err(|error| self.failed(&parts, error))?;
        self.progress.add_file();
        Ok(())
    }

    /// Where an entry of that name goes; none for the first folder where only its contents are meant.
    fn place(&self, name: &[u8]) -> Result<Option<Parts>, Problem> {
        if name.starts_with(b"/") || name.contains(&0) {
            return Err(refused(name));
        }
        let mut parts = Parts::new();
        for part in name.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(refused(name)),
                part => parts.push(OsStr::from_bytes(part).to_owned()),
            }
        }
        match &self.name {
            None => {}
            Some(_) if parts.is_empty() => {}
            Some(Name::Is(new)) => parts[0].clone_from(new),
            Some(Name::Contents) => {
                parts.remove(0);
            }
        }
        Ok((!parts.is_empty()).then_some(parts))
    }

    fn traits(&self, entry: &Entry<'_, impl Read>) -> Result<Traits, Problem> {
        let header = entry.header();
        let read = || -> io::Result<Traits> {
            // Bits that lend rights are not taken from somebody else's file.
            let kept = if self.keep_owners { 0o7777 } else { 0o777 };
            let id = |id: u64| u32::try_from(id).map_err(io::Error::other);
            Ok(Traits {
                mode: Mode::from_raw_mode(header.mode()? & kept),
                modified: i64::try_from(header.mtime()?).unwrap_or(0),
                owner: (id(header.uid()?)?, id(header.gid()?)?),
            })
        };
        read().map_err(|error| unread(&error))
    }

    /// Enters a folder part by part, and makes what is missing.
    fn enter(&mut self, above: &[OsString]) -> Result<&OwnedFd, Errno> {
        let known = self.entered.as_ref().is_some_and(|(parts, _)| parts == above);
        if !known {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
            let mut folder = self.root.try_clone().map_err(|_| Errno::MFILE)?;
            for part in above {
                let opened = match rustix::fs::openat(&folder, part, flags, Mode::empty()) {
                    Err(Errno::NOENT) => {
                        rustix::fs::mkdirat(&folder, part, Mode::from_raw_mode(0o755))?;
                        rustix::fs::openat(&folder, part, flags, Mode::empty())
                    }
                    opened => opened,
                };
                folder = opened?;
            }
            self.entered = Some((above.to_vec(), folder));
        }
        match &self.entered {
            Some((_, folder)) => Ok(folder),
            None => Err(Errno::NOENT),
        }
    }

    fn make_folder(&mut self, above: &[OsString], name: &OsStr) -> Result<(), Errno> {
        let folder = self.enter(above)?;
        match rustix::fs::mkdirat(folder, name, MADE) {
            Err(Errno::EXIST) => {
                let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                match FileType::from_raw_mode(found.st_mode) {
                    FileType::Directory => Ok(()),
                    _ => Err(Errno::NOTDIR),
                }
            }
            made => made,
        }
    }

    fn write_file(
        &mut self,
        above: &[OsString],
        name: &OsStr,
        entry: &mut Entry<'_, impl Read>,
        traits: Traits,
    ) -> Result<(), Problem> {
        let parts = || [above, &[name.to_owned()]].concat();
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = self.enter(above).and_then(|folder| {
            anew(folder, name, || {
                rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)
            })
        });
        let file = File::from(made.map_err(|error| self.failed(&parts(), error))?);
        let size = self.write_bytes(&file, entry, &parts)?;
        let finished = file
            .set_len(size)
            .and_then(|()| self.finish(&file, traits).map_err(io::Error::from));
        finished.map_err(|error| local(&self.shown(&parts()), "written", &error))?;
        self.progress.add_file();
        Ok(())
    }

    /// Writes what is not zero where it belongs; the length.
    fn write_bytes(
        &mut self,
        file: &File,
        entry: &mut Entry<'_, impl Read>,
        parts: &dyn Fn() -> Parts,
    ) -> Result<u64, Problem> {
        let mut at = 0_u64;
        loop {
            let mut filled = 0;
            while filled < BLOCK {
                match entry.read(&mut self.block[filled..]) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(unread(&error)),
                }
            }
            let block = &self.block[..filled];
            if block != &ZEROS[..filled] {
                file.write_all_at(block, at)
                    .map_err(|error| local(&self.shown(&parts()), "written", &error))?;
            }
            self.progress.add_bytes(filled);
            at += u64::try_from(filled).unwrap_or(0);
            if filled < BLOCK {
                return Ok(at);
            }
        }
    }

    fn make_symlink(
        &mut self,
        above: &[OsString],
        name: &OsStr,
        target: &[u8],
        traits: Traits,
    ) -> Result<(), Errno> {
        let keep_owners = self.keep_owners;
        let folder = self.enter(above)?;
        let target = OsString::from_vec(target.to_vec());
        anew(folder, name, || rustix::fs::symlinkat(&target, folder, name))?;
        if keep_owners {
            let (user, group) = owner(traits);
            rustix::fs::chownat(folder, name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        rustix::fs::utimensat(folder, name, &times(traits), AtFlags::SYMLINK_NOFOLLOW)
    }

    fn make_link(&mut self, above: &[OsString], name: &OsStr, target: &Parts) -> Result<(), Errno> {
        let Some((first, first_above)) = target.split_last() else {
            return Err(Errno::INVAL);
        };
        let from = self.enter(first_above)?.try_clone().map_err(|_| Errno::MFILE)?;
        let folder = self.enter(above)?;
        anew(folder, name, || {
            // A link to a link is made to the link itself: what is behind it may be elsewhere.
            rustix::fs::linkat(&from, first, folder, name, AtFlags::empty())
        })
    }

    /// Gives a file or folder its owner, mode and time, in this order: another owner takes bits of the mode away.
    fn finish(&self, file: impl AsFd, traits: Traits) -> Result<(), Errno> {
        if self.keep_owners {
            let (user, group) = owner(traits);
            rustix::fs::fchown(&file, user, group)?;
        }
        rustix::fs::fchmod(&file, traits.mode)?;
        rustix::fs::futimens(&file, &times(traits))
    }

    /// Gives the folders what is theirs, the inner ones first.
    fn end(mut self) -> Result<Vec<String>, Problem> {
        for (parts, traits) in std::mem::take(&mut self.folders).into_iter().rev() {
            self.entered = None;
            let finished = match self.enter(&parts) {
                Ok(folder) => folder.try_clone().map_err(|_| Errno::MFILE),
                Err(error) => Err(error),
            };
            finished
                .and_then(|folder| self.finish(&folder, traits))
                .map_err(|error| self.failed(&parts, error))?;
        }
        Ok(self.skipped)
    }

    fn shown(&self, parts: &[OsString]) -> PathBuf {
        self.folder.join(parts.iter().collect::<PathBuf>())
    }

    fn failed(&self, parts: &[OsString], error: Errno) -> Problem {
        let path = self.shown(parts);
        match error {
            // What stands in a folder's place, and a link that would have been followed.
            Errno::NOTDIR | Errno::LOOP => Problem::new(
                ErrorCode::PathRefused,
                format!(
                    "{} would be written through a link or in the place of a file",
                    path.display()
                ),
            )
            .fix("Name an empty folder"),
            Errno::ISDIR => Problem::new(
                ErrorCode::PathRefused,
                format!("{} is a folder, and a file is copied", path.display()),
            )
            .fix("Name an empty folder"),
            error => local(&path, "written", &error.into()),
        }
    }
}

/// Makes something in the place of what is no folder.
fn anew<T>(folder: &OwnedFd, name: &OsStr, make: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    match make() {
        Err(Errno::EXIST) => {
            let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
                return Err(Errno::ISDIR);
            }
            rustix::fs::unlinkat(folder, name, AtFlags::empty())?;
            make()
        }
        made => made,
    }
}

fn owner(traits: Traits) -> (Option<Uid>, Option<Gid>) {
    let (user, group) = traits.owner;
    (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
}

fn times(traits: Traits) -> Timestamps {
    let at = Timespec {
        tv_sec: traits.modified,
        tv_nsec: 0,
    };
    Timestamps {
        last_access: at,
        last_modification: at,
    }
}

fn refused(name: &[u8]) -> Problem {
    let name = String::from_utf8_lossy(name);
    Problem::new(
        ErrorCode::PathRefused,
        format!("the container sent {name:?}, which lies outside of what was asked for"),
    )
    .safe("nothing outside was written")
}
