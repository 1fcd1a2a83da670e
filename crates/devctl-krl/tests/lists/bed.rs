//! Keys and certificates that are the same in every run.

use std::sync::LazyLock;

use devctl_krl::{KrlError, RevocationList};
use proptest::prelude::*;
use ssh_key::certificate::{Builder, CertType};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Certificate, HashAlg, PrivateKey, PublicKey};

/// Serials that lists and certificates of the tests are about, with the edges of the format.
const EDGES: [u64; 6] = [1, 2, 1 << 32, u64::MAX - 1, u64::MAX, 1 << 63];
const KEY_IDS: [&str; 4] = ["user:dev/1", "a b", "ü;\"x", "user:dev/12"];

pub(crate) struct Pool {
    pub(crate) authorities: Vec<PublicKey>,
    pub(crate) subjects: Vec<PublicKey>,
    pub(crate) certificates: Vec<Certificate>,
}

pub(crate) static POOL: LazyLock<Pool> = LazyLock::new(|| {
    let key = |seed: u8| {
        let pair = Ed25519Keypair::from_seed(&[seed; 32]);
        PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap()
    };
    let authorities = [key(1), key(2), key(3)];
    let subjects = [key(11), key(12), key(13)];
    let mut certificates = Vec::new();
    let serials = (0..18_u64).chain(EDGES).chain([0]);
    for (index, serial) in serials.enumerate() {
        let subject = &subjects[index % subjects.len()];
        let authority = &authorities[index / 2 % authorities.len()];
        let mut builder =
            Builder::new(vec![7; 32], subject.public_key().key_data().clone(), 1, u64::MAX).unwrap();
        builder.serial(serial).unwrap();
        builder.cert_type(CertType::User).unwrap();
        builder.key_id(KEY_IDS[index / 3 % KEY_IDS.len()]).unwrap();
        builder.valid_principal("p").unwrap();
        certificates.push(builder.sign(authority).unwrap());
    }
    let public = |keys: &[PrivateKey]| keys.iter().map(|key| key.public_key().clone()).collect();
    Pool {
        authorities: public(&authorities),
        subjects: public(&subjects),
        certificates,
    }
});

/// One thing to revoke. Keys are named by their place in the pool.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Serials(usize, u64, u64),
    KeyId(usize, &'static str),
    Subject(usize),
    Authority(usize),
    Sha256(usize),
    Stranger([u8; 32]),
}

impl Wish {
    pub(crate) fn put_into(&self, list: &mut RevocationList) -> Result<(), KrlError> {
        match self {
            Self::Serials(authority, first, last) => {
                list.revoke_serials(&POOL.authorities[*authority], *first..=*last)
            }
            Self::KeyId(authority, id) => list.revoke_key_id(&POOL.authorities[*authority], id),
            Self::Subject(key) => list.revoke_key(&POOL.subjects[*key]),
            Self::Authority(key) => list.revoke_key(&POOL.authorities[*key]),
            Self::Sha256(key) => {
                list.revoke_sha256(sha256(&POOL.subjects[*key]));
                Ok(())
            }
            Self::Stranger(fingerprint) => {
                list.revoke_sha256(*fingerprint);
                Ok(())
            }
        }
    }

    /// Whether it revokes the certificate, by the words of the format and nothing clever.
    pub(crate) fn hits(&self, certificate: &Certificate) -> bool {
        let subject = |key: usize| certificate.public_key() == POOL.subjects[key].key_data();
        let signer = |key: usize| certificate.signature_key() == POOL.authorities[key].key_data();
        match self {
            Self::Serials(authority, first, last) => {
                signer(*authority)
                    && certificate.serial() != 0
                    && (*first..=*last).contains(&certificate.serial())
            }
            Self::KeyId(authority, id) => signer(*authority) && certificate.key_id() == *id,
            Self::Subject(key) | Self::Sha256(key) => subject(*key),
            Self::Authority(key) => signer(*key),
            Self::Stranger(_) => false,
        }
    }
}

pub(crate) fn sha256(key: &PublicKey) -> [u8; 32] {
    key.fingerprint(HashAlg::Sha256).sha256().unwrap()
}

/// Mostly serials, near each other, so that ranges touch; now and then one of the edges.
pub(crate) fn wish() -> impl Strategy<Value = Wish> {
    let serial = || prop_oneof![6 => 1..24_u64, 1 => prop::sample::select(EDGES.to_vec())];
    let key = || 0..3_usize;
    prop_oneof![
        8 => (key(), serial(), serial()).prop_map(|(ca, a, b)| Wish::Serials(ca, a.min(b), a.max(b))),
        8 => (key(), serial()).prop_map(|(ca, serial)| Wish::Serials(ca, serial, serial)),
        3 => (key(), prop::sample::select(KEY_IDS.to_vec())).prop_map(|(ca, id)| Wish::KeyId(ca, id)),
        1 => key().prop_map(Wish::Subject),
        1 => key().prop_map(Wish::Authority),
        1 => key().prop_map(Wish::Sha256),
        2 => any::<[u8; 32]>().prop_map(Wish::Stranger),
    ]
}

pub(crate) fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    prop::collection::vec(wish(), 0..8)
}

pub(crate) fn list(wishes: &[Wish]) -> RevocationList {
    let mut list = RevocationList::new(3, 1_800_000_000);
    for wish in wishes {
        wish.put_into(&mut list).unwrap();
    }
    list
}
