//! The names of containers.
//!
//! The label says what a container was called when it was made, and no label of a container can be changed. The engine's
//! own name can, at any time: one of the form `devctl-ALIAS` is what it is called now. So the engine stays the only
//! truth, and a `docker rename` counts as much as ours.

use crate::containers::Found;
use crate::core::Core;
use crate::labels;
use crate::{identity, network};
use devctl_engine::Endpoint;
use devctl_ssh::Alias;
use std::collections::BTreeMap;

/// How the engine's names of our containers begin.
const PREFIX: &str = "devctl-";

/// The name that the engine gives to a container of this alias.
pub(crate) fn engine_name(alias: &str) -> String {
    format!("{PREFIX}{alias}")
}

/// Whether a name of the engine's would be read as an alias.
pub(crate) fn looks_like_ours(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|alias| Alias::new(alias).is_ok())
}

/// The alias of a container with this name and these labels.
pub(crate) fn alias<'a>(name: &'a str, all: &'a BTreeMap<String, String>) -> &'a str {
    let made_with = labels::get(all, labels::NAME);
    // The name of an adopted container is another tool's.
    let is_the_configurations =
        labels::get(all, labels::ENGINE_NAME) == Some(name) || labels::get(all, labels::ADOPTED).is_some();
    let now = name
        .strip_prefix(PREFIX)
        .filter(|_| !is_the_configurations)
        .filter(|alias| Alias::new(alias).is_ok());
    now.or(made_with).unwrap_or(name)
}

impl Core {
    /// Whether a container has this name already. The record of one that is gone does not keep it, unless its engine is
    /// silent.
    pub(crate) fn is_taken(&self, alias: &Alias, all: &[Found], endpoint: &Endpoint) -> bool {
        all.iter().any(|found| found.alias() == alias.as_str())
            || identity::known(&self.config).iter().any(|access| {
                access.alias == alias.as_str()
                    && access.url != endpoint.url
                    && !all.iter().any(|found| found.endpoint.url == access.url)
            })
    }
}

/// What the network of a new container is called after: its alias, numbered where a container that was renamed still has
/// the network of that name.
pub(crate) fn free_network(alias: &Alias, all: &[Found], endpoint: &Endpoint) -> Alias {
    let is_used = |candidate: &Alias| {
        all.iter()
            .filter(|found| found.endpoint.url == endpoint.url)
            .any(|found| {
                let named = found.network_alias() == candidate.as_str();
                let is_in = found
                    .summary
                    .networks
                    .contains(&network::name_of(candidate.as_str()));
                // A number may make the name of another container of it.
                named || is_in || (candidate != alias && found.alias() == candidate.as_str())
            })
    };
    let numbered = (2..).map(|number| alias.numbered(number));
    std::iter::once(alias.clone())
        .chain(numbered)
        .find(|candidate| !is_used(candidate))
        .unwrap_or_else(|| alias.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_name_counts_where_it_is_one_of_ours() {
        let made = |more: &[(&str, &str)]| -> BTreeMap<String, String> {
            [(labels::NAME, "hello")]
                .iter()
                .chain(more)
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        assert_eq!(alias("devctl-hello", &made(&[])), "hello");
        assert_eq!(alias("devctl-web", &made(&[])), "web");
        assert_eq!(alias("anything", &made(&[])), "hello");
        assert_eq!(alias("devctl-Not_one", &made(&[])), "hello");
        let chosen = made(&[(labels::ENGINE_NAME, "devctl-db")]);
        assert_eq!(alias("devctl-db", &chosen), "hello");
        assert_eq!(alias("devctl-web", &chosen), "web");
        assert_eq!(alias("by-hand", &BTreeMap::new()), "by-hand");
    }
}
