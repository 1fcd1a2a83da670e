//! Settings: the table of what can be chosen, and reading and writing it.

use crate::core::Core;
use crate::error::OrProblem;
use devctl_model::{ErrorCode, Problem, Setting};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a setting may be.
enum Kind {
    Flag,
    Number {
        from: i64,
        to: i64,
    },
    /// An IPv4 range such as `10.213.0.0/16`.
    Range,
    /// Roles with their containers.
    Roles,
    /// What SSH names end in.
    Suffix,
    /// Hours of the week.
    Week,
}

struct Definition {
    key: &'static str,
    about: &'static str,
    kind: Kind,
    default: fn() -> Value,
}

/// Whether `ssh` starts a stopped container.
pub(crate) const START_ON_CONNECT: &str = "ssh.startOnConnect";
/// What SSH names end in.
pub(crate) const SUFFIX: &str = "ssh.suffix";
/// Which containers accept which roles.
pub(crate) const ROLES: &str = "ssh.roles";
/// Where the networks of containers take their addresses.
pub(crate) const SUBNET_RANGE: &str = "network.range";
/// Processes at most in a container.
pub(crate) const PIDS_LIMIT: &str = "limits.processes";
/// Memory of a container, in MiB; 0 is half of the host, at most 8 GiB.
pub(crate) const MEMORY_LIMIT: &str = "limits.memoryMiB";

/// Minutes of idleness after which a container is stopped; 0 is never.
pub(crate) const IDLE_AFTER: &str = "idle.stopAfterMinutes";
/// Minutes between the announcement of a stop and the stop.
pub(crate) const IDLE_GRACE: &str = "idle.graceMinutes";
/// Hours of the week in which nothing is stopped for idleness.
pub(crate) const AWAKE_HOURS: &str = "idle.awakeHours";
/// How busy the processors are of a container that is not idle, in percent of one; 0 does not look.
pub(crate) const IDLE_CPU: &str = "idle.cpuPercent";

const DEFINITIONS: &[Definition] = &[
    Definition {
        key: IDLE_CPU,
        about: "A container that is due to be stopped for idleness is left alone while its processors are busier, in percent of one processor; 0 does not look",
        kind: Kind::Number { from: 0, to: 100_000 },
        default: || json!(0),
    },
    Definition {
        key: AWAKE_HOURS,
        about: "Hours of the week in which no container is stopped for idleness",
        kind: Kind::Week,
        default: || json!(""),
    },
    Definition {
        key: IDLE_GRACE,
        about: "Minutes between the announcement that an idle container will be stopped, and the stop",
        kind: Kind::Number { from: 1, to: 1440 },
        default: || json!(5),
    },
    Definition {
        key: IDLE_AFTER,
        about: "Minutes without a login, a command, a terminal or a forwarded connection after which a container is stopped; 0 is never",
        kind: Kind::Number { from: 0, to: 527_040 },
        default: || json!(0),
    },
    Definition {
        key: MEMORY_LIMIT,
        about: "Memory that a new container may use, in MiB; 0 is half of the host's, at most 8 GiB",
        kind: Kind::Number {
            from: 0,
            to: 16 * 1024 * 1024,
        },
        default: || json!(0),
    },
    Definition {
        key: PIDS_LIMIT,
        about: "Processes that a new container may have at once",
        kind: Kind::Number {
            from: 64,
            to: 4_194_304,
        },
        default: || json!(4096),
    },
    Definition {
        key: SUBNET_RANGE,
        about: "The IPv4 range from which each container's own network takes 16 addresses",
        kind: Kind::Range,
        default: || json!("10.213.0.0/16"),
    },
    Definition {
        key: ROLES,
        about: "Roles whose certificates containers accept, each with the containers: {\"ci\": [\"hello\"]}; \"*\" is every container",
        kind: Kind::Roles,
        default: || json!({}),
    },
    Definition {
        key: SUFFIX,
        about: "What the SSH names of containers end in: hello.devctl",
        kind: Kind::Suffix,
        default: || json!("devctl"),
    },
    Definition {
        key: START_ON_CONNECT,
        about: "ssh starts a stopped container",
        kind: Kind::Flag,
        default: || json!(true),
    },
];

