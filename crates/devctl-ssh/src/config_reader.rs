//! Which line of a person's `ssh_config` is in force for a host, and from which file: enough to say why a login does
//! not do what somebody expects. The rules are those of OpenSSH's client and are held against `ssh -G` in
//! `tests/ssh_config`.
//!
//! Nothing is run. A `Match` whose outcome only `ssh` knows (`exec`, the network) is told as such.

mod glob;
mod pattern;
mod tree;
pub(crate) mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::SshError;
use tree::{Content, Reading, Source};

/// Options of which every value counts, not only the first.
const GATHERED: [&str; 6] = [
    "identityfile",
    "certificatefile",
    "localforward",
    "remoteforward",
    "dynamicforward",
    "sendenv",
];

/// A person's configuration with all files that it includes.
#[derive(Debug)]
pub struct UserConfig {
    root: Source,
    faults: Vec<Fault>,
    local_user: String,
}

/// A line that `ssh` would not accept; it then does nothing at all, for any host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in words.
    pub what: String,
}

/// A line that sets an option.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConfigLine {
    /// In small letters, and by its newest name.
    pub keyword: String,
    /// Without quotes; words are divided by one blank. Tokens like `%h` are not expanded.
    pub value: String,
    /// The file that it stands in.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// What is in force for a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    /// The lines that count, in the order in which `ssh` reads them. What no line sets has its default.
    pub lines: Vec<ConfigLine>,
    /// Lines that would count if a condition held that is not known here.
    pub conditional: Vec<ConfigLine>,
    /// Those conditions, and `Match` lines that `ssh` would not accept.
    pub remarks: Vec<Fault>,
}

impl Effective {
    /// The first line in force for an option, by its name in small letters.
    #[must_use]
    pub fn get(&self, keyword: &str) -> Option<&ConfigLine> {
        self.lines.iter().find(|line| line.keyword == keyword)
    }
}

impl UserConfig {
    /// Reads a configuration as `ssh -F path` does. `home` is where `~` leads and what relative `Include` lines count
    /// from; `local_user` is who runs `ssh`. A file that is not there is an empty configuration.
    ///
    /// # Errors
    /// A file cannot be read. What `ssh` would not accept in it is no error here: see [`faults`](Self::faults).
    pub fn read(path: &Path, home: &Path, local_user: &str) -> Result<Self, SshError> {
        let mut reading = Reading {
            home,
            faults: Vec::new(),
            files: 0,
        };
        let root = reading.read(path, 0)?;
        Ok(Self {
            root,
            faults: reading.faults,
            local_user: local_user.to_owned(),
        })
    }

    /// Lines that `ssh` would not accept. Unknown options and bad values are not among them: only `ssh` knows its own.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What is in force for `ssh host`, or `ssh -l user host`.
    #[must_use]
    pub fn effective(&self, host: &str, user: Option<&str>) -> Effective {
        let mut pass = Pass {
            original_host: host,
            host: host.to_owned(),
            command_user: user,
            local_user: &self.local_user,
            is_final: false,
            wants_final: false,
            seen: BTreeSet::new(),
            gathered: BTreeSet::new(),
            effective: Effective::default(),
        };
        pass.walk(&self.root, Active::Yes);
        if pass.wants_final {
            pass.host = pass.host_name().to_ascii_lowercase();
            pass.is_final = true;
            pass.walk(&self.root, Active::Yes);
        }
        let mut effective = pass.effective;
        effective.remarks.dedup();
        effective
    }
}

/// Whether the lines of a block count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Active {
    No,
    Yes,
    Unknown,
}

impl Active {
    fn from(is_active: bool) -> Self {
        if is_active { Self::Yes } else { Self::No }
    }

    fn negated_if(self, negated: bool) -> Self {
        match (self, negated) {
            (Self::No, true) => Self::Yes,
            (Self::Yes, true) => Self::No,
            (other, _) => other,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }
}

/// One reading of all files for one host. `ssh` reads them a second time if a `Match final` was met.
struct Pass<'a> {
    original_host: &'a str,
    host: String,
    command_user: Option<&'a str>,
    local_user: &'a str,
    is_final: bool,
    wants_final: bool,
    /// Options that have their value.
    seen: BTreeSet<String>,
    /// Values of those options that have several.
    gathered: BTreeSet<(String, String)>,
    effective: Effective,
}

