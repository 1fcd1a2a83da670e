//! A bench for one scenario: an engine, names of its own, and tidying up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use devctl_engine::{
    ContainerFilter, CreateRequest, Endpoint, Engine, EngineEnv, EngineHealth, EngineKind, ExecRequest,
    Finished, HostPlatform, RemoveOptions, Ulimit, connect, discover, probe,
};
use devctl_testkit::engines::{BASE_IMAGE, OwnEngine, base_archive, everything_is_required, machine_docker};
use devctl_testkit::rootless::RootlessPodman;
use futures_util::{FutureExt as _, TryStreamExt as _};

/// What a scenario works with.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) engine: Arc<dyn Engine>,
    /// Names and labels of this scenario begin with it.
    pub(crate) prefix: String,
}

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) struct Scenario {
    name: &'static str,
    run: fn(Bench) -> Run,
}

impl Scenario {
    pub(crate) fn new(name: &'static str, run: fn(Bench) -> Run) -> Self {
        Self { name, run }
    }
}

const LABEL: &str = "devctl.test";

/// Runs a scenario on the machine's Docker.
pub(crate) async fn on_docker(scenario: Scenario) {
    let Some(engine) = docker().await else { return };
    run(&engine, &scenario).await.unwrap();
}

/// The machine's Docker, with the base image; `None` when it is not there and may be missing.
pub(crate) async fn docker() -> Option<Arc<dyn Engine>> {
    let Some(socket) = machine_docker() else {
        skip("no Docker answers at /var/run/docker.sock");
        return None;
    };
    let engine = connect(&Endpoint::explicit(format!("unix://{}", socket.display())))
        .await
        .unwrap();
    if let Err(error) = engine.image_inspect(BASE_IMAGE).await {
        assert!(error.is_not_found(), "{error}");
        match base_archive() {
            Ok(archive) => import(&engine, archive).await,
            Err(error) => {
                skip(&format!("no {BASE_IMAGE} in the engine, and {error}"));
                return None;
            }
        }
    }
    Some(engine)
}

/// Runs all scenarios in one Podman, each to its end, and fails with all that failed.
pub(crate) async fn on_podman(scenarios: Vec<Scenario>) {
    let archive = match base_archive() {
        Ok(archive) => archive,
        Err(error) => return skip(&format!("no base image for Podman: {error}")),
    };
    let own = match OwnEngine::podman() {
        Ok(own) => own,
        Err(error) => return skip(&format!("Podman cannot be started: {error}")),
    };
    let endpoint = Endpoint::explicit(own.url());
    if let Err(failed) = run_all(&endpoint, &scenarios, archive).await {
        panic!("{failed}\n{}", own.log().unwrap());
    }
}

/// Runs all scenarios in one Podman of an account without rights, found as that account finds it.
pub(crate) async fn on_rootless_podman(scenarios: Vec<Scenario>) {
    let archive = match base_archive() {
        Ok(archive) => archive,
        Err(error) => return skip(&format!("no base image for Podman: {error}")),
    };
    let own = match RootlessPodman::start(59_241) {
        Ok(own) => own,
        Err(error) => return skip(&format!("a rootless Podman cannot be started: {error}")),
    };
    let found = discover(&EngineEnv {
        vars: BTreeMap::new(),
        home: None,
        runtime_dir: Some(own.runtime_dir()),
        uid: Some(own.uid()),
        platform: HostPlatform::Linux,
        // Where there is no engine of the machine.
        system_root: own.runtime_dir(),
    });
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let [endpoint] = &found.endpoints[..] else {
        panic!("{:?}", found.endpoints)
    };
    assert_eq!(
        (endpoint.name.as_str(), &endpoint.url, endpoint.current),
        ("podman", &own.url(), true)
    );
    let health = probe(endpoint).await;
    assert!(matches!(health, EngineHealth::Ok(_)), "{health:?}");
    let info = connect(endpoint).await.unwrap().info().await.unwrap();
    assert!(info.rootless && info.kind == EngineKind::Podman, "{info:?}");
    if let Err(failed) = run_all(endpoint, &scenarios, archive).await {
        panic!("{failed}\n{}", own.log().unwrap());
    }
}

/// Runs scenarios in a fresh Podman, and tells which failed, and why.
async fn run_all(endpoint: &Endpoint, scenarios: &[Scenario], archive: PathBuf) -> Result<(), String> {
    let engine = connect(endpoint).await.unwrap();
    assert_eq!(engine.facts().kind, EngineKind::Podman);
    import(&engine, archive).await;
    let only = std::env::var("DEVCTL_TEST_SCENARIO").ok();
    let mut failed = Vec::new();
    for scenario in scenarios
        .iter()
        .filter(|scenario| only.as_deref().is_none_or(|only| scenario.name == only))
    {
        let begin = Instant::now();
        if let Err(reason) = run(&engine, scenario).await {
            failed.push(format!("{}: {reason}", scenario.name));
        }
        println!("podman {} {:.1} s", scenario.name, begin.elapsed().as_secs_f64());
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("\n"))
    }
}

