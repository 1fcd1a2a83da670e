//! Ports: forwarded ones, and those that the engine publishes on the host.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// An entry of `forwardPorts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum ForwardPort {
    /// A port of the container itself.
    Port(u16),
    /// `host:port` of a sibling.
    HostPort(String),
}

/// An entry of `appPort`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AppPort {
    /// The same port on the host, on 127.0.0.1.
    Port(u16),
    /// The notation of `docker run -p`.
    Publish(String),
}

impl ForwardPort {
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Port(port) => (*port).into(),
            Self::HostPort(text) => text.clone().into(),
        }
    }
}

/// Transport protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortMapping {
    /// Address on the host as written; `None` where none was written (docker takes all addresses, we 127.0.0.1
    /// unless the flag says otherwise: planning fills it in).
    pub host_ip: Option<String>,
    /// Port or range (`8000-8010`) on the host; `None` lets the engine choose.
    pub host_port: Option<String>,
    /// Port of the container.
    pub container_port: u16,
    /// Protocol.
    pub protocol: Protocol,
}

impl PortMapping {
    /// Whether only this machine reaches it.
    pub fn is_loopback(&self) -> bool {
        match self.host_ip.as_deref() {
            Some("localhost") => true,
            Some(ip) => ip.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
            None => false,
        }
    }
}

/// Reads `[[ip:]hostPort:]containerPort[/protocol]` with ranges, and the long form with `target=`.
pub fn parse_publish(text: &str) -> Result<Vec<PortMapping>, String> {
    if text.contains('=') {
        return parse_long(text);
    }
    let (ports, protocol) = match text.split_once('/') {
        Some((ports, name)) => (ports, protocol(name)?),
        None => (text, Protocol::Tcp),
    };
    let (address, container) = match ports.rsplit_once(':') {
        Some((address, container)) => (Some(address), container),
        None => (None, ports),
    };
    let (ip, host) = match address {
        None => (None, None),
        Some(address) => match address.rsplit_once(':') {
            // A bare IPv6 address ends in brackets, so its last colon is inside them.
            Some((ip, host)) if !host.ends_with(']') => (Some(ip), Some(host)),
            Some(_) => (Some(address), None),
            None if address.parse::<std::net::Ipv4Addr>().is_ok() => {
                return Err(format!(
                    "{text:?} names an address without a host port; write {address}::{container}"
                ));
            }
            None => (None, Some(address)),
        },
    };
    let ip = match ip {
        None | Some("") => None,
        Some(ip) => {
            let bare = ip
                .strip_prefix('[')
                .and_then(|ip| ip.strip_suffix(']'))
                .unwrap_or(ip);
            bare.parse::<std::net::IpAddr>()
                .map_err(|_| format!("{ip:?} is no address of this host"))?;
            Some(bare.to_owned())
        }
    };
    mappings(
        text,
        ip,
        host.filter(|host| !host.is_empty()),
        container,
        protocol,
    )
}

/// Reads `8000[-8010][/protocol]`; gives it back in the engine's form.
pub fn parse_expose(text: &str) -> Result<String, String> {
    let (ports, name) = text.split_once('/').unwrap_or((text, "tcp"));
    range(ports)?;
    protocol(name)?;
    Ok(format!("{ports}/{}", name.to_ascii_lowercase()))
}

fn parse_long(text: &str) -> Result<Vec<PortMapping>, String> {
    let (mut host, mut target, mut kind) = (None, None, Protocol::Tcp);
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("published", value)) => host = Some(value),
            Some(("target", value)) => target = Some(value),
            Some(("protocol", value)) => kind = protocol(value)?,
            Some(("mode", "host" | "ingress")) => {}
            _ => return Err(format!("{field:?} is not published, target, protocol or mode")),
        }
    }
    let target = target.ok_or_else(|| format!("{text:?} has no target"))?;
    mappings(text, None, host, target, kind)
}

