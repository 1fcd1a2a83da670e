//! Variables in the texts of a configuration: `${name}` and `${name:argument:…}`.
//!
//! The rules are those of the reference, traps included: what is unknown stays as it is; a variable does not reach over
//! a line break; the first argument after the name is the default, so a default with a colon is cut at the colon.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::local::{LocalEnv, Platform, look_up};
use crate::origins::pointer_step;

/// What variables stand for.
#[derive(Clone)]
pub struct VariableContext {
    /// Platform and environment of the host.
    pub local: LocalEnv,
    /// The workspace on the host.
    pub local_workspace_folder: Option<String>,
    /// The workspace in the container; may itself hold variables, which are filled in once.
    pub container_workspace_folder: Option<String>,
    /// The id of the container; `None` leaves `${devcontainerId}` as it is.
    pub devcontainer_id: Option<String>,
}

impl fmt::Debug for VariableContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("VariableContext")
            .field("local", &self.local)
            .field("local_workspace_folder", &self.local_workspace_folder)
            .field("container_workspace_folder", &self.container_workspace_folder)
            .field("devcontainer_id", &self.devcontainer_id)
            .finish()
    }
}

/// A variable that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct VariableError {
    /// What is wrong with it.
    pub what: String,
    /// JSON pointer of the text that holds it.
    pub pointer: String,
}

/// The longest that all texts together may become, in bytes: a short variable may stand for a long text many times.
pub const MAX_FILLED: usize = 16 * 1024 * 1024;

/// Fills in all variables but `${containerEnv:…}`, in all texts at any depth; names of properties stay.
///
/// # Errors
/// `${localEnv}` without a name.
pub fn substitute(value: &Value, context: &VariableContext) -> Result<Value, VariableError> {
    let left = Cell::new(MAX_FILLED);
    let container_folder = match &context.container_workspace_folder {
        // Inside itself the folder stands for its own raw text.
        Some(raw) => {
            let filled = replace(raw, &left, |name, arguments| {
                local_value(context, Some(raw), name, arguments)
            });
            Some(filled.map_err(|what| VariableError {
                what,
                pointer: "/workspaceFolder".into(),
            })?)
        }
        None => None,
    };
    map_texts(value, &|text| {
        replace(text, &left, |name, arguments| {
            local_value(context, container_folder.as_deref(), name, arguments)
        })
    })
}

/// Fills in `${containerEnv:NAME[:default]}`, which is known only when the container runs.
///
/// # Errors
/// `${containerEnv}` without a name.
pub fn container_env_substitute(
    value: &Value,
    container_env: &BTreeMap<String, String>,
    platform: Platform,
) -> Result<Value, VariableError> {
    let left = Cell::new(MAX_FILLED);
    map_texts(value, &|text| {
        replace(text, &left, container_value(container_env, platform))
    })
}

/// [`container_env_substitute`] for one text.
///
/// # Errors
/// `${containerEnv}` without a name.
pub fn container_env_substitute_text(
    text: &str,
    container_env: &BTreeMap<String, String>,
    platform: Platform,
) -> Result<String, VariableError> {
    replace(
        text,
        &Cell::new(MAX_FILLED),
        container_value(container_env, platform),
    )
    .map_err(|what| VariableError {
        what,
        pointer: String::new(),
    })
}

fn container_value(
    env: &BTreeMap<String, String>,
    platform: Platform,
) -> impl Fn(&str, &[&str]) -> Result<Option<String>, NoName> {
    move |name, arguments| match name {
        "containerEnv" => environment_value(platform, env, arguments).map(Some),
        _ => Ok(None),
    }
}

/// The names of host variables that a text reads.
pub fn host_variables(text: &str) -> Vec<String> {
    occurrences(text)
        .filter_map(|found| {
            let mut parts = found.inner.split(':');
            match (parts.next(), parts.next()) {
                (Some("localEnv" | "env"), Some(name)) => Some(name.to_owned()),
                _ => None,
            }
        })
        .collect()
}

/// Why a value cannot be given; turned into a [`VariableError`] where the place is known.
struct NoName;

