//! Where a secret must not be found: after everything was run with it, all places are searched for it, as it is and in
//! base64 at each of the three offsets.

use crate::home::{folder_for_dev, set};
use devctl_tests::programs::{Background, Ran, wait_until};
use devctl_tests::sandbox::{Sandbox, config, devctl_program};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The value, and the same in base64: the middle of it, since its ends depend on what stands beside it.
fn needles(value: &str) -> Vec<Vec<u8>> {
    let mut needles = vec![value.as_bytes().to_vec()];
    for offset in 0..3 {
        let padded = format!("{}{value}", "_".repeat(offset));
        let encoded = base64(padded.as_bytes());
        needles.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    needles
}

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0u32;
        for at in 0..3 {
            bits = (bits << 8) | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let symbol = SYMBOLS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at > chunk.len() { '=' } else { char::from(symbol) });
        }
    }
    text
}

fn is_in(haystack: &[u8], needles: &[Vec<u8>]) -> bool {
    needles
        .iter()
        .any(|needle| haystack.windows(needle.len()).any(|window| window == needle))
}

/// Files below the folder that have it.
fn files_with(folder: &Path, needles: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let kind = entry.file_type().unwrap();
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && fs::read(&path).is_ok_and(|bytes| is_in(&bytes, needles)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// Looks at the arguments of all processes until it is told to stop; the first one that has it.
fn watch_arguments(needles: Vec<Vec<u8>>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Option<String>> {
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                if is_in(&line, &needles) {
                    return Some(String::from_utf8_lossy(&line).into_owned());
                }
            }
            std::thread::yield_now();
        }
        None
    })
}

#[test]
fn base64_is_what_it_is_elsewhere() {
    for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
    assert!(is_in(
        base64(b"xx recognisable-value yy").as_bytes(),
        &needles("recognisable-value")
    ));
}

