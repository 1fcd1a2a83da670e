use std::path::{Path, PathBuf};

use devctl_files::read_optional;
use jsonc_parser::ast::Value;
use jsonc_parser::{CollectOptions, ParseOptions};

use crate::error::SshError;

/// The setting of VS Code's Remote SSH: the configuration that it reads, and writes new hosts to, instead of
/// `~/.ssh/config`.
const SETTING: &str = "remote.SSH.configFile";

/// The configuration that VS Code's Remote SSH uses, from its `settings.json` (with comments and trailing commas);
/// `None` where it uses `~/.ssh/config`. Our line has to go into that file, too, for VS Code to know our hosts.
///
/// A path that is not absolute after `~` is put in place counts as no setting, as it does for VS Code.
///
/// # Errors
/// The file cannot be read, or it is no JSON: [`SshError::ConfigInvalid`] with the place.
pub fn editor_ssh_config(settings: &Path, home: &Path) -> Result<Option<PathBuf>, SshError> {
    let Some(bytes) = read_optional(settings)? else {
        return Ok(None);
    };
    let invalid = |message: String| SshError::ConfigInvalid {
        path: settings.to_path_buf(),
        message,
    };
    let text = String::from_utf8(bytes).map_err(|error| invalid(error.to_string()))?;
    let text = text.trim_start_matches('\u{feff}');
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default())
        .map_err(|error| invalid(error.to_string()))?;
    let Some(Value::Object(settings)) = parsed.value else {
        return Ok(None);
    };
    // The last one counts, as for JSON everywhere.
    let value = settings
        .properties
        .iter()
        .rev()
        .find(|property| property.name.as_str() == SETTING)
        .map(|property| &property.value);
    let Some(Value::StringLit(path)) = value else {
        return Ok(None);
    };
    let path = match path.value.strip_prefix('~') {
        Some(rest) if rest.starts_with(['/', '\\']) => home.join(rest.get(1..).unwrap_or_default()),
        _ => PathBuf::from(path.value.as_ref()),
    };
    Ok((path.is_absolute() && path != home.join(".ssh/config")).then_some(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn said(text: &str) -> Result<Option<PathBuf>, SshError> {
        let home = tempfile::tempdir().unwrap();
        let settings = home.path().join("settings.json");
        fs::write(&settings, text).unwrap();
        editor_ssh_config(&settings, Path::new("/home/me"))
    }

    #[test]
    fn the_setting_is_found_as_people_write_it() {
        let is = |text: &str, path: Option<&str>| {
            assert_eq!(said(text).unwrap(), path.map(PathBuf::from), "{text}");
        };
        is(
            r#"{"remote.SSH.configFile": "/etc/me/ssh_config"}"#,
            Some("/etc/me/ssh_config"),
        );
        is(
            "\u{feff}// mine\n{ /* x */ \"remote.SSH.configFile\": \"~/cfg/ssh\", \"a\": [1,], }",
            Some("/home/me/cfg/ssh"),
        );
        is(
            r#"{"remote.SSH.configFile": "/a", "remote.SSH.configFile": "/b"}"#,
            Some("/b"),
        );
        is(r#"{"remote.SSH.configFile": "~/.ssh/config"}"#, None);
        is(r#"{"remote.SSH.configFile": ""}"#, None);
        is(r#"{"remote.SSH.configFile": "relative"}"#, None);
        is(r#"{"remote.SSH.configFile": null}"#, None);
        is(r#"{"other": {"remote.SSH.configFile": "/a"}}"#, None);
        is("[]", None);
        is("", None);
        assert_eq!(
            editor_ssh_config(Path::new("/nowhere/settings.json"), Path::new("/home/me")).unwrap(),
            None
        );
        assert_eq!(said("{\"a\": ").unwrap_err().code(), "ssh.config_invalid");
    }
}
