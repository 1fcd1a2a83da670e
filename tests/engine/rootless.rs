//! `devctl` as an account without rights, with that account's own Podman.

use std::os::unix::fs::MetadataExt as _;

use devctl_engine::{Endpoint, connect};
use devctl_testkit::engines::base_archive;
use devctl_testkit::rootless::RootlessPodman;
use devctl_tests::sandbox::{Account, Sandbox};

use crate::support::{import, skip};

/// A user of the image that nobody outside has the id of, with a file in their home.
const DEV: &str = "RUN useradd -m -u 1500 -s /bin/bash dev && install -o dev -g dev /dev/null /home/dev/kept";

/// The whole way: a folder becomes a container that `ssh` reaches, and what is written inside belongs to the person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_without_rights_brings_a_folder_up_on_their_own_podman() {
    let archive = match base_archive() {
        Ok(archive) => archive,
        Err(error) => return skip(&format!("no base image for Podman: {error}")),
    };
    let own = match RootlessPodman::start(59_242) {
        Ok(own) => own,
        Err(error) => return skip(&format!("a rootless Podman cannot be started: {error}")),
    };
    let engine = connect(&Endpoint::explicit(own.url())).await.unwrap();
    import(&engine, archive).await;
    let account = Account {
        name: own.account().to_owned(),
        uid: own.uid(),
        groups: Vec::new(),
    };
    let said = tokio::task::spawn_blocking(move || {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk(&own.url(), account)));
        (outcome, own.log().unwrap())
    });
    let (outcome, log) = said.await.unwrap();
    if let Err(panic) = outcome {
        println!("{log}");
        std::panic::resume_unwind(panic);
    }
}

fn walk(url: &str, account: Account) {
    let uid = account.uid;
    let home = Sandbox::on(url).owned_by(account);
    let image = home.image("rootless", DEV);
    for (user, name) in [("dev", uid.to_string()), ("root", "0".to_owned())] {
        let folder = home.folder(
            user,
            &format!(r#"{{ "image": "{image}", "remoteUser": "{user}" }}"#),
        );
        let up = home.up(&folder);
        assert_eq!(
            home.ssh(up.host(), "id -u; echo made > made; stat -c %u ."),
            format!("{name}\n{name}")
        );
        let made = std::fs::metadata(folder.join("made")).unwrap();
        assert_eq!((made.uid(), made.gid()), (uid, uid), "{user}");
        assert_eq!(
            home.ssh(
                up.host(),
                "echo x > ~/new && cat ~/new; cd /home/dev && stat -c %U kept"
            ),
            "x\ndev"
        );
        assert_eq!(home.containers_of(&folder), [up.container()]);
        let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
        // The login starts it again.
        assert_eq!(home.ssh(up.host(), "id -u"), name);
        let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
        assert_eq!(home.containers_of(&folder), [""; 0]);
        assert!(folder.join("made").exists());
    }
}
