use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use devctl_ssh::{
    Applied, ClientConfig, HostEntry, IncludeAction, Placement, Platform, SshClient, SshDir, Suffix,
    include_status, install, plan_install, plan_uninstall, render_config, slug, uninstall,
};

use proptest::prelude::*;

use crate::{has, odd_names, option, ssh};

/// A home with an ssh directory of the test's choice.
struct Home {
    _temp: tempfile::TempDir,
    ssh: PathBuf,
    dir: SshDir,
}

impl Home {
    fn new() -> Self {
        Self::named(Path::new("home"))
    }

    fn named(name: &Path) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let ssh = temp.path().join(name).join(".ssh");
        fs::create_dir_all(&ssh).unwrap();
        let dir = SshDir::new(ssh.join("devctl"));
        dir.ensure().unwrap();
        let config = ClientConfig {
            devctl_path: "/bin/true".into(),
            ssh_dir: dir.clone(),
            access_key: dir.access_key().unwrap(),
            suffix: Suffix::default(),
            hosts: vec![HostEntry::new(slug("web"), "dev").unwrap()],
            forward_agent: false,
            platform: Platform::Unix,
        };
        dir.write_config(&render_config(&config).unwrap()).unwrap();
        Self {
            _temp: temp,
            ssh,
            dir,
        }
    }

    fn with(content: &[u8]) -> Self {
        let home = Self::new();
        fs::write(home.config(), content).unwrap();
        fs::set_permissions(home.config(), fs::Permissions::from_mode(0o644)).unwrap();
        home
    }

    fn config(&self) -> PathBuf {
        self.ssh.join("config")
    }

    fn read(&self) -> Vec<u8> {
        fs::read(self.config()).unwrap()
    }

    fn install(&self) -> Result<Applied, devctl_ssh::SshError> {
        install(
            &plan_install(&self.config(), &self.dir)?,
            &self.dir,
            Some(&SshClient::new("ssh")),
        )
    }

    fn uninstall(&self) -> Applied {
        uninstall(&plan_uninstall(&self.config(), &self.dir).unwrap(), &self.dir).unwrap()
    }

    fn placement(&self) -> Placement {
        include_status(&self.config(), &self.dir).unwrap().placement
    }

    fn reaches_web(&self) -> bool {
        option(&self.config(), "web.devctl", "user") == ["dev"]
    }
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (
            "ordinary",
            text("# mine\nHost a b\n  User x\n\nHost *\n  ForwardAgent yes\n"),
        ),
        ("no final newline", text("Host a\n  User x")),
        ("crlf", text("Host a\r\n  User x\r\nHost b\r\n  Port 23\r\n")),
        ("match first", text("Match host a\n  User x\nHost b\n  User y\n")),
        (
            "host star first",
            text("Host *\n  User nobody\n  ProxyCommand none\n  StrictHostKeyChecking no\nHost a\n"),
        ),
        (
            "global options first",
            text("User x\nPort 23\nIdentityFile ~/.ssh/mine\nHost a\n  Port 24\n"),
        ),
        (
            "other include first",
            text("Include config.d/*\nHost a\n  User x\n"),
        ),
        ("only comments", text("# nothing here\n\n\n")),
        ("empty", Vec::new()),
        ("latin 1 comment", b"# gr\xfc\xdfe\nHost a\n  User x\n".to_vec()),
        ("tabs and equals", text("\tHost=a\n\tUser = x\n")),
        ("blank lines first", text("\n\n  \nHost a\n  User x\n")),
    ]
}

#[test]
fn install_and_uninstall_give_back_every_file_byte_by_byte() {
    if !has("ssh") {
        return;
    }
    for (name, content) in files() {
        let home = Home::with(&content);
        let before: Vec<_> = ["a", "b", "example.org"]
            .map(|host| ssh(&home.config(), &["-G", host]).stdout)
            .into();
        assert_eq!(home.install().unwrap(), Applied::Changed, "{name}");
        assert_eq!(home.placement(), Placement::InForce { line: 1 }, "{name}");
        assert!(home.reaches_web(), "{name}");
        assert!(home.read().ends_with(&content), "{name}");
        let after: Vec<_> = ["a", "b", "example.org"]
            .map(|host| ssh(&home.config(), &["-G", host]).stdout)
            .into();
        assert!(before == after && !before[0].is_empty(), "{name}");
        assert_eq!(
            fs::metadata(home.config()).unwrap().mode() & 0o777,
            0o644,
            "{name}"
        );
        assert_eq!(fs::read(home.dir.backup()).unwrap(), content, "{name}");

        assert_eq!(home.install().unwrap(), Applied::Unchanged, "{name}");
        assert_eq!(home.uninstall(), Applied::Changed, "{name}");
        assert_eq!(home.read(), content, "{name}");
        assert_eq!(home.uninstall(), Applied::Unchanged, "{name}");
        assert_eq!(home.placement(), Placement::Missing, "{name}");
    }
}

