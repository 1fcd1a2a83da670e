use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// An authority, a user key and certificates, all made by `ssh-keygen`: an oracle that nobody here wrote.
struct Oracle {
    folder: TempDir,
}

impl Oracle {
    fn new() -> Self {
        let oracle = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["ca", "other_ca", "user", "other"] {
            oracle.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", name]);
        }
        oracle
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keygen(&self, arguments: &[&str]) {
        let status = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&status.stderr)
        );
    }

    fn certificate(&self, ca: &str, serial: u64, id: &str) -> Certificate {
        self.keygen(&[
            "-q",
            "-s",
            ca,
            "-I",
            id,
            "-n",
            "p",
            "-z",
            &serial.to_string(),
            "user.pub",
        ]);
        Certificate::read_file(Path::new(&self.path("user-cert.pub"))).unwrap()
    }

    fn krl(&self, specification: &str) -> Vec<u8> {
        fs::write(self.path("spec"), specification).unwrap();
        self.keygen(&["-q", "-k", "-f", "krl", "-s", "ca.pub", "spec"]);
        fs::read(self.path("krl")).unwrap()
    }

    fn revoked(&self, specification: &str, serial: u64, id: &str) -> Option<Revoked> {
        let list = RevocationList::parse(&self.krl(specification)).unwrap();
        let certificate = self.certificate("ca", serial, id);
        let says = Command::new("ssh-keygen")
            .args(["-Q", "-f", "krl", "user-cert.pub"])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let result = list.revokes(&certificate).unwrap();
        assert_eq!(
            result.is_some(),
            !says.status.success(),
            "{specification}: ssh-keygen disagrees"
        );
        result
    }
}

#[test]
fn what_ssh_keygen_revokes_is_revoked_and_nothing_else() {
    let oracle = Oracle::new();
    assert_eq!(oracle.revoked("", 7, "a"), None);
    assert_eq!(oracle.revoked("serial: 7\n", 7, "a"), Some(Revoked::Serial));
    assert_eq!(oracle.revoked("serial: 7\n", 8, "a"), None);
    assert_eq!(oracle.revoked("serial: 7\n", 0, "a"), None);
    assert_eq!(
        oracle.revoked("serial: 1000-2000\n", 1500, "a"),
        Some(Revoked::Serial)
    );
    assert_eq!(oracle.revoked("serial: 1000-2000\n", 2001, "a"), None);
    assert_eq!(oracle.revoked("id: a\n", 7, "a"), Some(Revoked::KeyId));
    assert_eq!(oracle.revoked("id: a\n", 7, "ab"), None);
    // Many serials close together: ssh-keygen writes a bitmap.
    let scattered: String = (0..200)
        .filter(|n| n % 3 == 0)
        .map(|n| format!("serial: {}\n", 5000 + n))
        .collect();
    assert!(
        oracle
            .krl(&scattered)
            .windows(1)
            .any(|byte| byte == [CERT_SERIAL_BITMAP])
    );
    assert_eq!(oracle.revoked(&scattered, 5000, "a"), Some(Revoked::Serial));
    assert_eq!(oracle.revoked(&scattered, 5198, "a"), Some(Revoked::Serial));
    assert_eq!(oracle.revoked(&scattered, 5001, "a"), None);
    assert_eq!(oracle.revoked(&scattered, 5201, "a"), None);

    let key = |name: &str| fs::read_to_string(oracle.path(name)).unwrap();
    let fingerprint = |name: &str, hash| {
        ssh_key::PublicKey::from_openssh(&key(name))
            .unwrap()
            .fingerprint(hash)
            .to_string()
    };
    assert_eq!(
        oracle.revoked(&format!("key: {}", key("user.pub")), 7, "a"),
        Some(Revoked::Key)
    );
    assert_eq!(
        oracle.revoked(&format!("key: {}", key("other.pub")), 7, "a"),
        None
    );
    assert_eq!(
        oracle.revoked(&format!("key: {}", key("ca.pub")), 7, "a"),
        Some(Revoked::Authority)
    );
    let sha256 = fingerprint("user.pub", ssh_key::HashAlg::Sha256);
    assert_eq!(
        oracle.revoked(&format!("hash: {sha256}\n"), 7, "a"),
        Some(Revoked::Key)
    );
    assert_eq!(
        oracle.revoked(&format!("sha256: {}", key("user.pub")), 7, "a"),
        Some(Revoked::Key)
    );
    assert_eq!(
        oracle.revoked(&format!("sha1: {}", key("user.pub")), 7, "a"),
        Some(Revoked::Key)
    );
    assert_eq!(
        oracle.revoked(&format!("sha1: {}", key("ca.pub")), 7, "a"),
        Some(Revoked::Authority)
    );
}

