//! Jobs: following them to their end, stopping them, and asking for the consent that they lack.

use crate::consent;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::output::text::plain;
use crate::output::{LINK, Printer};
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
    let job = loop {
        tokio::select! {
            ended = watch(&mut updates, &mut progress) => match ended? {
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
    end(&session.printer, job, &progress)
}

/// Shows updates until the job ends. None when the stream ends before. Each await may be cut off without loss.
async fn watch(updates: &mut Receiver<JobUpdate>, progress: &mut Progress) -> Result<Option<Job>, Failure> {
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
                }
                Some(JobUpdate::Log { lines }) => progress.log(&lines)?,
                None => return Ok(None),
            },
            _ = wheel.tick(), if progress.is_live() => progress.tick()?,
        }
    }
}

fn end(printer: &Printer, job: Job, progress: &Progress) -> Result<Job, Failure> {
    match job.state {
        JobState::Done => Ok(job),
        JobState::Cancelled => {
            if let Some(problem) = &job.problem {
                printer.problem(problem)?;
            } else {
                printer.problem(&Problem::new(
                    ErrorCode::Cancelled,
                    format!("{} was stopped", job.subject),
                ))?;
            }
            if let (false, Some(effect)) = (left_is_said(&job), &job.cancel_effect) {
                printer.note(&format!(
                    "  {}",
                    printer.stderr.palette.paint(LINK, &plain(effect))
                ))?;
            }
            Err(Failure::Interrupted)
        }
        JobState::Failed => {
            let mut problem = job.problem.unwrap_or_else(|| {
                Problem::new(
                    ErrorCode::Internal,
                    format!("{} of {} failed", job.operation, job.subject),
                )
            });
            // Consent that lacks is no failure of a command, so no output explains it.
            if problem.lines.is_empty() && problem.code != ErrorCode::ConsentRequired && printer.verbose == 0
            {
                problem.lines = progress.last_lines().map(str::to_owned).collect();
            }
            Err(problem.into())
        }
        JobState::Running => Err(Problem::new(
            ErrorCode::Internal,
            format!("the job of {} cannot be followed any more", job.subject),
        )
        .into()),
    }
}

/// Whether the problem itself says what the cancelling left.
fn left_is_said(job: &Job) -> bool {
    job.problem
        .as_ref()
        .is_some_and(|problem| !problem.safe.is_empty())
}
