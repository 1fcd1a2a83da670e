//! A volume as a file: tar, packed with Zstandard, with a checksum inside and one beside it.

use super::super::archive;
use super::super::shelf::MOUNT;
use super::told;
use crate::caller::Caller;
use crate::core::Core;
use crate::error::OrProblem;
use crate::jobs::JobHandle;
use crate::labels;
use crate::record::Target;
use devctl_engine::{Engine, EngineError, VolumeCreate};
use devctl_model::{ErrorCode, ExportVolume, ImportVolume, JobRef, Problem, VolumeArchive};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

impl Core {
    /// Writes a volume to a file.
    pub(crate) fn volume_to_file(
        self: &Arc<Self>,
        caller: &Caller,
        request: ExportVolume,
    ) -> Result<JobRef, Problem> {
        let file = self.config.absolute(&request.file);
        if file.symlink_metadata().is_ok() {
            return Err(Problem::new(
                ErrorCode::FileFailed,
                format!("{} is there already", file.display()),
            )
            .safe("nothing was overwritten")
            .fix("Name another file"));
        }
        let (core, caller) = (self.clone(), caller.clone());
        let volume = request.volume;
        let job = self
            .jobs
            .start("export_volume", &volume.clone(), move |job| async move {
                let act = async {
                    let (engine, _) = core.engine_on(request.host.as_deref()).await?;
                    job.cancel_effect("Leaves no file behind; the volume is as it was");
                    job.step(&format!("Write {}", file.display()));
                    core.export(&engine, &volume, &file, &job).await
                };
                let target = Target::other("volume", &volume);
                core.recorded(&caller, "export_volume", target, act).await
            });
        Ok(JobRef { job })
    }

    async fn export(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        volume: &str,
        file: &Path,
        job: &JobHandle,
    ) -> Result<VolumeArchive, Problem> {
        let counted = Arc::new(AtomicU64::new(0));
        let work = self.with_volume(engine, volume, true, |container| {
            let (counted, file) = (counted.clone(), file.to_owned());
            async move {
                let export = async {
                    let stream = engine.copy_out(&container, MOUNT).await.or_problem()?;
                    archive::read(stream, counted, move |archive| pack(archive, &file)).await
                };
                job.unless_cancelled(export).await
            }
        });
        let (sha256, size) = told(work, &counted, job).await?;
        Ok(VolumeArchive {
            volume: volume.to_owned(),
            file: file.display().to_string(),
            sha256,
            size,
            unpacked: counted.load(Ordering::Relaxed),
            checked: false,
        })
    }

    /// Fills a volume from a file.
    pub(crate) fn volume_from_file(
        self: &Arc<Self>,
        caller: &Caller,
        request: ImportVolume,
    ) -> Result<JobRef, Problem> {
        let file = self.config.absolute(&request.file);
        let (core, caller) = (self.clone(), caller.clone());
        let volume = request.volume;
        let job = self
            .jobs
            .start("import_volume", &volume.clone(), move |job| async move {
                let act = async {
                    let (engine, _) = core.engine_on(request.host.as_deref()).await?;
                    job.cancel_effect("Removes the volume where it was made for this");
                    core.import(&engine, &volume, &file, request.sha256.as_deref(), &job)
                        .await
                };
                let target = Target::other("volume", &volume);
                core.recorded(&caller, "import_volume", target, act).await
            });
        Ok(JobRef { job })
    }

    async fn import(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        volume: &str,
        file: &Path,
        sha256: Option<&str>,
        job: &JobHandle,
    ) -> Result<VolumeArchive, Problem> {
        job.step(&format!("Check {}", file.display()));
        let path = file.to_owned();
        let checked = tokio::task::spawn_blocking(move || checksum(&path));
        let (sha256_found, size, beside) = checked.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "a checksum could not be made").why(error.to_string())
        })??;
        let known = sha256.map(str::to_ascii_lowercase).or(beside);
        if let Some(known) = &known
            && *known != sha256_found
        {
            return Err(Problem::new(
                ErrorCode::VolumeArchive,
                format!("{} is not the file that was exported", file.display()),
            )
            .why(format!("its SHA-256 is {sha256_found}, not {known}"))
            .safe("no volume was made or changed"));
        }
        job.check()?;
        job.step(&format!("Fill {volume}"));
        let made = match engine.volume_inspect(volume).await {
            Ok(_) if self.has_data(engine, volume).await? => {
                return Err(Problem::new(
                    ErrorCode::VolumeHasData,
                    format!("the volume {volume} has data in it"),
                )
                .safe("the volume is as it was")
                .fix("Name a volume that is empty, or one that is not there yet"));
            }
            Ok(_) => false,
            Err(EngineError::NotFound { .. }) => {
                let wanted = VolumeCreate {
                    name: volume.to_owned(),
                    driver: None,
                    driver_options: BTreeMap::new(),
                    labels: BTreeMap::from([(labels::MANAGED.to_owned(), labels::SCHEME.to_owned())]),
                };
                engine.volume_create(&wanted).await.or_problem()?;
                true
            }
            Err(error) => return Err(error).or_problem(),
        };
        let counted = Arc::new(AtomicU64::new(0));
        let work = self.with_volume(engine, volume, false, |container| {
            let (counted, file) = (counted.clone(), file.to_owned());
            async move {
                // What our own export wrote has the one folder `volume`; another archive has its files at its root.
                let path = file.clone();
                let first = tokio::task::spawn_blocking(move || first_entry(&path));
                let first = first.await.map_err(|error| {
                    Problem::new(ErrorCode::Internal, "an archive could not be read").why(error.to_string())
                })??;
                let folder = MOUNT.trim_start_matches('/');
                let root = if first.starts_with(folder) { "/" } else { MOUNT };
                let fill = archive::write(
                    counted,
                    move |archive| unpack(&file, archive),
                    |stream| async { engine.copy_in(&container, root, stream).await.or_problem() },
                );
                job.unless_cancelled(fill).await
            }
        });
        if let Err(problem) = told(work, &counted, job).await {
            if made && let Err(error) = engine.volume_remove(volume).await {
                tracing::warn!(%error, volume, "a volume that could not be filled is left");
            }
            return Err(problem);
        }
        Ok(VolumeArchive {
            volume: volume.to_owned(),
            file: file.display().to_string(),
            sha256: sha256_found,
            size,
            unpacked: counted.load(Ordering::Relaxed),
            checked: known.is_some(),
        })
    }
}

