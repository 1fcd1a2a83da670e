//! What a configuration says of ports: which are forwarded, and what is known of each.
//!
//! A key of `portsAttributes` is a port, `host:port`, a range, or a regular expression that is held against the command
//! line of whoever listens. Of several that fit, the first that says something counts, attribute by attribute; where none
//! fits, `otherPortsAttributes`.

use crate::merge::MergedConfig;
use crate::plan::Notice;
use crate::ports::ForwardPort;
use crate::read::ReadConfig;
use indexmap::IndexMap;
use regex_lite::Regex;
use serde_json::Value;

/// More ports than this in one range are a slip of the pen.
const LONGEST_RANGE: u16 = 256;

/// A port that is always forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPort {
    /// A host that the container reaches; `None` is the container itself.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
}

/// What happens when something begins to listen on a port (`onAutoForward`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAutoForward {
    /// It is forwarded, and the person is told.
    #[default]
    Notify,
    /// It is forwarded and opened in a browser.
    OpenBrowser,
    /// The same, the first time only.
    OpenBrowserOnce,
    /// It is forwarded and opened where the person edits; in a browser where that is not here.
    OpenPreview,
    /// It is forwarded, and nobody is told.
    Silent,
    /// It is not forwarded.
    Ignore,
}

/// What speaks on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebProtocol {
    /// Plain.
    Http,
    /// With TLS.
    Https,
}

/// What is known of a port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortAttributes {
    /// For people.
    pub label: Option<String>,
    /// What speaks there.
    pub protocol: Option<WebProtocol>,
    /// What happens when something begins to listen.
    pub on_auto_forward: Option<OnAutoForward>,
    /// No other local port will do.
    pub require_local_port: Option<bool>,
    /// A port that needs more rights is worth asking for them.
    pub elevate_if_needed: Option<bool>,
}

/// Everything that a configuration says of ports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PortRules {
    /// Ports that are always forwarded, each once.
    pub wanted: Vec<WantedPort>,
    rules: Vec<(Key, PortAttributes)>,
    other: PortAttributes,
}

#[derive(Debug, Clone)]
enum Key {
    Ports(u16, u16),
    HostPort(String, u16),
    Command(Regex),
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ports(a, b), Self::Ports(c, d)) => (a, b) == (c, d),
            (Self::HostPort(a, b), Self::HostPort(c, d)) => (a, b) == (c, d),
            (Self::Command(a), Self::Command(b)) => a.as_str() == b.as_str(),
            _ => false,
        }
    }
}

impl PortRules {
    /// Reads what was merged, and over it what the file says now: forwarding needs no new container. What cannot be
    /// understood is left out and named.
    pub(crate) fn read(read: &ReadConfig, merged: &MergedConfig) -> (Self, Vec<Notice>) {
        let mut rules = Self::default();
        let mut notices = Vec::new();
        let now = read.config.properties.forward_ports.iter().flatten();
        for port in merged.forward_ports.iter().chain(now) {
            match wanted(port) {
                Ok(ports) => {
                    for port in ports {
                        if !rules.wanted.contains(&port) {
                            rules.wanted.push(port);
                        }
                    }
                }
                Err(what) => notices.push(notice("forwardPorts", &what)),
            }
        }
        let mut attributes: IndexMap<&String, &Value> = merged.ports_attributes.iter().collect();
        attributes.extend(read.config.properties.ports_attributes.iter().flatten());
        for (key, value) in attributes {
            match key_of(key) {
                Ok(parsed) => {
                    let place = format!("portsAttributes {key:?}");
                    rules
                        .rules
                        .push((parsed, attributes_of(&place, value, &mut notices)));
                }
                Err(what) => notices.push(notice("portsAttributes", &what)),
            }
        }
        let other = read.config.properties.other_ports_attributes.as_ref();
        if let Some(value) = other.or(merged.other_ports_attributes.as_ref()) {
            rules.other = attributes_of("otherPortsAttributes", value, &mut notices);
        }
        if !rules.wanted.is_empty() {
            let ports = rules.wanted.iter().map(|wanted| {
                let label = rules.attributes(wanted.host.as_deref(), wanted.port, None).label;
                let label = label.map_or_else(String::new, |label| format!(" ({label})"));
                match &wanted.host {
                    Some(host) => format!("{host}:{}{label}", wanted.port),
                    None => format!("{}{label}", wanted.port),
                }
            });
            let ports: Vec<String> = ports.collect();
            let text = format!("`devctl ports forward` reaches {}", ports.join(", "));
            notices.push(notice("forwardPorts", &text));
        }
        (rules, notices)
    }

