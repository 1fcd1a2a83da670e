//! Mounts: the two notations of the configuration, the long form (`--mount`) and the short form (`-v`).

use indexmap::IndexMap;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::quantities::{boolean, bytes, comma_fields};

/// An entry of `mounts` as it was written, with the mount that it means.
///
/// The written form is kept because the metadata label and `config read` show it unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct MountEntry {
    /// As written: a string in the notation of `--mount`, or an object.
    pub written: Value,
    /// What it means.
    pub mount: Mount,
}

/// What is mounted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A path of the host.
    Bind,
    /// A volume of the engine; without a source an anonymous one.
    #[default]
    Volume,
    /// Memory.
    Tmpfs,
    /// A file system of another image.
    Image,
    /// A cluster volume.
    Cluster,
    /// A named pipe (Windows).
    Npipe,
}

/// A mount in the long form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// Host path, volume name or image; `None` makes an anonymous volume or memory.
    pub source: Option<String>,
    /// Path in the container.
    pub target: String,
    /// Nothing can be written.
    pub read_only: bool,
    /// `consistent`, `cached` or `delegated` (Docker Desktop).
    pub consistency: Option<String>,
    /// `private`, `rprivate`, `shared`, `rshared`, `slave`, `rslave`.
    pub propagation: Option<String>,
    /// Mounts below the source: `enabled`, `disabled`, `writable`, `readonly`.
    pub recursive: Option<String>,
    /// A missing host folder is made.
    pub create_source: bool,
    /// The image's content at the target is not copied into a new volume.
    pub volume_no_copy: bool,
    /// Labels of a new volume.
    pub volume_labels: IndexMap<String, String>,
    /// Driver of a new volume.
    pub volume_driver: Option<String>,
    /// Options of that driver.
    pub volume_options: IndexMap<String, String>,
    /// A folder inside the volume or image.
    pub subpath: Option<String>,
    /// Bytes at most.
    pub tmpfs_size: Option<i64>,
    /// File mode of the root, as a number.
    pub tmpfs_mode: Option<u32>,
}

/// A mount in the short form: the engine itself reads the options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bind {
    /// Host path or volume name; `None` makes an anonymous volume.
    pub source: Option<String>,
    /// Path in the container.
    pub target: String,
    /// `ro`, `rw`, `z`, `Z`, `nocopy`, propagation or consistency.
    pub options: Vec<String>,
}

impl Bind {
    /// Whether the source is a path of the host, not the name of a volume.
    pub fn is_host_path(&self) -> bool {
        self.source.as_deref().is_some_and(is_host_path)
    }
}

impl Mount {
    /// Reads the notation of `--mount`: `type=bind,source=/a,target=/b,readonly`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut mount = Self::default();
        for field in comma_fields(text)? {
            let (key, value) = match field.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (field.as_str(), None),
            };
            mount.set(&key.to_ascii_lowercase(), value)?;
        }
        mount.checked()
    }

    fn parse_object(fields: &Map<String, Value>) -> Result<Self, String> {
        let mut mount = Self::default();
        for (key, value) in fields {
            match value {
                Value::String(text) => mount.set(key, Some(text))?,
                // The reference declares external volumes of Compose this way; it changes nothing elsewhere.
                Value::Bool(_) if key == "external" => {}
                Value::Bool(flag) => mount.set(key, Some(if *flag { "true" } else { "false" }))?,
                _ => return Err(format!("{key} must be a string")),
            }
        }
        mount.checked()
    }

    fn set(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        let flag = || value.map_or(Ok(true), boolean);
        let Some(text) = value else {
            match key {
                "readonly" | "ro" => self.read_only = true,
                "volume-nocopy" => self.volume_no_copy = true,
                "bind-nonrecursive" => self.recursive = Some("disabled".into()),
                _ => return Err(format!("{key:?} needs a value ({key}=…)")),
            }
            return Ok(());
        };
        match key {
            "type" => {
                self.kind = match text.to_ascii_lowercase().as_str() {
                    "bind" => MountKind::Bind,
                    "volume" => MountKind::Volume,
                    "tmpfs" => MountKind::Tmpfs,
                    "image" => MountKind::Image,
                    "cluster" => MountKind::Cluster,
                    "npipe" => MountKind::Npipe,
                    _ => {
                        return Err(format!(
                            "{text:?} is no type of mount (bind, volume, tmpfs, image)"
                        ));
                    }
                }
            }
            "source" | "src" => self.source = Some(text.to_owned()).filter(|source| !source.is_empty()),
            "target" | "dst" | "destination" => self.target = text.to_owned(),
            "readonly" | "ro" => self.read_only = flag()?,
            "consistency" => self.consistency = Some(text.to_ascii_lowercase()),
            "bind-propagation" => self.propagation = Some(text.to_ascii_lowercase()),
            "bind-nonrecursive" => self.recursive = flag()?.then(|| "disabled".into()),
            "bind-recursive" => match text {
                "enabled" | "disabled" | "writable" | "readonly" => self.recursive = Some(text.to_owned()),
                _ => {
                    return Err(format!(
                        "bind-recursive={text:?} is not enabled, disabled, writable or readonly"
                    ));
                }
            },
            "bind-create-src" => self.create_source = flag()?,
            "volume-nocopy" => self.volume_no_copy = flag()?,
            "volume-driver" => self.volume_driver = Some(text.to_owned()),
            "volume-label" => insert_pair(&mut self.volume_labels, text),
            "volume-opt" => insert_pair(&mut self.volume_options, text),
            "volume-subpath" | "image-subpath" => self.subpath = Some(text.to_owned()),
            "tmpfs-size" => self.tmpfs_size = Some(bytes(text)?),
            "tmpfs-mode" => {
                let mode = u32::from_str_radix(text, 8).map_err(|_| format!("{text:?} is no file mode"))?;
                self.tmpfs_mode = Some(mode);
            }
            _ => return Err(format!("{key:?} is no option of a mount")),
        }
        Ok(())
    }

    fn checked(self) -> Result<Self, String> {
        if self.target.is_empty() {
            return Err("a mount needs a target".into());
        }
        if self.source.is_none() && matches!(self.kind, MountKind::Bind | MountKind::Image | MountKind::Npipe)
        {
            return Err("a mount of this type needs a source".into());
        }
        Ok(self)
    }
}

