//! How an image is built: the `build` property and its flags of `docker build`.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::quantities::{boolean, bytes, comma_fields};
use crate::run_args::{FlagError, FlagShape, Table, read_flags};

/// How the image is built. Paths are absolute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BuildPlan {
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// The context.
    pub context: PathBuf,
    /// Build arguments. `None` is a name without a value, which planning fills in from the host or leaves out.
    pub args: IndexMap<String, Option<String>>,
    /// The stage.
    pub target: Option<String>,
    /// Images whose layers are reused.
    pub cache_from: Vec<String>,
    /// Labels of the image.
    pub labels: IndexMap<String, String>,
    /// Names of the image beside ours.
    pub tags: Vec<String>,
    /// `os/arch[/variant]`.
    pub platform: Option<String>,
    /// No layer is reused.
    pub no_cache: bool,
    /// Base images are pulled even where they are there.
    pub pull: bool,
    /// Network of the `RUN` instructions.
    pub network: Option<String>,
    /// Extra lines of the hosts file, as `name:address`.
    pub extra_hosts: Vec<String>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<i64>,
    /// Secrets.
    pub secrets: Vec<BuildSecret>,
    /// SSH agents.
    pub ssh: Vec<BuildSsh>,
}

/// A secret of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSecret {
    /// Its name in `RUN --mount=type=secret,id=…`.
    pub id: String,
    /// Where it comes from.
    pub source: BuildSecretSource,
}

/// Where a secret of a build comes from; the value itself is read when the build runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildSecretSource {
    /// A file, absolute.
    File(PathBuf),
    /// A variable of the host's environment.
    Env(String),
}

/// An SSH agent of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSsh {
    /// Its name in `RUN --mount=type=ssh,id=…`; `default` where none was given.
    pub id: String,
    /// Its socket, absolute; `None` takes the host's `SSH_AUTH_SOCK`.
    pub socket: Option<PathBuf>,
}

/// A flag of `docker build`.
#[derive(Debug)]
pub struct BuildFlag {
    /// The long name, without dashes.
    pub name: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// It stands without a value.
    pub is_switch: bool,
    effect: Effect,
}

#[derive(Debug, Clone, Copy)]
enum Effect {
    Set(fn(&mut BuildPlan, &str) -> Result<(), String>),
    Holds(&'static str),
    Refused {
        why: &'static str,
        instead: &'static str,
    },
}

impl FlagShape for BuildFlag {
    fn name(&self) -> &'static str {
        self.name
    }

    fn short(&self) -> Option<char> {
        self.short
    }

    fn is_switch(&self) -> bool {
        self.is_switch
    }
}

/// Lays the flags of `build.options` over a plan; each takes effect or is refused by name. Paths stay as written.
///
/// # Errors
/// [`FlagError`] with the place of the flag in the list.
pub(crate) fn apply_options(plan: &mut BuildPlan, options: &[String]) -> Result<(), FlagError> {
    for found in read_flags(options, &Table { flags: FLAGS })? {
        let wrong = |why: String, instead: Option<&str>| FlagError {
            index: found.index,
            flag: found.written.clone(),
            why,
            instead: instead.map(str::to_owned),
        };
        match found.flag.effect {
            Effect::Set(set) => set(plan, &found.value).map_err(|why| wrong(why, None))?,
            Effect::Holds(expected) if expected == found.value => {}
            Effect::Holds(expected) => {
                return Err(wrong(
                    format!("builds here are always made with {expected}"),
                    None,
                ));
            }
            Effect::Refused { why, instead } => return Err(wrong(why.to_owned(), Some(instead))),
        }
    }
    Ok(())
}

const fn value(name: &'static str, set: fn(&mut BuildPlan, &str) -> Result<(), String>) -> BuildFlag {
    BuildFlag {
        name,
        short: None,
        is_switch: false,
        effect: Effect::Set(set),
    }
}

const fn switch(name: &'static str, effect: Effect) -> BuildFlag {
    BuildFlag {
        name,
        short: None,
        is_switch: true,
        effect,
    }
}

const fn refused(name: &'static str, why: &'static str, instead: &'static str) -> BuildFlag {
    BuildFlag {
        name,
        short: None,
        is_switch: false,
        effect: Effect::Refused { why, instead },
    }
}

const fn short(letter: char, mut flag: BuildFlag) -> BuildFlag {
    flag.short = Some(letter);
    flag
}

const LIMITS: &str = "limits of single build steps are not passed on";
const REMOVE: &str = "remove it";

