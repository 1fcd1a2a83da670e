//! The background service: the same core without a door, started at each login of the person where they asked for it. It
//! stops idle containers and keeps certificates fresh while no window is open.

use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::idle::background;
use crate::record::Target;
use devctl_engine::HostPlatform;
use devctl_files::{FileLock, Mode};
use devctl_model::{ErrorCode, Problem, ServiceInfo};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;

/// Doors of processes that stay open for long, and so may do the work of the background.
pub(crate) const STAYS_OPEN: [&str; 2] = ["service", "desktop"];

/// Variables that the service needs as they are where it is installed: where our state is, and which engine is meant.
const KEPT_VARIABLES: [&str; 8] = [
    "DEVCTL_KEYCHAIN",
    "DEVCTL_MASTER_KEY_FILE",
    "DEVCTL_SSH_CONFIG",
    "DEVCTL_SSH_DIR",
    "DEVCTL_STATE_DIR",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
];

const UNIT: &str = "devctl.service";
const AGENT: &str = "dev.devctl.service";
const TASK: &str = "devctl";

/// What starts services on this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Starter {
    Systemd,
    Launchd,
    Task,
}

impl Starter {
    fn of(platform: HostPlatform) -> Self {
        match platform {
            HostPlatform::MacOs => Self::Launchd,
            HostPlatform::Windows => Self::Task,
            HostPlatform::Linux => Self::Systemd,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Task => "task",
        }
    }

    /// The file that says how to start it.
    fn file(self, config: &CoreConfig) -> PathBuf {
        match self {
            Self::Systemd => config
                .env
                .get("XDG_CONFIG_HOME")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .unwrap_or_else(|| config.home.join(".config"))
                .join("systemd/user")
                .join(UNIT),
            Self::Launchd => config
                .home
                .join("Library/LaunchAgents")
                .join(format!("{AGENT}.plist")),
            Self::Task => config.state_dir.join("service-task.xml"),
        }
    }

    fn text(self, program: &Path, config: &CoreConfig) -> Result<String, Problem> {
        let program = program.to_str().ok_or_else(|| {
            Problem::new(
                ErrorCode::ServiceUnavailable,
                format!(
                    "the path {} cannot be written in a service's file",
                    program.display()
                ),
            )
        })?;
        let variables: Vec<(&str, &str)> = KEPT_VARIABLES
            .iter()
            .filter_map(|name| Some((*name, config.env.get(*name)?.as_str())))
            .collect();
        Ok(match self {
            Self::Systemd => systemd_unit(program, &variables),
            Self::Launchd => launchd_agent(program, &variables),
            Self::Task => windows_task(program),
        })
    }

    /// What makes the file known and starts the service, in order.
    fn install(self, file: &Path, uid: u32) -> Vec<Vec<String>> {
        let file = file.display().to_string();
        match self {
            Self::Systemd => vec![
                words(&["systemctl", "--user", "daemon-reload"]),
                words(&["systemctl", "--user", "enable", "--now", UNIT]),
            ],
            Self::Launchd => vec![words(&["launchctl", "bootstrap", &format!("gui/{uid}"), &file])],
            Self::Task => vec![
                words(&["schtasks", "/Create", "/F", "/TN", TASK, "/XML", &file]),
                words(&["schtasks", "/Run", "/TN", TASK]),
            ],
        }
    }

    /// What ends it and makes it unknown, in order.
    fn uninstall(self, uid: u32) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => vec![words(&["systemctl", "--user", "disable", "--now", UNIT])],
            Self::Launchd => vec![words(&["launchctl", "bootout", &format!("gui/{uid}/{AGENT}")])],
            Self::Task => vec![
                words(&["schtasks", "/End", "/TN", TASK]),
                words(&["schtasks", "/Delete", "/F", "/TN", TASK]),
            ],
        }
    }
}

impl Core {
    /// Whether the service is installed and runs.
    pub(crate) async fn service_info(self: &Arc<Self>) -> Result<ServiceInfo, Problem> {
        Ok(info(&self.config, false))
    }

