//! Where the image of a plan comes from.

use std::path::Path;

use super::host_side::{HostSide, without_dots};
use super::{ImageSource, ReadConfig, invalid};
use crate::config::Build;
use crate::error::SpecError;
use crate::image_build::{BuildPlan, BuildSecretSource, apply_options};

pub(super) fn source(host: &mut HostSide<'_>, read: &ReadConfig) -> Result<ImageSource, SpecError> {
    let config = &read.config;
    match (&config.build, config.image.as_deref()) {
        (Some(build), _) if config.is_build() => {
            Ok(ImageSource::Build(Box::new(build_plan(host, read, build)?)))
        }
        (_, Some(image)) if !image.trim().is_empty() => Ok(ImageSource::Image(image.to_owned())),
        (_, Some(_)) => Err(invalid(read, "image", "is empty")),
        (Some(_), None) => Err(invalid(read, "build", "has no dockerfile")),
        (None, None) => Err(no_image(read)),
    }
}

pub(crate) fn no_image(read: &ReadConfig) -> SpecError {
    SpecError::Invalid {
        place: crate::error::Place::file(&read.config_path),
        property: "image".into(),
        what: "neither image nor build.dockerfile nor dockerComposeFile is given".into(),
    }
}

/// Paths are relative to the configuration; without a context it is the folder of the Dockerfile, as the reference has it.
pub(crate) fn build_paths(read: &ReadConfig, build: &Build) -> (std::path::PathBuf, std::path::PathBuf) {
    let base = read.config_path.parent().unwrap_or(Path::new(""));
    let resolve = |path: &str| without_dots(&base.join(path), read.variables.local.platform);
    let dockerfile = resolve(build.dockerfile.as_deref().unwrap_or("Dockerfile"));
    let context = match build.context.as_deref().filter(|context| !context.is_empty()) {
        Some(context) => resolve(context),
        None => dockerfile.parent().unwrap_or(Path::new("")).to_path_buf(),
    };
    (dockerfile, context)
}

fn build_plan(host: &mut HostSide<'_>, read: &ReadConfig, build: &Build) -> Result<BuildPlan, SpecError> {
    let (dockerfile, context) = build_paths(read, build);
    let is_legacy = read.raw.get("dockerFile").is_some();
    host.taken_file(
        "build.dockerfile",
        dockerfile.clone(),
        if is_legacy {
            "/dockerFile"
        } else {
            "/build/dockerfile"
        },
    );
    host.taken_file(
        "build.context",
        context.clone(),
        if is_legacy { "/context" } else { "/build/context" },
    );
    let mut plan = BuildPlan {
        dockerfile,
        context,
        args: build
            .args
            .iter()
            .flatten()
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .collect(),
        target: build.target.clone(),
        cache_from: build
            .cache_from
            .clone()
            .map(|images| images.0)
            .unwrap_or_default(),
        ..BuildPlan::default()
    };
    apply_options(&mut plan, build.options.as_deref().unwrap_or_default()).map_err(|error| {
        SpecError::BuildOption {
            place: read.place(&format!("/build/options/{}", error.index)),
            flag: error.flag,
            why: error.why,
            instead: error.instead,
        }
    })?;
    for (name, value) in &mut plan.args {
        if value.is_none() {
            *value = host.variable("--build-arg", name, "/build/options");
        }
    }
    // Docker hands over what the host has, and leaves out the rest.
    plan.args.retain(|_, value| value.is_some());
    for secret in &mut plan.secrets {
        match &mut secret.source {
            BuildSecretSource::File(path) => *path = host.absolute(path),
            BuildSecretSource::Env(_) => {}
        }
    }
    for agent in &mut plan.ssh {
        agent.socket = agent.socket.take().map(|socket| host.absolute(&socket));
    }
    Ok(plan)
}
