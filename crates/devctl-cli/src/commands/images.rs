//! `devctl image`.

use crate::args::storage::{BuildArgs, ImageCommand};
use crate::ask;
use crate::commands::remove::{declined, unasked};
use crate::failure::Failure;
use crate::job::follow;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, bytes, counted, moment, plain};
use crate::output::{DIM, Printer, STRONG};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{
    BuildImage, Image, ImageDetail, ImageRef, ImageStep, JobRef, ListImages, PruneImages, PullImages,
    PushImages, RemoveImage, TagImage,
};

const HEADS: [Column; 5] = [
    Column::giving("NAME", Cut::Start),
    Column::full("ID"),
    Column::full("CREATED"),
    Column::full("SIZE"),
    Column::giving("USED BY", Cut::End),
];

const STEP_HEADS: [Column; 3] = [
    Column::full("CREATED"),
    Column::full("SIZE"),
    Column::giving("INSTRUCTION", Cut::End),
];

pub(crate) async fn run(printer: &Printer, command: ImageCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let (core, caller) = (&session.core, &session.caller);
    match command {
        ImageCommand::List(place) => {
            let list = core
                .list_images(caller, ListImages { host: place.host })
                .await?
                .images;
            if printer.json {
                printer.document(&list)?;
            } else if list.is_empty() {
                printer.note("there are no images")?;
            } else {
                table(printer, &list)?;
            }
        }
        ImageCommand::Show(image) => {
            let asked = ImageRef {
                image: image.image,
                host: image.place.host,
            };
            let detail = core.show_image(caller, asked).await?;
            if printer.json {
                printer.document(&detail)?;
            } else {
                printer.say(&facts(&detail))?;
            }
        }
        ImageCommand::History(image) => {
            let asked = ImageRef {
                image: image.image,
                host: image.place.host,
            };
            let steps = core.show_image_history(caller, asked).await?.steps;
            if printer.json {
                printer.document(&steps)?;
            } else {
                let rows: Vec<Vec<Cell>> = steps.iter().map(step).collect();
                printer.say(&render(
                    &STEP_HEADS,
                    &rows,
                    printer.columns(),
                    printer.stdout.palette,
                ))?;
            }
        }
        ImageCommand::Pull {
            images,
            platform,
            place,
        } => {
            let request = PullImages {
                images,
                platform,
                host: place.host,
            };
            let job = core.pull_images(caller, request).await?;
            return finished(&session, &job, "is here").await;
        }
        ImageCommand::Push { images, place } => {
            let job = core
                .push_images(
                    caller,
                    PushImages {
                        images,
                        host: place.host,
                    },
                )
                .await?;
            return finished(&session, &job, "is in its registry").await;
        }
        ImageCommand::Build(args) => {
            let job = core.build_image(caller, build(args)).await?;
            return finished(&session, &job, "is built").await;
        }
        ImageCommand::Tag { image, name, place } => {
            let said = format!("{} is {}, too", plain(&image), plain(&name));
            let done = core
                .tag_image(
                    caller,
                    TagImage {
                        image,
                        name,
                        host: place.host,
                    },
                )
                .await?;
            if printer.json {
                printer.document(&done)?;
            } else {
                printer.say(&said)?;
            }
        }
        ImageCommand::Remove { image, force, place } => {
            let request = RemoveImage {
                image,
                force,
                host: place.host,
            };
            let removed = core.remove_image(caller, request).await?;
            if printer.json {
                printer.document(&removed)?;
            } else {
                for name in removed.names.iter().chain(&removed.images) {
                    printer.say(&format!("{} is removed", plain(name)))?;
                }
            }
        }
        ImageCommand::Prune { dry_run, yes, place } => {
            return prune(&session, dry_run, yes, place.host).await;
        }
    }
    Ok(0)
}

fn build(args: BuildArgs) -> BuildImage {
    BuildImage {
        context: args.path,
        dockerfile: args.file,
        names: args.tags,
        args: args.args.into_iter().collect(),
        target: args.target,
        platform: args.platform,
        no_cache: args.no_cache,
        pull: args.pull,
        host: args.place.host,
    }
}

