//! What is revoked: recorded first, then published in the list that every login reads.

use crate::caller::Caller;
use crate::clock;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use crate::signer::{Signer, fingerprint, public_key};
use devctl_model::{ErrorCode, Problem, RevocationInfo, RevocationReport, Revoke, Revoked};
use devctl_ssh::{
    AuthorityKind, KrlError, PublicKey, RevocationList, SshError, read_revocation_list, write_revocation_list,
};
use devctl_store::{Authority as Recorded, Revocation, RevocationMeans};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One thing to revoke, in the words of the store.
struct Asked {
    means: RevocationMeans,
    /// The public key of the authority, as one line; empty for keys.
    authority: String,
    value: String,
}

impl Core {
    /// Revokes, for new connections at once; each proxy of an open session sees the list within a second.
    pub(crate) async fn revoke_now(
        self: &Arc<Self>,
        caller: &Caller,
        request: Revoke,
    ) -> Result<Revoked, Problem> {
        let who = caller.who.clone();
        let target = Target::other("certificate", &what(&request)?);
        let act = self.signing(move |signer| signer.revoke(&request, &who));
        self.recorded(caller, "revoke_certificate", target, act).await
    }

    /// What is revoked, and whether the list says so.
    pub(crate) async fn revocation_report(self: &Arc<Self>) -> Result<RevocationReport, Problem> {
        let recorded = self.with_store(devctl_store::Store::revocations).await?;
        let path = self.config.revocation_list();
        let (version, problem) = match read_revocation_list(&path) {
            Ok(Some(list)) => (list.version(), None),
            Ok(None) => (0, Some("the list is not there".to_owned())),
            Err(error) => (0, Some(error.to_string())),
        };
        let wanted = recorded.last().map_or(1, |last| last.version);
        let problem = problem.or_else(|| {
            let wanted = wanted.max(published(&self.config));
            (version < wanted).then(|| format!("the list has version {version}, and {wanted} was published"))
        });
        Ok(RevocationReport {
            version,
            path: path.display().to_string(),
            revocations: recorded.into_iter().map(shown).collect(),
            problem,
        })
    }
}

