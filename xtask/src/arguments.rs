//! What was asked for on the command line.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::bench::Wish;

pub(crate) const USAGE: &str = "\
cargo xtask VERB

  start [FOLDER]    install what is missing, build, bring a container up from FOLDER (or the sample), prove
                    the login, open the window
  test              run every check and test; ends with a table of what ran
    --full          the long ones too
    --only STEP     only this step, and what it needs (may be repeated; --list names the steps)
    --list          name the steps
    --fuzz-seconds N  how long each fuzz target runs (20; with --full 600)
  build             the agents, the interface, `devctl` and the window, as released
  agents            the static SSH servers that `devctl` carries, for amd64 and arm64
  fixtures          an engine and the base image that the tests use
  bench [ROW…]      measure against what a person would use otherwise; all rows write docs/performance.md
    --no-check      record only: a missed bar is no failure
    --devctl FILE   measure this one instead of building it as released
  generate          write the generated files
    --check         write nothing, fail when one is stale
  tidy              check the rules of the house: who may use what, file sizes, generated files";

/// A verb with its options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Usage,
    Start { folder: Option<PathBuf> },
    Test { selection: Selection },
    Bench { wish: Wish },
    Generate { check: bool },
    Tidy,
    Fixtures,
    Agents,
    Build,
}

/// Which of the steps of `test` are wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The long tests too.
    pub(crate) full: bool,
    /// Only these; all where it is empty.
    pub(crate) only: Vec<String>,
    /// Only say which steps there are.
    pub(crate) list: bool,
    /// How long each fuzz target runs; as long as the other tests wish where it is not said.
    pub(crate) fuzz_seconds: Option<u64>,
}

/// Reads the words after `cargo xtask`.
pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Verb> {
    let mut words = words;
    let Some(verb) = words.next() else {
        return Ok(Verb::Usage);
    };
    let mut rest: Vec<String> = words.collect();
    let verb = match verb.as_str() {
        "help" | "-h" | "--help" => Verb::Usage,
        "start" => {
            let folder = if rest.is_empty() {
                None
            } else {
                Some(rest.remove(0))
            };
            if let Some(option) = folder.as_deref().filter(|word| word.starts_with('-')) {
                bail!("`start` has no option {option}");
            }
            Verb::Start {
                folder: folder.map(PathBuf::from),
            }
        }
        "test" => Verb::Test {
            selection: selection(&mut rest)?,
        },
        "bench" => Verb::Bench {
            wish: wish(&mut rest)?,
        },
        "generate" => Verb::Generate {
            check: flag(&mut rest, "--check"),
        },
        "tidy" => Verb::Tidy,
        "fixtures" => Verb::Fixtures,
        "agents" => Verb::Agents,
        "build" => Verb::Build,
        other => bail!("there is no verb {other:?}"),
    };
    match rest.first() {
        Some(word) => bail!("{word:?} is not understood here"),
        None => Ok(verb),
    }
}

fn selection(rest: &mut Vec<String>) -> Result<Selection> {
    let mut selection = Selection {
        full: flag(rest, "--full"),
        list: flag(rest, "--list"),
        ..Selection::default()
    };
    while let Some(place) = rest.iter().position(|word| word == "--only") {
        rest.remove(place);
        if place == rest.len() {
            bail!("--only needs the name of a step");
        }
        selection.only.push(rest.remove(place));
    }
    if let Some(place) = rest.iter().position(|word| word == "--fuzz-seconds") {
        rest.remove(place);
        if place == rest.len() {
            bail!("--fuzz-seconds needs a number");
        }
        let number = rest.remove(place);
        match number.parse() {
            Ok(seconds) => selection.fuzz_seconds = Some(seconds),
            Err(_) => bail!("--fuzz-seconds needs a number, not {number:?}"),
        }
    }
    Ok(selection)
}

fn wish(rest: &mut Vec<String>) -> Result<Wish> {
    let mut wish = Wish {
        no_check: flag(rest, "--no-check"),
        ..Wish::default()
    };
    if let Some(place) = rest.iter().position(|word| word == "--devctl") {
        rest.remove(place);
        if place == rest.len() {
            bail!("--devctl needs a file");
        }
        wish.devctl = Some(PathBuf::from(rest.remove(place)));
    }
    if let Some(option) = rest.iter().find(|word| word.starts_with('-')) {
        bail!("`bench` has no option {option}");
    }
    wish.rows = std::mem::take(rest);
    Ok(wish)
}

/// Takes a flag out of the words; true where it was there.
fn flag(rest: &mut Vec<String>, name: &str) -> bool {
    let before = rest.len();
    rest.retain(|word| word != name);
    rest.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Verb, String> {
        parse(line.split_whitespace().map(str::to_owned)).map_err(|error| error.to_string())
    }

    #[test]
    fn verbs_and_their_options() {
        assert_eq!(read(""), Ok(Verb::Usage));
        assert_eq!(read("start"), Ok(Verb::Start { folder: None }));
        assert_eq!(
            read("start a/b"),
            Ok(Verb::Start {
                folder: Some("a/b".into())
            })
        );
        assert_eq!(read("generate --check"), Ok(Verb::Generate { check: true }));
        let selection = Selection {
            full: true,
            only: vec!["tidy".into(), "ui".into()],
            list: false,
            fuzz_seconds: Some(5),
        };
        assert_eq!(
            read("test --only tidy --fuzz-seconds 5 --full --only ui"),
            Ok(Verb::Test { selection })
        );
        let wish = Wish {
            rows: vec!["list".into(), "login".into()],
            no_check: true,
            devctl: Some("a/devctl".into()),
        };
        assert_eq!(
            read("bench list --devctl a/devctl login --no-check"),
            Ok(Verb::Bench { wish })
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (line, named) in [
            ("fly", "fly"),
            ("tidy now", "now"),
            ("start --fast", "--fast"),
            ("start a b", "b"),
            ("test --only", "--only"),
            ("test --fuzz-seconds", "--fuzz-seconds"),
            ("test --fuzz-seconds long", "long"),
            ("generate --chekc", "--chekc"),
            ("bench --nocheck", "--nocheck"),
            ("bench --devctl", "--devctl"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
