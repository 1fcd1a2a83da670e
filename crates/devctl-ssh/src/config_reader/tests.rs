use std::fs;

use super::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = home.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(".ssh").join(name)
    }

    fn read(&self) -> UserConfig {
        UserConfig::read(&self.path("config"), self.0.path(), "me").unwrap()
    }

    fn option(&self, host: &str, keyword: &str) -> Option<(String, String, usize)> {
        let effective = self.read().effective(host, None);
        let line = effective.get(keyword)?;
        let file = line.file.strip_prefix(self.0.path().join(".ssh")).unwrap();
        Some((line.value.clone(), file.display().to_string(), line.line))
    }
}

fn found(value: &str, file: &str, line: usize) -> Option<(String, String, usize)> {
    Some((value.to_owned(), file.to_owned(), line))
}

#[test]
fn the_first_line_wins_and_is_named() {
    let home = Home::new(&[
        (
            "config",
            "Include devctl/config\nHost *\n  User nobody\n  Port 2\nHost web.devctl\n  Port 3\n",
        ),
        ("devctl/config", "# ours\nHost *.devctl\n  User dev\n"),
    ]);
    assert_eq!(
        home.option("web.devctl", "user"),
        found("dev", "devctl/config", 3)
    );
    assert_eq!(home.option("web.devctl", "port"), found("2", "config", 4));
    assert_eq!(home.option("other", "user"), found("nobody", "config", 3));
    assert_eq!(home.option("other", "identityfile"), None);
}

#[test]
fn an_include_in_a_block_counts_for_that_block_only() {
    let home = Home::new(&[
        ("config", "Host a\nInclude ours\nUser x\n"),
        ("ours", "Port 7\nHost *\nCompression yes\n"),
    ]);
    assert_eq!(home.option("a", "port"), found("7", "ours", 1));
    assert_eq!(home.option("a", "compression"), found("yes", "ours", 3));
    assert_eq!(home.option("a", "user"), found("x", "config", 3));
    assert_eq!(home.option("b", "port"), None);
    assert_eq!(home.option("b", "compression"), None);
}

#[test]
fn what_only_ssh_knows_is_told() {
    let home = Home::new(&[(
        "config",
        "Match originalhost *.devctl exec \"false\"\n  User x\nMatch host other exec \"true\"\n  User y\nHost *\n  \
         User z\n",
    )]);
    let effective = home.read().effective("web.devctl", None);
    assert_eq!(effective.get("user").unwrap().value, "z");
    let conditional: Vec<&str> = effective
        .conditional
        .iter()
        .map(|line| line.value.as_str())
        .collect();
    assert_eq!(conditional, ["x"]);
    assert_eq!(effective.remarks.len(), 1);
    assert_eq!(effective.remarks[0].line, 1);
}

#[test]
fn what_ssh_would_not_accept_is_a_fault_with_its_line() {
    let home = Home::new(&[("config", "\u{feff}Host a\nUser \"x\nPort\nInclude config\n")]);
    let config = home.read();
    let faults: Vec<(usize, &str)> = config
        .faults()
        .iter()
        .map(|fault| (fault.line, fault.what.as_str()))
        .collect();
    assert_eq!(faults[0], (1, "the file starts with a byte order mark"));
    assert!(faults.contains(&(2, "a quote is not closed")));
    assert!(faults.contains(&(3, "there is nothing after port")));
    assert!(faults.contains(&(4, "files include each other more than 16 deep")));

    let home = Home::new(&[("config", "Match\tfrobnicate x\nMatch host\nMatch all host a\n")]);
    assert_eq!(home.read().effective("a", None).remarks.len(), 3);
}

#[test]
fn a_user_that_is_given_beats_the_file() {
    let home = Home::new(&[("config", "Match user root\nPort 9\nHost *\nUser x\n")]);
    let effective = home.read().effective("a", Some("root"));
    assert_eq!(effective.get("user"), None);
    assert_eq!(effective.get("port").unwrap().value, "9");
    assert_eq!(home.option("a", "port"), None);
}
