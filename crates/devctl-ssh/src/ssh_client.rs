use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::SshError;

/// The OpenSSH client of this machine, asked what it makes of a configuration.
#[derive(Debug, Clone)]
pub struct SshClient {
    program: PathBuf,
}

impl SshClient {
    /// Names the program: a path, or `ssh` to be found in the search path.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
        }
    }

    /// What `ssh -G -F config host` prints: the options in effect for a host. It connects to nothing, but runs the
    /// commands of `Match exec` lines that apply.
    ///
    /// # Errors
    /// [`SshError::ConfigInvalid`] with ssh's own words if it does not accept the file, [`SshError::ClientFailed`] if
    /// it cannot be run.
    pub fn effective(&self, config: &Path, host: &str) -> Result<Vec<u8>, SshError> {
        let output = Command::new(&self.program)
            .arg("-G")
            .arg("-F")
            .arg(config)
            .arg("--")
            .arg(host)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| SshError::ClientFailed {
                program: self.program.clone(),
                source,
            })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(SshError::ConfigInvalid {
            path: config.to_path_buf(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// What `ssh -V` prints, if the program is there.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let output = Command::new(&self.program)
            .arg("-V")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        (output.status.success() && !said.is_empty()).then_some(said)
    }
}
