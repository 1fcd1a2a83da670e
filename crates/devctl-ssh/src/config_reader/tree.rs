//! The files of a configuration, read once: what stands in which line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use devctl_files::read_optional;

use super::words::{keyword_and_value, words};
use super::{Fault, glob};
use crate::error::SshError;

/// As deep as `ssh` follows `Include` lines.
const DEEPEST: usize = 16;

/// More files than anybody includes, but few enough to end when each file includes others.
const MOST_FILES: usize = 4096;

/// One file and all that it includes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: Arc<Path>,
    pub(super) lines: Vec<Line>,
}

#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Host(Vec<String>),
    /// The criteria as they are written.
    Match(String),
    Include(Vec<Source>),
    Option {
        keyword: String,
        value: String,
    },
}

/// Reads files and gathers what is wrong with them.
pub(super) struct Reading<'a> {
    pub(super) home: &'a Path,
    pub(super) faults: Vec<Fault>,
    pub(super) files: usize,
}

impl Reading<'_> {
    /// A file that is not there has no lines.
    pub(super) fn read(&mut self, path: &Path, depth: usize) -> Result<Source, SshError> {
        let path: Arc<Path> = path.into();
        self.files += 1;
        let mut source = Source {
            path: Arc::clone(&path),
            lines: Vec::new(),
        };
        if self.files > MOST_FILES {
            return Err(SshError::ConfigInvalid {
                path: path.to_path_buf(),
                message: format!("more than {MOST_FILES} files are included"),
            });
        }
        // ssh opens a folder without an error and reads no line from it.
        if path.is_dir() {
            return Ok(source);
        }
        let content = read_optional(&path)?.unwrap_or_default();
        if content.starts_with(b"\xef\xbb\xbf") {
            self.fault(&path, 1, "the file starts with a byte order mark");
        }
        for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
            let text = String::from_utf8_lossy(line);
            let Some((keyword, value)) = keyword_and_value(&text) else {
                continue;
            };
            if value.is_empty() {
                self.fault(&path, number, &format!("there is nothing after {keyword}"));
                continue;
            }
            let content = match (keyword.as_str(), words(value)) {
                (_, None) => {
                    self.fault(&path, number, "a quote is not closed");
                    continue;
                }
                ("host", Some(patterns)) => Content::Host(patterns),
                ("match", Some(_)) => Content::Match(value.to_owned()),
                ("include", Some(patterns)) => {
                    Content::Include(self.included(&path, number, &patterns, depth)?)
                }
                (
                    "proxycommand" | "localcommand" | "remotecommand" | "knownhostscommand" | "proxyjump",
                    _,
                ) => {
                    // The rest of the line as it is.
                    let value = value.trim_start_matches(['=', ' ', '\t']);
                    Content::Option {
                        keyword,
                        value: value.to_owned(),
                    }
                }
                (_, Some(words)) => Content::Option {
                    keyword: canonical(keyword),
                    value: words.join(" "),
                },
            };
            source.lines.push(Line { number, content });
        }
        Ok(source)
    }

    fn included(
        &mut self,
        path: &Path,
        number: usize,
        patterns: &[String],
        depth: usize,
    ) -> Result<Vec<Source>, SshError> {
        let mut sources = Vec::new();
        for pattern in patterns {
            let pattern = match pattern.strip_prefix("~/") {
                Some(rest) => format!("{}/{rest}", self.home.display()),
                None if pattern.starts_with('/') => pattern.clone(),
                None => format!("{}/.ssh/{pattern}", self.home.display()),
            };
            for file in glob::files(&pattern) {
                if depth == DEEPEST {
                    self.fault(path, number, "files include each other more than 16 deep");
                    return Ok(sources);
                }
                sources.push(self.read(&file, depth + 1)?);
            }
        }
        Ok(sources)
    }

    fn fault(&mut self, path: &Path, line: usize, what: &str) {
        self.faults.push(Fault {
            file: PathBuf::from(path),
            line,
            what: what.to_owned(),
        });
    }
}

/// The name that `ssh -G` prints for an option that has several.
fn canonical(keyword: String) -> String {
    match keyword.as_str() {
        "pubkeyacceptedkeytypes" => "pubkeyacceptedalgorithms",
        "hostbasedkeytypes" | "hostbasedacceptedkeytypes" => "hostbasedacceptedalgorithms",
        "identityfile2" => "identityfile",
        "keepalive" => "tcpkeepalive",
        "userknownhostsfile2" => "userknownhostsfile",
        "globalknownhostsfile2" => "globalknownhostsfile",
        "challengeresponseauthentication" | "skeyauthentication" | "tisauthentication" => {
            "kbdinteractiveauthentication"
        }
        "dsaauthentication" => "pubkeyauthentication",
        _ => return keyword,
    }
    .to_owned()
}
