//! Finds what listens in the container: `/proc/net/tcp` and `/proc/net/tcp6`, of which listeners are the first rows.
//!
//! A look reads those rows only, however many connections there are, and compares them with the last look; processes are
//! looked for when something has changed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use devctl_agent_protocol::{AgentSaid, Listener, MAX_LISTENERS};
use devctl_mux::Mux;

use super::reverse::OwnPorts;
use super::tell;

/// The pause after a change: what starts one server often starts another.
const SHORTEST: Duration = Duration::from_millis(100);

/// The longest pause: with the look itself, a listener is told of within a second.
const LONGEST: Duration = Duration::from_millis(800);

/// A look should cost less than this part of the time.
const SHARE: u32 = 200;

/// What listens in one row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Row {
    port: u16,
    address: IpAddr,
    inode: u64,
}

/// Looks until it is stopped, and tells of every change.
pub(super) async fn watch(mux: Mux, own_ports: OwnPorts) {
    let mut pause = SHORTEST;
    let mut seen: Option<Vec<Row>> = None;
    loop {
        let began = Instant::now();
        let mut rows = listening();
        {
            let own = own_ports.lock().unwrap_or_else(PoisonError::into_inner);
            rows.retain(|row| !own.contains(&row.port));
        }
        if seen.as_ref() != Some(&rows) {
            tell(
                &mux,
                &AgentSaid::Listeners {
                    listeners: described(&rows),
                },
            );
            seen = Some(rows);
            pause = SHORTEST;
        } else {
            pause = (pause * 2).min(LONGEST);
        }
        let cheap = began.elapsed().saturating_mul(SHARE).min(LONGEST);
        tokio::time::sleep(pause.max(cheap)).await;
    }
}

fn listening() -> Vec<Row> {
    let mut rows = Vec::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        // A kernel without IPv6 has no table of it.
        if let Ok(text) = File::open(table).and_then(first_rows) {
            rows.extend(text.lines().filter_map(row));
        }
    }
    rows.retain(|row| !is_engines_resolver(row.address));
    rows.sort_unstable();
    rows.dedup_by_key(|row| (row.port, row.address));
    rows.truncate(MAX_LISTENERS);
    rows
}

/// The table up to the first row that is no listener.
fn first_rows(mut table: impl Read) -> io::Result<String> {
    const AT_MOST: usize = 1024 * 1024;
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    let mut looked_at = 0;
    loop {
        let count = table.read(&mut piece)?;
        text.extend_from_slice(piece.get(..count).unwrap_or_default());
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let new = text.get(looked_at..whole).unwrap_or_default();
        let other = new
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty() && !line.trim_ascii_start().starts_with(b"sl"))
            .any(|line| {
                line.split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .nth(3)
                    != Some(b"0A")
            });
        looked_at = whole;
        if count == 0 || other || text.len() > AT_MOST {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

/// A row such as `0: 0100007F:1F90 00000000:0000 0A … UID 0 INODE`, where it is a listener's.
fn row(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace();
    let local = words.nth(1)?;
    if words.nth(1)? != "0A" {
        return None;
    }
    let inode = words.nth(5)?.parse().ok()?;
    let (address, port) = local.split_once(':')?;
    Some(Row {
        port: u16::from_str_radix(port, 16).ok().filter(|port| *port > 0)?,
        address: address_of(address)?,
        inode,
    })
}

/// The kernel writes each four bytes as one number of its own byte order.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |from: usize| {
        let number = u32::from_str_radix(hex.get(from..from + 8)?, 16).ok()?;
        Some(number.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(index * 8)?);
            }
            Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}

/// Docker answers names from within the container's own network.
fn is_engines_resolver(address: IpAddr) -> bool {
    address == IpAddr::from(Ipv4Addr::new(127, 0, 0, 11))
}

