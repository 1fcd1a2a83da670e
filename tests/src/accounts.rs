//! Accounts of this machine that tests make: root passes many tests vacuously, and two people need two accounts.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose surroundings cannot be made fails, and says where"
)]

use crate::sandbox::{Account, skip};
use std::path::Path;
use std::process::Command;

/// Tests in other processes edit the same files.
const LOCK: &str = "/tmp/devctl-test-accounts.lock";

/// An account on this machine, until the value goes.
#[derive(Debug)]
pub struct Made(pub Account);

impl Made {
    /// An account without a home; none where the test may not make one, which is said.
    #[must_use]
    pub fn new(uid: u32, groups: &[&str]) -> Option<Self> {
        Self::with(uid, groups, &[])
    }

    /// An account that can be logged in to by a key, with that home. The home is not made.
    ///
    /// # Panics
    /// When `useradd` cannot be run.
    #[must_use]
    pub fn with_home(uid: u32, groups: &[&str], home: &Path) -> Option<Self> {
        let mut more = vec!["--shell", "/bin/sh", "--password", "*", "--home-dir"];
        more.push(home.to_str().unwrap());
        let list = groups.join(",");
        if !groups.is_empty() {
            // The server asks the machine which groups somebody is in, not us.
            more.extend(["--groups", &list]);
        }
        Self::with(uid, groups, &more)
    }

    fn with(uid: u32, groups: &[&str], more: &[&str]) -> Option<Self> {
        let name = format!("devctl-test-{uid}");
        if !more.is_empty() {
            // What a test that was killed has left has another home.
            drop(Self(Account {
                name: name.clone(),
                uid,
                groups: Vec::new(),
            }));
        }
        let mut useradd = Command::new("flock");
        useradd.args([LOCK, "useradd", "--no-create-home", "--user-group", "--uid"]);
        let made = useradd
            .arg(uid.to_string())
            .args(more)
            .arg(&name)
            .output()
            .unwrap();
        if !made.status.success() && !String::from_utf8_lossy(&made.stderr).contains("already exists") {
            skip(&format!("no account can be made here: {made:?}"));
            return None;
        }
        Some(Self(Account {
            name,
            uid,
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        }))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _gone = Command::new("flock")
            .args([LOCK, "userdel", &self.0.name])
            .output();
    }
}
