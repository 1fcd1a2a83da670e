//! Real logins: our key, authorities, certificates, known hosts and configuration; OpenSSH's own client and server
//! (`sshd -i` behind our `ProxyCommand`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use devctl_ssh::{
    AccessKey, Authority, AuthorityKind, ClientConfig, HostCertRequest, HostEntry, HostKeys, Platform,
    Principal, RevocationList, SshDir, Suffix, UserCertRequest, issue_host_certificate,
    issue_user_certificate, render_config, render_known_hosts, slug, write_revocation_list,
};

use crate::{has, quoted, script, ssh};

const DAY: u64 = 24 * 60 * 60;

fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// One container that is this machine.
struct World {
    _home: tempfile::TempDir,
    root: PathBuf,
    dir: SshDir,
    users: Authority,
}

impl World {
    /// `place` is the name of the directory that everything is in.
    fn new(place: &Path) -> Option<Self> {
        if !has("ssh") || !has("/usr/sbin/sshd") {
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join(place);
        let dir = SshDir::new(root.join(".ssh/devctl"));
        let users = Authority::generate(AuthorityKind::User, 1).unwrap();
        let hosts = Authority::generate(AuthorityKind::Host, 1).unwrap();
        let key = HostKeys::new(root.join("hosts")).ensure("abc").unwrap();
        let names = vec![Principal::new("web.devctl").unwrap()];
        let request = HostCertRequest::at(now(), 1, "web".to_owned(), names);
        key.write_certificate(&issue_host_certificate(&hosts, key.public_key(), &request).unwrap())
            .unwrap();

        // The server's files have plain names: its configuration is not ours.
        let server = home.path().join("server");
        fs::create_dir(&server).unwrap();
        fs::copy(key.path(), server.join("key")).unwrap();
        fs::copy(key.certificate_path(), server.join("key-cert.pub")).unwrap();
        fs::write(server.join("users.pub"), users.public_line().unwrap()).unwrap();
        fs::write(server.join("principals"), "owner-1\n").unwrap();
        write_revocation_list(&server.join("revoked"), &RevocationList::new(1, now())).unwrap();
        fs::write(
            server.join("sshd_config"),
            format!(
                "HostKey {0}/key\nHostCertificate {0}/key-cert.pub\nTrustedUserCAKeys {0}/users.pub\n\
                 AuthorizedPrincipalsFile {0}/principals\nRevokedKeys {0}/revoked\nAuthorizedKeysFile none\n\
                 StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n",
                server.display()
            ),
        )
        .unwrap();

        dir.ensure().unwrap();
        let devctl = root.join("bin/devctl");
        script(
            &devctl,
            &format!(
                "case $1 in\nssh-renew) [ ! -e {fresh} ] || cp {fresh} {current} ;;\n\
                 ssh-proxy) mkdir -p /run/sshd 2>/dev/null; exec /usr/sbin/sshd -i -f {config} ;;\nesac",
                fresh = quoted(&root.join("fresh")),
                current = quoted(&dir.access_key().unwrap().certificate),
                config = quoted(&server.join("sshd_config")),
            ),
        );
        let config = ClientConfig {
            devctl_path: devctl,
            ssh_dir: dir.clone(),
            access_key: dir.access_key().unwrap(),
            suffix: Suffix::default(),
            hosts: vec![HostEntry::new(slug("web"), &whoami()).unwrap()],
            forward_agent: false,
            platform: Platform::Unix,
        };
        dir.write_config(&render_config(&config).unwrap()).unwrap();
        dir.write_known_hosts(
            &render_known_hosts(&Suffix::default(), &[hosts.public_key().clone()]).unwrap(),
        )
        .unwrap();
        let world = Self {
            _home: home,
            root,
            dir,
            users,
        };
        world.certify(now(), 1, "owner-1");
        Some(world)
    }

    fn certify(&self, at: u64, serial: u64, principal: &str) {
        let key = AccessKey::ensure(&self.dir, "dev").unwrap();
        let request = UserCertRequest::at(
            at,
            serial,
            format!("dev/{serial}"),
            vec![Principal::new(principal).unwrap()],
        );
        let certificate = issue_user_certificate(&self.users, key.public_key(), &request).unwrap();
        key.write_certificate(&certificate).unwrap();
    }

    /// The words of the server, or why the client gave up.
    fn login(&self, host: &str) -> Result<String, String> {
        let output = ssh(&self.dir.config(), &[host, "echo", "in"]);
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(said(&output.stdout))
        } else {
            Err(said(&output.stderr))
        }
    }
}

#[test]
fn a_login_needs_no_question_and_leaves_no_host_key() {
    let Some(world) = World::new(Path::new("plain")) else {
        return;
    };
    let known = fs::read(world.dir.known_hosts()).unwrap();
    assert_eq!(world.login("web.devctl"), Ok("in".to_owned()));
    assert_eq!(fs::read(world.dir.known_hosts()).unwrap(), known);
}

#[test]
fn a_login_works_from_a_directory_of_any_name() {
    for name in crate::odd_names() {
        let Some(world) = World::new(&name) else { return };
        assert_eq!(world.login("web.devctl"), Ok("in".to_owned()), "{name:?}");
    }
}

#[test]
fn a_certificate_that_is_a_month_old_is_renewed_in_time_for_the_same_login() {
    let Some(world) = World::new(Path::new("plain")) else {
        return;
    };
    world.certify(now(), 2, "owner-1");
    fs::rename(
        world.dir.access_key().unwrap().certificate,
        world.root.join("fresh"),
    )
    .unwrap();
    world.certify(now() - 30 * DAY, 1, "owner-1");
    assert_eq!(world.login("web.devctl"), Ok("in".to_owned()));
    fs::remove_file(world.root.join("fresh")).unwrap();
    world.certify(now() - 30 * DAY, 1, "owner-1");
    assert!(
        world
            .login("web.devctl")
            .unwrap_err()
            .contains("Permission denied")
    );
}

#[test]
fn what_must_not_get_in_does_not() {
    let Some(world) = World::new(Path::new("plain")) else {
        return;
    };
    world.certify(now(), 3, "owner-2");
    assert!(
        world
            .login("web.devctl")
            .unwrap_err()
            .contains("Permission denied"),
        "another principal"
    );
    fs::remove_file(world.dir.access_key().unwrap().certificate).unwrap();
    assert!(
        world
            .login("web.devctl")
            .unwrap_err()
            .contains("Permission denied"),
        "the bare key"
    );
    world.certify(now(), 4, "owner-1");
    assert!(
        world
            .login("api.devctl")
            .unwrap_err()
            .contains("Host key verification failed"),
        "another name"
    );
    assert_eq!(world.login("web.devctl"), Ok("in".to_owned()));
    let mut list = RevocationList::new(2, now());
    list.revoke_serials(world.users.public_key(), 4..=4).unwrap();
    write_revocation_list(&world.root.join("../server/revoked"), &list).unwrap();
    assert!(
        world
            .login("web.devctl")
            .unwrap_err()
            .contains("Permission denied"),
        "revoked"
    );
}

#[test]
fn a_host_of_another_authority_is_not_trusted() {
    let Some(world) = World::new(Path::new("plain")) else {
        return;
    };
    let other = Authority::generate(AuthorityKind::Host, 2).unwrap();
    let text = render_known_hosts(&Suffix::default(), &[other.public_key().clone()]).unwrap();
    world.dir.write_known_hosts(&text).unwrap();
    assert!(
        world
            .login("web.devctl")
            .unwrap_err()
            .contains("Host key verification failed")
    );
}