    /// What is known of a port; `command` is the command line of whoever listens there.
    pub fn attributes(&self, host: Option<&str>, port: u16, command: Option<&str>) -> PortAttributes {
        let mut all = PortAttributes::default();
        let mut fits_any = false;
        for (key, said) in &self.rules {
            let fits = match key {
                Key::Ports(first, last) => host.is_none() && (first..=last).contains(&&port),
                Key::HostPort(named, number) => {
                    *number == port && host.unwrap_or("localhost").eq_ignore_ascii_case(named)
                }
                Key::Command(pattern) => {
                    host.is_none() && command.is_some_and(|command| pattern.is_match(command))
                }
            };
            if fits {
                fits_any = true;
                all.label = all.label.or_else(|| said.label.clone());
                all.protocol = all.protocol.or(said.protocol);
                all.on_auto_forward = all.on_auto_forward.or(said.on_auto_forward);
                all.require_local_port = all.require_local_port.or(said.require_local_port);
                all.elevate_if_needed = all.elevate_if_needed.or(said.elevate_if_needed);
            }
        }
        if fits_any { all } else { self.other.clone() }
    }
}

fn notice(property: &str, what: &str) -> Notice {
    Notice {
        property: property.to_owned(),
        text: format!("{property}: {what}"),
    }
}

fn wanted(port: &ForwardPort) -> Result<Vec<WantedPort>, String> {
    let text = match port {
        ForwardPort::Port(0) => return Err("0 is no port".to_owned()),
        ForwardPort::Port(port) => {
            return Ok(vec![WantedPort {
                host: None,
                port: *port,
            }]);
        }
        ForwardPort::HostPort(text) => text,
    };
    if let Some((first, last)) = ports(text) {
        if last - first >= LONGEST_RANGE {
            return Err(format!("{text:?} are more than {LONGEST_RANGE} ports"));
        }
        return Ok((first..=last)
            .map(|port| WantedPort { host: None, port })
            .collect());
    }
    let (host, port) = host_port(text).ok_or_else(|| format!("{text:?} is no port and no host:port"))?;
    let host = Some(host).filter(|host| !is_local(host));
    Ok(vec![WantedPort { host, port }])
}

fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1"
}

/// A port or a range.
fn ports(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    (first <= last).then_some((first, last))
}

fn host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let (port, last) = ports(port)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (port == last && !host.is_empty() && host.chars().all(plain)).then(|| (host.to_owned(), port))
}

fn key_of(key: &str) -> Result<Key, String> {
    if let Some((first, last)) = ports(key) {
        return Ok(Key::Ports(first, last));
    }
    if let Some((host, port)) = host_port(key) {
        return Ok(Key::HostPort(host, port));
    }
    match Regex::new(key) {
        Ok(pattern) => Ok(Key::Command(pattern)),
        Err(error) => Err(format!(
            "{key:?} is no port, no range and no regular expression ({error})"
        )),
    }
}

