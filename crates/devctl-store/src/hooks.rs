//! Which lifecycle hooks a container has behind it.

use rusqlite::params;

use crate::StoreError;
use crate::store::Store;

impl Store {
    /// Whether `hook` has run to its end in this container under this `key`: the container's creation time for hooks
    /// that run once, its start time for those that run at each start.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn hook_done(&self, container: &str, hook: &str, key: &str) -> Result<bool, StoreError> {
        self.read("look a hook's marker up", |transaction| {
            Ok(transaction
                .prepare_cached("SELECT 1 FROM hooks_done WHERE container = ?1 AND hook = ?2 AND key = ?3")?
                .exists([container, hook, key])?)
        })
    }

    /// Remembers that `hook` has run to its end. Only the newest key of a hook is kept.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn mark_hook_done(&self, container: &str, hook: &str, key: &str) -> Result<(), StoreError> {
        let at = self.now();
        self.write("mark a hook as done", |transaction| {
            transaction.execute(
                "INSERT INTO hooks_done (container, hook, key, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET key = excluded.key, at = excluded.at",
                params![container, hook, key, at],
            )?;
            Ok(())
        })
    }

    /// Forgets the markers of a container that was removed.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn forget_hooks(&self, container: &str) -> Result<(), StoreError> {
        self.write("forget a container's hooks", |transaction| {
            transaction.execute("DELETE FROM hooks_done WHERE container = ?1", [container])?;
            Ok(())
        })
    }
}
