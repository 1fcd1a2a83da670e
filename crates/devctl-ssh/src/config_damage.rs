//! What other tools that write `~/.ssh/config` have broken in it: found with its line, told with its fix. Nothing is
//! repaired here; the file is the person's.

use std::path::{Path, PathBuf};

use devctl_files::read_optional;

use crate::client_config::Platform;
use crate::config_reader::words::keyword_and_value;
use crate::config_reader::{ConfigLine, UserConfig};
use crate::error::SshError;
use crate::include_line::{Placement, include_status};
use crate::permission_fix::{complained_about, permission_fix};
use crate::ssh_client::SshClient;
use crate::ssh_dir::SshDir;

/// Who wrote a part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForeignTool {
    /// `# DevPod Start …` to `# DevPod End …`.
    DevPod,
    /// `coder config-ssh`, and Coder's extension for VS Code.
    Coder,
    /// Includes `~/.colima/ssh_config`.
    Colima,
    /// Includes `~/.lima/…/ssh.config`.
    Lima,
    /// A person, or a tool that leaves no mark.
    Unknown,
}

impl ForeignTool {
    /// As its makers call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DevPod => "DevPod",
            Self::Coder => "Coder",
            Self::Colima => "colima",
            Self::Lima => "Lima",
            Self::Unknown => "another program or a person",
        }
    }
}

/// Something in the configuration that breaks logins, or soon will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Who did it, as far as can be told.
    pub tool: ForeignTool,
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: usize,
    /// What is wrong, in words.
    pub what: String,
    /// What a person can do.
    pub fix: String,
}

/// Looks for damage in the user's configuration and the files that it includes. `host` is one of our hosts
/// (`web.devctl`): what our generated configuration sets for it has to be in force. With `ssh`, the client is asked
/// whether it accepts the file; that runs the commands of its `Match exec` lines.
///
/// # Errors
/// A file cannot be read, or our directory cannot be named in an `Include` line.
pub fn config_damage(
    user_config: &Path,
    dir: &SshDir,
    home: &Path,
    local_user: &str,
    host: &str,
    ssh: Option<&SshClient>,
) -> Result<Vec<Damage>, SshError> {
    let status = include_status(user_config, dir)?;
    let content = read_optional(&status.target)?.unwrap_or_default();
    let text = Text::new(user_config, &content);
    let mut damage = text.damage();
    if let Placement::InsideBlock { line } = status.placement {
        damage.push(text.at(
            line,
            "our Include line stands inside a Host or Match block and counts for that block only".to_owned(),
            "run `devctl ssh install`: the line moves to the top".to_owned(),
        ));
    }
    if matches!(status.placement, Placement::InForce { .. }) {
        let theirs = UserConfig::read(user_config, home, local_user)?.effective(host, None);
        let ours = UserConfig::read(&dir.config(), home, local_user)?.effective(host, None);
        for line in &ours.lines {
            let winner = theirs.get(&line.keyword);
            if let Some(winner) =
                winner.filter(|winner| winner.file != line.file && winner.value != line.value)
            {
                damage.push(text.overrides(winner, host));
            }
        }
    }
    if let Some(Err(SshError::ConfigInvalid { message, .. })) =
        ssh.map(|ssh| ssh.effective(user_config, "devctl-check.invalid"))
    {
        if let Some(file) = complained_about(&message) {
            damage.push(Damage {
                tool: text.tool_at(Path::new(file), 0),
                file: PathBuf::from(file),
                line: 0,
                what: "others may write this file, and ssh reads nothing at all because of it".to_owned(),
                fix: permission_fix(file, Platform::current()),
            });
        }
        for (file, line, what) in message.lines().filter_map(file_and_line) {
            if !damage
                .iter()
                .any(|known| known.file == file && known.line == line)
            {
                damage.push(Damage {
                    tool: text.tool_at(&file, line),
                    fix: format!("correct line {line} of {}, or put a # before it", file.display()),
                    what: format!("ssh does not accept this line: {what}"),
                    file,
                    line,
                });
            }
        }
    }
    damage.sort_by_key(|one| one.line);
    Ok(damage)
}

/// `FILE line N: what`, in ssh's words; `FILE: line N: what` for unknown options.
fn file_and_line(message: &str) -> Option<(PathBuf, usize, &str)> {
    let (file, rest) = message.split_once(" line ")?;
    let (number, what) = rest.split_once(": ")?;
    Some((
        PathBuf::from(file.trim_end_matches(':')),
        number.parse().ok()?,
        what.trim(),
    ))
}

/// The marked part of a tool, with the numbers of its first and last line.
#[derive(Debug)]
struct Section {
    tool: ForeignTool,
    end_mark: String,
    first: usize,
    last: usize,
}

/// The user's own file.
struct Text<'a> {
    path: &'a Path,
    content: &'a [u8],
    lines: Vec<String>,
}

enum Mark {
    Start { tool: ForeignTool, end_mark: String },
    End(ForeignTool),
}

