//! What a configuration requires of the host.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The requirements; sizes are bytes. Zero asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRequirements {
    /// Processors.
    pub cpus: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of storage.
    pub storage: u64,
    /// A graphics card.
    pub gpu: Gpu,
}

/// Whether a graphics card is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Gpu {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// None is needed.
    No,
    /// One is needed.
    Required,
    /// One is used where there is one.
    Optional,
    /// One with at least this much.
    AtLeast {
        /// Cores.
        cores: u64,
        /// Bytes.
        memory: u64,
    },
}

impl Gpu {
    /// Two wishes together, by the merge table of the contract: what says no loses, two options stay an option, and
    /// everything else is the larger of each field.
    pub fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unsaid | Self::No, wish) => wish,
            (wish, Self::Unsaid | Self::No) => wish,
            (Self::Optional, Self::Optional) => Self::Optional,
            (one, two) => {
                let ((cores, memory), (more_cores, more_memory)) = (one.size(), two.size());
                Self::AtLeast {
                    cores: cores.max(more_cores),
                    memory: memory.max(more_memory),
                }
            }
        }
    }

    /// Whether a container gets a graphics card where there is one.
    pub fn is_wanted(&self) -> bool {
        !matches!(self, Self::Unsaid | Self::No)
    }

    fn size(&self) -> (u64, u64) {
        match self {
            Self::AtLeast { cores, memory } => (*cores, *memory),
            _ => (0, 0),
        }
    }

    fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Unsaid => return None,
            Self::No => Value::Bool(false),
            Self::Required => Value::Bool(true),
            Self::Optional => "optional".into(),
            Self::AtLeast { cores, memory } => {
                let mut fields = Map::new();
                if *cores > 0 {
                    fields.insert("cores".into(), (*cores).into());
                }
                if *memory > 0 {
                    fields.insert("memory".into(), memory.to_string().into());
                }
                Value::Object(fields)
            }
        })
    }
}

impl HostRequirements {
    /// The larger of each field.
    pub fn merge(self, other: Self) -> Self {
        Self {
            cpus: self.cpus.max(other.cpus),
            memory: self.memory.max(other.memory),
            storage: self.storage.max(other.storage),
            gpu: self.gpu.merge(other.gpu),
        }
    }

    /// The merged form of the reference: sizes as texts of bytes, absent where nothing is asked for.
    pub fn to_value(&self) -> Option<Value> {
        let gpu = self.gpu.to_value();
        if self.cpus == 0 && self.memory == 0 && self.storage == 0 && !self.gpu.is_wanted() {
            return None;
        }
        let mut fields = Map::new();
        fields.insert("cpus".into(), self.cpus.into());
        for (key, size) in [("memory", self.memory), ("storage", self.storage)] {
            if size > 0 {
                fields.insert(key.into(), size.to_string().into());
            }
        }
        if let Some(gpu) = gpu {
            fields.insert("gpu".into(), gpu);
        }
        Some(Value::Object(fields))
    }
}

impl<'de> Deserialize<'de> for HostRequirements {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            cpus: Option<u64>,
            memory: Option<Value>,
            storage: Option<Value>,
            gpu: Option<Value>,
        }
        let written = Written::deserialize(source)?;
        let size = |name: &str, value: Option<Value>| {
            value.map_or(Ok(0), |value| {
                size_of(&value).map_err(|what| D::Error::custom(format!("{name}: {what}")))
            })
        };
        Ok(Self {
            cpus: written.cpus.unwrap_or(0),
            memory: size("memory", written.memory)?,
            storage: size("storage", written.storage)?,
            gpu: written
                .gpu
                .map_or(Ok(Gpu::Unsaid), |gpu| gpu_of(gpu).map_err(D::Error::custom))?,
        })
    }
}

fn gpu_of(value: Value) -> Result<Gpu, String> {
    match value {
        Value::Null => Ok(Gpu::Unsaid),
        Value::Bool(true) => Ok(Gpu::Required),
        Value::Bool(false) => Ok(Gpu::No),
        Value::String(text) if text == "optional" => Ok(Gpu::Optional),
        Value::Object(fields) => Ok(Gpu::AtLeast {
            cores: match fields.get("cores") {
                None => 0,
                Some(cores) => cores.as_u64().ok_or("gpu.cores must be a whole number")?,
            },
            memory: fields.get("memory").map_or(Ok(0), size_of)?,
        }),
        _ => Err("gpu is true, false, \"optional\" or an object with cores and memory".into()),
    }
}

/// Bytes from `8gb`: whole numbers with tb, gb, mb or kb (powers of 1024), or nothing for bytes.
fn size_of(value: &Value) -> Result<u64, String> {
    let wrong = || format!("{value} is not a size such as \"8gb\"");
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => return number.as_u64().ok_or_else(wrong),
        _ => return Err(wrong()),
    };
    let (digits, shift) = match text.strip_suffix('b') {
        None => (text, 0),
        Some(rest) => match rest.chars().last() {
            Some('t') => (&rest[..rest.len() - 1], 40),
            Some('g') => (&rest[..rest.len() - 1], 30),
            Some('m') => (&rest[..rest.len() - 1], 20),
            Some('k') => (&rest[..rest.len() - 1], 10),
            _ => return Err(wrong()),
        },
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> HostRequirements {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn graphics_cards_merge_by_the_table() {
        let merged = [json!(true), json!({"cores": 4}), json!({"memory": "8gb"})]
            .into_iter()
            .map(|gpu| read(json!({"gpu": gpu})))
            .fold(HostRequirements::default(), HostRequirements::merge);
        assert_eq!(
            merged.to_value(),
            Some(json!({"cpus": 0, "gpu": {"cores": 4, "memory": "8589934592"}}))
        );
        let both = |one, two| gpu_of(one).unwrap().merge(gpu_of(two).unwrap());
        assert_eq!(both(json!("optional"), json!("optional")), Gpu::Optional);
        assert_eq!(both(json!(false), json!(true)), Gpu::Required);
        assert_eq!(both(json!(true), json!(false)), Gpu::Required);
        assert_eq!(
            both(json!("optional"), json!(true)),
            Gpu::AtLeast { cores: 0, memory: 0 }
        );
    }

    #[test]
    fn sizes_are_the_larger_and_are_printed_as_bytes() {
        let one = read(json!({"cpus": 2, "memory": "4gb"}));
        let two = read(json!({"cpus": 1, "memory": "8192mb", "storage": "1kb"}));
        assert_eq!(
            one.merge(two).to_value(),
            Some(json!({"cpus": 2, "memory": "8589934592", "storage": "1024"}))
        );
        assert_eq!(read(json!({})).to_value(), None);
        for wrong in [
            json!({"memory": "4 gb"}),
            json!({"memory": "1.5gb"}),
            json!({"gpu": "maybe"}),
            json!({"cpus": "2"}),
        ] {
            assert!(
                serde_json::from_value::<HostRequirements>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }
}
