//! `devctl up`.

use crate::args::UpArgs;
use crate::ask;
use crate::commands::drift::cost_word;
use crate::commands::secrets::ask_for_missing;
use crate::commands::{lifecycle, rebuild};
use crate::failure::Failure;
use crate::job::{Consenting, run_with_consent};
use crate::output::shell::command_line;
use crate::output::text::{duration, plain};
use crate::output::{DIM, GOOD, LINK, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{
    ConfigChoice, DriftCost, ErrorCode, InspectSource, Job, Nothing, Problem, SourceKind, UpContainer,
    UpKind, UpOutcome,
};
use std::time::Instant;

pub(crate) async fn run(printer: &Printer, args: UpArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let began = Instant::now();
    let (apply, yes) = (args.apply, args.yes);
    let mut request = request(args);
    ask_for_missing(&session, &request).await?;
    let job = match carry_out(&session, &request).await {
        Err(Failure::Problem(problem)) if problem.code == ErrorCode::ConfigAmbiguous => {
            request.config = Some(choose(&session, &request, *problem).await?);
            ask_for_missing(&session, &request).await?;
            carry_out(&session, &request).await?
        }
        ended => ended?,
    };
    let mut outcome = outcome_of(job)?;
    if apply && let Some(job) = apply_drift(&session, &outcome, yes).await? {
        outcome = outcome_of(job)?;
    }
    if printer.json {
        printer.document(&outcome)?;
        return Ok(0);
    }
    tell(&session, &outcome, began).await?;
    Ok(0)
}

fn outcome_of(job: Job) -> Result<UpOutcome, Failure> {
    let result = job.result.ok_or_else(|| unreadable("it is missing"))?;
    Ok(serde_json::from_value(result).map_err(|error| unreadable(&error.to_string()))?)
}

/// Takes the cheapest step that applies what the configuration says now; none where nothing has to be done.
async fn apply_drift(session: &Session, outcome: &UpOutcome, yes: bool) -> Result<Option<Job>, Failure> {
    let name = outcome.name.clone();
    let words: &[&str] = match outcome.drift {
        None | Some(DriftCost::Nothing) => return Ok(None),
        Some(DriftCost::Restart) => return lifecycle::restarted(session, name, None, None).await.map(Some),
        Some(DriftCost::Recreate) => &["devctl", "recreate"],
        Some(DriftCost::Rebuild) => &["devctl", "rebuild"],
    };
    rebuild::anew(session, words, name, yes, None).await.map(Some)
}

fn request(args: UpArgs) -> UpContainer {
    let kind = match (args.path, args.image) {
        (true, _) => Some(SourceKind::Folder),
        (_, true) => Some(SourceKind::Image),
        _ => None,
    };
    UpContainer {
        source: args.source,
        kind,
        config: args.config,
        name: args.name,
        host: args.host,
        trust: args.trust,
    }
}

async fn carry_out(session: &Session, request: &UpContainer) -> Result<Job, Failure> {
    run_with_consent(
        session,
        Consenting {
            subject: &request.source,
            trust: request.trust.clone(),
            command: &|hash| {
                again(&UpContainer {
                    trust: Some(hash.to_owned()),
                    ..request.clone()
                })
            },
            begin: &|trust| {
                let request = UpContainer {
                    trust,
                    ..request.clone()
                };
                Box::pin(async move { session.core.up(&session.caller, request).await })
            },
        },
    )
    .await
}

/// Lets the person choose one of several configurations; where nobody is there, the problem names the choices.
async fn choose(session: &Session, request: &UpContainer, mut problem: Problem) -> Result<String, Failure> {
    let inspect = InspectSource {
        source: request.source.clone(),
        kind: request.kind,
        config: None,
    };
    let choices = session
        .core
        .inspect_source(&session.caller, inspect)
        .await?
        .configs;
    let printer = &session.printer;
    if choices.is_empty() || !printer.can_ask() {
        for choice in &choices {
            let request = UpContainer {
                config: Some(choice.path.clone()),
                ..request.clone()
            };
            problem = problem.fix_command(describe(choice), again(&request));
        }
        return Err(problem.into());
    }
    printer.note(&format!("{} has several configurations:", plain(&request.source)))?;
    for (number, choice) in choices.iter().enumerate() {
        printer.note(&format!("  {}  {}", number + 1, plain(&describe(choice))))?;
    }
    match ask::choose(printer, "Which one?", choices.len()).await? {
        Some(index) => Ok(choices[index].path.clone()),
        None => Err(problem.into()),
    }
}

fn describe(choice: &ConfigChoice) -> String {
    match &choice.name {
        Some(name) => format!("{} ({name})", choice.label),
        None => choice.label.clone(),
    }
}

/// The command line that asks for the same.
fn again(request: &UpContainer) -> String {
    let mut words = vec!["devctl", "up"];
    match request.kind {
        Some(SourceKind::Folder) => words.push("--path"),
        Some(SourceKind::Image) => words.push("--image"),
        None => {}
    }
    for (option, value) in [
        ("--config", &request.config),
        ("--name", &request.name),
        ("--host", &request.host),
        ("--trust", &request.trust),
    ] {
        if let Some(value) = value {
            words.extend([option, value]);
        }
    }
    if request.source.starts_with('-') {
        words.push("--");
    }
    words.push(&request.source);
    command_line(words)
}

fn unreadable(why: &str) -> Problem {
    Problem::new(ErrorCode::Internal, "the outcome of up cannot be read").why(why)
}

async fn tell(session: &Session, outcome: &UpOutcome, began: Instant) -> Result<(), Failure> {
    let printer = &session.printer;
    let (out, err) = (printer.stdout.palette, printer.stderr.palette);
    for notice in &outcome.notices {
        printer.note(&format!("{} {}", err.paint(WARN, "note:"), plain(notice)))?;
    }
    let step = outcome
        .drift
        .filter(|cost| *cost != DriftCost::Nothing)
        .map(cost_word);
    if let Some(verb) = step {
        printer.note(&format!(
            "{} the configuration has changed since this container was made; {} applies it ({} says what)",
            err.paint(WARN, "note:"),
            err.paint(LINK, &format!("devctl {verb} {}", outcome.name)),
            err.paint(LINK, &format!("devctl drift {}", outcome.name))
        ))?;
    }
    let how = match outcome.outcome {
        UpKind::Created => "created",
        UpKind::Started => "started",
        UpKind::Running => "was running",
    };
    let passed = duration(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    printer.say(&format!(
        "{} {} is ready {}",
        out.paint(GOOD, "✓"),
        out.paint(STRONG, &outcome.name),
        out.paint(DIM, &format!("({how}, {passed})"))
    ))?;
    printer.say(&format!(
        "  {}",
        out.paint(LINK, &format!("ssh {}", outcome.ssh_host))
    ))?;
    // A person who makes their first container learns here why plain ssh does not know the name yet.
    if outcome.outcome == UpKind::Created && printer.stderr.terminal {
        let status = session.core.ssh_status(&session.caller, Nothing {}).await?;
        if !status.installed {
            printer.note(&format!(
                "  {} once makes that line work; {} works now",
                err.paint(LINK, "devctl ssh install"),
                err.paint(LINK, &format!("devctl ssh {}", outcome.name))
            ))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_would_allow_it_is_the_same_command() {
        let request = UpContainer {
            source: "/src/it's here".into(),
            kind: Some(SourceKind::Folder),
            config: Some(".devcontainer/gpu/devcontainer.json".into()),
            trust: Some("abc".into()),
            ..UpContainer::default()
        };
        assert_eq!(
            again(&request),
            r"devctl up --path --config .devcontainer/gpu/devcontainer.json --trust abc '/src/it'\''s here'"
        );
        let request = UpContainer {
            source: "-x".into(),
            ..UpContainer::default()
        };
        assert_eq!(again(&request), "devctl up -- -x");
    }
}
