use std::time::{Duration, Instant};

use devctl_krl::{KrlError, MOST_BYTES, RevocationList};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::bed::{POOL, Wish, list, wishes};

/// Magic to comment of a list without a checksum, as `ssh-keygen` writes it.
fn header() -> Vec<u8> {
    let mut bytes = b"SSHKRL\n\0\0\0\0\x01".to_vec();
    bytes.extend_from_slice(&[0; 24 + 4 + 4]);
    bytes
}

fn string(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length, content].concat()
}

fn section(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind], string(content).as_slice()].concat()
}

fn with(kind: u8, content: &[u8]) -> Result<RevocationList, KrlError> {
    RevocationList::parse(&[header(), section(kind, content)].concat())
}

fn with_certificates(kind: u8, content: &[u8]) -> Result<RevocationList, KrlError> {
    with(1, &[&[0; 8], section(kind, content).as_slice()].concat())
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn rich() -> RevocationList {
    list(&[
        Wish::Serials(0, 4, 90),
        Wish::Serials(0, 3, 3),
        Wish::Serials(1, 1 << 40, 1 << 41),
        Wish::KeyId(0, "a b"),
        Wish::Subject(1),
        Wish::Sha256(2),
        Wish::Stranger([9; 32]),
    ])
}

#[test]
fn every_cut_of_a_list_of_ours_is_refused() {
    let whole = rich().to_bytes();
    for cut in 0..whole.len() {
        assert!(RevocationList::parse(&whole[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn every_changed_byte_of_a_list_of_ours_is_refused_or_means_the_same() {
    let list = rich();
    let whole = list.to_bytes();
    for position in 0..whole.len() {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128, 0xff] {
            let mut damaged = whole.clone();
            damaged[position] ^= flip;
            if let Ok(read) = RevocationList::parse(&damaged) {
                assert_eq!(read, list, "byte {position}, flipped by {flip:#x}");
            }
        }
    }
}

#[test]
fn what_is_appended_is_noticed() {
    let whole = rich().to_bytes();
    let more = section(5, &string(&[1; 32]));
    assert_eq!(
        RevocationList::parse(&[whole, more].concat()),
        Err(KrlError::Damaged)
    );
}

#[test]
fn no_list_and_no_bytes_are_refused_by_name() {
    let parse = |bytes: &[u8]| RevocationList::parse(bytes).unwrap_err();
    assert_eq!(parse(b""), KrlError::Empty);
    assert_eq!(parse(b"SSH"), KrlError::NotAKrl);
    assert_eq!(parse(b"not a list at all"), KrlError::NotAKrl);
    let mut second = header();
    second[11] = 2;
    assert_eq!(parse(&second), KrlError::Format(2));
    assert_eq!(
        parse(&vec![0; MOST_BYTES + 1]),
        KrlError::Oversized {
            bytes: MOST_BYTES + 1
        }
    );
    assert_eq!(RevocationList::parse(&header()), Ok(RevocationList::new(0, 0)));
}

#[test]
fn what_is_not_understood_refuses_the_list() {
    assert_eq!(with(77, b""), Err(KrlError::UnknownSection(77)));
    assert_eq!(with(4, b""), Err(KrlError::Signed));
    let extension = |critical: u8| [b"\0\0\0\x01x".as_slice(), &[critical], b"\0\0\0\0"].concat();
    assert_eq!(
        with(255, &extension(1)),
        Err(KrlError::CriticalExtension("x".into()))
    );
    assert!(with(255, &extension(0)).is_ok());
    assert_eq!(
        with_certificates(0x30, b""),
        Err(KrlError::UnknownCertificateSection(0x30))
    );
    assert_eq!(
        with_certificates(0x39, &extension(1)),
        Err(KrlError::CriticalExtension("x".into()))
    );
    assert!(matches!(
        with(1, &[string(b"no key"), string(b"")].concat()),
        Err(KrlError::Authority(_))
    ));
    assert!(matches!(
        with(1, &[string(b""), string(b"x")].concat()),
        Err(KrlError::Reserved { .. })
    ));
}

#[test]
fn what_openssh_would_not_take_is_not_taken() {
    assert_eq!(
        with_certificates(0x21, &numbers(&[9, 3])),
        Err(KrlError::BackwardRange { first: 9, last: 3 })
    );
    assert_eq!(
        with_certificates(0x20, &numbers(&[3, 0])),
        Err(KrlError::SerialZero)
    );
    assert_eq!(
        with_certificates(0x21, &numbers(&[1, 2, 3])),
        Err(KrlError::Trailing {
            what: "a section about certificates"
        })
    );
    let bitmap =
        |offset: u64, bits: &[u8]| with_certificates(0x22, &[numbers(&[offset]), string(bits)].concat());
    assert!(bitmap(5, &[0x01]).is_ok());
    assert_eq!(bitmap(0, &[0x01]), Err(KrlError::SerialZero));
    for (offset, bits) in [
        (5, vec![0x80]),
        (u64::MAX, vec![0x02]),
        (5, vec![1; 2049]),
        (5, vec![0; 2050]),
    ] {
        assert!(
            matches!(bitmap(offset, &bits), Err(KrlError::Bitmap { .. })),
            "{offset}"
        );
    }
    assert!(matches!(
        with_certificates(0x23, &string(b"a\0b")),
        Err(KrlError::ZeroByte { .. })
    ));
}

#[test]
fn fingerprints_are_in_order_and_of_their_length() {
    let strings = |all: &[&[u8]]| all.iter().flat_map(|one| string(one)).collect::<Vec<u8>>();
    for (kind, length, what) in [(3, 20, "SHA-1"), (5, 32, "SHA-256")] {
        let (low, high) = (vec![1; length], vec![2; length]);
        assert!(with(kind, &strings(&[&low, &high])).is_ok());
        assert_eq!(
            with(kind, &strings(&[&high, &low])),
            Err(KrlError::Unsorted { what })
        );
        assert_eq!(
            with(kind, &string(&low[1..])),
            Err(KrlError::FingerprintLength {
                what,
                bytes: length - 1
            })
        );
    }
}

/// Two kibibytes make eight thousand ranges: some hundred megabytes of memory from few bytes, if nothing stopped it.
#[test]
fn bitmaps_cannot_fill_the_memory() {
    let bits = [vec![0], vec![0xaa; 2048]].concat();
    let bitmaps: Vec<u8> = (0..1_100_u64)
        .flat_map(|index| section(0x22, &[numbers(&[1 + index * 16384]), string(&bits)].concat()))
        .collect();
    assert!(bitmaps.len() < 3 << 20);
    assert_eq!(
        with(1, &[&[0; 8], bitmaps.as_slice()].concat()),
        Err(KrlError::TooManySerials)
    );
}

/// Bytes that get past the header often enough, and well-formed lists that something happened to.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..60);
    let kind = || prop::sample::select(vec![0_u8, 1, 2, 3, 4, 5, 6, 0x20, 0x21, 0x22, 0x23, 0x39, 255]);
    let inner = || {
        prop::collection::vec((kind(), bytes()), 0..4).prop_map(|all| {
            all.iter()
                .flat_map(|(kind, bytes)| section(*kind, bytes))
                .collect::<Vec<u8>>()
        })
    };
    let authority = prop_oneof![
        Just(Vec::new()),
        bytes(),
        Just(POOL.authorities[0].to_bytes().unwrap())
    ];
    let certificates = (authority, inner())
        .prop_map(|(key, inner)| section(1, &[string(&key), string(b""), inner].concat()));
    let sections = prop::collection::vec(
        prop_oneof![
            certificates,
            (kind(), bytes()).prop_map(|(kind, bytes)| section(kind, &bytes)),
            inner()
        ],
        0..5,
    );
    let damaged = (
        wishes(),
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        any::<bool>(),
    )
        .prop_map(|(wishes, changes, is_sealed)| {
            let mut bytes = list(&wishes).to_bytes();
            if !is_sealed {
                // Without the checksum, damage gets through to the reader of sections.
                bytes.splice(40..44 + 71, [0; 4]);
            }
            for (at, to) in changes {
                let at = at.index(bytes.len());
                bytes[at] = to;
            }
            bytes
        });
    prop_oneof![
        1 => bytes(),
        3 => sections.prop_map(|sections| [header(), sections.concat()].concat()),
        3 => damaged,
    ]
}

/// Runs for `DEVCTL_FUZZ_SECONDS`, 10 unless it is set, with other seeds each time.
#[test]
fn no_bytes_panic_and_what_is_read_is_written_the_same() {
    let seconds = std::env::var("DEVCTL_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut read = 0_u64;
    while Instant::now() < end {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: 256,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let accepted = std::cell::Cell::new(0);
        let outcome = runner.run(&anything(), |bytes| {
            let Ok(list) = RevocationList::parse(&bytes) else {
                return Ok(());
            };
            accepted.set(accepted.get() + 1);
            let again = RevocationList::parse(&list.to_bytes());
            prop_assert_eq!(again.as_ref(), Ok(&list));
            for certificate in &POOL.certificates {
                list.revokes(certificate).unwrap();
            }
            Ok(())
        });
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
        read += accepted.get();
    }
    assert!(read > 0, "nothing that was made was ever a list");
}
