//! The steps of `cargo xtask test`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Ending, Run};
use crate::machine::{Package, Seen, program};
use crate::tools::{DENY, NEXTEST};
use crate::{agents, build, command, fixtures, fuzz, generate, machine, report, tidy};

/// One step: what it is called, what it is for, which earlier steps have to have passed, and what it does.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) needs: &'static [&'static str],
    pub(super) run: fn(&Run<'_>) -> Result<Ending>,
}

const fn step(
    name: &'static str,
    needs: &'static [&'static str],
    what: &'static str,
    run: fn(&Run<'_>) -> Result<Ending>,
) -> Step {
    Step {
        name,
        what,
        needs,
        run,
    }
}

pub(super) const STEPS: [Step; 14] = [
    step("machine", &[], "what the tests need on this machine", packages),
    step("tidy", &[], "the rules of the house", house),
    step("format", &[], "Rust's formatting", format),
    step(
        "interface",
        &["machine"],
        "types, lint, format, tests and build of the interface",
        interface,
    ),
    step(
        "agents",
        &["machine"],
        "the static SSH servers for amd64 and arm64",
        static_agents,
    ),
    step(
        "lint",
        &["machine", "interface", "agents"],
        "clippy, a warning is an error",
        lint,
    ),
    step(
        "generated",
        &["machine"],
        "the generated files are those that are committed",
        generated,
    ),
    step(
        "deny",
        &[],
        "licences, bans and sources of all dependencies",
        deny,
    ),
    step("advisories", &[], "known holes in dependencies", advisories),
    step("engine", &["machine"], "an engine and the base image", engine_up),
    step(
        "rust",
        &["machine", "interface", "agents", "engine"],
        "all Rust tests, with real parts",
        rust,
    ),
    step(
        "conformance",
        &["machine"],
        "configurations are read as the reference reads them",
        conformance,
    ),
    step(
        "fuzz",
        &["machine"],
        "every reader of what others wrote, with generated input that reaches ever more of it",
        fuzzed,
    ),
    step(
        "window",
        &["machine", "interface", "agents", "engine"],
        "the real window",
        window,
    ),
];

/// Everything that a test starts. Tests skip nothing for want of a package.
const TO_TEST: [Package; 21] = [
    Package {
        name: "openssh-client",
        ..program("ssh", "logs in to the containers")
    },
    Package {
        name: "openssh-server",
        ..program("sshd", "is the peer that logins are compared with")
    },
    program("rsync", "copies through our SSH server"),
    program("sshfs", "mounts through our SSH server"),
    program("tmux", "gives terminal programs a terminal"),
    program("podman", "is the second engine"),
    Package {
        name: "uidmap",
        ..program("newuidmap", "gives Podman without root its user ids")
    },
    program("slirp4netns", "gives Podman without root its networks"),
    program("docker-registry", "is the registry to pull from and push to"),
    Package {
        name: "qemu-user-static",
        ..program("qemu-aarch64-static", "runs the agent for arm64")
    },
    Package {
        name: "sudo",
        ..program("sudo", "becomes an account without rights")
    },
    Package {
        name: "python3",
        ..program("python3", "serves the ports that forwarding is tried with")
    },
    Package {
        name: "gnome-keyring",
        ..program("gnome-keyring-daemon", "is a real keychain")
    },
    Package {
        name: "libsecret-tools",
        ..program("secret-tool", "looks into that keychain independently of us")
    },
    Package {
        name: "xvfb",
        ..program("Xvfb", "is a display for the window")
    },
    Package {
        name: "xauth",
        ..program("xauth", "lets the window use that display")
    },
    Package {
        name: "dbus-daemon",
        ..program("dbus-run-session", "gives the window a session bus")
    },
    Package {
        name: "webkit2gtk-driver",
        ..program("WebKitWebDriver", "drives the window")
    },
    Package {
        name: "at-spi2-core",
        seen: Seen::File("/usr/share/dbus-1/services/org.a11y.Bus.service"),
        why: "lets WebKit find its accessibility bus",
    },
    Package {
        name: "fonts-dejavu-core",
        seen: Seen::File("/usr/share/fonts/truetype/dejavu"),
        why: "gives the window letters",
    },
    Package {
        name: "imagemagick",
        ..program("import", "takes pictures of the window")
    },
];

fn packages(_: &Run<'_>) -> Result<Ending> {
    machine::need(&machine::TO_BUILD)?;
    machine::need(&TO_TEST)?;
    machine::need_node()?;
    Ok(Ending::Passed)
}

fn house(run: &Run<'_>) -> Result<Ending> {
    tidy::tidy(run.workspace)?;
    Ok(Ending::Passed)
}

fn format(run: &Run<'_>) -> Result<Ending> {
    command::run(run.workspace.cargo().args(["fmt", "--all", "--check"]))?;
    // A workspace of its own.
    let fuzz = ["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"];
    command::run(run.workspace.cargo().args(fuzz))?;
    Ok(Ending::Passed)
}

fn interface(run: &Run<'_>) -> Result<Ending> {
    build::npm_packages(run.workspace, "ui")?;
    for script in ["typecheck", "lint", "format:check", "test", "build"] {
        command::run(run.workspace.npm("ui").args(["run", "--silent", script]))?;
    }
    Ok(Ending::Passed)
}

fn static_agents(run: &Run<'_>) -> Result<Ending> {
    agents::build(run.workspace)?;
    Ok(Ending::Passed)
}