/// All flags of `docker build`, of the classic client and of buildx.
const FLAGS: &[BuildFlag] = &[
    value("add-host", |plan, text| {
        let (host, address) = text
            .split_once([':', '='])
            .ok_or_else(|| format!("{text:?} is not host:address"))?;
        plan.extra_hosts.push(format!("{host}:{address}"));
        Ok(())
    }),
    refused("allow", "no further rights are given to a build", REMOVE),
    refused("annotation", "images are not published", REMOVE),
    refused("attest", "images are not published", REMOVE),
    value("build-arg", |plan, text| {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        plan.args.insert(name.to_owned(), value);
        Ok(())
    }),
    refused(
        "build-context",
        "a build has one context",
        "use build.context, or COPY --from=IMAGE",
    ),
    refused("builder", "the engine's own builder is used", REMOVE),
    value("cache-from", cache_from),
    refused("cache-to", "layers are cached in the engine", REMOVE),
    refused("call", "it builds nothing", REMOVE),
    refused("cgroup-parent", LIMITS, REMOVE),
    switch(
        "check",
        Effect::Refused {
            why: "it builds nothing",
            instead: REMOVE,
        },
    ),
    switch(
        "compress",
        Effect::Refused {
            why: "the context is streamed as it is",
            instead: REMOVE,
        },
    ),
    refused("cpu-period", LIMITS, REMOVE),
    refused("cpu-quota", LIMITS, REMOVE),
    short('c', refused("cpu-shares", LIMITS, REMOVE)),
    refused("cpuset-cpus", LIMITS, REMOVE),
    refused("cpuset-mems", LIMITS, REMOVE),
    switch("disable-content-trust", Effect::Holds("true")),
    short(
        'f',
        refused(
            "file",
            "the Dockerfile is a property of its own",
            "use build.dockerfile",
        ),
    ),
    switch("force-rm", Effect::Holds("true")),
    refused("iidfile", "it writes a file on the host", REMOVE),
    refused("isolation", "it is for containers of Windows", REMOVE),
    value("label", |plan, text| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        plan.labels.insert(key.to_owned(), value.to_owned());
        Ok(())
    }),
    switch("load", Effect::Holds("true")),
    short('m', refused("memory", LIMITS, REMOVE)),
    refused("memory-swap", LIMITS, REMOVE),
    refused("metadata-file", "it writes a file on the host", REMOVE),
    value("network", |plan, text| {
        put(&mut plan.network, Ok(text.to_owned()))
    }),
    switch(
        "no-cache",
        Effect::Set(|plan, text| boolean(text).map(|flag| plan.no_cache = flag)),
    ),
    refused(
        "no-cache-filter",
        "single stages cannot be singled out",
        "use --no-cache",
    ),
    short('o', refused("output", "the image belongs to the engine", REMOVE)),
    value("platform", |plan, text| {
        put(&mut plan.platform, Ok(text.to_owned()))
    }),
    refused("progress", "progress is shown by devctl", REMOVE),
    refused("provenance", "images are not published", REMOVE),
    switch(
        "pull",
        Effect::Set(|plan, text| boolean(text).map(|flag| plan.pull = flag)),
    ),
    switch(
        "push",
        Effect::Refused {
            why: "images are not published",
            instead: REMOVE,
        },
    ),
    short(
        'q',
        switch(
            "quiet",
            Effect::Refused {
                why: "progress is shown by devctl",
                instead: REMOVE,
            },
        ),
    ),
    switch("rm", Effect::Holds("true")),
    refused("sbom", "images are not published", REMOVE),
    value("secret", |plan, text| {
        secret(text).map(|secret| plan.secrets.push(secret))
    }),
    refused("security-opt", "builds keep the engine's own protection", REMOVE),
    value("shm-size", |plan, text| put(&mut plan.shm_size, bytes(text))),
    switch(
        "squash",
        Effect::Refused {
            why: "engines no longer do it",
            instead: REMOVE,
        },
    ),
    value("ssh", |plan, text| ssh(text).map(|agent| plan.ssh.push(agent))),
    switch(
        "stream",
        Effect::Refused {
            why: "engines no longer do it",
            instead: REMOVE,
        },
    ),
    short(
        't',
        value("tag", |plan, text| {
            plan.tags.push(text.to_owned());
            Ok(())
        }),
    ),
    value("target", |plan, text| put(&mut plan.target, Ok(text.to_owned()))),
    refused("ulimit", LIMITS, REMOVE),
];