impl<'de> Deserialize<'de> for MountEntry {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let written = Value::deserialize(source)?;
        let mount = match &written {
            Value::String(text) => Mount::parse(text),
            Value::Object(fields) => Mount::parse_object(fields),
            _ => Err("a mount is a string or an object with type, source and target".into()),
        };
        mount
            .map(|mount| Self { written, mount })
            .map_err(D::Error::custom)
    }
}

impl Serialize for MountEntry {
    fn serialize<S: serde::Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(sink)
    }
}

/// Reads the notation of `-v`: `[source:]target[:options]`.
///
/// A drive letter before the first colon belongs to the source.
pub fn parse_bind(text: &str) -> Result<Bind, String> {
    let wrong = || format!("{text:?} is not of the form [source:]target[:options]");
    let mut parts: Vec<String> = text.split(':').map(str::to_owned).collect();
    let is_drive = parts.len() > 1
        && parts[0].len() == 1
        && parts[0].chars().all(|letter| letter.is_ascii_alphabetic())
        && parts[1].starts_with(['\\', '/']);
    if is_drive {
        let drive = parts.remove(0);
        parts[0] = format!("{drive}:{}", parts[0]);
    }
    let (source, target, options) = match parts.as_slice() {
        [target] => (None, target, ""),
        // `/data:ro` is an anonymous volume only in the mind of its writer; docker takes it as source and target.
        [source, target] => (Some(source.clone()), target, ""),
        [source, target, options] => (Some(source.clone()), target, options.as_str()),
        _ => return Err(wrong()),
    };
    if target.is_empty() || source.as_deref() == Some("") || !target.starts_with('/') {
        return Err(wrong());
    }
    let options: Vec<String> = options
        .split(',')
        .filter(|option| !option.is_empty())
        .map(str::to_owned)
        .collect();
    for option in &options {
        let known = matches!(
            option.as_str(),
            "ro" | "rw"
                | "z"
                | "Z"
                | "nocopy"
                | "private"
                | "rprivate"
                | "shared"
                | "rshared"
                | "slave"
                | "rslave"
                | "consistent"
                | "cached"
                | "delegated"
                | "U"
                | "O"
        );
        if !known {
            return Err(format!("{option:?} is no option of a volume"));
        }
    }
    Ok(Bind {
        source,
        target: target.clone(),
        options,
    })
}

/// Whether the source of a short mount is a path, not a volume's name: docker's rule.
pub fn is_host_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~', '\\']) || source.as_bytes().get(1) == Some(&b':')
}

fn insert_pair(map: &mut IndexMap<String, String>, text: &str) {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    map.insert(key.to_owned(), value.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_long_form_knows_the_aliases() {
        let mount = Mount::parse("type=bind,src=/a b,dst=/c,readonly,consistency=cached").unwrap();
        assert_eq!(mount.kind, MountKind::Bind);
        assert_eq!(
            (mount.source.as_deref(), mount.target.as_str()),
            (Some("/a b"), "/c")
        );
        assert!(mount.read_only);
        let quoted = Mount::parse(r#"type=bind,"source=/a,b",target=/c"#).unwrap();
        assert_eq!(quoted.source.as_deref(), Some("/a,b"));
        assert_eq!(
            Mount::parse("target=/x").unwrap().kind,
            MountKind::Volume,
            "a volume unless it is said"
        );
        for text in [
            "",
            "type=bind,target=/x",
            "type=zfs,target=/x",
            "source=a",
            "target=/x,what=1",
            "target=/x,what",
        ] {
            assert!(Mount::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_entry_keeps_its_written_form() {
        for written in [
            json!("source=a,target=/b"),
            json!({"target": "/b", "type": "volume"}),
        ] {
            let entry: MountEntry = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(entry.mount.target, "/b");
            assert_eq!(serde_json::to_value(&entry).unwrap(), written);
        }
        let volume: MountEntry = serde_json::from_value(json!({"target": "/b", "type": "volume"})).unwrap();
        assert_eq!(
            volume.mount.source, None,
            "a volume without a source is anonymous"
        );
        assert!(serde_json::from_value::<MountEntry>(json!(3)).is_err());
    }

    #[test]
    fn the_short_form() {
        let bind = parse_bind("/a:/b:ro,z").unwrap();
        assert_eq!(bind.options, ["ro", "z"]);
        assert!(bind.is_host_path());
        assert!(!parse_bind("name:/b").unwrap().is_host_path());
        assert_eq!(parse_bind("/b").unwrap().source, None);
        assert_eq!(parse_bind(r"C:\x:/b").unwrap().source.as_deref(), Some(r"C:\x"));
        for text in ["", "/a:", ":/b", "/a:/b:what", "/a:/b:ro:z", "a:b"] {
            assert!(parse_bind(text).is_err(), "{text}");
        }
    }
}
