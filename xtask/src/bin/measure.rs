//! Measures what happens within a process, for `cargo xtask bench`: `measure SUBJECT FILE [AUTHORITY]` prints the times in
//! seconds, by name, as JSON.
//!
//! What only computes is measured by the time that it had a processor, where the system says that, so that other work on
//! the machine does not count. What waits for the disk is measured by the clock, beside something that waits alike.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use devctl_secrets::{KeySources, NewWay, SecretText, Unlock, Vault};
use devctl_ssh::{
    Authority, AuthorityKind as SignerKind, Principal, PublicKey, RevocationList, UserCertRequest,
    issue_user_certificate, read_revocation_list, write_revocation_list,
};
use devctl_store::{AuthorityKind, Certificate, Store};
use rusqlite::{Connection, TransactionBehavior, params};

/// Some second of this century.
const NOW: u64 = 1_800_000_000;

type Times = BTreeMap<&'static str, f64>;

fn main() -> Result<()> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let times = match words[..] {
        ["signing", folder] => signing(Path::new(folder))?,
        ["revocation", file, authority] => revocation(Path::new(file), authority)?,
        ["vault", folder] => vault(Path::new(folder))?,
        _ => bail!("signing FOLDER, revocation FILE AUTHORITY or vault FOLDER is expected"),
    };
    let said = serde_json::to_string(&times).context("cannot write what was measured")?;
    writeln!(std::io::stdout(), "{said}").context("cannot report")
}

/// How long this thread had a processor; Linux says it.
fn on_a_processor() -> Option<Duration> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(said.split(' ').next()?.parse().ok()?))
}

/// What `act` takes when it only computes: the mean of `rounds`, in seconds. (The system counts in ticks of some
/// milliseconds, so that one round alone may take none.)
fn computed(rounds: u32, mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    let (begun, before) = (Instant::now(), on_a_processor());
    for _ in 0..rounds {
        act()?;
    }
    let clock = begun.elapsed();
    let processor = before
        .zip(on_a_processor())
        .and_then(|(before, now)| now.checked_sub(before));
    Ok(processor.unwrap_or(clock).as_secs_f64() / f64::from(rounds))
}

/// What `act` takes by the clock: the median of `rounds`, in seconds.
fn waited(rounds: usize, mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    median(rounds, || {
        let begun = Instant::now();
        act()?;
        Ok(begun.elapsed())
    })
}

fn median(rounds: usize, mut measure: impl FnMut() -> Result<Duration>) -> Result<f64> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        times.push(measure()?);
    }
    times.sort();
    let middle = times.get(rounds / 2).context("nothing was measured")?;
    Ok(middle.as_secs_f64())
}

/// The time for each certificate: signed alone (`sign`); recorded (`.recorded`), and signed after that (`.signed`), beside
/// rows that SQLite alone inserts (`.bare`) and signatures alone (`.alone`) in the same turn, one by one and in batches.
fn signing(folder: &Path) -> Result<Times> {
    const ALONE: u32 = 500;
    const BATCH: u32 = 100;
    let office = Office::open(folder)?;
    let mut bare = bare(folder)?;
    let mut times = Times::new();
    let sign = computed(20, || {
        for serial in 0..ALONE {
            black_box(office.sign(&office.record(u64::from(serial) + 1))?);
        }
        Ok(())
    })?;
    times.insert("sign", sign / f64::from(ALONE));

    let mut serial = 0;
    for (count, rounds, names) in [
        (1, 400, ["one.recorded", "one.signed", "one.bare", "one.alone"]),
        (
            BATCH,
            60,
            ["batch.recorded", "batch.signed", "batch.bare", "batch.alone"],
        ),
    ] {
        let mut each = [const { Vec::new() }; 4];
        for _ in 0..rounds {
            let begun = Instant::now();
            let records = office
                .store
                .open_certificates(&office.fingerprint, count, |serial| office.record(serial))?;
            let recorded = begun.elapsed();
            for record in &records {
                black_box(office.sign(record)?);
            }
            let between = Instant::now();
            insert(&mut bare, count, || {
                serial += 1;
                office.record(serial)
            })?;
            let inserted = between.elapsed();
            let alone = Instant::now();
            for record in &records {
                black_box(office.sign(record)?);
            }
            let took = [recorded, between - begun, inserted, alone.elapsed()];
            for (times, took) in each.iter_mut().zip(took) {
                times.push(took);
            }
        }
        for (mut one, name) in each.into_iter().zip(names) {
            let mut measured = one.drain(..);
            let middle = median(rounds, || measured.next().context("a round is missing"))?;
            times.insert(name, middle / f64::from(count));
        }
    }
    Ok(times)
}

/// An authority, a key to certify, and the record.
struct Office {
    authority: Authority,
    fingerprint: String,
    subject: PublicKey,
    subject_fingerprint: String,
    subject_line: String,
    principal: Principal,
    store: Store,
}

impl Office {
    fn open(folder: &Path) -> Result<Self> {
        let authority = Authority::generate(SignerKind::User, 1)?;
        let subject = Authority::generate(SignerKind::User, 1)?.public_key().clone();
        Ok(Self {
            fingerprint: authority.fingerprint(),
            subject_fingerprint: subject.fingerprint(devctl_ssh::HashAlg::Sha256).to_string(),
            subject_line: subject.to_openssh()?,
            principal: Principal::new("ct-0123456789ab")?,
            store: Store::open(folder.join("state.db"), Arc::new(SystemTime::now))?,
            authority,
            subject,
        })
    }

