//! A person's `~/.ssh/config`. Whatever it holds, it can be explained; our line comes in, is in force, and goes out
//! again without a trace.

#![no_main]

use std::fs;
use std::sync::LazyLock;

use devctl_fuzz::folder;
use devctl_ssh::{
    Applied, Placement, SshDir, SshError, UserConfig, config_damage, include_status, install, plan_install,
    plan_uninstall, uninstall,
};
use libfuzzer_sys::{Corpus, fuzz_target};

/// `~/.ssh/devctl`, with a configuration as we write it.
static OURS: LazyLock<SshDir> = LazyLock::new(|| {
    let dir = SshDir::new(folder().join(".ssh/devctl"));
    dir.ensure().expect("our folder");
    dir.write_config("Host *.devctl\n  User dev\n  Port 22\n  StrictHostKeyChecking yes\n")
        .expect("our configuration");
    dir
});

/// Whether an `Include` of the input leads where a target should not go: out of its folder, where something waits or is
/// endless, or more than once back to the file itself, which is then read four thousand times before that is refused.
fn leads_astray(bytes: &[u8]) -> bool {
    let has = |text: &[u8], part: &str| text.windows(part.len()).any(|at| at == part.as_bytes());
    let has_one_of = |text: &[u8], parts: &[&str]| parts.iter().any(|part| has(text, part));
    let includes: Vec<&[u8]> = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| has(&line.to_ascii_lowercase(), "include"))
        .collect();
    let words = includes
        .iter()
        .flat_map(|line| line.split(u8::is_ascii_whitespace));
    let is_back = |word: &&[u8]| !has(word, "devctl") && has_one_of(word, &["config", "*", "?", "["]);
    let leaves = |line: &[u8]| {
        let is_relative = |pair: &[u8]| pair[1] != b'/' || pair[0].is_ascii_alphanumeric();
        has_one_of(line, &["..", "~", "%", "$"]) || !line.windows(2).all(is_relative)
    };
    words.filter(is_back).count() > 1 || includes.into_iter().any(leaves)
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if leads_astray(bytes) {
        return Corpus::Reject;
    }
    let dir = &*OURS;
    let home = folder();
    let path = home.join(".ssh/config");
    fs::write(&path, bytes).expect("the person's configuration");

    if let Ok(config) = UserConfig::read(&path, home, "ann") {
        for host in ["web.devctl", "web", ""] {
            let effective = config.effective(host, None);
            let lines = effective.lines.iter().chain(&effective.conditional);
            for line in lines {
                assert!(line.line > 0 && line.file.starts_with(home));
            }
            for remark in effective.remarks.iter().chain(config.faults()) {
                assert!(remark.line > 0 && !remark.what.is_empty());
            }
        }
    }
    for damage in config_damage(&path, dir, home, "ann", "web.devctl", None).expect("an explanation") {
        assert!(!damage.what.is_empty() && !damage.fix.is_empty());
    }

    let before = include_status(&path, dir).expect("the state of the file");
    let plan = match plan_install(&path, dir) {
        Ok(plan) => plan,
        // ssh could not read it, whatever stands in it.
        Err(SshError::ConfigInvalid { .. }) => return Corpus::Keep,
        Err(error) => panic!("{error}"),
    };
    let applied = install(&plan, dir, None).expect("our line comes in");
    let was_in_force = matches!(before.placement, Placement::InForce { .. });
    assert_eq!(applied == Applied::Unchanged, was_in_force);
    let after = include_status(&path, dir).expect("the state of the file");
    assert!(matches!(after.placement, Placement::InForce { .. }), "{after:?}");
    let again = plan_install(&path, dir).expect("a plan");
    assert_eq!(
        install(&again, dir, None).expect("nothing to do"),
        Applied::Unchanged
    );

    let plan = plan_uninstall(&path, dir).expect("a plan");
    assert_eq!(
        uninstall(&plan, dir).expect("our line goes out"),
        Applied::Changed
    );
    if before.placement == Placement::Missing {
        let left = fs::read(&path).unwrap_or_default();
        assert!(left == bytes, "{left:?} is not what was there");
    }
    Corpus::Keep
});
