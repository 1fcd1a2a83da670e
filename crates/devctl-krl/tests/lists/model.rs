use devctl_krl::{Entry, KrlError, RevocationList, Revoked};
use proptest::prelude::*;
use ssh_key::PublicKey;

use crate::bed::{POOL, Wish, list, wishes};

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_and_says_what_was_wished(wishes in wishes(), version in any::<u64>()) {
        let mut list = list(&wishes);
        list.renumber(version, version / 3);
        let bytes = list.to_bytes();
        let read = RevocationList::parse(&bytes).unwrap();
        prop_assert_eq!(&read, &list);
        prop_assert_eq!((read.version(), read.generated()), (version, version / 3));
        prop_assert_eq!(read.to_bytes(), bytes);
        for certificate in &POOL.certificates {
            let is_wished = wishes.iter().any(|wish| wish.hits(certificate));
            let signer = PublicKey::new(certificate.signature_key().clone(), "");
            let by_number = read.revokes_numbered(&signer, certificate.serial(), certificate.key_id()).unwrap();
            let wished = wishes.iter().filter(|wish| matches!(wish, Wish::Serials(..) | Wish::KeyId(..)));
            prop_assert_eq!(by_number.is_some(), wished.clone().any(|wish| wish.hits(certificate)));
            prop_assert_eq!(read.revokes(certificate).unwrap().is_some(), is_wished, "{:?}", certificate.serial());
        }
    }
}

#[test]
fn the_reason_is_told() {
    let certificate = POOL.certificates.iter().find(|one| one.serial() == 7).unwrap();
    let signer = |wish: fn(usize) -> Wish| {
        let index = POOL
            .authorities
            .iter()
            .position(|key| key.key_data() == certificate.signature_key());
        wish(index.unwrap())
    };
    let subject = |wish: fn(usize) -> Wish| {
        let index = POOL
            .subjects
            .iter()
            .position(|key| key.key_data() == certificate.public_key());
        wish(index.unwrap())
    };
    for (wish, reason) in [
        (signer(|ca| Wish::Serials(ca, 7, 7)), Revoked::Serial),
        (signer(|ca| Wish::KeyId(ca, "ü;\"x")), Revoked::KeyId),
        (signer(Wish::Authority), Revoked::Authority),
        (subject(Wish::Subject), Revoked::Key),
        (subject(Wish::Sha256), Revoked::Key),
    ] {
        assert_eq!(
            list(std::slice::from_ref(&wish)).revokes(certificate),
            Ok(Some(reason)),
            "{wish:?}"
        );
    }
    let subject = list(&[subject(Wish::Sha256)]);
    let hit = POOL
        .subjects
        .iter()
        .filter(|key| subject.revokes_key(key) == Ok(Some(Revoked::Key)));
    assert_eq!(hit.count(), 1);
}

#[test]
fn entries_are_what_was_put_in() {
    let (ca, key) = (&POOL.authorities[0], &POOL.subjects[0]);
    let mut list = RevocationList::new(1, 1);
    assert_eq!(list.entries().count(), 0);
    list.revoke_serials(ca, 9..=9).unwrap();
    list.revoke_serials(ca, 1..=3).unwrap();
    list.revoke_serials(ca, 4..=5).unwrap();
    list.revoke_key_id(ca, "x").unwrap();
    list.revoke_key(key).unwrap();
    list.revoke_sha256([4; 32]);
    let authority = Some(ca);
    let blob = key.to_bytes().unwrap();
    let serials = |first, last| Entry::Serials {
        authority,
        first,
        last,
    };
    assert_eq!(
        list.entries().collect::<Vec<_>>(),
        [
            serials(1, 5),
            serials(9, 9),
            Entry::KeyId { authority, id: b"x" },
            Entry::Key(&blob),
            Entry::Sha256(&[4; 32])
        ]
    );
}

#[test]
fn what_means_nothing_is_not_taken() {
    let mut list = RevocationList::new(1, 1);
    let ca = &POOL.authorities[0];
    assert_eq!(list.revoke_serials(ca, 0..=0), Err(KrlError::SerialZero));
    assert_eq!(list.revoke_serials(ca, 0..=9), Err(KrlError::SerialZero));
    assert_eq!(
        list.revoke_all_serials(ca, [1..=9, 0..=0]),
        Err(KrlError::SerialZero)
    );
    #[expect(clippy::reversed_empty_ranges, reason = "it is what is refused")]
    let backward = list.revoke_serials(ca, 9..=3);
    assert_eq!(backward, Err(KrlError::BackwardRange { first: 9, last: 3 }));
    assert!(list.revoke_key_id(ca, "a\0b").is_err());
    assert_eq!(list, RevocationList::new(1, 1));
}
