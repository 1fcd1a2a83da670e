//! Who uses a container, as the lock of one file tells.

use crate::config::{Clock, CoreConfig};
use crate::error::OrProblem;
use devctl_files::{FileLock, SharedLock};
use devctl_model::Problem;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

/// How often a use that goes on says so, for whoever reads it after a crash.
const BEAT: Duration = Duration::from_secs(60);

/// Somebody uses a container, as long as this lives.
pub(crate) struct InUse {
    lock: SharedLock,
    clock: Clock,
}

impl std::fmt::Debug for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InUse").finish_non_exhaustive()
    }
}

/// The use of one container by many at once, which share one file.
#[derive(Debug)]
pub(crate) struct Uses {
    config: CoreConfig,
    container: String,
    current: tokio::sync::Mutex<Weak<InUse>>,
}

impl Uses {
    /// Nobody uses it yet.
    pub(crate) fn of(config: &CoreConfig, container: &str) -> Arc<Self> {
        Arc::new(Self {
            config: config.clone(),
            container: container.to_owned(),
            current: tokio::sync::Mutex::default(),
        })
    }

    /// One more of them.
    pub(crate) async fn one(&self) -> Option<Arc<InUse>> {
        let mut current = self.current.lock().await;
        if let Some(used) = current.upgrade() {
            return Some(used);
        }
        let used = Arc::new(InUse::begin(&self.config, &self.container).await?);
        *current = Arc::downgrade(&used);
        Some(used)
    }
}

/// When a container was used last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is in use.
    Now,
    /// It was until then.
    Until(SystemTime),
    /// Not since this is written down.
    Never,
}

impl InUse {
    /// Begins to use a container; waits while it is being stopped for idleness. Nobody is kept out because it cannot be
    /// written down: `None` then.
    pub(crate) async fn begin(config: &CoreConfig, container: &str) -> Option<Self> {
        let (config, container) = (config.clone(), container.to_owned());
        let begun = tokio::task::spawn_blocking(move || Self::begin_now(&config, &container));
        match begun.await {
            Ok(Ok(begun)) => Some(begun),
            Ok(Err(problem)) => {
                tracing::warn!(%problem, "the use of a container is not seen by the idle stop");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the use of a container is not seen by the idle stop");
                None
            }
        }
    }

    fn begin_now(config: &CoreConfig, container: &str) -> Result<Self, Problem> {
        devctl_files::ensure_private_dir(&folder(config)).or_problem()?;
        let used = Self {
            lock: SharedLock::acquire(&path(config, container)).or_problem()?,
            clock: config.clock.clone(),
        };
        used.touch();
        Ok(used)
    }

    fn touch(&self) {
        if let Err(error) = self.lock.touch((self.clock)()) {
            tracing::debug!(%error, "the time of a use could not be noted");
        }
    }

    /// Says again and again that the use goes on.
    pub(crate) async fn goes_on(&self) -> Infallible {
        loop {
            tokio::time::sleep(BEAT).await;
            self.touch();
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.touch();
    }
}

/// When a container was used last.
pub(crate) fn last(config: &CoreConfig, container: &str) -> Use {
    let path = path(config, container);
    let Ok(metadata) = std::fs::metadata(&path) else {
        return Use::Never;
    };
    match FileLock::try_acquire(&path) {
        Ok(Some(_)) => metadata.modified().map_or(Use::Never, Use::Until),
        Ok(None) => Use::Now,
        Err(error) => {
            tracing::debug!(%error, "whether a container is in use is not known");
            Use::Now
        }
    }
}

/// Keeps everybody from beginning to use a container while this lives; `None` where somebody uses it.
pub(crate) fn alone(config: &CoreConfig, container: &str) -> Result<Option<FileLock>, Problem> {
    devctl_files::ensure_private_dir(&folder(config)).or_problem()?;
    FileLock::try_acquire(&path(config, container)).or_problem()
}

/// Forgets when a container was used that is gone.
pub(super) fn remove(config: &CoreConfig, container: &str) {
    let path = path(config, container);
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::debug!(%error, "an activity file stays behind");
    }
}

fn folder(config: &CoreConfig) -> PathBuf {
    config.state_dir.join("activity")
}

fn path(config: &CoreConfig, container: &str) -> PathBuf {
    // Ids are of the engine; whatever it says stays one name in our folder.
    let name: String = container
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(64)
        .collect();
    folder(config).join(format!("{name}.use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_use_is_seen_while_it_lasts_and_its_end_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        assert_eq!(last(&config, "c1"), Use::Never);
        let first = InUse::begin(&config, "c1").await.unwrap();
        let second = InUse::begin(&config, "c1").await.unwrap();
        assert_eq!(last(&config, "c1"), Use::Now);
        assert!(alone(&config, "c1").unwrap().is_none());
        drop(first);
        assert_eq!(last(&config, "c1"), Use::Now);
        let before = SystemTime::now() - Duration::from_secs(1);
        drop(second);
        let Use::Until(end) = last(&config, "c1") else {
            panic!("it is over")
        };
        assert!(end >= before);
        assert_eq!(last(&config, "c2"), Use::Never);
        remove(&config, "c1");
        assert_eq!(last(&config, "c1"), Use::Never);
    }

    #[tokio::test]
    async fn many_use_it_with_one_file() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        let uses = Uses::of(&config, "c1");
        let (first, second) = (uses.one().await.unwrap(), uses.one().await.unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        drop(first);
        assert_eq!(last(&config, "c1"), Use::Now);
        drop(second);
        assert!(matches!(last(&config, "c1"), Use::Until(_)));
        let again = uses.one().await;
        assert_eq!(last(&config, "c1"), Use::Now);
        drop(again);
    }

    #[tokio::test]
    async fn who_comes_while_it_is_being_stopped_waits() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        let stopping = alone(&config, "c1").unwrap().unwrap();
        let coming = tokio::spawn({
            let config = config.clone();
            async move { InUse::begin(&config, "c1").await.is_some() }
        });
        // It reads as in use by the one who stops it.
        assert_eq!(last(&config, "c1"), Use::Now);
        assert!(!coming.is_finished());
        drop(stopping);
        assert!(coming.await.unwrap());
    }

    #[test]
    fn an_id_that_is_none_stays_in_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        assert_eq!(path(&config, "../../x/y"), folder(&config).join("xy.use"));
    }
}
