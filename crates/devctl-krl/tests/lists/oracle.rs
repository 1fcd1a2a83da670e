//! `ssh-keygen` reads what we write, we read what it writes, and both say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use devctl_krl::{Entry, RevocationList, Revoked};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ssh_key::{HashAlg, PublicKey};
use tempfile::TempDir;

use crate::bed::{POOL, Wish, list, sha256, wishes};

/// A folder with the certificates of the pool and the public keys.
struct Oracle {
    folder: TempDir,
    certificates: Vec<String>,
}

impl Oracle {
    /// `None`, and said so, where there is no `ssh-keygen`.
    fn new() -> Option<Self> {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            assert!(
                std::env::var_os("DEVCTL_REQUIRE_ALL").is_none(),
                "there is no ssh-keygen"
            );
            eprintln!("SKIPPED: no ssh-keygen here");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut certificates = Vec::new();
        for (index, certificate) in POOL.certificates.iter().enumerate() {
            let name = format!("{index}-cert.pub");
            fs::write(folder.path().join(&name), certificate.to_openssh().unwrap()).unwrap();
            certificates.push(name);
        }
        for (index, authority) in POOL.authorities.iter().enumerate() {
            fs::write(
                folder.path().join(format!("ca{index}.pub")),
                authority.to_openssh().unwrap(),
            )
            .unwrap();
        }
        Some(Self { folder, certificates })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keygen(&self, arguments: &[&str]) -> Output {
        Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(&self.folder)
            .env("TZ", "UTC")
            .output()
            .unwrap()
    }

    /// Which certificates of the pool the list revokes; `None` if `ssh-keygen` does not read the list.
    fn revoked(&self, list: &[u8]) -> Option<Vec<bool>> {
        fs::write(self.path("list"), list).unwrap();
        let mut arguments = vec!["-Q", "-f", "list"];
        arguments.extend(self.certificates.iter().map(String::as_str));
        let said = String::from_utf8(self.keygen(&arguments).stdout).unwrap();
        let answers: Vec<bool> = said.lines().map(|line| line.ends_with(": REVOKED")).collect();
        let understood = said
            .lines()
            .all(|line| line.ends_with(": ok") || line.ends_with(": REVOKED"));
        (understood && answers.len() == self.certificates.len()).then_some(answers)
    }

    /// Adds the lines of a specification, for one authority, to the list in the file.
    fn add(&self, authority: &str, specification: &str, file: &str) {
        fs::write(self.path("specification"), specification).unwrap();
        let mut arguments = vec!["-q", "-k", "-s", authority, "-f", file];
        if self.path(file).exists() {
            arguments.push("-u");
        }
        arguments.push("specification");
        let output = self.keygen(&arguments);
        assert!(output.status.success(), "{specification}: {output:?}");
    }

    /// The entries, as `ssh-keygen -Q -l` names them.
    fn entries(&self, list: &[u8]) -> BTreeSet<String> {
        fs::write(self.path("list"), list).unwrap();
        let output = self.keygen(&["-Q", "-l", "-f", "list"]);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let mut authority = String::new();
        let mut entries = BTreeSet::new();
        for line in said.lines() {
            if let Some(key) = line.strip_prefix("# CA key ") {
                authority = key.rsplit(' ').next().unwrap().to_owned();
            } else if line.starts_with("serial: ") || line.starts_with("id: ") {
                entries.insert(format!("{authority} {line}"));
            } else if let Some(hash) = line.strip_prefix("hash: ") {
                entries.insert(hash.split(' ').next().unwrap().to_owned());
            }
        }
        entries
    }
}

fn our_answers(list: &RevocationList) -> Vec<bool> {
    POOL.certificates
        .iter()
        .map(|certificate| list.revokes(certificate).unwrap().is_some())
        .collect()
}

fn our_entries(list: &RevocationList) -> BTreeSet<String> {
    let name = |authority: Option<&PublicKey>| authority.unwrap().fingerprint(HashAlg::Sha256).to_string();
    let mut entries = BTreeSet::new();
    for entry in list.entries() {
        entries.insert(match entry {
            Entry::Serials {
                authority,
                first,
                last,
            } if first == last => {
                format!("{} serial: {first}", name(authority))
            }
            Entry::Serials {
                authority,
                first,
                last,
            } => {
                format!("{} serial: {first}-{last}", name(authority))
            }
            Entry::KeyId { authority, id } => {
                format!("{} id: {}", name(authority), String::from_utf8_lossy(id))
            }
            Entry::Key(blob) => PublicKey::from_bytes(blob)
                .unwrap()
                .fingerprint(HashAlg::Sha256)
                .to_string(),
            Entry::Sha256(hash) => {
                format!(
                    "SHA256:{}",
                    hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
                )
            }
            Entry::Sha1(_) => continue,
        });
    }
    entries
}

/// The same random lists in every run.
fn random_lists(count: usize) -> impl Iterator<Item = Vec<Wish>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[42; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = wishes();
    (0..count).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

#[test]
fn ssh_keygen_reads_what_we_write() {
    let Some(oracle) = Oracle::new() else {
        return;
    };
    for wishes in random_lists(300) {
        let list = list(&wishes);
        let bytes = list.to_bytes();
        assert_eq!(oracle.revoked(&bytes), Some(our_answers(&list)), "{wishes:?}");
        assert_eq!(oracle.entries(&bytes), our_entries(&list), "{wishes:?}");
    }
}

#[test]
fn we_read_what_ssh_keygen_writes() {
    let Some(oracle) = Oracle::new() else {
        return;
    };
    for (number, wishes) in random_lists(200).enumerate() {
        let file = format!("theirs{number}");
        let mut specifications = ["", "", ""].map(str::to_owned);
        for wish in &wishes {
            let line = |key: &PublicKey| key.to_openssh().unwrap();
            let (authority, line) = match wish {
                Wish::Serials(ca, first, last) if first == last => (*ca, format!("serial: {first}")),
                Wish::Serials(ca, first, last) => (*ca, format!("serial: {first}-{last}")),
                Wish::KeyId(ca, id) => (*ca, format!("id: {id}")),
                Wish::Subject(key) => (0, format!("key: {}", line(&POOL.subjects[*key]))),
                Wish::Authority(key) => (0, format!("key: {}", line(&POOL.authorities[*key]))),
                Wish::Sha256(key) => (0, format!("sha256: {}", line(&POOL.subjects[*key]))),
                Wish::Stranger(_) => continue,
            };
            specifications[authority] += &format!("{line}\n");
        }
        for (authority, specification) in specifications.iter().enumerate() {
            oracle.add(&format!("ca{authority}.pub"), specification, &file);
        }
        let bytes = fs::read(oracle.path(&file)).unwrap();
        let read = RevocationList::parse(&bytes).unwrap();
        assert_eq!(oracle.revoked(&bytes), Some(our_answers(&read)), "{wishes:?}");
        let wished: Vec<bool> = POOL
            .certificates
            .iter()
            .map(|certificate| wishes.iter().any(|wish| wish.hits(certificate)))
            .collect();
        assert_eq!(our_answers(&read), wished, "{wishes:?}");
        assert_eq!(oracle.entries(&bytes), our_entries(&read), "{wishes:?}");
    }
}

/// Serials close together without being a run: `ssh-keygen` writes bitmaps, and so do we.
#[test]
fn bitmaps_are_read() {
    let Some(oracle) = Oracle::new() else {
        return;
    };
    let scattered: String = (1..400).step_by(3).map(|n| format!("serial: {n}\n")).collect();
    oracle.add("ca0.pub", &scattered, "bitmap");
    let bytes = fs::read(oracle.path("bitmap")).unwrap();
    let key = POOL.authorities[0].to_bytes().unwrap();
    let after_key = bytes.windows(key.len()).position(|at| at == key).unwrap() + key.len() + 4;
    assert_eq!(bytes[after_key], 0x22, "it is a bitmap");
    let read = RevocationList::parse(&bytes).unwrap();
    assert_eq!(read.entries().count(), 133);
    assert_eq!(oracle.entries(&bytes), our_entries(&read));
    let ours = read.to_bytes();
    assert_eq!(oracle.revoked(&ours), oracle.revoked(&bytes));
    assert_eq!(oracle.entries(&ours), our_entries(&read));
    assert!(ours.len() < 133 * size_of::<u64>(), "{}", ours.len());
}

#[test]
fn every_way_to_name_a_key_is_read() {
    let Some(oracle) = Oracle::new() else {
        return;
    };
    let (key, ca) = (&POOL.subjects[0], &POOL.authorities[1]);
    let sha256 = key.fingerprint(HashAlg::Sha256);
    for (index, line) in [
        format!("sha1: {}", key.to_openssh().unwrap()),
        format!("hash: {sha256}"),
        format!("sha1: {}", ca.to_openssh().unwrap()),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("key{index}");
        oracle.add("none", &format!("{line}\n"), &file);
        let bytes = fs::read(oracle.path(&file)).unwrap();
        let read = RevocationList::parse(&bytes).unwrap();
        assert_eq!(oracle.revoked(&bytes), Some(our_answers(&read)), "{line}");
        assert!(our_answers(&read).contains(&true), "{line}");
        assert_eq!(
            read.revokes_key(if index == 2 { ca } else { key }),
            Ok(Some(Revoked::Key))
        );
        assert_eq!(RevocationList::parse(&read.to_bytes()), Ok(read));
    }
}

/// `-s none`: of whatever authority.
#[test]
fn serials_of_every_authority_are_read() {
    let Some(oracle) = Oracle::new() else {
        return;
    };
    oracle.add("none", "serial: 3-8\nid: a b\n", "wild");
    let bytes = fs::read(oracle.path("wild")).unwrap();
    let read = RevocationList::parse(&bytes).unwrap();
    assert_eq!(oracle.revoked(&bytes), Some(our_answers(&read)));
    assert_eq!(oracle.revoked(&read.to_bytes()), Some(our_answers(&read)));
    assert!(our_answers(&read).iter().filter(|is| **is).count() >= 6);
}

/// Without our checksum a changed bit can make another list. Then we must not let in whom `ssh` would refuse.
#[test]
fn a_damaged_list_of_others_says_to_us_what_it_says_to_ssh_keygen() {
    let Some(oracle) = Oracle::new() else {
        return;
    };
    let key = POOL.subjects[0].to_openssh().unwrap();
    let scattered: String = (1..60).step_by(3).map(|n| format!("serial: {n}\n")).collect();
    oracle.add(
        "ca0.pub",
        &format!("serial: 100-300\nid: a b\nsha256: {key}\nkey: {key}\n{scattered}"),
        "whole",
    );
    let whole = fs::read(oracle.path("whole")).unwrap();
    let mut both = 0;
    for (position, bit) in (8..whole.len()).zip([0, 3, 5, 7, 1, 6, 2, 4].into_iter().cycle()) {
        let mut damaged = whole.clone();
        damaged[position] ^= 1 << bit;
        let theirs = oracle.revoked(&damaged);
        if let Ok(ours) = RevocationList::parse(&damaged) {
            assert_eq!(theirs, Some(our_answers(&ours)), "bit {bit} of byte {position}");
            both += 1;
        }
    }
    for cut in 0..whole.len() {
        if let Ok(ours) = RevocationList::parse(&whole[..cut]) {
            assert_eq!(
                oracle.revoked(&whole[..cut]),
                Some(our_answers(&ours)),
                "cut at {cut}"
            );
        }
    }
    assert!(both > 20, "{both} lists were read by both");
}

#[test]
fn large_lists_are_read_by_ssh_keygen() {
    let Some(oracle) = Oracle::new() else {
        return;
    };
    // As bitmaps, and one by one, because they are too far apart for that.
    for (apart, bytes) in [
        (3, 30_000..60_000),
        (10, 120_000..140_000),
        (100, 800_000..810_000),
    ] {
        let serials = (0..100_000_u64).map(|n| 100 + n * apart);
        let mut list = RevocationList::new(1, 1);
        list.revoke_all_serials(&POOL.authorities[0], serials.map(|serial| serial..=serial))
            .unwrap();
        list.revoke_sha256(sha256(&POOL.subjects[2]));
        assert_eq!(oracle.revoked(&list.to_bytes()), Some(our_answers(&list)));
        let written = Path::new(&oracle.path("list")).metadata().unwrap().len();
        assert!(bytes.contains(&written), "{apart} apart: {written}");
        let read = RevocationList::parse(&list.to_bytes()).unwrap();
        assert!(read == list, "{apart} apart");
    }
}
