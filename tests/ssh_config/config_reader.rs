//! Which line wins: our reader and `ssh -G` on generated files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use devctl_ssh::UserConfig;

use crate::has;

const FILES: u64 = 500;
const HOSTS: [&str; 6] = ["web.devctl", "a", "ab", "db.example.org", "10.0.0.7", "A"];
const PATTERNS: [&str; 12] = [
    "*",
    "a",
    "a*",
    "?",
    "*.devctl",
    "web.*",
    "!a",
    "!*.devctl",
    "db.example.org",
    "*.org",
    "10.*",
    "b",
];

/// Options whose value `ssh -G` prints, with some values.
const OPTIONS: [(&str, &[&str]); 17] = [
    ("User", &["dev", "root", "me@corp"]),
    ("Port", &["22", "2222", "65535"]),
    ("HostName", &["elsewhere", "%h", "b.devctl", "a"]),
    ("HostKeyAlias", &["alias", "web.devctl"]),
    ("IdentityFile", &["/k/one", "/k/two words", "/k/three#3"]),
    ("CertificateFile", &["/k/one-cert.pub", "/k/two-cert.pub"]),
    ("ProxyCommand", &["nc %h %p", "/bin/x \"a b\" # c", "none"]),
    ("ForwardAgent", &["yes", "no"]),
    ("Compression", &["yes", "no"]),
    ("LogLevel", &["VERBOSE", "ERROR", "INFO"]),
    ("ServerAliveInterval", &["5", "60"]),
    ("StrictHostKeyChecking", &["yes", "no", "ask", "accept-new"]),
    ("GatewayPorts", &["yes", "no"]),
    ("KeepAlive", &["yes", "no"]),
    ("UserKnownHostsFile", &["/k/known", "/k/known two"]),
    ("LocalForward", &["8080 localhost:80", "9090 db:5432"]),
    ("ChallengeResponseAuthentication", &["yes", "no"]),
];

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// One file; `depth` more may be included by it.
fn file(dice: &mut Dice, folder: &Path, depth: usize) -> String {
    let mut text = String::new();
    let line_end = if dice.one_in(5) { "\r\n" } else { "\n" };
    for _ in 0..=dice.below(14) {
        let indent = dice.pick(&["", "", "  ", "\t", " \t "]);
        let line = match dice.below(12) {
            0 | 1 => block(dice),
            2 => matching(dice),
            3 => dice.pick(&["", "# a comment", "   ", "#Host a"]).to_owned(),
            4 if depth > 0 => include(dice, folder, depth),
            _ => option(dice),
        };
        write!(text, "{indent}{line}{line_end}").unwrap();
    }
    if dice.one_in(4) {
        text.truncate(text.trim_end().len());
    }
    text
}

fn keyword(dice: &mut Dice, name: &str) -> String {
    let name = match dice.below(4) {
        0 => name.to_lowercase(),
        1 => name.to_uppercase(),
        _ => name.to_owned(),
    };
    name + dice.pick(&[" ", " ", "=", " = ", "\t", "  "])
}

fn block(dice: &mut Dice) -> String {
    let mut line = keyword(dice, "Host");
    for _ in 0..=dice.below(3) {
        let pattern = dice.pick(&PATTERNS);
        let quote = if dice.one_in(5) { "\"" } else { "" };
        write!(line, "{quote}{pattern}{quote} ").unwrap();
    }
    line + dice.pick(&["", "", "# comment"])
}

fn matching(dice: &mut Dice) -> String {
    let mut line = keyword(dice, "Match");
    if dice.one_in(5) {
        return line + dice.pick(&["all", "ALL", "all # comment", "!all"]);
    }
    if dice.one_in(8) {
        line += dice.pick(&["final ", "canonical ", "!final "]);
    }
    for _ in 0..=dice.below(2) {
        line += dice.pick(&["", "", "!"]);
        let criterion = dice.pick(&["host", "originalhost", "user", "localuser", "Host"]);
        let mut values = vec![dice.pick(&PATTERNS)];
        if criterion.contains("user") {
            values = vec![dice.pick(&["dev", "root", "r*", "!dev", "*"])];
        }
        if dice.one_in(3) {
            values.push(dice.pick(&PATTERNS));
        }
        write!(line, "{criterion} {} ", values.join(",")).unwrap();
    }
    line
}

fn include(dice: &mut Dice, folder: &Path, depth: usize) -> String {
    let name = format!("{}-{}", depth, dice.below(1000));
    let inside = folder.join(&name);
    fs::create_dir_all(&inside).unwrap();
    for _ in 0..=dice.below(2) {
        let text = file(dice, folder, depth - 1);
        let name = format!("{}.conf", dice.below(30));
        fs::write(inside.join(name), text).unwrap();
    }
    let pattern = dice.pick(&["*", "*.conf", "[0-9].conf", "?.conf", "none", "1*"]);
    let pattern = format!("{}/{pattern}", inside.display());
    let quote = dice.pick(&["", "\"", "'"]);
    format!("{}{quote}{pattern}{quote}", keyword(dice, "Include"))
}