/// Writes to a file and to a checksum at once.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.hash.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Packs the archive into the file and writes its checksum beside it, as `sha256sum --check` reads it. Neither is there
/// before both are whole.
fn pack(archive: &mut dyn Read, file: &Path) -> Result<(String, u64), Problem> {
    let problem = |error: io::Error| archive::file_problem(&file.display().to_string(), error);
    let part = beside(file, &format!(".{}.part", uuid::Uuid::now_v7().simple()));
    let written = (|| {
        let hashed = Hashed {
            inner: BufWriter::new(File::create_new(&part)?),
            hash: Sha256::new(),
            size: 0,
        };
        let mut encoder = zstd::Encoder::new(hashed, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        io::copy(archive, &mut encoder)?;
        let Hashed { inner, hash, size } = encoder.finish()?;
        inner
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        std::fs::write(beside(file, ".sha256"), format!("{sha256}  {name}\n"))?;
        std::fs::rename(&part, file)?;
        Ok((sha256, size))
    })();
    written.map_err(|error| {
        if let Err(error) = std::fs::remove_file(&part) {
            tracing::debug!(%error, "no part of the file is left");
        }
        problem(error)
    })
}

/// The file whose name is that of `file`, and this behind it.
fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// The checksum of a file, its size, and the checksum that lies beside it.
fn checksum(file: &Path) -> Result<(String, u64, Option<String>), Problem> {
    let problem = |error: io::Error| archive::file_problem(&file.display().to_string(), error);
    let mut hashed = Hashed {
        inner: io::sink(),
        hash: Sha256::new(),
        size: 0,
    };
    let mut opened = File::open(file).map_err(problem)?;
    io::copy(&mut opened, &mut hashed).map_err(problem)?;
    let sha256: String = hashed
        .hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let known = match std::fs::read_to_string(beside(file, ".sha256")) {
        Ok(text) => text.split_whitespace().next().map(str::to_ascii_lowercase),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(problem(error)),
    };
    Ok((sha256, hashed.size, known))
}

fn damaged(file: &Path, error: &io::Error) -> Problem {
    Problem::new(
        ErrorCode::VolumeArchive,
        format!(
            "{} is no whole archive of a volume (tar, packed with Zstandard)",
            file.display()
        ),
    )
    .why(error.to_string())
}

/// The path of the first entry of a packed archive.
fn first_entry(file: &Path) -> Result<PathBuf, Problem> {
    let read = || {
        let opened = BufReader::new(File::open(file)?);
        let mut archive = tar::Archive::new(zstd::Decoder::with_buffer(opened)?);
        let entry = archive.entries()?.next().transpose()?;
        match entry {
            Some(entry) => Ok(entry.path()?.into_owned()),
            None => Err(io::Error::other("there is nothing in it")),
        }
    };
    read().map_err(|error| damaged(file, &error))
}

/// Unpacks the file; the checksum inside is compared by the way.
fn unpack(file: &Path, archive: &mut dyn Write) -> Result<(), Problem> {
    let opened =
        File::open(file).map_err(|error| archive::file_problem(&file.display().to_string(), error))?;
    let mut decoder =
        zstd::Decoder::with_buffer(BufReader::new(opened)).map_err(|error| damaged(file, &error))?;
    io::copy(&mut decoder, archive)
        .map(drop)
        .map_err(|error| damaged(file, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("v.tar.zst");
        let text = b"one two three".repeat(1000);
        let (sha256, size) = pack(&mut text.as_slice(), &file).unwrap();
        assert_eq!(checksum(&file).unwrap(), (sha256.clone(), size, Some(sha256)));
        let mut out = Vec::new();
        unpack(&file, &mut out).unwrap();
        assert_eq!(out, text);
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 2, "no part is left: {names:?}");

        let mut packed = std::fs::read(&file).unwrap();
        let middle = packed.len() / 2;
        packed[middle] ^= 1;
        std::fs::write(&file, packed).unwrap();
        let (found, _, known) = checksum(&file).unwrap();
        assert_ne!(Some(found), known);
        assert_eq!(
            unpack(&file, &mut Vec::new()).unwrap_err().code,
            ErrorCode::VolumeArchive
        );
    }
}