/// Follows a job to its end and says so.
pub(super) async fn finished(session: &Session, job: &JobRef, what: &str) -> Result<u8, Failure> {
    let job = follow(session, job).await?;
    crate::commands::lifecycle::ended(&session.printer, &job, what)
}

async fn prune(session: &Session, dry_run: bool, yes: bool, host: Option<String>) -> Result<u8, Failure> {
    let printer = &session.printer;
    let request = |dry_run| PruneImages {
        dry_run,
        host: host.clone(),
    };
    if dry_run || !yes {
        let plan = session.core.prune_images(&session.caller, request(true)).await?;
        if dry_run && printer.json {
            printer.document(&plan)?;
            return Ok(0);
        }
        if plan.images.is_empty() {
            printer.note("there is no image that devctl built and nobody uses")?;
            if printer.json {
                printer.document(&plan)?;
            }
            return Ok(0);
        }
        if dry_run {
            table(printer, &plan.images)?;
            return Ok(0);
        }
        let count = counted(plan.images.len() as u64, "image");
        for image in &plan.images {
            printer.note(&format!("  {}", plain(image.names.first().unwrap_or(&image.id))))?;
        }
        if !printer.can_ask() {
            return Err(unasked(&count, "removed", "devctl image prune --yes".to_owned()).into());
        }
        if !ask::confirm(printer, &format!("Remove {count}?")).await? {
            return Err(declined(&count, "removed").into());
        }
    }
    let gone = session.core.prune_images(&session.caller, request(false)).await?;
    if printer.json {
        printer.document(&gone)?;
    } else {
        let count = counted(gone.images.len() as u64, "image");
        printer.say(&format!("{count} removed, {} at most", bytes(gone.bytes)))?;
    }
    Ok(0)
}

fn table(printer: &Printer, images: &[Image]) -> Result<(), Failure> {
    let rows: Vec<Vec<Cell>> = images.iter().flat_map(rows).collect();
    printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    Ok(())
}

/// One row for each name.
fn rows(image: &Image) -> Vec<Vec<Cell>> {
    let row = |name: Cell| {
        vec![
            name,
            short(&image.id).to_owned().into(),
            moment(&image.created_at).into(),
            bytes(image.size).into(),
            plain(&image.used_by.join(", ")).into(),
        ]
    };
    if image.names.is_empty() {
        return vec![row(Cell::painted("–", DIM))];
    }
    let names = image.names.iter();
    names
        .map(|name| row(Cell::painted(plain(name), STRONG)))
        .collect()
}

/// Twelve digits, as the docker client shows them.
fn short(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..12).unwrap_or(digits)
}

fn step(step: &ImageStep) -> Vec<Cell> {
    vec![
        moment(&step.created_at).into(),
        bytes(step.size).into(),
        plain(&step.instruction).into(),
    ]
}

fn facts(detail: &ImageDetail) -> String {
    let image = &detail.image;
    let command: Vec<&str> = detail
        .entrypoint
        .iter()
        .chain(&detail.command)
        .map(String::as_str)
        .collect();
    let facts = [
        ("names", image.names.join(", ")),
        ("id", image.id.clone()),
        ("digests", image.digests.join(", ")),
        ("created", moment(&image.created_at)),
        ("size", bytes(image.size)),
        ("platform", detail.platform.clone()),
        ("user", detail.user.clone()),
        ("command", command.join(" ")),
        ("variables", detail.variables.join(", ")),
        ("ports", detail.ports.join(", ")),
        ("volumes", detail.volumes.join(", ")),
        ("used by", image.used_by.join(", ")),
    ];
    listed(&facts)
}

/// Facts that there are, one on each line.
pub(super) fn listed(facts: &[(&str, String)]) -> String {
    let lines = facts.iter().filter(|(_, value)| !value.is_empty());
    let lines: Vec<String> = lines
        .map(|(name, value)| format!("{name:<12}{}", plain(value)))
        .collect();
    lines.join("\n")
}
