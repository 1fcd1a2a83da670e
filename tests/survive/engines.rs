//! Engines that go, come back, and are another product.

use devctl_testkit::engines::{OwnEngine, base_archive};
use devctl_tests::programs::{Background, wait_until};
use devctl_tests::sandbox::{IMAGE, Sandbox, config, skip};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// An engine that the test may break, with the base image in it.
fn own(start: fn() -> std::io::Result<OwnEngine>) -> Option<(OwnEngine, Sandbox)> {
    let made = base_archive().and_then(|archive| Ok((archive, start()?)));
    match made {
        Ok((archive, engine)) => {
            let home = Sandbox::on(&engine.url());
            home.docker(&["import", archive.to_str().unwrap(), IMAGE]);
            Some((engine, home))
        }
        Err(error) => {
            skip(&format!("no engine of our own: {error}"));
            None
        }
    }
}

#[test]
fn an_engine_may_stop_before_during_and_after() {
    let Some((mut engine, home)) = own(OwnEngine::docker) else {
        return;
    };
    let hook = r#", "postCreateCommand": "echo began >> ran; test -e mended || sleep 1000""#;
    let folder = home.folder("engine", &config(hook));
    let path = folder.to_str().unwrap();

    engine.stop().unwrap();
    let before = home.run(&["up", "--json", path]).expect(5);
    assert_eq!(before.error(), "engine.unreachable");

    engine.start().unwrap();
    let mut up = home.devctl(&["up", "--json", path]);
    let mut up = Background::start(up.stdout(Stdio::null()).stderr(Stdio::null()));
    wait_until("the command", || folder.join("ran").exists());
    engine.stop().unwrap();
    assert!([1, 5].contains(&up.end()), "it fails, and does not hang");

    engine.start().unwrap();
    std::fs::write(folder.join("mended"), "").unwrap();
    let up = home.up(&folder);
    assert_eq!(home.containers_of(&folder), [up.container()]);
    home.ssh(up.host(), "echo kept > /root/kept");

    engine.stop().unwrap();
    let after = home.try_ssh(up.host(), "true").expect(255).stderr();
    assert!(after.contains("engine.unreachable"), "{after}");
    let after = home.run(&["stop", "--json", up.name()]).expect(5);
    assert_eq!(after.error(), "engine.unreachable");
    engine.start().unwrap();
    assert_eq!(home.ssh(up.host(), "cat /root/kept"), "kept");
    let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
    assert_eq!(home.traces(), [""; 0]);
}

#[test]
fn an_engine_that_falls_silent_ends_no_run_in_a_hang() {
    let Some((engine, home)) = own(OwnEngine::docker) else {
        return;
    };
    let folder = home.folder("silent", &config(""));
    let up = home.up(&folder);
    // It takes connections and never answers.
    engine.freeze().unwrap();
    for asked in [
        &["list", "--json"][..],
        &["up", "--json", folder.to_str().unwrap()],
    ] {
        let begun = Instant::now();
        let silent = home.run(asked).expect(5);
        assert_eq!(silent.error(), "engine.timeout", "{asked:?}: {}", silent.stderr());
        // Ten seconds are waited; a machine with much to do is slower by itself.
        assert!(begun.elapsed() < Duration::from_secs(60), "{asked:?}");
    }
    engine.resume().unwrap();
    assert_eq!(home.up(&folder).container(), up.container());
    assert_eq!(home.containers_of(&folder), [up.container()]);
}

#[test]
fn an_engine_that_takes_connections_and_never_answers_is_named_with_its_fix() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let home = Sandbox::on(&format!("unix://{}", socket.display()));
    // Goes before the home does, which asks the engine what was left there.
    let engine = UnixListener::bind(&socket).unwrap();
    let begun = Instant::now();
    let list = home.run(&["list"]).expect(5);
    assert!(begun.elapsed() < Duration::from_secs(60));
    let said = list.stderr();
    let socket = socket.display().to_string();
    for words in [
        socket.as_str(),
        "does not answer",
        "systemctl restart docker",
        "devctl doctor",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    drop(engine);
}

#[test]
fn podman_is_an_engine_like_the_other() {
    let Some((_engine, home)) = own(OwnEngine::podman) else {
        return;
    };
    let folder = home.folder("podman", &config(r#", "postCreateCommand": "echo once >> ran""#));
    let up = home.up(&folder);
    assert_eq!(home.ssh(up.host(), "cat ran; id -un"), "once\nroot");
    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    assert_eq!(home.ssh(up.host(), "cat ran"), "once");
    assert_eq!(home.up(&folder).container(), up.container());
    let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
    let list = home.run(&["list", "--json"]).expect(0).json();
    assert!(
        !list
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["name"] == up.name())
    );
    assert!(folder.join("ran").exists());
}