fn local_value(
    context: &VariableContext,
    container_folder: Option<&str>,
    name: &str,
    arguments: &[&str],
) -> Result<Option<String>, NoName> {
    let platform = context.local.platform;
    let local_folder = context.local_workspace_folder.as_deref();
    Ok(match name {
        "env" | "localEnv" => Some(environment_value(platform, &context.local.vars, arguments)?),
        "localWorkspaceFolder" => local_folder.map(str::to_owned),
        "localWorkspaceFolderBasename" => local_folder.map(|path| platform.base_name(path).to_owned()),
        "containerWorkspaceFolder" => container_folder.map(str::to_owned),
        "containerWorkspaceFolderBasename" => {
            container_folder.map(|path| Platform::Linux.base_name(path).to_owned())
        }
        "devcontainerId" => context.devcontainer_id.clone(),
        _ => None,
    })
}

fn environment_value(
    platform: Platform,
    vars: &BTreeMap<String, String>,
    arguments: &[&str],
) -> Result<String, NoName> {
    let (name, default) = match arguments {
        [] => return Err(NoName),
        [name] => (name, ""),
        [name, default, ..] => (name, *default),
    };
    Ok(look_up(platform, vars, name).unwrap_or(default).to_owned())
}

struct Occurrence<'a> {
    start: usize,
    end: usize,
    inner: &'a str,
}

/// Each `${…}` from left to right; the first closing brace ends it, and no line break may stand between.
fn occurrences(text: &str) -> impl Iterator<Item = Occurrence<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find("${")?;
            let inner_start = start + 2;
            let rest = text.get(inner_start..)?;
            let stop = rest.find(['}', '\n', '\r', '\u{2028}', '\u{2029}'])?;
            if rest.as_bytes().get(stop) == Some(&b'}') {
                from = inner_start + stop + 1;
                return Some(Occurrence {
                    start,
                    end: from,
                    inner: rest.get(..stop)?,
                });
            }
            from = inner_start;
        }
    })
}

/// Fills in one text; `left` is what the texts may still grow to together. The error says what is wrong.
fn replace(
    text: &str,
    left: &Cell<usize>,
    value: impl Fn(&str, &[&str]) -> Result<Option<String>, NoName>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for found in occurrences(text) {
        let whole = &text[found.start..found.end];
        out.push_str(&text[copied..found.start]);
        let mut parts = found.inner.split(':');
        let name = parts.next().unwrap_or_default();
        let arguments: Vec<&str> = parts.collect();
        match value(name, &arguments) {
            Ok(Some(filled)) => {
                let rest = left.get().checked_sub(filled.len());
                left.set(
                    rest.ok_or_else(|| format!("the variables stand for more than {MAX_FILLED} bytes"))?,
                );
                out.push_str(&filled);
            }
            Ok(None) => out.push_str(whole),
            Err(NoName) => return Err(format!("{whole} names no environment variable")),
        }
        copied = found.end;
    }
    out.push_str(&text[copied..]);
    Ok(out)
}