#[test]
fn the_line_has_the_line_end_of_the_file() {
    if !has("ssh") {
        return;
    }
    let home = Home::with(b"Host a\r\n  User x\r\n");
    home.install().unwrap();
    let content = home.read();
    assert_eq!(content.iter().filter(|byte| **byte == b'\n').count(), 3);
    assert_eq!(content.windows(2).filter(|pair| pair == b"\r\n").count(), 3);
}

#[test]
fn the_plan_shows_the_change_as_a_diff() {
    let home = Home::with(b"Host a\n  User x");
    let plan = plan_install(&home.config(), &home.dir).unwrap();
    let path = home.config().display().to_string();
    let expected = format!(
        "--- {path}\n+++ {path}\n@@ -1,2 +1,3 @@\n+{}\n Host a\n   User x\n\\ No newline at end of file\n",
        plan.line
    );
    assert_eq!(
        (plan.action, plan.diff.as_str()),
        (IncludeAction::Insert, expected.as_str())
    );
    assert_eq!(home.read(), b"Host a\n  User x");
}

/// `patch` makes of the old file what we would write.
#[test]
fn the_diff_is_one_that_patch_understands() {
    if !has("patch") || !has("ssh") {
        return;
    }
    let block = "Host a\n  User x\n\nHost b\n  User y\n  Port 24\n  ForwardAgent no\n".repeat(2);
    let home = Home::new();
    let line = plan_install(&home.config(), &home.dir).unwrap().line;
    for content in [String::new(), block.clone(), format!("{block}{line}\n{block}")] {
        let home_file = home.config();
        fs::write(&home_file, &content).unwrap();
        let plan = plan_install(&home_file, &home.dir).unwrap();
        let copy = home.ssh.join("copy");
        fs::write(&copy, &content).unwrap();
        let diff = home.ssh.join("diff");
        fs::write(&diff, &plan.diff).unwrap();
        let patched = std::process::Command::new("patch")
            .arg(&copy)
            .arg(&diff)
            .output()
            .unwrap();
        assert!(patched.status.success(), "{patched:?}\n{}", plan.diff);
        install(&plan, &home.dir, None).unwrap();
        assert_eq!(
            fs::read_to_string(&copy).unwrap(),
            fs::read_to_string(&home_file).unwrap()
        );
    }
}

#[test]
fn a_missing_file_and_directory_are_made_private_and_removed_again() {
    if !has("ssh") {
        return;
    }
    let home = Home::new();
    home.install().unwrap();
    assert!(home.reaches_web());
    assert_eq!(fs::metadata(home.config()).unwrap().mode() & 0o777, 0o600);
    home.uninstall();
    assert!(!home.config().exists());

    let elsewhere = home.ssh.join("not/there/config");
    let plan = plan_install(&elsewhere, &home.dir).unwrap();
    install(&plan, &home.dir, Some(&SshClient::new("ssh"))).unwrap();
    assert_eq!(
        fs::metadata(elsewhere.parent().unwrap()).unwrap().mode() & 0o777,
        0o700
    );
}

#[test]
fn links_stay_links_also_when_they_dangle() {
    if !has("ssh") {
        return;
    }
    let home = Home::new();
    let dots = home.ssh.join("../dots");
    fs::create_dir(&dots).unwrap();
    fs::write(dots.join("ssh_config"), "Host a\n  User x\n").unwrap();
    symlink("../dots/ssh_config", home.ssh.join("middle")).unwrap();
    symlink("middle", home.config()).unwrap();
    home.install().unwrap();
    assert!(home.reaches_web());
    assert_eq!(fs::read_link(home.config()).unwrap(), Path::new("middle"));
    assert!(
        fs::read_to_string(dots.join("ssh_config"))
            .unwrap()
            .starts_with("Include ")
    );
    home.uninstall();
    assert_eq!(fs::read(dots.join("ssh_config")).unwrap(), b"Host a\n  User x\n");

    fs::remove_file(dots.join("ssh_config")).unwrap();
    home.install().unwrap();
    assert!(home.reaches_web() && dots.join("ssh_config").exists());
    home.uninstall();
    assert!(!dots.join("ssh_config").exists());
    assert_eq!(fs::read_link(home.config()).unwrap(), Path::new("middle"));
}

#[test]
fn a_read_only_file_is_left_alone_and_the_line_given() {
    let home = Home::with(b"Host a\n");
    fs::set_permissions(home.config(), fs::Permissions::from_mode(0o444)).unwrap();
    let plan = plan_install(&home.config(), &home.dir).unwrap();
    assert_eq!(plan.action, IncludeAction::ReadOnly);
    let error = home.install().unwrap_err();
    assert_eq!(error.code(), "ssh.config_readonly");
    assert!(error.fix().unwrap().contains(&plan.line));
    assert_eq!(home.read(), b"Host a\n");
    assert!(include_status(&home.config(), &home.dir).unwrap().read_only);
}

