//! A configuration that anybody wrote, from its bytes to the plan of a container, with the label of an image behind a
//! line of hyphens. What is read is JSON that reads back the same; a label that we would write is read again.

#![no_main]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use devctl_spec::document::config_document;
use devctl_spec::files::Files;
use devctl_spec::local::{LocalEnv, Platform};
use devctl_spec::merge::merge;
use devctl_spec::metadata::{metadata_for_label, parse_label};
use devctl_spec::parse::parse;
use devctl_spec::plan::plan;
use devctl_spec::read::read;
use devctl_spec::trust::{trust_hash, wants};
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = "/w/.devcontainer.json";
const DOCKERFILE: &str = "/w/Dockerfile";

/// A workspace with a configuration and a Dockerfile.
#[derive(Debug)]
struct Workspace<'a>(&'a [u8]);

impl Files for Workspace<'_> {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(match path.to_str() {
            Some(CONFIG) => Some(self.0.to_vec()),
            Some(DOCKERFILE) => Some(b"FROM debian\n".to_vec()),
            _ => None,
        })
    }

    fn is_file(&self, path: &Path) -> bool {
        [CONFIG, DOCKERFILE].iter().any(|file| path == Path::new(file))
    }

    fn is_dir(&self, path: &Path) -> bool {
        path == Path::new("/w") || path == Path::new("/")
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let all = [".devcontainer.json".to_owned(), "Dockerfile".to_owned()];
        Ok(if path == Path::new("/w") {
            all.to_vec()
        } else {
            Vec::new()
        })
    }

    fn canonical(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        Ok((self.is_file(path) || self.is_dir(path)).then(|| path.to_path_buf()))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (config, label) = match bytes.windows(6).position(|at| at == b"\n----\n") {
        Some(place) => (&bytes[..place], &bytes[place + 6..]),
        None => (bytes, &b""[..]),
    };
    let path = Path::new(CONFIG);
    match parse(config, path) {
        Ok(parsed) => {
            let again = parse(parsed.value.to_string().as_bytes(), path).expect("JSON is read");
            assert_eq!(again.value, parsed.value);
        }
        Err(error) => assert!(error.fix().is_some() && error.to_string().starts_with(CONFIG)),
    }
    let files = Workspace(config);
    let env = LocalEnv {
        platform: Platform::Linux,
        vars: BTreeMap::from([("A".to_owned(), "value".to_owned())]),
    };
    let Ok(read) = read(&files, Path::new("/w"), None, &env) else {
        return;
    };
    let read = read.for_container().expect("the id can be filled in");
    let label = std::str::from_utf8(label).unwrap_or_default();
    let entries = parse_label("image", Some(label), &read.variables).unwrap_or_default();
    let merged = merge(&entries, &read).expect("what was read can be merged");
    assert!(config_document(&read, Some(&merged))["mergedConfiguration"].is_object());
    let written = metadata_for_label(&entries, &read);
    parse_label("image", Some(&written), &read.variables).expect("our own label is read");
    if let Ok(plan) = plan(&files, &read, &merged) {
        let items = wants(&files, &read, &entries, &merged, &plan).expect("what it wants can be said");
        assert_eq!(trust_hash(&items).len(), 64);
    }
});
