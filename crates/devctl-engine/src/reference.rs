//! Names of images.

/// An image reference in its parts: `[registry/]name[:tag][@digest]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    /// Name with registry, without tag and digest.
    pub(crate) name: &'a str,
    pub(crate) tag: Option<&'a str>,
    pub(crate) digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_start..].find(':') {
            Some(colon) => (&rest[..name_start + colon], Some(&rest[name_start + colon + 1..])),
            None => (rest, None),
        };
        Self { name, tag, digest }
    }

    /// The registry that the image comes from.
    pub(crate) fn registry(&self) -> &'a str {
        match self.name.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
            _ => "docker.io",
        }
    }

    /// What the engine takes as `tag`: a digest, a tag, or "latest", since it fetches all tags when none is said.
    pub(crate) fn version(&self) -> &'a str {
        self.digest.or(self.tag).unwrap_or("latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_apart() {
        for (text, name, tag, digest, registry) in [
            ("debian", "debian", None, None, "docker.io"),
            ("debian:12", "debian", Some("12"), None, "docker.io"),
            ("a/b:1", "a/b", Some("1"), None, "docker.io"),
            ("localhost/a", "localhost/a", None, None, "localhost"),
            (
                "localhost:5000/a",
                "localhost:5000/a",
                None,
                None,
                "localhost:5000",
            ),
            (
                "ghcr.io/a/b:1@sha256:00",
                "ghcr.io/a/b",
                Some("1"),
                Some("sha256:00"),
                "ghcr.io",
            ),
            ("a@sha256:00", "a", None, Some("sha256:00"), "docker.io"),
        ] {
            let parsed = Reference::parse(text);
            assert_eq!(
                (parsed.name, parsed.tag, parsed.digest),
                (name, tag, digest),
                "{text}"
            );
            assert_eq!(parsed.registry(), registry, "{text}");
        }
        assert_eq!(Reference::parse("a").version(), "latest");
        assert_eq!(Reference::parse("a:1@sha256:00").version(), "sha256:00");
    }
}
