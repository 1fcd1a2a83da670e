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

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // `Include` leads anywhere: only below the folder of the target, where nothing waits or is endless.
    let leads_away = |part: &[u8]| {
        [&b"/"[..], b"..", b"~"]
            .iter()
            .any(|away| part.windows(away.len()).any(|at| at == *away))
    };
    let is_include = |line: &[u8]| {
        line.to_ascii_lowercase()
            .windows(7)
            .any(|word| word == b"include")
    };
    if bytes
        .split(|&byte| byte == b'\n')
        .any(|line| is_include(line) && leads_away(line))
    {
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
