//! The event log, and the records beside it, through the public door.
#![expect(
    clippy::unwrap_used,
    reason = "in a test file the helpers too end a test at the first surprise"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use devctl_store::{
    Actor, ChainFault, ChainStatus, Door, EventFilter, EventId, Intent, Outcome, Phase, Process,
    SCHEMA_VERSION, Store, StoreError, Subject,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const NOW_MS: i64 = 1_800_000_000_123;

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(NOW_MS.unsigned_abs())
}

fn store_in(folder: &TempDir) -> Store {
    Store::open(folder.path().join("state/state.db"), Arc::new(clock)).unwrap()
}

fn intent(number: u128, operation: &str, subject: &str) -> Intent {
    Intent {
        id: EventId(Uuid::from_u128(number)),
        who: Actor {
            user: "ann".into(),
            uid: Some(1000),
            host: "here".into(),
        },
        door: Door::Cli,
        operation: operation.into(),
        subject: Some(Subject {
            kind: "container".into(),
            id: subject.into(),
            name: Some(format!("{subject}-name")),
        }),
        detail: json!({ "z": 1, "a": { "y": [1.5, null], "b": "ünï\n" } }),
        process: Process { pid: 7, started: 70 },
    }
}

/// What somebody with an SQLite shell could do: the guards are taken away first.
fn tamper(folder: &TempDir, sql: &str) {
    let connection = rusqlite::Connection::open(folder.path().join("state/state.db")).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER IF EXISTS events_never_change; DROP TRIGGER IF EXISTS events_never_vanish;",
        )
        .unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn an_operation_is_two_rows_and_the_second_tells_all() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    let id = store.begin(intent(1, "up", "c1")).unwrap();
    assert_eq!(store.open_intents().unwrap().len(), 1);
    let failed = Outcome::Failed {
        code: "image.missing".into(),
        message: "no such image".into(),
    };
    store
        .finish(id, failed.clone(), 42, json!({ "step": "pull" }))
        .unwrap();

    let rows = store.events(&EventFilter::default()).unwrap();
    let [started, ended] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (started.seq, started.phase, started.at),
        (1, Phase::Started, NOW_MS)
    );
    assert_eq!(started.detail, intent(1, "up", "c1").detail);
    assert_eq!((started.outcome.as_ref(), started.duration_ms), (None, None));
    assert_eq!((ended.seq, ended.phase, ended.id), (2, Phase::Ended, id));
    assert_eq!(
        (ended.outcome.as_ref(), ended.duration_ms),
        (Some(&failed), Some(42))
    );
    assert_eq!(
        (&ended.who, ended.door, &ended.subject),
        (&started.who, started.door, &started.subject)
    );
    assert_eq!(store.open_intents().unwrap(), []);

    let again = store.finish(id, Outcome::Ok, 1, Value::Null).unwrap_err();
    assert!(
        matches!(again, StoreError::EventEnded { id: ended } if ended == id),
        "{again}"
    );
    let unknown = EventId(Uuid::from_u128(99));
    let error = store.finish(unknown, Outcome::Ok, 1, Value::Null).unwrap_err();
    assert_eq!(error.code(), "store.event_unknown");
    let error = store.begin(intent(1, "up", "c1")).unwrap_err();
    assert_eq!(error.code(), "store.event_exists");
    assert_eq!(store.last_seq().unwrap(), 2, "a refused row is not appended");
}

#[test]
fn an_outcome_can_name_the_subject_that_was_made_on_the_way() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    let id = store
        .begin(Intent {
            subject: None,
            ..intent(1, "up", "")
        })
        .unwrap();
    let made = Subject {
        kind: "container".into(),
        id: "c9".into(),
        name: None,
    };
    store
        .finish_with_subject(id, made.clone(), Outcome::Ok, 5, Value::Null)
        .unwrap();
    let found = store
        .events(&EventFilter {
            subject: Some("c9".into()),
            ..EventFilter::default()
        })
        .unwrap();
    assert_eq!(
        found.iter().map(|row| row.subject.clone()).collect::<Vec<_>>(),
        [Some(made)]
    );
}

