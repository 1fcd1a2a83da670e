//! `runArgs`: flags of `docker run`, read by the rules of its command line and translated one by one.

pub mod flags;
pub(crate) mod values;

use crate::run::RunOptions;
use flags::{Effect, FLAGS, Flag};

/// A flag that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFlag {
    /// Its place in `runArgs`, counted from 0.
    pub index: usize,
    /// Its long name, without dashes.
    pub name: &'static str,
    /// Its value; `true` or `false` where it takes none.
    pub value: String,
}

/// A flag that was not understood, or is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flag}: {why}")]
pub struct FlagError {
    /// Its place in the list, counted from 0.
    pub index: usize,
    /// The flag as it was written.
    pub flag: String,
    /// Why.
    pub why: String,
    /// What to write instead.
    pub instead: Option<String>,
}

/// Everything that a list of flags asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunArgs {
    /// Their common effect.
    pub options: RunOptions,
    /// The flags one by one, in order.
    pub flags: Vec<RunFlag>,
}

/// Translates `runArgs`. Each flag takes effect or is refused by name.
///
/// # Errors
/// [`FlagError`] with the place of the flag: unknown, refused, without its value, or with a wrong one.
pub fn translate(args: &[String]) -> Result<RunArgs, FlagError> {
    let mut translated = RunArgs::default();
    for found in read_flags(args, &Table { flags: FLAGS })? {
        let Found {
            index,
            written,
            flag,
            value,
        } = found;
        let wrong = |why: String, instead: Option<&str>| FlagError {
            index,
            flag: written.clone(),
            why,
            instead: instead.map(str::to_owned),
        };
        match flag.effect {
            Effect::Set(set) => set(&mut translated.options, &value).map_err(|why| wrong(why, None))?,
            Effect::Holds(expected) if expected == value => {}
            Effect::Holds(expected) => {
                return Err(wrong(
                    format!("containers here are always made with {expected}"),
                    None,
                ));
            }
            Effect::Refused { why, instead } => return Err(wrong(why.to_owned(), Some(instead))),
        }
        translated.flags.push(RunFlag {
            index,
            name: flag.name,
            value,
        });
    }
    Ok(translated)
}

/// What the reader of flags must know of a flag.
pub(crate) trait FlagShape {
    /// Long name.
    fn name(&self) -> &'static str;
    /// Short name.
    fn short(&self) -> Option<char>;
    /// Whether it stands without a value.
    fn is_switch(&self) -> bool;
}

impl FlagShape for Flag {
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

/// All flags of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<F: 'static> {
    pub(crate) flags: &'static [F],
}

/// A flag as it was found in a list of arguments.
#[derive(Debug)]
pub(crate) struct Found<F: 'static> {
    pub(crate) index: usize,
    pub(crate) written: String,
    pub(crate) flag: &'static F,
    pub(crate) value: String,
}

