//! Ends an open connection whose certificate is not good any more: because it, its key or its authority was revoked, or
//! its authority was retired. Whoever writes the list, in whatever process, each proxy sees it by itself.

use super::reports::{LoggedIn, Reports};
use crate::config::CoreConfig;
use crate::error::OrProblem;
use crate::revocations::sha256;
use crate::signer::fingerprint;
use devctl_model::{ErrorCode, Problem};
use devctl_ssh::{PublicKey, Revoked, read_revocation_list, read_trusted_authorities};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::MissedTickBehavior;

/// How often the files are looked at. A session ends within a second of its revocation, with room for what the engine
/// and the client need to see it.
const EVERY: Duration = Duration::from_millis(250);

/// Looks at what was revoked since the agent was told.
pub(super) struct Watch {
    list: PathBuf,
    authorities: PathBuf,
    seen: [Option<Stamp>; 2],
}

/// What differs between a file and the one that took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    changed: Option<SystemTime>,
    file: u64,
}

impl Watch {
    /// Begins with what is in force now.
    pub(super) fn begin(config: &CoreConfig) -> Self {
        let (list, authorities) = (config.revocation_list(), config.user_authorities());
        Self {
            seen: [stamp(&list), stamp(&authorities)],
            list,
            authorities,
        }
    }

    /// Waits until somebody who was let in is not good any more, and says why; does not end otherwise.
    pub(super) async fn until_revoked(mut self, reports: &Reports) -> Problem {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = [stamp(&self.list), stamp(&self.authorities)];
            if now == self.seen {
                continue;
            }
            let logins = reports.logins();
            if logins.is_empty() {
                // Looked at again when somebody is let in: the agent may know the list of before.
                continue;
            }
            match self.ended(&logins) {
                Ok(Some(problem)) => return problem,
                Ok(None) => {}
                // New logins are refused until it is repaired; whoever was let in rightly stays.
                Err(problem) => tracing::warn!(%problem, "what is revoked cannot be read"),
            }
            self.seen = now;
        }
    }

    fn ended(&self, logins: &[LoggedIn]) -> Result<Option<Problem>, Problem> {
        let trusted = read_trusted_authorities(&self.authorities).or_problem()?;
        let Some(list) = read_revocation_list(&self.list).or_problem()? else {
            return Err(Problem::new(
                ErrorCode::FileFailed,
                format!("{} is not there", self.list.display()),
            ));
        };
        for login in logins {
            if let Some(why) = why(login, &trusted, &list)? {
                return Ok(Some(
                    Problem::new(
                        ErrorCode::CertificateRevoked,
                        format!(
                            "the connection was ended: {why} (certificate {}, {:?})",
                            login.serial, login.key_id
                        ),
                    )
                    .fix("Ask whoever signed it for a new certificate; what is revoked stays revoked")
                    .fix_command("See what is revoked", "devctl cert revocations"),
                ));
            }
        }
        Ok(None)
    }
}

/// Why a login is not good any more; `None` where it is.
fn why(
    login: &LoggedIn,
    trusted: &[PublicKey],
    list: &devctl_ssh::RevocationList,
) -> Result<Option<&'static str>, Problem> {
    let unreadable = |error: devctl_ssh::KrlError| {
        Problem::new(ErrorCode::SshKeyUnreadable, "an authority cannot be read").why(error.to_string())
    };
    if list.revokes_fingerprint(&sha256(&login.fingerprint)?).is_some() {
        return Ok(Some("its key was revoked"));
    }
    if list.revokes_fingerprint(&sha256(&login.authority)?).is_some() {
        return Ok(Some("its authority was revoked"));
    }
    let Some(authority) = trusted.iter().find(|key| fingerprint(key) == login.authority) else {
        return Ok(Some("its authority was retired"));
    };
    let numbered = list
        .revokes_numbered(authority, login.serial, &login.key_id)
        .map_err(unreadable)?;
    Ok(numbered.map(|means| match means {
        Revoked::KeyId => "its key id was revoked",
        Revoked::Serial | Revoked::Key | Revoked::Authority => "its serial was revoked",
    }))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        length: metadata.len(),
        changed: metadata.modified().ok(),
        file: file(&metadata),
    })
}