#[test]
fn serials_are_revoked_for_their_authority_only() {
    let oracle = Oracle::new();
    let list = RevocationList::parse(&oracle.krl("serial: 7\nid: x\n")).unwrap();
    assert_eq!(
        list.revokes(&oracle.certificate("other_ca", 7, "x")).unwrap(),
        None
    );
    assert_eq!(
        list.revokes(&oracle.certificate("ca", 7, "y")).unwrap(),
        Some(Revoked::Serial)
    );
}

#[test]
fn an_empty_valid_list_is_a_list_and_nothing_is_not() {
    let oracle = Oracle::new();
    let empty = oracle.krl("");
    assert_eq!(RevocationList::parse(&empty).unwrap(), RevocationList::default());
    assert_eq!(RevocationList::parse(b""), Err(KrlError::Empty));
    assert_eq!(
        RevocationList::parse(b"not a list at all"),
        Err(KrlError::NotAKrl)
    );
    assert_eq!(RevocationList::parse(b"SSH"), Err(KrlError::NotAKrl));
}

#[test]
fn every_cut_and_every_flipped_byte_is_survived() {
    let oracle = Oracle::new();
    let key = fs::read_to_string(oracle.path("user.pub")).unwrap();
    let scattered: String = (0..90)
        .filter(|n| n % 3 == 0)
        .map(|n| format!("serial: {}\n", 50 + n))
        .collect();
    let whole = oracle.krl(&format!("id: abc\nkey: {key}\nsha256: {key}\n{scattered}"));
    // A cut between two sections leaves a shorter list that is valid; every other is refused.
    let accepted = (0..whole.len())
        .filter(|cut| RevocationList::parse(&whole[..*cut]).is_ok())
        .count();
    assert!(accepted <= 4, "{accepted}");
    for position in 0..whole.len() {
        for flip in [1_u8, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[position] ^= flip;
            let _ = RevocationList::parse(&damaged);
        }
    }
}

#[test]
fn what_is_not_understood_refuses_the_list() {
    let oracle = Oracle::new();
    let with = |section: u8, data: &[u8]| {
        let mut bytes = oracle.krl("");
        bytes.push(section);
        bytes.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(data);
        RevocationList::parse(&bytes)
    };
    assert_eq!(with(77, b""), Err(KrlError::UnknownSection(77)));
    assert_eq!(with(SECTION_SIGNATURE, b""), Err(KrlError::Signed));
    let extension = |critical: u8| [b"\0\0\0\x01x".as_slice(), &[critical], b"\0\0\0\0"].concat();
    assert_eq!(
        with(SECTION_EXTENSION, &extension(1)),
        Err(KrlError::CriticalExtension("x".into()))
    );
    assert!(with(SECTION_EXTENSION, &extension(0)).is_ok());
    let certificates = |kind: u8, data: &[u8]| {
        [
            b"\0\0\0\0\0\0\0\0".as_slice(),
            &[kind],
            &u32::try_from(data.len()).unwrap().to_be_bytes(),
            data,
        ]
        .concat()
    };
    assert_eq!(
        with(1, &certificates(0x30, b"")),
        Err(KrlError::UnknownCertificateSection(0x30))
    );
    let backward = [9_u64.to_be_bytes(), 3_u64.to_be_bytes()].concat();
    assert_eq!(
        with(1, &certificates(CERT_SERIAL_RANGE, &backward)),
        Err(KrlError::BackwardRange { first: 9, last: 3 })
    );
}
