//! Consent: nothing that a configuration asks for beyond a closed container happens before somebody has seen it.

use crate::core::Core;
use devctl_model::{ErrorCode, Problem, TrustItem, TrustKind, TrustSheet, trust_hash_in};
use devctl_spec::trust as asked;
use std::sync::Arc;

/// The sheet that doors show.
pub(crate) fn sheet(items: &[asked::TrustItem]) -> TrustSheet {
    TrustSheet {
        items: items.iter().map(shown).collect(),
        hash: asked::trust_hash(items),
        allowed: items.is_empty(),
    }
}

fn shown(item: &asked::TrustItem) -> TrustItem {
    use asked::TrustKind as Asked;
    let (kind, title) = match item.kind {
        Asked::HostCommand => (TrustKind::HostCommand, "Runs on this computer"),
        Asked::Privileged => (TrustKind::Privileged, "Privileged"),
        Asked::Capability => (TrustKind::Capability, "Added capability"),
        Asked::SecurityOption => (TrustKind::SecurityOption, "Security option"),
        Asked::HostMount => (TrustKind::Mount, "Mount from this computer"),
        Asked::HostNamespace => (TrustKind::HostNamespace, "Shares a namespace"),
        Asked::Device => (TrustKind::Device, "Device of this computer"),
        Asked::WeakIsolation => (TrustKind::EngineFlag, "Weakens isolation"),
        Asked::PublishedPort => (TrustKind::Port, "Listens on this computer"),
        Asked::HostVariable => (TrustKind::HostVariable, "Reads a variable of yours"),
        Asked::HostFile => (TrustKind::BuildAccess, "Reads a file of this computer"),
        Asked::BuildAccess => (TrustKind::BuildAccess, "Access during the build"),
    };
    TrustItem {
        kind,
        title: title.to_owned(),
        key: item.key.clone(),
        value: item.value.clone(),
        consequence: item.consequence.clone(),
        origin: item.origin.clone(),
    }
}

/// Refuses what cannot be the hash of a sheet, also where nothing is asked: a slip of the hand is no consent.
pub(crate) fn require_hash(given: Option<&str>) -> Result<(), Problem> {
    match given {
        Some(text) if trust_hash_in(text).is_none() => Err(Problem::new(
            ErrorCode::RequestInvalid,
            format!("{text:?} is not the hash of a trust sheet"),
        )
        .fix("Give the 64 hexadecimal digits that are printed with the sheet")),
        _ => Ok(()),
    }
}

impl Core {
    /// Whether this list was allowed for this source before.
    pub(crate) async fn is_allowed(self: &Arc<Self>, source: &str, hash: &str) -> bool {
        let (folder, hash) = (source.to_owned(), hash.to_owned());
        match self.with_store(move |store| store.consent(&folder, &hash)).await {
            Ok(consent) => consent.is_some(),
            Err(problem) => {
                // Not known is not allowed.
                tracing::debug!(%problem, "consents cannot be read");
                false
            }
        }
    }

    /// Goes on when everything on the list was allowed, now or before; else fails with the list.
    pub(crate) async fn require_consent(
        self: &Arc<Self>,
        source: &str,
        command: &str,
        items: &[asked::TrustItem],
        given: Option<&str>,
    ) -> Result<String, Problem> {
        let mut sheet = sheet(items);
        let hash = sheet.hash.clone();
        if items.is_empty() || self.is_allowed(source, &hash).await {
            return Ok(hash);
        }
        if given.and_then(trust_hash_in) == Some(hash.as_str()) {
            let (folder, kept) = (source.to_owned(), hash.clone());
            let items = serde_json::to_value(&sheet.items).unwrap_or_default();
            self.with_store(move |store| store.record_consent(&folder, &kept, &items))
                .await?;
            return Ok(hash);
        }
        sheet.allowed = false;
        let count = sheet.items.len();
        let rights = if count == 1 {
            "a right".to_owned()
        } else {
            format!("{count} rights")
        };
        let message = match given {
            Some(_) => format!("{source} asks for {rights}, and this is not the list that was allowed"),
            None => format!("{source} asks for {rights} that nobody has allowed yet"),
        };
        let mut problem = Problem::new(ErrorCode::ConsentRequired, message)
            .fix_command(
                "Allow them, once you have read them",
                format!("{command} --trust {hash}"),
            )
            .safe("nothing was run, built or made with these rights");
        problem.lines = sheet
            .items
            .iter()
            .map(|item| format!("{}: {} {} ({})", item.title, item.key, item.value, item.origin))
            .take(20)
            .collect();
        problem.trust = Some(sheet);
        Err(problem)
    }
}