fn attributes_of(place: &str, value: &Value, notices: &mut Vec<Notice>) -> PortAttributes {
    let mut all = PortAttributes::default();
    let Some(said) = value.as_object() else {
        notices.push(notice(place, "is no object"));
        return all;
    };
    for (name, value) in said {
        let understood = match (name.as_str(), value) {
            ("label", Value::String(label)) => {
                all.label = Some(label.clone());
                true
            }
            ("protocol", Value::String(protocol)) => {
                all.protocol = match protocol.as_str() {
                    "http" => Some(WebProtocol::Http),
                    "https" => Some(WebProtocol::Https),
                    _ => None,
                };
                // The reference's own schema once knew this for "none in particular".
                all.protocol.is_some() || protocol == "tcp"
            }
            ("onAutoForward", Value::String(what)) => {
                all.on_auto_forward = match what.as_str() {
                    "notify" => Some(OnAutoForward::Notify),
                    "openBrowser" => Some(OnAutoForward::OpenBrowser),
                    "openBrowserOnce" => Some(OnAutoForward::OpenBrowserOnce),
                    "openPreview" => Some(OnAutoForward::OpenPreview),
                    "silent" => Some(OnAutoForward::Silent),
                    "ignore" => Some(OnAutoForward::Ignore),
                    _ => None,
                };
                all.on_auto_forward.is_some()
            }
            ("requireLocalPort", Value::Bool(flag)) => {
                all.require_local_port = Some(*flag);
                true
            }
            ("elevateIfNeeded", Value::Bool(flag)) => {
                all.elevate_if_needed = Some(*flag);
                true
            }
            _ => false,
        };
        if !understood {
            notices.push(notice(
                place,
                &format!("{name}: {value} is not understood and has no effect"),
            ));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(attributes: Value, other: Value) -> PortRules {
        let mut notices = Vec::new();
        let rules = attributes.as_object().unwrap().iter();
        let rules = rules
            .map(|(key, value)| (key_of(key).unwrap(), attributes_of("x", value, &mut notices)))
            .collect();
        let rules = PortRules {
            wanted: Vec::new(),
            rules,
            other: attributes_of("other", &other, &mut notices),
        };
        assert!(notices.is_empty(), "{notices:?}");
        rules
    }

    #[test]
    fn the_first_rule_that_fits_and_speaks_counts() {
        let rules = rules(
            json!({
                "3000": {"label": "web", "onAutoForward": "openBrowser"},
                "db:5432": {"label": "database", "onAutoForward": "silent"},
                "40000-55000": {"onAutoForward": "ignore"},
                ".+\\/server.js": {"label": "server", "protocol": "https", "requireLocalPort": true},
                "3000-3001": {"label": "range", "elevateIfNeeded": true},
            }),
            json!({"onAutoForward": "silent"}),
        );
        let web = rules.attributes(None, 3000, Some("node /app/server.js"));
        assert_eq!(
            (web.label.as_deref(), web.on_auto_forward),
            (Some("web"), Some(OnAutoForward::OpenBrowser))
        );
        assert_eq!(
            (web.protocol, web.require_local_port, web.elevate_if_needed),
            (Some(WebProtocol::Https), Some(true), Some(true))
        );
        assert_eq!(rules.attributes(None, 3001, None).label.as_deref(), Some("range"));
        assert_eq!(
            rules.attributes(Some("db"), 5432, None).label.as_deref(),
            Some("database")
        );
        assert_eq!(rules.attributes(None, 5432, None).label, None);
        assert_eq!(
            rules.attributes(None, 55000, None).on_auto_forward,
            Some(OnAutoForward::Ignore)
        );
        assert_eq!(
            rules.attributes(None, 1, None).on_auto_forward,
            Some(OnAutoForward::Silent)
        );
    }

    #[test]
    fn ports_to_forward_come_in_three_forms() {
        let of = |text: &str| wanted(&ForwardPort::HostPort(text.to_owned()));
        assert_eq!(of("3000-3002").unwrap().len(), 3);
        assert_eq!(of("localhost:1").unwrap()[0].host, None);
        assert_eq!(of("db:5432").unwrap()[0].host.as_deref(), Some("db"));
        for bad in [
            "", "x", "db:", ":1", "db:0", "1-70000", "3-1", "1-60000", "a b:1", "+1",
        ] {
            assert!(of(bad).is_err(), "{bad:?}");
        }
        assert!(wanted(&ForwardPort::Port(0)).is_err());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let mut notices = Vec::new();
        let said = json!({"onAutoForward": "explode", "label": 1, "color": "red", "protocol": "gopher"});
        assert_eq!(attributes_of("x", &said, &mut notices), PortAttributes::default());
        assert_eq!(notices.len(), 4, "{notices:?}");
        assert!(key_of("(").is_err());
    }
}
