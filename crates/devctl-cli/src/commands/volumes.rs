//! `devctl volume`.

use crate::args::storage::VolumeCommand;
use crate::commands::images::{finished, listed};
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, bytes, moment, plain};
use crate::output::{LINK, Printer, STRONG};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{
    BrowseVolume, CopyDirection, CopyVolume, CreateVolume, ExportVolume, ImportVolume, ListVolumes,
    RemoveVolume, Volume, VolumeFile, VolumeFileKind, VolumeRef,
};

const HEADS: [Column; 4] = [
    Column::giving("NAME", Cut::End),
    Column::full("DRIVER"),
    Column::full("MADE FOR"),
    Column::giving("USED BY", Cut::End),
];

const FILE_HEADS: [Column; 5] = [
    Column::full("MODE"),
    Column::full("OWNER"),
    Column::full("SIZE"),
    Column::full("CHANGED"),
    Column::full("NAME"),
];

pub(crate) async fn run(printer: &Printer, command: VolumeCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let (core, caller) = (&session.core, &session.caller);
    match command {
        VolumeCommand::List(place) => {
            let list = core
                .list_volumes(caller, ListVolumes { host: place.host })
                .await?
                .volumes;
            if printer.json {
                printer.document(&list)?;
            } else if list.is_empty() {
                printer.note("there are no volumes")?;
            } else {
                let rows: Vec<Vec<Cell>> = list.iter().map(row).collect();
                printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
            }
        }
        VolumeCommand::Show(volume) => {
            let asked = VolumeRef {
                volume: volume.volume,
                host: volume.place.host,
            };
            show(printer, &core.show_volume(caller, asked).await?)?;
        }
        VolumeCommand::Create {
            name,
            driver,
            options,
            place,
        } => {
            let request = CreateVolume {
                name,
                driver,
                options: options.into_iter().collect(),
                host: place.host,
            };
            let made = core.create_volume(caller, request).await?;
            if printer.json {
                printer.document(&made)?;
            } else {
                printer.say(&format!("{} is made", plain(&made.name)))?;
            }
        }
        VolumeCommand::Remove {
            volume,
            really,
            place,
        } => {
            let said = format!("{} is removed", plain(&volume));
            let request = RemoveVolume {
                volume,
                really,
                host: place.host,
            };
            let done = core.remove_volume(caller, request).await?;
            if printer.json {
                printer.document(&done)?;
            } else {
                printer.say(&said)?;
            }
        }
        VolumeCommand::Browse { volume, path, place } => {
            let request = BrowseVolume {
                volume,
                path: Some(path),
                host: place.host,
            };
            let found = core.browse_volume(caller, request).await?;
            if printer.json {
                printer.document(&found)?;
            } else if found.files.is_empty() {
                printer.note(&format!("{} is empty", plain(&found.path)))?;
            } else {
                let rows: Vec<Vec<Cell>> = found.files.iter().map(file).collect();
                printer.say(&render(
                    &FILE_HEADS,
                    &rows,
                    printer.columns(),
                    printer.stdout.palette,
                ))?;
            }
        }
        VolumeCommand::Copy { from, to, place } => {
            let mut request = copy(&from, &to)?;
            request.host = place.host;
            let job = core.copy_volume(caller, request).await?;
            return finished(&session, &job, "is copied").await;
        }
        VolumeCommand::Export { volume, file, place } => {
            let what = format!("is in {}", plain(&file));
            let request = ExportVolume {
                volume,
                file,
                host: place.host,
            };
            let job = core.export_volume(caller, request).await?;
            return finished(&session, &job, &what).await;
        }
        VolumeCommand::Import {
            file,
            volume,
            sha256,
            place,
        } => {
            let request = ImportVolume {
                file,
                volume,
                sha256,
                host: place.host,
            };
            let job = core.import_volume(caller, request).await?;
            return finished(&session, &job, "is filled").await;
        }
    }
    Ok(0)
}

/// Which of the two is in a volume.
fn copy(from: &str, to: &str) -> Result<CopyVolume, Failure> {
    // A path with a folder before its colon is a path of this computer, and so is C:\ of Windows.
    let in_volume = |text: &str| {
        let (volume, path) = text.split_once(':')?;
        let is_name = volume.len() > 1 && !volume.contains(['/', '\\']) && !volume.starts_with('.');
        is_name.then(|| (volume.to_owned(), path.to_owned()))
    };
    let ((volume, path), local, direction) = match (in_volume(from), in_volume(to)) {
        (Some(place), None) => (place, to, CopyDirection::Out),
        (None, Some(place)) => (place, from, CopyDirection::In),
        _ => {
            return Err(Failure::usage(
                "one of the two is VOLUME:PATH, and the other is a path of this computer (./a:b where its name has a colon)",
            ));
        }
    };
    Ok(CopyVolume {
        volume,
        path,
        local: local.to_owned(),
        direction,
        host: None,
    })
}

fn row(volume: &Volume) -> Vec<Cell> {
    vec![
        Cell::painted(plain(&volume.name), STRONG),
        plain(&volume.driver).into(),
        plain(volume.made_for.as_deref().unwrap_or_default()).into(),
        plain(&volume.used_by.join(", ")).into(),
    ]
}

fn show(printer: &Printer, volume: &Volume) -> Result<(), Failure> {
    if printer.json {
        printer.document(volume)?;
        return Ok(());
    }
    let labels: Vec<String> = volume
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let facts = [
        ("name", volume.name.clone()),
        ("driver", volume.driver.clone()),
        ("created", volume.created_at.clone().unwrap_or_default()),
        ("made for", volume.made_for.clone().unwrap_or_default()),
        ("used by", volume.used_by.join(", ")),
        ("labels", labels.join(", ")),
    ];
    printer.say(&listed(&facts))?;
    Ok(())
}

fn file(file: &VolumeFile) -> Vec<Cell> {
    let name = match (file.kind, &file.target) {
        (VolumeFileKind::Folder, _) => Cell::painted(format!("{}/", plain(&file.name)), LINK),
        (_, Some(target)) => format!("{} -> {}", plain(&file.name), plain(target)).into(),
        _ => plain(&file.name).into(),
    };
    vec![
        file.mode.clone().into(),
        format!("{}:{}", file.uid, file.gid).into(),
        bytes(file.size).into(),
        moment(&file.modified_at).into(),
        name,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_places_is_in_a_volume() {
        let way = |from, to| copy(from, to).map(|request| (request.volume, request.path, request.direction));
        assert_eq!(
            way("data:/a", ".").unwrap(),
            ("data".to_owned(), "/a".to_owned(), CopyDirection::Out)
        );
        assert_eq!(
            way("./a:b", "data:").unwrap(),
            ("data".to_owned(), String::new(), CopyDirection::In)
        );
        assert_eq!(way(r"C:\a", "data:/x").unwrap().2, CopyDirection::In);
        assert!(way("a", "b").is_err());
        assert!(way("one:/a", "two:/b").is_err());
    }
}
