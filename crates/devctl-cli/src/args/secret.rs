//! The words of `devctl secret`.

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use devctl_model::VaultWay;
use std::ffi::OsString;
use std::path::PathBuf;

/// What is done with secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Set a secret; its value is typed, or read from a file, and never an argument
    Set(SetArgs),
    /// Show what is known of a secret; its value with --reveal
    Get(GetArgs),
    /// List the secrets by name
    List {
        /// Those that this container gets: name, id, or folder
        #[arg(long, value_name = "NAME")]
        container: Option<String>,
    },
    /// Remove a secret
    Remove(SecretArg),
    /// Run a command on this computer with the secrets in its environment
    Run(RunArgs),
    /// See to the vault that holds the secrets, and to what opens it
    #[command(subcommand, arg_required_else_help = true)]
    Vault(VaultCommand),
}

/// One secret.
#[derive(Debug, Args)]
pub(crate) struct SecretArg {
    /// Its name: the environment variable, or the file
    pub name: String,
    /// The container that it is for: name, id, or folder; all containers where absent
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
}

/// Options of `secret set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    pub secret: SecretArg,
    /// Read the value from this file, or from standard input for `-`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub from: Option<PathBuf>,
    /// Give it as the file /run/devctl-secrets/NAME, in the container's memory, instead of as a variable
    #[arg(long)]
    pub as_file: bool,
}

/// Options of `secret get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub secret: SecretArg,
    /// Print the value
    #[arg(long)]
    pub reveal: bool,
}

/// Options of `secret run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Also those of this container: name, id, or folder
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// A way into the vault that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// A key in the keychain of the operating system
    Keychain,
    /// A passphrase
    Passphrase,
    /// The key in the file that DEVCTL_MASTER_KEY_FILE names
    KeyFile,
    /// The systemd credential devctl-master-key
    SystemdCredential,
    /// A key in a file beside the vault: whoever reads the disk reads the vault
    OwnFile,
    /// The printed recovery key, which can only be taken away
    RecoveryKey,
}

impl From<Way> for VaultWay {
    fn from(way: Way) -> Self {
        match way {
            Way::Keychain => Self::Keychain,
            Way::Passphrase => Self::Passphrase,
            Way::KeyFile => Self::KeyFile,
            Way::SystemdCredential => Self::SystemdCredential,
            Way::OwnFile => Self::OwnFile,
            Way::RecoveryKey => Self::RecoveryKey,
        }
    }
}

/// What is done with the vault.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Show the vault, the ways into it, and the state of the keychain
    Show,
    /// Add a way into the vault, take one away, or put one into the place of another; no entry is lost
    Change(ChangeArgs),
    /// Make a recovery key and print it, once; one that there was opens nothing any more
    RecoveryKey {
        /// Read the vault's passphrase from the first line of this file, or of standard input for `-`
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        passphrase_file: Option<PathBuf>,
    },
    /// Open the vault with its recovery key, and give it a new way in
    Recover(RecoverArgs),
    /// Unlock the keychain: by its own prompt, or with its password
    Unlock {
        /// Read the keychain's password from the first line of this file, or of standard input for `-`
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        password_file: Option<PathBuf>,
    },
}

/// Options of `secret vault change`.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["add", "remove", "accept_older"])]
pub(crate) struct ChangeArgs {
    /// The way to add; with --remove it comes into the other's place
    #[arg(long, value_name = "WAY")]
    pub add: Option<Way>,
    /// The way to take away
    #[arg(long, value_name = "WAY")]
    pub remove: Option<Way>,
    /// Read the new passphrase from the first line of this file, or of standard input for `-`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub new_passphrase_file: Option<PathBuf>,
    /// Open the vault with the passphrase in the first line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
    /// Take an older copy of the vault that you restored yourself
    #[arg(long)]
    pub accept_older: bool,
}

/// Options of `secret vault recover`.
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// The way to open it from now on
    #[arg(long, value_name = "WAY")]
    pub add: Way,
    /// Read the recovery key from this file, or from standard input for `-`; it is asked for where absent
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key_file: Option<PathBuf>,
    /// Read the new passphrase from the first line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub new_passphrase_file: Option<PathBuf>,
    /// Take an older copy of the vault that you restored yourself
    #[arg(long)]
    pub accept_older: bool,
}