fn option(dice: &mut Dice) -> String {
    let (name, values) = OPTIONS[dice.below(OPTIONS.len())];
    let value = dice.pick(values);
    let start = keyword(dice, name);
    // ProxyCommand is the rest of its line, LocalForward is two words.
    if matches!(name, "ProxyCommand" | "LocalForward") {
        return start + value;
    }
    let must_be_quoted = value.contains(' ');
    let quote = match dice.below(4) {
        0 => "\"",
        1 => "'",
        _ if must_be_quoted => "\"",
        _ => "",
    };
    let comment = dice.pick(&["", "", "", " # comment", "\t#x"]);
    format!("{start}{quote}{value}{quote}{comment}")
}

/// What `ssh -G` prints, by option.
fn said(config: &Path, host: &str, user: Option<&str>) -> BTreeMap<String, Vec<String>> {
    let mut command = Command::new("ssh");
    command.arg("-G").arg("-F").arg(config);
    if let Some(user) = user {
        command.args(["-l", user]);
    }
    let output = command.arg(host).stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        fs::read_to_string(config).unwrap()
    );
    let mut options = BTreeMap::<_, Vec<_>>::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        options.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    options
}

/// A value as `ssh -G` prints it.
fn printed(keyword: &str, value: &str, host: &str) -> String {
    match (keyword, value) {
        ("stricthostkeychecking", "yes") => "true".to_owned(),
        ("stricthostkeychecking", "no") => "false".to_owned(),
        ("hostname", value) => value.replace("%h", host),
        ("localforward", value) => {
            let (from, to) = value.split_once(' ').unwrap();
            let (to_host, port) = to.split_once(':').unwrap();
            format!("{from} [{to_host}]:{port}")
        }
        _ => value.to_owned(),
    }
}

#[test]
fn our_reader_says_what_ssh_says() {
    if !has("ssh") {
        return;
    }
    let local_user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let home = tempfile::tempdir().unwrap();
    let empty = home.path().join("empty");
    fs::write(&empty, "").unwrap();
    let (mut lines_that_count, mut from_includes) = (0, 0);
    let mut disagreements: Vec<String> = Vec::new();
    for seed in 1..=FILES {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let folder = home.path().join(seed.to_string());
        fs::create_dir(&folder).unwrap();
        let path = folder.join("config");
        let text = file(&mut dice, &folder, 3);
        fs::write(&path, &text).unwrap();
        let host = dice.pick(&HOSTS);
        let user = dice.one_in(4).then(|| dice.pick(&["root", "dev"]));

        let ours = UserConfig::read(&path, home.path(), local_user.trim()).unwrap();
        assert_eq!(ours.faults(), [], "{text}");
        let ours = ours.effective(host, user);
        assert_eq!(
            (ours.conditional.as_slice(), ours.remarks.as_slice()),
            (&[][..], &[][..])
        );
        let mut expected = said(&empty, host, user);
        let mut set = BTreeMap::<_, Vec<_>>::new();
        for line in &ours.lines {
            let value = printed(&line.keyword, &line.value, host);
            set.entry(line.keyword.clone()).or_default().push(value);
            from_includes += usize::from(line.file != path);
            lines_that_count += 1;
        }
        expected.extend(set);
        // `none` is how to say that there is no command.
        expected.retain(|name, values| name != "proxycommand" || *values != ["none"]);
        let names = OPTIONS.map(|(name, _)| match name {
            "KeepAlive" => "tcpkeepalive".to_owned(),
            "ChallengeResponseAuthentication" => "kbdinteractiveauthentication".to_owned(),
            other => other.to_lowercase(),
        });
        let mut theirs = said(&path, host, user);
        let is_compared = |name: &String, _: &mut Vec<String>| names.contains(name);
        expected.retain(is_compared);
        theirs.retain(is_compared);
        // In small letters after a second reading, as it was written after one.
        for options in [&mut expected, &mut theirs] {
            options.entry("hostname".to_owned()).and_modify(|names| {
                names.iter_mut().for_each(|name| name.make_ascii_lowercase());
            });
        }
        if expected != theirs {
            let differ = |(name, values): &(&String, &Vec<String>)| theirs.get(*name) != Some(*values);
            let wrong: Vec<_> = expected.iter().filter(differ).collect();
            disagreements.push(format!(
                "seed {seed}, {host} as {user:?}: {wrong:?}, ssh has {theirs:?}:\n{text}\n{:#?}",
                ours.lines
            ));
        }
    }
    assert!(
        disagreements.is_empty(),
        "{} of {FILES}, the first: {}",
        disagreements.len(),
        disagreements.iter().take(6).cloned().collect::<String>()
    );
    assert!(lines_that_count > 1000, "{lines_that_count}");
    assert!(from_includes > 100, "{from_includes}");
}
