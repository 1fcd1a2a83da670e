//! The reference, written from the definition of the commands: `docs/cli.md` and the man pages.

use crate::args::Cli;
use clap::{Arg, Command, CommandFactory};
use devctl_model::ErrorCode;
use std::fmt::Write;
use std::io;

mod idle_shapes;
mod key_shapes;
mod life_shapes;
mod look_shapes;
mod port_shapes;
mod secret_shapes;
mod shapes;
mod storage_shapes;
mod trust_shapes;

/// The reference of the command line in Markdown, as committed in `docs/cli.md`.
pub fn markdown() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = String::new();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "<!-- Generated from the definition of the commands by `cargo xtask generate`. Do not edit. -->\n\n\
         # The command line\n\n{}.\n\n## Every command\n",
        about(&root)
    );
    for argument in root.get_arguments().filter(|argument| argument.is_global_set()) {
        option(&mut text, argument);
    }
    text.push_str(CONTRACT);
    let _ = writeln!(
        text,
        "{}\n```\n\nThe named shapes are those of `openapi.json`, where each field is described.",
        shapes::problem()
    );
    for command in visible(&root) {
        describe(&mut text, command, "devctl");
    }
    text.push_str("\n## Error codes\n\n| code | exit code |\n| --- | --- |\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "| `{}` | {} |", code.as_str(), code.exit_code());
    }
    text
}

/// The man pages: file name and content of each.
///
/// # Errors
/// None in practice: the pages are written to memory.
pub fn man_pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut root = Cli::command();
    root.build();
    let mut pages = Vec::new();
    collect_pages(&root, "devctl", &mut pages)?;
    Ok(pages)
}

const CONTRACT: &str = r#"
Exit codes: 0 done, 1 the operation failed, 2 usage, 3 not found, 4 refused by policy or missing consent, 5 engine
unreachable, 130 interrupted. `exec` and `ssh` pass on the code of the command and use 125 (`exec`) and 255 (`ssh`) for
failures of their own.

An error is written to standard error:

```text
error[code]: what happened
  at: the step or the place
  why: the causes, outermost first
  | the last lines of output
  safe: what was not harmed
  fix: the command that mends it
```

With `--json` standard output holds exactly one JSON document, or JSON lines where the command follows. A command that
fails prints `{"error": …}` there, in the shape `Problem`:

```json
"#;

fn collect_pages(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .source(concat!("devctl ", env!("CARGO_PKG_VERSION")))
        .manual("Dev-Container Launcher")
        .render(&mut page)?;
    pages.push((format!("{name}.1"), page));
    for command in visible(command) {
        collect_pages(command, &format!("{name}-{}", command.get_name()), pages)?;
    }
    Ok(())
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn describe(text: &mut String, command: &Command, parent: &str) {
    let name = format!("{parent} {}", command.get_name());
    let level = "#".repeat(name.split(' ').count());
    let _ = writeln!(text, "\n{level} `{name}`\n\n{}.\n", about(command));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let usage: Vec<&str> = usage.lines().map(str::trim).collect();
    let _ = writeln!(text, "```text\n{}\n```", usage.join("\n"));
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_global_set() && !argument.is_hide_set())
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .collect();
    if !own.is_empty() {
        text.push('\n');
    }
    for argument in own {
        option(text, argument);
    }
    if let Some(after) = command.get_after_help() {
        let _ = writeln!(text, "\n{}", after.to_string().trim());
    }
    if let Some(shape) = shapes::of(&name) {
        let _ = writeln!(
            text,
            "\n`--json`: {}\n\n```json\n{}\n```",
            shape.about, shape.example
        );
    }
    for command in visible(command) {
        describe(text, command, &name);
    }
}

fn option(text: &mut String, argument: &Arg) {
    let names = if argument.is_positional() {
        value_name(argument)
    } else {
        let short = argument.get_short().map(|short| format!("-{short}"));
        let long = argument.get_long().map(|long| format!("--{long}"));
        let names: Vec<String> = short.into_iter().chain(long).collect();
        let value = if argument.get_action().takes_values() {
            format!(" {}", value_name(argument))
        } else {
            String::new()
        };
        format!("{}{value}", names.join(", "))
    };
    let _ = write!(
        text,
        "- `{names}`: {}",
        argument.get_help().map(ToString::to_string).unwrap_or_default()
    );
    if argument.get_action().takes_values() {
        let possible: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|_| !argument.is_hide_possible_values_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !possible.is_empty() {
            let _ = write!(text, " ({})", possible.join(", "));
        }
        let defaults: Vec<_> = argument
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        if !defaults.is_empty() {
            let _ = write!(text, "; default `{}`", defaults.join(" "));
        }
    }
    text.push('\n');
}

fn value_name(argument: &Arg) -> String {
    match argument.get_value_names() {
        Some(names) => names
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        None => argument.get_id().as_str().to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_answers_has_its_shape_in_the_reference() {
        fn look(command: &Command, parent: &str) {
            let name = format!("{parent} {}", command.get_name());
            let groups = visible(command).next().is_some() && name != "devctl ssh";
            assert_eq!(shapes::of(&name).is_some(), !groups, "{name}");
            visible(command).for_each(|command| look(command, &name));
        }
        let mut root = Cli::command();
        root.build();
        visible(&root).for_each(|command| look(command, "devctl"));
    }

    #[test]
    fn the_reference_names_every_visible_command_and_no_hidden_one() {
        let text = markdown();
        assert!(text.contains("\n### `devctl ssh install`\n"));
        assert!(!text.contains("`devctl ssh-proxy"));
    }

    #[test]
    fn there_is_a_man_page_for_each_command() {
        let pages = man_pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in [
            "devctl.1",
            "devctl-up.1",
            "devctl-ssh-install.1",
            "devctl-config-read.1",
        ] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        assert!(
            names
                .iter()
                .all(|name| !name.contains("proxy") && !name.contains("help"))
        );
    }
}
