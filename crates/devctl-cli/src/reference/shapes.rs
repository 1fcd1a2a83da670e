//! What `--json` prints, by example. The examples are values of the very types that are printed, so they cannot say
//! anything else.

use crate::commands::ExecDocument;
use crate::completion::Script;
use devctl_model::*;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// The shape of an answer.
#[derive(Debug)]
pub(super) struct Shape {
    /// What it is.
    pub about: &'static str,
    /// An example, as JSON.
    pub example: String,
}

/// The shape of a command's answer; none for a mere group of commands.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl up" => shape("one `UpOutcome`, after the job has ended.", &up()),
        "devctl start" | "devctl restart" | "devctl rebuild" | "devctl recreate" | "devctl clone" => {
            shape("one `UpOutcome`, after the job has ended.", &up())
        }
        "devctl list" => shape("one array of `Container`.", &[container()]),
        "devctl show" => shape("one `ContainerDetail`.", &detail()),
        "devctl stop" => shape(
            "one `StoppedContainer`; `changed` is false when it was not running.",
            &StoppedContainer {
                name: "hello".into(),
                changed: true,
            },
        ),
        "devctl remove" => shape("one `RemovedContainer`.", &removed()),
        "devctl exec" | "devctl ssh" => shape(
            "one document with the output of the command in it.",
            &ExecDocument {
                exit_code: 0,
                stdout: "Linux\n".into(),
                stderr: String::new(),
            },
        ),
        "devctl ssh install" | "devctl ssh uninstall" => {
            shape("one `SshInstallPlan`, as carried out.", &install())
        }
        "devctl ssh config" => shape(
            "one `SshConfigText`, with `--print` and without.",
            &SshConfigText {
                text: "Host hello.devctl\n…".into(),
                path: "/home/ann/.ssh/devctl/config".into(),
            },
        ),
        "devctl ssh status" => shape("one `SshStatus`; with a host one `SshHostLines`.", &status()),
        "devctl config read" => shape(
            "one document in the shape of the reference's `read-configuration`, with `--json` and without; \
             `mergedConfiguration` is there with `--merged`.",
            &ConfigDocument(json!({
                "configuration": { "image": "debian:bookworm", "configFilePath": "…" },
                "workspace": { "workspaceFolder": "/workspaces/hello", "workspaceMount": "…" },
            })),
        ),
        "devctl events" => shape(
            "one `EventPage`; with `--follow` one `EventRecord` on each line.",
            &EventPage {
                events: vec![event()],
            },
        ),
        "devctl settings get" | "devctl settings set" => shape("one `Setting`.", &setting()),
        "devctl settings list" => shape(
            "one `SettingList`.",
            &SettingList {
                settings: vec![setting()],
            },
        ),
        "devctl doctor" => shape(
            "one `DoctorReport`; the exit code is 1 when it is not healthy.",
            &doctor(),
        ),
        "devctl completion" => shape(
            "one document with the script in it.",
            &Script {
                shell: "bash",
                script: "…".into(),
            },
        ),
        _ => {
            return super::trust_shapes::of(command)
                .or_else(|| super::key_shapes::of(command))
                .or_else(|| super::life_shapes::of(command))
                .or_else(|| super::look_shapes::of(command))
                .or_else(|| super::port_shapes::of(command))
                .or_else(|| super::secret_shapes::of(command))
                .or_else(|| super::storage_shapes::of(command))
                .or_else(|| super::idle_shapes::of(command));
        }
    })
}

/// A problem, as every failing command prints it.
pub(super) fn problem() -> String {
    let problem = Problem::new(ErrorCode::ContainerNotFound, "there is no container named hallo")
        .fix_command("Lists the containers.", "devctl list");
    pretty(&json!({ "error": problem }))
}

pub(super) fn shape(about: &'static str, example: &(impl Serialize + ?Sized)) -> Shape {
    Shape {
        about,
        example: pretty(example),
    }
}

fn pretty(example: &(impl Serialize + ?Sized)) -> String {
    // These types have text keys only, so they can always be written.
    serde_json::to_string_pretty(example).unwrap_or_default()
}

fn up() -> UpOutcome {
    UpOutcome {
        container: "4f1c…".into(),
        name: "hello".into(),
        ssh_host: "hello.devctl".into(),
        remote_user: "dev".into(),
        remote_workspace_folder: "/workspaces/hello".into(),
        outcome: UpKind::Created,
        config_changed: false,
        drift: None,
        notices: vec![],
    }
}

