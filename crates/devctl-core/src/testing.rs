//! What the unit tests of this crate share.

use crate::config::CoreConfig;
use devctl_engine::EngineEnv;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// A configuration whose every path lies below `root`, with no engine in it.
pub(crate) fn config(root: &Path) -> CoreConfig {
    CoreConfig {
        door: "cli",
        user: "ann".into(),
        uid: 1000,
        gid: 1000,
        machine: "test".into(),
        home: root.join("home"),
        state_dir: root.join("state"),
        ssh_dir: root.join("home/.ssh/devctl"),
        ssh_user_config: root.join("home/.ssh/config"),
        env: std::collections::BTreeMap::new(),
        working_directory: root.to_owned(),
        devctl: root.join("devctl"),
        process: devctl_store::Process { pid: 1, started: 1 },
        is_alive: |_| true,
        engine_env: EngineEnv {
            vars: std::collections::BTreeMap::new(),
            home: None,
            runtime_dir: None,
            uid: None,
            platform: devctl_engine::HostPlatform::Linux,
            system_root: root.to_owned(),
        },
        routes: String::new(),
        key_sources: devctl_secrets::KeySources::default(),
        passphrase: crate::vault::VaultPassphrase::default(),
        clock: Arc::new(SystemTime::now),
        local_time: |_| crate::config::LocalTime {
            weekday: 0,
            minute: 0,
        },
    }
}