#[test]
fn a_line_inside_a_block_moves_to_the_top() {
    if !has("ssh") {
        return;
    }
    let home = Home::new();
    let line = plan_install(&home.config(), &home.dir).unwrap().line;
    fs::write(home.config(), format!("Host a\n  User x\n{line}\nHost b\n")).unwrap();
    assert_eq!(home.placement(), Placement::InsideBlock { line: 3 });
    assert_eq!(
        plan_install(&home.config(), &home.dir).unwrap().action,
        IncludeAction::MoveToTop
    );
    home.install().unwrap();
    assert_eq!(
        fs::read_to_string(home.config()).unwrap(),
        format!("{line}\nHost a\n  User x\nHost b\n")
    );
}

#[test]
fn a_line_that_a_person_wrote_is_known() {
    for line in [
        "Include ~/.ssh/devctl/config",
        "include devctl/config",
        "INCLUDE = \"~/.ssh/devctl/config\"",
    ] {
        let home = Home::with(format!("# top\n{line}\nHost a\n").as_bytes());
        assert_eq!(home.placement(), Placement::InForce { line: 2 }, "{line}");
        home.uninstall();
        assert_eq!(home.read(), b"# top\nHost a\n", "{line}");
    }
}

#[test]
fn a_file_that_ssh_does_not_read_is_named_and_left_alone() {
    if !has("ssh") {
        return;
    }
    for content in [
        &b"\xef\xbb\xbfHost a\n"[..],
        b"H\0o\0s\0t\0",
        b"Hots a\n",
        b"Host a\n  IdentityFile /a b c\n",
    ] {
        let home = Home::with(content);
        let error = home.install().unwrap_err();
        assert_eq!(error.code(), "ssh.config_invalid", "{error}");
        assert!(
            error.to_string().contains(home.config().to_str().unwrap()),
            "{error}"
        );
        assert_eq!(home.read(), content);
    }
}

#[test]
fn a_host_of_the_users_own_under_our_suffix_is_not_taken_over() {
    if !has("ssh") {
        return;
    }
    let content = b"Host mine.devctl\n  HostName 10.0.0.1\n";
    let home = Home::with(content);
    let error = home.install().unwrap_err();
    assert_eq!(error.code(), "ssh.config_would_change");
    assert!(error.to_string().contains("mine.devctl"));
    assert_eq!(home.read(), content);
}

#[test]
fn a_home_of_any_name_can_be_included() {
    if !has("ssh") {
        return;
    }
    for name in odd_names() {
        let home = Home::named(&name);
        let plan = plan_install(&home.config(), &home.dir).unwrap();
        if name.to_str().unwrap().contains('%') {
            // Versions of ssh differ on it, so the line is relative to ~/.ssh, which is not ours in a test.
            assert_eq!(plan.line, "Include devctl/config");
            continue;
        }
        home.install().unwrap();
        assert!(home.reaches_web(), "{name:?}: {}", plan.line);
        home.uninstall();
        assert!(!home.config().exists());
    }
}

