//! `devctl settings get`, `set` and `list`.

use crate::args::SettingsCommand;
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, plain};
use crate::output::{Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{Nothing, SetSetting, Setting, SettingKey};
use serde_json::Value;

const HEADS: [Column; 4] = [
    Column::full("SETTING"),
    Column::full("VALUE"),
    Column::giving("ALLOWED", Cut::End),
    Column::giving("ABOUT", Cut::End),
];

pub(crate) async fn run(printer: &Printer, command: SettingsCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let setting = match command {
        SettingsCommand::List => return list(&session).await,
        SettingsCommand::Get { key } => get(&session, key).await?,
        SettingsCommand::Set {
            key,
            value,
            default: _,
        } => {
            let value = match value {
                Some(text) => read_as(&text, &get(&session, key.clone()).await?.default),
                None => Value::Null,
            };
            session
                .core
                .set_setting(&session.caller, SetSetting { key, value })
                .await?
        }
    };
    if printer.json {
        printer.document(&setting)?;
    } else {
        printer.say(&value_text(&setting.value))?;
    }
    Ok(0)
}

async fn list(session: &Session) -> Result<u8, Failure> {
    let printer = &session.printer;
    let list = session.core.list_settings(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&list)?;
    } else {
        let rows: Vec<Vec<Cell>> = list.settings.iter().map(row).collect();
        printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    }
    Ok(0)
}

async fn get(session: &Session, key: String) -> Result<Setting, Failure> {
    Ok(session
        .core
        .get_setting(&session.caller, SettingKey { key })
        .await?)
}

fn row(setting: &Setting) -> Vec<Cell> {
    let value = value_text(&setting.value);
    let value = if setting.value == setting.default {
        value.into()
    } else {
        Cell::painted(value, WARN)
    };
    vec![
        Cell::painted(plain(&setting.key), STRONG),
        value,
        plain(&setting.allowed).into(),
        plain(&setting.about).into(),
    ]
}

/// A text stays a text where the setting is one; else it is read as JSON, and the core judges it.
fn read_as(text: &str, default: &Value) -> Value {
    match default {
        Value::String(_) => Value::String(text.to_owned()),
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_read_by_the_kind_of_its_setting() {
        assert_eq!(read_as("8", &json!("x")), json!("8"));
        assert_eq!(read_as("8", &json!(4)), json!(8));
        assert_eq!(read_as("true", &json!(false)), json!(true));
        assert_eq!(read_as("maybe", &json!(false)), json!("maybe"));
        assert_eq!(read_as("10.0.0.0/8", &Value::Null), json!("10.0.0.0/8"));
    }
}