fn container() -> Container {
    Container {
        id: "4f1c…".into(),
        name: "hello".into(),
        title: "Hello".into(),
        state: ContainerState::Running,
        workspace: Some("/home/ann/hello".into()),
        workspace_exists: true,
        image: "debian:bookworm".into(),
        ssh_host: "hello.devctl".into(),
        host: "default".into(),
        created_at: Some("2026-01-31T12:00:00Z".into()),
        started_at: None,
        finished_at: None,
        exit_code: None,
        ended: None,
        adopted: false,
        ports: vec![PortInfo {
            container_port: 8080,
            host_ip: Some("127.0.0.1".into()),
            host_port: Some(8080),
            protocol: "tcp".into(),
        }],
        status: "Up 3 minutes".into(),
    }
}

fn detail() -> ContainerDetail {
    ContainerDetail {
        container: Container {
            started_at: Some("2026-01-31T12:00:01Z".into()),
            ..container()
        },
        remote_user: "dev".into(),
        remote_workspace_folder: "/workspaces/hello".into(),
        config_file: Some("/home/ann/hello/.devcontainer/devcontainer.json".into()),
        config_changed: Some(false),
        mounts: vec![MountInfo {
            kind: "bind".into(),
            source: "/home/ann/hello".into(),
            target: "/workspaces/hello".into(),
            read_only: false,
        }],
        networks: vec!["devctl-hello".into()],
        environment: BTreeMap::from([("LANG".into(), "C.UTF-8".into())]),
        profile: "standard".into(),
        memory_limit: None,
        cpu_limit: None,
        out_of_memory: false,
    }
}

fn removed() -> RemovedContainer {
    RemovedContainer {
        name: "hello".into(),
        id: "4f1c…".into(),
        networks: vec!["devctl-hello".into()],
        volumes: vec![],
        kept_volumes: vec!["hello-cache".into()],
        kept_folder: Some("/home/ann/hello".into()),
        adopted: false,
    }
}

fn install() -> SshInstallPlan {
    SshInstallPlan {
        path: "/home/ann/.ssh/config".into(),
        already: false,
        diff: "--- …".into(),
        backup: None,
        blocked: None,
        include_line: "Include devctl/config".into(),
        editor: None,
    }
}

fn status() -> SshStatus {
    SshStatus {
        installed: true,
        user_config: "/home/ann/.ssh/config".into(),
        our_config: "/home/ann/.ssh/devctl/config".into(),
        include_line: "Include devctl/config".into(),
        hosts: vec!["hello.devctl".into()],
        problem: None,
        certificate: Some(certificate()),
        damage: vec![SshDamage {
            tool: "DevPod".into(),
            file: "/home/ann/.ssh/config".into(),
            line: 12,
            what: "…".into(),
            fix: "…".into(),
        }],
        editor_config: None,
    }
}

pub(super) fn certificate() -> CertificateInfo {
    CertificateInfo {
        serial: 12,
        key_id: "ann@laptop".into(),
        principals: vec!["owner-1000".into()],
        valid_after: "2026-01-31T12:00:00Z".into(),
        valid_before: "2026-02-01T12:00:00Z".into(),
        renew_at: "2026-02-01T04:00:00Z".into(),
        valid: true,
        authority: "SHA256:…".into(),
    }
}

fn event() -> EventRecord {
    EventRecord {
        seq: 7,
        id: "01948…".into(),
        at: "2026-01-31T12:00:01Z".into(),
        who: "ann".into(),
        door: "cli".into(),
        operation: "up".into(),
        subject: "hello".into(),
        outcome: OutcomeKind::Done,
        duration_ms: Some(812),
        code: None,
        detail: None,
    }
}

fn setting() -> Setting {
    Setting {
        key: "ssh.startOnConnect".into(),
        about: "…".into(),
        value: json!(true),
        default: json!(true),
        allowed: "true or false".into(),
    }
}

fn doctor() -> DoctorReport {
    DoctorReport {
        checks: vec![DoctorCheck {
            id: "include".into(),
            title: "Include line".into(),
            state: CheckState::Warning,
            detail: "~/.ssh/config does not include the configuration of devctl".into(),
            fix: Some(Fix {
                text: "Adds the line.".into(),
                command: Some("devctl ssh install".into()),
            }),
            can_fix: false,
        }],
        healthy: true,
    }
}
