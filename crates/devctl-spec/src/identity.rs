//! Who a container is: the labels by which it is found again, and the id made from them.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::local::Platform;

/// The label that holds the workspace on the host.
pub const LOCAL_FOLDER: &str = "devcontainer.local_folder";
/// The label that holds the configuration file.
pub const CONFIG_FILE: &str = "devcontainer.config_file";

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
/// Digits of 256 bits in base 32.
const ID_LENGTH: usize = 52;

/// The labels of the reference for a folder and its configuration; paths of Windows are normalised as it does.
pub fn id_labels(folder: &Path, config_file: &Path, platform: Platform) -> BTreeMap<String, String> {
    let text = |path: &Path| normalised(&path.to_string_lossy(), platform);
    BTreeMap::from([
        (LOCAL_FOLDER.to_owned(), text(folder)),
        (CONFIG_FILE.to_owned(), text(config_file)),
    ])
}

/// The value of `${devcontainerId}`: SHA-256 over the labels as compact JSON with sorted names, in base 32, padded with
/// zeros to 52 digits.
pub fn devcontainer_id(labels: &BTreeMap<String, String>) -> String {
    let mut sorted: Vec<_> = labels.iter().collect();
    // JavaScript sorts by UTF-16 units, which differs from the order of bytes beyond the basic plane.
    sorted.sort_by(|(one, _), (two, _)| one.encode_utf16().cmp(two.encode_utf16()));
    let object: serde_json::Map<String, serde_json::Value> = sorted
        .into_iter()
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect();
    let hash = Sha256::digest(serde_json::Value::Object(object).to_string());
    let mut digits = [b'0'; ID_LENGTH];
    let mut bits = 0_u32;
    let mut held = 0_u32;
    let mut at = ID_LENGTH;
    for byte in hash.iter().rev() {
        bits |= u32::from(*byte) << held;
        held += 8;
        while held >= 5 {
            at -= 1;
            digits[at] = DIGITS[(bits & 31) as usize];
            bits >>= 5;
            held -= 5;
        }
    }
    // 256 bits are 51 digits and one bit.
    digits[0] = DIGITS[(bits & 31) as usize];
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn normalised(path: &str, platform: Platform) -> String {
    if platform != Platform::Windows {
        return path.to_owned();
    }
    let path = path.replace('/', "\\");
    let root = path.len() - path.trim_start_matches('\\').len();
    let mut parts: Vec<&str> = Vec::new();
    for part in path[root..].split('\\') {
        match part {
            "" | "." => {}
            // A path with a drive cannot go above it.
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            ".." if parts.first().is_some_and(|first| first.ends_with(':')) => {}
            other => parts.push(other),
        }
    }
    let mut normal = format!("{}{}", "\\".repeat(root), parts.join("\\"));
    if normal.as_bytes().get(1) == Some(&b':') {
        normal[..1].make_ascii_lowercase();
        if normal.len() == 2 {
            normal.push('\\');
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn both_test_vectors() {
        assert_eq!(
            devcontainer_id(&labels([("a", "b")])),
            "1mqafr5h2iu6dhh3k1m4vtnuhml2uiec4s7bntt1v0f25ao63i1n"
        );
        let labels = id_labels(
            Path::new("/home/u/proj"),
            Path::new("/home/u/proj/.devcontainer/devcontainer.json"),
            Platform::Linux,
        );
        assert_eq!(
            devcontainer_id(&labels),
            "14ak8ob72e8kj9tspe40d7s4kp04qkoe2serr1g7b3oea7nffegl"
        );
    }

    #[test]
    fn windows_paths_are_normalised() {
        for (path, expected) in [
            (r"C:\Users\x\proj", r"c:\Users\x\proj"),
            ("C:/Users/x/proj/", r"c:\Users\x\proj"),
            (r"C:\a\..\b\.\c", r"c:\b\c"),
            (r"\\wsl$\Ubuntu\home", r"\\wsl$\Ubuntu\home"),
            ("C:", r"c:\"),
        ] {
            assert_eq!(normalised(path, Platform::Windows), expected, "{path}");
        }
        assert_eq!(normalised("/A//b", Platform::Linux), "/A//b");
    }
}
