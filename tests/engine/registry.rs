//! Pulls from a real registry that wants a password, with all the ways in which the docker client keeps one.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use devctl_engine::{BuildRequest, EngineError, PullEvent, PullRequest, RegistryCredentials};
use devctl_testkit::registry::{PASSWORD, Registry, USER};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Bench, skip};

/// A registry with an image of two layers in it, and a place for configurations of the docker client.
struct Shelf {
    registry: Registry,
    image: String,
    dir: TempDir,
}

impl Shelf {
    /// None where there is no registry to install, which is said.
    fn filled(name: &str) -> Option<Self> {
        let registry = match Registry::start() {
            Ok(registry) => registry,
            Err(error) => {
                skip(&format!("no registry: {error}"));
                return None;
            }
        };
        let shelf = Self {
            image: format!("{}/team/{name}:1.0", registry.address()),
            registry,
            dir: tempfile::tempdir().unwrap(),
        };
        let context = shelf.dir.path().join("context");
        std::fs::create_dir(&context).unwrap();
        for layer in ["one", "two"] {
            // What cannot be compressed takes its time, so that there is progress to hear of.
            let random = Command::new("head")
                .args(["-c", "4000000", "/dev/urandom"])
                .output()
                .unwrap();
            std::fs::write(context.join(layer), random.stdout).unwrap();
        }
        std::fs::write(
            context.join("Dockerfile"),
            "FROM scratch\nCOPY one /\nCOPY two /\nCMD [\"/one\"]\n",
        )
        .unwrap();
        shelf.docker(&[
            "build",
            "--quiet",
            "--tag",
            &shelf.image,
            context.to_str().unwrap(),
        ]);
        let auths = shelf.logged_in();
        let config = auths.config_file.parent().unwrap().to_str().unwrap().to_owned();
        shelf.docker(&["--config", &config, "push", "--quiet", &shelf.image]);
        shelf.forget();
        Some(shelf)
    }

    fn docker(&self, arguments: &[&str]) {
        let done = Command::new("docker")
            .args(arguments)
            .env("DOCKER_BUILDKIT", "0")
            .env("DOCKER_CONFIG", self.dir.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "docker {arguments:?}: {done:?}");
    }

    /// Takes the image away from the engine.
    fn forget(&self) {
        self.docker(&["image", "rm", "--force", &self.image]);
    }

