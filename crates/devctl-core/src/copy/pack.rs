//! Packing files of this computer into an archive.

use super::ends::{Local, Name};
use super::pipe::{self, PipeWriter};
use super::{CopyProgress, CopyStream, TOLD, local, lost};
use devctl_model::{ErrorCode, Problem};
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tar::{Builder, EntryType, Header, HeaderMode};

/// A file with holes is packed without them from this size on: finding them costs a question to the file system.
#[cfg(unix)]
const MAY_HAVE_HOLES: u64 = 1 << 20;

/// Packs in a thread of its own: what it could not pack, once the whole archive was read, and the archive.
pub(super) fn pack(
    from: Local,
    name: Name,
    progress: Arc<CopyProgress>,
) -> (impl Future<Output = Result<Vec<String>, Problem>>, CopyStream) {
    let (writer, archive) = pipe::writer();
    let work = tokio::task::spawn_blocking(move || {
        let mut packer = Packer {
            archive: Builder::new(writer),
            progress,
            skipped: Vec::new(),
            linked: HashMap::new(),
        };
        match name {
            Name::Is(name) => packer.add(&from.path, Path::new(&name))?,
            Name::Contents => packer.add_contents(&from.path, Path::new(""))?,
        }
        packer.end()
    });
    let packed = async { work.await.map_err(|error| lost(&error))? };
    (packed, archive)
}

struct Packer {
    archive: Builder<PipeWriter>,
    progress: Arc<CopyProgress>,
    skipped: Vec<String>,
    /// The names of files that have several, by device and number.
    linked: HashMap<(u64, u64), PathBuf>,
}

impl Packer {
    fn add(&mut self, path: &Path, name: &Path) -> Result<(), Problem> {
        let unreadable = |error: io::Error| local(path, "read", &error);
        let metadata = std::fs::symlink_metadata(path).map_err(unreadable)?;
        let kind = metadata.file_type();
        let mut header = Header::new_gnu();
        header.set_metadata_in_mode(&metadata, HeaderMode::Complete);
        header.set_size(0);
        if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
            self.archive
                .append_data(&mut header, name, io::empty())
                .map_err(unsent)?;
            self.progress.add_file();
            return self.add_contents(path, name);
        }
        if kind.is_symlink() {
            let target = std::fs::read_link(path).map_err(unreadable)?;
            header.set_entry_type(EntryType::Symlink);
            self.archive
                .append_link(&mut header, name, target)
                .map_err(unsent)?;
        } else if !kind.is_file() {
            if self.skipped.len() < TOLD {
                self.skipped.push(path.display().to_string());
            }
            return Ok(());
        } else if let Some(first) = self.other_name(&metadata, name) {
            header.set_entry_type(EntryType::Link);
            self.archive
                .append_link(&mut header, name, first)
                .map_err(unsent)?;
        } else {
            self.add_file(path, name, &mut header)?;
        }
        self.progress.add_file();
        Ok(())
    }

    /// In the order of names, so that two archives of the same folder are the same.
    fn add_contents(&mut self, path: &Path, name: &Path) -> Result<(), Problem> {
        let unreadable = |error: io::Error| local(path, "read", &error);
        let entries = std::fs::read_dir(path).map_err(unreadable)?;
        let mut names: Vec<_> = entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()
            .map_err(unreadable)?;
        names.sort_unstable();
        for entry in names {
            self.add(&path.join(&entry), &name.join(&entry))?;
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, name: &Path, header: &mut Header) -> Result<(), Problem> {
        let unreadable = |error: io::Error| local(path, "read", &error);
        let mut file = open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(changed(path));
        }
        let size = metadata.len();
        #[cfg(unix)]
        if size >= MAY_HAVE_HOLES && std::os::unix::fs::MetadataExt::blocks(&metadata) * 512 < size {
            self.archive.append_file(name, &mut file).map_err(unsent)?;
            self.progress
                .add_bytes(usize::try_from(size).unwrap_or(usize::MAX));
            return Ok(());
        }
        header.set_size(size);
        let mut counted = Counted {
            file: file.take(size),
            progress: &self.progress,
            failed: None,
        };
        let sent = self.archive.append_data(header, name, &mut counted);
        let (left, failed) = (counted.file.limit(), counted.failed.take());
        if let Some(error) = failed {
            return Err(unreadable(error));
        }
        sent.map_err(unsent)?;
        // A file that became shorter would leave the archive without an order.
        if left > 0 { Err(changed(path)) } else { Ok(()) }
    }

    /// The name under which the file was packed before.
    fn other_name(&mut self, metadata: &Metadata, name: &Path) -> Option<PathBuf> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            if metadata.nlink() < 2 {
                return None;
            }
            let key = (metadata.dev(), metadata.ino());
            if let Some(first) = self.linked.get(&key) {
                return Some(first.clone());
            }
            self.linked.insert(key, name.to_owned());
        }
        #[cfg(not(unix))]
        let _ = (metadata, name);
        None
    }

    fn end(self) -> Result<Vec<String>, Problem> {
        let writer = self.archive.into_inner().map_err(unsent)?;
        writer.finish().map_err(unsent)?;
        Ok(self.skipped)
    }
}

/// Opens a file, and nothing else that may have taken its place meanwhile: a pipe would be waited for.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    options.open(path)
}

/// Counts what is read, and keeps a failure to read apart from one to write.
struct Counted<'a> {
    file: io::Take<File>,
    progress: &'a CopyProgress,
    failed: Option<io::Error>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.file.read(into) {
            Ok(count) => {
                self.progress.add_bytes(count);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }
}

fn changed(path: &Path) -> Problem {
    Problem::new(
        ErrorCode::FileFailed,
        format!("{} changed while it was copied", path.display()),
    )
    .fix("Copy it again when nobody writes to it")
}

/// The engine takes no more: its own answer says why.
fn unsent(error: io::Error) -> Problem {
    Problem::new(ErrorCode::FileFailed, "the archive could not be sent").why(error.to_string())
}
