//! The base image of a Dockerfile, read from its text: what the metadata label is taken from before anything is built.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::error::SpecError;
use crate::files::Files;
use crate::plan::{build_paths, no_image};
use crate::read::ReadConfig;

/// The image from whose metadata a configuration starts: its `image`, or the base of its Dockerfile's stage. `None` where
/// there is no such image: `scratch`, or a Compose configuration.
///
/// `platform` is the `os/arch[/variant]` of the builder.
///
/// # Errors
/// [`SpecError::Dockerfile`], [`SpecError::Unreadable`], and [`SpecError::Invalid`] where no image is named at all.
pub fn configured_base_image(
    files: &dyn Files,
    read: &ReadConfig,
    platform: &str,
) -> Result<Option<String>, SpecError> {
    let Some(build) = read.config.build.as_ref().filter(|_| read.config.is_build()) else {
        return match &read.config.image {
            None if read.config.docker_compose_file.is_none() => Err(no_image(read)),
            image => Ok(image.clone()),
        };
    };
    let (file, _) = build_paths(read, build);
    let content = files
        .read(&file)
        .map_err(|source| SpecError::Unreadable {
            path: file.clone(),
            source,
        })?
        .ok_or_else(|| SpecError::Dockerfile {
            file: file.clone(),
            what: "does not exist".into(),
        })?;
    let args = build.args.clone().unwrap_or_default();
    base_image(
        &String::from_utf8_lossy(&content),
        &args,
        build.target.as_deref(),
        platform,
    )
    .map_err(|what| SpecError::Dockerfile { file, what })
}

/// The image on which a stage is built, through all stages between. `None` where it is `scratch`.
///
/// `args` are the build arguments, `target` the stage (the last one where absent), `platform` the `os/arch[/variant]` of
/// the builder.
///
/// # Errors
/// A text for people: no `FROM`, an unknown stage, or a base whose name comes from a variable without a value.
pub fn base_image(
    text: &str,
    args: &IndexMap<String, String>,
    target: Option<&str>,
    platform: &str,
) -> Result<Option<String>, String> {
    let file = read(text);
    let mut globals = platform_args(platform);
    for (name, default) in &file.preamble {
        let given = args.get(name).cloned();
        let value = given.or_else(|| default.as_deref().map(|text| expand(text, &globals)));
        if let Some(value) = value {
            globals.insert(name.clone(), value);
        }
    }
    let mut at = match target {
        None => file
            .stages
            .len()
            .checked_sub(1)
            .ok_or("it has no FROM instruction")?,
        Some(target) => stage_at(&file.stages, file.stages.len(), target)
            .ok_or_else(|| format!("it has no stage {target:?}"))?,
    };
    // Each step leads to an earlier stage, so this ends.
    loop {
        let stage = &file.stages[at];
        let image = expand(&stage.image, &globals);
        if image.is_empty() {
            return Err(format!("the image of FROM {} is empty", stage.image));
        }
        match stage_at(&file.stages, at, &image) {
            Some(earlier) => at = earlier,
            None if image == "scratch" => return Ok(None),
            None => return Ok(Some(image)),
        }
    }
}

#[derive(Debug)]
struct Stage {
    image: String,
    label: Option<String>,
}

#[derive(Debug, Default)]
struct File {
    /// `ARG` instructions before the first `FROM`, with their defaults.
    preamble: Vec<(String, Option<String>)>,
    stages: Vec<Stage>,
}

fn stage_at(stages: &[Stage], before: usize, name: &str) -> Option<usize> {
    let by_label = stages[..before].iter().rposition(|stage| {
        stage
            .label
            .as_deref()
            .is_some_and(|label| label.eq_ignore_ascii_case(name))
    });
    by_label.or_else(|| name.parse().ok().filter(|number| *number < before))
}

fn read(text: &str) -> File {
    let mut file = File::default();
    let escape = escape_of(text);
    for line in logical_lines(text, escape) {
        let mut words = line.split_whitespace();
        match words.next().map(str::to_ascii_uppercase).as_deref() {
            Some("FROM") => {
                let mut words = words.skip_while(|word| word.starts_with("--"));
                let image = unquoted(words.next().unwrap_or_default());
                let label = words
                    .next()
                    .filter(|word| word.eq_ignore_ascii_case("as"))
                    .and_then(|_| words.next());
                file.stages.push(Stage {
                    image,
                    label: label.map(str::to_owned),
                });
            }
            Some("ARG") if file.stages.is_empty() => {
                for word in words {
                    let (name, default) = match word.split_once('=') {
                        Some((name, default)) => (name, Some(unquoted(default))),
                        None => (word, None),
                    };
                    file.preamble.push((name.to_owned(), default));
                }
            }
            _ => {}
        }
    }
    file
}