#[cfg(unix)]
fn file(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Only its length and time tell a file from another here.
#[cfg(not(unix))]
fn file(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::super::reports::tests::of;
    use super::*;
    use devctl_ssh::{
        Authority, AuthorityKind, RevocationList, write_revocation_list, write_trusted_authorities,
    };

    struct Place {
        _home: tempfile::TempDir,
        config: CoreConfig,
        authority: Authority,
        login: LoggedIn,
        subject: PublicKey,
    }

    impl Place {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let config = crate::testing::config(home.path());
            std::fs::create_dir_all(&config.state_dir).unwrap();
            let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
            let subject = Authority::generate(AuthorityKind::User, 9)
                .unwrap()
                .public_key()
                .clone();
            let login = LoggedIn {
                serial: 7,
                key_id: "user:bob/7".into(),
                fingerprint: fingerprint(&subject),
                authority: authority.fingerprint(),
            };
            let place = Self {
                _home: home,
                config,
                authority,
                login,
                subject,
            };
            place.trust(&[place.authority.public_key().clone()]);
            place.publish(|_| {});
            place
        }

        fn trust(&self, keys: &[PublicKey]) {
            write_trusted_authorities(&self.config.user_authorities(), keys).unwrap();
        }

        fn publish(&self, revoke: impl FnOnce(&mut RevocationList)) {
            let mut list = RevocationList::new(2, 1);
            revoke(&mut list);
            write_revocation_list(&self.config.revocation_list(), &list).unwrap();
        }

        /// Whether a connection that was let in before the change has ended after many looks; and why.
        async fn ends_after(&self, change: impl FnOnce(&Self)) -> Option<Problem> {
            let reports = of(vec![self.login.clone()]);
            let watch = Watch::begin(&self.config);
            change(self);
            tokio::time::timeout(EVERY * 20, watch.until_revoked(&reports))
                .await
                .ok()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_means_ends_the_connection_and_says_which() {
        type Change = fn(&Place, &mut RevocationList);
        let means: [(&str, Change); 6] = [
            ("serial", |place, list| {
                list.revoke_serials(place.authority.public_key(), 7..=7).unwrap();
            }),
            ("serial", |place, list| {
                list.revoke_serials(place.authority.public_key(), 1..=20).unwrap();
            }),
            ("key id", |place, list| {
                list.revoke_key_id(place.authority.public_key(), "user:bob/7")
                    .unwrap();
            }),
            ("its key", |place, list| list.revoke_key(&place.subject).unwrap()),
            ("its key", |place, list| {
                list.revoke_sha256(sha256(&place.login.fingerprint).unwrap());
            }),
            ("authority", |place, list| {
                list.revoke_key(place.authority.public_key()).unwrap();
            }),
        ];
        for (word, revoke) in means {
            let place = Place::new();
            let ended = place
                .ends_after(|place| place.publish(|list| revoke(place, list)))
                .await;
            let problem = ended.unwrap_or_else(|| panic!("{word}: it went on"));
            assert_eq!(problem.code, ErrorCode::CertificateRevoked);
            assert!(problem.message.contains(word), "{word}: {problem}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_retired_authority_ends_the_connections_that_it_let_in() {
        let other = Authority::generate(AuthorityKind::User, 2).unwrap();
        let ended = Place::new()
            .ends_after(|place| place.trust(&[other.public_key().clone()]))
            .await;
        assert!(ended.unwrap().message.contains("retired"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_revoked_of_others_ends_nothing() {
        let other = Authority::generate(AuthorityKind::User, 2).unwrap();
        let place = Place::new();
        let ended = place.ends_after(|place| {
            place.trust(&[other.public_key().clone(), place.authority.public_key().clone()]);
            place.publish(|list| {
                list.revoke_serials(place.authority.public_key(), 8..=9).unwrap();
                list.revoke_serials(other.public_key(), 7..=7).unwrap();
                list.revoke_key_id(place.authority.public_key(), "user:bob/8")
                    .unwrap();
                list.revoke_key(other.public_key()).unwrap();
            });
        });
        assert_eq!(ended.await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_cannot_be_read_leaves_open_connections_alone() {
        for content in [b"".as_slice(), b"garbage"] {
            let place = Place::new();
            let ended =
                place.ends_after(|place| std::fs::write(place.config.revocation_list(), content).unwrap());
            assert_eq!(ended.await, None);
        }
        let place = Place::new();
        let gone = place.ends_after(|place| std::fs::remove_file(place.config.revocation_list()).unwrap());
        assert_eq!(gone.await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_revoked_between_the_agents_start_and_the_login_counts() {
        let place = Place::new();
        let reports = Reports::default();
        let watch = Watch::begin(&place.config);
        place.publish(|list| {
            list.revoke_serials(place.authority.public_key(), 7..=7).unwrap();
        });
        let login = async {
            tokio::time::sleep(EVERY * 5).await;
            let line = devctl_agent_protocol::AgentReport::LoginAccepted {
                user: "dev".into(),
                serial: 7,
                key_id: "user:bob/7".into(),
                principal: "p".into(),
                fingerprint: place.login.fingerprint.clone(),
                authority: place.login.authority.clone(),
            };
            reports.sink()(line.to_line().unwrap().as_bytes());
            tokio::time::sleep(EVERY * 5).await;
        };
        tokio::select! {
            problem = watch.until_revoked(&reports) => assert_eq!(problem.code, ErrorCode::CertificateRevoked),
            () = login => panic!("it went on"),
        }
    }
}
