//! What the fuzz targets share.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The time at which certificates are judged: that of the genuine one.
pub const NOW: u64 = 1_800_000_000;

/// A folder of this process for the files of a target, in memory where the machine has such a place: the code under test
/// waits for the disk after each write.
///
/// # Panics
/// Where no folder can be made: then nothing can be tried.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let memory = PathBuf::from("/dev/shm");
            let below = if memory.is_dir() {
                memory
            } else {
                std::env::temp_dir()
            };
            tempfile::Builder::new()
                .prefix("devctl-fuzz-")
                .tempdir_in(below)
                .expect("a folder for the files of a target")
        })
        .path()
}

/// Puts a file of the input into [`folder`].
///
/// # Panics
/// Where it cannot be written.
pub fn put(name: &str, content: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, content).expect("a file in the folder of the target");
    path
}
