//! What a container is made from: a folder with a configuration, or an image.

use crate::config::CoreConfig;
use crate::error::{IntoProblem, OrProblem};
use devctl_engine::EngineInfo;
use devctl_model::{ConfigChoice, ErrorCode, Problem, SourceKind};
use devctl_spec::SpecError;
use devctl_spec::files::StdFiles;
use devctl_spec::local::{LocalEnv, Platform};
use devctl_spec::metadata::MetadataEntry;
use devctl_spec::plan::{ContainerPlan, ImageSource};
use devctl_spec::read::ReadConfig;
use devctl_spec::trust::TrustItem;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A source, found but not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Folder(PathBuf),
    Image(String),
}

/// A source, read.
pub(crate) struct Definition {
    pub(crate) source: Source,
    pub(crate) read: ReadConfig,
    /// What a person calls it.
    pub(crate) title: String,
    /// Labels that tell a container of this source from all others.
    pub(crate) identity: BTreeMap<String, String>,
    /// Hash over everything that decides how the container is made.
    pub(crate) hash: String,
    /// Hash over the Dockerfile, where the image is built.
    pub(crate) dockerfile: Option<String>,
}

impl Source {
    /// Finds out what a person means: an existing folder wins, then an image.
    pub(crate) fn find(config: &CoreConfig, text: &str, kind: Option<SourceKind>) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new(
                ErrorCode::RequestInvalid,
                "a folder or an image is needed",
            ));
        }
        let path = config.absolute(text);
        let looks_like_a_path = text.starts_with(['.', '/', '~']) || text.contains('\\');
        let is_git = ["https://", "http://", "git@", "ssh://", "git://"]
            .iter()
            .any(|start| text.starts_with(start));
        match kind {
            Some(SourceKind::Image) => Ok(Self::Image(image_name(text)?)),
            _ if path.is_dir() => Ok(Self::Folder(path)),
            _ if path.exists() => Err(Problem::new(
                ErrorCode::FolderNotFound,
                format!(
                    "{} is a file, and a container is made from a folder",
                    path.display()
                ),
            )
            .fix(format!(
                "Name the folder: {}",
                path.parent().unwrap_or(&path).display()
            ))),
            Some(SourceKind::Folder) => Err(no_folder(&path)),
            None if is_git => Err(Problem::new(
                ErrorCode::RequestInvalid,
                format!("{text} is a git repository, which cannot be cloned for you yet"),
            )
            .fix("Clone it yourself and give the folder")),
            None if looks_like_a_path => Err(no_folder(&path)),
            None => Ok(Self::Image(image_name(text)?)),
        }
    }

    /// The text that names it in the event log and in consents.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Image(image) => image.clone(),
        }
    }

    pub(crate) fn kind(&self) -> SourceKind {
        match self {
            Self::Folder(_) => SourceKind::Folder,
            Self::Image(_) => SourceKind::Image,
        }
    }

    /// The name that its container gets, before it is made unique.
    pub(crate) fn suggested_name(&self) -> String {
        match self {
            Self::Folder(folder) => folder
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            Self::Image(image) => {
                let name = image.rsplit('/').next().unwrap_or(image);
                name.split([':', '@']).next().unwrap_or(name).to_owned()
            }
        }
    }
}

fn no_folder(path: &Path) -> Problem {
    Problem::new(
        ErrorCode::FolderNotFound,
        format!("there is no folder {}", path.display()),
    )
    .fix("Check the path; for an image of that name, say --image")
}

/// An image's name: what engines accept, so that nonsense is refused before anybody is asked.
fn image_name(text: &str) -> Result<String, Problem> {
    let refused = |why: &str| {
        Err(Problem::new(
            ErrorCode::RequestInvalid,
            format!("{text:?} is neither a folder nor an image: {why}"),
        )
        .fix("Name a folder that exists, or an image such as debian:bookworm"))
    };
    let (name, digest) = text
        .split_once('@')
        .map_or((text, None), |(name, digest)| (name, Some(digest)));
    if name.is_empty() || text.len() > 255 {
        return refused("it is empty or too long");
    }
    if let Some(bad) = name
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "._-/:".contains(*c)))
    {
        return refused(&format!("{bad:?} cannot be in an image's name"));
    }
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    };
    let path = repository.split_once('/').map_or(repository, |(first, rest)| {
        if first.contains(['.', ':']) || first == "localhost" {
            rest
        } else {
            repository
        }
    });
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return refused("the name of an image is in lower case");
    }
    let bad_part =
        |part: &str| part.is_empty() || part.starts_with(['.', '-', '_']) || part.ends_with(['.', '-', '_']);
    if path.split('/').any(bad_part) || tag.is_some_and(|tag| tag.is_empty() || tag.starts_with(['.', '-'])) {
        return refused("a part of it is empty, or begins or ends with a sign");
    }
    if digest.is_some_and(|digest| !digest.starts_with("sha256:") || digest.len() != 71) {
        return refused("its digest is not sha256 and 64 digits");
    }
    Ok(text.to_owned())
}

