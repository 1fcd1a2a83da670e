use std::path::Path;
use std::process::{Command, Stdio};

use ssh_key::PrivateKey;
use zeroize::Zeroizing;

use crate::error::SshError;
use crate::key_error::KeyError;

/// Asks `ssh-keygen` for an RSA key. The private half is written to the child's standard output: the file that it
/// believes to write is a link to it, so that no disk ever has the key in the clear.
#[cfg(unix)]
pub(super) fn generate(bits: u32, comment: &str, program: &Path) -> Result<PrivateKey, SshError> {
    use std::io::Write;

    let folder = temporary(program)?;
    let file = folder.path().join("key");
    std::os::unix::fs::symlink("/dev/stdout", &file).map_err(|source| missing(program, source))?;
    let mut child = command(bits, comment, program, &file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| missing(program, source))?;
    if let Some(mut answers) = child.stdin.take() {
        // It asks whether to overwrite the link. If it does not ask, nobody reads the answer, and what it then does
        // is judged by its result.
        drop(answers.write_all(b"y\n"));
    }
    let mut output = child
        .wait_with_output()
        .map_err(|source| missing(program, source))?;
    let text = Zeroizing::new(std::mem::take(&mut output.stdout));
    if !output.status.success() {
        return Err(failed(program, &output.stderr));
    }
    let start = text
        .windows(super::import::OPENSSH_BEGIN.len())
        .position(|window| window == super::import::OPENSSH_BEGIN)
        .ok_or_else(|| failed(program, b"there is no private key in what it wrote"))?;
    PrivateKey::from_openssh(&text[start..]).map_err(SshError::Signing)
}

/// Asks `ssh-keygen` for an RSA key, by way of a file in a temporary directory that is overwritten and removed.
#[cfg(not(unix))]
pub(super) fn generate(bits: u32, comment: &str, program: &Path) -> Result<PrivateKey, SshError> {
    let folder = temporary(program)?;
    let file = folder.path().join("key");
    let output = command(bits, comment, program, &file)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| missing(program, source))?;
    if !output.status.success() {
        return Err(failed(program, &output.stderr));
    }
    let bytes = Zeroizing::new(std::fs::read(&file).map_err(|source| missing(program, source))?);
    std::fs::write(&file, vec![0u8; bytes.len()]).map_err(|source| missing(program, source))?;
    PrivateKey::from_openssh(bytes.as_slice()).map_err(SshError::Signing)
}

fn command(bits: u32, comment: &str, program: &Path, file: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args([
            "-q",
            "-t",
            "rsa",
            "-b",
            &bits.to_string(),
            "-N",
            "",
            "-C",
            comment,
            "-f",
        ])
        .arg(file);
    command
}

/// Only its user can enter it.
fn temporary(program: &Path) -> Result<tempfile::TempDir, SshError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("devctl-key-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir().map_err(|source| missing(program, source))
}

fn missing(program: &Path, source: std::io::Error) -> SshError {
    KeyError::KeygenMissing {
        program: program.to_path_buf(),
        source,
    }
    .into()
}

fn failed(program: &Path, said: &[u8]) -> SshError {
    KeyError::KeygenFailed {
        program: program.to_path_buf(),
        message: String::from_utf8_lossy(said).trim().to_owned(),
    }
    .into()
}