/// The recursion is as deep as the value, which parsing bounds. The pointer is made only on the way of an error.
fn map_texts(
    value: &Value,
    change: &impl Fn(&str) -> Result<String, String>,
) -> Result<Value, VariableError> {
    let below = |step: &str, error: VariableError| VariableError {
        pointer: format!("{}{}", pointer_step("", step), error.pointer),
        ..error
    };
    Ok(match value {
        Value::String(text) => {
            let filled = change(text);
            Value::String(filled.map_err(|what| VariableError {
                what,
                pointer: String::new(),
            })?)
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    map_texts(item, change).map_err(|error| below(&index.to_string(), error))
                })
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, item)| match map_texts(item, change) {
                    Ok(filled) => Ok((key.clone(), filled)),
                    Err(error) => Err(below(key, error)),
                })
                .collect::<Result<Map<_, _>, _>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context() -> VariableContext {
        VariableContext {
            local: LocalEnv {
                platform: Platform::Linux,
                vars: BTreeMap::from([
                    ("USER".to_owned(), "ada".to_owned()),
                    ("EMPTY".to_owned(), String::new()),
                ]),
            },
            local_workspace_folder: Some("/home/ada/proj".into()),
            container_workspace_folder: Some("/workspaces/${localWorkspaceFolderBasename}".into()),
            devcontainer_id: None,
        }
    }

    fn fill(text: &str) -> String {
        match substitute(&json!(text), &context()).unwrap() {
            Value::String(filled) => filled,
            other => panic!("a text stays a text: {other}"),
        }
    }

    #[test]
    fn every_variable_of_the_table() {
        for (text, expected) in [
            ("${localEnv:USER}", "ada"),
            ("${env:USER}", "ada"),
            ("a${localEnv:NONE}b", "ab"),
            ("${localEnv:NONE:x}", "x"),
            ("${localEnv:NONE:http://host}", "http"),
            ("${localEnv:EMPTY:x}", ""),
            ("${localEnv:}", ""),
            ("${localWorkspaceFolder}", "/home/ada/proj"),
            ("${localWorkspaceFolderBasename}", "proj"),
            ("${containerWorkspaceFolder}", "/workspaces/proj"),
            ("${containerWorkspaceFolderBasename}", "proj"),
            ("${containerEnv:PATH}", "${containerEnv:PATH}"),
            ("${devcontainerId}", "${devcontainerId}"),
            ("${unknown} $x ${", "${unknown} $x ${"),
            ("${local\nEnv:USER}", "${local\nEnv:USER}"),
            ("${\n${localEnv:USER}", "${\nada"),
            ("${a${localEnv:USER}", "${a${localEnv:USER}"),
            ("${localEnv:USER}${localEnv:USER}", "adaada"),
        ] {
            assert_eq!(fill(text), expected, "{text}");
        }
    }

    #[test]
    fn a_missing_name_is_refused_with_its_place() {
        let error = substitute(&json!({"a": ["x", "${localEnv}"]}), &context()).unwrap_err();
        assert_eq!(
            (error.what.as_str(), error.pointer.as_str()),
            ("${localEnv} names no environment variable", "/a/1")
        );
    }

    #[test]
    fn texts_at_any_depth_but_no_names() {
        let value = json!({"${localEnv:USER}": [{"x": "${localEnv:USER}"}, 1, true, null]});
        assert_eq!(
            substitute(&value, &context()).unwrap(),
            json!({"${localEnv:USER}": [{"x": "ada"}, 1, true, null]})
        );
    }

    #[test]
    fn the_folder_inside_itself_is_its_raw_text() {
        let context = VariableContext {
            container_workspace_folder: Some("/w/${containerWorkspaceFolder}".into()),
            ..context()
        };
        assert_eq!(
            substitute(&json!("${containerWorkspaceFolder}"), &context).unwrap(),
            json!("/w//w/${containerWorkspaceFolder}")
        );
    }

    #[test]
    fn the_container_environment_comes_later() {
        let env = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
        let fill = |text: &str| container_env_substitute_text(text, &env, Platform::Linux);
        assert_eq!(fill("${containerEnv:PATH}:/x").unwrap(), "/bin:/x");
        assert_eq!(
            fill("${containerEnv:NO:d}${localEnv:USER}").unwrap(),
            "d${localEnv:USER}"
        );
        assert!(fill("${containerEnv}").is_err());
        assert_eq!(
            container_env_substitute(&json!(["${containerEnv:PATH}"]), &env, Platform::Linux).unwrap(),
            json!(["/bin"])
        );
    }

    #[test]
    fn short_variables_may_not_become_gigabytes() {
        let long = VariableContext {
            container_workspace_folder: Some("x".repeat(100_000)),
            ..context()
        };
        let value = json!({"a": "${containerWorkspaceFolder}".repeat(200)});
        let error = substitute(&value, &long).unwrap_err();
        assert!(
            error.what.contains("more than") && error.pointer == "/a",
            "{error:?}"
        );
    }

    #[test]
    fn host_variables_are_found() {
        assert_eq!(
            host_variables("${localEnv:A} ${env:B:x} ${containerEnv:C} ${localEnv}"),
            ["A", "B"]
        );
    }
}
