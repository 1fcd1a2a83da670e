//! Builds: through BuildKit, or with the classic builder where there is none.

use std::io;
use std::time::{Duration, Instant};

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Subject, from_status};
use super::{DockerEngine, checked};
use crate::build::{BuildEvent, BuildReport, BuildRequest};
use crate::buildkit::{Services, Session, Trace, new_id};
use crate::context::BuildContext;
use crate::engine::ByteStream;
use crate::error::{BuildFailure, EngineError, ObjectKind};
use crate::exec::OutputStream;
use crate::info::EngineKind;
use crate::tail::Tail;
use crate::wire::{Call, json_lines};
use tokio::sync::mpsc;

const BUILD: &str = "build";

/// One line of a build's answer.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Line {
    id: Option<String>,
    stream: Option<String>,
    status: Option<String>,
    aux: Option<Value>,
    error: Option<String>,
    error_detail: Option<ErrorDetail>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorDetail {
    code: Option<i64>,
    message: String,
}

impl Line {
    /// The engine's message and exit code, when the line is the end of a failed build.
    fn failure(&mut self) -> Option<(String, Option<i64>)> {
        let detail = self.error_detail.take();
        let code = detail
            .as_ref()
            .and_then(|detail| detail.code)
            .filter(|code| *code != 0);
        let message = detail
            .map(|detail| detail.message)
            .filter(|message| !message.is_empty());
        message
            .or_else(|| self.error.take())
            .map(|message| (message, code))
    }
}

type Tell<'a> = &'a (dyn Fn(BuildEvent) + Send + Sync);

impl DockerEngine {
    pub(super) async fn build_image(
        &self,
        request: BuildRequest,
        tell: Tell<'_>,
    ) -> Result<BuildReport, EngineError> {
        for tag in &request.tags {
            checked(ObjectKind::Image, tag)?;
        }
        let (root, dockerfile) = (request.context.clone(), request.dockerfile.clone());
        let opened = tokio::task::spawn_blocking(move || BuildContext::open(&root, &dockerfile)).await;
        let context = opened.map_err(|error| EngineError::BuildContext {
            path: request.context.display().to_string(),
            source: io::Error::other(error),
        })??;
        // Podman's service dies when it is asked for BuildKit; its own builder knows most of what BuildKit brought.
        match self.facts.kind {
            EngineKind::Docker => self.build_with_buildkit(&request, context, tell).await,
            EngineKind::Podman => self.build_classic(&request, context, tell).await,
        }
    }

    async fn build_with_buildkit(
        &self,
        request: &BuildRequest,
        context: BuildContext,
        tell: Tell<'_>,
    ) -> Result<BuildReport, EngineError> {
        let services = Services::new(&request.secrets, &request.ssh, request.credentials.as_ref());
        let session = Session::open(&self.wire, services).await?;
        let hint = Hint::of(&context.dockerfile_text);
        let call = self
            .build_call(request, &context.dockerfile_name)?
            .query("version", "2")
            .query("session", session.id.clone())
            .query("buildid", new_id()?);
        let mut answer = self
            .send_context(call, context, request.idle_timeout, tell)
            .await?;
        let mut trace = Trace::default();
        let mut image_id = None;
        while let Some(mut line) = answer.next(tell).await? {
            if let Some((message, _)) = line.failure() {
                return Err(build_error(trace.failure(&message), &hint));
            }
            match (line.id.as_deref(), line.aux) {
                (Some("moby.buildkit.trace"), Some(Value::String(record))) => {
                    trace
                        .record(&record, tell)
                        .map_err(|reason| EngineError::Unreadable {
                            operation: BUILD.into(),
                            reason,
                        })?;
                }
                (Some("moby.image.id"), Some(aux)) => image_id = id_of(&aux),
                _ => {}
            }
        }
        let image_id = image_id.ok_or_else(no_image)?;
        Ok(trace.report(image_id))
    }