    /// Starts the service now and at each login.
    pub(crate) async fn service_installed(self: &Arc<Self>, caller: &Caller) -> Result<ServiceInfo, Problem> {
        let act = async {
            let starter = Starter::of(self.config.engine_env.platform);
            let file = starter.file(&self.config);
            let link =
                devctl_ssh::point_stable_link(&self.config.state_dir, &self.config.devctl).or_problem()?;
            let text = starter.text(&link, &self.config)?;
            let before = devctl_files::read_optional(&file).or_problem()?;
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
            }
            let changed =
                devctl_files::write_if_changed(&file, text.as_bytes(), Mode::PRIVATE).or_problem()?;
            for command in starter.install(&file, self.config.uid) {
                if let Err(problem) = run(&command).await {
                    // What was not started leaves nothing behind.
                    match &before {
                        Some(before) => {
                            devctl_files::write_if_changed(&file, before, Mode::PRIVATE).or_problem()?;
                        }
                        None => remove(&file)?,
                    }
                    return Err(problem);
                }
            }
            Ok(info(&self.config, changed))
        };
        self.recorded(caller, "install_service", Target::other("service", TASK), act)
            .await
    }

    /// Ends the service, and starts it no more.
    pub(crate) async fn service_uninstalled(
        self: &Arc<Self>,
        caller: &Caller,
    ) -> Result<ServiceInfo, Problem> {
        let starter = Starter::of(self.config.engine_env.platform);
        let file = starter.file(&self.config);
        if !file.is_file() {
            return Ok(info(&self.config, false));
        }
        let act = async {
            for command in starter.uninstall(self.config.uid) {
                run(&command).await?;
            }
            remove(&file)?;
            Ok(info(&self.config, true))
        };
        self.recorded(caller, "uninstall_service", Target::other("service", TASK), act)
            .await
    }

    /// Is the service, until the caller gives up. The core must have been opened for the door `service`.
    ///
    /// # Errors
    /// [`ErrorCode::ServiceRunning`] where another process is it, and what keeps the state from being read.
    pub async fn serve_in_background(self: &Arc<Self>) -> Result<std::convert::Infallible, Problem> {
        devctl_files::ensure_private_dir(&self.config.locks()).or_problem()?;
        let Some(_lock) = FileLock::try_acquire(&lock_path(&self.config)).or_problem()? else {
            let pid = running(&self.config).map_or_else(String::new, |pid| format!(", as process {pid}"));
            return Err(Problem::new(
                ErrorCode::ServiceRunning,
                format!("the background service runs already{pid}"),
            )
            .fix_command("See how it is", "devctl service status"));
        };
        // What is unreadable is said at the start, not when something is due.
        self.store()?;
        let pid = self.config.process.pid.to_string();
        devctl_files::write_if_changed(&pid_path(&self.config), pid.as_bytes(), Mode::PRIVATE)
            .or_problem()?;
        crate::watch::start(self);
        std::future::pending().await
    }
}

fn lock_path(config: &CoreConfig) -> PathBuf {
    config.locks().join("service.lock")
}

fn pid_path(config: &CoreConfig) -> PathBuf {
    config.state_dir.join("service.pid")
}

/// The process that is the service now.
fn running(config: &CoreConfig) -> Option<u32> {
    let path = lock_path(config);
    if !path.is_file() || !matches!(FileLock::try_acquire(&path), Ok(None)) {
        return None;
    }
    let text = std::fs::read_to_string(pid_path(config)).ok()?;
    text.trim().parse().ok()
}

fn info(config: &CoreConfig, changed: bool) -> ServiceInfo {
    let starter = Starter::of(config.engine_env.platform);
    let file = starter.file(config);
    ServiceInfo {
        installed: file.is_file(),
        kind: starter.name().to_owned(),
        file: Some(file.display().to_string()),
        pid: running(config),
        watched_by: background::watcher(config).map(|watcher| watcher.door),
        changed,
    }
}