    fn record(&self, serial: u64) -> Certificate {
        Certificate {
            authority: self.fingerprint.clone(),
            serial,
            kind: AuthorityKind::User,
            key_id: format!("user:somebody@somewhere/{serial}"),
            subject_fingerprint: self.subject_fingerprint.clone(),
            subject_line: self.subject_line.clone(),
            principals: vec![self.principal.as_str().to_owned()],
            extensions: vec!["permit-pty".to_owned(), "permit-port-forwarding".to_owned()],
            critical_options: Vec::new(),
            valid_after: NOW,
            valid_before: NOW + 3600,
            issued_at: 1000,
            asked_by: "somebody".to_owned(),
            reason: "measured".to_owned(),
        }
    }

    fn sign(&self, record: &Certificate) -> Result<String> {
        let request = UserCertRequest::at(
            NOW,
            record.serial,
            record.key_id.clone(),
            vec![self.principal.clone()],
        );
        let certificate = issue_user_certificate(&self.authority, &self.subject, &request)?;
        Ok(certificate.to_openssh()?)
    }
}

/// A database with the settings of the store and a table of the same columns, and nothing else.
fn bare(folder: &Path) -> Result<Connection> {
    let connection = Connection::open(folder.join("bare.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 256)?;
    connection.execute_batch(
        "CREATE TABLE certificates (authority TEXT NOT NULL, serial INTEGER NOT NULL, kind TEXT NOT NULL,
           key_id TEXT NOT NULL, subject_fingerprint TEXT NOT NULL, principals TEXT NOT NULL,
           valid_after INTEGER NOT NULL, valid_before INTEGER NOT NULL, issued_at INTEGER NOT NULL,
           subject_line TEXT NOT NULL, extensions TEXT NOT NULL, critical_options TEXT NOT NULL,
           asked_by TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (authority, serial)) STRICT, WITHOUT ROWID",
    )?;
    Ok(connection)
}

fn insert(connection: &mut Connection, count: u32, mut record: impl FnMut() -> Certificate) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO certificates (authority, serial, kind, key_id, subject_fingerprint, principals, valid_after,
               valid_before, issued_at, subject_line, extensions, critical_options, asked_by, reason)
             VALUES (?1, ?2, 'user', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '[]', ?11, ?12)",
        )?;
        for _ in 0..count {
            let one = record();
            insert.execute(params![
                one.authority,
                one.serial.cast_signed(),
                one.key_id,
                one.subject_fingerprint,
                "[\"ct-0123456789ab\"]",
                one.valid_after.cast_signed(),
                one.valid_before.cast_signed(),
                one.issued_at,
                one.subject_line,
                "[\"permit-pty\",\"permit-port-forwarding\"]",
                one.asked_by,
                one.reason,
            ])?;
        }
    }
    Ok(transaction.commit()?)
}

/// Writes a list of 100,000 serials of `authority` to `file`, none of them below 1,000: `write` and `read`.
fn revocation(file: &Path, authority: &str) -> Result<Times> {
    const SERIALS: u64 = 100_000;
    let authority = PublicKey::from_openssh(authority)?;
    let mut list = RevocationList::new(2, NOW);
    // One of ten that were handed out, as people leave and computers are lost: scattered, so that ranges do not help.
    let serials = (0..SERIALS).map(|number| 1_000 + number * 10 + number.wrapping_mul(0x9E37_79B9) % 10);
    list.revoke_all_serials(&authority, serials.map(|serial| serial..=serial))?;
    let write = waited(15, || Ok(write_revocation_list(file, &list)?))?;
    let read = computed(100, || {
        let list = read_revocation_list(file)?.context("the list is gone")?;
        let found = list.revokes_numbered(&authority, 7, "user:somebody@somewhere/7")?;
        match found {
            None => Ok(()),
            Some(means) => bail!("serial 7 is revoked by its {means:?}"),
        }
    })?;
    Ok(Times::from([("write", write), ("read", read)]))
}

/// Opens a vault of 1,000 entries of 64 KiB and reads one: `key` and `passphrase`.
fn vault(folder: &Path) -> Result<Times> {
    const ENTRIES: usize = 1_000;
    const SIZE: usize = 64 << 10;
    let name = |number: usize| format!("secret/container/some-container-{number}/TOKEN");
    let sources = KeySources::default();
    let vault = Vault::create(folder, &sources, &NewWay::OwnFile)?;
    let value = vec![7; SIZE];
    let names: Vec<String> = (0..ENTRIES).map(name).collect();
    vault.put_all(names.iter().map(|name| (name.as_str(), value.as_slice())))?;
    let words = SecretText::new("correct horse".to_owned());
    let change = vault.add_way(&NewWay::Passphrase(words.clone()))?;
    if let Some(left_behind) = change.left_behind {
        return Err(left_behind).context("a way into the vault was left behind");
    }
    let read_one = |unlock: &Unlock| {
        let vault = Vault::open_with(folder, &sources, unlock)?;
        let found = vault.get(&name(777))?.context("the entry is gone")?;
        if found.expose().len() != SIZE {
            bail!("the entry has {} bytes", found.expose().len());
        }
        Ok(())
    };
    let key = computed(100, || read_one(&Unlock::default()))?;
    let unlock = Unlock {
        passphrase: Some(words),
        ..Unlock::default()
    };
    let passphrase = computed(9, || read_one(&unlock))?;
    Ok(Times::from([("key", key), ("passphrase", passphrase)]))
}
