//! Passwords of image registries, from where the docker client keeps them.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// Where the docker client keeps what it knows about registries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryCredentials {
    /// `config.json` of the docker client (`$DOCKER_CONFIG` or `~/.docker`). A file that is missing holds nothing.
    pub config_file: PathBuf,
    /// Directories in which `docker-credential-NAME` is looked for, in this order.
    pub helper_path: Vec<PathBuf>,
}

/// What a registry is shown.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistrySecret {
    Password {
        username: String,
        password: Zeroizing<String>,
    },
    /// An OAuth refresh token.
    IdentityToken(Zeroizing<String>),
}

impl fmt::Debug for RegistrySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => f
                .debug_struct("Password")
                .field("username", username)
                .finish_non_exhaustive(),
            Self::IdentityToken(_) => f.write_str("IdentityToken(..)"),
        }
    }
}