fn escape_of(text: &str) -> char {
    for line in text.lines() {
        let Some(directive) = line.trim().strip_prefix('#') else {
            break;
        };
        let Some((name, value)) = directive.split_once('=') else {
            break;
        };
        if name.trim().eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}

/// Instructions with their continued lines joined; comments and bodies of here-documents are left out.
fn logical_lines(text: &str, escape: char) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = String::new();
    let mut heredocs: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(end) = heredocs.first() {
            if line.trim_start_matches('\t') == end {
                heredocs.remove(0);
            }
            continue;
        }
        let trimmed = line.trim();
        if trimmed.starts_with('#') || (trimmed.is_empty() && !open.is_empty()) {
            continue;
        }
        match trimmed.strip_suffix(escape) {
            Some(continued) => {
                open.push_str(continued);
                open.push(' ');
            }
            None => {
                open.push_str(trimmed);
                let whole = std::mem::take(&mut open);
                heredocs = heredoc_ends(&whole);
                all.push(whole);
            }
        }
    }
    if !open.is_empty() {
        all.push(open);
    }
    all
}

fn heredoc_ends(line: &str) -> Vec<String> {
    let takes_one = ["RUN", "COPY", "ADD"].iter().any(|name| {
        line.split_whitespace()
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case(name))
    });
    if !takes_one {
        return Vec::new();
    }
    line.match_indices("<<")
        .filter_map(|(at, _)| {
            let word = line[at + 2..].trim_start_matches('-').split_whitespace().next()?;
            let word = word.trim_matches(['"', '\'']);
            let is_name = word
                .chars()
                .next()
                .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
            is_name.then(|| word.to_owned())
        })
        .collect()
}

fn unquoted(word: &str) -> String {
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| word.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(word).to_owned()
}

/// Fills in `$name`, `${name}`, `${name:-word}`, `${name-word}`, `${name:+word}` and `${name+word}`.
fn expand(text: &str, values: &HashMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(inner) = after.strip_prefix('{')
            && let Some(end) = inner.find('}')
        {
            out.push_str(&braced(&inner[..end], values));
            rest = &inner[end + 1..];
        } else {
            let end = after
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(after.len());
            if end == 0 {
                out.push('$');
            }
            out.push_str(values.get(&after[..end]).map_or("", String::as_str));
            rest = &after[end..];
        }
    }
    out.push_str(rest);
    out
}

fn braced(inner: &str, values: &HashMap<String, String>) -> String {
    let end = inner
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(inner.len());
    let (name, rule) = inner.split_at(end);
    let value = values.get(name).map(String::as_str);
    let (is_strict, rule) = match rule.strip_prefix(':') {
        Some(rule) => (true, rule),
        None => (false, rule),
    };
    let set = value.filter(|value| !is_strict || !value.is_empty());
    if let Some(word) = rule.strip_prefix('-') {
        set.map_or_else(|| unquoted(word), str::to_owned)
    } else if let Some(word) = rule.strip_prefix('+') {
        set.map_or_else(String::new, |_| unquoted(word))
    } else {
        value.unwrap_or_default().to_owned()
    }
}

fn platform_args(platform: &str) -> HashMap<String, String> {
    let mut parts = platform.splitn(3, '/');
    let (os, arch, variant) = (parts.next(), parts.next(), parts.next());
    let mut args = HashMap::new();
    for side in ["BUILD", "TARGET"] {
        for (name, value) in [
            ("PLATFORM", Some(platform)),
            ("OS", os),
            ("ARCH", arch),
            ("VARIANT", variant),
        ] {
            args.insert(format!("{side}{name}"), value.unwrap_or_default().to_owned());
        }
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str, args: &[(&str, &str)], target: Option<&str>) -> Result<Option<String>, String> {
        let args = args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        base_image(text, &args, target, "linux/amd64")
    }

    fn image(text: &str) -> String {
        base(text, &[], None).unwrap().unwrap()
    }

    #[test]
    fn names_stages_and_arguments() {
        assert_eq!(image("FROM debian:12"), "debian:12");
        assert_eq!(
            image("# c\nfrom --platform=linux/amd64 debian AS a\nRUN x\nFROM a as b\nFROM 0"),
            "debian"
        );
        assert_eq!(image("ARG V=12\nARG I=\"debian:${V}\"\nFROM $I"), "debian:12");
        assert_eq!(image("ARG V\nFROM debian:${V:-11}"), "debian:11");
        assert_eq!(image("ARG V=1\nFROM debian${V:+:x}"), "debian:x");
        assert_eq!(image("FROM x-${TARGETARCH}"), "x-amd64");
        assert_eq!(image("FROM \\\n  # between\n  debian"), "debian");
        assert_eq!(image("# escape=`\nFROM `\ndebian"), "debian");
        let text = "ARG V=1\nFROM a:$V AS one\nFROM b AS two";
        assert_eq!(
            base(text, &[("V", "2")], Some("ONE")).unwrap().as_deref(),
            Some("a:2")
        );
        assert_eq!(base("FROM scratch", &[], None), Ok(None));
    }

    #[test]
    fn here_documents_are_not_instructions() {
        assert_eq!(
            image("FROM debian\nRUN <<EOF\nFROM other\nEOF\nCOPY <<-\"A\" <<B /x\nFROM c\nA\nFROM d\nB\n"),
            "debian"
        );
    }

    #[test]
    fn what_has_no_base_is_refused() {
        assert!(base("", &[], None).is_err());
        assert!(base("RUN x", &[], None).is_err());
        assert!(base("FROM a", &[], Some("b")).is_err());
        assert!(base("ARG V\nFROM $V", &[], None).is_err());
        // A stage that is named like its own base does not lead to itself.
        assert_eq!(image("FROM debian AS debian"), "debian");
    }
}