/// Reads flags by the rules of docker's command line: `--flag=value`, `--flag value`, `-fvalue`, `-f value`, `-f=value`,
/// switches without a value or with `=true`, and several short switches behind one dash.
pub(crate) fn read_flags<F: FlagShape>(
    args: &[String],
    table: &Table<F>,
) -> Result<Vec<Found<F>>, FlagError> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        let index = at;
        at += 1;
        let wrong = |flag: &str, why: &str| FlagError {
            index,
            flag: flag.to_owned(),
            why: why.to_owned(),
            instead: None,
        };
        let mut next_value = |flag: &str| {
            let value = args
                .get(at)
                .cloned()
                .ok_or_else(|| wrong(flag, "its value is missing"))?;
            at += 1;
            Ok(value)
        };
        if let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let written = format!("--{name}");
            let flag = table.flags.iter().find(|flag| flag.name() == name);
            let flag = flag.ok_or_else(|| wrong(&written, "docker has no such flag"))?;
            let value = match value {
                Some(value) if flag.is_switch() => {
                    switch_value(&value).map_err(|why| wrong(&written, &why))?
                }
                Some(value) => value,
                None if flag.is_switch() => "true".to_owned(),
                None => next_value(&written)?,
            };
            all.push(Found {
                index,
                written,
                flag,
                value,
            });
        } else if let Some(shorts) = arg
            .strip_prefix('-')
            .filter(|shorts| !shorts.is_empty() && *shorts != "-")
        {
            let mut letters = shorts.chars();
            while let Some(letter) = letters.next() {
                let written = format!("-{letter}");
                let flag = table.flags.iter().find(|flag| flag.short() == Some(letter));
                let flag = flag.ok_or_else(|| wrong(&written, "docker has no such flag"))?;
                let rest = letters.as_str();
                let value = match (flag.is_switch(), rest.strip_prefix('=')) {
                    (true, None) => "true".to_owned(),
                    (true, Some(value)) => {
                        letters = "".chars();
                        switch_value(value).map_err(|why| wrong(&written, &why))?
                    }
                    (false, assigned) => {
                        letters = "".chars();
                        match assigned.unwrap_or(rest) {
                            "" if assigned.is_none() => next_value(&written)?,
                            value => value.to_owned(),
                        }
                    }
                };
                all.push(Found {
                    index,
                    written,
                    flag,
                    value,
                });
            }
        } else {
            return Err(wrong(
                arg,
                "it is no flag; image and command come from the configuration",
            ));
        }
    }
    Ok(all)
}

fn switch_value(text: &str) -> Result<String, String> {
    crate::quantities::boolean(text).map(|flag| flag.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::EnvValue;

    fn args(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn options(words: &[&str]) -> RunOptions {
        translate(&args(words)).unwrap().options
    }

    #[test]
    fn every_way_of_writing_a_flag() {
        let literal = |text: &str| Some(EnvValue::Literal(text.into()));
        for words in [
            &["-e", "A=b"][..],
            &["-eA=b"],
            &["-e=A=b"],
            &["--env", "A=b"],
            &["--env=A=b"],
            &["-ite", "A=b"],
            &["-iteA=b"],
        ] {
            assert_eq!(options(words).env.get("A").cloned(), literal("b"), "{words:?}");
        }
        assert_eq!(options(&["-e", "X"]).env.get("X"), Some(&EnvValue::FromHost));
        assert!(options(&["-it"]).tty && options(&["-it"]).stdin_open);
        assert!(options(&["--privileged"]).privileged);
        assert!(!options(&["--privileged", "--privileged=false"]).privileged);
        assert!(!options(&["-i=0"]).stdin_open);
    }

    #[test]
    fn the_place_of_each_flag_is_kept() {
        let read = translate(&args(&["--cap-add", "A", "--cap-add=B"])).unwrap();
        assert_eq!(read.options.cap_add, ["A", "B"]);
        assert_eq!(
            read.flags.iter().map(|flag| flag.index).collect::<Vec<_>>(),
            [0, 2]
        );
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (words, index, flag) in [
            (&["--what"][..], 0, "--what"),
            (&["--init", "-Z"], 1, "-Z"),
            (&["-e"], 0, "-e"),
            (&["--memory"], 0, "--memory"),
            (&["--memory", "lots"], 0, "--memory"),
            (&["ubuntu"], 0, "ubuntu"),
            (&["--"], 0, "--"),
            (&["-"], 0, "-"),
            (&["--init=maybe"], 0, "--init"),
            (&["--rm"], 0, "--rm"),
            (&["-i", "--cidfile", "x"], 1, "--cidfile"),
            (&["--detach=false"], 0, "--detach"),
            (&["--restart", "sometimes"], 0, "--restart"),
        ] {
            let error = translate(&args(words)).unwrap_err();
            assert_eq!(
                (error.index, error.flag.as_str()),
                (index, flag),
                "{words:?}: {error}"
            );
        }
    }
}
