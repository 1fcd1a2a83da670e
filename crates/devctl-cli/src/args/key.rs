//! The words of `devctl key`.

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use devctl_model::KeyType;
use std::path::PathBuf;

/// The type of a key that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Type {
    /// Short, fast, read by everything that is maintained
    Ed25519,
    /// ECDSA on P-256
    #[value(name = "ecdsa-p256")]
    EcdsaP256,
    /// ECDSA on P-384
    #[value(name = "ecdsa-p384")]
    EcdsaP384,
    /// ECDSA on P-521
    #[value(name = "ecdsa-p521")]
    EcdsaP521,
    /// RSA of 3072 bits, made by ssh-keygen
    #[value(name = "rsa-3072")]
    Rsa3072,
    /// RSA of 4096 bits, made by ssh-keygen
    #[value(name = "rsa-4096")]
    Rsa4096,
}

impl From<Type> for KeyType {
    fn from(kind: Type) -> Self {
        match kind {
            Type::Ed25519 => Self::Ed25519,
            Type::EcdsaP256 => Self::EcdsaP256,
            Type::EcdsaP384 => Self::EcdsaP384,
            Type::EcdsaP521 => Self::EcdsaP521,
            Type::Rsa3072 => Self::Rsa3072,
            Type::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List the keys: the container access key, and your own
    List,
    /// Make a key; its private half is encrypted where it lies
    Generate(GenerateArgs),
    /// Bring a key here: a private one, or a public one alone
    Import(ImportArgs),
    /// Show a key: the container access key and its certificate, or the named one
    Show {
        /// Its name; the container access key where absent
        #[arg(value_name = "NAME", add = ArgValueCompleter::new(crate::completion::keys))]
        name: Option<String>,
    },
    /// Print the public half of a key, or write its private half out, encrypted
    Export(ExportArgs),
    /// Change the passphrase that protects the private half of a key
    Passphrase(PassphraseArgs),
    /// Put a new key in the place of one; the old one is revoked when the overlap ends
    Rotate(RotateArgs),
    /// Remove a key, its certificate and its passphrase, and take it from the ssh-agent
    Remove(RemoveArgs),
    /// See to the keys that your ssh-agent holds
    #[command(subcommand, arg_required_else_help = true)]
    Agent(AgentCommand),
}

/// Names a key of the person's own.
#[derive(Debug, Args)]
pub(crate) struct NameArg {
    /// The name of the key
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(crate::completion::keys))]
    pub name: String,
}

/// A passphrase that opens a key.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Open the key by the first line of this file, or of standard input for `-`; where the vault does not, it is asked
    /// for
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
}

/// Options of `key generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Its name: a to z, 0 to 9, hyphens and underscores
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its type
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "ed25519")]
    pub key_type: Type,
    /// What its public half says at the end; USER@MACHINE when none is given
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Protect it by a passphrase of your own, which is asked for; without, one is made and kept in the vault
    #[arg(long)]
    pub passphrase: bool,
    /// Protect it by the first line of this file, or of standard input for `-`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
    /// Keep a passphrase of your own in the vault, too
    #[arg(long)]
    pub remember: bool,
}

/// Options of `key import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Its name: a to z, 0 to 9, hyphens and underscores
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The private key, or a public key alone (for example of a security key); `-` for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub open: OpenArgs,
    /// Keep that passphrase in the vault
    #[arg(long)]
    pub remember: bool,
}

/// Options of `key export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Its name; the container access key where absent
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(crate::completion::keys))]
    pub name: Option<String>,
    /// Write the private half to this new file (0600), encrypted with a passphrase
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "name")]
    pub private: Option<PathBuf>,
    /// Encrypt what is written by the first line of this file, or of standard input for `-`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "private")]
    pub new_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub open: OpenArgs,
}

/// Options of `key passphrase`.
#[derive(Debug, Args)]
pub(crate) struct PassphraseArgs {
    #[command(flatten)]
    pub key: NameArg,
    /// Protect it by the first line of this file from now on, or of standard input for `-`; else it is asked for
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "vault")]
    pub new_passphrase_file: Option<PathBuf>,
    /// Keep the new passphrase in the vault, too
    #[arg(long, conflicts_with = "vault")]
    pub remember: bool,
    /// Protect it by a passphrase that is made and kept in the vault, and that nobody types
    #[arg(long)]
    pub vault: bool,
    #[command(flatten)]
    pub open: OpenArgs,
}

/// Options of `key rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// Its name; the container access key where absent
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(crate::completion::keys))]
    pub name: Option<String>,
    /// For how long the old key is still accepted: `30m`, `1h`, `7d`
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub overlap: String,
    /// Revoke the old key at once; this ends its open sessions
    #[arg(long, conflicts_with = "overlap")]
    pub now: bool,
    #[command(flatten)]
    pub open: OpenArgs,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Options of `key remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    pub key: NameArg,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// What is done with the ssh-agent.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List what your ssh-agent holds
    List,
    /// Give a key and a fresh certificate for it to your ssh-agent, for a time
    Add(AgentAddArgs),
    /// Take a key and its certificates from your ssh-agent
    Remove(NameArg),
}

/// Options of `key agent add`.
#[derive(Debug, Args)]
pub(crate) struct AgentAddArgs {
    #[command(flatten)]
    pub key: NameArg,
    /// For how long the agent holds it, and the certificate is valid: `30m`, `8h`
    #[arg(long, value_name = "DURATION", default_value = "8h")]
    pub lifetime: String,
    /// Let the agent ask you before each use
    #[arg(long)]
    pub confirm: bool,
    #[command(flatten)]
    pub open: OpenArgs,
}