    async fn build_classic(
        &self,
        request: &BuildRequest,
        context: BuildContext,
        tell: Tell<'_>,
    ) -> Result<BuildReport, EngineError> {
        refuse_what_needs_buildkit(request, &context.dockerfile_text)?;
        if !request.cache_from.is_empty() {
            tell(BuildEvent::Warning(format!(
                "cacheFrom is not used by the builder of {}",
                self.facts.kind
            )));
        }
        let hint = Hint::of(&context.dockerfile_text);
        let mut call = self
            .build_call(request, &context.dockerfile_name)?
            .query("layers", "1");
        if let Some(credentials) = &request.credentials {
            let header = registry_config(credentials, &context.dockerfile_text).await?;
            call = call.header("x-registry-config", header.as_str());
        }
        let mut answer = self
            .send_context(call, context, request.idle_timeout, tell)
            .await?;
        let mut steps = ClassicSteps::default();
        let mut image_id = None;
        while let Some(mut line) = answer.next(tell).await? {
            if let Some((message, code)) = line.failure() {
                return Err(build_error(steps.failure(&message, code), &hint));
            }
            if let Some(id) = line.aux.as_ref().and_then(id_of) {
                image_id = Some(id);
            }
            if let Some(text) = line.stream.or(line.status) {
                steps.text(&text, tell);
            }
        }
        steps.end(tell);
        let image_id = match (image_id.or(steps.image.take()), request.tags.first()) {
            (_, Some(tag)) => self.inspect_image(tag).await?.id,
            (Some(id), None) => id,
            (None, None) => return Err(no_image()),
        };
        Ok(BuildReport {
            image_id,
            steps: steps.count,
            cached: steps.cached_count,
        })
    }

    /// What both builders are told in the same words.
    fn build_call(&self, request: &BuildRequest, dockerfile: &str) -> Result<Call<'static>, EngineError> {
        let mut call = Call::post("/build".into(), Subject::engine(BUILD))
            .query("dockerfile", dockerfile)
            .query("rm", "1")
            .query("forcerm", "1")
            .query("buildargs", json!(request.args).to_string())
            .query("labels", json!(request.labels).to_string());
        for tag in &request.tags {
            call = call.query("t", tag.as_str());
        }
        for host in &request.extra_hosts {
            call = call.query("extrahosts", host.as_str());
        }
        if let Some(target) = &request.target {
            call = call.query("target", target.as_str());
        }
        if let Some(platform) = &request.platform {
            call = call.query("platform", platform.as_str());
        }
        if let Some(network) = &request.network {
            call = call.query("networkmode", network.as_str());
        }
        if let Some(size) = request.shm_size {
            call = call.query("shmsize", size.to_string());
        }
        if request.no_cache {
            call = call.query("nocache", "1");
        }
        if request.pull {
            call = call.query("pull", "1");
        }
        if !request.cache_from.is_empty() && self.facts.kind == EngineKind::Docker {
            call = call.query("cachefrom", json!(request.cache_from).to_string());
        }
        Ok(call)
    }

    /// Sends the context and waits for the head of the answer, which may come before the context's end or after.
    async fn send_context(
        &self,
        call: Call<'_>,
        context: BuildContext,
        idle: Option<Duration>,
        tell: Tell<'_>,
    ) -> Result<Answer, EngineError> {
        let path = context.root().display().to_string();
        let (archive, notices) = context.into_archive();
        let (archive, sent) = counted(archive);
        let mut side = ContextSide {
            path,
            sent,
            notices,
            idle,
        };
        let mut connection = self.wire.open().await?;
        let response = {
            let sending = connection.send(call.archive(archive));
            tokio::pin!(sending);
            side.wait_for(sending, tell).await?
        };
        Ok(Answer {
            lines: json_lines(BUILD, response, connection),
            side,
        })
    }
}

/// What a builder answers, while the context may still be on its way to it.
struct Answer {
    lines: BoxStream<'static, Result<Line, EngineError>>,
    side: ContextSide,
}

impl Answer {
    async fn next(&mut self, tell: Tell<'_>) -> Result<Option<Line>, EngineError> {
        self.side.wait_for(self.lines.try_next(), tell).await
    }
}

/// The context's way to the engine, seen from here.
struct ContextSide {
    /// For messages.
    path: String,
    /// Bytes so far, or why the context could not be read to its end.
    sent: mpsc::UnboundedReceiver<io::Result<u64>>,
    notices: mpsc::UnboundedReceiver<String>,
    idle: Option<Duration>,
}

