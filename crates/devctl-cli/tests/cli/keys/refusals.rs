//! Keys whose making was cut off, and what is refused with words that a person can read.

use super::{OWN, file, names, opens, outside, refused, ssh_dir};
use crate::sandbox::Sandbox;
use std::fs;

#[test]
fn a_key_whose_maker_was_killed_gets_its_place_or_goes() {
    let home = Sandbox::without_engine();
    let own = file(&home, "own", OWN);
    let made = home
        .run(&["key", "generate", "work", "--passphrase-file", &own, "--json"])
        .expect(0)
        .json();
    let keys = ssh_dir(&home).join("keys");
    let (place, beside) = (keys.join("work"), keys.join(".devctl-next-work"));

    // As it is when the process is killed right after the key was recorded.
    fs::rename(&place, &beside).unwrap();
    fs::remove_file(keys.join("work.pub")).unwrap();
    assert_eq!(names(&home), ["access", "work"]);
    assert!(!beside.exists() && opens(&place, OWN));
    let line = fs::read_to_string(keys.join("work.pub")).unwrap();
    assert_eq!(line.trim_end(), made["publicKey"].as_str().unwrap());

    // And right before.
    fs::copy(&place, keys.join(".devctl-next-other")).unwrap();
    assert_eq!(names(&home), ["access", "work"]);
    assert!(!keys.join(".devctl-next-other").exists());

    // Whatever comes first: the name is taken, the key can be given out and removed.
    fs::rename(&place, &beside).unwrap();
    refused(home.run(&["key", "generate", "work", "--json"]), 1, "key.exists");
    fs::rename(&place, &beside).unwrap();
    home.run(&["key", "remove", "work", "--yes"]).expect(0);
    assert_eq!(names(&home), ["access"]);
    assert!(!place.exists() && !beside.exists());
}

#[test]
fn a_short_passphrase_protects_nothing_that_is_given_out() {
    let home = Sandbox::without_engine();
    home.run(&["key", "generate", "work"]).expect(0);
    let out = home.home().join("out").display().to_string();
    let short = file(&home, "short", "seven77");
    let export = ["key", "export", "work", "--private", &out, "--json"];
    let with = |passphrase: &str| home.run(&[&export[..], &["--new-passphrase-file", passphrase]].concat());
    refused(with(&short), 2, "request.invalid");
    assert!(!home.home().join("out").exists());
    let long = file(&home, "long", "eight888");
    with(&long).expect(0);
}

#[test]
fn names_of_devices_are_refused_everywhere() {
    let home = Sandbox::without_engine();
    for name in ["con", "nul", "com1", "lpt9"] {
        let said = home.run(&["key", "generate", name, "--json"]).expect(2).json();
        assert_eq!(said["error"]["code"], "ssh.name_invalid", "{name}");
        assert!(
            said["error"]["message"].as_str().unwrap().contains("Windows"),
            "{said}"
        );
    }
    home.run(&["key", "generate", "console"]).expect(0);
}

#[test]
fn a_name_without_end_is_not_repeated_whole() {
    let home = Sandbox::without_engine();
    let name = "x".repeat(100_000);
    let public = format!("{}.pub", outside(&home, "bob", &["-t", "ed25519", "-N", ""]));
    let issue = ["cert", "issue", &public, "--role", "ci", "--name", &name];
    for words in [
        &["key", "show", &name][..],
        &["key", "generate", &name],
        &issue,
        &["ssh", "lines", &name],
    ] {
        for form in [&[][..], &["--json"]] {
            let ran = home.run(&[words, form].concat());
            assert!(ran.code() != 0, "{:?}", words[0]);
            let said = ran.stdout().len() + ran.stderr().len();
            assert!(said < 10_000, "{} {}: {said} bytes", words[0], words[1]);
        }
    }
}

#[test]
fn a_key_file_that_is_no_text_is_called_that() {
    let home = Sandbox::without_engine();
    let path = home.home().join("binary");
    fs::write(&path, [0x30, 0x82, 0xff, 0xfe, 0x00]).unwrap();
    let ran = home.run(&["key", "import", "work", path.to_str().unwrap(), "--json"]);
    let said = ran.expect(1).json();
    assert_eq!(said["error"]["code"], "file.failed");
    let message = said["error"]["message"].as_str().unwrap();
    assert!(message.contains("is no text"), "{said}");
    assert!(
        said["error"]["fixes"][0]["text"]
            .as_str()
            .unwrap()
            .contains("DER"),
        "{said}"
    );
}