impl<'a> Text<'a> {
    fn new(path: &'a Path, content: &'a [u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        Self {
            path,
            content,
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    fn at(&self, line: usize, what: String, fix: String) -> Damage {
        Damage {
            tool: self.tool_at(self.path, line),
            file: self.path.to_path_buf(),
            line,
            what,
            fix,
        }
    }

    fn damage(&self) -> Vec<Damage> {
        let mut damage = Vec::new();
        if self.content.starts_with(b"\xef\xbb\xbf") {
            damage.push(self.at(
                1,
                "the file starts with a byte order mark, and ssh refuses it for every host".to_owned(),
                "save it as UTF-8 without one".to_owned(),
            ));
        }
        if self.content.contains(&0) {
            damage.push(self.at(
                1,
                "the file holds zero bytes, as UTF-16 does, and ssh cannot read it".to_owned(),
                "save it as UTF-8".to_owned(),
            ));
        }
        let (sections, unbalanced) = self.sections();
        damage.extend(unbalanced);
        damage.extend(sections.iter().filter_map(|section| self.cut_block(section)));
        damage
    }

    /// The marked parts, and marks without a partner.
    fn sections(&self) -> (Vec<Section>, Vec<Damage>) {
        let (mut sections, mut damage) = (Vec::new(), Vec::new());
        let mut open: Option<Section> = None;
        let endless = |section: Section| Damage {
            tool: section.tool,
            file: self.path.to_path_buf(),
            line: section.first,
            what: format!(
                "a section of {} begins here and has no end: it may take everything below for its own",
                section.tool.name()
            ),
            fix: format!(
                "put the line `{}` behind the last line of the section",
                section.end_mark
            ),
        };
        for (line, number) in self.lines.iter().zip(1..) {
            match mark(line) {
                Some(Mark::Start { tool, end_mark }) => {
                    damage.extend(open.take().map(endless));
                    open = Some(Section {
                        tool,
                        end_mark,
                        first: number,
                        last: number,
                    });
                }
                Some(Mark::End(tool)) => match open.take() {
                    Some(section) if section.end_mark == line.trim() => sections.push(Section {
                        last: number,
                        ..section
                    }),
                    other => {
                        damage.extend(other.map(endless));
                        damage.push(Damage {
                            tool,
                            file: self.path.to_path_buf(),
                            line: number,
                            what: format!("a section of {} ends here and has no beginning", tool.name()),
                            fix: format!("delete line {number}"),
                        });
                    }
                },
                None => {}
            }
        }
        damage.extend(open.map(endless));
        (sections, damage)
    }

    /// A section that was put into the middle of a block: what follows it has changed its owner.
    fn cut_block(&self, section: &Section) -> Option<Damage> {
        let keywords = |from: usize, to: usize| {
            let lines = self
                .lines
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .zip(from + 1..);
            lines.filter_map(|(line, number)| Some((number, keyword_and_value(line)?.0)))
        };
        let is_block = |keyword: &str| matches!(keyword, "host" | "match");
        let (block, _) = keywords(0, section.first)
            .filter(|(_, keyword)| is_block(keyword))
            .last()?;
        let (next, _) = keywords(section.last, self.lines.len())
            .next()
            .filter(|(_, keyword)| !is_block(keyword))?;
        Some(Damage {
            tool: section.tool,
            file: self.path.to_path_buf(),
            line: next,
            what: format!(
                "the section of {} (lines {} to {}) was put into the block of line {block}: what follows it counts \
                 for its host now",
                section.tool.name(),
                section.first,
                section.last
            ),
            fix: format!(
                "move lines {} to {} to the end of the file",
                section.first, section.last
            ),
        })
    }

    fn overrides(&self, winner: &ConfigLine, host: &str) -> Damage {
        Damage {
            tool: self.tool_at(&winner.file, winner.line),
            file: winner.file.clone(),
            line: winner.line,
            what: format!(
                "{} is set here for {host}, before our configuration is read: the first value wins",
                winner.keyword
            ),
            fix: format!(
                "run `devctl ssh uninstall` and `devctl ssh install`, which put our line above it, or leave {host} out \
                 of that block"
            ),
        }
    }

    fn tool_at(&self, file: &Path, line: usize) -> ForeignTool {
        let has_part = |name: &str| file.iter().any(|part| part == name);
        if has_part(".colima") {
            return ForeignTool::Colima;
        }
        if has_part(".lima") {
            return ForeignTool::Lima;
        }
        if has_part("coder") || has_part("coder.coder-remote") {
            return ForeignTool::Coder;
        }
        let is_in = |section: &&Section| (section.first..=section.last).contains(&line);
        match self.sections().0.iter().find(is_in) {
            Some(section) if file == self.path => section.tool,
            _ => ForeignTool::Unknown,
        }
    }
}

/// The marks of tools that keep their hosts in the user's own file.
fn mark(line: &str) -> Option<Mark> {
    let line = line.trim();
    if let Some(name) = line.strip_prefix("# DevPod Start ") {
        return Some(Mark::Start {
            tool: ForeignTool::DevPod,
            end_mark: format!("# DevPod End {name}"),
        });
    }
    if line.starts_with("# DevPod End ") {
        return Some(Mark::End(ForeignTool::DevPod));
    }
    let tool = ForeignTool::Coder;
    match line {
        "# ------------START-CODER-----------" => Some(Mark::Start {
            tool,
            end_mark: "# ------------END-CODER------------".to_owned(),
        }),
        "# ------------END-CODER------------" => Some(Mark::End(tool)),
        _ if line.starts_with("# --- START CODER VSCODE") => Some(Mark::Start {
            tool,
            end_mark: line.replacen("START", "END", 1),
        }),
        _ if line.starts_with("# --- END CODER VSCODE") => Some(Mark::End(tool)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