async fn run(command: &[String]) -> Result<(), Problem> {
    let line = command.join(" ");
    let unavailable = |why: String| {
        Problem::new(
            ErrorCode::ServiceUnavailable,
            format!("{line} did not work, which starts services on this computer"),
        )
        .why(why)
        .fix_command(
            "Start it yourself, where your session starts its programs",
            "devctl service run",
        )
    };
    let Some((program, arguments)) = command.split_first() else {
        return Ok(());
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| unavailable(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    Err(unavailable(if said.is_empty() {
        output.status.to_string()
    } else {
        said.to_owned()
    }))
}

fn remove(file: &Path) -> Result<(), Problem> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(file, &error)),
        _ => Ok(()),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(
        ErrorCode::FileFailed,
        format!("{} cannot be changed", path.display()),
    )
    .why(error.to_string())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Quoted as systemd.syntax(7) reads it; `%` begins a specifier everywhere, `$` a variable in a command line.
fn systemd_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '%' => quoted.push_str("%%"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn systemd_unit(program: &str, variables: &[(&str, &str)]) -> String {
    let environment: String = variables
        .iter()
        .map(|(name, value)| format!("Environment={}\n", systemd_quoted(&format!("{name}={value}"))))
        .collect();
    // The name of the program itself knows no variables.
    let program = systemd_quoted(program);
    format!(
        "# Written by `devctl service install`; `devctl service uninstall` removes it.\n\
         [Unit]\n\
         Description=Dev-Container Launcher: idle containers and certificates\n\
         \n\
         [Service]\n\
         ExecStart={program} service run\n\
         {environment}\
         Restart=on-failure\n\
         RestartSec=5\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n"
    )
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn launchd_agent(program: &str, variables: &[(&str, &str)]) -> String {
    let environment: String = variables
        .iter()
        .map(|(name, value)| format!("    <key>{name}</key><string>{}</string>\n", xml(value)))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- Written by `devctl service install`; `devctl service uninstall` removes it. -->\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\"><dict>\n\
         \x20 <key>Label</key><string>{AGENT}</string>\n\
         \x20 <key>ProgramArguments</key><array>\n\
         \x20   <string>{program}</string><string>service</string><string>run</string>\n\
         \x20 </array>\n\
         \x20 <key>EnvironmentVariables</key><dict>\n{environment}\
         \x20 </dict>\n\
         \x20 <key>RunAtLoad</key><true/>\n\
         \x20 <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n\
         \x20 <key>ProcessType</key><string>Background</string>\n\
         </dict></plist>\n",
        program = xml(program),
    )
}

/// A task cannot carry variables; those of the person's session count.
fn windows_task(program: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n\
         \x20 <RegistrationInfo><Description>Written by devctl service install</Description></RegistrationInfo>\n\
         \x20 <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>\n\
         \x20 <Settings>\n\
         \x20   <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n\
         \x20   <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\n\
         \x20   <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\n\
         \x20   <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\n\
         \x20   <Hidden>true</Hidden>\n\
         \x20 </Settings>\n\
         \x20 <Actions><Exec><Command>{}</Command><Arguments>service run</Arguments></Exec></Actions>\n\
         </Task>\n",
        xml(program)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_names_what_it_runs_whatever_is_in_the_path() {
        let unit = systemd_unit(
            "/home/a b/100%/\"q\"/devctl",
            &[("DOCKER_HOST", "tcp://[::1]:1%")],
        );
        assert!(
            unit.contains("ExecStart=\"/home/a b/100%%/\\\"q\\\"/devctl\" service run\n"),
            "{unit}"
        );
        assert!(
            unit.contains("Environment=\"DOCKER_HOST=tcp://[::1]:1%%\"\n"),
            "{unit}"
        );
    }

    #[test]
    fn the_other_files_are_escaped_too() {
        let agent = launchd_agent("/a&b/<x>/devctl", &[("DEVCTL_STATE_DIR", "/s&t")]);
        assert!(
            agent.contains("<string>/a&amp;b/&lt;x&gt;/devctl</string>"),
            "{agent}"
        );
        assert!(agent.contains("<key>DEVCTL_STATE_DIR</key><string>/s&amp;t</string>"));
        let task = windows_task("C:\\a&b\\devctl.exe");
        assert!(
            task.contains("<Command>C:\\a&amp;b\\devctl.exe</Command>"),
            "{task}"
        );
    }

    #[test]
    fn variables_that_matter_are_carried_and_others_are_not() {
        let home = tempfile::tempdir().unwrap();
        let mut config = crate::testing::config(home.path());
        config.env.insert("DEVCTL_STATE_DIR".into(), "/s".into());
        config.env.insert("PASSWORD".into(), "secret".into());
        let text = Starter::Systemd.text(Path::new("/devctl"), &config).unwrap();
        assert!(text.contains("DEVCTL_STATE_DIR=/s") && !text.contains("secret"));
    }

    #[tokio::test]
    async fn what_cannot_be_started_says_what_to_do() {
        let problem = run(&words(&["/nowhere/systemctl", "--user"])).await.unwrap_err();
        assert_eq!(problem.code, ErrorCode::ServiceUnavailable);
        assert_eq!(problem.fixes[0].command.as_deref(), Some("devctl service run"));
    }
}