/// The environment of this computer, for variables.
pub(crate) fn local_env(config: &CoreConfig) -> LocalEnv {
    LocalEnv {
        platform: Platform::current(),
        vars: config.env.clone(),
    }
}

/// The configurations of a folder.
pub(crate) fn choices(folder: &Path) -> Result<Vec<ConfigChoice>, Problem> {
    let found = devctl_spec::discover::discover(&StdFiles, folder).or_problem()?;
    Ok(found
        .into_iter()
        .map(|path| ConfigChoice {
            label: path.strip_prefix(folder).unwrap_or(&path).display().to_string(),
            name: None,
            path: path.display().to_string(),
        })
        .collect())
}

/// Reads a source.
pub(crate) fn read(
    config: &CoreConfig,
    source: &Source,
    chosen: Option<&str>,
) -> Result<Definition, Problem> {
    match source {
        Source::Folder(folder) => {
            let chosen = chosen.map(|chosen| config.absolute(chosen));
            let read = devctl_spec::read::read(&StdFiles, folder, chosen.as_deref(), &local_env(config))
                .and_then(ReadConfig::for_container)
                .map_err(|error| explained(error, folder))?;
            let name = read.config.name.clone().filter(|name| !name.trim().is_empty());
            let title = name.unwrap_or_else(|| source.suggested_name());
            let dockerfile = dockerfile(&read);
            let hash = config_hash(&read, dockerfile.as_deref());
            Ok(Definition {
                source: source.clone(),
                identity: read.id_labels(),
                title,
                hash,
                dockerfile: dockerfile.map(|text| short_hash_of(&text)),
                read,
            })
        }
        Source::Image(image) => {
            let name = devctl_ssh::slug(&source.suggested_name());
            let volume = format!("{name}-{}", &short_hash(image)[..6]);
            let read = devctl_spec::read::for_image(image, &volume, &local_env(config)).or_problem()?;
            let identity = BTreeMap::from([
                (crate::labels::SOURCE_KIND.to_owned(), "image".to_owned()),
                (crate::labels::SOURCE.to_owned(), image.clone()),
            ]);
            Ok(Definition {
                source: source.clone(),
                title: source.suggested_name(),
                identity,
                hash: short_hash(image),
                dockerfile: None,
                read,
            })
        }
    }
}

/// A folder without a configuration, or with several, is said with what to do.
fn explained(error: SpecError, folder: &Path) -> Problem {
    let several = match &error {
        SpecError::Ambiguous { found, .. } => found.clone(),
        _ => Vec::new(),
    };
    let mut problem = error.into_problem();
    for file in several {
        let label = file.strip_prefix(folder).unwrap_or(&file).display();
        problem = problem.fix_command(format!("Use {label}"), format!("devctl up --config '{label}'"));
    }
    problem
}