/// The version of the list that was published last; 0 where none is known.
fn published(config: &CoreConfig) -> u64 {
    let text = std::fs::read_to_string(config.revocation_version()).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// Whether a list is older than the one that was published last, by the version in its header (PROTOCOL.krl: eight bytes
/// of magic, four of format, eight of version). What is no list at all is for its reader to refuse.
pub(crate) fn is_stale(config: &CoreConfig, list: &[u8]) -> bool {
    let version = list.get(12..20).and_then(|bytes| bytes.try_into().ok());
    version.is_some_and(|bytes| u64::from_be_bytes(bytes) < published(config))
}

/// For so long a login waits for a list whose version is known already: a revocation that is being published says its
/// version a moment before its list is there.
const PUBLISHING: Duration = Duration::from_millis(500);

/// Reads the list, or its beginning, once it is not older than the one that was published last; what it is after that
/// long, else.
fn read_settled(config: &CoreConfig, at_most: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let end = Instant::now() + PUBLISHING;
    loop {
        let mut list = Vec::new();
        std::fs::File::open(config.revocation_list())?
            .take(at_most)
            .read_to_end(&mut list)?;
        if !is_stale(config, &list) || Instant::now() >= end {
            return Ok(list);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "it is the pause between two looks at what another process publishes"
        )]
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The list, for a login.
pub(crate) fn read_list(config: &CoreConfig) -> std::io::Result<Vec<u8>> {
    read_settled(config, u64::MAX)
}

/// Whether a list is there that is not older than the one that was published last. Reads a few bytes: this runs before
/// each `ssh`.
pub(crate) fn is_current(config: &CoreConfig) -> bool {
    read_settled(config, 20).is_ok_and(|header| !is_stale(config, &header))
}

/// What is said of a list that is older than the one that was published last.
pub(crate) fn stale() -> Problem {
    Problem::new(
        ErrorCode::SshRevocationList,
        "the revocation list is an older copy than the one that was published last",
    )
    .fix_command("Write it anew from the record", "devctl cert renew")
    .safe("nobody is let in by an older list")
}

impl Signer<'_> {
    /// Brings the list up to what is recorded. What a list once held is never taken out, also where the record of it was
    /// lost; a damaged list is written anew from the record.
    pub(crate) fn publish_revocations(&self) -> Result<(), Problem> {
        let path = self.config.revocation_list();
        let now = self.config.now_seconds();
        let before = match read_revocation_list(&path) {
            Ok(list) => list,
            Err(SshError::RevocationList { source, .. }) => {
                tracing::warn!(%source, "the revocation list is damaged and is written anew from the record");
                None
            }
            Err(error) => return Err(error).or_problem(),
        };
        let recorded = self.store.revocations().or_problem()?;
        let wanted = recorded.last().map_or(1, |last| last.version);
        let mut list = before.clone().unwrap_or_else(|| RevocationList::new(wanted, now));
        put_all(&mut list, &recorded)?;
        let floor = published(&self.config);
        if before.as_ref() == Some(&list) && list.version() >= floor {
            return Ok(());
        }
        let next = before.map_or(wanted, |before| wanted.max(before.version().saturating_add(1)));
        let next = next.max(floor);
        list.renumber(next, now);
        self.promise(next)?;
        write_revocation_list(&path, &list).or_problem()
    }

    fn revoke(&mut self, request: &Revoke, who: &str) -> Result<Revoked, Problem> {
        let asked = self.asked(request)?;
        let recorded = || {
            let found = self.store.revocation(asked.means, &asked.authority, &asked.value);
            found.or_problem()
        };
        let changed = recorded()?.is_none();
        self.store
            .revoke(asked.means, &asked.authority, &asked.value, who, &request.reason)
            .or_problem()?;
        self.publish_revocations()?;
        let revocation =
            recorded()?.ok_or_else(|| Problem::new(ErrorCode::Internal, "a revocation was not recorded"))?;
        let own = self.follow_revocations(who)? | self.certify_what_was_revoked()?;
        let mut note =
            "New connections are refused from now on; open sessions of it end within a second.".to_owned();
        if own {
            note.push_str(" It was yours: you have another one already.");
        }
        Ok(Revoked {
            revocation: shown(revocation),
            changed,
            note,
        })
    }

    /// Says which version of the list comes next, before anything is revoked: whatever fails after it, no list without
    /// the revocation is taken for the newest one.
    fn promise(&self, version: u64) -> Result<(), Problem> {
        let path = self.config.revocation_version();
        devctl_files::write_if_changed(&path, version.to_string().as_bytes(), devctl_files::Mode::PRIVATE)
            .or_problem()?;
        Ok(())
    }

    /// Records a revocation and publishes it.
    pub(crate) fn revoke_recorded(
        &mut self,
        means: RevocationMeans,
        authority: &str,
        value: &str,
        who: &str,
        reason: &str,
    ) -> Result<(), Problem> {
        let held = read_revocation_list(&self.config.revocation_list())
            .ok()
            .flatten();
        let held = held.map_or(0, |list| list.version());
        self.promise(held.max(published(&self.config)).saturating_add(1))?;
        self.store
            .revoke(means, authority, value, who, reason)
            .or_problem()?;
        self.publish_revocations()
    }

    /// Where the owner's own certificate, or that of a container, was revoked and its key was not, another one takes its
    /// place. Says whether the owner's was.
    fn certify_what_was_revoked(&mut self) -> Result<bool, Problem> {
        let Some(list) = read_revocation_list(&self.config.revocation_list()).or_problem()? else {
            return Ok(false);
        };
        let revoked = |line: Option<String>| {
            let certificate = devctl_ssh::Certificate::from_openssh(line?.trim()).ok()?;
            list.revokes(&certificate).ok()?
        };
        use devctl_ssh::Revoked as Means;
        let replaceable = |means| matches!(means, Some(Means::Serial | Means::KeyId));
        let held = self.config.ssh().access_key().or_problem()?;
        let own = revoked(std::fs::read_to_string(held.certificate).ok());
        if replaceable(own) {
            self.certify_user("the last one was revoked")?;
        }
        for access in crate::identity::known(&self.config) {
            let key = self.config.host_keys().ensure(&access.container).or_problem()?;
            if replaceable(revoked(key.certificate_line().or_problem()?)) {
                self.certify_host(&key, &access.container, &access.alias, "the last one was revoked")?;
            }
        }
        Ok(replaceable(own))
    }

    fn asked(&mut self, request: &Revoke) -> Result<Asked, Problem> {
        let key = |means, value: String| Asked {
            means,
            authority: String::new(),
            value,
        };
        if let Some(line) = &request.public_key {
            let public = parsed(line)?;
            return Ok(key(
                RevocationMeans::Key,
                written(&PublicKey::new(public.key_data().clone(), ""))?,
            ));
        }
        if let Some(text) = &request.fingerprint {
            sha256(text)?;
            return Ok(key(RevocationMeans::Fingerprint, text.clone()));
        }
        let authority = self.named(request)?;
        let line = written(&PublicKey::new(public_key(&authority)?.key_data().clone(), ""))?;
        let (means, value) = if let Some(serial) = request.serial {
            (RevocationMeans::Serial, serial_text(serial)?)
        } else if let Some((first, last)) = request.serials {
            if first > last {
                return Err(invalid(&format!("the range {first}-{last} runs backwards")));
            }
            (
                RevocationMeans::SerialRange,
                format!("{}-{last}", serial_text(first)?),
            )
        } else if let Some(id) = &request.key_id {
            if id.is_empty() || id.chars().any(char::is_control) {
                return Err(invalid("the key id is empty or holds a control character"));
            }
            (RevocationMeans::KeyId, id.clone())
        } else {
            return Err(invalid("nothing was named that could be revoked"));
        };
        Ok(Asked {
            means,
            authority: line,
            value,
        })
    }

    fn named(&mut self, request: &Revoke) -> Result<Recorded, Problem> {
        let kind = request
            .kind
            .map_or(AuthorityKind::User, crate::authorities::of_model);
        self.found(kind, request.generation)
    }
}

/// What a request names, for the event log.
fn what(request: &Revoke) -> Result<String, Problem> {
    let named = [
        request.serial.map(|serial| serial.to_string()),
        request.serials.map(|(first, last)| format!("{first}-{last}")),
        request.key_id.clone(),
        request
            .public_key
            .as_deref()
            .map(|line| parsed(line).map(|key| fingerprint(&key)))
            .transpose()?,
        request.fingerprint.clone(),
    ];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(invalid("nothing was named that could be revoked")),
        (Some(_), Some(_)) => Err(invalid("several things were named; one revocation names one")),
    }
}

