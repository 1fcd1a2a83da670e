//! Nobody is locked out while the authorities change.

use devctl_tests::programs::wait_until;
use devctl_tests::sandbox::{Sandbox, Up, config};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Logins as fast as they go.
struct Crowd<'a> {
    home: &'a Sandbox,
    up: &'a Up,
    over: AtomicBool,
    entered: AtomicU32,
}

impl Crowd<'_> {
    /// Logs in until it is over, or the first time that it fails; then what was said.
    fn log_in(&self) -> Option<String> {
        while !self.over.load(Ordering::Relaxed) {
            let ran = self.home.try_ssh(self.up.host(), "echo in");
            // A session that has said and done all may still be told that it ends with its authority.
            let told = ran.stderr();
            let ends_late =
                told.starts_with("error[certificate.revoked]") && told.contains("its authority was ");
            if ran.code() != 0 || ran.stdout() != "in\n" || !(told.is_empty() || ends_late) {
                return Some(format!("{ran:?}"));
            }
            self.entered.fetch_add(1, Ordering::Relaxed);
        }
        None
    }

    /// Takes every step of a rotation of a kind, each of them back and again, until what it began with is revoked. In
    /// haste, a step follows the one before at once, while logins are under way; else after some in each phase.
    fn rotate(&self, kind: &str, in_haste: bool) {
        let home = self.home;
        let step = |word: &str, wanted: &str| {
            let before = self.entered.load(Ordering::Relaxed);
            let list = home.run(&["ca", word, kind, "--json"]).expect(0).json();
            let rotations = list["rotations"].as_array().unwrap();
            let rotation = rotations.iter().find(|one| one["kind"] == kind).unwrap();
            assert_eq!(rotation["step"], wanted, "{kind} {word}");
            wait_until("logins", || {
                in_haste
                    || self.over.load(Ordering::Relaxed)
                    || self.entered.load(Ordering::Relaxed) > before + 3
            });
        };
        step("rotate", "made");
        step("rollback", "idle");
        step("rotate", "made");
        step("rotate", "trusted");
        step("rollback", "made");
        step("rotate", "trusted");
        step("rotate", "signing");
        step("rollback", "trusted");
        step("rollback", "made");
        step("rotate", "trusted");
        step("rotate", "signing");
        step("rotate", "idle");
        let _revoked = home.run(&["ca", "retire", kind, "--revoke", "--yes"]).expect(0);
    }
}

#[test]
fn every_login_works_while_both_authorities_go_through_all_phases_and_back() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("rotated", &config("")));
    let crowd = Crowd {
        home: &home,
        up: &up,
        over: AtomicBool::new(false),
        entered: AtomicU32::new(0),
    };
    let failed: Vec<String> = std::thread::scope(|scope| {
        // So many that a step always finds some of them under way.
        let people: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let failed = crowd.log_in();
                    crowd.over.store(true, Ordering::Relaxed);
                    failed
                })
            })
            .collect();
        // A panic of a step ends the logins all the same.
        let turned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for (kind, in_haste) in [("user", false), ("host", false), ("user", true), ("host", true)] {
                crowd.rotate(kind, in_haste);
            }
        }));
        crowd.over.store(true, Ordering::Relaxed);
        let failed = people.into_iter().filter_map(|one| one.join().unwrap()).collect();
        if let Err(panic) = turned {
            eprintln!("logins: {failed:?}");
            std::panic::resume_unwind(panic);
        }
        failed
    });
    let entered = crowd.entered.into_inner();
    assert!(failed.is_empty(), "after {entered} logins: {failed:?}");
    assert!(entered > 50, "only {entered} logins");
    let list = home.run(&["ca", "list", "--json"]).expect(0).json();
    let phases: Vec<&str> = list["authorities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["phase"].as_str().unwrap())
        .collect();
    assert_eq!(
        phases,
        ["revoked", "revoked", "signing", "revoked", "revoked", "signing"]
    );
}
