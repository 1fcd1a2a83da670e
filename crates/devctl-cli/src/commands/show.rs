//! `devctl show`.

use super::list::{state_style, state_word};
use crate::args::ContainerArg;
use crate::failure::Failure;
use crate::output::text::{ago, bytes, plain};
use crate::output::{DIM, LINK, Palette, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ContainerDetail, ContainerRef, ContainerState, PortInfo};
use time::OffsetDateTime;

pub(crate) async fn run(printer: &Printer, args: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: args.container,
    };
    let detail = session.core.show_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&detail)?;
    } else {
        printer.say(&render(
            &detail,
            OffsetDateTime::now_utc(),
            printer.stdout.palette,
        ))?;
    }
    Ok(0)
}

fn render(detail: &ContainerDetail, now: OffsetDateTime, palette: Palette) -> String {
    let container = &detail.container;
    let mut lines = vec![format!(
        "{}  {}",
        palette.paint(STRONG, &plain(&container.name)),
        palette.paint(state_style(container.state), state_word(container.state))
    )];
    let mut add = |label: &str, value: String| {
        let label = palette.paint(DIM, &format!("{label:<12}"));
        lines.push(format!("  {label} {value}"));
    };
    if container.title != container.name {
        add("title", plain(&container.title));
    }
    add(
        "ssh",
        palette.paint(LINK, &format!("ssh {}", plain(&container.ssh_host))),
    );
    if let Some(folder) = &container.workspace {
        let gone = if container.workspace_exists { "" } else { " (gone)" };
        add(
            "workspace",
            format!("{}{}", plain(folder), palette.paint(WARN, gone)),
        );
    }
    if let Some(file) = &detail.config_file {
        let changed = if detail.config_changed == Some(true) {
            " (changed since the container was made)"
        } else {
            ""
        };
        add(
            "config",
            format!("{}{}", plain(file), palette.paint(WARN, changed)),
        );
    }
    add("user", plain(&detail.remote_user));
    add("folder", plain(&detail.remote_workspace_folder));
    add("image", plain(&container.image));
    add("host", plain(&container.host));
    add("id", plain(container.id.as_str()));
    for (label, moment) in [
        ("created", &container.created_at),
        ("started", &container.started_at),
        ("ended", &container.finished_at),
    ] {
        if let Some(moment) = moment {
            add(label, ago(moment, now));
        }
    }
    if let Some(code) = container.exit_code {
        let memory = if detail.out_of_memory {
            " (out of memory)"
        } else {
            ""
        };
        add("exit code", format!("{code}{memory}"));
    }
    if let Some(end) = &container.ended {
        add("why", palette.paint(WARN, &plain(&end.reason)));
        for line in &end.last_lines {
            add("last words", plain(line));
        }
    }
    if container.state == ContainerState::Gone {
        let name = plain(&container.name);
        add("why", palette.paint(WARN, "it was removed, and not by devctl"));
        add("again", palette.paint(LINK, &format!("devctl recreate {name}")));
        add("or", palette.paint(LINK, &format!("devctl forget {name}")));
    }
    if container.adopted {
        add("made by", "somebody else; it was adopted".to_owned());
    }
    add("profile", plain(&detail.profile));
    if let Some(limit) = detail.memory_limit {
        add("memory", bytes(limit));
    }
    if let Some(limit) = detail.cpu_limit {
        add("processors", limit.to_string());
    }
    for port in &container.ports {
        add("port", port_text(port));
    }
    for mount in &detail.mounts {
        let read_only = if mount.read_only { " (read only)" } else { "" };
        // What lies in memory comes from nowhere.
        let source = if mount.source.is_empty() {
            String::new()
        } else {
            format!(" {}", mount.source)
        };
        let mount = format!("{}{source} → {}", mount.kind, mount.target);
        add("mount", format!("{}{read_only}", plain(&mount)));
    }
    for network in &detail.networks {
        add("network", plain(network));
    }
    for (key, value) in &detail.environment {
        add("environment", plain(&format!("{key}={value}")));
    }
    lines.join("\n")
}

fn port_text(port: &PortInfo) -> String {
    let inside = format!("{}/{}", port.container_port, plain(&port.protocol));
    match (&port.host_ip, port.host_port) {
        (Some(ip), Some(outside)) => format!("{}:{outside} → {inside}", plain(ip)),
        (None, Some(outside)) => format!("{outside} → {inside}"),
        (_, None) => inside,
    }
}
