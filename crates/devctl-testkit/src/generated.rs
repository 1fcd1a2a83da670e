//! Input that somebody else might have made, for the properties that every reader keeps.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

/// Throws values at a target until the time is over.
pub fn throw<S: Strategy>(values: S, target: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let seconds = std::env::var("DEVCTL_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: 256,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        if let Err(failure) = runner.run(&values, &target) {
            panic!("{failure}");
        }
    }
}

/// One of the seeds with some bytes changed, and cut off now and then; or nothing but noise.
pub fn damaged(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 0..5);
    let cut = prop::option::weighted(0.3, any::<Index>());
    let from_seed = (prop::sample::select(seeds), changes, cut).prop_map(|(mut bytes, changes, cut)| {
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    });
    prop_oneof![
        9 => from_seed,
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}
