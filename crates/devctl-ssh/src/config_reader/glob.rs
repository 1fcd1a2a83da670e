//! The files of an `Include` pattern, as glob(3) finds them: `*`, `?`, `[a-z]`, backslash for what is literal, no
//! hidden files unless the dot is written, in the order of their bytes.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn files(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(if pattern.starts_with('/') { "/" } else { "" })];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| entries(folder, part)).collect();
    }
    found.sort();
    found
}

fn entries(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?', '[', '\\']) {
        let path = folder.join(pattern);
        return if path.symlink_metadata().is_ok() {
            vec![path]
        } else {
            Vec::new()
        };
    }
    let Some(parts) = parse(pattern) else {
        return Vec::new();
    };
    // A folder that cannot be listed has no files, for glob(3), too.
    let Ok(listing) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = listing
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| !name.starts_with('.') || parts.first() == Some(&Part::Exactly('.')))
        .filter(|name| fits(&name.chars().collect::<Vec<_>>(), &parts))
        .map(|name| folder.join(name))
        .collect()
}

#[derive(Debug, PartialEq)]
enum Part {
    Exactly(char),
    Any,
    Many,
    OneOf {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

fn parse(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        parts.push(match character {
            '*' => Part::Many,
            '?' => Part::Any,
            '\\' => Part::Exactly(characters.next()?),
            // A bracket that is never closed is one.
            '[' if characters.clone().skip(1).any(|character| character == ']') => {
                let negated = characters.next_if(|next| matches!(next, '!' | '^')).is_some();
                let mut ranges = Vec::new();
                loop {
                    let first = characters.next()?;
                    if first == ']' && !ranges.is_empty() {
                        break;
                    }
                    let mut ahead = characters.clone();
                    match (ahead.next(), ahead.next()) {
                        (Some('-'), Some(last)) if last != ']' => {
                            ranges.push((first, last));
                            characters = ahead;
                        }
                        _ => ranges.push((first, first)),
                    }
                }
                Part::OneOf { negated, ranges }
            }
            other => Part::Exactly(other),
        });
    }
    Some(parts)
}

fn fits(name: &[char], parts: &[Part]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return name.is_empty();
    };
    if *part == Part::Many {
        return (0..=name.len()).any(|from| name.get(from..).is_some_and(|name| fits(name, rest)));
    }
    let Some((character, name)) = name.split_first() else {
        return false;
    };
    let is_in = match part {
        Part::Exactly(wanted) => character == wanted,
        Part::Any | Part::Many => true,
        Part::OneOf { negated, ranges } => {
            let is_in = ranges
                .iter()
                .any(|(first, last)| (first..=last).contains(&character));
            is_in != *negated
        }
    };
    is_in && fits(name, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_glob_finds_in_its_order() {
        let home = tempfile::tempdir().unwrap();
        for name in ["b", "a", ".c", "a[1]", "d/x.conf", "d/y.conf", "e/x.conf", "*"] {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = |pattern: &str| {
            let all = files(&format!("{}/{pattern}", home.path().display()));
            all.iter()
                .map(|path| path.strip_prefix(home.path()).unwrap().display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("a"), ["a"]);
        assert_eq!(found("none"), [""; 0]);
        assert_eq!(found("?"), ["*", "a", "b", "d", "e"]);
        assert_eq!(found("*/*.conf"), ["d/x.conf", "d/y.conf", "e/x.conf"]);
        assert_eq!(found(".*"), [".c"]);
        assert_eq!(found(r"a\[1\]"), ["a[1]"]);
        assert_eq!(found("[!a*]"), ["b", "d", "e"]);
        assert_eq!(found("[a-b]"), ["a", "b"]);
        assert_eq!(found(r"\*"), ["*"]);
    }
}
