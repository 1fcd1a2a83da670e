//! The labels on everything that we make: from them alone all is found again.

use std::collections::BTreeMap;

/// How all labels of ours begin.
pub(crate) const OURS: &str = "dev.devctl.";
/// Marks what is ours. Its value is the version of this scheme.
pub(crate) const MANAGED: &str = "dev.devctl.managed";
/// The alias.
pub(crate) const NAME: &str = "dev.devctl.name";
/// The name that the engine gave it, where the configuration chose one that looks like one of ours.
pub(crate) const ENGINE_NAME: &str = "dev.devctl.engine-name";
/// What its network is called after, where that is not the alias.
pub(crate) const NETWORK: &str = "dev.devctl.network";
/// What a person called it.
pub(crate) const TITLE: &str = "dev.devctl.title";
/// `folder` or `image`.
pub(crate) const SOURCE_KIND: &str = "dev.devctl.source-kind";
/// The folder or the image it was made from.
pub(crate) const SOURCE: &str = "dev.devctl.source";
/// Hash over everything that decides how the container is made.
pub(crate) const CONFIG_HASH: &str = "dev.devctl.config-hash";
/// What the configuration said, as [`crate::life::drift::Snapshot`].
pub(crate) const CONFIG: &str = "dev.devctl.config";
/// The user of terminals, hooks and logins.
pub(crate) const REMOTE_USER: &str = "dev.devctl.remote-user";
/// Where terminals and hooks start.
pub(crate) const WORKSPACE_FOLDER: &str = "dev.devctl.workspace-folder";
/// The security profile.
pub(crate) const PROFILE: &str = "dev.devctl.profile";
/// The rights that were allowed, as the hash of the trust sheet.
pub(crate) const TRUST: &str = "dev.devctl.trust";
/// On a second container of the same configuration: the id of the first.
pub(crate) const CLONE: &str = "dev.devctl.clone-of";
/// The configuration file of a clone, which bears no label of the reference's, so that no tool takes it for the first.
pub(crate) const CONFIG_FILE: &str = "dev.devctl.config-file";
/// The volumes of a clone that are copies: the names that the configuration says, and those of the copies, as JSON.
pub(crate) const VOLUMES: &str = "dev.devctl.volumes";
/// Kept for a container that somebody else made, and on none.
pub(crate) const ADOPTED: &str = "dev.devctl.adopted";
/// On a container that only fills the agent's volume.
pub(crate) const HELPER: &str = "dev.devctl.helper";
/// On images: the installation that built them.
pub(crate) const BUILT_BY: &str = "dev.devctl.built-by";
/// On networks and volumes: the container they were made for.
pub(crate) const FOR: &str = "dev.devctl.for";

/// Labels of the reference, by which other tools see our containers.
pub(crate) const REFERENCE_FOLDER: &str = "devcontainer.local_folder";
/// The configuration file, for other tools.
pub(crate) const REFERENCE_CONFIG: &str = "devcontainer.config_file";
/// The merged metadata, for other tools.
pub(crate) const REFERENCE_METADATA: &str = "devcontainer.metadata";

/// The version of this scheme.
pub(crate) const SCHEME: &str = "1";

/// Whether this only fills the agent's volume. An image hands its labels down, and none may hide a container.
pub(crate) fn is_helper(labels: &BTreeMap<String, String>) -> bool {
    labels.contains_key(HELPER) && get(labels, SOURCE_KIND).is_none()
}

/// The labels of a network or volume that belongs to a container.
pub(crate) fn belongs_to(alias: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (MANAGED.to_owned(), SCHEME.to_owned()),
        (FOR.to_owned(), alias.to_owned()),
    ])
}

/// A label's value.
pub(crate) fn get<'a>(labels: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    labels
        .get(key)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_hides_no_container() {
        let labels = |keys: &[&str]| -> BTreeMap<String, String> {
            keys.iter()
                .map(|key| ((*key).to_owned(), "1".to_owned()))
                .collect()
        };
        assert!(is_helper(&labels(&[MANAGED, HELPER])));
        assert!(!is_helper(&labels(&[MANAGED, NAME])));
        assert!(!is_helper(&labels(&[MANAGED, NAME, SOURCE_KIND, HELPER])));
    }
}
