//! Archives as they stream: between an engine, a folder and a file, without any of it being held in memory.

use bytes::Bytes;
use devctl_engine::ByteStream;
use devctl_model::{ErrorCode, Problem, VolumeFile, VolumeFileKind};
use futures_util::StreamExt as _;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Pieces on their way between a thread that reads and one that writes.
const PIECES: usize = 16;
const PIECE: usize = 64 * 1024;

/// A stream of an engine, read on a thread of its own. It ends when its reader is dropped, and counts what it gave.
struct Incoming {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
    /// An empty piece is the last.
    ended: bool,
    counted: Arc<AtomicU64>,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(piece) => {
                    self.piece = piece?;
                    self.ended = self.piece.is_empty();
                }
                // Nobody said that this was all: what is there so far must not pass for the whole.
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it broke off")),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        self.counted.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The other way: what a thread writes, as a stream for an engine. Writing fails when the engine has hung up.
struct Outgoing {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    counted: Arc<AtomicU64>,
}

impl Write for Outgoing {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(buffer);
        self.pieces
            .blocking_send(Ok(piece))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        self.counted.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives `work` the stream to read on a thread that may block, and `counted` what it has read so far. When this future is
/// dropped, the stream breaks off, and so does the work.
pub(super) async fn read<T: Send + 'static>(
    mut stream: ByteStream,
    counted: Arc<AtomicU64>,
    work: impl FnOnce(&mut dyn Read) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (sender, pieces) = mpsc::channel(PIECES);
    let mut incoming = Incoming {
        pieces,
        piece: Bytes::new(),
        ended: false,
        counted,
    };
    let task = tokio::task::spawn_blocking(move || work(&mut incoming));
    while let Some(piece) = stream.next().await {
        if piece.as_ref().is_ok_and(Bytes::is_empty) {
            continue;
        }
        // A reader that has seen enough hangs up.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    let _ = sender.send(Ok(Bytes::new())).await;
    task.await.map_err(broken)?
}

/// Gives `work` a place to write to, whose bytes are the stream for `take`.
pub(super) async fn write<T: Send + 'static, R, F: Future<Output = Result<R, Problem>>>(
    counted: Arc<AtomicU64>,
    work: impl FnOnce(&mut dyn Write) -> Result<T, Problem> + Send + 'static,
    take: impl FnOnce(ByteStream) -> F,
) -> Result<(T, R), Problem> {
    let (sender, receiver) = mpsc::channel(PIECES);
    let failed = sender.clone();
    let task = tokio::task::spawn_blocking(move || {
        let outgoing = Outgoing {
            pieces: sender,
            counted,
        };
        let mut outgoing = io::BufWriter::with_capacity(PIECE, outgoing);
        let done = work(&mut outgoing).and_then(|done| {
            outgoing
                .flush()
                .map_err(|error| file_problem("the archive", error))?;
            Ok(done)
        });
        if let Err(problem) = &done {
            // The engine must not take what is there so far for the whole.
            let _ = failed.blocking_send(Err(io::Error::other(problem.message.clone())));
        }
        // Its buffer is not written a second time.
        let _ = outgoing.into_parts();
        done
    });
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let taken = take(stream.boxed()).await;
    let done = task.await.map_err(broken)?;
    match (done, taken) {
        (Ok(done), Ok(taken)) => Ok((done, taken)),
        // An engine that refuses hangs up, which the writer then only sees as a broken pipe.
        (_, Err(problem)) if problem.code != ErrorCode::EngineUnreachable => Err(problem),
        (Err(problem), _) | (Ok(_), Err(problem)) => Err(problem),
    }
}

fn broken(error: tokio::task::JoinError) -> Problem {
    Problem::new(ErrorCode::Internal, "an archive could not be read").why(error.to_string())
}

/// A problem with a file of this computer.
pub(super) fn file_problem(what: &str, error: io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => ErrorCode::FileNoSpace,
        io::ErrorKind::PermissionDenied => ErrorCode::FileNoRights,
        _ => ErrorCode::FileFailed,
    };
    Problem::new(code, format!("{what} cannot be read or written")).why(error.to_string())
}

