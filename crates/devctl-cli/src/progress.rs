//! The progress of a job, on standard error: live on a terminal, else one line for each step that ended.

use crate::output::text::{Cut, columns, duration, fit, plain};
use crate::output::{BAD, DIM, GOOD, Palette, Printer};
use devctl_model::{ErrorCode, Job, JobLogLine, JobState, LogStream, Step, StepState};
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

/// How often the live view turns its wheel.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// Lines of log that are kept for the case of a failure.
const KEPT_LINES: usize = 20;
/// The live view never takes more lines than these.
const LIVE_LINES: usize = 8;
const WHEEL: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Shows a job as it goes.
#[derive(Debug)]
pub(crate) struct Progress {
    printer: Printer,
    live: bool,
    steps: Vec<Shown>,
    last_lines: VecDeque<String>,
    /// Lines of the live view that stand on the terminal now.
    drawn: usize,
    turn: usize,
}

/// A step as it was shown last.
#[derive(Debug)]
struct Shown {
    step: Step,
    since: Option<Instant>,
    told: bool,
}

impl Progress {
    /// Progress of nothing yet.
    pub(crate) fn new(printer: &Printer) -> Self {
        Self {
            live: printer.stderr.terminal && !printer.quiet && printer.verbose == 0,
            printer: printer.clone(),
            steps: Vec::new(),
            last_lines: VecDeque::new(),
            drawn: 0,
            turn: 0,
        }
    }

    /// Takes in the job as it is now.
    pub(crate) fn job(&mut self, job: &Job) -> io::Result<()> {
        let now = Instant::now();
        for (index, step) in job.steps.iter().enumerate() {
            if let Some(shown) = self.steps.get_mut(index) {
                shown.since = shown.since.or((step.state == StepState::Running).then_some(now));
                shown.step = step.clone();
            } else {
                self.steps.push(Shown {
                    step: step.clone(),
                    since: (step.state == StepState::Running).then_some(now),
                    told: false,
                });
            }
        }
        if self.printer.quiet {
            return Ok(());
        }
        let mut ended = Vec::new();
        // That consent lacks is no failure yet: it is asked for next. Only the end of the job says why a step failed.
        let failures_told = job.state != JobState::Running
            && job
                .problem
                .as_ref()
                .is_none_or(|problem| problem.code != ErrorCode::ConsentRequired);
        for shown in &mut self.steps {
            let has_ended = match shown.step.state {
                StepState::Done => true,
                StepState::Failed => failures_told,
                StepState::Waiting | StepState::Running | StepState::Skipped => false,
            };
            if !shown.told && has_ended {
                shown.told = true;
                ended.push(ended_line(&shown.step, self.printer.stderr.palette, self.live));
            }
        }
        self.tell(&ended)
    }

    /// Takes in lines of the job's log.
    pub(crate) fn log(&mut self, lines: &[JobLogLine]) -> io::Result<()> {
        for line in lines {
            if self.last_lines.len() == KEPT_LINES {
                self.last_lines.pop_front();
            }
            self.last_lines.push_back(plain(&line.text));
        }
        if self.printer.verbose == 0 {
            return if self.live { self.redraw() } else { Ok(()) };
        }
        let palette = self.printer.stderr.palette;
        let told: Vec<String> = lines
            .iter()
            .map(|line| match line.stream {
                LogStream::Note => format!("  {} {}", palette.paint(DIM, "·"), plain(&line.text)),
                LogStream::Stdout | LogStream::Stderr => {
                    format!("  {} {}", palette.paint(DIM, "|"), plain(&line.text))
                }
            })
            .collect();
        self.tell(&told)
    }

    /// Turns the wheel of the live view.
    pub(crate) fn tick(&mut self) -> io::Result<()> {
        self.turn = (self.turn + 1) % WHEEL.len();
        if self.live { self.redraw() } else { Ok(()) }
    }

    /// Whether there is a wheel to be turned.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Says something that stays.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        self.tell(&[text.to_owned()])
    }

    /// Takes the live view away.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.tell(&[])
    }

    /// The last lines of the log, oldest first.
    pub(crate) fn last_lines(&self) -> impl Iterator<Item = &str> {
        self.last_lines.iter().map(String::as_str)
    }

    /// Writes lines that stay, in the place of the live view.
    fn tell(&mut self, lines: &[String]) -> io::Result<()> {
        if self.drawn == 0 && lines.is_empty() {
            return Ok(());
        }
        let mut text = erase(self.drawn);
        self.drawn = 0;
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        self.printer.prompt(&text)
    }

    fn redraw(&mut self) -> io::Result<()> {
        let width =
            terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
        let lines = self.frame(width, Instant::now());
        let mut text = erase(self.drawn);
        self.drawn = lines.len();
        for line in &lines {
            text.push_str(line);
            text.push('\n');
        }
        self.printer.prompt(&text)
    }

    /// The live view: the steps that run, and below them the last line of the log.
    fn frame(&self, width: usize, now: Instant) -> Vec<String> {
        let palette = self.printer.stderr.palette;
        // The last column stays free: some terminals break the line when it is filled.
        let width = width.saturating_sub(1);
        let mut lines: Vec<String> = self
            .steps
            .iter()
            .filter(|shown| shown.step.state == StepState::Running)
            .take(LIVE_LINES - 1)
            .map(|shown| {
                let passed = shown
                    .since
                    .map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
                running_line(&shown.step, passed, WHEEL[self.turn], width, palette)
            })
            .collect();
        if let (false, Some(line)) = (lines.is_empty(), self.last_lines.back()) {
            lines.push(palette.paint(DIM, &fit(&format!("  │ {line}"), width, Cut::End)));
        }
        lines
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::debug!(%error, "the progress could not be taken away");
        }
    }
}

/// Moves to the first of so many lines above, and clears from there on.
fn erase(lines: usize) -> String {
    if lines == 0 {
        String::new()
    } else {
        format!("\u{1b}[{lines}A\r\u{1b}[J")
    }
}

fn ended_line(step: &Step, palette: Palette, glyphs: bool) -> String {
    let failed = step.state == StepState::Failed;
    let (glyph, word) = if failed {
        ("✗", "failed")
    } else {
        ("✓", "done")
    };
    let mark = palette.paint(if failed { BAD } else { GOOD }, if glyphs { glyph } else { word });
    let mut line = format!("{mark} {}", plain(&step.title));
    if let Some(detail) = &step.detail {
        line.push_str(&palette.paint(DIM, &format!("  {}", plain(detail))));
    }
    if let Some(milliseconds) = step.duration_ms {
        line.push_str(&palette.paint(DIM, &format!("  {}", duration(milliseconds))));
    }
    line
}

fn running_line(step: &Step, passed: Duration, wheel: &str, width: usize, palette: Palette) -> String {
    let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
    let time = duration(passed.max(step.duration_ms.unwrap_or(0)));
    let share = step
        .progress
        .map(|share| format!("  {:.0} %", share.clamp(0.0, 1.0) * 100.0))
        .unwrap_or_default();
    let tail = format!("{share}  {time}");
    let room = width.saturating_sub(columns(&tail) + 2);
    let title = fit(&plain(&step.title), room, Cut::End);
    let detail = step
        .detail
        .as_ref()
        .map(|detail| {
            fit(
                &format!("  {}", plain(detail)),
                room.saturating_sub(columns(&title)),
                Cut::End,
            )
        })
        .unwrap_or_default();
    format!(
        "{} {title}{}",
        palette.paint(GOOD, wheel),
        palette.paint(DIM, &format!("{detail}{tail}"))
    )
}

#[cfg(test)]
mod tests;
