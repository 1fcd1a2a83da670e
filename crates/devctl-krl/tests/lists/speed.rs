use std::time::{Duration, Instant};

use devctl_krl::RevocationList;

use crate::bed::POOL;

/// The bars: 50 ms to write, 10 ms added to a login.
#[test]
#[cfg_attr(debug_assertions, ignore = "measured with optimisation: cargo test --release")]
fn a_hundred_thousand_serials_are_written_and_read_in_time() {
    let ca = &POOL.authorities[0];
    let spread = || (0..100_000_u64).map(|n| 1 + n * 7919 % 1_000_003 * 3);
    let fastest = |what: &str, mut work: Box<dyn FnMut() + '_>| {
        let times = (0..25).map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        });
        let best = times.min().unwrap();
        println!("{what}: {best:?}");
        best
    };
    let write = fastest(
        "gather and write",
        Box::new(|| {
            let mut list = RevocationList::new(1, 1);
            list.revoke_all_serials(ca, spread().map(|serial| serial..=serial))
                .unwrap();
            assert!(list.to_bytes().len() > 800_000);
        }),
    );
    let mut list = RevocationList::new(1, 1);
    list.revoke_all_serials(ca, spread().map(|serial| serial..=serial))
        .unwrap();
    let bytes = list.to_bytes();
    let login = fastest(
        "read and look up",
        Box::new(|| {
            let list = RevocationList::parse(&bytes).unwrap();
            assert!(
                POOL.certificates
                    .iter()
                    .any(|one| list.revokes(one).unwrap().is_none())
            );
        }),
    );
    assert!(write <= Duration::from_millis(50), "{write:?}");
    assert!(login <= Duration::from_millis(10), "{login:?}");
}
