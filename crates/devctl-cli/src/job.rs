//! Jobs: following them to their end, stopping them, and asking for the consent that they lack.

use crate::consent;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::progress::{Progress, TICK};
use crate::session::Session;
use devctl_core::operations::{Operations, Streams};
use devctl_model::{ErrorCode, Fix, Job, JobRef, JobState, JobUpdate, Problem, TrustSheet};
use std::pin::Pin;
use tokio::sync::mpsc::Receiver;

/// How often consent is asked for: what the folder wants, and what the image adds. The third is for a configuration
/// that changes in between.
const CONSENTS: usize = 3;

/// Begins a job, with the hash of the trust sheet that is allowed.
type Begin<'a> = dyn Fn(Option<String>) -> Pin<Box<dyn Future<Output = Result<JobRef, Problem>> + 'a>> + 'a;

/// A job that may need consent.
pub(crate) struct Consenting<'a> {
    /// What asks for rights, for the heading of the sheet.
    pub subject: &'a str,
    /// The hash that was allowed on the command line.
    pub trust: Option<String>,
    /// The command line that would allow a hash.
    pub command: &'a dyn Fn(&str) -> String,
    /// Begins the job.
    pub begin: &'a Begin<'a>,
}

/// Carries a job out. What it lacks in consent is asked for at the terminal; where there is none, the sheet is shown
/// and the problem names the command that would allow it.
pub(crate) async fn run_with_consent(session: &Session, job: Consenting<'_>) -> Result<Job, Failure> {
    let mut trust = job.trust;
    for _ in 0..CONSENTS {
        let problem = match (job.begin)(trust.take()).await {
            Ok(begun) => match follow(session, &begun).await {
                Err(Failure::Problem(problem)) => *problem,
                ended => return ended,
            },
            Err(problem) => problem,
        };
        let Some(sheet) = problem
            .trust
            .clone()
            .filter(|_| problem.code == ErrorCode::ConsentRequired)
        else {
            return Err(problem.into());
        };
        if !session.printer.can_ask() {
            consent::show(&session.printer, job.subject, &sheet)?;
            return Err(with_command(problem, &sheet, job.command).into());
        }
        if !consent::ask(&session.printer, job.subject, &sheet).await? {
            return Err(with_command(problem, &sheet, job.command).into());
        }
        trust = Some(sheet.hash);
    }
    Err(Problem::new(
        ErrorCode::ConsentRequired,
        "the configuration asks for other rights each time it is read",
    )
    .into())
}

/// The problem with the one fix that applies here: this very command, allowing what is on the sheet.
fn with_command(mut problem: Problem, sheet: &TrustSheet, command: &dyn Fn(&str) -> String) -> Problem {
    // The sheet was shown in full, so its short form is not.
    problem.lines.clear();
    problem.fixes = vec![Fix {
        text: "Allows exactly what is on the sheet.".to_owned(),
        command: Some(command(&sheet.hash)),
    }];
    problem
}

/// Shows a job as it goes, until it ends. Ctrl-C stops it; a second one leaves at once.
pub(crate) async fn follow(session: &Session, begun: &JobRef) -> Result<Job, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let mut updates = session.core.follow_job(&session.caller, begun.clone()).await?;
    let mut progress = Progress::new(&session.printer);
    let mut stopping = false;
    // What stopping does is known as long as the job runs.
    let mut effect = None;
    let job = loop {
        tokio::select! {
            ended = watch(&mut updates, &mut progress, &mut effect) => match ended? {
                Some(job) => break job,
                None => break session.core.show_job(&session.caller, begun.clone()).await?,
            },
            () = interrupts.next() => {
                if stopping {
                    progress.clear()?;
                    let left = "devctl was left before everything had stopped";
                    return Err(Problem::new(ErrorCode::Cancelled, left)
                        .fix("Run the command again: it takes care of what is unfinished.")
                        .into());
                }
                stopping = true;
                progress.note("Stopping… (Ctrl-C again leaves at once)")?;
                session.core.cancel_job(&session.caller, begun.clone()).await?;
            }
        }
    };
    progress.clear()?;
    end(job, effect, progress.last_lines(), session.printer.verbose > 0)
}