/// Puts what is recorded into a list. The serials of an authority go in together: there may be a hundred thousand.
fn put_all(list: &mut RevocationList, recorded: &[Revocation]) -> Result<(), Problem> {
    let mut serials: BTreeMap<&str, Vec<RangeInclusive<u64>>> = BTreeMap::new();
    for one in recorded {
        match serials_of(one)? {
            Some(range) => serials.entry(&one.authority).or_default().push(range),
            None => put(list, one)?,
        }
    }
    for (authority, ranges) in serials {
        PublicKey::from_openssh(authority)
            .map_err(|error| error.to_string())
            .and_then(|key| {
                let added = list.revoke_all_serials(&key, ranges);
                added.map_err(|error| error.to_string())
            })
            .map_err(|why| {
                Problem::new(
                    ErrorCode::StoreUnreadable,
                    "the revoked serials of an authority cannot be read",
                )
                .why(why)
                .safe(LIST_STAYS)
            })?;
    }
    Ok(())
}

/// The serials that a revocation names, where it names some.
fn serials_of(one: &Revocation) -> Result<Option<RangeInclusive<u64>>, Problem> {
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|error| unreadable(one, &error.to_string()))
    };
    Ok(match one.means {
        RevocationMeans::Serial => {
            let serial = number(&one.value)?;
            Some(serial..=serial)
        }
        RevocationMeans::SerialRange => {
            let (first, last) = one
                .value
                .split_once('-')
                .ok_or_else(|| unreadable(one, "it is no range"))?;
            Some(number(first)?..=number(last)?)
        }
        RevocationMeans::KeyId | RevocationMeans::Key | RevocationMeans::Fingerprint => None,
    })
}

