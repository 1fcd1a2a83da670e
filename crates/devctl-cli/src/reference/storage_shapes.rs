//! The answers of what is done with images, volumes, networks and the disk, by example.

use super::shapes::{Shape, shape};
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl image list" => shape("one array of `Image`.", &[image()]),
        "devctl image show" => shape(
            "one `ImageDetail`.",
            &ImageDetail {
                image: image(),
                platform: "linux/amd64".into(),
                user: String::new(),
                workdir: "/".into(),
                entrypoint: Vec::new(),
                command: vec!["bash".into()],
                variables: vec!["PATH".into()],
                ports: Vec::new(),
                volumes: Vec::new(),
                labels: [("maintainer".to_owned(), "Ann".to_owned())].into(),
            },
        ),
        "devctl image history" => shape(
            "one array of `ImageStep`, the newest first.",
            &[ImageStep {
                created_at: TIME.into(),
                instruction: "CMD [\"bash\"]".into(),
                size: 0,
                names: vec!["debian:12".into()],
            }],
        ),
        "devctl image pull" | "devctl image push" => shape(
            "one `MovedImages`, after the job has ended.",
            &MovedImages {
                images: vec![MovedImage {
                    image: "debian:12".into(),
                    digest: Some(DIGEST.into()),
                }],
            },
        ),
        "devctl image build" => shape("one `Image`, after the job has ended.", &image()),
        "devctl image remove" => shape(
            "one `RemovedImage`.",
            &RemovedImage {
                names: vec!["debian:12".into()],
                images: vec![DIGEST.into()],
            },
        ),
        "devctl image prune" => shape(
            "one `PrunedImages`.",
            &PrunedImages {
                images: vec![image()],
                bytes: 117_000_000,
            },
        ),
        "devctl image tag" | "devctl volume remove" | "devctl network remove" => {
            shape("one `Done`.", &Done { changed: true })
        }
        "devctl network join" | "devctl network leave" => shape(
            "one `Done`; `changed` is false when it was so already.",
            &Done { changed: true },
        ),
        "devctl volume list" => shape("one array of `Volume`.", &[volume()]),
        "devctl volume show" | "devctl volume create" => shape("one `Volume`.", &volume()),
        "devctl volume browse" => shape("one `VolumeFiles`.", &files()),
        "devctl volume copy" => shape(
            "one `CopiedFiles`, after the job has ended.",
            &CopiedFiles {
                place: "/home/ann/notes.txt".into(),
                bytes: 2048,
            },
        ),
        "devctl volume export" | "devctl volume import" => shape(
            "one `VolumeArchive`, after the job has ended.",
            &VolumeArchive {
                volume: "data".into(),
                file: "/home/ann/data.tar.zst".into(),
                sha256: DIGEST.trim_start_matches("sha256:").into(),
                size: 1_024,
                unpacked: 10_240,
                checked: true,
            },
        ),
        "devctl network list" => shape("one array of `Network`.", &[network()]),
        "devctl network show" | "devctl network create" => shape("one `Network`.", &network()),
        "devctl disk" => shape("one `DiskReport`.", &disk()),
        "devctl clean" => shape(
            "one `Cleaned`.",
            &Cleaned {
                items: vec![CleanItem {
                    kind: CleanKind::Network,
                    name: "devctl-hello".into(),
                    why: "its container is gone".into(),
                    bytes: 0,
                }],
                kept_volumes: vec!["hello-data".into()],
                bytes: 0,
            },
        ),
        _ => return None,
    })
}

const TIME: &str = "2026-01-31T12:00:00Z";
const DIGEST: &str = "sha256:9b2afe015fb5a7e4ab0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162";

fn image() -> Image {
    Image {
        id: DIGEST.into(),
        names: vec!["debian:12".into()],
        digests: Vec::new(),
        created_at: TIME.into(),
        size: 117_000_000,
        used_by: vec!["hello".into()],
        ours: false,
    }
}

fn volume() -> Volume {
    Volume {
        name: "hello-data".into(),
        driver: "local".into(),
        created_at: Some(TIME.into()),
        used_by: vec!["hello".into()],
        ours: true,
        made_for: Some("hello".into()),
        labels: Default::default(),
    }
}

fn files() -> VolumeFiles {
    VolumeFiles {
        path: "/".into(),
        files: vec![VolumeFile {
            name: "notes.txt".into(),
            kind: VolumeFileKind::File,
            size: 12,
            mode: "0644".into(),
            uid: 1000,
            gid: 1000,
            modified_at: TIME.into(),
            target: None,
        }],
    }
}

fn network() -> Network {
    Network {
        id: "1f9f55ab15a9".into(),
        name: "devctl-hello".into(),
        driver: "bridge".into(),
        internal: false,
        subnets: vec!["10.213.0.0/28".into()],
        containers: vec!["hello".into()],
        ours: true,
        made_for: Some("hello".into()),
    }
}

fn disk() -> DiskReport {
    DiskReport {
        images: vec![ImageUse {
            image: image(),
            shared: 0,
            unique: 117_000_000,
        }],
        containers: vec![ContainerUse {
            id: "15dd98a399c0".into(),
            name: "hello".into(),
            image: "debian:12".into(),
            running: true,
            unique: 4_096,
            shared: 117_000_000,
            ours: true,
        }],
        volumes: vec![VolumeUse {
            name: "hello-data".into(),
            size: Some(12),
            used_by: vec!["hello".into()],
            ours: true,
        }],
        build_cache: BuildCacheUse {
            records: 0,
            size: 0,
            reclaimable: 0,
        },
        layers: 117_000_000,
        total: 117_004_108,
    }
}
