//! Containers from creation to removal.

use std::time::Duration;

use devctl_engine::{
    CgroupVersion, ContainerFilter, ContainerStatus, CreateRequest, Device, EngineError, LogOptions, LogTail,
    MountKind, MountSpec, ObjectKind, OutputStream, PortBinding, PortProtocol, RemoveOptions, Ulimit,
};
use futures_util::TryStreamExt as _;

use crate::support::{Bench, bytes, collect};

pub(crate) async fn life(bench: Bench) {
    let engine = &bench.engine;
    let name = format!("{}-life", bench.prefix);
    let request = CreateRequest {
        name: Some(name.clone()),
        ..bench.sleeper()
    };
    let created = engine.container_create(&request).await.unwrap();
    let details = engine.container_inspect(&name).await.unwrap();
    assert_eq!(details.id, created.id);
    assert_eq!(details.state.status, ContainerStatus::Created);
    assert_eq!(details.state.exit_code, None);

    engine.container_start(&name).await.unwrap();
    engine.container_start(&name).await.unwrap();
    let details = engine.container_inspect(&name).await.unwrap();
    assert!(details.state.is_running());
    assert!(details.state.started_at.is_some() && details.state.finished_at.is_none());
    assert_eq!(details.labels.get("devctl.test"), Some(&bench.prefix));

    let filter = ContainerFilter {
        labels: bench.filter(),
        ..ContainerFilter::default()
    };
    let rows = engine.container_list(&filter).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].name.as_str(), rows[0].status),
        (name.as_str(), ContainerStatus::Running)
    );
    let named = ContainerFilter {
        all: true,
        names: vec![name.clone()],
        ..ContainerFilter::default()
    };
    assert_eq!(engine.container_list(&named).await.unwrap().len(), 1);
    let part = ContainerFilter {
        all: true,
        names: vec![name[..name.len() - 1].to_owned()],
        ..ContainerFilter::default()
    };
    assert_eq!(
        engine.container_list(&part).await.unwrap().len(),
        0,
        "a part of a name is another name"
    );

    engine
        .container_restart(&name, Duration::from_secs(1))
        .await
        .unwrap();
    assert!(engine.container_inspect(&name).await.unwrap().state.is_running());
    engine
        .container_stop(&name, Duration::from_secs(1))
        .await
        .unwrap();
    engine
        .container_stop(&name, Duration::from_secs(1))
        .await
        .unwrap();
    let state = engine.container_inspect(&name).await.unwrap().state;
    assert_eq!(state.status, ContainerStatus::Exited);
    assert_eq!(state.exit_code, Some(143), "SIGTERM through the init");

    engine.container_start(&name).await.unwrap();
    let waiting = engine.container_wait(&name);
    let (code, killed) =
        futures_util::future::join(waiting, async { engine.container_kill(&name, "SIGKILL").await }).await;
    killed.unwrap();
    assert_eq!(code.unwrap(), 137);

    let renamed = format!("{name}-2");
    engine.container_rename(&name, &renamed).await.unwrap();
    engine
        .container_remove(&renamed, RemoveOptions::default())
        .await
        .unwrap();
    let error = engine.container_inspect(&renamed).await.unwrap_err();
    assert_eq!(error.code(), "engine.not_found.container");
}