#[test]
fn installs_at_once_put_in_one_line_and_lose_no_line_of_others() {
    let home = Home::with(b"Host a\n");
    std::thread::scope(|scope| {
        for n in 0..4 {
            let home = &home;
            scope.spawn(move || {
                for _ in 0..5 {
                    if n % 2 == 0 {
                        let plan = plan_install(&home.config(), &home.dir).unwrap();
                        install(&plan, &home.dir, None).unwrap();
                    } else {
                        home.uninstall();
                    }
                }
            });
        }
        // Readers see the file with the line or without it, never a part.
        for _ in 0..500 {
            let text = String::from_utf8(home.read()).unwrap();
            assert!(
                text == "Host a\n" || (text.starts_with("Include ") && text.ends_with("\nHost a\n")),
                "{text:?}"
            );
        }
    });
    install(&plan_install(&home.config(), &home.dir).unwrap(), &home.dir, None).unwrap();
    assert_eq!(
        fs::read_to_string(home.config())
            .unwrap()
            .matches("Include ")
            .count(),
        1
    );
    let left: Vec<_> = fs::read_dir(&home.ssh)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_was_added_between_plan_and_consent_is_kept() {
    let home = Home::with(b"Host a\n");
    let plan = plan_install(&home.config(), &home.dir).unwrap();
    fs::write(home.config(), "Host a\nHost new\n").unwrap();
    install(&plan, &home.dir, None).unwrap();
    assert!(home.read().ends_with(b"\nHost a\nHost new\n"));
}

/// Tries to install into `$DEVCTL_TEST_HOME` and says what came of it; does nothing by itself.
#[test]
fn as_somebody() {
    let Some(home) = std::env::var_os("DEVCTL_TEST_HOME") else {
        return;
    };
    let (config, dir) = (
        Path::new(&home).join(".ssh/config"),
        SshDir::new(Path::new(&home).join("devctl")),
    );
    let plan = plan_install(&config, &dir).unwrap();
    println!("action: {:?}", plan.action);
    match install(&plan, &dir, None) {
        Ok(applied) => println!("install: {applied:?}"),
        Err(error) => println!("install: {}", error.code()),
    }
}

/// Root may write everywhere, so this runs as nobody.
#[test]
fn a_home_without_rights_is_left_alone_and_the_line_given() {
    use std::os::unix::fs::chown;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    let home = Home::with(b"Host a\n");
    let root = home.ssh.parent().unwrap();
    // A copy that nobody may run, wherever the tests were built.
    let exe = root.join("tests");
    fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    fs::set_permissions(root.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(root.join("devctl")).unwrap();
    if chown(root.join("devctl"), Some(NOBODY), Some(NOBODY)).is_err() {
        println!("SKIPPED: acting as another user needs root");
        return;
    }
    let attempt = |mode: u32, owner: u32| {
        fs::set_permissions(&home.ssh, fs::Permissions::from_mode(mode)).unwrap();
        chown(&home.ssh, Some(owner), Some(owner)).unwrap();
        let output = std::process::Command::new(&exe)
            .args(["--exact", "include_line::as_somebody", "--nocapture"])
            .env("DEVCTL_TEST_HOME", root)
            .current_dir("/")
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    for (mode, owner) in [(0o755, 0), (0o555, NOBODY)] {
        let said = attempt(mode, owner);
        assert!(
            said.contains("action: ReadOnly") && said.contains("install: ssh.config_readonly"),
            "{said}"
        );
        assert_eq!(home.read(), b"Host a\n");
    }
    // With rights on the directory but not to give the file back to its owner, it stays the owner's file.
    let said = attempt(0o755, NOBODY);
    assert!(said.contains("install: ssh.config_readonly"), "{said}");
    assert_eq!(home.read(), b"Host a\n");
}

/// Files of any bytes and line ends, with pieces of configurations in them.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "Host a\n", "Host *\r\n", "  User x\n", "Match all\n", "Include other\n", "# Include devctl/config\n", "\n", "\r\n",
            "\r", " ", "\t", "Include", "=", "\"", "devctl/config ", "\u{feff}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_file_is_given_back_byte_by_byte(content in any_file(), beside in any::<bool>()) {
        let home = Home::new();
        // Beside ours, or where another program was told to keep its configuration.
        let config = if beside { home.config() } else { home.ssh.join("../elsewhere") };
        fs::write(&config, &content).unwrap();
        let plan = match plan_install(&config, &home.dir) {
            Ok(plan) => plan,
            Err(error) => {
                prop_assert!(content.starts_with(b"\xef\xbb\xbf") || content.contains(&0), "{}", error);
                return Ok(());
            }
        };
        // A line of ours that was there before is not the person's.
        prop_assume!(plan.action == IncludeAction::Insert);
        prop_assert_eq!(install(&plan, &home.dir, None).unwrap(), Applied::Changed);
        prop_assert_eq!(include_status(&config, &home.dir).unwrap().placement, Placement::InForce { line: 1 });
        prop_assert_eq!(&fs::read(&plan.backup).unwrap(), &content);
        let plan = plan_uninstall(&config, &home.dir).unwrap();
        prop_assert_eq!(uninstall(&plan, &home.dir).unwrap(), Applied::Changed);
        prop_assert_eq!(fs::read(&config).unwrap(), content);
    }
}

/// VS Code may be told to read another file: each file has its own copy of what it was.
#[test]
fn two_configurations_have_two_backups() {
    let home = Home::with(b"Host a\n");
    let other = home.ssh.join("../code/ssh_config");
    fs::create_dir(other.parent().unwrap()).unwrap();
    fs::write(&other, "Host b\n").unwrap();
    for config in [&home.config(), &other] {
        install(&plan_install(config, &home.dir).unwrap(), &home.dir, None).unwrap();
    }
    if has("ssh") {
        assert_eq!(option(&other, "web.devctl", "user"), ["dev"]);
    }
    for (config, before) in [(&home.config(), "Host a\n"), (&other, "Host b\n")] {
        let plan = plan_uninstall(config, &home.dir).unwrap();
        assert_eq!(fs::read_to_string(&plan.backup).unwrap(), before);
        uninstall(&plan, &home.dir).unwrap();
        assert_eq!(fs::read_to_string(config).unwrap(), before);
    }
}