#[test]
fn filters_choose_rows() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    for number in 1..=4 {
        let operation = if number % 2 == 0 { "stop" } else { "up" };
        let id = store
            .begin(intent(number, operation, &format!("c{number}")))
            .unwrap();
        store.finish(id, Outcome::Ok, 1, Value::Null).unwrap();
    }
    const NONE: [u64; 0] = [];
    let seqs = |filter: EventFilter| {
        store
            .events(&filter)
            .unwrap()
            .into_iter()
            .map(|row| row.seq)
            .collect::<Vec<_>>()
    };
    let all = EventFilter::default;
    assert_eq!(seqs(all()), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        seqs(EventFilter {
            since_seq: Some(6),
            ..all()
        }),
        [7, 8]
    );
    assert_eq!(
        seqs(EventFilter {
            since_seq: Some(u64::MAX),
            ..all()
        }),
        NONE
    );
    assert_eq!(
        seqs(EventFilter {
            limit: Some(3),
            ..all()
        }),
        [1, 2, 3]
    );
    assert_eq!(
        seqs(EventFilter {
            limit: Some(3),
            latest: true,
            ..all()
        }),
        [6, 7, 8]
    );
    assert_eq!(
        seqs(EventFilter {
            operation: Some("stop".into()),
            ..all()
        }),
        [3, 4, 7, 8]
    );
    assert_eq!(
        seqs(EventFilter {
            subject: Some("c2".into()),
            ..all()
        }),
        [3, 4]
    );
    assert_eq!(
        seqs(EventFilter {
            subject: Some("c3-name".into()),
            ..all()
        }),
        [5, 6]
    );
    assert_eq!(
        seqs(EventFilter {
            phase: Some(Phase::Ended),
            ..all()
        }),
        [2, 4, 6, 8]
    );
    assert_eq!(
        seqs(EventFilter {
            id: Some(EventId(Uuid::from_u128(4))),
            ..all()
        }),
        [7, 8]
    );
    assert_eq!(
        seqs(EventFilter {
            since: Some(NOW_MS + 1),
            ..all()
        }),
        NONE
    );
    let narrow = EventFilter {
        subject: Some("c2".into()),
        operation: Some("up".into()),
        since: Some(NOW_MS),
        ..all()
    };
    assert_eq!(seqs(narrow), NONE, "the parts of a filter all have to hold");
}

#[test]
fn what_was_cut_off_is_marked_once_and_only_on_its_own_machine() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    let alive = Process { pid: 1, started: 10 };
    let gone = Process { pid: 1, started: 9 };
    store
        .begin(Intent {
            process: alive,
            ..intent(1, "up", "a")
        })
        .unwrap();
    let cut_off = store
        .begin(Intent {
            process: gone,
            ..intent(2, "up", "b")
        })
        .unwrap();
    let mut elsewhere = Intent {
        process: gone,
        ..intent(3, "up", "c")
    };
    elsewhere.who.host = "another-machine".into();
    store.begin(elsewhere).unwrap();

    let marked = store
        .reconcile_interrupted("here", |process| process == alive)
        .unwrap();
    let [row] = marked.as_slice() else {
        panic!("{marked:?}")
    };
    assert_eq!(
        (row.id, row.outcome.clone(), row.duration_ms),
        (cut_off, Some(Outcome::Interrupted), None)
    );
    assert_eq!(
        store
            .reconcile_interrupted("here", |process| process == alive)
            .unwrap(),
        []
    );
    assert_eq!(store.open_intents().unwrap().len(), 2);
}

#[test]
fn a_changed_row_a_missing_row_and_a_cut_tail_break_the_chain() {
    let cases = [
        (
            "UPDATE events SET body = replace(body, 'ann', 'bob') WHERE seq = 2",
            2,
            ChainFault::Changed,
        ),
        (
            "UPDATE events SET hash = randomblob(32) WHERE seq = 3",
            3,
            ChainFault::Changed,
        ),
        ("DELETE FROM events WHERE seq = 2", 2, ChainFault::Missing),
        ("DELETE FROM events WHERE seq = 4", 4, ChainFault::Missing),
        ("DELETE FROM events", 1, ChainFault::Missing),
    ];
    for (sql, seq, fault) in cases {
        let folder = TempDir::new().unwrap();
        let store = store_in(&folder);
        for number in 1..=2 {
            let id = store.begin(intent(number, "up", "c")).unwrap();
            store.finish(id, Outcome::Ok, 1, Value::Null).unwrap();
        }
        let ChainStatus::Intact { rows: 4, head } = store.verify_chain().unwrap() else {
            panic!("{sql}")
        };
        assert_eq!(head.len(), 64);
        tamper(&folder, sql);
        assert_eq!(
            store.verify_chain().unwrap(),
            ChainStatus::Broken { seq, fault },
            "{sql}"
        );
    }
}