impl Core {
    /// All settings, by name.
    pub(crate) async fn settings(self: &Arc<Self>) -> Result<Vec<Setting>, Problem> {
        let chosen = self.with_store(devctl_store::Store::settings).await?;
        Ok(DEFINITIONS
            .iter()
            .map(|definition| {
                let value = chosen
                    .iter()
                    .find(|(key, _)| key == definition.key)
                    .map(|(_, value)| value.clone());
                definition.shown(value)
            })
            .collect())
    }

    /// One setting.
    pub(crate) async fn setting(self: &Arc<Self>, key: &str) -> Result<Setting, Problem> {
        let definition = definition(key)?;
        let chosen = self
            .with_store(move |store| store.setting(definition.key))
            .await?;
        Ok(definition.shown(chosen))
    }

    /// Chooses a value; null goes back to the default.
    pub(crate) async fn choose_setting(
        self: &Arc<Self>,
        key: &str,
        value: Value,
    ) -> Result<Setting, Problem> {
        let definition = definition(key)?;
        let value = definition.checked(value)?;
        let chosen = value.clone();
        self.with_store(move |store| match &chosen {
            Some(value) => store.set_setting(definition.key, value),
            None => store.unset_setting(definition.key).map(drop),
        })
        .await?;
        let shown = definition.shown(value);
        if definition.key == ROLES {
            crate::roles::publish(&self.config, &shown.value)?;
        }
        if definition.key == SUFFIX {
            self.rename_hosts(shown.value.as_str().unwrap_or_default())
                .await?;
        }
        // Nobody listening is no failure.
        let _ = self
            .changes
            .send(devctl_model::Change::Setting { key: key.to_owned() });
        Ok(shown)
    }

    /// The value of one of our own settings; the default where the state cannot be read.
    pub(crate) async fn chosen(self: &Arc<Self>, key: &'static str) -> Value {
        match self.setting(key).await {
            Ok(setting) => setting.value,
            Err(problem) => {
                tracing::debug!(%problem, key, "the default is used");
                definition(key)
                    .map(|definition| (definition.default)())
                    .unwrap_or_default()
            }
        }
    }
}

fn definition(key: &str) -> Result<&'static Definition, Problem> {
    DEFINITIONS
        .iter()
        .find(|definition| definition.key == key)
        .ok_or_else(|| {
            Problem::new(ErrorCode::SettingUnknown, format!("there is no setting {key:?}"))
                .fix_command("See what there is", "devctl settings list")
        })
}

impl Definition {
    fn shown(&self, value: Option<Value>) -> Setting {
        let default = (self.default)();
        Setting {
            key: self.key.to_owned(),
            about: self.about.to_owned(),
            value: value.unwrap_or_else(|| default.clone()),
            default,
            allowed: self.allowed(),
        }
    }

    fn allowed(&self) -> String {
        match self.kind {
            Kind::Flag => "true or false".to_owned(),
            Kind::Number { from, to } => format!("a whole number from {from} to {to}"),
            Kind::Suffix => {
                "labels of small letters, digits and hyphens that end no other name: devctl".to_owned()
            }
            Kind::Roles => {
                "an object of roles with lists of containers, such as {\"ci\": [\"hello\"]}".to_owned()
            }
            Kind::Week => {
                "days with hours, such as mon-fri 08:00-18:00, sat 10:00-14:00; or nothing".to_owned()
            }
            Kind::Range => "a private IPv4 range, such as 10.213.0.0/16, of 28 bits or fewer".to_owned(),
        }
    }

