//! The build context: a directory as a tar archive that is never whole in memory.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::dockerignore::Dockerignore;
use crate::engine::ByteStream;
use crate::error::EngineError;

/// How much goes to the engine at once.
const PIECE: usize = 256 << 10;

/// How many pieces may wait; with [`PIECE`] this bounds the memory.
const WAITING: usize = 4;

/// A context that was looked at and not yet read.
#[derive(Debug)]
pub(crate) struct BuildContext {
    root: PathBuf,
    ignore: Dockerignore,
    dockerfile: PathBuf,
    /// Where the Dockerfile lies in the archive.
    pub(crate) dockerfile_name: String,
    /// The text of the Dockerfile.
    pub(crate) dockerfile_text: String,
    /// The Dockerfile lies outside the context and is added to the archive.
    outside: bool,
}

impl BuildContext {
    /// Looks at a context: the Dockerfile and what is to be ignored.
    ///
    /// `X.dockerignore` beside the Dockerfile `X` is used instead of the context's own `.dockerignore`.
    ///
    /// # Errors
    /// [`EngineError::BuildContext`] with the path that cannot be read.
    pub(crate) fn open(root: &Path, dockerfile: &Path) -> Result<Self, EngineError> {
        let root = fs::canonicalize(root).map_err(failed(root))?;
        if !root.is_dir() {
            return Err(failed(&root)(io::Error::new(
                io::ErrorKind::NotADirectory,
                "it is not a directory",
            )));
        }
        // The name as it is given decides about the ignore file; only the directory may be a link.
        let parent = match dockerfile.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = dockerfile.file_name().ok_or_else(|| {
            failed(dockerfile)(io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))
        })?;
        let dockerfile = fs::canonicalize(parent).map_err(failed(dockerfile))?.join(name);
        let text = fs::read(&dockerfile).map_err(failed(&dockerfile))?;
        let mut own = dockerfile.clone().into_os_string();
        own.push(".dockerignore");
        let ignore = match read_ignore(Path::new(&own))? {
            Some(ignore) => ignore,
            None => read_ignore(&root.join(".dockerignore"))?.unwrap_or_default(),
        };
        let inside = dockerfile
            .strip_prefix(&root)
            .ok()
            .and_then(Path::to_str)
            .map(|path| path.replace('\\', "/"));
        Ok(Self {
            ignore,
            outside: inside.is_none(),
            // The name depends on the content only, so that an unchanged file finds its layers in the cache.
            dockerfile_name: inside.unwrap_or_else(|| {
                format!(".devctl.{}.Dockerfile", &hex::encode(Sha256::digest(&text))[..16])
            }),
            dockerfile_text: String::from_utf8_lossy(&text).into_owned(),
            dockerfile,
            root,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The archive, read while it is sent. Owners are not told: everything belongs to root.
    ///
    /// The second stream gives what was left out for its kind (sockets, devices), at the end of the first.
    pub(crate) fn into_archive(self) -> (ByteStream, mpsc::UnboundedReceiver<String>) {
        let (pieces, received) = mpsc::channel::<io::Result<Bytes>>(WAITING);
        let (notices, heard) = mpsc::unbounded_channel();
        tokio::task::spawn_blocking(move || {
            let sink = PieceWriter {
                pieces: pieces.clone(),
                piece: Vec::with_capacity(PIECE),
            };
            if let Err(error) = self.write(sink, &notices) {
                // Without a receiver the request has ended already, with an error of its own.
                let _request_is_over = pieces.blocking_send(Err(error));
            }
        });
        let stream = futures_util::stream::unfold(received, |mut received| async move {
            received.recv().await.map(|piece| (piece, received))
        });
        (stream.boxed(), heard)
    }

    fn write(&self, sink: PieceWriter, notices: &mpsc::UnboundedSender<String>) -> io::Result<()> {
        let mut archive = tar::Builder::new(sink);
        archive.mode(tar::HeaderMode::Complete);
        archive.sparse(false);
        let mut packer = Packer {
            context: self,
            archive,
            notices,
            directories: Vec::new(),
        };
        packer.directory("")?;
        if self.outside {
            let metadata = fs::metadata(&self.dockerfile)?;
            packer.file(&self.dockerfile, &self.dockerfile_name, &metadata)?;
        }
        packer.archive.into_inner()?.finish()
    }

    /// Whether a path is sent. The Dockerfile and `.dockerignore` always are: the builder needs them.
    fn sends(&self, path: &str) -> bool {
        path == self.dockerfile_name || path == ".dockerignore" || !self.ignore.ignores(path)
    }

    /// Whether something below an ignored directory may have to be sent.
    fn looks_into(&self, path: &str) -> bool {
        self.ignore.has_exceptions() || self.dockerfile_name.starts_with(&format!("{path}/"))
    }
}

struct Packer<'a> {
    context: &'a BuildContext,
    archive: tar::Builder<PieceWriter>,
    notices: &'a mpsc::UnboundedSender<String>,
    /// Directories above the present place; those that are ignored are sent only when something in them is.
    directories: Vec<(String, Metadata, bool)>,
}

impl Packer<'_> {
    /// Packs what lies in a directory, in the order of the names. `inside` is its path in the archive.
    fn directory(&mut self, inside: &str) -> io::Result<()> {
        let on_disk = self.context.root.join(inside);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", on_disk.display()));
        let mut entries = fs::read_dir(&on_disk)
            .map_err(told)?
            .collect::<io::Result<Vec<_>>>()
            .map_err(told)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let told =
                |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            let Ok(name) = entry.file_name().into_string() else {
                return Err(told(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the name is not valid UTF-8",
                )));
            };
            let inside = if inside.is_empty() {
                name
            } else {
                format!("{inside}/{name}")
            };
            // A file that went away since the directory was read is no error.
            let metadata = match path.symlink_metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(told(error)),
            };
            let sent = self.context.sends(&inside);
            if metadata.is_dir() {
                if sent || self.context.looks_into(&inside) {
                    self.directories.push((inside.clone(), metadata, false));
                    if sent {
                        self.open_directories()?;
                    }
                    self.directory(&inside)?;
                    self.directories.pop();
                }
            } else if sent {
                self.open_directories()?;
                self.leaf(&path, &inside, &metadata).map_err(told)?;
            }
        }
        Ok(())
    }

    /// Writes the directories above the present place that were not written yet.
    fn open_directories(&mut self) -> io::Result<()> {
        for (inside, metadata, written) in &mut self.directories {
            if !std::mem::replace(written, true) {
                let mut header = header(metadata, tar::EntryType::Directory, 0);
                self.archive
                    .append_data(&mut header, format!("{inside}/"), io::empty())?;
            }
        }
        Ok(())
    }

    fn leaf(&mut self, path: &Path, inside: &str, metadata: &Metadata) -> io::Result<()> {
        if metadata.is_symlink() {
            let target = fs::read_link(path)?;
            let mut header = header(metadata, tar::EntryType::Symlink, 0);
            return self.archive.append_link(&mut header, inside, target);
        }
        if metadata.is_file() {
            return self.file(path, inside, metadata);
        }
        if is_fifo(metadata) {
            let mut header = header(metadata, tar::EntryType::Fifo, 0);
            return self.archive.append_data(&mut header, inside, io::empty());
        }
        // The receiver may have gone with its request.
        let _unheard = self
            .notices
            .send(format!("{inside} is a socket or a device and is not sent"));
        Ok(())
    }

    fn file(&mut self, path: &Path, inside: &str, metadata: &Metadata) -> io::Result<()> {
        let size = metadata.len();
        let mut header = header(metadata, tar::EntryType::Regular, size);
        let mut counted = Counted {
            inner: File::open(path)?.take(size),
            read: 0,
        };
        self.archive.append_data(&mut header, inside, &mut counted)?;
        // The archive would be broken from here on.
        if counted.read != size {
            return Err(io::Error::other(format!(
                "it shrank from {size} to {} bytes while it was read",
                counted.read
            )));
        }
        Ok(())
    }
}