impl ContextSide {
    /// Waits for the engine and tells what happens to the context meanwhile. A context that cannot be read breaks the
    /// request: then that is the error, and not the broken connection.
    async fn wait_for<T>(
        &mut self,
        work: impl Future<Output = Result<T, EngineError>>,
        tell: Tell<'_>,
    ) -> Result<T, EngineError> {
        /// As good as for ever.
        const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let patience = self.idle.unwrap_or(A_YEAR);
        tokio::pin!(work);
        let mut unreadable = None;
        let mut handle = |item: io::Result<u64>| match item {
            Ok(bytes) => tell(BuildEvent::ContextSent { bytes }),
            Err(error) => unreadable = Some(error),
        };
        let done = loop {
            tokio::select! {
                biased;
                Some(item) = self.sent.recv() => handle(item),
                Some(notice) = self.notices.recv() => tell(BuildEvent::Warning(notice)),
                done = &mut work => break done,
                () = tokio::time::sleep(patience) => {
                    return Err(EngineError::Timeout { operation: "waiting for the builder".into(), after: patience });
                }
            }
        };
        if done.is_err() {
            while let Ok(item) = self.sent.try_recv() {
                handle(item);
            }
        }
        match (done, unreadable) {
            (Err(_), Some(source)) => Err(EngineError::BuildContext {
                path: self.path.clone(),
                source,
            }),
            (done, _) => done,
        }
    }
}

/// The same stream, and how far it is: told after each megabyte and at the end.
fn counted(archive: ByteStream) -> (ByteStream, mpsc::UnboundedReceiver<io::Result<u64>>) {
    const STEP: u64 = 1 << 20;
    let (tell, told) = mpsc::unbounded_channel();
    let state = (archive, tell, 0_u64, 0_u64);
    let stream = futures_util::stream::unfold(state, |(mut archive, tell, mut sent, mut last)| async move {
        let piece = archive.next().await;
        // Nobody listens when the request is over.
        match &piece {
            Some(Ok(bytes)) => {
                sent += u64::try_from(bytes.len()).unwrap_or_default();
                if sent - last >= STEP {
                    last = sent;
                    let _request_is_over = tell.send(Ok(sent));
                }
            }
            Some(Err(error)) => {
                let _request_is_over = tell.send(Err(io::Error::new(error.kind(), error.to_string())));
            }
            None if sent > last => {
                last = sent;
                let _request_is_over = tell.send(Ok(sent));
            }
            None => {}
        }
        piece.map(|piece| (piece, (archive, tell, sent, last)))
    });
    (stream.boxed(), told)
}

fn id_of(aux: &Value) -> Option<String> {
    aux.get("ID").and_then(Value::as_str).map(str::to_owned)
}

fn no_image() -> EngineError {
    EngineError::Unreadable {
        operation: BUILD.into(),
        reason: "it ended without an image".into(),
    }
}

/// What a Dockerfile holds that older builders stumble over.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hint {
    heredoc: bool,
    /// The image behind `# syntax=`.
    frontend: Option<String>,
}

impl Hint {
    fn of(dockerfile: &str) -> Self {
        let frontend = dockerfile
            .lines()
            .take_while(|line| line.starts_with('#'))
            .find_map(|line| {
                line[1..]
                    .trim()
                    .strip_prefix("syntax")?
                    .trim()
                    .strip_prefix('=')
                    .map(str::trim)
            })
            .map(str::to_owned);
        let instructions = |line: &&str| {
            ["RUN ", "COPY ", "ADD "]
                .iter()
                .any(|word| line.starts_with(word))
        };
        let heredoc = dockerfile
            .lines()
            .map(str::trim_start)
            .filter(instructions)
            .any(|line| line.contains("<<"));
        Self { heredoc, frontend }
    }

    fn fix(&self, message: &str) -> Option<String> {
        let message = message.to_ascii_lowercase();
        let parse = [
            "unknown instruction",
            "parse error",
            "syntax error",
            "here-document",
            "build step",
        ];
        if let Some(frontend) = &self.frontend
            && message.contains(frontend.split(['@', ':']).next().unwrap_or(frontend))
        {
            return Some(format!(
                "the first line of the Dockerfile asks for the builder {frontend} from a registry: make the registry \
                 reachable, or take the line # syntax= away"
            ));
        }
        if self.heredoc && parse.iter().any(|words| message.contains(words)) {
            return Some(
                "here-documents (<<) need a newer builder than this engine brings: add # syntax=docker/dockerfile:1 as \
                 the first line (it is fetched from a registry), or write the commands with &&"
                    .to_owned(),
            );
        }
        None
    }
}