fn mappings(
    text: &str,
    host_ip: Option<String>,
    host: Option<&str>,
    container: &str,
    protocol: Protocol,
) -> Result<Vec<PortMapping>, String> {
    let (first, last) = range(container)?;
    let host = host.map(range).transpose()?;
    if let Some((host_first, host_last)) = host
        && host_last - host_first != last - first
        && first != last
    {
        return Err(format!("{text:?}: the two ranges differ in length"));
    }
    Ok((first..=last)
        .map(|container_port| PortMapping {
            host_ip: host_ip.clone(),
            host_port: host.map(|(host_first, host_last)| {
                if first == last && host_first != host_last {
                    format!("{host_first}-{host_last}")
                } else {
                    (host_first + (container_port - first)).to_string()
                }
            }),
            container_port,
            protocol,
        })
        .collect())
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| {
        text.parse::<u16>()
            .ok()
            .filter(|_| !text.starts_with('+'))
            .ok_or_else(|| format!("{text:?} is no port"))
    };
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(format!("{text:?}: the range runs backwards"));
    }
    Ok((first, last))
}

fn protocol(name: &str) -> Result<Protocol, String> {
    match name.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Ok(Protocol::Sctp),
        _ => Err(format!("{name:?} is not tcp, udp or sctp")),
    }
}

impl<'de> Deserialize<'de> for ForwardPort {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match Value::deserialize(source)? {
            Value::Number(number) => port_number(&number).map(Self::Port).map_err(D::Error::custom),
            Value::String(text) => Ok(Self::HostPort(text)),
            _ => Err(D::Error::custom("a port is a number or \"host:port\"")),
        }
    }
}

impl<'de> Deserialize<'de> for AppPort {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match Value::deserialize(source)? {
            Value::Number(number) => port_number(&number).map(Self::Port).map_err(D::Error::custom),
            Value::String(text) => {
                parse_publish(&text).map_err(D::Error::custom)?;
                Ok(Self::Publish(text))
            }
            _ => Err(D::Error::custom(
                "a port is a number or a string as of docker run -p",
            )),
        }
    }
}

fn port_number(number: &serde_json::Number) -> Result<u16, String> {
    number
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())
        .ok_or_else(|| format!("{number} is no port (0 to 65535)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> PortMapping {
        let mut all = parse_publish(text).unwrap();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    #[test]
    fn the_forms_of_publish() {
        let port = one("80");
        assert_eq!(
            (port.host_ip, port.host_port, port.container_port),
            (None, None, 80)
        );
        let port = one("127.0.0.1:8080:80/udp");
        assert_eq!(
            (port.host_ip.as_deref(), port.host_port.as_deref()),
            (Some("127.0.0.1"), Some("8080"))
        );
        assert_eq!(port.protocol, Protocol::Udp);
        let port = one("[::1]:8080:80");
        assert_eq!(
            (port.host_ip.as_deref(), port.host_port.as_deref()),
            (Some("::1"), Some("8080"))
        );
        assert!(one("[::1]:8080:80").is_loopback() && !one("8080:80").is_loopback());
        assert_eq!(one("127.0.0.1::80").host_port, None);
        assert_eq!(one("8000-8010:80").host_port.as_deref(), Some("8000-8010"));
        assert_eq!(one("published=1,target=2,mode=host").container_port, 2);
        let range = parse_publish("8000-8002:80-82").unwrap();
        assert_eq!(
            range
                .iter()
                .map(|port| port.host_port.as_deref())
                .collect::<Vec<_>>(),
            [Some("8000"), Some("8001"), Some("8002")]
        );
    }

    #[test]
    fn wrong_ports_are_refused() {
        for text in [
            "",
            "x",
            "80:",
            "70000",
            "1-2:1-5",
            "5-1",
            "127.0.0.1:80",
            "1.2.3.4.5:1:2",
            "80/icmp",
            "a=b",
            "+1",
        ] {
            assert!(parse_publish(text).is_err(), "{text}");
        }
        assert_eq!(parse_expose("1-3/UDP").unwrap(), "1-3/udp");
        assert!(parse_expose("x").is_err());
    }
}
