//! Serial numbers, certificates, authorities, revocations and keys through the public door.
#![expect(
    clippy::unwrap_used,
    reason = "in a test file the helpers too end a test at the first surprise"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use devctl_store::{
    AuthorityKind, AuthorityPhase, Certificate, CertificateFilter, KeptIn, Key, KeyOrigin, KeyState,
    NewAuthority, PassphraseOf, RevocationMeans, Store,
};
use serde_json::json;
use tempfile::TempDir;

const NOW_MS: i64 = 1_800_000_000_123;

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(NOW_MS.unsigned_abs())
}

fn store_in(folder: &TempDir) -> Store {
    Store::open(folder.path().join("state/state.db"), Arc::new(clock)).unwrap()
}

fn certificate(serial: u64) -> Certificate {
    Certificate {
        authority: "overruled".into(),
        serial: 99,
        kind: AuthorityKind::User,
        key_id: format!("ann@here/{serial}"),
        subject_fingerprint: "SHA256:x".into(),
        subject_line: "ssh-ed25519 AAAA".into(),
        principals: vec!["owner-1".into(), "ct-2".into()],
        extensions: vec!["permit-pty".into()],
        critical_options: vec![("force-command".into(), "true".into())],
        valid_after: 5,
        valid_before: 50,
        issued_at: NOW_MS,
        asked_by: "ann".into(),
        reason: "login".into(),
    }
}

#[test]
fn serials_count_per_authority_and_come_with_the_record() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    let first = store.open_certificates("A", 2, certificate).unwrap();
    assert_eq!(
        first
            .iter()
            .map(|made| (made.authority.as_str(), made.serial, made.key_id.as_str()))
            .collect::<Vec<_>>(),
        [("A", 1, "ann@here/1"), ("A", 2, "ann@here/2")]
    );
    assert_eq!(store.open_certificates("B", 1, certificate).unwrap()[0].serial, 1);
    let third = store
        .open_certificates("A", 1, |serial| Certificate {
            valid_before: u64::MAX,
            kind: AuthorityKind::Host,
            ..certificate(serial)
        })
        .unwrap()
        .remove(0);
    assert_eq!(third.serial, 3);

    let serials = |filter: CertificateFilter| -> Vec<(String, u64)> {
        let found = store.certificates(&filter).unwrap();
        found
            .into_iter()
            .map(|made| (made.authority, made.serial))
            .collect()
    };
    let of_a = CertificateFilter {
        authority: Some("A".into()),
        ..CertificateFilter::default()
    };
    assert_eq!(
        store.certificates(&of_a).unwrap(),
        [&third, &first[1], &first[0]].map(Clone::clone)
    );
    assert_eq!(serials(CertificateFilter::default()).len(), 4);
    assert_eq!(
        serials(CertificateFilter {
            valid_at: Some(50),
            ..of_a.clone()
        }),
        [("A".to_owned(), 3)]
    );
    assert_eq!(
        serials(CertificateFilter {
            valid_at: Some(49),
            ..of_a.clone()
        })
        .len(),
        3
    );
    assert_eq!(
        serials(CertificateFilter {
            serial: Some(2),
            ..of_a.clone()
        }),
        [("A".to_owned(), 2)]
    );
    assert_eq!(
        serials(CertificateFilter {
            kind: Some(AuthorityKind::Host),
            ..of_a.clone()
        }),
        [("A".to_owned(), 3)]
    );
    assert_eq!(
        serials(CertificateFilter {
            limit: Some(1),
            ..of_a.clone()
        }),
        [("A".to_owned(), 3)]
    );
    assert_eq!(
        serials(CertificateFilter {
            subject_fingerprint: Some("SHA256:y".into()),
            ..of_a
        }),
        []
    );
    assert_eq!(store.count_certificates("A").unwrap(), 3);
    for (used, next) in [(1_000_000, 1_000_001), (7, 1_000_002)] {
        store.raise_serials("A", used).unwrap();
        assert_eq!(
            store.open_certificates("A", 1, certificate).unwrap()[0].serial,
            next
        );
    }
}

fn authority(fingerprint: &str, generation: u32, phase: AuthorityPhase) -> NewAuthority {
    NewAuthority {
        fingerprint: fingerprint.into(),
        kind: AuthorityKind::User,
        generation,
        public_line: format!("ssh-ed25519 {fingerprint}"),
        kept_in: KeptIn::Vault,
        phase,
    }
}