fn build_error(mut failure: BuildFailure, hint: &Hint) -> EngineError {
    let meant = from_status(500, &failure.message, &Subject::engine(BUILD));
    if matches!(meant, EngineError::NoSpace { .. }) {
        return meant;
    }
    failure.fix = hint.fix(&failure.message);
    EngineError::Build(Box::new(failure))
}

/// The classic builder has no way to ask for secrets and agents.
fn refuse_what_needs_buildkit(request: &BuildRequest, dockerfile: &str) -> Result<(), EngineError> {
    let unsupported = |what: String| EngineError::Unsupported {
        what,
        reason: "it needs BuildKit, which this engine does not have".into(),
        fix: "build on a Docker engine, or take it out of the Dockerfile".into(),
    };
    if let Some(secret) = request.secrets.first() {
        return Err(unsupported(format!("the build secret {}", secret.id)));
    }
    if let Some(agent) = request.ssh.first() {
        return Err(unsupported(format!("the SSH agent {} in a build", agent.id)));
    }
    for (number, line) in dockerfile.lines().enumerate() {
        let line = line.trim();
        for kind in ["secret", "ssh"] {
            let mount = format!("--mount=type={kind}");
            if !line.starts_with('#') && line.split_whitespace().any(|word| word.starts_with(&mount)) {
                return Err(unsupported(format!(
                    "RUN {mount} in line {} of the Dockerfile",
                    number + 1
                )));
            }
        }
    }
    Ok(())
}

/// The header `X-Registry-Config`: what is known for the registries of the base images.
async fn registry_config(
    credentials: &crate::credentials::RegistryCredentials,
    dockerfile: &str,
) -> Result<zeroize::Zeroizing<String>, EngineError> {
    use base64::Engine as _;
    let mut config = serde_json::Map::new();
    let images = dockerfile.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| word.eq_ignore_ascii_case("from"))?;
        words.find(|word| !word.starts_with("--"))
    });
    for image in images {
        let registry = crate::reference::Reference::parse(image).registry();
        if !config.contains_key(registry)
            && let Some(secret) = credentials.lookup(registry).await?
        {
            config.insert(registry.to_owned(), secret.document(registry));
        }
    }
    let document = zeroize::Zeroizing::new(Value::Object(config).to_string());
    Ok(zeroize::Zeroizing::new(
        base64::engine::general_purpose::URL_SAFE.encode(document.as_bytes()),
    ))
}

/// Follows the text of a classic builder.
#[derive(Debug, Default)]
struct ClassicSteps {
    /// A line that has no end yet.
    open: String,
    name: String,
    begun: Option<Instant>,
    cached: bool,
    tail: Tail,
    count: usize,
    cached_count: usize,
    image: Option<String>,
}

impl ClassicSteps {
    fn text(&mut self, text: &str, tell: Tell<'_>) {
        self.open.push_str(text);
        while let Some(end) = self.open.find('\n') {
            let rest = self.open.split_off(end + 1);
            let line = std::mem::replace(&mut self.open, rest);
            self.line(line.trim_end(), tell);
        }
    }

    fn line(&mut self, line: &str, tell: Tell<'_>) {
        if let Some((index, total, name)) = step_of(line) {
            self.end(tell);
            self.count = index;
            self.name = name.to_owned();
            self.begun = Some(Instant::now());
            self.tail = Tail::default();
            tell(BuildEvent::StepStarted {
                index,
                total,
                name: name.to_owned(),
            });
            return;
        }
        if let Some(id) = line.strip_prefix("Successfully built ") {
            self.image = Some(id.trim().to_owned());
        }
        if line.trim_start_matches([' ', '-']).starts_with("> Using cache") {
            self.cached = true;
            return;
        }
        if self.begun.is_some() {
            self.tail.push(&format!("{line}\n"));
            tell(BuildEvent::Log {
                step: self.count,
                stream: OutputStream::Stdout,
                text: format!("{line}\n"),
            });
        }
    }