fn header(metadata: &Metadata, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_metadata_in_mode(metadata, tar::HeaderMode::Complete);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(unix)]
fn is_fifo(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_fifo(_: &Metadata) -> bool {
    false
}

struct Counted<R> {
    inner: R,
    read: u64,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += u64::try_from(count).map_err(io::Error::other)?;
        Ok(count)
    }
}

/// Gives what is written to the request, in pieces; waits while the engine is slower than the disk.
struct PieceWriter {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl PieceWriter {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.pieces
            .blocking_send(Ok(piece.into()))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn finish(mut self) -> io::Result<()> {
        self.send()
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..count]);
        if self.piece.len() == PIECE {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read_ignore(path: &Path) -> Result<Option<Dockerignore>, EngineError> {
    match fs::read_to_string(path) {
        Ok(text) => Dockerignore::parse(&text).map(Some).map_err(failed(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> EngineError {
    let path = path.display().to_string();
    |source| EngineError::BuildContext { path, source }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures_util::TryStreamExt as _;

    use super::*;

    /// The names in the archive of a context with those files, and their content.
    async fn archive(files: &[(&str, &str)], dockerfile: &str) -> BTreeMap<String, String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join("context").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let root = dir.path().join("context");
        let (stream, _) = BuildContext::open(&root, &root.join(dockerfile))
            .unwrap()
            .into_archive();
        let pieces: Vec<Bytes> = stream.try_collect().await.unwrap();
        let bytes = pieces.concat();
        let mut found = BTreeMap::new();
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            assert_eq!(
                (entry.header().uid().unwrap(), entry.header().gid().unwrap()),
                (0, 0)
            );
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            found.insert(entry.path().unwrap().display().to_string(), content);
        }
        found
    }

    #[tokio::test]
    async fn what_is_ignored_is_not_sent_and_what_is_needed_always() {
        let files = [
            ("Dockerfile", "FROM x"),
            (".dockerignore", "*\n!keep/this\n"),
            ("a/b", "1"),
            ("keep/this", "2"),
            ("keep/not", "3"),
        ];
        let found = archive(&files, "Dockerfile").await;
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            [".dockerignore", "Dockerfile", "keep/", "keep/this"]
        );
    }

    #[tokio::test]
    async fn an_ignore_file_of_the_dockerfile_comes_first() {
        let files = [
            ("d/X", "FROM x"),
            ("d/X.dockerignore", "two"),
            (".dockerignore", "one"),
            ("one", ""),
            ("two", ""),
        ];
        let found = archive(&files, "d/X").await;
        assert!(
            found.contains_key("one") && !found.contains_key("two"),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn a_dockerfile_outside_gets_a_name_of_its_own() {
        let found = archive(&[("../Dockerfile", "FROM outside"), ("a", "1")], "../Dockerfile").await;
        let (name, content) = found.iter().next().unwrap();
        assert!(
            name.starts_with(".devctl.") && name.ends_with(".Dockerfile"),
            "{name}"
        );
        assert_eq!(content, "FROM outside");
        assert_eq!(found.len(), 2);
    }

    /// The most memory that this process ever used, in bytes.
    #[cfg(target_os = "linux")]
    fn memory_peak() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Packs a file of that size and returns how much more memory than before was used.
    #[cfg(target_os = "linux")]
    async fn memory_for(size: u64) -> u64 {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("Dockerfile"), "FROM x").unwrap();
        File::create(dir.path().join("large"))
            .unwrap()
            .set_len(size)
            .unwrap();
        let before = memory_peak();
        let context = BuildContext::open(dir.path(), &dir.path().join("Dockerfile")).unwrap();
        let (mut stream, _) = context.into_archive();
        let mut read = 0;
        while let Some(piece) = stream.next().await {
            read += u64::try_from(piece.unwrap().len()).unwrap();
        }
        assert!(read > size && read < size + (64 << 10), "{read} bytes of archive");
        memory_peak() - before
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_large_context_takes_no_more_memory_than_a_small_one() {
        let used = memory_for(200 << 20).await;
        assert!(used < 24 << 20, "{used} bytes");
    }

    #[cfg(target_os = "linux")]
    #[ignore = "reads two gigabytes: one of the long tests"]
    #[tokio::test]
    async fn two_gigabytes_take_no_more_memory_either() {
        let used = memory_for(2 << 30).await;
        assert!(used < 24 << 20, "{used} bytes");
    }

    #[tokio::test]
    async fn a_context_that_is_not_there_is_named() {
        let error =
            BuildContext::open(Path::new("/no/such/dir"), Path::new("/no/such/dir/Dockerfile")).unwrap_err();
        assert_eq!(error.code(), "engine.build_context");
        assert!(error.to_string().contains("/no/such/dir"));
    }
}