#[test]
fn one_authority_of_a_kind_signs_at_every_instant() {
    use AuthorityPhase::{New, Retired, Signing, Trusted};
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    store.record_authority(&authority("F", 1, Signing)).unwrap();
    store.record_authority(&authority("F", 1, New)).unwrap();
    for taken in [authority("G", 1, New), authority("G", 2, Signing)] {
        assert_eq!(
            store.record_authority(&taken).unwrap_err().code(),
            "authority.conflict"
        );
    }
    store.record_authority(&authority("G", 2, New)).unwrap();
    let seen = store.authorities(AuthorityKind::User).unwrap();
    assert_eq!(
        seen.iter().map(|a| (a.generation, a.phase)).collect::<Vec<_>>(),
        [(1, Signing), (2, New)]
    );
    store.move_authorities(&seen, &[("G", Trusted)]).unwrap();
    let error = store.move_authorities(&seen, &[("G", Signing)]).unwrap_err();
    assert_eq!(error.code(), "authority.changed", "what was seen is no longer so");

    let seen = store.authorities(AuthorityKind::User).unwrap();
    assert!(
        store.move_authorities(&seen, &[("G", Signing)]).is_err(),
        "two would sign"
    );
    store
        .move_authorities(&seen, &[("G", Signing), ("F", Trusted)])
        .unwrap();
    let seen = store.authorities(AuthorityKind::User).unwrap();
    assert_eq!(
        seen.iter().map(|a| a.phase).collect::<Vec<_>>(),
        [Trusted, Signing]
    );
    let error = store
        .move_authorities(&seen, &[("F", Retired), ("H", Retired)])
        .unwrap_err();
    assert_eq!(error.code(), "authority.unknown");
    assert_eq!(
        store.authorities(AuthorityKind::User).unwrap(),
        seen,
        "all of them or none"
    );

    assert!(
        store.forget_authority("F").is_err(),
        "one that was trusted is not forgotten"
    );
    store.record_authority(&authority("H", 3, New)).unwrap();
    store.set_authority_policy("H", Some(&json!({ "a": 1 }))).unwrap();
    assert_eq!(
        store.authorities(AuthorityKind::User).unwrap()[2].policy,
        Some(json!({ "a": 1 }))
    );
    store.forget_authority("H").unwrap();
    assert_eq!(store.authorities(AuthorityKind::User).unwrap().len(), 2);
    assert_eq!(store.authorities(AuthorityKind::Host).unwrap(), []);
}

#[test]
fn a_revocation_is_final_and_counts_the_lists() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    let revoke = |means, value| {
        store
            .revoke(means, "ssh-ed25519 A", value, "ann", "stolen")
            .unwrap()
    };
    assert_eq!(revoke(RevocationMeans::Serial, "7"), 2);
    assert_eq!(revoke(RevocationMeans::SerialRange, "8-20"), 3);
    assert_eq!(revoke(RevocationMeans::Serial, "7"), 2, "revoked already");
    assert_eq!(revoke(RevocationMeans::KeyId, "7"), 4);
    let all = store.revocations().unwrap();
    assert_eq!(all.iter().map(|one| one.version).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(
        (all[1].means, all[1].value.as_str(), all[1].at),
        (RevocationMeans::SerialRange, "8-20", NOW_MS)
    );
    let connection = rusqlite::Connection::open(folder.path().join("state/state.db")).unwrap();
    for sql in ["DELETE FROM revocations", "UPDATE revocations SET value = '9'"] {
        assert!(
            connection
                .execute(sql, [])
                .unwrap_err()
                .to_string()
                .contains("final"),
            "{sql}"
        );
    }
}

#[test]
fn keys_are_found_by_name() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder);
    let key = Key {
        name: "work".into(),
        fingerprint: "SHA256:x".into(),
        public_line: "ssh-ed25519 AAAA".into(),
        origin: KeyOrigin::Generated,
        passphrase: PassphraseOf::Vault,
        state: KeyState::Active,
        replaced_by: None,
        created_at: NOW_MS,
        changed_at: NOW_MS,
    };
    store.add_key(&key).unwrap();
    assert_eq!(store.add_key(&key).unwrap_err().code(), "key.exists");
    let retiring = Key {
        state: KeyState::Retiring,
        replaced_by: Some("work-2".into()),
        ..key
    };
    store.update_key(&retiring).unwrap();
    assert_eq!(store.key("work").unwrap(), retiring);
    assert_eq!(store.keys().unwrap(), std::slice::from_ref(&retiring));
    store.remove_key("work").unwrap();
    for error in [
        store.remove_key("work").unwrap_err(),
        store.update_key(&retiring).unwrap_err(),
        store.key("work").unwrap_err(),
    ] {
        assert_eq!(error.code(), "key.unknown");
    }
}
