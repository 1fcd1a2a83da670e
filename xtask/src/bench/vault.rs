//! A vault of 1,000 entries of 64 KiB: opening it and reading one.

use anyhow::{Context as _, Result};

use super::Finding;
use super::compare::within;
use super::lab::Lab;

/// Seconds, beyond what the keychain takes to give the key.
const BY_KEY: f64 = 0.020;

/// Seconds, with a passphrase: as long as guessing one may cost.
const BY_PASSPHRASE: f64 = 0.250;

pub(super) fn vault(lab: &Lab) -> Result<Vec<Finding>> {
    let folder = lab.home().join("vault");
    let measured = lab.measured("vault", &[folder.as_os_str()])?;
    [
        ("key", "with a key that is at hand", BY_KEY),
        ("passphrase", "with a passphrase", BY_PASSPHRASE),
    ]
    .into_iter()
    .map(|(name, words, most)| {
        let took = measured
            .get(name)
            .copied()
            .with_context(|| format!("nothing was measured of {name}"))?;
        let what = format!("opening a vault of 1,000 entries of 64 KiB {words} and reading one");
        Ok(within(&what, most, took))
    })
    .collect()
}
