//! The words of `devctl ca` and `devctl cert`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum, ValueHint};
use devctl_model::AuthorityKind;
use std::path::PathBuf;

/// Which kind of authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Signs certificates of people
    User,
    /// Signs certificates of containers
    Host,
}

impl From<Kind> for AuthorityKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::User => Self::User,
            Kind::Host => Self::Host,
        }
    }
}

/// What is done with the authorities.
#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// List the authorities, and how far each rotation is
    List,
    /// Show one authority: the one that signs, or that of a generation
    Show {
        /// Which kind; both that sign where absent
        kind: Option<Kind>,
        /// The how-manieth of its kind
        #[arg(long, value_name = "N", requires = "kind")]
        generation: Option<u32>,
    },
    /// Make the next authority of a kind; nobody accepts it until `rotate`
    Create {
        /// Which kind
        kind: Kind,
    },
    /// Take the next step of a rotation: make, accept, let sign, retire the last
    Rotate {
        /// Which kind
        kind: Kind,
    },
    /// Take the last step of a rotation back
    Rollback {
        /// Which kind
        kind: Kind,
    },
    /// Retire the last authority, after another signs in its place
    Retire(RetireArgs),
    /// Print the public key of an authority, or write its private key out, encrypted
    Export(ExportArgs),
    /// Bring an authority here that exists elsewhere, as the next of its kind
    Import(ImportArgs),
    /// Show or set what the authority that signs may sign
    Policy(PolicyArgs),
}