    /// What `docker login` itself writes down.
    fn logged_in(&self) -> RegistryCredentials {
        let credentials = self.credentials(&json!({}));
        let dir = credentials.config_file.parent().unwrap();
        let mut login = Command::new("docker")
            .arg("--config")
            .arg(dir)
            .args([
                "login",
                "--username",
                USER,
                "--password-stdin",
                &self.registry.address(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        login
            .stdin
            .take()
            .unwrap()
            .write_all(PASSWORD.as_bytes())
            .unwrap();
        let done = login.wait_with_output().unwrap();
        assert!(done.status.success(), "{done:?}");
        credentials
    }

    /// A configuration of the docker client; helpers are looked for beside it.
    fn credentials(&self, config: &Value) -> RegistryCredentials {
        let dir = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        std::fs::write(dir.join("config.json"), config.to_string()).unwrap();
        RegistryCredentials::in_config_dir(&dir, dir.to_str())
    }
}

/// An entry of `auths` in plain words, which the docker client reads too.
fn entry(password: &str) -> Value {
    json!({"username": USER, "password": password})
}

/// A credential helper that knows this registry only, and writes down who it was asked about.
fn helper(credentials: &RegistryCredentials, name: &str, registry: &str, password: &str) {
    let dir = credentials.config_file.parent().unwrap();
    let path = dir.join(format!("docker-credential-{name}"));
    let answer = json!({"ServerURL": registry, "Username": USER, "Secret": password});
    let script = format!(
        "#!/bin/sh\nread -r server\necho \"$1 $server\" >> {asked}\n[ \"$server\" = {registry} ] || \
         {{ echo 'credentials not found in native keychain'; exit 1; }}\ncat <<'END'\n{answer}\nEND\n",
        asked = dir.join("asked").display(),
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

impl Bench {
    async fn pull(
        &self,
        image: &str,
        credentials: Option<RegistryCredentials>,
    ) -> Result<Vec<PullEvent>, EngineError> {
        let request = PullRequest {
            reference: image.to_owned(),
            credentials,
            ..PullRequest::default()
        };
        let events = Mutex::new(Vec::new());
        self.engine
            .image_pull(request, &|event| events.lock().unwrap().push(event))
            .await?;
        Ok(events.into_inner().unwrap())
    }
}

/// Layers of which something was told, by what `of` picks.
fn layers(
    events: &[PullEvent],
    of: impl Fn(&PullEvent) -> Option<&String>,
) -> std::collections::BTreeSet<&String> {
    events.iter().filter_map(of).collect()
}

/// All three places of a password, each with progress by layer.
pub(crate) async fn passwords(bench: Bench) {
    if bench.podman() {
        // The registry speaks without TLS, which Podman takes from its own configuration only, and lies in another network.
        return;
    }
    let Some(shelf) = Shelf::filled(&bench.prefix) else {
        return;
    };
    let registry = shelf.registry.address();

    let auths = shelf.logged_in();
    let store = shelf.credentials(&json!({
        "credsStore": "store",
        // What the client leaves in the file when a store keeps the password.
        "auths": {&registry: {}},
    }));
    helper(&store, "store", &registry, PASSWORD);
    let one = shelf.credentials(&json!({
        "credHelpers": {&registry: "one", "other.example": "store"},
        "credsStore": "store",
        "auths": {&registry: entry("not this one")},
    }));
    helper(&one, "one", &registry, PASSWORD);
    helper(&one, "store", &registry, "nor this one");
    for (place, credentials, asked) in [
        ("auths", auths, None),
        ("credsStore", store, Some(())),
        ("credHelpers", one, Some(())),
    ] {
        let told = credentials.config_file.with_file_name("asked");
        let events = bench.pull(&shelf.image, Some(credentials)).await;
        let events = events.unwrap_or_else(|error| panic!("{place}: {error}"));
        let found = layers(&events, |event| match event {
            PullEvent::LayerFound { layer } => Some(layer),
            _ => None,
        });
        let loading = layers(&events, |event| match event {
            PullEvent::Downloading { layer, done, total } if *done > 0 && *total > 4_000_000 => Some(layer),
            _ => None,
        });
        let done = layers(&events, |event| match event {
            PullEvent::LayerDone { layer, reused: false } => Some(layer),
            _ => None,
        });
        assert_eq!(found.len(), 2, "{place}: {events:?}");
        assert_eq!((&loading, &done), (&found, &found), "{place}: {events:?}");
        assert!(
            events.iter().any(|event| matches!(event, PullEvent::Digest(_))),
            "{place}: {events:?}"
        );
        let asked = asked.map(|()| format!("get {registry}\n"));
        assert_eq!(std::fs::read_to_string(told).ok(), asked, "{place}");
        let details = bench.engine.image_inspect(&shelf.image).await.unwrap();
        assert_eq!(details.cmd, ["/one"]);
        bench.engine.image_remove(&shelf.image, true).await.unwrap();
    }
}

/// What is missing is told: a password, the right one, a helper, or the image.
pub(crate) async fn refusals(bench: Bench) {
    if bench.podman() {
        return;
    }
    let Some(shelf) = Shelf::filled(&bench.prefix) else {
        return;
    };
    let registry = shelf.registry.address();
    let wrong = shelf.credentials(&json!({"auths": {&registry: entry("wrong")}}));
    let lying = shelf.credentials(&json!({"credHelpers": {&registry: "lying"}}));
    helper(&lying, "lying", &registry, "wrong");
    let nowhere = shelf.credentials(&json!({"credHelpers": {&registry: "nowhere"}}));
    let empty = shelf.credentials(&json!({}));
    for (what, credentials) in [
        ("no configuration", None),
        ("nothing for this registry", Some(empty)),
        ("a wrong password", Some(wrong)),
        ("a wrong password of a helper", Some(lying)),
        ("no such helper", Some(nowhere)),
    ] {
        let error = bench.pull(&shelf.image, credentials).await.unwrap_err();
        assert_eq!(error.code(), "engine.registry_auth", "{what}: {error}");
        assert!(error.to_string().contains(&registry), "{what}: {error}");
        assert!(error.fix().contains("docker login"), "{what}: {}", error.fix());
    }
    let right = || shelf.logged_in();
    let absent = format!("{registry}/team/absent:1.0");
    let error = bench.pull(&absent, Some(right())).await.unwrap_err();
    assert_eq!(error.code(), "engine.image_pull", "{error}");
    bench.pull(&shelf.image, Some(right())).await.unwrap();
    bench.engine.image_remove(&shelf.image, true).await.unwrap();
}

/// The base image of a build comes with the same passwords.
pub(crate) async fn builds(bench: Bench) {
    if bench.podman() {
        return;
    }
    let Some(shelf) = Shelf::filled(&bench.prefix) else {
        return;
    };
    let registry = shelf.registry.address();
    let context = tempfile::tempdir().unwrap();
    let mut dockerfile = std::fs::File::create(context.path().join("Dockerfile")).unwrap();
    writeln!(dockerfile, "FROM {}\nCOPY Dockerfile /", shelf.image).unwrap();
    let tag = format!("localhost/{}:built", bench.prefix);
    let request = |credentials: RegistryCredentials| BuildRequest {
        context: context.path().to_owned(),
        dockerfile: context.path().join("Dockerfile"),
        tags: vec![tag.clone()],
        labels: bench.labels(),
        credentials: Some(credentials),
        ..BuildRequest::default()
    };
    let wrong = shelf.credentials(&json!({"auths": {&registry: entry("wrong")}}));
    let error = bench
        .engine
        .image_build(request(wrong), &|_| {})
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("401") || error.to_string().contains("authorization"),
        "{error}"
    );
    bench
        .engine
        .image_build(request(shelf.logged_in()), &|_| {})
        .await
        .unwrap();
    bench.engine.image_remove(&tag, true).await.unwrap();
}
