//! The core, as the commands reach it.

use devctl_core::operations::Role;
use devctl_core::{Caller, Core, SecretText, VaultPassphrase};
use devctl_model::Problem;
use std::io::IsTerminal as _;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// The name of this door in the event log.
const DOOR: &str = "cli";

/// Opens the core for the person who runs this process. Who may run it may do everything that it can do.
pub(crate) async fn open() -> Result<(Arc<Core>, Caller), Problem> {
    let mut config = devctl_platform::core_config(DOOR)?;
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        config.passphrase = VaultPassphrase::asked_by(Arc::new(ask_passphrase));
    }
    let caller = Caller {
        who: config.user.clone(),
        door: DOOR,
        role: Role::Admin,
    };
    Ok((Core::open(config).await?, caller))
}

/// Opens the core for the background service.
pub(crate) async fn open_service() -> Result<Arc<Core>, Problem> {
    Core::open(devctl_platform::core_config("service")?).await
}

/// The passphrase of the vault, typed at the terminal.
fn ask_passphrase() -> Option<SecretText> {
    let typed = rpassword::prompt_password("The passphrase of the vault: ").ok()?;
    (!typed.is_empty()).then(|| SecretText::new(typed))
}

/// Carries the connection on standard input and output into a container.
pub(crate) async fn ssh_proxy(name: &str, user: &str) -> Result<(), Problem> {
    let config = devctl_platform::core_config(DOOR)?;
    let served = devctl_core::ssh_proxy::run(config, name, user, input(), output()).await?;
    tracing::debug!(serials = ?served.serials, "the connection ended");
    Ok(())
}

/// Renews the certificates that are due.
pub(crate) async fn ssh_renew() -> Result<(), Problem> {
    let renewed = devctl_core::ssh_renew::run(&devctl_platform::core_config(DOOR)?).await?;
    tracing::debug!(renewed, "certificates were looked at");
    Ok(())
}

type Input = Box<dyn AsyncRead + Send + Unpin>;
type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Standard input: a pipe is read directly, anything else by a thread.
fn input() -> Input {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let pipe = std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .and_then(tokio::net::unix::pipe::Receiver::from_owned_fd);
        if let Ok(pipe) = pipe {
            return Box::new(pipe);
        }
    }
    Box::new(tokio::io::stdin())
}

/// Standard output: a pipe is written directly, anything else by a thread.
fn output() -> Output {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let pipe = std::io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .and_then(tokio::net::unix::pipe::Sender::from_owned_fd);
        if let Ok(pipe) = pipe {
            return Box::new(pipe);
        }
    }
    Box::new(tokio::io::stdout())
}