/// Options of `ca retire`.
#[derive(Debug, Args)]
pub(crate) struct RetireArgs {
    /// Which kind
    pub kind: Kind,
    /// Also where somebody still needs a certificate of it
    #[arg(long)]
    pub now: bool,
    /// Also put its key into the revocation list, which is final
    #[arg(long)]
    pub revoke: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Options of `ca export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Which kind
    pub kind: Kind,
    /// The how-manieth of its kind; the one that signs where absent
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
    /// Write the private key to this new file (0600), encrypted with a passphrase
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub private: Option<PathBuf>,
    /// Read the passphrase from the first line of this file, or of standard input for `-`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "private")]
    pub passphrase_file: Option<PathBuf>,
}

/// Options of `ca import`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("from").required(true).args(["file", "agent_key"]))]
pub(crate) struct ImportArgs {
    /// Which kind
    pub kind: Kind,
    /// The private key, in a format that OpenSSH writes
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Sign with this key (SHA256:…) of your ssh-agent; the private half stays there, for example on a token
    #[arg(long, value_name = "FINGERPRINT")]
    pub agent_key: Option<String>,
    /// Read the passphrase from the first line of this file, or of standard input for `-`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "file")]
    pub passphrase_file: Option<PathBuf>,
}

/// Options of `ca policy`. What is not named stays as it is.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// Which kind
    pub kind: Kind,
    /// Bring the default back
    #[arg(long)]
    pub default: bool,
    /// The longest validity: `16h`, `7d`
    #[arg(long, value_name = "DURATION", conflicts_with = "default")]
    pub max_validity: Option<String>,
    /// How far back a certificate is dated, for clocks that differ: `5m`
    #[arg(long, value_name = "DURATION", conflicts_with = "default")]
    pub clock_skew: Option<String>,
    /// Allow only these principals; one that ends in `-` is a beginning. `any` for all. May be given several times
    #[arg(long = "principal", value_name = "PRINCIPAL", conflicts_with = "default")]
    pub principals: Vec<String>,
    /// Allow only these extensions (permit-pty, permit-port-forwarding, permit-agent-forwarding); `none` for none
    #[arg(long = "extension", value_name = "NAME", conflicts_with = "default")]
    pub extensions: Vec<String>,
    /// Certify only these types of keys (ed25519, ecdsa-p256, ecdsa-p384, ecdsa-p521, rsa, sk-ed25519, sk-ecdsa-p256)
    #[arg(long = "key-type", value_name = "TYPE", conflicts_with = "default")]
    pub key_types: Vec<String>,
    /// Bind every certificate to this command; empty for none
    #[arg(long, value_name = "COMMAND", conflicts_with = "default")]
    pub force_command: Option<String>,
    /// Bind every certificate to these networks; `none` for none. Containers refuse such certificates
    #[arg(long = "source-address", value_name = "CIDR", conflicts_with = "default")]
    pub source_addresses: Vec<String>,
}

/// What is done with certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum CertCommand {
    /// Sign a public key that somebody sent, for chosen containers
    Issue(IssueArgs),
    /// List the certificates that were signed, newest first
    List(CertListArgs),
    /// Show the record of one certificate
    Show(CertRefArgs),
    /// Sign your own certificate anew, and those of containers that are due
    Renew,
    /// Revoke a certificate or a key, for new connections and open sessions. It is final
    Revoke(RevokeArgs),
    /// List what is revoked
    Revocations,
    /// Say whether a certificate would be accepted, and why
    Verify(VerifyArgs),
}

/// Options of `cert issue`.
#[derive(Debug, Args)]
pub(crate) struct IssueArgs {
    /// The public key file that was sent; `-` for standard input
    #[arg(value_name = "KEY.pub", value_hint = ValueHint::FilePath)]
    pub key: PathBuf,
    /// Whom it is for, in words
    #[arg(long, value_name = "WHO")]
    pub name: String,
    /// A container that it may enter. May be given several times
    #[arg(short, long = "container", value_name = "NAME")]
    pub containers: Vec<String>,
    /// A role that it bears (see the setting ssh.roles). May be given several times
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// For how long: `30m`, `8h`, `1d`
    #[arg(long, value_name = "DURATION")]
    pub valid: Option<String>,
    /// What for
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// The user in the container that they log in as; the container's own where absent
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// The one command that it may run, for automation
    #[arg(long, value_name = "COMMAND")]
    pub force_command: Option<String>,
    /// A network that it may be used from; containers refuse such certificates. May be given several times
    #[arg(long = "source-address", value_name = "CIDR")]
    pub source_addresses: Vec<String>,
    /// No terminal
    #[arg(long)]
    pub no_pty: bool,
    /// May forward ports
    #[arg(long)]
    pub port_forwarding: bool,
    /// May forward their agent
    #[arg(long)]
    pub agent_forwarding: bool,
    /// Write NAME-cert.pub and NAME-known_hosts into this folder instead of printing them
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

/// Options of `cert list`.
#[derive(Debug, Args)]
pub(crate) struct CertListArgs {
    /// Of one kind only
    pub kind: Option<Kind>,
    /// Also those whose time is over
    #[arg(short, long)]
    pub all: bool,
    /// So many at most
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
}

/// Names one certificate.
#[derive(Debug, Args)]
pub(crate) struct CertRefArgs {
    /// Which kind of authority signed it
    pub kind: Kind,
    /// Its serial number
    pub serial: u64,
    /// The generation of the authority; the one that signs where absent
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
}

/// Options of `cert revoke`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("means").required(true).args(["serial", "serials", "key_id", "key", "fingerprint"]))]
pub(crate) struct RevokeArgs {
    /// One serial
    #[arg(long, value_name = "N")]
    pub serial: Option<u64>,
    /// All serials from one to another, both included
    #[arg(long, value_name = "N-M")]
    pub serials: Option<String>,
    /// All certificates with this key id
    #[arg(long, value_name = "TEXT")]
    pub key_id: Option<String>,
    /// The key in this public key file, with all its certificates
    #[arg(long, value_name = "KEY.pub", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// The key with this fingerprint (SHA256:…), with all its certificates
    #[arg(long, value_name = "FINGERPRINT")]
    pub fingerprint: Option<String>,
    /// Of which kind of authority, for serials and key ids
    #[arg(
        long,
        value_name = "user|host",
        default_value = "user",
        hide_possible_values = true
    )]
    pub kind: Kind,
    /// Of which generation of it; the one that signs where absent
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Options of `cert verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The certificate file; `-` for standard input
    #[arg(value_name = "CERT.pub", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// For this container
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    /// For this user in it
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
}