impl Pass<'_> {
    /// `outer` is the block that an `Include` stands in: whatever the included file says, it never counts for more.
    fn walk(&mut self, source: &Source, outer: Active) {
        let mut active = outer;
        for line in &source.lines {
            match &line.content {
                Content::Host(patterns) => {
                    active = outer.and(Active::from(pattern::fits_host_line(&self.host, patterns)));
                }
                Content::Match(criteria) => {
                    let outcome = self.matches(criteria).unwrap_or_else(|what| {
                        self.remark(source, line.number, what);
                        Active::No
                    });
                    active = outer.and(outcome);
                    if active == Active::Unknown {
                        let what = "whether this block counts is known only when ssh runs";
                        self.remark(source, line.number, what.to_owned());
                    }
                }
                Content::Include(sources) => {
                    for included in sources {
                        self.walk(included, active);
                    }
                }
                Content::Option { keyword, value } => {
                    let found = ConfigLine {
                        keyword: keyword.clone(),
                        value: value.clone(),
                        file: source.path.to_path_buf(),
                        line: line.number,
                    };
                    self.take(found, active);
                }
            }
        }
    }

    fn take(&mut self, line: ConfigLine, active: Active) {
        let is_new = if GATHERED.contains(&line.keyword.as_str()) {
            !self
                .gathered
                .contains(&(line.keyword.clone(), line.value.clone()))
        } else if matches!(line.keyword.as_str(), "proxycommand" | "proxyjump") {
            // Either of them is the way to the host.
            !self.seen.contains("proxycommand") && !self.seen.contains("proxyjump")
        } else if line.keyword == "user" && self.command_user.is_some() {
            false
        } else {
            !self.seen.contains(&line.keyword)
        };
        match active {
            Active::Yes if is_new => {
                self.seen.insert(line.keyword.clone());
                self.gathered.insert((line.keyword.clone(), line.value.clone()));
                self.effective.lines.push(line);
            }
            Active::Unknown if is_new && !self.effective.conditional.contains(&line) => {
                self.effective.conditional.push(line);
            }
            _ => {}
        }
    }

    /// The name that would be connected to, as far as it is known by now.
    fn host_name(&self) -> String {
        match self.effective.get("hostname") {
            Some(line) => line.value.replace("%h", self.original_host).replace("%%", "%"),
            None => self.host.clone(),
        }
    }

    fn user(&self) -> String {
        let configured = || self.effective.get("user").map(|line| line.value.clone());
        match self.command_user {
            Some(user) => user.to_owned(),
            None => configured().unwrap_or_else(|| self.local_user.to_owned()),
        }
    }

    /// What a `Match` line says; an error for one that `ssh` would not accept.
    fn matches(&mut self, criteria: &str) -> Result<Active, String> {
        let mut rest = Some(criteria);
        let mut outcome = Active::Yes;
        let mut count = 0;
        while let Some(word) = words::delimited(&mut rest) {
            if word.is_empty() || word.starts_with('#') {
                break;
            }
            let (criterion, negated) = match word.strip_prefix('!') {
                Some(criterion) => (criterion.to_ascii_lowercase(), true),
                None => (word.to_ascii_lowercase(), false),
            };
            if criterion == "all" {
                let next = words::delimited(&mut rest).unwrap_or_default();
                if count > 1 || !(next.is_empty() || next.starts_with('#')) {
                    return Err("`all` stands alone in a Match line".to_owned());
                }
                return Ok(outcome.and(Active::Yes.negated_if(negated)));
            }
            count += 1;
            if matches!(criterion.as_str(), "canonical" | "final") {
                self.wants_final |= criterion == "final";
                outcome = outcome.and(Active::from(self.is_final).negated_if(negated));
                continue;
            }
            let argument = words::delimited(&mut rest).unwrap_or_default();
            if argument.is_empty() || argument.starts_with('#') {
                return Err(format!("Match {criterion} needs a value"));
            }
            let fits = match criterion.as_str() {
                "host" => Active::from(pattern::fits_hosts(&self.host_name(), &argument)),
                "originalhost" => Active::from(pattern::fits_hosts(self.original_host, &argument)),
                "user" => Active::from(pattern::fits_list(&self.user(), &argument)),
                "localuser" => Active::from(pattern::fits_list(self.local_user, &argument)),
                "exec" | "localnetwork" | "tagged" | "version" | "sessiontype" | "command" => Active::Unknown,
                other => return Err(format!("Match does not know {other}")),
            };
            outcome = outcome.and(fits.negated_if(negated));
        }
        if count == 0 {
            return Err("Match needs something to match".to_owned());
        }
        Ok(outcome)
    }

    fn remark(&mut self, source: &Source, line: usize, what: String) {
        let remark = Fault {
            file: source.path.to_path_buf(),
            line,
            what,
        };
        if !self.effective.remarks.contains(&remark) {
            self.effective.remarks.push(remark);
        }
    }
}

#[cfg(test)]
mod tests;