#[test]
fn an_empty_log_is_intact() {
    let folder = TempDir::new().unwrap();
    let intact = ChainStatus::Intact {
        rows: 0,
        head: "0".repeat(64),
    };
    assert_eq!(store_in(&folder).verify_chain().unwrap(), intact);
}

#[test]
fn the_log_refuses_to_be_changed() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    store.begin(intent(1, "up", "c")).unwrap();
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    for sql in ["DELETE FROM events", "UPDATE events SET body = '{}'"] {
        let error = connection.execute(sql, []).unwrap_err();
        assert!(error.to_string().contains("append only"), "{error}");
    }
}

#[test]
fn waiting_ends_with_a_row_of_this_or_of_another_store_and_else_in_time() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    assert!(!store.wait_for_events(0, Duration::from_millis(1)).unwrap());
    let other = store_in(&folder);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.wait_for_events(0, Duration::from_secs(60)).unwrap());
        other.begin(intent(1, "up", "c")).unwrap();
        assert!(waiting.join().unwrap());
        let waiting = scope.spawn(|| store.wait_for_events(1, Duration::from_secs(60)).unwrap());
        store.begin(intent(2, "up", "c")).unwrap();
        assert!(waiting.join().unwrap());
    });
    assert!(
        store.wait_for_events(0, Duration::ZERO).unwrap(),
        "what is there already needs no waiting"
    );
}

#[test]
fn a_later_schema_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(store_in(&folder));
    tamper(&folder, "PRAGMA user_version = 99");
    let path = folder.path().join("state/state.db");
    let error = Store::open(&path, Arc::new(clock)).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::SchemaTooNew {
                found: 99,
                supported: SCHEMA_VERSION,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.code(), "store.too_new");
    assert!(error.fix().is_some());
}

#[test]
fn foreign_and_damaged_files_are_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a)")
        .unwrap();
    let damaged = folder.path().join("damaged.db");
    std::fs::write(
        &damaged,
        "this is a text, and a rather long one as that goes\n".repeat(100),
    )
    .unwrap();
    for path in [foreign, damaged] {
        let before = std::fs::read(&path).unwrap();
        let error = Store::open(&path, Arc::new(clock)).unwrap_err();
        assert_eq!(error.code(), "store.unreadable", "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_deleted_state_folder_is_begun_anew_under_an_open_store() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    store.begin(intent(1, "up", "c")).unwrap();
    assert_eq!(store.last_seq().unwrap(), 1);
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    assert_eq!(store.last_seq().unwrap(), 0);
    store.begin(intent(2, "up", "c")).unwrap();
    let other = store_in(&folder);
    assert_eq!(
        other.open_intents().unwrap().len(),
        1,
        "the new row is in the new file"
    );
}

#[cfg(unix)]
#[test]
fn the_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    store.begin(intent(1, "up", "c")).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let state = folder.path().join("state");
    assert_eq!(mode(&state), 0o700);
    for file in std::fs::read_dir(&state).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_consent_is_bound_to_its_list_and_its_folder() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    let items = json!([{ "what": "privileged", "where": "devcontainer.json:3" }]);
    store.record_consent("/a", "h1", &items).unwrap();
    store.record_consent("/a", "h1", &items).unwrap();
    let found = store.consent("/a", "h1").unwrap().unwrap();
    assert_eq!((found.items, found.at), (items, NOW_MS));
    assert_eq!(store.consent("/a", "h2").unwrap(), None);
    assert_eq!(store.consent("/b", "h1").unwrap(), None);
    assert_eq!(store.consents_of("/a").unwrap().len(), 1);
    assert_eq!(store.withdraw_consents("/a").unwrap(), 1);
    assert_eq!(store.consent("/a", "h1").unwrap(), None);
}

#[test]
fn settings_keep_their_json() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    assert_eq!(store.setting("ssh.suffix").unwrap(), None);
    store.set_setting("ssh.suffix", &json!("devctl")).unwrap();
    store.set_setting("proxy.start", &json!({ "on": true })).unwrap();
    store.set_setting("ssh.suffix", &json!(["x"])).unwrap();
    let all = store.settings().unwrap();
    assert_eq!(
        all,
        [
            ("proxy.start".to_owned(), json!({ "on": true })),
            ("ssh.suffix".to_owned(), json!(["x"]))
        ]
    );
    assert!(store.unset_setting("ssh.suffix").unwrap());
    assert!(!store.unset_setting("ssh.suffix").unwrap());
}
