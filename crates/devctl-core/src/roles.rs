//! Roles: which containers accept a certificate for `role-NAME`. Chosen in the setting `ssh.roles`, and kept in a small
//! file beside it, since a login opens no database.

use crate::config::CoreConfig;
use crate::error::OrProblem;
use devctl_files::Mode;
use devctl_model::{ErrorCode, Problem};
use devctl_ssh::{Alias, Principal};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The containers of each role, by their SSH names; `*` is every container.
type Roles = BTreeMap<String, Vec<String>>;

fn file(config: &CoreConfig) -> PathBuf {
    config.state_dir.join("roles.json")
}

/// The principals of the roles that a container accepts. What cannot be read lets nobody in.
pub(crate) fn accepted(config: &CoreConfig, alias: &str) -> Vec<String> {
    let path = file(config);
    let text = match devctl_files::read_optional(&path) {
        Ok(Some(text)) => text,
        Ok(None) => return Vec::new(),
        Err(error) => {
            tracing::warn!(%error, "no role is accepted");
            return Vec::new();
        }
    };
    let roles: Roles = match serde_json::from_slice(&text) {
        Ok(roles) => roles,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "no role is accepted");
            return Vec::new();
        }
    };
    roles
        .into_iter()
        .filter(|(_, containers)| containers.iter().any(|one| one == "*" || one == alias))
        .map(|(role, _)| format!("role-{role}"))
        .collect()
}

/// Checks a value of the setting.
pub(crate) fn check(value: &Value) -> Result<(), Problem> {
    let roles: Roles = serde_json::from_value(value.clone()).map_err(|error| {
        Problem::new(
            ErrorCode::SettingInvalid,
            "ssh.roles is an object of roles, each with a list of containers",
        )
        .why(error.to_string())
        .fix("For example {\"ci\": [\"hello\", \"web\"]}; \"*\" is every container")
    })?;
    for (role, containers) in &roles {
        Principal::new(format!("role-{role}")).or_problem()?;
        for container in containers {
            if container != "*" {
                Alias::new(container).or_problem()?;
            }
        }
    }
    Ok(())
}

/// Makes the value of the setting what logins go by.
pub(crate) fn publish(config: &CoreConfig, value: &Value) -> Result<(), Problem> {
    let text = value.to_string();
    devctl_files::write_if_changed(&file(config), text.as_bytes(), Mode::PRIVATE).or_problem()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_container_accepts_the_roles_that_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::testing::config(folder.path());
        std::fs::create_dir_all(&config.state_dir).unwrap();
        assert!(accepted(&config, "web").is_empty());
        publish(&config, &json!({ "ci": ["web"], "all": ["*"], "none": [] })).unwrap();
        assert_eq!(accepted(&config, "web"), ["role-all", "role-ci"]);
        assert_eq!(accepted(&config, "api"), ["role-all"]);
        std::fs::write(file(&config), "{").unwrap();
        assert!(
            accepted(&config, "web").is_empty(),
            "what cannot be read lets nobody in"
        );
    }

    #[test]
    fn a_role_is_a_word_and_a_container_a_name() {
        assert!(check(&json!({ "ci": ["web", "*"] })).is_ok());
        for bad in [
            json!([]),
            json!({ "a b": [] }),
            json!({ "*": [] }),
            json!({ "ci": ["A/B"] }),
            json!({ "ci": "web" }),
        ] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }
}
