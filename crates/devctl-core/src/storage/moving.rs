//! Images that come and go: pull, push and build, each a job.

use crate::caller::Caller;
use crate::core::Core;
use crate::error::OrProblem;
use crate::image::{Layers, credentials};
use crate::jobs::JobHandle;
use crate::record::Target;
use devctl_engine::{BuildRequest, Engine, PullEvent, PullRequest, PushEvent, PushRequest};
use devctl_model::{
    BuildImage, ErrorCode, Image, ImageRef, JobRef, MovedImage, MovedImages, Problem, PullImages, PushImages,
};
use futures_util::StreamExt as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Images that are on their way at once.
const AT_ONCE: usize = 3;

/// How far each of several images is.
struct Progress<'a> {
    job: &'a JobHandle,
    images: Mutex<BTreeMap<String, (f64, String)>>,
}

impl Progress<'_> {
    fn tell(&self, image: &str, share: f64, text: String) {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        images.insert(image.to_owned(), (share, text));
        let sum: f64 = images.values().map(|(share, _)| share).sum();
        let texts: Vec<String> = images
            .iter()
            .filter(|(_, (share, _))| *share < 1.0)
            .map(|(image, (_, text))| format!("{image}: {text}"))
            .collect();
        self.job.progress(sum / images.len() as f64, texts.join(", "));
    }
}

impl Core {
    /// Fetches images, several at once.
    pub(crate) fn fetch_images(
        self: &Arc<Self>,
        caller: &Caller,
        request: PullImages,
    ) -> Result<JobRef, Problem> {
        let (core, caller) = (self.clone(), caller.clone());
        let subject = named(&request.images)?;
        let job = self
            .jobs
            .start("pull_images", &subject.clone(), move |job| async move {
                let act = async {
                    job.cancel_effect("Keeps the layers that are complete; the next pull goes on from there");
                    job.step(&format!("Pull {subject}"));
                    let (engine, _) = core.engine_on(request.host.as_deref()).await?;
                    let progress = progress(&job, &request.images);
                    let moved = each(&request.images, |image| {
                        core.fetch(&engine, image, request.platform.clone(), &progress)
                    });
                    job.unless_cancelled(moved).await
                };
                let target = Target::other("image", &subject);
                core.recorded(&caller, "pull_images", target, act).await
            });
        Ok(JobRef { job })
    }

    async fn fetch(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        image: String,
        platform: Option<String>,
        progress: &Progress<'_>,
    ) -> Result<MovedImage, Problem> {
        let request = PullRequest {
            reference: image.clone(),
            platform,
            credentials: Some(credentials(&self.config)),
        };
        let (layers, digest) = (Mutex::new(Layers::default()), Mutex::new(None));
        let told = |event: PullEvent| {
            if let PullEvent::Digest(found) = &event {
                *digest.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
            }
            let mut layers = layers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((share, text)) = layers.take(event) {
                progress.tell(&image, share.min(0.99), text);
            }
        };
        engine
            .image_pull(request, &told)
            .await
            .at(&format!("Pull {image}"))?;
        progress.tell(&image, 1.0, String::new());
        let digest = digest.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(MovedImage { image, digest })
    }

    /// Sends images to their registries.
    pub(crate) fn send_images(
        self: &Arc<Self>,
        caller: &Caller,
        request: PushImages,
    ) -> Result<JobRef, Problem> {
        let (core, caller) = (self.clone(), caller.clone());
        let subject = named(&request.images)?;
        let job = self
            .jobs
            .start("push_images", &subject.clone(), move |job| async move {
                let act = async {
                    job.cancel_effect(
                        "Keeps the layers that the registry has; the next push goes on from there",
                    );
                    job.step(&format!("Push {subject}"));
                    let (engine, _) = core.engine_on(request.host.as_deref()).await?;
                    let progress = progress(&job, &request.images);
                    let moved = each(&request.images, |image| core.send(&engine, image, &progress));
                    job.unless_cancelled(moved).await
                };
                let target = Target::other("image", &subject);
                core.recorded(&caller, "push_images", target, act).await
            });
        Ok(JobRef { job })
    }

