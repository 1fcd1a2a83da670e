//! `devctl disk` and `devctl clean`.

use crate::args::storage::{CleanArgs, HostArg};
use crate::ask;
use crate::commands::remove::{declined, unasked};
use crate::failure::Failure;
use crate::output::shell::command_line;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, bytes, plain};
use crate::output::{DIM, Printer, STRONG};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{Clean, CleanKind, Cleaned, DiskReport, ReadDisk};

const HEADS: [Column; 5] = [
    Column::full("WHAT"),
    Column::giving("NAME", Cut::Start),
    Column::full("OWN"),
    Column::full("SHARED"),
    Column::giving("USED BY", Cut::End),
];

const CLEAN_HEADS: [Column; 4] = [
    Column::full("WHAT"),
    Column::giving("NAME", Cut::Start),
    Column::full("FREES"),
    Column::giving("WHY", Cut::End),
];

pub(crate) async fn show(printer: &Printer, place: HostArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let report = session
        .core
        .read_disk(&session.caller, ReadDisk { host: place.host })
        .await?;
    if printer.json {
        printer.document(&report)?;
        return Ok(0);
    }
    printer.say(&render(
        &HEADS,
        &rows(&report),
        printer.columns(),
        printer.stdout.palette,
    ))?;
    printer.say(&format!(
        "{} in all: {} of image layers, {} of build cache ({} of it free to go)",
        bytes(report.total),
        bytes(report.layers),
        bytes(report.build_cache.size),
        bytes(report.build_cache.reclaimable),
    ))?;
    Ok(0)
}

fn rows(report: &DiskReport) -> Vec<Vec<Cell>> {
    let images = report.images.iter().map(|image| {
        let name = image.image.names.first().unwrap_or(&image.image.id);
        vec![
            "image".into(),
            Cell::painted(plain(name), STRONG),
            bytes(image.unique).into(),
            bytes(image.shared).into(),
            plain(&image.image.used_by.join(", ")).into(),
        ]
    });
    let containers = report.containers.iter().map(|container| {
        vec![
            "container".into(),
            Cell::painted(plain(&container.name), STRONG),
            bytes(container.unique).into(),
            bytes(container.shared).into(),
            if container.running { "running" } else { "" }.into(),
        ]
    });
    let volumes = report.volumes.iter().map(|volume| {
        vec![
            "volume".into(),
            Cell::painted(plain(&volume.name), STRONG),
            volume
                .size
                .map_or_else(|| Cell::painted("?", DIM), |size| bytes(size).into()),
            "".into(),
            plain(&volume.used_by.join(", ")).into(),
        ]
    });
    images.chain(containers).chain(volumes).collect()
}

pub(crate) async fn clean(printer: &Printer, args: CleanArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let (core, caller) = (&session.core, &session.caller);
    let again = again(&args);
    let request = |dry_run| Clean {
        dry_run,
        images: args.images.clone(),
        networks: args.networks.clone(),
        volumes: args.volumes.clone(),
        really: args.really.clone(),
        build_cache: args.build_cache,
        named_only: args.named_only,
        host: args.place.host.clone(),
    };
    if args.dry_run || !args.yes {
        let plan = core.clean(caller, request(true)).await?;
        if args.dry_run && printer.json {
            printer.document(&plan)?;
            return Ok(0);
        }
        if args.dry_run {
            printer.say(&table(&plan, printer))?;
            return Ok(0);
        }
        printer.note(&table(&plan, printer))?;
        if plan.items.is_empty() {
            if printer.json {
                printer.document(&plan)?;
            }
            return Ok(0);
        }
        if !printer.can_ask() {
            return Err(unasked("this", "removed", again).into());
        }
        if !ask::confirm(printer, "Remove all of this?").await? {
            return Err(declined("this", "removed").into());
        }
    }
    let cleaned = core.clean(caller, request(false)).await?;
    if printer.json {
        printer.document(&cleaned)?;
    } else {
        printer.say(&format!(
            "{} removed, {} freed",
            cleaned.items.len(),
            bytes(cleaned.bytes)
        ))?;
    }
    Ok(0)
}

/// The same command, without a question.
fn again(args: &CleanArgs) -> String {
    let mut words = vec!["devctl", "clean", "--yes"];
    let lists = [
        ("--image", &args.images),
        ("--network", &args.networks),
        ("--volume", &args.volumes),
        ("--really", &args.really),
    ];
    for (option, names) in lists {
        for name in names {
            words.extend([option, name]);
        }
    }
    if args.build_cache {
        words.push("--build-cache");
    }
    if args.named_only {
        words.push("--named-only");
    }
    if let Some(host) = &args.place.host {
        words.extend(["--host", host]);
    }
    command_line(words)
}

fn table(plan: &Cleaned, printer: &Printer) -> String {
    let kind = |kind: CleanKind| match kind {
        CleanKind::Image => "image",
        CleanKind::Network => "network",
        CleanKind::Volume => "volume",
        CleanKind::Helper => "helper",
        CleanKind::BuildCache => "cache",
    };
    let rows: Vec<Vec<Cell>> = plan
        .items
        .iter()
        .map(|item| {
            vec![
                kind(item.kind).into(),
                Cell::painted(plain(&item.name), STRONG),
                bytes(item.bytes).into(),
                plain(&item.why).into(),
            ]
        })
        .collect();
    let mut text = if rows.is_empty() {
        "there is nothing that devctl made and nobody uses".to_owned()
    } else {
        let table = render(&CLEAN_HEADS, &rows, printer.columns(), printer.stdout.palette);
        format!("{table}\n{} in all", bytes(plan.bytes))
    };
    for volume in &plan.kept_volumes {
        let volume = plain(volume);
        text.push_str(&format!(
            "\nvolume {volume} stays, though its container is gone: --volume {volume} --really {volume} removes it"
        ));
    }
    text
}
