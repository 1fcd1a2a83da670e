use std::fs;
use std::path::Path;

use devctl_ssh::{ClientConfig, HostEntry, Platform, SshDir, Suffix, render_config, slug};
use proptest::prelude::*;

use crate::{has, odd_names, option, quoted, script, ssh};

fn config(devctl: &Path, dir: &SshDir) -> ClientConfig {
    ClientConfig {
        devctl_path: devctl.to_path_buf(),
        ssh_dir: dir.clone(),
        access_key: dir.access_key().unwrap(),
        suffix: Suffix::default(),
        hosts: vec![HostEntry::new(slug("web"), "dev").unwrap()],
        forward_agent: false,
        platform: Platform::Unix,
    }
}

/// Writes the configuration for these paths and gives its path.
fn written(config: &ClientConfig) -> std::path::PathBuf {
    config.ssh_dir.ensure().unwrap();
    config
        .ssh_dir
        .write_config(&render_config(config).unwrap())
        .unwrap();
    config.ssh_dir.config()
}

#[test]
fn every_option_that_a_login_depends_on_is_ours_whatever_the_user_set() {
    if !has("ssh") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let dir = SshDir::new(home.path().join("devctl"));
    let ours = written(&config(Path::new("/bin/true"), &dir));
    let user = home.path().join("config");
    fs::write(
        &user,
        format!(
            "Include {}\nHost *\n  User nobody\n  Port 2222\n  HostName elsewhere\n  ProxyJump bastion\n  \
             StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  IdentityFile /elsewhere/id\n  \
             IdentitiesOnly no\n  ForwardAgent yes\n  AddKeysToAgent yes\n  PreferredAuthentications password\n  \
             HostKeyAlgorithms rsa-sha2-512\n  ProxyUseFdpass yes\n  CanonicalizeHostname yes\n  UpdateHostKeys yes\n",
            ours.display()
        ),
    )
    .unwrap();
    for config in [&ours, &user] {
        let is = |name: &str, value: &str| assert_eq!(option(config, "web.devctl", name), [value], "{name}");
        is("user", "dev");
        is("port", "22");
        is("hostname", "web.devctl");
        is("hostkeyalias", "web.devctl");
        is("proxycommand", "/bin/true ssh-proxy %n %r");
        is("proxyusefdpass", "no");
        is("canonicalizehostname", "false");
        is("stricthostkeychecking", "true");
        is("userknownhostsfile", dir.known_hosts().to_str().unwrap());
        is("globalknownhostsfile", dir.known_hosts().to_str().unwrap());
        is("updatehostkeys", "false");
        is("identitiesonly", "yes");
        is("forwardagent", "no");
        is("addkeystoagent", "false");
        is("pubkeyauthentication", "true");
        is("preferredauthentications", "publickey");
        is("hostkeyalgorithms", "ssh-ed25519-cert-v01@openssh.com");
        is(
            "pubkeyacceptedalgorithms",
            "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519",
        );
        is("casignaturealgorithms", "ssh-ed25519");
        is(
            "certificatefile",
            dir.access_key().unwrap().certificate.to_str().unwrap(),
        );
        assert_eq!(
            option(config, "web.devctl", "identityfile")[0],
            dir.access_key().unwrap().private.to_str().unwrap()
        );
    }
    // A container that is not in the file yet is reached all the same.
    assert_eq!(
        option(&ours, "new.devctl", "proxycommand"),
        ["/bin/true ssh-proxy %n %r"]
    );
    assert_eq!(option(&ours, "example.org", "proxycommand"), Vec::<String>::new());
}

#[test]
fn the_renewal_runs_from_any_path_and_for_our_hosts_only() {
    if !has("ssh") {
        return;
    }
    for name in odd_names() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join(&name);
        let (devctl, ran) = (place.join("bin/devctl"), home.path().join("ran"));
        script(&devctl, &format!("echo \"$#:$*\" >> {}", quoted(&ran)));
        let ours = written(&config(&devctl, &SshDir::new(home.path().join("devctl"))));
        assert!(ssh(&ours, &["-G", "example.org"]).status.success());
        assert!(!ran.exists(), "{name:?}");
        let output = ssh(&ours, &["-G", "web.devctl"]);
        assert!(output.status.success(), "{name:?}: {output:?}");
        assert_eq!(
            fs::read_to_string(&ran).unwrap_or_default(),
            "1:ssh-renew\n",
            "{name:?}"
        );
    }
}

#[test]
fn the_proxy_runs_from_any_path_with_both_arguments() {
    if !has("ssh") {
        return;
    }
    for name in odd_names() {
        let home = tempfile::tempdir().unwrap();
        let (devctl, ran) = (home.path().join(&name).join("devctl"), home.path().join("ran"));
        script(&devctl, &format!("echo \"$*\" >> {}", quoted(&ran)));
        let ours = written(&config(&devctl, &SshDir::new(home.path().join("devctl"))));
        ssh(&ours, &["web.devctl", "true"]);
        let ran = fs::read_to_string(&ran).unwrap_or_default();
        assert_eq!(ran, "ssh-renew\nssh-proxy web.devctl dev\n", "{name:?}");
    }
}

/// Paths of anything that a file system takes and that can be written at all.
fn any_path() -> impl Strategy<Value = String> {
    let part = "[ -~äß日#'\"%$\\\\]{1,20}".prop_filter("cannot be in a path", |part| {
        !part.contains('/') && part != "." && part != ".."
    });
    prop::collection::vec(part, 1..4).prop_map(|parts| format!("/{}", parts.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ssh_reads_back_the_path_that_was_written(path in any_path()) {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(&path);
        let file = home.path().join("config");
        match render_config(&config(Path::new("/bin/true"), &dir)) {
            Ok(text) => {
                fs::write(&file, text).unwrap();
                // Some options are printed before `%` is expanded and some after, which differs by version; that
                // the expanded path is the right one is seen by the logins.
                for (option_name, path) in [
                    ("identityfile", dir.access_key().unwrap().private),
                    ("certificatefile", dir.access_key().unwrap().certificate),
                    ("userknownhostsfile", dir.known_hosts()),
                ] {
                    let path = path.to_str().unwrap();
                    let printed = &option(&file, "web.devctl", option_name)[0];
                    prop_assert!(printed == path || *printed == path.replace('%', "%%"), "{printed} for {path}");
                }
            }
            Err(error) => prop_assert!(path.contains("${"), "{error} for {path}"),
        }
    }
}

/// Nothing but the suffix decides which hosts are ours.
#[test]
fn another_suffix_is_in_force_everywhere_and_the_old_one_nowhere() {
    if !has("ssh") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (devctl, ran) = (home.path().join("devctl"), home.path().join("ran"));
    script(&devctl, &format!("echo \"$*\" >> {}", quoted(&ran)));
    let mut config = config(&devctl, &SshDir::new(home.path().join("ssh")));
    config.suffix = Suffix::new("box.example.org").unwrap();
    let ours = written(&config);
    assert!(!fs::read_to_string(&ours).unwrap().contains(".devctl"));
    assert_eq!(option(&ours, "web.devctl", "proxycommand"), Vec::<String>::new());
    assert_eq!(
        option(&ours, "box.example.org", "proxycommand"),
        Vec::<String>::new()
    );
    assert!(!ran.exists(), "the renewal runs for our hosts only");
    assert_eq!(option(&ours, "web.box.example.org", "user"), ["dev"]);
    assert_eq!(
        option(&ours, "web.box.example.org", "hostkeyalias"),
        ["web.box.example.org"]
    );
    assert!(ran.exists());
}