pub(crate) async fn request_takes_effect(bench: Bench) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("seen"), "yes").unwrap();
    let mut bind = MountSpec::new(
        MountKind::Bind,
        Some(folder.path().display().to_string()),
        "/bound",
    );
    bind.read_only = true;
    let volume = format!("{}-data", bench.prefix);
    let mut data = MountSpec::new(MountKind::Volume, Some(volume), "/data");
    data.labels = bench.labels();
    let mut scratch = MountSpec::new(MountKind::Tmpfs, None, "/scratch");
    scratch.tmpfs_size = Some(1 << 20);
    scratch.tmpfs_mode = Some(0o1777);
    let request = CreateRequest {
        env: vec![
            ("GREETING".into(), "hello world".into()),
            ("EMPTY".into(), String::new()),
        ],
        user: Some("1234:4321".into()),
        workdir: Some("/usr".into()),
        hostname: Some("testhost".into()),
        mounts: vec![bind, data, scratch],
        cap_drop: vec!["ALL".into()],
        memory: Some(64 << 20),
        nano_cpus: Some(500_000_000),
        pids_limit: Some(50),
        shm_size: Some(8 << 20),
        ulimits: [
            bench.ulimits(),
            vec![Ulimit {
                name: "core".into(),
                soft: 0,
                hard: 0,
            }],
        ]
        .concat(),
        extra_hosts: Vec::new(),
        devices: vec![Device {
            path_on_host: "/dev/null".into(),
            path_in_container: "/dev/nothing".into(),
            permissions: "rwm".into(),
        }],
        ..bench.sleeper()
    };
    let id = bench.start(&request).await;
    assert_eq!(
        bench
            .output(&id, "echo $GREETING; id -u; id -g; pwd; hostname")
            .await,
        "hello world\n1234\n4321\n/usr\ntesthost"
    );
    assert_eq!(
        bench
            .output(
                &id,
                "cat /bound/seen; touch /bound/x 2>/dev/null || echo read-only"
            )
            .await,
        "yesread-only"
    );
    assert_eq!(
        bench
            .output(&id, "touch /scratch/x && test -c /dev/nothing && echo ok")
            .await,
        "ok"
    );
    assert_eq!(
        bench.output(&id, "grep CapEff /proc/self/status").await,
        "CapEff:\t0000000000000000"
    );
    assert_eq!(
        bench
            .output(&id, "ulimit -c; df -k /dev/shm | tail -1 | awk '{print $2}'")
            .await,
        "0\n8192"
    );
    let details = bench.engine.container_inspect(&id).await.unwrap();
    let info = bench.engine.info().await.unwrap();
    // An account without rights may not use control groups of version 1; Podman says so in its log.
    if !(info.rootless && info.cgroup == CgroupVersion::V1) {
        assert_eq!(details.memory, 64 << 20);
        assert_eq!(details.pids_limit, Some(50));
    }
    assert_eq!(details.user, "1234:4321");
    let targets: Vec<_> = details
        .mounts
        .iter()
        .filter(|mount| mount.kind != MountKind::Tmpfs)
        .map(|mount| mount.target.as_str())
        .collect();
    assert_eq!(targets, ["/bound", "/data"]);
    assert!(details.env.contains(&"GREETING=hello world".to_owned()));
}

pub(crate) async fn refusals(bench: Bench) {
    let engine = &bench.engine;
    let missing = CreateRequest {
        image: "localhost/devctl-no-such-image:1".into(),
        ..bench.sleeper()
    };
    let error = engine.container_create(&missing).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::NotFound { kind: ObjectKind::Image, name } if name.contains("no-such-image")),
        "{error}"
    );

    let name = format!("{}-twice", bench.prefix);
    let request = CreateRequest {
        name: Some(name.clone()),
        ..bench.sleeper()
    };
    engine.container_create(&request).await.unwrap();
    assert_eq!(
        engine.container_create(&request).await.unwrap_err().code(),
        "engine.conflict"
    );
    let error = bench
        .engine
        .exec(
            &name,
            &devctl_engine::ExecRequest {
                cmd: vec!["true".into()],
                ..Default::default()
            },
        )
        .await;
    assert_eq!(error.unwrap_err().code(), "engine.conflict", "it does not run");

    let broken = CreateRequest {
        cmd: Some(vec!["/no/such/program".into()]),
        init: None,
        ..bench.sleeper()
    };
    let created = engine.container_create(&broken).await.unwrap();
    let error = engine.container_start(&created.id).await.unwrap_err();
    assert_eq!(error.code(), "engine.start_failed", "{error}");

    for (error, code) in [
        (
            engine
                .container_stop("devctl-nobody", Duration::ZERO)
                .await
                .unwrap_err(),
            "engine.not_found.container",
        ),
        (
            engine
                .container_remove("devctl-nobody", RemoveOptions::default())
                .await
                .unwrap_err(),
            "engine.not_found.container",
        ),
        (
            engine.network_inspect("devctl-nothing").await.unwrap_err(),
            "engine.not_found.network",
        ),
        (
            engine.volume_inspect("devctl-nothing").await.unwrap_err(),
            "engine.not_found.volume",
        ),
        (
            engine
                .image_inspect("localhost/devctl-nothing:1")
                .await
                .unwrap_err(),
            "engine.not_found.image",
        ),
        (
            engine.container_inspect("../images/json").await.unwrap_err(),
            "engine.invalid",
        ),
    ] {
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.fix().is_empty());
    }
}

