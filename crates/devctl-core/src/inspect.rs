//! What a folder, an image or a configuration would become, before anything is made of it.

use crate::core::Core;
use crate::error::OrProblem;
use crate::source::{self, Source};
use devctl_model::{ConfigDocument, ErrorCode, InspectSource, Problem, ReadConfig, SourceInfo, SourceKind};
use std::sync::Arc;

impl Core {
    /// What a folder or an image would become, without asking anybody outside.
    pub(crate) async fn inspect(self: &Arc<Self>, request: InspectSource) -> Result<SourceInfo, Problem> {
        let found = Source::find(&self.config, &request.source, request.kind)?;
        let kind = found.kind();
        let name = devctl_ssh::slug(&found.suggested_name()).as_str().to_owned();
        let configs = match &found {
            Source::Folder(folder) => source::choices(folder)?,
            Source::Image(_) => Vec::new(),
        };
        let text = found.text();
        let mut info = SourceInfo {
            kind,
            source: text.clone(),
            config: None,
            summary: None,
            ssh_host: self.config.ssh_host(&name),
            name,
            trust: crate::trust::sheet(&[]),
            existing: None,
            problem: None,
            notices: Vec::new(),
            configs,
        };
        let definition = match self.read_source(found, request.config).await {
            Ok(definition) => definition,
            Err(problem) => {
                info.problem = Some(problem);
                return Ok(info);
            }
        };
        let mut planned = source::plan(&definition, &[])?;
        if planned.depends_on_engine()
            && let Ok(endpoint) = self.engines.endpoint(None)
            && let Ok(engine) = self.engines.engine(endpoint).await
            && let Ok(has) = self.engine_info(&engine, endpoint).await
        {
            // Where the engine is silent the sheet says all that could be asked for; `up` will tell of the engine.
            planned = planned.for_engine(&has);
        }
        info.config = (kind == SourceKind::Folder).then(|| definition.read.config_path.display().to_string());
        info.summary = Some(summary(&planned.plan));
        info.trust = crate::trust::sheet(&planned.wants);
        info.trust.allowed = info.trust.allowed || self.is_allowed(&text, &info.trust.hash).await;
        info.notices = planned
            .plan
            .notices
            .iter()
            .map(|notice| notice.text.clone())
            .collect();
        let (all, _) = self.ours().await;
        let existing = crate::containers::of_source(&all, &definition.identity)
            .first()
            .map(|found| crate::containers::shown(found, &self.config.suffix()));
        if let Some(existing) = &existing {
            info.name.clone_from(&existing.name);
            info.ssh_host.clone_from(&existing.ssh_host);
        }
        info.existing = existing;
        Ok(info)
    }

    /// A configuration in the reference's own shape.
    pub(crate) async fn config_document(
        self: &Arc<Self>,
        request: ReadConfig,
    ) -> Result<ConfigDocument, Problem> {
        let core = self.clone();
        let folder = self.config.absolute(&request.folder);
        if !folder.is_dir() {
            return Err(Problem::new(
                ErrorCode::FolderNotFound,
                format!("there is no folder {}", folder.display()),
            )
            .fix("Check the path"));
        }
        let chosen = request.config.map(|config| self.config.absolute(&config));
        let read = tokio::task::spawn_blocking(move || {
            let env = source::local_env(&core.config);
            devctl_spec::read::read(&devctl_spec::files::StdFiles, &folder, chosen.as_deref(), &env)
                .or_problem()
        });
        let read = read.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "the configuration could not be read").why(error.to_string())
        })??;
        let merged = if request.merged {
            let label = self.image_label(&read).await?;
            // There is no container yet, so its id stays a variable, as in the reference.
            let entries = devctl_spec::metadata::parse_label("image", label.as_deref(), &read.variables)
                .or_problem()?;
            Some(devctl_spec::merge::merge(&entries, &read).or_problem()?)
        } else {
            None
        };
        Ok(ConfigDocument(devctl_spec::document::config_document(
            &read,
            merged.as_ref(),
        )))
    }

    /// The metadata label of the image of a configuration, where the image is here.
    async fn image_label(
        self: &Arc<Self>,
        read: &devctl_spec::read::ReadConfig,
    ) -> Result<Option<String>, Problem> {
        let endpoint = self.engines.endpoint(None)?.clone();
        let engine = self.engines.engine(&endpoint).await?;
        let info = engine.info().await.or_problem()?;
        let platform = format!("{}/{}", info.os, info.arch);
        let files = &devctl_spec::files::StdFiles;
        let Some(image) =
            devctl_spec::dockerfile::configured_base_image(files, read, &platform).or_problem()?
        else {
            return Ok(None);
        };
        match engine.image_inspect(&image).await {
            Ok(details) => Ok(details.labels.get(crate::labels::REFERENCE_METADATA).cloned()),
            Err(error) => Err(error).at("Read the image's metadata"),
        }
    }
}

/// What a plan makes, in a few words.
fn summary(plan: &devctl_spec::plan::ContainerPlan) -> String {
    let image = match &plan.source {
        devctl_spec::plan::ImageSource::Image(image) => format!("Image {image}"),
        devctl_spec::plan::ImageSource::Build(build) => build
            .dockerfile
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    let count = plan.hooks.len() + usize::from(plan.initialize.is_some());
    match count {
        0 => image,
        1 => format!("{image}, 1 command"),
        count => format!("{image}, {count} commands"),
    }
}