fn put<T>(slot: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *slot = Some(value?);
    Ok(())
}

fn cache_from(plan: &mut BuildPlan, text: &str) -> Result<(), String> {
    if !text.contains('=') {
        plan.cache_from.extend(text.split(',').map(str::to_owned));
        return Ok(());
    }
    let mut image = None;
    for field in comma_fields(text)? {
        match field.split_once('=') {
            Some(("type", "registry")) => {}
            Some(("ref", reference)) => image = Some(reference.to_owned()),
            _ => {
                return Err(format!(
                    "{field:?}: only images (type=registry,ref=IMAGE) are taken as a cache"
                ));
            }
        }
    }
    plan.cache_from
        .push(image.ok_or_else(|| format!("{text:?} names no image"))?);
    Ok(())
}

fn secret(text: &str) -> Result<BuildSecret, String> {
    let (mut id, mut file, mut env) = (None, None, None);
    for field in comma_fields(text)? {
        match field.split_once('=') {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("src" | "source", value)) => file = Some(value.to_owned()),
            Some(("env", value)) => env = Some(value.to_owned()),
            Some(("type", "file" | "env")) => {}
            _ => return Err(format!("{field:?} is not id, src, env or type")),
        }
    }
    let id = id.ok_or_else(|| format!("{text:?} has no id"))?;
    let source = match (file, env) {
        (Some(file), None) => BuildSecretSource::File(file.into()),
        (None, Some(env)) => BuildSecretSource::Env(env),
        // Without a source docker takes the variable, or else the file, of that name; only the first is safe to guess.
        (None, None) => BuildSecretSource::Env(id.clone()),
        (Some(_), Some(_)) => return Err(format!("{text:?} has two sources")),
    };
    Ok(BuildSecret { id, source })
}

fn ssh(text: &str) -> Result<BuildSsh, String> {
    let (id, paths) = text
        .split_once('=')
        .map_or((text, None), |(id, paths)| (id, Some(paths)));
    match paths {
        Some(paths) if paths.contains(',') => Err(format!(
            "{text:?} names several keys; give the socket of one agent"
        )),
        _ => Ok(BuildSsh {
            id: id.to_owned(),
            socket: paths.map(PathBuf::from),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn applied(words: &[&str]) -> Result<BuildPlan, FlagError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut plan = BuildPlan::default();
        apply_options(&mut plan, &words).map(|()| plan)
    }

    #[test]
    fn flags_take_effect() {
        let plan = applied(&[
            "--label",
            "a=b",
            "--platform=linux/arm64",
            "--build-arg",
            "X",
            "--build-arg=Y=z",
            "--no-cache",
            "--pull",
            "--secret",
            "id=npm,src=.npmrc",
            "--secret=id=TOKEN",
            "--ssh",
            "default",
            "-t",
            "x:y",
            "--add-host=h:1.2.3.4",
            "--cache-from",
            "type=registry,ref=img",
            "--shm-size=1g",
            "--network",
            "host",
            "--target=dev",
        ])
        .unwrap();
        assert_eq!(plan.labels["a"], "b");
        assert_eq!(plan.args.get("X"), Some(&None));
        assert_eq!(plan.args["Y"].as_deref(), Some("z"));
        assert!(plan.no_cache && plan.pull);
        assert_eq!(plan.secrets[0].source, BuildSecretSource::File(".npmrc".into()));
        assert_eq!(plan.secrets[1].source, BuildSecretSource::Env("TOKEN".into()));
        assert_eq!(
            plan.ssh,
            [BuildSsh {
                id: "default".into(),
                socket: None
            }]
        );
        assert_eq!(
            (plan.cache_from, plan.tags),
            (vec!["img".to_owned()], vec!["x:y".to_owned()])
        );
        assert_eq!(
            (plan.target.as_deref(), plan.network.as_deref()),
            (Some("dev"), Some("host"))
        );
    }

    #[test]
    fn others_are_refused_by_name() {
        for (words, flag) in [
            (&["--push"][..], "--push"),
            (&["--label", "a", "--what"], "--what"),
            (&["-f", "x"], "-f"),
            (&["--cache-from=type=gha"], "--cache-from"),
            (&["--secret", "src=x"], "--secret"),
            (&["."], "."),
        ] {
            assert_eq!(applied(words).unwrap_err().flag, flag);
        }
        let mut names = BTreeSet::new();
        assert!(
            FLAGS.iter().all(|flag| names.insert(flag.name)),
            "no flag is listed twice"
        );
    }
}
