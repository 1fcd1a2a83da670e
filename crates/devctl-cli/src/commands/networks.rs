//! `devctl network`.

use crate::args::storage::{MembershipArgs, NetworkCommand};
use crate::commands::images::listed;
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, plain};
use crate::output::{Printer, STRONG};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{CreateNetwork, Done, ListNetworks, Network, NetworkMembership, NetworkRef};

const HEADS: [Column; 5] = [
    Column::giving("NAME", Cut::End),
    Column::full("DRIVER"),
    Column::full("SUBNETS"),
    Column::full("MADE FOR"),
    Column::giving("CONTAINERS", Cut::End),
];

pub(crate) async fn run(printer: &Printer, command: NetworkCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let (core, caller) = (&session.core, &session.caller);
    match command {
        NetworkCommand::List(place) => {
            let list = core
                .list_networks(caller, ListNetworks { host: place.host })
                .await?
                .networks;
            if printer.json {
                printer.document(&list)?;
            } else {
                let rows: Vec<Vec<Cell>> = list.iter().map(row).collect();
                printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
            }
        }
        NetworkCommand::Show(network) => {
            let asked = NetworkRef {
                network: network.network,
                host: network.place.host,
            };
            show(printer, &core.show_network(caller, asked).await?)?;
        }
        NetworkCommand::Create {
            name,
            subnet,
            internal,
            place,
        } => {
            let request = CreateNetwork {
                name,
                subnet,
                internal,
                host: place.host,
            };
            let made = core.create_network(caller, request).await?;
            if printer.json {
                printer.document(&made)?;
            } else {
                printer.say(&format!(
                    "{} is made, with {}",
                    plain(&made.name),
                    made.subnets.join(", ")
                ))?;
            }
        }
        NetworkCommand::Remove(network) => {
            let said = format!("{} is removed", plain(&network.network));
            let asked = NetworkRef {
                network: network.network,
                host: network.place.host,
            };
            let done = core.remove_network(caller, asked).await?;
            answer(printer, done, &said, "")?;
        }
        NetworkCommand::Join(args) => {
            let (network, container) = (plain(&args.network), plain(&args.target.container));
            let done = core.join_network(caller, membership(args)).await?;
            let said = format!("{container} is in {network}; the others there reach it by its name");
            answer(
                printer,
                done,
                &said,
                &format!("{container} was in {network} already"),
            )?;
        }
        NetworkCommand::Leave(args) => {
            let (network, container) = (plain(&args.network), plain(&args.target.container));
            let done = core.leave_network(caller, membership(args)).await?;
            let said = format!("{container} is not in {network} any more");
            answer(printer, done, &said, &format!("{container} was not in {network}"))?;
        }
    }
    Ok(0)
}

fn membership(args: MembershipArgs) -> NetworkMembership {
    NetworkMembership {
        network: args.network,
        container: args.target.container,
    }
}

fn answer(printer: &Printer, done: Done, said: &str, nothing: &str) -> Result<(), Failure> {
    if printer.json {
        printer.document(&done)?;
    } else {
        printer.say(if done.changed { said } else { nothing })?;
    }
    Ok(())
}

fn row(network: &Network) -> Vec<Cell> {
    vec![
        Cell::painted(plain(&network.name), STRONG),
        plain(&network.driver).into(),
        network.subnets.join(", ").into(),
        plain(network.made_for.as_deref().unwrap_or_default()).into(),
        plain(&network.containers.join(", ")).into(),
    ]
}

fn show(printer: &Printer, network: &Network) -> Result<(), Failure> {
    if printer.json {
        printer.document(network)?;
        return Ok(());
    }
    let reach = if network.internal { "no way out" } else { "" };
    let facts = [
        ("name", network.name.clone()),
        ("id", network.id.clone()),
        ("driver", network.driver.clone()),
        ("subnets", network.subnets.join(", ")),
        ("reach", reach.to_owned()),
        ("made for", network.made_for.clone().unwrap_or_default()),
        ("containers", network.containers.join(", ")),
    ];
    printer.say(&listed(&facts))?;
    Ok(())
}
