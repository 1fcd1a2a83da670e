//! The state file shared by processes, some of which are killed, on disks that are full, read-only or not ours.
//!
//! The other processes are this test binary itself, started with `DEVCTL_STORE_ROLE` set.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "in a test file the helpers too end a test at the first surprise"
)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use devctl_store::{
    Actor, AuthorityKind, Certificate, ChainStatus, Door, EventFilter, EventId, Intent, Outcome, Process,
    Store, StoreError, UnwritableCause,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const ROLE: &str = "DEVCTL_STORE_ROLE";
const STATE: &str = "DEVCTL_STORE_STATE";
/// The account that Linux distributions call `nobody`.
const NOBODY: u32 = 65_534;

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Arc::new(SystemTime::now))
}

fn intent(id: Uuid, detail: Value) -> Intent {
    Intent {
        id: EventId(id),
        who: Actor {
            user: "ann".into(),
            uid: Some(1000),
            host: "here".into(),
        },
        door: Door::Cli,
        operation: "up".into(),
        subject: None,
        detail,
        process: Process {
            pid: std::process::id(),
            started: 1,
        },
    }
}

/// Not a test: what the processes that the tests start do.
#[test]
#[ignore = "a role that other tests play"]
fn role() {
    let (Ok(role), Ok(path)) = (std::env::var(ROLE), std::env::var(STATE)) else {
        return;
    };
    let store = match open(Path::new(&path)) {
        Ok(store) => store,
        Err(error) => return println!("\nrefused {}", refusal(&error)),
    };
    match role.as_str() {
        "append-50" => {
            for _ in 0..50 {
                let id = store.begin(intent(Uuid::now_v7(), Value::Null)).unwrap();
                store.finish(id, Outcome::Ok, 1, Value::Null).unwrap();
                println!("\nserial {}", serial(&store));
            }
        }
        "append-for-ever" => loop {
            let id = store
                .begin(intent(Uuid::now_v7(), json!({ "text": "x".repeat(500) })))
                .unwrap();
            println!("\nbegun {id}");
            println!("\nserial {}", serial(&store));
            store.finish(id, Outcome::Ok, 1, Value::Null).unwrap();
        },
        "begin" => match store.begin(intent(Uuid::now_v7(), Value::Null)) {
            Ok(_) => println!("\nallowed"),
            Err(error) => println!("\nrefused {}", refusal(&error)),
        },
        other => panic!("no role {other}"),
    }
}

/// The serial of one more certificate.
fn serial(store: &Store) -> u64 {
    let record = |serial: u64| Certificate {
        authority: String::new(),
        serial,
        kind: AuthorityKind::User,
        key_id: format!("ann@here/{serial}"),
        subject_fingerprint: "SHA256:x".into(),
        subject_line: "ssh-ed25519 AAAA".into(),
        principals: vec!["owner-1".into()],
        extensions: Vec::new(),
        critical_options: Vec::new(),
        valid_after: 5,
        valid_before: 50,
        issued_at: 0,
        asked_by: "ann".into(),
        reason: "login".into(),
    };
    store.open_certificates("A", 1, record).unwrap().remove(0).serial
}

fn refusal(error: &StoreError) -> String {
    match error {
        StoreError::Unwritable { cause, .. } => cause.as_str().to_owned(),
        other => other.code().to_owned(),
    }
}

fn player(binary: &Path, role: &str, state: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["role", "--exact", "--ignored", "--nocapture"])
        .env(ROLE, role)
        .env(STATE, state)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn play(role: &str, state: &Path) -> Child {
    player(&std::env::current_exe().unwrap(), role, state)
        .spawn()
        .unwrap()
}

/// The words after `key` on the lines that a player prints, as far as it came.
fn lines(child: &mut Child, key: &'static str) -> impl Iterator<Item = String> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output.lines().map_while(Result::ok).filter_map(move |line| {
        let rest = line.strip_prefix(key)?;
        Some(rest.trim().to_owned())
    })
}

fn rows(store: &Store) -> u64 {
    match store.verify_chain().unwrap() {
        ChainStatus::Intact { rows, .. } => rows,
        broken @ ChainStatus::Broken { .. } => panic!("{broken:?}"),
    }
}

#[test]
fn eight_processes_make_the_file_and_append_to_it_at_once() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("state/state.db");
    let mut players: Vec<Child> = (0..8).map(|_| play("append-50", &state)).collect();
    let mut serials = BTreeSet::new();
    for player in &mut players {
        for serial in lines(player, "serial ") {
            assert!(
                serials.insert(serial.parse::<u64>().unwrap()),
                "serial {serial} was given out twice"
            );
        }
        assert!(player.wait().unwrap().success());
    }
    assert_eq!(serials, (1..=400).collect());
    let store = open(&state).unwrap();
    assert_eq!(rows(&store), 8 * 50 * 2);
    assert_eq!(store.open_intents().unwrap(), []);
}