    async fn send(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        image: String,
        progress: &Progress<'_>,
    ) -> Result<MovedImage, Problem> {
        let request = PushRequest {
            reference: image.clone(),
            credentials: Some(credentials(&self.config)),
        };
        let sent = Mutex::new((BTreeMap::<String, (u64, u64)>::new(), None));
        let told = |event: PushEvent| {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                PushEvent::Pushing { layer, done, total } => {
                    sent.0.insert(layer, (done, total.max(done)));
                }
                PushEvent::LayerDone { layer, .. } => {
                    let size = sent.0.get(&layer).map_or(0, |(_, total)| *total);
                    sent.0.insert(layer, (size, size));
                }
                PushEvent::Digest(digest) => sent.1 = Some(digest),
            }
            let sum = |of: fn(&(u64, u64)) -> u64| sent.0.values().map(of).sum::<u64>();
            let (done, total) = (sum(|layer| layer.0), sum(|layer| layer.1));
            let share = done as f64 / total.max(1) as f64;
            let text = format!("{} of {} MB", done / 1_000_000, total / 1_000_000);
            progress.tell(&image, share.min(0.99), text);
        };
        engine
            .image_push(request, &told)
            .await
            .at(&format!("Push {image}"))?;
        progress.tell(&image, 1.0, String::new());
        let (_, digest) = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(MovedImage { image, digest })
    }

    /// Builds an image from a folder.
    pub(crate) fn build_folder(
        self: &Arc<Self>,
        caller: &Caller,
        request: BuildImage,
    ) -> Result<JobRef, Problem> {
        let context = self.config.absolute(&request.context);
        if !context.is_dir() {
            return Err(Problem::new(
                ErrorCode::FolderNotFound,
                format!("there is no folder {}", context.display()),
            )
            .fix("Check the path"));
        }
        let (core, caller) = (self.clone(), caller.clone());
        let subject = request
            .names
            .first()
            .cloned()
            .unwrap_or_else(|| context.display().to_string());
        let job = self
            .jobs
            .start("build_image", &subject.clone(), move |job| async move {
                let act = core.build_from(&context, request, &job);
                let target = Target::other("image", &subject);
                core.recorded(&caller, "build_image", target, act).await
            });
        Ok(JobRef { job })
    }

    async fn build_from(
        self: &Arc<Self>,
        context: &Path,
        request: BuildImage,
        job: &JobHandle,
    ) -> Result<Image, Problem> {
        job.cancel_effect("Keeps the build cache, so that the next build goes on from there");
        job.step("Build the image");
        let (engine, endpoint) = self.engine_on(request.host.as_deref()).await?;
        // The engine gives no name of its own by which what was built could be found again.
        let tag = match request.names.first() {
            Some(name) => name.clone(),
            None => format!(
                "devctl-build:{}",
                crate::storage::shelf::short(context.as_os_str().as_encoded_bytes())
            ),
        };
        let names = std::iter::once(tag.clone()).chain(request.names.iter().skip(1).cloned());
        let build = BuildRequest {
            context: context.to_owned(),
            dockerfile: context.join(request.dockerfile.as_deref().unwrap_or("Dockerfile")),
            tags: names.collect(),
            args: request.args.into_iter().collect(),
            target: request.target,
            labels: BTreeMap::from([(crate::labels::BUILT_BY.to_owned(), self.config.installation())]),
            platform: request.platform,
            no_cache: request.no_cache,
            pull: request.pull,
            credentials: Some(credentials(&self.config)),
            ..BuildRequest::default()
        };
        crate::image::run_build(&engine, build, job).await?;
        let built = ImageRef {
            image: tag,
            host: Some(endpoint.name),
        };
        Ok(self.image_detail(built).await?.image)
    }
}

/// All of them, at most [`AT_ONCE`] at once, in the order in which they were named. The first that fails ends the others.
async fn each<F>(images: &[String], work: impl Fn(String) -> F) -> Result<MovedImages, Problem>
where
    F: Future<Output = Result<MovedImage, Problem>>,
{
    let mut moved = Vec::new();
    let images: Vec<String> = images.to_vec();
    let mut under_way = futures_util::stream::iter(images.into_iter().map(work)).buffered(AT_ONCE);
    while let Some(one) = under_way.next().await {
        moved.push(one?);
    }
    Ok(MovedImages { images: moved })
}

fn progress<'a>(job: &'a JobHandle, images: &[String]) -> Progress<'a> {
    let waiting = images
        .iter()
        .map(|image| (image.clone(), (0.0, "waits".to_owned())));
    Progress {
        job,
        images: Mutex::new(waiting.collect()),
    }
}

fn named(images: &[String]) -> Result<String, Problem> {
    if images.is_empty() {
        return Err(Problem::new(ErrorCode::RequestInvalid, "no image is named"));
    }
    Ok(images.join(", "))
}
