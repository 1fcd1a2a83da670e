//! The words of `devctl idle`, `keep-awake` and `service`.

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;
use std::str::FromStr;

/// What is done about idle containers.
#[derive(Debug, Subcommand)]
pub(crate) enum IdleCommand {
    /// List the containers: who is idle since when, and will be stopped for it
    List,
    /// Choose after how long a container is stopped that nobody uses
    Set(IdleSetArgs),
}

/// Options of `idle set`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("rule").required(true).args(["after", "never", "default"]))]
pub(crate) struct IdleSetArgs {
    /// Name, id, beginning of an id, or folder
    #[arg(value_name = "CONTAINER", add = ArgValueCompleter::new(crate::completion::containers))]
    pub container: String,
    /// Stop it after this much idleness (45m, 2h, 1d)
    #[arg(long, value_name = "TIME")]
    pub after: Option<Minutes>,
    /// Never stop it for idleness
    #[arg(long)]
    pub never: bool,
    /// As the setting idle.stopAfterMinutes says
    #[arg(long)]
    pub default: bool,
}

/// Options of `keep-awake`.
#[derive(Debug, Args)]
pub(crate) struct KeepAwakeArgs {
    /// Name, id, beginning of an id, or folder
    #[arg(value_name = "CONTAINER", add = ArgValueCompleter::new(crate::completion::containers))]
    pub container: String,
    /// For this long from now (45m, 2h, 1d)
    #[arg(value_name = "TIME", default_value = "2h", conflicts_with = "off")]
    pub time: Minutes,
    /// No longer
    #[arg(long)]
    pub off: bool,
}

/// What is done with the background service.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Start it now and at each login
    Install,
    /// Show whether it is installed and runs
    Status,
    /// End it, and start it no more
    Uninstall,
    /// Be the service, until it is interrupted (called by what starts services)
    #[command(hide = true)]
    Run,
}

/// Whole minutes, given as a time span; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minutes(pub u32);

impl FromStr for Minutes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || "it is no span of minutes, hours or days (45m, 2h, 1d)".to_owned();
        let unit = text.chars().next_back().ok_or_else(unknown)?;
        let number = text[..text.len() - unit.len_utf8()]
            .parse::<u32>()
            .map_err(|_| unknown())?;
        let minutes_each = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => return Err(unknown()),
        };
        match number.checked_mul(minutes_each) {
            None | Some(0) => Err(unknown()),
            Some(minutes) => Ok(Self(minutes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_nonsense_is_refused() {
        assert_eq!("45m".parse(), Ok(Minutes(45)));
        assert_eq!("2h".parse(), Ok(Minutes(120)));
        assert_eq!("1d".parse(), Ok(Minutes(1440)));
        for text in ["", "m", "0m", "-1h", "2", "2s", "4294967295d", "2 h", "é"] {
            assert!(text.parse::<Minutes>().is_err(), "{text}");
        }
    }
}