pub(crate) async fn taken_port(bench: Bench) {
    if bench.podman() {
        // Publishing needs a bridge with port mapping, which this engine's machine does not give to a second one.
        return;
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let binding = PortBinding {
        container_port: 80,
        protocol: PortProtocol::Tcp,
        host_ip: Some("127.0.0.1".parse().unwrap()),
        host_port: Some(port),
        host_port_end: None,
    };
    let request = CreateRequest {
        network: None,
        ports: vec![binding.clone()],
        ..bench.sleeper()
    };
    let error = bench.engine.container_run(&request).await.unwrap_err();
    assert_eq!(error.code(), "engine.port_taken", "{error}");
    let filter = ContainerFilter {
        all: true,
        labels: bench.filter(),
        ..ContainerFilter::default()
    };
    assert_eq!(
        bench.engine.container_list(&filter).await.unwrap(),
        [],
        "what did not start is gone"
    );

    let free = CreateRequest {
        ports: vec![PortBinding {
            host_port: None,
            ..binding
        }],
        ..request
    };
    let id = bench.start(&free).await;
    let ports = bench.engine.container_inspect(&id).await.unwrap().ports;
    assert_eq!(ports.len(), 1);
    assert_eq!(ports[0].host_ip, Some("127.0.0.1".parse().unwrap()));
    assert!(ports[0].host_port.is_some());
}

pub(crate) async fn nofile(bench: Bench) {
    let request = CreateRequest {
        nofile_at_most: Some(65_536),
        ulimits: bench
            .ulimits()
            .into_iter()
            .filter(|limit| limit.name != "nofile")
            .collect(),
        ..bench.sleeper()
    };
    let id = bench.start(&request).await;
    let limit: u64 = bench.output(&id, "ulimit -n").await.parse().unwrap();
    let known = bench.engine.info().await.unwrap().nofile_limit;
    assert_eq!(known.map(|known| known.min(65_536)), Some(limit));

    let impossible = CreateRequest {
        ulimits: vec![Ulimit {
            name: "nofile".into(),
            soft: 1 << 40,
            hard: 1 << 40,
        }],
        nofile_at_most: None,
        ..bench.sleeper()
    };
    let created = bench.engine.container_create(&impossible).await.unwrap();
    if bench.engine.info().await.unwrap().rootless {
        // Podman without root lowers by itself what it may not set.
        bench.engine.container_start(&created.id).await.unwrap();
        let lowered: u64 = bench.output(&created.id, "ulimit -n").await.parse().unwrap();
        assert!(
            known.is_some_and(|known| lowered <= known),
            "{lowered} of {known:?}"
        );
        return;
    }
    let error = bench.engine.container_start(&created.id).await.unwrap_err();
    assert_eq!(error.code(), "engine.limit_refused", "{error}");
    // From now on nothing is asked for, and containers start with the engine's own limit, where it has a good one.
    if !bench.podman() {
        bench.start(&request).await;
    }
}

pub(crate) async fn logs(bench: Bench) {
    let script = "echo out; echo err >&2; echo last";
    let request = CreateRequest {
        cmd: Some(["sh", "-c", script].map(String::from).to_vec()),
        ..bench.sleeper()
    };
    let id = bench.start(&request).await;
    assert_eq!(bench.engine.container_wait(&id).await.unwrap(), 0);
    let read = |options: LogOptions| {
        let (engine, id) = (bench.engine.clone(), id.clone());
        async move {
            let frames: Vec<_> = engine
                .container_logs(&id, &options)
                .await
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            let of = |stream| {
                frames
                    .iter()
                    .filter(|frame| frame.stream == stream)
                    .flat_map(|frame| frame.bytes.to_vec())
                    .collect::<Vec<_>>()
            };
            (
                String::from_utf8(of(OutputStream::Stdout)).unwrap(),
                String::from_utf8(of(OutputStream::Stderr)).unwrap(),
            )
        }
    };
    assert_eq!(
        read(LogOptions::default()).await,
        ("out\nlast\n".into(), "err\n".into())
    );
    let followed = read(LogOptions {
        follow: true,
        ..LogOptions::default()
    })
    .await;
    assert_eq!(followed, ("out\nlast\n".into(), "err\n".into()));
    let tail = read(LogOptions {
        tail: LogTail::Lines(1),
        ..LogOptions::default()
    })
    .await;
    assert_eq!(tail.0.len() + tail.1.len(), 5.min(tail.0.len() + tail.1.len()));
    let stamped = read(LogOptions {
        timestamps: true,
        ..LogOptions::default()
    })
    .await
    .0;
    assert!(
        stamped.starts_with("20") && stamped.contains("T") && stamped.ends_with(" last\n"),
        "{stamped}"
    );
    let future = LogOptions {
        since: Some(time::OffsetDateTime::now_utc() + Duration::from_secs(3600)),
        ..LogOptions::default()
    };
    assert_eq!(read(future).await, (String::new(), String::new()));

    let terminal = CreateRequest {
        tty: true,
        ..request.clone()
    };
    let id = bench.start(&terminal).await;
    bench.engine.container_wait(&id).await.unwrap();
    let frames: Vec<_> = bench
        .engine
        .container_logs(&id, &LogOptions::default())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let text: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
    assert_eq!(String::from_utf8(text).unwrap(), "out\r\nerr\r\nlast\r\n");
}

pub(crate) async fn archives(bench: Bench) {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o750);
    header.set_uid(1234);
    header.set_gid(1234);
    archive
        .append_data(&mut header, "dir with space/füle", &b"hello"[..])
        .unwrap();
    let archive = archive.into_inner().unwrap();
    // A container need not run for it.
    let created = bench.engine.container_create(&bench.sleeper()).await.unwrap();
    bench
        .engine
        .copy_in(&created.id, "/opt", bytes(archive))
        .await
        .unwrap();
    bench.engine.container_start(&created.id).await.unwrap();
    let seen = bench
        .output(&created.id, "stat -c '%a %u %s' '/opt/dir with space/füle'")
        .await;
    assert_eq!(seen, "750 1234 5");

    let out = collect(
        bench
            .engine
            .copy_out(&created.id, "/opt/dir with space")
            .await
            .unwrap(),
    )
    .await;
    let mut names = Vec::new();
    for entry in tar::Archive::new(&out[..]).entries().unwrap() {
        names.push(entry.unwrap().path().unwrap().display().to_string());
    }
    assert!(names.iter().any(|name| name.ends_with("füle")), "{names:?}");
    // Podman makes a directory that is missing.
    if !bench.podman() {
        let error = bench
            .engine
            .copy_in(&created.id, "/no/such/dir", bytes(vec![0; 1024]))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "engine.invalid", "{error}");
    }
    let error = bench
        .engine
        .copy_out(&created.id, "/no/such/file")
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "engine.invalid", "{error}");
}
