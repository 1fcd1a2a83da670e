//! A second container of the same configuration.

use devctl_tests::sandbox::{Sandbox, config};

/// Removes containers that bear no folder's label, also when the test fails.
struct Clones<'a>(&'a Sandbox, Vec<String>);

impl Drop for Clones<'_> {
    fn drop(&mut self) {
        for name in &self.1 {
            let _gone = self.0.run(&["remove", "--yes", "--volumes", name]);
        }
    }
}

#[test]
fn a_clone_has_a_life_of_its_own_and_shares_only_what_is_said() {
    let Some(home) = Sandbox::new() else { return };
    let volume = home.unique("data");
    let folder = home.folder(
        "first",
        &config(&format!(
            r#", "mounts": ["type=volume,source={volume},target=/data"], "postCreateCommand": "echo ran >> /root/ran""#
        )),
    );
    let first = home.up(&folder);
    let _wrote = home.ssh(
        first.host(),
        "echo a > /data/file; echo mine > /root/own; chown 33:33 /data/file",
    );
    let (plain, full) = (home.unique("plain"), home.unique("full"));
    let clones = Clones(&home, vec![plain.clone(), full.clone()]);

    let made = home
        .run(&["clone", "--json", first.name(), &plain])
        .expect(0)
        .json();
    assert_eq!(
        (&made["name"], &made["outcome"]),
        (&plain.as_str().into(), &"created".into())
    );
    assert!(made["notices"].to_string().contains(&volume), "{made}");
    let host = |name: &str| format!("{name}.devctl");
    assert_eq!(
        home.ssh(
            &host(&plain),
            "cat /data/file /root/ran; test -e /root/own || echo without"
        ),
        "a\nran\nwithout"
    );

    let words = [
        "clone",
        "--json",
        "--with-files",
        "--with-volumes",
        first.name(),
        &full,
    ];
    let made = home.run(&words).expect(0).json();
    assert_eq!(made["notices"], serde_json::json!([]));
    assert_eq!(
        home.ssh(
            &host(&full),
            "cat /root/own /data/file /root/ran; stat -c %u:%g /data/file"
        ),
        "mine\na\nran\n33:33"
    );
    let _wrote = home.ssh(&host(&full), "echo b > /data/file; echo other > /root/own");
    assert_eq!(home.ssh(first.host(), "cat /data/file /root/own"), "a\nmine");

    let of = |name: &str| home.run(&["show", "--json", name]).expect(0).json();
    let (a, b) = (of(first.name()), of(&full));
    assert_ne!(a["networks"], b["networks"]);
    assert_eq!(a["workspace"], b["workspace"]);
    // Each is found by its own name, and the folder is the first one's.
    let again = home
        .run(&["up", "--json", folder.to_str().unwrap()])
        .expect(0)
        .json();
    assert_eq!(again["container"], first.container());
    let taken = home
        .run(&["clone", "--json", first.name(), &full])
        .expect(1)
        .json();
    assert_eq!(taken["error"]["code"], "engine.conflict");

    // It stops, starts and is made anew like any other, and keeps its copies.
    let _stopped = home.run(&["stop", "--timeout", "0", &full]).expect(0);
    let _started = home.run(&["start", &full]).expect(0);
    assert_eq!(
        home.ssh(&host(&full), "cat /root/ran"),
        "ran",
        "it does not run again"
    );
    let _made = home.run(&["recreate", "--yes", &full]).expect(0);
    assert_eq!(home.ssh(&host(&full), "cat /data/file"), "b");
    assert_eq!(of(&full)["name"], full);

    let _removed = home.run(&["remove", "--yes", first.name()]).expect(0);
    assert_eq!(home.ssh(&host(&full), "cat /data/file"), "b");
    drop(clones);
    let _data = home.docker(&["volume", "ls", "--quiet", "--filter", &format!("name={volume}")]);
    assert!(home.traces().is_empty(), "{:?}", home.traces());
}
