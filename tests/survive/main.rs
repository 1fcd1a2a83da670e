//! What must survive: kills at every step, engines that go, full disks, missing rights, and hostile configurations, with
//! the real `devctl` on a real engine.
//!
//! Needs a Docker engine with the image `devctl-base:bookworm` and a built `devctl` with its agents (`DEVCTL_BIN`, else
//! beside the test). Some make an account or mount a small disk, so they need root. What cannot run says so and passes,
//! unless `DEVCTL_REQUIRE_ALL=1`. `DEVCTL_FULL=1` kills more often.

#[cfg(all(test, target_os = "linux"))]
mod configurations;
#[cfg(all(test, target_os = "linux"))]
mod consent;
#[cfg(all(test, target_os = "linux"))]
mod disks;
#[cfg(all(test, target_os = "linux"))]
mod engines;
#[cfg(all(test, target_os = "linux"))]
mod folders;
#[cfg(all(test, target_os = "linux"))]
mod hooks;
#[cfg(all(test, target_os = "linux"))]
mod kills;
#[cfg(all(test, target_os = "linux"))]
mod lives;
#[cfg(all(test, target_os = "linux"))]
mod people;

#[cfg(all(test, target_os = "linux"))]
pub(crate) fn config(more: &str) -> String {
    format!(r#"{{ "image": "{}"{more} }}"#, devctl_tests::sandbox::IMAGE)
}