/// The hash over the configuration with its variables filled in, and over the Dockerfile that it names.
fn config_hash(read: &ReadConfig, dockerfile: Option<&[u8]>) -> String {
    let mut hash = Sha256::new();
    hash.update(read.value.to_string());
    hash.update(dockerfile.unwrap_or_default());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of the Dockerfile that a configuration builds from.
fn dockerfile(read: &ReadConfig) -> Option<Vec<u8>> {
    let merged = devctl_spec::merge::merge(&[], read);
    let plan = merged.and_then(|merged| devctl_spec::plan::plan(&StdFiles, read, &merged));
    match plan {
        // A Dockerfile that is not there fails the build, which says so.
        Ok(ContainerPlan {
            source: ImageSource::Build(build),
            ..
        }) => Some(std::fs::read(&build.dockerfile).unwrap_or_default()),
        _ => None,
    }
}

/// What a source asks for, together with what its image's metadata says.
pub(crate) struct Planned {
    pub(crate) plan: ContainerPlan,
    pub(crate) wants: Vec<TrustItem>,
}

/// Plans a container that is to be made. Without entries: what the folder alone asks for.
pub(crate) fn plan(definition: &Definition, entries: &[MetadataEntry]) -> Result<Planned, Problem> {
    let merged = devctl_spec::merge::merge(entries, &definition.read).or_problem()?;
    let plan = devctl_spec::plan::plan(&StdFiles, &definition.read, &merged).or_problem()?;
    let wants =
        devctl_spec::trust::wants(&StdFiles, &definition.read, entries, &merged, &plan).or_problem()?;
    Ok(Planned { plan, wants })
}

impl Planned {
    /// Leaves out what an engine without a graphics card cannot give: it has no effect, so nobody is asked for it.
    pub(crate) fn for_engine(mut self, info: &EngineInfo) -> Self {
        if !info.gpus {
            self.wants.retain(|item| item.key != CARD);
        }
        self
    }

    /// Whether what is asked for depends on the engine.
    pub(crate) fn depends_on_engine(&self) -> bool {
        self.wants.iter().any(|item| item.key == CARD)
    }
}

/// The property that asks for a graphics card.
const CARD: &str = "hostRequirements.gpu";

/// Plans what has to be done with a container that exists: what it was made with counts, and of the file only what may
/// change without making it anew.
///
/// Unlike in the reference, lifecycle commands of the file count as they are now: a command that failed can be mended
/// and run without losing the container. Those that have run do not run again.
pub(crate) fn plan_existing(
    definition: &Definition,
    entries: &[MetadataEntry],
) -> Result<ContainerPlan, Problem> {
    let mut merged = devctl_spec::merge::merge_for_existing(entries, &definition.read).or_problem()?;
    // The last entry of a container's own label is what the file said when it was made.
    let of_image = entries.split_last().map_or(&[][..], |(_, rest)| rest);
    let now = devctl_spec::merge::merge(of_image, &definition.read).or_problem()?;
    merged.hooks = now.hooks;
    merged.wait_for = now.wait_for;
    devctl_spec::plan::plan(&StdFiles, &definition.read, &merged).or_problem()
}

/// The entries of a metadata label.
pub(crate) fn entries(
    definition: &Definition,
    image: &str,
    label: Option<&str>,
) -> Result<Vec<MetadataEntry>, Problem> {
    devctl_spec::metadata::parse_label(image, label, &definition.read.variables).or_problem()
}

/// Twelve digits that stand for a text.
pub(crate) fn short_hash(text: &str) -> String {
    short_hash_of(text.as_bytes())
}

fn short_hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_folder_wins_and_what_looks_like_a_path_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = crate::testing::config(dir.path());
        config.working_directory = dir.path().to_owned();
        std::fs::create_dir(dir.path().join("debian")).unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let find = |text: &str, kind| Source::find(&config, text, kind);
        assert_eq!(
            find("debian", None).unwrap(),
            Source::Folder(dir.path().join("debian"))
        );
        assert_eq!(
            find("debian", Some(SourceKind::Image)).unwrap(),
            Source::Image("debian".into())
        );
        assert_eq!(
            find("debian:12", None).unwrap(),
            Source::Image("debian:12".into())
        );
        assert_eq!(
            find("./missing", None).unwrap_err().code,
            ErrorCode::FolderNotFound
        );
        assert_eq!(find("file", None).unwrap_err().code, ErrorCode::FolderNotFound);
        assert_eq!(
            find("https://example.org/a.git", None).unwrap_err().code,
            ErrorCode::RequestInvalid
        );
    }

    #[test]
    fn names_of_images_are_checked_before_an_engine_is_asked() {
        for good in [
            "debian",
            "debian:12",
            "ghcr.io/a/b:1.2",
            "localhost:5000/x",
            "a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            assert!(image_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Debian",
            "a b",
            "a//b",
            "-a",
            "a:",
            "a@sha256:1",
            "a\nb",
            "$(id)",
        ] {
            assert!(image_name(bad).is_err(), "{bad}");
        }
    }
}
