use std::fs;

use super::*;
use crate::include_line::{install, plan_install};

struct Home {
    temp: tempfile::TempDir,
    dir: SshDir,
}

impl Home {
    /// With a configuration of ours for `web.devctl`.
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let dir = SshDir::new(temp.path().join(".ssh/devctl"));
        dir.ensure().unwrap();
        dir.write_config("Host *.devctl\n  User dev\n  ProxyCommand devctl ssh-proxy %n %r\n")
            .unwrap();
        Self { temp, dir }
    }

    fn config(&self) -> PathBuf {
        self.temp.path().join(".ssh/config")
    }

    fn line(&self) -> String {
        plan_install(&self.config(), &self.dir).unwrap().line
    }

    fn found(&self, content: impl AsRef<[u8]>) -> Vec<(ForeignTool, usize, String)> {
        fs::write(self.config(), content).unwrap();
        let home = self.temp.path();
        let ssh = SshClient::new("ssh");
        let ssh = ssh.version().is_some().then_some(&ssh);
        let damage = config_damage(&self.config(), &self.dir, home, "me", "web.devctl", ssh).unwrap();
        damage
            .into_iter()
            .inspect(|one| assert!(!one.fix.is_empty()))
            .map(|one| (one.tool, one.line, one.what))
            .collect()
    }
}

const DEVPOD: &str = "# DevPod Start x.devpod\nHost x.devpod\n  User vscode\n# DevPod End x.devpod\n";

#[test]
fn a_sound_file_has_no_damage_whoever_wrote_in_it() {
    let home = Home::new();
    fs::write(home.config(), "").unwrap();
    install(&plan_install(&home.config(), &home.dir).unwrap(), &home.dir, None).unwrap();
    let ours = home.line();
    let coder = "# ------------START-CODER-----------\nHost *.coder\n# ------------END-CODER------------\n";
    let code = "# --- START CODER VSCODE a.b ---\nHost coder--*\n# --- END CODER VSCODE a.b ---\n";
    assert_eq!(
        home.found(format!("{ours}\nHost a\n  User x\n{DEVPOD}{coder}{code}")),
        []
    );
    assert_eq!(
        home.found(format!(
            "{ours}\nInclude ~/.colima/ssh_config\nHost *\n  User x\n"
        )),
        []
    );
    assert_eq!(home.found("Host a\n"), []);
}

#[test]
fn marks_without_a_partner_are_found() {
    let home = Home::new();
    let text = "Host a\n# DevPod Start x\nHost x\n# DevPod Start y\nHost y\n# DevPod End y\n# DevPod End z\n";
    let found: Vec<_> = home
        .found(text)
        .into_iter()
        .map(|(tool, line, _)| (tool, line))
        .collect();
    assert_eq!(found, [(ForeignTool::DevPod, 2), (ForeignTool::DevPod, 7)]);
    let text =
        "# --- START CODER VSCODE ---\n# --- START CODER VSCODE ---\nHost a\n# --- END CODER VSCODE ---\n";
    let found = home.found(text);
    assert_eq!((found.len(), found[0].0, found[0].1), (1, ForeignTool::Coder, 1));
}

#[test]
fn a_section_in_the_middle_of_a_block_is_found() {
    let home = Home::new();
    let found = home.found(format!("Host a\n  User x\n{DEVPOD}  Port 23\n"));
    assert_eq!((found.len(), found[0].0, found[0].1), (1, ForeignTool::DevPod, 7));
    assert!(
        found[0].2.contains("lines 3 to 6") && found[0].2.contains("block of line 1"),
        "{found:?}"
    );
}

#[test]
fn our_line_in_a_block_is_found_and_its_owner_named() {
    let home = Home::new();
    let ours = home.line();
    let found = home.found(format!("Host a\n{ours}\n"));
    assert_eq!(
        (found.len(), found[0].0, found[0].1),
        (1, ForeignTool::Unknown, 2)
    );
    let found = home.found(format!("# DevPod Start x\nHost x\n{ours}\n# DevPod End x\n"));
    assert_eq!((found.len(), found[0].0, found[0].1), (1, ForeignTool::DevPod, 3));
}

#[test]
fn an_option_that_wins_over_ours_is_found_in_its_file() {
    let home = Home::new();
    let ours = home.line();
    let found = home.found(format!("User nobody\n{ours}\n"));
    assert_eq!((found.len(), found[0].1), (1, 1));
    assert!(
        found[0].2.starts_with("user is set here for web.devctl"),
        "{found:?}"
    );
    let colima = home.temp.path().join(".colima/ssh_config");
    fs::create_dir_all(colima.parent().unwrap()).unwrap();
    fs::write(&colima, "\nHost *\n  ProxyCommand none\n").unwrap();
    let found = home.found(format!("Include {}\n{ours}\n", colima.display()));
    assert_eq!((found.len(), found[0].0, found[0].1), (1, ForeignTool::Colima, 3));
}

#[test]
fn what_ssh_does_not_accept_is_found() {
    let home = Home::new();
    let found = home.found("\u{feff}Host a\n");
    assert_eq!((found.len(), found[0].1), (1, 1), "{found:?}");
    assert_eq!(home.found(b"H\0o\0s\0t\0")[0].1, 1);
    if SshClient::new("ssh").version().is_none() {
        println!("SKIPPED: no ssh here");
        return;
    }
    let found = home.found(format!("Host a\n  Hots b\n{DEVPOD}").replace("User vscode", "Usr vscode"));
    let places: Vec<_> = found.iter().map(|(tool, line, _)| (*tool, *line)).collect();
    assert_eq!(
        places,
        [(ForeignTool::Unknown, 2), (ForeignTool::DevPod, 5)],
        "{found:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_found() {
    use std::os::unix::fs::PermissionsExt as _;
    if SshClient::new("ssh").version().is_none() {
        println!("SKIPPED: no ssh here");
        return;
    }
    let home = Home::new();
    let included = home.temp.path().join(".lima/x/ssh.config");
    fs::create_dir_all(included.parent().unwrap()).unwrap();
    fs::write(&included, "Host lima-x\n").unwrap();
    fs::set_permissions(&included, fs::Permissions::from_mode(0o666)).unwrap();
    let found = home.found(format!("Include {}\n", included.display()));
    assert_eq!(
        (found.len(), found[0].0, found[0].1),
        (1, ForeignTool::Lima, 0),
        "{found:?}"
    );
}