/// An archive with nothing in it.
pub(super) fn nothing() -> ByteStream {
    futures_util::stream::iter([Ok(Bytes::from_static(&[0; 1024]))]).boxed()
}

/// What lies directly in the folder that is the archive's first entry.
pub(super) fn listed(archive: &mut dyn Read) -> Result<Option<Vec<VolumeFile>>, Problem> {
    let unreadable = |error: io::Error| {
        Problem::new(ErrorCode::EngineAnswer, "the engine's archive cannot be read").why(error.to_string())
    };
    let mut files = BTreeMap::<String, VolumeFile>::new();
    let mut archive = tar::Archive::new(archive);
    let mut first = true;
    for entry in archive.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let header = entry.header();
        if std::mem::take(&mut first) {
            if !header.entry_type().is_dir() {
                return Ok(None);
            }
            continue;
        }
        let path = entry.path().map_err(unreadable)?.into_owned();
        let parts: Vec<_> = path.components().skip(1).collect();
        let Some(name) = parts.first() else { continue };
        let name = name.as_os_str().to_string_lossy().into_owned();
        let size = entry.size();
        if parts.len() > 1 {
            if let Some(folder) = files.get_mut(&name) {
                folder.size += size;
            }
            continue;
        }
        let kind = match header.entry_type() {
            kind if kind.is_dir() => VolumeFileKind::Folder,
            kind if kind.is_symlink() => VolumeFileKind::Link,
            kind if kind.is_file() || kind.is_hard_link() => VolumeFileKind::File,
            _ => VolumeFileKind::Other,
        };
        let target = entry.link_name().map_err(unreadable)?;
        let file = VolumeFile {
            kind,
            size: if kind == VolumeFileKind::File { size } else { 0 },
            mode: format!("{:04o}", header.mode().map_err(unreadable)? & 0o7777),
            uid: header.uid().map_err(unreadable)?,
            gid: header.gid().map_err(unreadable)?,
            modified_at: crate::clock::seconds_text(header.mtime().map_err(unreadable)?),
            target: target
                .filter(|_| kind == VolumeFileKind::Link)
                .map(|target| target.to_string_lossy().into_owned()),
            name: name.clone(),
        };
        files.insert(name, file);
    }
    Ok(Some(files.into_values().collect()))
}

/// Unpacks an archive of one file or folder, as `place`. Nothing of it shows before all is there.
pub(super) fn unpacked_as(archive: &mut dyn Read, place: &Path) -> Result<(), Problem> {
    let problem = |error: io::Error| file_problem(&place.display().to_string(), error);
    let parent = place.parent().unwrap_or(Path::new("/"));
    let folder = parent.join(format!(".devctl-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir(&folder).map_err(problem)?;
    let unpacked = (|| {
        let mut archive = tar::Archive::new(archive);
        archive.set_preserve_permissions(true);
        archive.unpack(&folder)?;
        let mut entries = std::fs::read_dir(&folder)?;
        let entry = entries
            .next()
            .ok_or_else(|| io::Error::other("the archive is empty"))??;
        if place.symlink_metadata().is_ok() {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        std::fs::rename(entry.path(), place)
    })();
    let cleared = std::fs::remove_dir_all(&folder);
    unpacked.map_err(problem)?;
    cleared.map_err(problem)
}

/// Packs a file or a folder, so that it unpacks below `folder` under its own name.
pub(super) fn packed(local: &Path, folder: &str, archive: &mut dyn Write) -> Result<(), Problem> {
    let problem = |error: io::Error| file_problem(&local.display().to_string(), error);
    let name = local.file_name().ok_or_else(|| {
        Problem::new(
            ErrorCode::RequestInvalid,
            format!("{} has no name", local.display()),
        )
    })?;
    let inside: PathBuf = Path::new(folder.trim_start_matches('/')).join(name);
    let mut builder = tar::Builder::new(archive);
    builder.follow_symlinks(false);
    if local.symlink_metadata().map_err(problem)?.is_dir() {
        builder.append_dir_all(&inside, local).map_err(problem)?;
    } else {
        builder.append_path_with_name(local, &inside).map_err(problem)?;
    }
    builder.finish().map_err(problem)
}
