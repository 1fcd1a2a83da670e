//! Keeps the search path of an image in login shells.
//!
//! `/etc/profile` of Debian and others sets `PATH` anew, and what the image has put there (`/usr/local/cargo/bin`,
//! `/usr/local/go/bin`) is gone for every login. As in the reference, its line keeps a path that is there already.

use crate::agent::{Entry, archive, read_file};
use crate::error::OrProblem;
use crate::jobs::JobHandle;
use devctl_engine::Engine;
use devctl_model::Problem;
use std::sync::Arc;

const PROFILE: &str = "/etc/profile";
/// Longer profiles are nobody's default.
const PROFILE_AT_MOST: usize = 64 * 1024;
const STEP: &str = "Keep the search path";
/// What every profile gives to one user or another.
const USUAL: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Changes `/etc/profile` of a container that has not started, where its search path holds more than the usual.
pub(crate) async fn keep(engine: &Arc<dyn Engine>, container: &str, path: Option<&str>, job: &JobHandle) {
    let is_usual = |path: &str| path.split(':').all(|folder| USUAL.contains(&folder));
    if path.is_none_or(is_usual) {
        return;
    }
    if let Err(problem) = change(engine, container).await {
        // The container works without it.
        job.note(&format!(
            "Login shells may lose the image's PATH: {}",
            problem.message
        ));
    }
}

async fn change(engine: &Arc<dyn Engine>, container: &str) -> Result<(), Problem> {
    let Some(file) = read_file(engine, container, PROFILE, PROFILE_AT_MOST).await? else {
        return Ok(());
    };
    let Some(kept) = std::str::from_utf8(&file.bytes).ok().and_then(keeping) else {
        return Ok(());
    };
    let entry = Entry {
        path: PROFILE.trim_start_matches('/'),
        bytes: kept.as_bytes(),
        mode: file.mode,
        uid: file.uid,
        gid: file.gid,
    };
    engine.copy_in(container, "/", archive(&[entry])?).await.at(STEP)
}

/// The profile with `PATH=/bin` as `PATH=${PATH:-/bin}`; none where nothing is to be changed.
fn keeping(profile: &str) -> Option<String> {
    let lines: Vec<String> = profile
        .split_inclusive('\n')
        .map(|line| keeping_line(line).unwrap_or_else(|| line.to_owned()))
        .collect();
    let kept = lines.concat();
    (kept != profile).then_some(kept)
}

/// Lines that build on the path, or do more than to set it, stay as they are.
fn keeping_line(line: &str) -> Option<String> {
    const SETS: &str = "PATH=";
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    let before = text.len() - text.trim_start().len();
    let set = text[before..]
        .strip_prefix("export ")
        .map_or(before, |_| before + "export ".len());
    let value = text[set..].strip_prefix(SETS)?.trim_end();
    let is_one_word = !value.is_empty() && !value.contains(['$', '`', ' ', '\t', ';', '&', '|', '#', '}']);
    is_one_word.then(|| format!("{}{SETS}${{PATH:-{value}}}{end}", &text[..set]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_there_is_kept() {
        let debian = "if [ \"$(id -u)\" -eq 0 ]; then\n  PATH=\"/usr/sbin:/usr/bin\"\nelse\n  PATH=\"/usr/bin\"\nfi\n\
            export PATH\n";
        let kept = "if [ \"$(id -u)\" -eq 0 ]; then\n  PATH=${PATH:-\"/usr/sbin:/usr/bin\"}\nelse\n  \
            PATH=${PATH:-\"/usr/bin\"}\nfi\nexport PATH\n";
        assert_eq!(keeping(debian).as_deref(), Some(kept));
        assert_eq!(keeping(kept), None);
        assert_eq!(
            keeping("export PATH=/bin").as_deref(),
            Some("export PATH=${PATH:-/bin}")
        );
    }

    #[test]
    fn lines_that_do_more_stay() {
        for line in [
            "PATH=$PATH:/x\n",
            "MANPATH=/x\n",
            "PATH=/bin; export PATH\n",
            "PATH=\n",
            "# PATH=/bin\n",
            "PATH=/bin make\n",
        ] {
            assert_eq!(keeping(line), None, "{line}");
        }
    }
}
