//! A revocation reaches the sessions that are open, and only those.

use crate::holder::{Holder, begun, ends_soon, lives};
use devctl_tests::programs::{Background, Ran, ran, wait_until};
use devctl_tests::sandbox::{Sandbox, config};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

fn revoke(home: &Sandbox, means: &[&str]) -> Instant {
    let words = [&["cert", "revoke", "--yes", "--reason", "a test"], means].concat();
    let _revoked = home.run(&words).expect(0);
    Instant::now()
}

#[test]
fn each_means_ends_the_sessions_of_its_certificate_within_a_second_and_no_other() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("revoked", &config("")));
    let names = ["serial", "range", "id", "key", "hash"];
    let holders: Vec<Holder> = names
        .iter()
        .map(|name| Holder::new(&home, name, &up, &[]))
        .collect();
    let mut sessions: Vec<Background> = holders.iter().map(|one| one.session(&home, &up)).collect();
    let mut owner = begun(home.client("ssh").arg(up.host()));
    for (number, holder) in holders.iter().enumerate() {
        let key = holder.file("key.pub");
        let serial = holder.serial();
        let serials = format!("{serial}-{serial}");
        let means = match names[number] {
            "serial" => ["--serial", &serial],
            "range" => ["--serials", &serials],
            "id" => ["--key-id", holder.text("keyId")],
            "key" => ["--key", key.to_str().unwrap()],
            _ => ["--fingerprint", holder.text("subject")],
        };
        let revoked = revoke(&home, &means);
        ends_soon(names[number], &mut sessions[number], revoked);
        let said = sessions[number].stderr();
        assert!(
            said.contains("was revoked") && said.contains("certificate.revoked"),
            "{}: {said}",
            names[number]
        );
        let refused = holder.try_ssh(&home, &up, "echo in").expect(255);
        assert!(refused.stderr().contains("Permission denied"), "{refused:?}");
        for (name, session) in names.iter().zip(&mut sessions).skip(number + 1) {
            lives(name, session);
        }
        lives("the owner", &mut owner);
    }
    wait_until("the end of their commands", || {
        let left = home.docker(&[
            "exec",
            up.container(),
            "sh",
            "-c",
            "pgrep -fc '^sleep 4711' || true",
        ]);
        left == "1"
    });
    // A new certificate of the same key lets in again, where the key itself was not revoked.
    let key = holders[0].file("key.pub");
    let again = ["cert", "issue", "--name", "again", "--container", up.name()];
    let _issued = home
        .run(
            &[
                &again[..],
                &["-o", home.home().to_str().unwrap(), key.to_str().unwrap()],
            ]
            .concat(),
        )
        .expect(0);
    let folder = key.parent().unwrap();
    fs::copy(home.home().join("again-cert.pub"), folder.join("serial-cert.pub")).unwrap();
    assert_eq!(
        holders[0].try_ssh(&home, &up, "echo in").expect(0).stdout(),
        "in\n"
    );
}

#[test]
fn a_shared_connection_ends_with_all_its_sessions() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("shared", &config("")));
    let holder = Holder::new(&home, "mux", &up, &[]);
    let socket = home.home().join("mux");
    let through = || {
        let mut ssh = holder.ssh(&home, &up);
        ssh.arg("-S").arg(&socket);
        ssh
    };
    let mut master = Background::start(
        through()
            .args(["-M", "-N"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    wait_until("the master", || {
        through().args(["-O", "check"]).output().unwrap().status.success()
    });
    let mut sessions: Vec<Background> = (0..3).map(|_| begun(&mut through())).collect();
    let revoked = revoke(&home, &["--serial", &holder.serial()]);
    ends_soon("the master", &mut master, revoked);
    for session in &mut sessions {
        ends_soon("a session of it", session, revoked);
    }
}

#[test]
fn a_retired_authority_ends_what_it_let_in() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("retired", &config("")));
    let holder = Holder::new(&home, "last", &up, &[]);
    let mut session = holder.session(&home, &up);
    for _ in 0..3 {
        let _stepped = home.run(&["ca", "rotate", "user"]).expect(0);
    }
    let mut owner = begun(home.client("ssh").arg(up.host()));
    lives("until it is retired", &mut session);
    // Somebody needs it, so it does not go by itself.
    assert_eq!(
        home.run(&["ca", "rotate", "user", "--json"]).error(),
        "authority.needed"
    );
    lives("until it is retired", &mut session);
    let _retired = home.run(&["ca", "retire", "user", "--now", "--yes"]).expect(0);
    ends_soon("its holder", &mut session, Instant::now());
    assert!(session.stderr().contains("its authority was retired"));
    lives("the owner", &mut owner);
    let refused = holder.try_ssh(&home, &up, "echo in").expect(255);
    assert!(refused.stderr().contains("Permission denied"), "{refused:?}");
}

