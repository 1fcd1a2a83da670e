//! Forwarding of the client's key agent: a socket in the container that leads to it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use russh::server::Handle;
use tokio::net::UnixListener;
use tokio_util::task::AbortOnDropHandle;

use crate::connection::Shared;
use crate::forward::relay_unix;

/// The socket of one connection. It and its folder go with it.
#[derive(Debug)]
pub(crate) struct AgentSocket {
    folder: PathBuf,
    path: PathBuf,
    _accepting: AbortOnDropHandle<()>,
}

impl AgentSocket {
    /// Makes a folder that only the user can enter, with the socket in it.
    pub(crate) fn open(shared: std::sync::Arc<Shared>, handle: Handle) -> io::Result<Self> {
        let folder = private_folder(&shared.setup.account.home)?;
        let path = folder.join("agent");
        let listener = UnixListener::bind(&path).and_then(|listener| {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                return Err(error);
            }
        };
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, handle) = (std::sync::Arc::clone(&shared), handle.clone());
                tokio::spawn(async move {
                    match handle.channel_open_agent().await {
                        Ok(channel) => relay_unix(channel, stream, &shared).await,
                        Err(error) => shared.reporter.warn(format!("the client's agent: {error}")),
                    }
                });
            }
        });
        Ok(Self {
            folder,
            path,
            _accepting: AbortOnDropHandle::new(accepting),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for AgentSocket {
    fn drop(&mut self) {
        // The user may have removed it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes a folder with a name that nobody can guess where there is room: an image may have no `/tmp`.
fn private_folder(home: &Path) -> io::Result<PathBuf> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let name = format!("ssh-{:016x}", u64::from_be_bytes(random));
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for parent in [Path::new("/tmp"), Path::new("/dev/shm"), home] {
        let folder = parent.join(&name);
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => last = error,
        }
    }
    Err(last)
}