#[test]
fn a_process_killed_in_the_middle_loses_nothing_that_it_was_promised() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("state.db");
    let mut promised = Vec::new();
    let mut highest_serial = 0;
    for round in 1..=10_usize {
        let mut player = play("append-for-ever", &state);
        let mut serial = 0;
        let mut begun = None;
        let said = BufReader::new(player.stdout.take().unwrap());
        for line in said.lines().map_while(Result::ok) {
            if let Some(id) = line.strip_prefix("begun ") {
                begun = Some(id.parse::<EventId>().unwrap());
                promised.extend(begun);
            } else if let Some(number) = line.strip_prefix("serial ") {
                assert!(
                    number.parse::<u64>().unwrap() > highest_serial,
                    "serial {number} was given out again"
                );
                highest_serial = number.parse().unwrap();
                serial += 1;
            }
            // Each round is cut off at another place of the work.
            if (serial == round && round % 2 == 0)
                || (begun.is_some() && serial + 1 == round && round % 2 == 1)
            {
                player.kill().unwrap();
            }
        }
        player.wait().unwrap();
    }

    let store = open(&state).unwrap();
    let written = rows(&store);
    let started: BTreeSet<EventId> = store
        .events(&EventFilter::default())
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    for id in promised {
        assert!(started.contains(&id), "{id} was begun and is not in the log");
    }
    let open_before = store.open_intents().unwrap().len();
    let marked = store.reconcile_interrupted("here", |_| false).unwrap();
    assert_eq!(marked.len(), open_before);
    assert_eq!(rows(&store), written + marked.len() as u64);
    assert_eq!(store.open_intents().unwrap(), []);
    assert!(serial(&store) > highest_serial);
}

#[test]
fn a_full_disk_refuses_the_intent_and_loses_no_row() {
    let Some(disk) = SmallDisk::mount("size=1m") else {
        return;
    };
    let state = disk.path().join("state/state.db");
    let store = open(&state).unwrap();
    let mut begun = 0;
    let refused = loop {
        match store.begin(intent(Uuid::now_v7(), json!({ "text": "x".repeat(8000) }))) {
            Ok(_) => begun += 1,
            Err(error) => break error,
        }
        assert!(begun < 1000, "a disk of 1 MB took it all");
    };
    assert!(
        matches!(
            refused,
            StoreError::Unwritable {
                cause: UnwritableCause::NoSpace,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(refused.code(), "store.unwritable");
    assert_eq!(rows(&store), begun);
    drop(store);

    let store = open(&state).unwrap();
    assert_eq!(rows(&store), begun, "after opening it again");
    disk.remount("size=4m");
    store.begin(intent(Uuid::now_v7(), Value::Null)).unwrap();
    assert_eq!(rows(&store), begun + 1);
}

#[test]
fn a_disk_that_is_full_from_the_start_says_so() {
    let Some(disk) = SmallDisk::mount("size=64k") else {
        return;
    };
    std::fs::write(disk.path().join("ballast"), vec![0; 60 * 1024]).unwrap();
    let refused = open(&disk.path().join("state.db")).unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Unwritable {
                cause: UnwritableCause::NoSpace,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[test]
fn a_read_only_disk_says_so() {
    let Some(disk) = SmallDisk::mount("size=4m") else {
        return;
    };
    let state = disk.path().join("state.db");
    drop(open(&state).unwrap());
    let running = open(&state).unwrap();
    running.begin(intent(Uuid::now_v7(), Value::Null)).unwrap();
    drop(running);
    disk.remount("ro");
    for path in [state, disk.path().join("new/state.db")] {
        let refused = open(&path)
            .and_then(|store| store.begin(intent(Uuid::now_v7(), Value::Null)))
            .unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::Unwritable {
                    cause: UnwritableCause::ReadOnly,
                    ..
                }
            ),
            "{}: {refused:?}",
            path.display()
        );
    }
}

#[test]
fn without_rights_nothing_is_recorded_and_the_error_says_so() {
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    // The player has to be readable for an account that may not read our build folder.
    let binary = folder.path().join("player");
    std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();

    let locked = |name: &str, mode: u32| {
        let home = folder.path().join(name);
        std::fs::create_dir(&home).unwrap();
        let state = home.join("state.db");
        let store = open(&state).unwrap();
        store.begin(intent(Uuid::now_v7(), Value::Null)).unwrap();
        for file in std::fs::read_dir(&home).unwrap() {
            std::fs::set_permissions(file.unwrap().path(), PermissionsExt::from_mode(mode)).unwrap();
        }
        std::fs::set_permissions(&home, PermissionsExt::from_mode(0o555)).unwrap();
        state
    };
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    std::fs::set_permissions(&empty, PermissionsExt::from_mode(0o555)).unwrap();
    let cases: [PathBuf; 4] = [
        empty.join("state.db"),
        empty.join("deeper/state.db"),
        locked("readable", 0o444),
        locked("unreadable", 0o000),
    ];
    for state in cases {
        let mut command = player(&binary, "begin", &state);
        command.current_dir(folder.path());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut child = command.spawn().unwrap();
        let said: Vec<String> = lines(&mut child, "refused ").collect();
        assert!(child.wait().unwrap().success());
        assert_eq!(said, ["no_rights"], "{}", state.display());
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// A file system of its own, unmounted at the end.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, said aloud, where this account may not mount; an error where everything has to run.
    fn mount(options: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "devctl-test"])
            .arg(folder.path())
            .status()
            .unwrap();
        if mounted.success() {
            return Some(Self(folder));
        }
        assert!(
            std::env::var_os("DEVCTL_REQUIRE_ALL").is_none(),
            "DEVCTL_REQUIRE_ALL is set and this account cannot mount a tmpfs"
        );
        eprintln!("SKIPPED: this account cannot mount a tmpfs; run as root");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, options: &str) {
        let option = format!("remount,{options}");
        assert!(
            Command::new("mount")
                .args(["-o", &option])
                .arg(self.path())
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.path().display());
        }
    }
}
