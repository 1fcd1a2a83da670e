//! What planning takes from the host: variables by name, and files of variables, labels and profiles.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::{EnvValue, TakenFile, TakenVariable};
use crate::error::SpecError;
use crate::files::Files;
use crate::local::Platform;
use crate::merge::MergedConfig;
use crate::read::ReadConfig;
use crate::run_args::{RunArgs, RunFlag};

/// The host during planning, with a record of what was taken from it.
#[derive(Debug)]
pub(super) struct HostSide<'a> {
    files: &'a dyn Files,
    read: &'a ReadConfig,
    pub(super) variables: Vec<TakenVariable>,
    pub(super) files_read: Vec<TakenFile>,
}

impl<'a> HostSide<'a> {
    pub(super) fn new(files: &'a dyn Files, read: &'a ReadConfig) -> Self {
        Self {
            files,
            read,
            variables: Vec::new(),
            files_read: Vec::new(),
        }
    }

    /// A path as docker would take it when started in the opened folder, without dots.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        without_dots(&self.read.folder.join(path), self.read.variables.local.platform)
    }

    pub(super) fn taken_file(&mut self, key: &str, path: PathBuf, pointer: &str) {
        let origin = self.read.origin_text(pointer);
        self.files_read.push(TakenFile {
            key: key.to_owned(),
            path,
            origin,
        });
    }

    /// The value of a variable that `flag` hands over by name.
    pub(super) fn variable(&mut self, flag: &str, name: &str, pointer: &str) -> Option<String> {
        let origin = self.read.origin_text(pointer);
        self.variables.push(TakenVariable {
            flag: flag.to_owned(),
            name: name.to_owned(),
            origin,
        });
        self.read.variables.local.get(name).map(str::to_owned)
    }

    /// The environment in the order of docker: files, then `containerEnv`, then the flags of `runArgs`.
    pub(super) fn environment(
        &mut self,
        merged: &MergedConfig,
        run_args: &RunArgs,
    ) -> Result<IndexMap<String, String>, SpecError> {
        let mut env = IndexMap::new();
        for flag in flags(run_args, "env-file") {
            let pointer = format!("/runArgs/{}", flag.index);
            for (name, value) in self.lines(&flag.value, "--env-file", &pointer)? {
                self.set(&mut env, "--env-file", &pointer, name, value);
            }
        }
        for (name, value) in &merged.container_env {
            env.insert(name.clone(), value.value.clone());
        }
        let asked_at: HashMap<&str, usize> = flags(run_args, "env")
            .map(|flag| (flag.value.as_str(), flag.index))
            .collect();
        for (name, value) in &run_args.options.env {
            let value = match value {
                EnvValue::Literal(text) => Some(text.clone()),
                EnvValue::FromHost => None,
            };
            let index = asked_at.get(name.as_str()).copied().unwrap_or_default();
            self.set(
                &mut env,
                "--env",
                &format!("/runArgs/{index}"),
                name.clone(),
                value,
            );
        }
        Ok(env)
    }

    /// The labels of files.
    pub(super) fn labels(&mut self, paths: &[String]) -> Result<IndexMap<String, String>, SpecError> {
        let mut labels = IndexMap::new();
        for path in paths {
            for (key, value) in self.lines(path, "--label-file", "/runArgs")? {
                labels.insert(key, value.unwrap_or_default());
            }
        }
        Ok(labels)
    }

    /// Puts the content of seccomp profiles in the place of their paths, as the docker client does.
    pub(super) fn load_seccomp_profiles(&mut self, options: &mut [String]) -> Result<(), SpecError> {
        for option in options {
            let Some(path) = option.strip_prefix("seccomp=").map(str::to_owned) else {
                continue;
            };
            // What is already a profile comes from an image that was made by another tool.
            if matches!(path.as_str(), "unconfined" | "builtin") || path.starts_with('{') {
                continue;
            }
            let content = self.content(&path, "seccomp", "/securityOpt")?;
            let profile: serde_json::Value = serde_json::from_slice(&content).map_err(|error| {
                super::invalid(
                    self.read,
                    "securityOpt",
                    format!("{path} is no seccomp profile: {error}"),
                )
            })?;
            *option = format!("seccomp={profile}");
        }
        Ok(())
    }

    fn set(
        &mut self,
        env: &mut IndexMap<String, String>,
        flag: &str,
        pointer: &str,
        name: String,
        value: Option<String>,
    ) {
        // Docker leaves out what the host does not have.
        if let Some(value) = value.or_else(|| self.variable(flag, &name, pointer)) {
            env.insert(name, value);
        }
    }

    /// The lines of a file of variables or labels: `name=value`, or a name alone; `#` begins a comment line.
    fn lines(
        &mut self,
        path: &str,
        flag: &str,
        pointer: &str,
    ) -> Result<Vec<(String, Option<String>)>, SpecError> {
        let content = self.content(path, flag, pointer)?;
        let wrong = |what: String| SpecError::RunArg {
            place: self.read.place(pointer),
            flag: flag.to_owned(),
            why: format!("{path}: {what}"),
            instead: None,
        };
        let text = String::from_utf8(content).map_err(|_| wrong("not UTF-8 text".into()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines = text.lines().map(str::trim_start).enumerate();
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                let (name, value) = match line.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (line.trim_end(), None),
                };
                if name.is_empty() || name.contains(char::is_whitespace) {
                    return Err(wrong(format!("line {}: {name:?} is no name", number + 1)));
                }
                Ok((name.to_owned(), value))
            })
            .collect()
    }

    fn content(&mut self, path: &str, key: &str, pointer: &str) -> Result<Vec<u8>, SpecError> {
        let absolute = self.absolute(Path::new(path));
        self.taken_file(key, absolute.clone(), pointer);
        let read = self.files.read(&absolute);
        match read {
            Ok(Some(content)) => Ok(content),
            Ok(None) => Err(SpecError::Invalid {
                place: self.read.place(pointer),
                property: key.to_owned(),
                what: format!("{} does not exist", absolute.display()),
            }),
            Err(source) => Err(SpecError::Unreadable {
                path: absolute,
                source,
            }),
        }
    }
}

fn flags<'a>(run_args: &'a RunArgs, name: &'static str) -> impl Iterator<Item = &'a RunFlag> {
    run_args.flags.iter().filter(move |flag| flag.name == name)
}

/// Takes `.` and `..` out of an absolute path by its text alone.
pub(super) fn without_dots(path: &Path, platform: Platform) -> PathBuf {
    use std::path::Component;
    if platform == Platform::Windows && !cfg!(windows) {
        return path.to_path_buf();
    }
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}