#[test]
fn a_secret_lies_nowhere_after_everything_was_run_with_it() {
    let Some(home) = Sandbox::new() else { return };
    let (variable, file) = ("recognisable-Variable-8fJ2kQ", "recognisable-File-x93LmZ");
    let needles: Vec<Vec<u8>> = [variable, file].iter().flat_map(|value| needles(value)).collect();
    let began = home.docker(&["info", "--format", "{{.SystemTime}}"]);
    let stop = Arc::new(AtomicBool::new(false));
    let arguments = watch_arguments(needles.clone(), stop.clone());
    let hooks = r#", "postCreateCommand": "echo \"$SEEN\"; cat \"$KEPT_FILE\"; test -n \"$SEEN\"",
        "postStartCommand": "ulimit -S -c; sh -c 'kill -SEGV $$' || true; echo failed with $SEEN; exit 3""#;
    let folder = folder_for_dev(&home, "nowhere", hooks);
    set(&home, &["SEEN"], variable.as_bytes());
    set(&home, &["KEPT", "--as-file"], file.as_bytes());
    // The last hook fails, so that also the report of a failure is looked at.
    let up = home.run(&["up", "-vvv", folder.to_str().unwrap()]).expect(1);
    let name = home.unique("nowhere");
    let host = format!("{name}.devctl");
    assert_eq!(
        home.ssh(&host, "printf %s \"$SEEN\" | wc -c"),
        variable.len().to_string()
    );
    let crash = "cd ~ && ulimit -S -c && sh -c 'kill -SEGV $$'";
    let crashed = home.try_ssh(&host, crash);
    assert!(
        crashed.stdout().starts_with('0'),
        "no core dump is written: {crashed:?}"
    );
    let listed = home.run(&[
        "-vvv",
        "exec",
        &name,
        "--",
        "sh",
        "-c",
        "ulimit -S -c; ps -ef; cat /proc/*/cmdline",
    ]);
    assert!(listed.stdout().starts_with("0\n"), "{listed:?}");
    let doctor = home.run(&["doctor", "--json"]);
    let shown = home.run(&["show", "--json", &name]).expect(0);
    let events = home.run(&["events", "--json"]).expect(0);
    let list = home.run(&["secret", "list", "--json"]).expect(0);
    for (what, ran) in [
        ("up", &up),
        ("exec", &listed),
        ("doctor", &doctor),
        ("show", &shown),
        ("events", &events),
        ("list", &list),
    ] {
        let said = [&ran.0.stdout[..], &ran.0.stderr].concat();
        assert!(!is_in(&said, &needles), "{what} says it: {ran:?}");
    }
    stop.store(true, Ordering::Relaxed);
    assert_eq!(
        arguments.join().unwrap(),
        None,
        "no process has it among its arguments"
    );
    let id = home.containers_of(&folder).remove(0);
    let image = home.docker(&["inspect", "--format", "{{.Image}}", &id]);
    let committed = home.unique("committed");
    home.docker(&["commit", &id, &committed]);
    let until = home.docker(&["info", "--format", "{{.SystemTime}}"]);
    for words in [
        &["inspect", &id][..],
        &["image", "inspect", &image],
        &["history", "--no-trunc", &committed],
        &["image", "inspect", &committed],
        &["logs", &id],
        &["diff", &id],
        &["top", &id],
        &["events", "--since", &began, "--until", &until],
    ] {
        let said = home.docker(words);
        assert!(
            !is_in(said.as_bytes(), &needles),
            "docker {words:?} says it: {said}"
        );
    }
    let saved = Command::new("docker")
        .args(["export", &id])
        .output()
        .unwrap()
        .stdout;
    assert!(
        saved.len() > 1_000_000 && !is_in_large(&saved, &needles),
        "it is in the container's files"
    );
    home.docker(&["image", "rm", "--force", &committed]);
    // What the engine keeps of the container: its configuration, its log, its own layer.
    let root = home.docker(&["info", "--format", "{{.DockerRootDir}}"]);
    let layer = home.docker(&["inspect", "--format", "{{.GraphDriver.Data.UpperDir}}", &id]);
    let of_engine = format!("{root}/containers/{id}");
    for place in [home.home(), Path::new(&layer), Path::new(&of_engine)] {
        let found = files_with(place, &needles);
        assert!(found.is_empty(), "it lies in {found:?}");
    }
}

/// The same for what is too large to be looked at byte by byte.
fn is_in_large(haystack: &[u8], needles: &[Vec<u8>]) -> bool {
    let text = String::from_utf8_lossy(haystack);
    needles
        .iter()
        .any(|needle| text.contains(std::str::from_utf8(needle).unwrap()))
}

#[test]
fn a_crash_of_devctl_with_a_secret_in_its_memory_writes_nothing_down() {
    let Some(home) = Sandbox::new() else { return };
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if pattern.starts_with('|') || pattern.contains('/') {
        devctl_tests::sandbox::skip("core dumps are not written to the working directory here");
        return;
    }
    let place = home.home().join("crashes");
    fs::create_dir(&place).unwrap();
    let crash = |line: &str| -> Command {
        let mut shell = home.command("sh");
        shell.args(["-c", &format!("ulimit -c unlimited; exec {line}")]);
        shell.current_dir(&place);
        shell
    };
    let dumps = || fs::read_dir(&place).unwrap().count();
    let _crashed = Ran(crash("sh -c 'kill -SEGV $$'").output().unwrap());
    if dumps() == 0 {
        devctl_tests::sandbox::skip("core dumps are not written here");
        return;
    }
    let before = dumps();
    let folder = home.folder(
        "crash",
        &config(r#", "postCreateCommand": "touch began; sleep 100""#),
    );
    set(&home, &["TOKEN"], b"recognisable-crash");
    let mut up = crash(&format!("{} up {}", devctl_program().display(), folder.display()));
    let mut up = Background::start(up.stdout(Stdio::null()).stderr(Stdio::null()));
    wait_until("the command", || folder.join("began").exists());
    up.signal("ABRT");
    assert_ne!(up.end(), 0);
    assert_eq!(dumps(), before, "a core dump was written");
}
