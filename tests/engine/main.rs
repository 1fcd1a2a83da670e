//! The engine room against real engines: Docker on this machine, Podman in a process of the test's own.
//!
//! Each scenario is one function that gets an engine and makes what it needs; all that it makes carries a label and is
//! removed afterwards, also when it fails.

#![cfg(test)]
#![cfg(unix)]

mod build;
mod containers;
mod events;
mod exec;
mod images;
mod networks;
mod registry;
mod rootless;
mod support;
mod throughput;

use support::{Scenario, on_docker, on_podman, on_rootless_podman};

/// Declares one test per scenario on Docker, and one test each on Podman with and without root that
/// runs them all in one engine.
macro_rules! scenarios {
    ($($name:ident: $path:path,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                on_docker(Scenario::new(stringify!($name), |bench| Box::pin($path(bench)))).await;
            }
        )*

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn podman_passes_every_scenario() {
            on_podman(vec![$(Scenario::new(stringify!($name), |bench| Box::pin($path(bench)))),*]).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn rootless_podman_passes_every_scenario() {
            on_rootless_podman(vec![$(Scenario::new(stringify!($name), |bench| Box::pin($path(bench)))),*]).await;
        }
    };
}

scenarios! {
    a_container_lives_and_dies: containers::life,
    everything_asked_for_is_there: containers::request_takes_effect,
    refusals_are_typed: containers::refusals,
    a_port_that_is_taken_is_named: containers::taken_port,
    nofile_is_what_the_engine_may_set: containers::nofile,
    logs_come_with_their_stream: containers::logs,
    archives_go_in_and_out: containers::archives,
    a_process_has_all_three_streams: exec::streams,
    standard_input_closes_by_half: exec::half_close,
    a_terminal_has_a_size: exec::terminal,
    exit_codes_are_exact: exec::exit_codes,
    the_raw_path_carries_bytes_unchanged: exec::raw_bytes,
    forty_networks_get_their_own_subnets: networks::forty,
    two_at_once_never_share_a_subnet: networks::race,
    volumes_come_and_go: networks::volumes,
    events_are_heard: events::heard,
    images_are_inspected_tagged_and_removed: images::life,
    passwords_of_a_registry_are_found_in_all_three_places: registry::passwords,
    a_registry_that_refuses_is_named: registry::refusals,
    a_build_takes_its_base_image_with_a_password: registry::builds,
    a_build_makes_the_image_that_was_asked_for: build::arguments,
    a_failing_step_is_shown_with_its_last_lines: build::failing_step,
    the_dockerignore_decides_what_is_sent: build::dockerignore,
    the_context_arrives_as_it_is: build::context_as_it_is,
    a_second_build_comes_from_the_cache: build::cache,
    mounts_of_a_build_work_or_are_named: build::mounts,
    secrets_and_agents_reach_the_build: build::secrets_and_agents,
}