/// Ways in which a list cannot be read, and what each leaves of it.
fn damage(list: &Path, way: &str) {
    let bytes = fs::read(list).unwrap();
    let damaged = match way {
        "empty" => Vec::new(),
        "garbage" => b"garbage".to_vec(),
        "cut off" => bytes[..bytes.len() - 3].to_vec(),
        _ => {
            let mut bytes = bytes;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x40;
            bytes
        }
    };
    fs::write(list, damaged).unwrap();
}

#[test]
fn a_list_that_cannot_be_read_refuses_new_logins_says_how_to_repair_it_and_ends_nothing() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("damaged", &config("")));
    let (good, bad) = (
        Holder::new(&home, "good", &up, &[]),
        Holder::new(&home, "bad", &up, &[]),
    );
    revoke(&home, &["--serial", &bad.serial()]);
    let mut session = good.session(&home, &up);
    let list = home.state().join("revoked.krl");
    for way in ["empty", "garbage", "cut off", "a bit"] {
        damage(&list, way);
        for refused in [
            home.try_ssh(up.host(), "echo in"),
            good.try_ssh(&home, &up, "echo in"),
            bad.try_ssh(&home, &up, "echo in"),
        ] {
            let refused = refused.expect(255);
            assert!(refused.stdout().is_empty(), "{way}");
            let said = refused.stderr();
            assert!(said.contains(list.to_str().unwrap()), "{way}: {said}");
            assert!(said.contains("devctl cert renew"), "{way}: {said}");
        }
        let shown = home.run(&["cert", "revocations", "--json"]).expect(0).json();
        assert!(shown["problem"].is_string(), "{way}: {shown}");
        // As the message says.
        let _mended = home.run(&["cert", "renew"]).expect(0);
        assert_eq!(home.ssh(up.host(), "echo in"), "in", "{way}");
        assert_eq!(good.try_ssh(&home, &up, "echo in").code(), 0, "{way}");
        assert_eq!(bad.try_ssh(&home, &up, "echo in").code(), 255, "{way}");
        let read = Command::new("ssh-keygen")
            .arg("-Qlf")
            .arg(&list)
            .output()
            .unwrap();
        assert!(read.status.success(), "{way}: {read:?}");
    }
    lives("who was let in rightly", &mut session);
}

#[test]
fn a_list_that_is_gone_is_written_from_the_record_at_the_next_login() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("gone", &config("")));
    let bad = Holder::new(&home, "bad", &up, &[]);
    revoke(&home, &["--serial", &bad.serial()]);
    fs::remove_file(home.state().join("revoked.krl")).unwrap();
    assert_eq!(bad.try_ssh(&home, &up, "echo in").code(), 255);
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    let listed = ran(Command::new("ssh-keygen")
        .arg("-Qlf")
        .arg(home.state().join("revoked.krl")));
    assert!(listed.contains(&format!("serial: {}", bad.serial())), "{listed}");
}

#[test]
fn the_owners_own_certificate_is_replaced_when_it_is_revoked() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("own", &config("")));
    let mut session = begun(home.client("ssh").arg(up.host()));
    let listed = home.run(&["cert", "list", "user", "--json"]).expect(0).json();
    let serial = listed[0]["serial"].to_string();
    let revoked = revoke(&home, &["--serial", &serial]);
    ends_soon("the owner's session", &mut session, revoked);
    assert_eq!(
        Ran(home.client("ssh").args([up.host(), "echo in"]).output().unwrap())
            .expect(0)
            .stdout(),
        "in\n"
    );
}