/// Says loudly that something was not tested; fails where nothing may be skipped.
pub(crate) fn skip(reason: &str) {
    assert!(
        !everything_is_required(),
        "{reason}, and DEVCTL_REQUIRE_ALL is set"
    );
    println!("SKIPPED: {reason}");
}

pub(crate) async fn import(engine: &Arc<dyn Engine>, archive: PathBuf) {
    let file = tokio::fs::File::open(archive).await.unwrap();
    let bytes = tokio_util::io::ReaderStream::with_capacity(file, 1 << 20);
    engine.image_import(BASE_IMAGE, Box::pin(bytes)).await.unwrap();
}

async fn run(engine: &Arc<dyn Engine>, scenario: &Scenario) -> Result<(), String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let prefix = format!(
        "devctl-test-{}-{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let bench = Bench {
        engine: Arc::clone(engine),
        prefix,
    };
    let outcome = std::panic::AssertUnwindSafe((scenario.run)(bench.clone()))
        .catch_unwind()
        .await;
    bench.tidy().await;
    outcome.map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("it panicked").to_owned()
    })
}

impl Bench {
    pub(crate) fn podman(&self) -> bool {
        self.engine.facts().kind == EngineKind::Podman
    }

    pub(crate) fn label(&self) -> (String, String) {
        (LABEL.to_owned(), self.prefix.clone())
    }

    pub(crate) fn labels(&self) -> std::collections::BTreeMap<String, String> {
        [self.label()].into()
    }

    pub(crate) fn filter(&self) -> Vec<String> {
        vec![format!("{LABEL}={}", self.prefix)]
    }

    /// A container that waits until it is stopped, in no network.
    pub(crate) fn sleeper(&self) -> CreateRequest {
        CreateRequest {
            image: BASE_IMAGE.into(),
            cmd: Some(["sleep", "infinity"].map(String::from).to_vec()),
            labels: self.labels(),
            init: Some(true),
            ulimits: self.ulimits(),
            network: Some(devctl_engine::NetworkRequest {
                mode: "none".into(),
                ..Default::default()
            }),
            ..CreateRequest::default()
        }
    }

    /// Podman 4.3 asks for more open files than this machine may set, unless it is told how many.
    pub(crate) fn ulimits(&self) -> Vec<Ulimit> {
        let limit = |name: &str, count| Ulimit {
            name: name.into(),
            soft: count,
            hard: count,
        };
        if self.podman() {
            vec![limit("nofile", 4096), limit("nproc", 4096)]
        } else {
            Vec::new()
        }
    }

    /// Makes and starts a container; returns its id.
    pub(crate) async fn start(&self, request: &CreateRequest) -> String {
        self.engine.container_run(request).await.unwrap().id
    }

    /// Runs a shell script in a container.
    pub(crate) async fn shell(&self, container: &str, script: &str) -> Finished {
        let request = ExecRequest {
            cmd: ["sh", "-c", script].map(String::from).to_vec(),
            ..ExecRequest::default()
        };
        self.engine
            .exec(container, &request)
            .await
            .unwrap()
            .finish(b"", 1 << 20)
            .await
            .unwrap()
    }

    /// The standard output of a shell script that must succeed, without the last line break.
    pub(crate) async fn output(&self, container: &str, script: &str) -> String {
        let done = self.shell(container, script).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert_eq!(done.code, 0, "{script}: {}", text(&done.stderr));
        text(&done.stdout)
    }

    pub(crate) async fn tidy(&self) {
        let filter = ContainerFilter {
            all: true,
            labels: self.filter(),
            ..ContainerFilter::default()
        };
        for container in self.engine.container_list(&filter).await.unwrap() {
            let gone = RemoveOptions {
                volumes: true,
                force: true,
            };
            self.engine.container_remove(&container.id, gone).await.unwrap();
        }
        for network in self.engine.network_list(&self.filter()).await.unwrap() {
            self.engine.network_remove(&network.id).await.unwrap();
        }
        for volume in self.engine.volume_list(&self.filter()).await.unwrap() {
            self.engine.volume_remove(&volume.name).await.unwrap();
        }
    }
}

/// All bytes of an archive stream.
pub(crate) async fn collect(stream: devctl_engine::ByteStream) -> Vec<u8> {
    stream
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
        .unwrap()
}

/// Bytes as an archive stream.
pub(crate) fn bytes(bytes: Vec<u8>) -> devctl_engine::ByteStream {
    Box::pin(futures_util::stream::once(async move {
        Ok(bytes::Bytes::from(bytes))
    }))
}