/// Shows updates until the job ends. None when the stream ends before. Each await may be cut off without loss.
async fn watch(
    updates: &mut Receiver<JobUpdate>,
    progress: &mut Progress,
    effect: &mut Option<String>,
) -> Result<Option<Job>, Failure> {
    let mut wheel = tokio::time::interval(TICK);
    wheel.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick comes at once; a job that ends at once shows no wheel.
    wheel.reset();
    loop {
        tokio::select! {
            update = updates.recv() => match update {
                Some(JobUpdate::Job { job }) => {
                    progress.job(&job)?;
                    if job.state != JobState::Running {
                        return Ok(Some(job));
                    }
                    *effect = job.cancel_effect;
                }
                Some(JobUpdate::Log { lines }) => progress.log(&lines)?,
                None => return Ok(None),
            },
            _ = wheel.tick(), if progress.is_live() => progress.tick()?,
        }
    }
}

/// The job that ended well, or why it did not.
fn end<'a>(
    job: Job,
    effect: Option<String>,
    last_lines: impl Iterator<Item = &'a str>,
    lines_shown: bool,
) -> Result<Job, Failure> {
    let problem = match job.state {
        JobState::Done => return Ok(job),
        JobState::Cancelled => {
            let stopped = || Problem::new(ErrorCode::Cancelled, format!("{} was stopped", job.subject));
            let mut problem = job.problem.unwrap_or_else(stopped);
            if problem.safe.is_empty() {
                problem.safe.extend(effect);
            }
            problem
        }
        JobState::Failed => {
            let failed = || {
                let what = format!("{} of {} failed", job.operation, job.subject);
                Problem::new(ErrorCode::Internal, what)
            };
            let mut problem = job.problem.unwrap_or_else(failed);
            // Consent that lacks is no failure of a command, so no output explains it.
            if problem.lines.is_empty() && problem.code != ErrorCode::ConsentRequired && !lines_shown {
                problem.lines = last_lines.map(str::to_owned).collect();
            }
            problem
        }
        JobState::Running => {
            let what = format!("the job of {} cannot be followed any more", job.subject);
            Problem::new(ErrorCode::Internal, what)
        }
    };
    Err(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: JobState, problem: Option<Problem>) -> Job {
        Job {
            id: "1".into(),
            operation: "up".into(),
            subject: "hello".into(),
            state,
            steps: Vec::new(),
            started_at: String::new(),
            finished_at: None,
            problem,
            result: None,
            cancel_effect: None,
        }
    }

    fn problem_of(ended: Result<Job, Failure>) -> Problem {
        match ended {
            Err(Failure::Problem(problem)) => *problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_job_that_was_stopped_says_what_it_left() {
        let effect = Some("Keeps the container.".to_owned());
        let ended = end(job(JobState::Cancelled, None), effect, [].into_iter(), false);
        let problem = problem_of(ended);
        assert_eq!(problem.code.exit_code(), 130);
        assert_eq!(problem.safe, ["Keeps the container."]);
    }

    #[test]
    fn a_job_that_failed_shows_the_last_lines_unless_they_were_shown() {
        let why = |code| Some(Problem::new(code, "why"));
        let lines = |code, shown| {
            let ended = end(
                job(JobState::Failed, why(code)),
                None,
                ["a", "b"].into_iter(),
                shown,
            );
            problem_of(ended).lines
        };
        assert_eq!(lines(ErrorCode::HookFailed, false), ["a", "b"]);
        assert!(lines(ErrorCode::HookFailed, true).is_empty());
        assert!(lines(ErrorCode::ConsentRequired, false).is_empty());
    }
}