    /// The value if it is allowed, read from a text where it came as one; none to go back to the default.
    fn checked(&self, value: Value) -> Result<Option<Value>, Problem> {
        let refused = |value: &Value| {
            Problem::new(
                ErrorCode::SettingInvalid,
                format!("{} cannot be {value}", self.key),
            )
            .fix(format!("It may be {}", self.allowed()))
        };
        if value.is_null() {
            return Ok(None);
        }
        let read = match (&self.kind, &value) {
            (Kind::Flag, Value::String(text)) => text.parse::<bool>().ok().map(Value::Bool),
            (Kind::Flag, Value::Bool(_)) => Some(value.clone()),
            (Kind::Number { .. }, Value::String(text)) => text.parse::<i64>().ok().map(Value::from),
            (Kind::Number { .. }, Value::Number(number)) => number.as_i64().map(Value::from),
            (Kind::Range, Value::String(text)) => parse_range(text).map(|_| value.clone()),
            (Kind::Week, Value::String(text)) => crate::idle::rules::parse_week(text).map(|_| value.clone()),
            (Kind::Suffix, Value::String(text)) => {
                devctl_ssh::Suffix::new(text).or_problem()?;
                Some(value.clone())
            }
            (Kind::Roles, Value::String(text)) => serde_json::from_str(text).ok(),
            (Kind::Roles, Value::Object(_)) => Some(value.clone()),
            _ => None,
        };
        let read = read.ok_or_else(|| refused(&value))?;
        if let Kind::Number { from, to } = self.kind
            && !read.as_i64().is_some_and(|number| (from..=to).contains(&number))
        {
            return Err(refused(&read));
        }
        if matches!(self.kind, Kind::Roles) {
            crate::roles::check(&read)?;
        }
        Ok(Some(read))
    }
}

/// Reads `10.213.0.0/16`.
pub(crate) fn parse_range(text: &str) -> Option<devctl_engine::Ipv4Net> {
    let (address, prefix) = text.split_once('/')?;
    let (address, prefix) = (address.parse().ok()?, prefix.parse::<u8>().ok()?);
    let range = devctl_engine::Ipv4Net::new(address, prefix)?;
    (range.address() == address && prefix <= 28 && is_private(address, prefix)).then_some(range)
}

/// Whether no machine of the internet has an address in the range: RFC 1918, and RFC 6598 for shared address space.
/// Containers would not reach the machines of another range.
fn is_private(address: std::net::Ipv4Addr, prefix: u8) -> bool {
    let blocks = [
        ([10, 0, 0, 0], 8),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
        ([100, 64, 0, 0], 10),
    ];
    blocks.into_iter().any(|(block, length)| {
        let common = u32::from(address) ^ u32::from_be_bytes(block);
        prefix >= length && common >> (32 - length) == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_default_is_allowed() {
        for definition in DEFINITIONS {
            assert!(
                definition.checked((definition.default)()).unwrap().is_some(),
                "{}",
                definition.key
            );
        }
    }

    #[test]
    fn texts_of_the_command_line_are_read_and_nonsense_is_refused() {
        let flag = definition(START_ON_CONNECT).unwrap();
        assert_eq!(flag.checked(json!("false")).unwrap(), Some(json!(false)));
        assert_eq!(flag.checked(Value::Null).unwrap(), None);
        assert_eq!(
            flag.checked(json!("no")).unwrap_err().code,
            ErrorCode::SettingInvalid
        );
        let number = definition(PIDS_LIMIT).unwrap();
        assert!(number.checked(json!(1)).is_err());
        assert!(number.checked(json!(1.5)).is_err());
        assert_eq!(number.checked(json!("512")).unwrap(), Some(json!(512)));
        let range = definition(SUBNET_RANGE).unwrap();
        assert!(range.checked(json!("10.0.0.1/16")).is_err(), "host bits");
        assert!(range.checked(json!("10.0.0.0/30")).is_err(), "too small");
        assert!(range.checked(json!("8.8.8.0/24")).is_err(), "somebody else's");
        assert!(
            range.checked(json!("172.16.0.0/11")).is_err(),
            "more than what is private"
        );
        assert!(range.checked(json!("100.64.0.0/16")).is_ok());
        assert_eq!(
            definition("nonsense").map(|_| ()).unwrap_err().code,
            ErrorCode::SettingUnknown
        );
    }
}
