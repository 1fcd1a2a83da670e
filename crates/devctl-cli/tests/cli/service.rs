//! `devctl service`, with a stand-in for what starts services: no such thing runs where the tests do.

use crate::sandbox::Sandbox;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A `systemctl` that notes what it is asked, and fails where a file says so.
fn starter(home: &mut Sandbox) -> PathBuf {
    let bin = home.home().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let notes = home.home().join("asked");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> '{0}'\n[ ! -e '{0}.fails' ] || {{ echo 'no bus' >&2; exit 1; }}\n",
        notes.display()
    );
    std::fs::write(bin.join("systemctl"), script).unwrap();
    std::fs::set_permissions(bin.join("systemctl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = bin.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    home.set("PATH", path);
    notes
}

#[test]
fn it_is_installed_once_and_goes_again() {
    let mut home = Sandbox::without_engine();
    let asked = starter(&mut home);
    let before = home.run(&["service", "status", "--json"]).expect(0).json();
    assert_eq!(before["installed"], false);
    let installed = home.run(&["service", "install", "--json"]).expect(0).json();
    assert_eq!(
        (&installed["installed"], &installed["changed"]),
        (&true.into(), &true.into())
    );
    let unit = PathBuf::from(installed["file"].as_str().unwrap());
    assert!(unit.starts_with(home.home()), "{}", unit.display());
    let text = std::fs::read_to_string(&unit).unwrap();
    assert!(
        text.contains(" service run\n") && text.contains("DEVCTL_STATE_DIR="),
        "{text}"
    );
    // The path in it is a link of ours, so that it survives updates and moves.
    let program = text.split('"').nth(1).unwrap();
    assert!(
        std::fs::canonicalize(program).unwrap().ends_with("devctl"),
        "{program}"
    );
    let again = home.run(&["service", "install", "--json"]).expect(0).json();
    assert_eq!(again["changed"], false);
    home.run(&["service", "uninstall"]).expect(0);
    assert!(!unit.exists());
    assert_eq!(
        home.run(&["service", "uninstall", "--json"]).expect(0).json()["changed"],
        false
    );
    let words = std::fs::read_to_string(asked).unwrap();
    let install = "--user daemon-reload\n--user enable --now devctl.service\n";
    assert_eq!(
        words,
        format!("{install}{install}--user disable --now devctl.service\n")
    );
}

#[test]
fn what_could_not_be_started_leaves_nothing_behind() {
    let mut home = Sandbox::without_engine();
    let asked = starter(&mut home);
    std::fs::write(asked.with_extension("fails"), "").unwrap();
    let failed = home.run(&["service", "install", "--json"]);
    assert_eq!(failed.code(), 1);
    let error = failed.json();
    assert_eq!(error["error"]["code"], "service.unavailable");
    assert_eq!(error["error"]["fixes"][0]["command"], "devctl service run");
    let status = home.run(&["service", "status", "--json"]).expect(0).json();
    assert_eq!(status["installed"], false);
    // Nobody who starts services at all.
    home.set("PATH", home.home().join("nothing"));
    let failed = home.run(&["service", "install", "--json"]);
    assert_eq!(failed.json()["error"]["code"], "service.unavailable");
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let home = Sandbox::without_engine();
    for (words, code) in [
        (&["idle", "set", "hello"][..], 2),
        (&["idle", "set", "hello", "--after", "5"], 2),
        (&["idle", "set", "hello", "--after", "5m", "--never"], 2),
        (&["keep-awake", "hello", "0m"], 2),
        (&["keep-awake", "hello", "9000d"], 2),
        (&["settings", "set", "idle.awakeHours", "mon 8-9"], 2),
        (&["settings", "set", "idle.graceMinutes", "0"], 2),
        (&["service", "run", "--json"], 2),
    ] {
        assert_eq!(home.run(words).code(), code, "{words:?}");
    }
    home.run(&["settings", "set", "idle.awakeHours", "mon-fri 08:00-18:00"])
        .expect(0);
}