const LIST_STAYS: &str = "the list that is in force was left as it was";

fn unreadable(one: &Revocation, why: &str) -> Problem {
    Problem::new(
        ErrorCode::StoreUnreadable,
        format!("revocation {} cannot be read: {why}", one.version),
    )
    .safe(LIST_STAYS)
}

/// Puts into a list what is not about serials.
fn put(list: &mut RevocationList, one: &Revocation) -> Result<(), Problem> {
    let unreadable = |why: &str| unreadable(one, why);
    let key = |line: &str| PublicKey::from_openssh(line).map_err(|error| unreadable(&error.to_string()));
    let added: Result<(), KrlError> = match one.means {
        // They go in together.
        RevocationMeans::Serial | RevocationMeans::SerialRange => Ok(()),
        RevocationMeans::KeyId => list.revoke_key_id(&key(&one.authority)?, &one.value),
        RevocationMeans::Key => list.revoke_key(&key(&one.value)?),
        RevocationMeans::Fingerprint => {
            list.revoke_sha256(sha256(&one.value)?);
            Ok(())
        }
    };
    added.map_err(|error| unreadable(&error.to_string()))
}

pub(crate) fn sha256(text: &str) -> Result<[u8; 32], Problem> {
    match text.parse::<devctl_ssh::Fingerprint>() {
        Ok(devctl_ssh::Fingerprint::Sha256(hash)) => Ok(hash),
        _ => Err(invalid(&format!(
            "{text:?} is no fingerprint of the form SHA256:…"
        ))),
    }
}

/// Reads a public key that a person gave.
pub(crate) fn parsed(line: &str) -> Result<PublicKey, Problem> {
    PublicKey::from_openssh(line.trim()).map_err(|error| {
        Problem::new(
            ErrorCode::SshKeyUnreadable,
            "this is no public key of OpenSSH's form",
        )
        .why(error.to_string())
        .fix("It is one line that begins with its type: ssh-ed25519 AAAA… comment")
    })
}

pub(crate) fn written(key: &PublicKey) -> Result<String, Problem> {
    key.to_openssh().map_err(|error| {
        Problem::new(ErrorCode::SshKeyUnreadable, "the key cannot be written").why(error.to_string())
    })
}

fn serial_text(serial: u64) -> Result<String, Problem> {
    match serial {
        0 => Err(invalid("serial 0 means \"not numbered\" and cannot be revoked")),
        serial => Ok(serial.to_string()),
    }
}

fn invalid(why: &str) -> Problem {
    Problem::new(ErrorCode::RequestInvalid, why)
        .fix("Name one of: a serial, a range of serials, a key id, a key, a fingerprint")
}

fn shown(one: Revocation) -> RevocationInfo {
    let authority = PublicKey::from_openssh(&one.authority)
        .ok()
        .map(|key| fingerprint(&key));
    RevocationInfo {
        version: one.version,
        means: one.means.as_str().to_owned(),
        what: one.value,
        authority,
        at: clock::millis_text(one.at),
        asked_by: one.asked_by,
        reason: one.reason,
    }
}
