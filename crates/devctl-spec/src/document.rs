//! The document that `devctl config read` prints: the reference's own shape.

use serde_json::{Map, Value, json};

use crate::local::Platform;
use crate::merge::MergedConfig;
use crate::read::ReadConfig;

/// `configuration`, `workspace` and, where there is one, `mergedConfiguration`, as
/// `devcontainer read-configuration [--include-merged-configuration]` prints them.
pub fn config_document(read: &ReadConfig, merged: Option<&MergedConfig>) -> Value {
    let mut configuration = match &read.value {
        Value::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    configuration.insert("configFilePath".into(), file_uri(read));
    let mut workspace = Map::new();
    if let Some(folder) = &read.workspace.workspace_folder {
        workspace.insert("workspaceFolder".into(), folder.clone().into());
    }
    if let Some(mount) = &read.workspace.workspace_mount {
        workspace.insert("workspaceMount".into(), mount.clone());
    }
    let merged = merged.map(|merged| merged_configuration(configuration.clone(), merged));
    let mut document = json!({"configuration": configuration, "workspace": workspace});
    if let (Some(merged), Value::Object(fields)) = (merged, &mut document) {
        fields.insert("mergedConfiguration".into(), merged);
    }
    document
}

fn merged_configuration(mut fields: Map<String, Value>, merged: &MergedConfig) -> Value {
    for replaced in [
        "customizations",
        "entrypoint",
        "onCreateCommand",
        "updateContentCommand",
        "postCreateCommand",
        "postStartCommand",
        "postAttachCommand",
        "shutdownAction",
    ] {
        fields.shift_remove(replaced);
    }
    for (key, value) in merged.to_fields() {
        if value.is_null() {
            fields.shift_remove(&key);
        } else {
            fields.insert(key, value);
        }
    }
    Value::Object(fields)
}

/// A file as the reference's editor writes it down.
fn file_uri(read: &ReadConfig) -> Value {
    let file = read.config_path.to_string_lossy();
    let path = match read.variables.local.platform {
        Platform::Windows => format!("/{}", file.replace('\\', "/")),
        Platform::Linux | Platform::MacOs => file.to_string(),
    };
    let scheme = if read.is_chosen { "file" } else { "vscode-fileHost" };
    json!({"$mid": 1, "fsPath": file, "path": path, "scheme": scheme})
}
