//! Who is given what.

use crate::home::{at_terminal, fed, folder_for_dev, set};
use devctl_tests::sandbox::{Sandbox, config};
use std::fs;

#[test]
fn variables_and_files_reach_hooks_logins_and_commands() {
    let Some(home) = Sandbox::new() else { return };
    let hooks = r#", "remoteEnv": {"TOKEN": "from-the-configuration", "GONE": null},
        "onCreateCommand": "echo \"token $TOKEN\"; printf %s \"$TOKEN $(cat $KEY_FILE)\" | sha256sum > hook-sum""#;
    let folder = folder_for_dev(&home, "given", hooks);
    set(&home, &["TOKEN"], b"hunter2-for-all\n");
    set(&home, &["GONE"], b"not-gone");
    set(
        &home,
        &["KEY", "--as-file", "--container", folder.to_str().unwrap()],
        b"line 1\nline 2\n",
    );
    let ran = home.run(&["up", "--verbose", folder.to_str().unwrap()]).expect(0);
    let said = ran.stdout() + &ran.stderr();
    assert!(
        said.contains("token ••••••") && !said.contains("hunter2"),
        "output of hooks is masked: {said}"
    );
    let name = home.unique("given");
    let host = format!("{name}.devctl");
    let expected = "hunter2-for-all line 1\nline 2";
    let by_hook = fs::read_to_string(folder.join("hook-sum")).unwrap();
    let sum = home.ssh(&host, "printf %s \"$TOKEN $(cat $KEY_FILE)\" | sha256sum");
    assert_eq!(sum, by_hook.trim_end());
    let line = r#"printf '%s %s' "$TOKEN" "$(cat "$KEY_FILE")""#;
    assert_eq!(home.ssh(&host, line), expected);
    let ran = home.run(&["exec", &name, "--", "sh", "-c", line]).expect(0);
    assert_eq!(ran.stdout(), expected);
    let ran = fed(
        home.devctl(&[
            "exec",
            "--interactive",
            &name,
            "--",
            "sh",
            "-c",
            "cat; printf %s \"$TOKEN $GONE\"",
        ]),
        b"input ",
    );
    assert_eq!(ran.stdout(), "input hunter2-for-all not-gone");
    assert_eq!(home.ssh(&host, "printf %s \"$GONE\""), "not-gone");
    let own = ["exec", "--env", "TOKEN=mine", &name, "--", "printenv", "TOKEN"];
    assert_eq!(home.run(&own).expect(0).stdout(), "mine\n", "what is said wins");
    let owner = home.ssh(
        &host,
        "stat -c '%U %a' /run/devctl-secrets/KEY; stat -f -c %T /run/devctl-secrets",
    );
    assert_eq!(owner, "dev 400\ntmpfs");
    let as_root = home.run(&[
        "exec",
        "--user",
        "root",
        &name,
        "--",
        "sh",
        "-c",
        "echo ${TOKEN-none}",
    ]);
    assert_eq!(
        as_root.stdout(),
        "from-the-configuration\n",
        "another user is given nothing"
    );
    let said = at_terminal(
        &home,
        &format!("exec --tty {name} -- sh -c 'echo tty-$TOKEN'"),
        &[],
    );
    assert!(said.contains("tty-hunter2-for-all"), "{said}");
}

#[test]
fn a_container_gets_no_secret_of_another_and_loses_what_is_removed() {
    let Some(home) = Sandbox::new() else { return };
    let (mine, other) = (
        home.folder("mine", &config("")),
        home.folder("other", &config("")),
    );
    home.up(&mine);
    home.up(&other);
    let (mine_name, other_name) = (home.unique("mine"), home.unique("other"));
    set(&home, &["OWN", "--as-file", "--container", &mine_name], b"of one");
    set(&home, &["BOTH"], b"of all");
    let read = "echo ${BOTH-no} $(cat ${OWN_FILE:-/none} 2>/dev/null || echo no); ls /run/devctl-secrets";
    assert_eq!(
        home.ssh(&format!("{mine_name}.devctl"), read),
        "of all of one\nOWN"
    );
    assert_eq!(home.ssh(&format!("{other_name}.devctl"), read), "of all no");
    let list = home
        .run(&["secret", "list", "--json", "--container", &other_name])
        .expect(0)
        .json();
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    let _gone = home
        .run(&["secret", "remove", "OWN", "--container", &mine_name])
        .expect(0);
    assert_eq!(home.ssh(&format!("{mine_name}.devctl"), read), "of all no");
    let gone = home.run(&["secret", "remove", "BOTH", "--json"]).expect(0).json();
    assert_eq!(gone["changed"], true);
    assert_eq!(home.ssh(&format!("{mine_name}.devctl"), read), "no no");
    let again = home.run(&["secret", "remove", "BOTH", "--json"]).expect(3);
    assert_eq!(again.error(), "secrets.not_found");
    // Removed and made anew from another folder under the same name: not the same container.
    set(&home, &["OWN", "--container", &mine_name], b"of one");
    let _removed = home.run(&["remove", "--yes", &mine_name]).expect(0);
    let elsewhere = home.folder_at(format!("elsewhere/{mine_name}"), &config(""));
    home.up(&elsewhere);
    assert_eq!(home.ssh(&format!("{mine_name}.devctl"), "echo ${OWN-no}"), "no");
}

#[test]
fn a_command_on_this_computer_gets_them_too_and_its_code_is_ours() {
    let home = Sandbox::on("unix:///nonexistent.sock");
    set(&home, &["TOKEN"], b"hunter2");
    set(&home, &["KEY", "--as-file"], b"k");
    let ran = home.run(&["secret", "run", "--", "sh", "-c", "echo $TOKEN ${KEY-no}; exit 7"]);
    assert_eq!((ran.code(), ran.stdout().as_str()), (7, "hunter2 no\n"));
    assert!(ran.stderr().contains("KEY"), "{}", ran.stderr());
    let document = home
        .run(&["secret", "run", "--json", "--", "printenv", "TOKEN"])
        .json();
    assert_eq!(document["stdout"], "hunter2\n");
    assert_eq!(home.run(&["secret", "run", "--", "/no/such/program"]).code(), 127);
    let shown = home.run(&["secret", "get", "TOKEN"]).expect(0).stdout();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(
        home.run(&["secret", "get", "TOKEN", "--reveal"])
            .expect(0)
            .stdout(),
        "hunter2\n"
    );
    for (words, value) in [
        (&["PATH"][..], b"x".as_slice()),
        (&["A-B"], b"x"),
        (&["NUL"], b"a\0b"),
        (&["EMPTY"], b"\n"),
    ] {
        let words = [&["secret", "set", "--json", "--from", "-"], words].concat();
        assert_eq!(
            fed(home.devctl(&words), value).expect(1).error(),
            "secrets.refused"
        );
    }
    let binary = ["secret", "set", "BINARY", "--as-file", "--from", "-"];
    let _set = fed(home.devctl(&binary), b"\xff\0").expect(0);
    let revealed = home
        .run(&["secret", "get", "BINARY", "--reveal", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&revealed["base64"], &revealed["value"]),
        (&true.into(), &"/wA=".into())
    );
}
