//! What can be wrong with a configuration, with the place where it is wrong.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::origins::Origin;

/// A place in a file for people: `file:line:column`, or only the file where the line is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was given to us.
    pub file: PathBuf,
    /// Line and column, both counted from 1.
    pub position: Option<(u32, u32)>,
}

impl Place {
    /// A whole file.
    pub fn file(file: &Path) -> Self {
        Self {
            file: file.to_path_buf(),
            position: None,
        }
    }
}

impl From<Origin> for Place {
    fn from(origin: Origin) -> Self {
        Self {
            file: origin.file,
            position: Some((origin.line, origin.column)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file.display())?;
        match self.position {
            Some((line, column)) => write!(out, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// Everything that reading, merging or planning a configuration can refuse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// No configuration at any of the places, or the chosen file is absent.
    #[error("no dev container configuration at {}", .path.display())]
    NotFound {
        /// The folder that was searched, or the file that was asked for.
        path: PathBuf,
    },
    /// Several configurations and none was chosen.
    #[error("{} configurations in {}", .found.len(), .folder.display())]
    Ambiguous {
        /// The folder that was searched.
        folder: PathBuf,
        /// What was found, in the order of discovery.
        found: Vec<PathBuf>,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger or more deeply nested than any configuration.
    #[error("{place}: {what}")]
    TooLarge {
        /// Where.
        place: Place,
        /// Which limit.
        what: String,
    },
    /// The text is not JSON with comments.
    #[error("{place}: {what}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser expected.
        what: String,
    },
    /// A property has a value that it cannot have.
    #[error("{place}: {property}: {what}")]
    Invalid {
        /// Where.
        place: Place,
        /// The property as a dotted path.
        property: String,
        /// What is wrong with it.
        what: String,
    },
    /// A variable that cannot be resolved.
    #[error("{place}: {what}")]
    Variable {
        /// Where.
        place: Place,
        /// The variable and what is wrong with it.
        what: String,
    },
    /// A property that is understood but not built yet.
    #[error("{place}: {property} is not supported yet")]
    Unsupported {
        /// Where.
        place: Place,
        /// The property.
        property: &'static str,
        /// The stable code: `unsupported.features` or `unsupported.compose`.
        code: &'static str,
    },
    /// A `docker run` flag that is refused.
    #[error("{place}: the run argument {flag} is refused: {why}")]
    RunArg {
        /// Where.
        place: Place,
        /// The flag as it was written.
        flag: String,
        /// Why it is refused, or what is wrong with its value.
        why: String,
        /// What to write instead.
        instead: Option<String>,
    },
    /// A `docker build` flag in `build.options` that is refused.
    #[error("{place}: the build option {flag} is refused: {why}")]
    BuildOption {
        /// Where.
        place: Place,
        /// The flag as it was written.
        flag: String,
        /// Why it is refused, or what is wrong with its value.
        why: String,
        /// What to write instead.
        instead: Option<String>,
    },
    /// A Dockerfile from which no base image can be read.
    #[error("{}: {what}", .file.display())]
    Dockerfile {
        /// The Dockerfile.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The image's `devcontainer.metadata` label cannot be read.
    #[error("the devcontainer.metadata label of {image}: {what}")]
    Metadata {
        /// The image.
        image: String,
        /// What is wrong, with the entry where one is known.
        what: String,
    },
}

impl SpecError {
    /// The stable code by which callers tell errors apart.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "config.not_found",
            Self::Ambiguous { .. } => "config.ambiguous",
            Self::Unreadable { .. } => "config.unreadable",
            Self::TooLarge { .. } => "config.too_large",
            Self::Syntax { .. } => "config.syntax",
            Self::Invalid { .. } => "config.invalid",
            Self::Variable { .. } => "config.variable",
            Self::Unsupported { code, .. } => code,
            Self::RunArg { .. } => "unsupported.run_arg",
            Self::BuildOption { .. } => "unsupported.build_option",
            Self::Dockerfile { .. } => "config.dockerfile",
            Self::Metadata { .. } => "metadata.invalid",
        }
    }

    /// What a person can do about it, as one sentence.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::NotFound { path } => Some(format!(
                "create {}/.devcontainer/devcontainer.json, or name a file with --config",
                path.display()
            )),
            Self::Ambiguous { found, .. } => Some(format!(
                "choose one: {}",
                found
                    .iter()
                    .map(|path| format!("--config {}", path.display()))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            Self::Unreadable { path, .. } => Some(format!("make {} readable for your user", path.display())),
            Self::TooLarge { .. } => {
                Some("keep data out of devcontainer.json; it holds settings only".into())
            }
            Self::Syntax { .. } => Some("correct the JSON at that place; comments are allowed".into()),
            Self::Invalid { place, property, .. } => Some(format!("correct {property} in {place}")),
            Self::Variable { .. } => Some("write the name of the variable: ${localEnv:NAME}".into()),
            Self::Unsupported { property, .. } => Some(match *property {
                "features" => {
                    "remove features and install the tools in a Dockerfile (build.dockerfile)".into()
                }
                _ => "use image or build.dockerfile".into(),
            }),
            Self::RunArg { instead, flag, .. } | Self::BuildOption { instead, flag, .. } => {
                Some(instead.clone().unwrap_or_else(|| format!("remove {flag}")))
            }
            Self::Dockerfile { file, .. } => Some(format!("correct the FROM lines of {}", file.display())),
            Self::Metadata { image, .. } => Some(format!(
                "rebuild {image} with a devcontainer.metadata label that is a JSON array of objects, or use another image"
            )),
        }
    }
}
