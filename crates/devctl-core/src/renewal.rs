//! Keeps certificates fresh while a door stays open, so that a login finds nothing to do.

use crate::core::Core;
use crate::identity;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};
use tokio::time::MissedTickBehavior;

/// How often the time of day is read. A timer stands still while a laptop sleeps, so this is also how long after its
/// waking an old certificate is noticed.
const GLANCE: Duration = Duration::from_secs(20);

/// How much of the day may pass between two looks at the certificates.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// Follows the time of day until the core is gone.
pub(crate) fn follow(core: &Arc<Core>) {
    tokio::spawn(keep_fresh(Arc::downgrade(core)));
}

async fn keep_fresh(core: Weak<Core>) {
    let mut looked = None;
    let mut ticks = tokio::time::interval(GLANCE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(core) = core.upgrade() else { return };
        let now = (core.config.clock)();
        if is_time(looked, now) {
            looked = Some(now);
            look(&core).await;
        }
    }
}

/// Whether the certificates are to be looked at; at once where the clock went back.
fn is_time(looked: Option<SystemTime>, now: SystemTime) -> bool {
    looked.is_none_or(|looked| now.duration_since(looked).map_or(true, |passed| passed >= EVERY))
}

async fn look(core: &Arc<Core>) {
    let config = core.config.clone();
    // Who never had a certificate gets none from a window that was merely opened.
    let due = tokio::task::spawn_blocking(move || {
        let had_one = config
            .ssh()
            .access_key()
            .is_ok_and(|key| key.certificate.is_file());
        had_one && identity::anything_due(&config)
    });
    match due.await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            tracing::warn!(%error, "the certificates could not be looked at");
            return;
        }
    }
    // A locked keychain is no reason to ask anybody: the next login says what is wrong.
    if let Err(problem) = crate::ssh_renew::renew(core, core.config.door).await {
        tracing::warn!(%problem, "certificates could not be renewed in the background");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// A core with a certificate, whose time of day is set by hand.
    struct Place {
        _home: tempfile::TempDir,
        core: Arc<Core>,
        time: Arc<Mutex<SystemTime>>,
    }

    impl Place {
        async fn new() -> Self {
            let place = Self::empty().await;
            place.core.ensure_identity().await.unwrap();
            place.core.renew_all().await.unwrap();
            place
        }

        async fn empty() -> Self {
            let home = tempfile::tempdir().unwrap();
            let mut config = crate::testing::config(home.path());
            std::fs::create_dir_all(&config.home).unwrap();
            std::fs::write(&config.devctl, "").unwrap();
            let time = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + DAY * 20_000));
            let clock = time.clone();
            config.clock = Arc::new(move || *clock.lock().unwrap());
            Self {
                _home: home,
                core: Core::open(config).await.unwrap(),
                time,
            }
        }

        fn set(&self, change: impl FnOnce(SystemTime) -> SystemTime) {
            let mut time = self.time.lock().unwrap();
            *time = change(*time);
        }

        fn certificate(&self) -> Option<String> {
            std::fs::read_to_string(self.core.config.ssh().access_key().unwrap().certificate).ok()
        }

        /// Whether the certificate is another one after a few glances. The paused timer moves when all tasks wait.
        async fn is_renewed_soon(&self, before: Option<&String>) -> bool {
            for _ in 0..4 {
                tokio::time::sleep(GLANCE).await;
                if self.certificate().as_ref() != before {
                    return true;
                }
            }
            false
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_laptop_that_slept_is_noticed_when_it_wakes() {
        let place = Place::new().await;
        follow(&place.core);
        let before = place.certificate();
        assert!(!place.is_renewed_soon(before.as_ref()).await, "nothing is due");
        // The timer has stood still; only the time of day tells.
        place.set(|time| time + DAY / 2);
        assert!(place.is_renewed_soon(before.as_ref()).await);
        assert!(!identity::anything_due(&place.core.config));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_a_day_or_a_month_either_way_is_noticed() {
        let place = Place::new().await;
        follow(&place.core);
        for change in [
            |time: SystemTime| time + DAY,
            |time: SystemTime| time - DAY,
            |time: SystemTime| time + DAY * 30,
            |time: SystemTime| time - DAY * 30,
        ] {
            let before = place.certificate();
            place.set(change);
            assert!(place.is_renewed_soon(before.as_ref()).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_certificate_gets_none_by_opening_a_door() {
        let place = Place::empty().await;
        follow(&place.core);
        assert!(!place.is_renewed_soon(None).await);
        assert!(!place.core.config.state_dir.exists(), "nothing is written");
    }

    #[test]
    fn the_certificates_are_looked_at_every_few_minutes_of_the_day() {
        let now = SystemTime::UNIX_EPOCH + DAY;
        assert!(is_time(None, now));
        assert!(!is_time(Some(now), now + EVERY / 2));
        assert!(is_time(Some(now), now + EVERY));
        assert!(is_time(Some(now), now - Duration::from_secs(1)), "it went back");
    }
}
