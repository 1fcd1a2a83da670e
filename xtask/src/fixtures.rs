//! The base image, built from Debian's packages: the tests need no registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::engine::{self, Engine};
use crate::machine::{Package, Seen, program};
use crate::workspace::Workspace;
use crate::{command, machine, report};

/// The name that the tests know the image by.
pub(crate) const BASE_IMAGE: &str = "devctl-base:bookworm";

/// What is in the image: an SSH client and server to compare with, and what logins are tried with.
const CONTENTS: &str = "openssh-server,openssh-client,ca-certificates,git,sudo,curl,rsync,procps,vim-tiny";

/// The label that holds the recipe, so that an image of an older recipe is made again.
const RECIPE_LABEL: &str = "dev.devctl.fixture";

const TO_MAKE_IMAGES: [Package; 2] = [
    program("mmdebstrap", "makes the base image out of Debian packages"),
    Package {
        name: "debian-archive-keyring",
        seen: Seen::File("/usr/share/keyrings/debian-archive-keyring.gpg"),
        why: "proves that the packages are Debian's",
    },
];

/// Finds or starts an engine and gives it the base image; the archive stays for engines that tests start.
pub(crate) fn make(workspace: &Workspace) -> Result<()> {
    report::heading("fixtures");
    let engine = engine::docker(workspace)?;
    archive(workspace)?;
    base_image(workspace, engine)
}

/// Gives an engine the base image, where it does not have it.
pub(crate) fn base_image(workspace: &Workspace, engine: Engine) -> Result<()> {
    let label = format!("{{{{index .Config.Labels {RECIPE_LABEL:?}}}}}");
    let found = command::output(
        engine
            .command()
            .args(["image", "inspect", "--format", &label, BASE_IMAGE]),
    );
    if found.is_ok_and(|recipe| recipe == CONTENTS) {
        report::note(format!("{BASE_IMAGE} is there"));
        return Ok(());
    }
    let mut import = engine.command();
    import.args([
        "import",
        "--change",
        &format!("LABEL {RECIPE_LABEL}={CONTENTS}"),
        "--change",
        "CMD [\"/bin/bash\"]",
    ]);
    command::run(import.arg(archive(workspace)?).arg(BASE_IMAGE))
}

/// The root file system of the base image, made once.
fn archive(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.kept("fixtures");
    let archive = folder.join("base.tar");
    let recipe = folder.join("base.recipe");
    if archive.is_file() && fs::read_to_string(&recipe).is_ok_and(|recipe| recipe == CONTENTS) {
        return Ok(archive);
    }
    machine::need(&TO_MAKE_IMAGES)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    report::note(format!(
        "makes {} out of Debian packages, once, in about half a minute",
        archive.display()
    ));
    let unfinished = folder.join("base.unfinished.tar");
    command::run(&mut bootstrap(&unfinished))?;
    fs::rename(&unfinished, &archive).with_context(|| format!("cannot write {}", archive.display()))?;
    fs::write(&recipe, CONTENTS).with_context(|| format!("cannot write {}", recipe.display()))?;
    Ok(archive)
}

fn bootstrap(archive: &Path) -> Command {
    let mut command = Command::new("mmdebstrap");
    command.args([
        "--quiet",
        "--variant=minbase",
        &format!("--include={CONTENTS}"),
        "bookworm",
    ]);
    command.arg(archive);
    command
}