    fn end(&mut self, tell: Tell<'_>) {
        if let Some(begun) = self.begun.take() {
            let cached = std::mem::take(&mut self.cached);
            self.cached_count += usize::from(cached);
            tell(BuildEvent::StepDone {
                step: self.count,
                cached,
                duration: begun.elapsed(),
            });
        }
    }

    fn failure(&mut self, message: &str, code: Option<i64>) -> BuildFailure {
        let open = std::mem::take(&mut self.open);
        self.tail.push(&open);
        let named = |words: &str| {
            let (_, rest) = message.rsplit_once(words)?;
            rest.split(|character: char| !character.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        };
        BuildFailure {
            step: self.name.clone(),
            message: message.trim().to_owned(),
            last_lines: self.tail.lines(),
            code: code
                .or_else(|| named("exit status "))
                .or_else(|| named("non-zero code: ")),
            fix: None,
        }
    }
}

/// "Step 1/3 : RUN x" of Docker and "STEP 1/3: RUN x" of Podman.
fn step_of(line: &str) -> Option<(usize, usize, &str)> {
    let rest = line
        .strip_prefix("Step ")
        .or_else(|| line.strip_prefix("STEP "))?;
    let (numbers, name) = rest.split_once(':')?;
    let (index, total) = numbers.trim().split_once('/')?;
    Some((index.parse().ok()?, total.parse().ok()?, name.trim()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn both_classic_builders_are_followed() {
        for text in [
            "Step 1/2 : FROM x\n ---> 0123\nStep 2/2 : RUN make\n ---> Using cache\n ---> 4567\nSuccessfully built 4567\n",
            "STEP 1/2: FROM x\nSTEP 2/2: RUN make\n--> Using cache 4567\nSuccessfully built 4567\n",
        ] {
            let events = Mutex::new(Vec::new());
            let tell = |event| events.lock().unwrap().push(event);
            let mut steps = ClassicSteps::default();
            let (first, second) = text.split_at(text.len() / 2);
            steps.text(first, &tell);
            steps.text(second, &tell);
            steps.end(&tell);
            assert_eq!(
                (steps.count, steps.cached_count, steps.image.as_deref()),
                (2, 1, Some("4567"))
            );
            let events = events.into_inner().unwrap();
            assert!(events.contains(&BuildEvent::StepStarted {
                index: 2,
                total: 2,
                name: "RUN make".into()
            }));
            assert!(
                matches!(
                    events.last(),
                    Some(BuildEvent::StepDone {
                        step: 2,
                        cached: true,
                        ..
                    })
                ),
                "{events:?}"
            );
        }
    }

    #[test]
    fn what_an_old_builder_stumbles_over_is_named() {
        let hint = Hint::of("# syntax = docker/dockerfile:1\nFROM x\nRUN <<EOF\necho\nEOF\n");
        assert_eq!(
            hint,
            Hint {
                heredoc: true,
                frontend: Some("docker/dockerfile:1".into())
            }
        );
        let message = "failed to solve: failed to resolve docker.io/docker/dockerfile:1: no route";
        assert!(hint.fix(message).unwrap().contains("# syntax="));
        let hint = Hint::of("FROM x\nRUN <<EOF\necho\nEOF\n");
        assert!(
            hint.fix("dockerfile parse error line 3: unknown instruction: ECHO")
                .unwrap()
                .contains("here-documents")
        );
        assert_eq!(hint.fix("exit code: 1"), None);
        assert_eq!(
            Hint::of("FROM x\n# syntax=later\nRUN echo 1 > a"),
            Hint::default()
        );
    }

    #[test]
    fn what_needs_buildkit_is_refused_with_its_line() {
        let request = BuildRequest::default();
        let error =
            refuse_what_needs_buildkit(&request, "FROM x\nRUN --mount=type=secret,id=a cat\n").unwrap_err();
        assert_eq!(error.code(), "engine.unsupported");
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(
            refuse_what_needs_buildkit(&request, "FROM x\nRUN --mount=type=cache,target=/c true\n").is_ok()
        );
    }
}