fn lint(run: &Run<'_>) -> Result<Ending> {
    let clippy = |what: &[&str]| {
        let mut cargo = run.workspace.cargo();
        cargo
            .args(["clippy", "--locked", "--quiet", "--all-targets"])
            .args(what);
        command::run(cargo.args(["--", "--deny", "warnings"]))
    };
    clippy(&["--workspace"])?;
    // What is built for the generator only.
    clippy(&[
        "--package",
        "xtask",
        "--package",
        "devctl-core",
        "--features",
        "xtask/generator,devctl-core/schema",
    ])?;
    // The targets, as code; they are built another way when they run. Their lock file follows that of the workspace.
    let mut fuzz = run.workspace.cargo();
    fuzz.args([
        "clippy",
        "--quiet",
        "--all-targets",
        "--manifest-path",
        "fuzz/Cargo.toml",
    ]);
    fuzz.arg("--target-dir").arg(run.workspace.kept("fuzz"));
    command::run(fuzz.args(["--", "--deny", "warnings"]))?;
    Ok(Ending::Passed)
}

fn generated(run: &Run<'_>) -> Result<Ending> {
    generate::generate(run.workspace, true)?;
    Ok(Ending::Passed)
}

fn deny(run: &Run<'_>) -> Result<Ending> {
    let mut command = DENY.command(run.workspace)?;
    command::run(command.args([
        "--log-level",
        "warn",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    // The same rules for the fuzz targets; that they need less of what is ruled is no news.
    let mut fuzz = DENY.command(run.workspace)?;
    fuzz.args(["--manifest-path", "fuzz/Cargo.toml", "--config", "deny.toml"]);
    fuzz.args(["--log-level", "error", "check", "bans", "licenses", "sources"]);
    command::run(&mut fuzz)?;
    Ok(Ending::Passed)
}

fn advisories(run: &Run<'_>) -> Result<Ending> {
    let reachable = command::output(DENY.command(run.workspace)?.args(["fetch", "db"]));
    if let Err(error) = reachable {
        report::note(format!("{error:#}"));
        return Ok(Ending::Skipped(
            "the advisory database cannot be reached from here".to_owned(),
        ));
    }
    command::run(DENY.command(run.workspace)?.args([
        "--log-level",
        "warn",
        "--workspace",
        "check",
        "advisories",
    ]))?;
    Ok(Ending::Passed)
}

fn engine_up(run: &Run<'_>) -> Result<Ending> {
    fixtures::make(run.workspace)?;
    Ok(Ending::Passed)
}

/// The tests that need inputs from outside the repository.
const CONFORMANCE: &str = "binary(conformance)";

fn rust(run: &Run<'_>) -> Result<Ending> {
    // Tests start `devctl` itself.
    command::run(
        run.workspace
            .cargo()
            .args(["build", "--locked", "--quiet", "--package", "devctl-cli"]),
    )?;
    let mut nextest = NEXTEST.command(run.workspace)?;
    nextest.args([
        "run",
        "--locked",
        "--workspace",
        "--filterset",
        &format!("not {CONFORMANCE}"),
    ]);
    if run.full {
        nextest.args(["--profile", "full", "--run-ignored", "all"]);
    }
    command::run(real_parts(&mut nextest, run))?;
    Ok(Ending::Passed)
}

fn conformance(run: &Run<'_>) -> Result<Ending> {
    let inputs = match std::env::var_os("DEVCTL_CONFORMANCE_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => run.workspace.join("../shared/conformance"),
    };
    if !inputs.is_dir() {
        let why = format!("no inputs in {}; set DEVCTL_CONFORMANCE_DIR", inputs.display());
        return Ok(Ending::Skipped(why));
    }
    build::npm_packages(run.workspace, "tests/conformance")?;
    let mut nextest = NEXTEST.command(run.workspace)?;
    nextest.args([
        "run",
        "--locked",
        "--package",
        "devctl-tests",
        "--filterset",
        CONFORMANCE,
    ]);
    command::run(real_parts(&mut nextest, run).env("DEVCTL_CONFORMANCE_DIR", inputs))?;
    Ok(Ending::Passed)
}

fn fuzzed(run: &Run<'_>) -> Result<Ending> {
    fuzz::fuzz(run.workspace, run.fuzz_seconds)?;
    Ok(Ending::Passed)
}

fn window(run: &Run<'_>) -> Result<Ending> {
    let features = "dev-container-launcher/custom-protocol";
    command::run(run.workspace.cargo().args([
        "build",
        "--locked",
        "--quiet",
        "--package",
        "devctl-cli",
        "--package",
        "dev-container-launcher",
        "--features",
        features,
    ]))?;
    let mut tests = Command::new("tests/window/run");
    tests.current_dir(run.workspace.root());
    tests.env("DEVCTL_WINDOW_PROGRAMS", run.workspace.target().join("debug"));
    command::run(real_parts(&mut tests, run))?;
    Ok(Ending::Passed)
}

/// Tells tests where the real parts are, and that skipping is failing: everything is here.
fn real_parts<'a>(command: &'a mut Command, run: &Run<'_>) -> &'a mut Command {
    let agents = run.workspace.kept("agents");
    command.env("DEVCTL_REQUIRE_ALL", "1");
    command.env("DEVCTL_REQUIRE_ENGINE", "1");
    command.env("DEVCTL_FIXTURES", run.workspace.kept("fixtures"));
    command.env(
        "DEVCTL_AGENT_BINARY",
        agents.join(std::env::consts::ARCH).join("devctl-agent"),
    );
    command.env("DEVCTL_AGENT_BINARY_ARM64", agents.join("aarch64/devctl-agent"));
    // Each of the properties that are tried with generated input: the fuzz targets look longer, and farther.
    let (configuration, others) = if run.full { ("120", "120") } else { ("20", "5") };
    command.env("DEVCTL_FUZZ_SECONDS", others);
    command.env("DEVCTL_FUZZ_SECONDS_CONFIGURATION", configuration);
    if run.full {
        command.env("DEVCTL_TEST_FULL", "1");
    }
    command
}
