//! Copying files into containers and out of them, as a stream: nothing is held but a few pieces.

mod ends;
mod pack;
mod pipe;
#[cfg(unix)]
mod unpack;

use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use bytes::Bytes;
use devctl_model::{Copied, CopyIn, CopyOut, ErrorCode, Problem};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// Bytes of a piece of an archive that is passed on.
const PIECE: usize = 256 * 1024;
/// Entries that are not copied of which the names are told.
const TOLD: usize = 20;

/// How far copying has come, for who wants to show it.
#[derive(Debug, Default)]
pub struct CopyProgress {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl CopyProgress {
    /// Files, folders and links so far.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes in files so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    fn add_bytes(&self, count: usize) {
        self.bytes
            .fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
    }

    fn copied(&self, skipped: Vec<String>) -> Copied {
        Copied {
            files: self.files(),
            bytes: self.bytes(),
            skipped,
        }
    }
}

/// An archive as a stream.
type CopyStream = BoxStream<'static, io::Result<Bytes>>;

impl Core {
    /// Copies from this computer into a container.
    ///
    /// # Errors
    /// `container.not_found`, `path.not_found`, `path.refused`, and what reading and the engine answer.
    pub async fn copy_in(
        self: &Arc<Self>,
        caller: &Caller,
        request: CopyIn,
        progress: Arc<CopyProgress>,
    ) -> Result<Copied, Problem> {
        let found = self.find(&request.container).await?;
        let from = ends::Local::of(&request.from, &self.config)?;
        let to = ends::inside(&found, &request.to, &from).await?;
        let act = async {
            let (packed, archive) = pack::pack(from, to.name, progress.clone());
            let taken = found.engine.copy_in(found.id(), &to.folder, archive);
            let (packed, taken) = tokio::join!(packed, taken);
            // Where the engine refused, packing could not go on either: the engine's word is the cause.
            taken.at("Copy into the container")?;
            Ok(progress.copied(packed?))
        };
        self.recorded(caller, "copy_into_container", target(&found), act)
            .await
    }

    /// Unpacks an archive into a folder of a container.
    ///
    /// # Errors
    /// `container.not_found`, `path.not_found`, `path.refused`, and what the engine answers.
    pub async fn copy_in_archive(
        self: &Arc<Self>,
        caller: &Caller,
        container: &str,
        folder: &str,
        archive: impl AsyncRead + Send + 'static,
    ) -> Result<(), Problem> {
        let found = self.find(container).await?;
        let folder = ends::folder_inside(&found, folder).await?;
        let mut archive = tokio_util::io::ReaderStream::with_capacity(archive, PIECE).boxed();
        // Docker locks a container while it reads or writes an archive of it. Where what is written here is read from the
        // same container, the reading has to have its turn first, or each waits for the other.
        let first = archive.next().await;
        let archive = futures_util::stream::iter(first).chain(archive).boxed();
        let act = async {
            found
                .engine
                .copy_in(found.id(), &folder, archive)
                .await
                .at("Copy into the container")
        };
        self.recorded(caller, "copy_into_container", target(&found), act)
            .await
    }

    /// Copies from a container to this computer. Whatever the container sends, nothing is written outside of what was
    /// named.
    ///
    /// # Errors
    /// `container.not_found`, `path.not_found`, `path.refused`, and what writing and the engine answer.
    #[cfg(unix)]
    pub async fn copy_out(
        self: &Arc<Self>,
        caller: &Caller,
        request: CopyOut,
        progress: Arc<CopyProgress>,
    ) -> Result<Copied, Problem> {
        let found = self.find(&request.container).await?;
        let from = ends::source_inside(&found, &request.from).await?;
        let to = ends::outside(&self.config.absolute(&request.to), &request.to, &from)?;
        let act = async {
            let archive = found
                .engine
                .copy_out(found.id(), &from.path)
                .await
                .at("Copy out of the container")?;
            let skipped = unpack::unpack(archive, to, request.archive, progress.clone()).await?;
            Ok(progress.copied(skipped))
        };
        self.recorded(caller, "copy_from_container", target(&found), act)
            .await
    }

    /// Says that this system has no way to write files safely yet.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(unix))]
    pub async fn copy_out(
        self: &Arc<Self>,
        _caller: &Caller,
        request: CopyOut,
        _progress: Arc<CopyProgress>,
    ) -> Result<Copied, Problem> {
        Err(Problem::new(
            ErrorCode::PathRefused,
            "files are not unpacked on this system yet",
        )
        .fix_command(
            "Take the archive",
            format!("devctl copy {}:{} -", request.container, request.from),
        ))
    }

    /// Writes a file or folder of a container as an archive.
    ///
    /// # Errors
    /// `container.not_found`, `path.not_found`, and what writing and the engine answer.
    pub async fn copy_out_archive(
        self: &Arc<Self>,
        caller: &Caller,
        container: &str,
        path: &str,
        to: &mut (impl AsyncWrite + Unpin + Send),
    ) -> Result<(), Problem> {
        let found = self.find(container).await?;
        let from = ends::source_inside(&found, path).await?;
        let act = async {
            let archive = found.engine.copy_out(found.id(), &from.path).await;
            let mut archive = archive.at("Copy out of the container")?;
            let unwritten = |error: io::Error| {
                Problem::new(ErrorCode::FileFailed, "the archive cannot be written").why(error.to_string())
            };
            while let Some(piece) = archive.next().await {
                let piece = piece.map_err(|error| unread(&error))?;
                to.write_all(&piece).await.map_err(unwritten)?;
            }
            to.flush().await.map_err(unwritten)
        };
        self.recorded(caller, "copy_from_container", target(&found), act)
            .await
    }
}

/// The engine's archive broke off, or is none.
fn unread(error: &io::Error) -> Problem {
    Problem::new(ErrorCode::EngineAnswer, "the archive cannot be read").why(error.to_string())
}

fn target(found: &Found) -> Target {
    Target::container(found.id(), found.alias())
}

/// A file or folder of this computer that cannot be read or written.
fn local(path: &std::path::Path, what: &str, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::NotFound => ErrorCode::PathNotFound,
        io::ErrorKind::PermissionDenied => ErrorCode::FileNoRights,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::FileNoSpace,
        _ => ErrorCode::FileFailed,
    };
    Problem::new(code, format!("{} cannot be {what}", path.display())).why(error.to_string())
}

/// A thread that packs or unpacks has come to no end of its own.
fn lost(error: &tokio::task::JoinError) -> Problem {
    Problem::new(ErrorCode::Internal, "copying broke off").why(error.to_string())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