fn described(rows: &[Row]) -> Vec<Listener> {
    let processes = processes(rows);
    rows.iter()
        .map(|row| {
            let process = processes.get(&row.inode);
            Listener {
                port: row.port,
                address: row.address.to_string(),
                process: process.map(|(name, _)| name.clone()),
                command: process.map(|(_, command)| command.clone()),
            }
        })
        .collect()
}

/// Name and command line of whoever has a listening socket open, as far as our user may see.
fn processes(rows: &[Row]) -> HashMap<u64, (String, String)> {
    let mut found = HashMap::new();
    let Ok(entries) = fs::read_dir("/proc") else {
        return found;
    };
    for entry in entries.flatten() {
        if found.len() == rows.len() {
            break;
        }
        let is_process = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        // Processes of others are closed to us.
        let Some(open) = is_process
            .then(|| fs::read_dir(entry.path().join("fd")).ok())
            .flatten()
        else {
            continue;
        };
        for descriptor in open.flatten() {
            let Ok(link) = fs::read_link(descriptor.path()) else {
                continue;
            };
            let inode = link
                .to_str()
                .and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode
                && rows.iter().any(|row| row.inode == inode)
            {
                let text = |name: &str| {
                    let mut text = Vec::new();
                    if let Ok(file) = File::open(entry.path().join(name)) {
                        // It may have ended meanwhile.
                        let _ = file.take(1024).read_to_end(&mut text);
                    }
                    for byte in &mut text {
                        if *byte == 0 {
                            *byte = b' ';
                        }
                    }
                    String::from_utf8_lossy(&text).trim().to_owned()
                };
                found
                    .entry(inode)
                    .or_insert_with(|| (text("comm"), text("cmdline")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn line(number: usize, local: &str, state: &str, inode: u64) -> String {
        format!(
            "{number:4}: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 x 100\n"
        )
    }

    #[test]
    fn listeners_are_read_and_nothing_else() {
        let text = [
            HEAD.to_owned(),
            line(0, "0100007F:1F90", "0A", 11),
            line(1, "00000000:0050", "0A", 12),
            line(2, "0B00007F:A0A0", "0A", 13),
            line(3, "0100007F:1F91", "01", 14),
        ]
        .concat();
        let rows: Vec<_> = text.lines().filter_map(row).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].port, rows[0].inode), (8080, 11));
        if cfg!(target_endian = "little") {
            assert_eq!(rows[0].address.to_string(), "127.0.0.1");
            assert!(is_engines_resolver(rows[2].address));
            let six = address_of("00000000000000000000000001000000").unwrap();
            assert_eq!(six.to_string(), "::1");
            let mapped = address_of("0000000000000000FFFF00000100007F").unwrap();
            assert_eq!(mapped.to_string(), "127.0.0.1");
        }
        for garbage in ["", "x", "0: zz:1 a 0A", "0: 0100007F:1F90"] {
            assert_eq!(row(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn a_table_is_read_no_further_than_its_listeners() {
        let mut text = HEAD.to_owned() + &line(0, "0100007F:1F90", "0A", 1);
        for number in 1..5_000 {
            text += &line(number, "0100007F:1F90", "01", 2);
        }
        let read = first_rows(text.as_bytes()).unwrap();
        assert!(read.len() <= 4096 && read.lines().filter_map(row).count() == 1);
        let listeners: String = (0..500)
            .map(|number| line(number, "0100007F:1F90", "0A", 1))
            .collect();
        assert_eq!(first_rows(listeners.as_bytes()).unwrap(), listeners);
    }

    #[test]
    fn what_listens_here_is_found_with_its_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let rows = listening();
        let found = described(&rows);
        let ours = found.iter().find(|found| found.port == port).unwrap();
        assert_eq!(ours.address, "127.0.0.1");
        assert!(
            ours.command.as_ref().unwrap().contains("devctl_agent"),
            "{ours:?}"
        );
        drop(listener);
        assert!(!listening().iter().any(|row| row.port == port));
    }
}
