//! Jobs: long operations with steps, progress, a bounded log, followers and cancellation.

use crate::config::Clock;
use devctl_model::{
    Change, ErrorCode, Job, JobId, JobLogLine, JobState, JobUpdate, LogStream, Problem, Step, StepState,
};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Lines of a job's log that are kept. A hook may print without end; memory may not.
const KEPT_LINES: usize = 20_000;
/// Longer lines are cut.
const LONGEST_LINE: usize = 16 * 1024;
/// Jobs that are kept after their end.
const KEPT_JOBS: usize = 50;

/// The jobs of this process.
#[derive(Clone)]
pub(crate) struct Jobs {
    inner: Arc<Mutex<BTreeMap<String, Arc<Running>>>>,
    changes: broadcast::Sender<Change>,
    clock: Clock,
}

struct Running {
    state: Mutex<State>,
    /// Counts up with each change of `state`.
    version: watch::Sender<u64>,
    cancel: CancellationToken,
    changes: broadcast::Sender<Change>,
    clock: Clock,
}

struct State {
    job: Job,
    log: VecDeque<JobLogLine>,
    next_line: u64,
    step_began: Option<Instant>,
    /// The unfinished line of each stream.
    partial: BTreeMap<u8, Vec<u8>>,
}

/// The side of a job that does the work.
#[derive(Clone)]
pub(crate) struct JobHandle {
    running: Arc<Running>,
}

impl Jobs {
    pub(crate) fn new(changes: broadcast::Sender<Change>, clock: Clock) -> Self {
        Self {
            inner: Arc::default(),
            changes,
            clock,
        }
    }

    /// Starts `work` as a job and returns at once. The job ends when the work does; a panic ends it as failed.
    pub(crate) fn start<F, T>(
        &self,
        operation: &str,
        subject: &str,
        work: impl FnOnce(JobHandle) -> F,
    ) -> JobId
    where
        F: Future<Output = Result<T, Problem>> + Send + 'static,
        T: serde::Serialize + Send + 'static,
    {
        let id = JobId(uuid::Uuid::now_v7().to_string());
        let job = Job {
            id: id.clone(),
            operation: operation.to_owned(),
            subject: subject.to_owned(),
            state: JobState::Running,
            steps: Vec::new(),
            started_at: crate::clock::text((self.clock)()),
            finished_at: None,
            problem: None,
            result: None,
            cancel_effect: None,
        };
        let running = Arc::new(Running {
            state: Mutex::new(State {
                job,
                log: VecDeque::new(),
                next_line: 0,
                step_began: None,
                partial: BTreeMap::new(),
            }),
            version: watch::Sender::new(0),
            cancel: CancellationToken::new(),
            changes: self.changes.clone(),
            clock: self.clock.clone(),
        });
        {
            let mut jobs = lock(&self.inner);
            let ended: Vec<String> = jobs
                .iter()
                .filter(|(_, running)| lock(&running.state).job.state != JobState::Running)
                .map(|(id, _)| id.clone())
                .collect();
            for id in ended.iter().take(ended.len().saturating_sub(KEPT_JOBS)) {
                jobs.remove(id);
            }
            jobs.insert(id.0.clone(), running.clone());
        }
        running.announce();
        let task = tokio::spawn(work(JobHandle {
            running: running.clone(),
        }));
        tokio::spawn(async move {
            let result = match task.await {
                Ok(result) => result.and_then(|value| {
                    serde_json::to_value(value).map_err(|error| {
                        Problem::new(ErrorCode::Internal, "an answer could not be written")
                            .why(error.to_string())
                    })
                }),
                Err(error) => Err(Problem::new(
                    ErrorCode::Internal,
                    "a defect of the launcher ended this job",
                )
                .why(error.to_string())
                .fix_command("See what works and what does not", "devctl doctor")),
            };
            running.end(result);
        });
        id
    }

    pub(crate) fn list(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = lock(&self.inner)
            .values()
            .map(|running| running.snapshot())
            .collect();
        jobs.reverse();
        jobs
    }

    fn get(&self, id: &JobId) -> Result<Arc<Running>, Problem> {
        lock(&self.inner).get(id.as_str()).cloned().ok_or_else(|| {
            Problem::new(
                ErrorCode::JobNotFound,
                format!("there is no job {id} in this process"),
            )
        })
    }

    pub(crate) fn show(&self, id: &JobId) -> Result<Job, Problem> {
        Ok(self.get(id)?.snapshot())
    }

    /// Asks a job to stop. Says whether it still ran.
    pub(crate) fn cancel(&self, id: &JobId) -> Result<bool, Problem> {
        let running = self.get(id)?;
        let runs = running.snapshot().state == JobState::Running;
        running.cancel.cancel();
        Ok(runs)
    }

    /// The job with its log so far, then each change, until it ends. A follower that is slow misses steps in between,
    /// never the last one.
    pub(crate) fn follow(&self, id: &JobId) -> Result<mpsc::Receiver<JobUpdate>, Problem> {
        let running = self.get(id)?;
        let (sender, receiver) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut version = running.version.subscribe();
            let mut next_line = 0;
            let mut last: Option<Job> = None;
            loop {
                version.borrow_and_update();
                let (job, lines) = {
                    let state = lock(&running.state);
                    let first = state.next_line - state.log.len() as u64;
                    let skip = usize::try_from(next_line.max(first) - first).unwrap_or(usize::MAX);
                    let lines: Vec<JobLogLine> = state.log.iter().skip(skip).take(1000).cloned().collect();
                    (state.job.clone(), lines)
                };
                let more = lines.len() == 1000;
                let ended = job.state != JobState::Running && !more;
                if let Some(line) = lines.last() {
                    next_line = line.number + 1;
                }
                let send_job = last.as_ref() != Some(&job);
                // The log comes before the end, so that whoever stops at the end has seen all of it.
                if (last.is_none() && !ended)
                    && sender.send(JobUpdate::Job { job: job.clone() }).await.is_err()
                {
                    return;
                }
                if !lines.is_empty() && sender.send(JobUpdate::Log { lines }).await.is_err() {
                    return;
                }
                if (send_job && last.is_some() || ended)
                    && sender.send(JobUpdate::Job { job: job.clone() }).await.is_err()
                {
                    return;
                }
                last = Some(job);
                if ended || (!more && version.changed().await.is_err()) {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    /// Waits for the end of a job.
    pub(crate) async fn wait(&self, id: &JobId) -> Result<Job, Problem> {
        let running = self.get(id)?;
        let mut version = running.version.subscribe();
        loop {
            let job = running.snapshot();
            if job.state != JobState::Running {
                return Ok(job);
            }
            if version.changed().await.is_err() {
                return Ok(running.snapshot());
            }
        }
    }
}

impl Running {
    fn snapshot(&self) -> Job {
        lock(&self.state).job.clone()
    }

    fn announce(&self) {
        self.version.send_modify(|version| *version += 1);
        // Nobody listening is no failure.
        let _ = self.changes.send(Change::Job { job: self.snapshot() });
    }

    fn end(&self, result: Result<serde_json::Value, Problem>) {
        {
            let mut state = lock(&self.state);
            flush_partial(&mut state, &self.clock);
            let failed = result.is_err();
            if let Some(step) = state
                .job
                .steps
                .iter_mut()
                .rev()
                .find(|step| step.state == StepState::Running)
            {
                step.state = if failed {
                    StepState::Failed
                } else {
                    StepState::Done
                };
            }
            close_step_time(&mut state);
            state
                .job
                .steps
                .retain(|step| failed || step.state != StepState::Waiting);
            state.job.finished_at = Some(crate::clock::text((self.clock)()));
            let left = state.job.cancel_effect.take();
            match result {
                Ok(value) => {
                    state.job.state = JobState::Done;
                    state.job.result = Some(value);
                }
                Err(mut problem) => {
                    state.job.state = match problem.code {
                        ErrorCode::Cancelled => JobState::Cancelled,
                        _ => JobState::Failed,
                    };
                    if problem.code == ErrorCode::Cancelled && problem.safe.is_empty() {
                        problem.safe.extend(left);
                    }
                    state.job.problem = Some(problem);
                }
            }
        }
        self.announce();
    }
}

impl JobHandle {
    /// Names the steps that are to come, so that a reader sees the whole way from the start.
    pub(crate) fn plan(&self, titles: &[&str]) {
        {
            let mut state = lock(&self.running.state);
            state.job.steps.retain(|step| step.state != StepState::Waiting);
            for title in titles {
                state.job.steps.push(step(title, StepState::Waiting));
            }
        }
        self.running.announce();
    }

    /// Begins the step of that title (one that was planned, else a new one); the one before it is done.
    pub(crate) fn step(&self, title: &str) {
        {
            let mut state = lock(&self.running.state);
            flush_partial(&mut state, &self.running.clock);
            for step in state
                .job
                .steps
                .iter_mut()
                .filter(|step| step.state == StepState::Running)
            {
                step.state = StepState::Done;
                step.progress = None;
            }
            close_step_time(&mut state);
            let steps = &mut state.job.steps;
            match steps
                .iter()
                .position(|step| step.title == title && step.state == StepState::Waiting)
            {
                Some(found) => {
                    steps[found].state = StepState::Running;
                    // What was planned before it and not begun had nothing to do.
                    for step in &mut steps[..found] {
                        if step.state == StepState::Waiting {
                            step.state = StepState::Skipped;
                        }
                    }
                }
                None => {
                    let at = steps
                        .iter()
                        .position(|s| s.state == StepState::Waiting)
                        .unwrap_or(steps.len());
                    steps.insert(at, step(title, StepState::Running));
                }
            }
            state.step_began = Some(Instant::now());
        }
        self.running.announce();
    }

    /// Says more about the current step.
    pub(crate) fn detail(&self, detail: impl Into<String>) {
        self.edit(|step| step.detail = Some(detail.into()));
    }

    /// Says how far the current step is, 0 to 1.
    pub(crate) fn progress(&self, share: f64, detail: impl Into<String>) {
        self.edit(|step| {
            step.progress = Some(share.clamp(0.0, 1.0));
            step.detail = Some(detail.into());
        });
    }

    /// Says what cancelling does from now on.
    pub(crate) fn cancel_effect(&self, effect: &str) {
        lock(&self.running.state).job.cancel_effect = Some(effect.to_owned());
        self.running.announce();
    }

    /// Names what the job is about, once that is known.
    pub(crate) fn subject(&self, subject: &str) {
        lock(&self.running.state).job.subject = subject.to_owned();
        self.running.announce();
    }

    /// Adds output to the log; lines may come in pieces.
    pub(crate) fn output(&self, stream: LogStream, bytes: &[u8]) {
        {
            let mut state = lock(&self.running.state);
            let mut buffer = state.partial.remove(&(stream as u8)).unwrap_or_default();
            // Once for all lines of a piece: a command that prints without end is held up by nothing else.
            let moment = Moment::now(&state, &self.running.clock);
            for byte_line in bytes.split_inclusive(|byte| *byte == b'\n') {
                if buffer.len() < LONGEST_LINE {
                    buffer.extend_from_slice(byte_line);
                }
                if byte_line.ends_with(b"\n") {
                    push_line(&mut state, &moment, stream, &buffer);
                    buffer.clear();
                }
            }
            if !buffer.is_empty() {
                state.partial.insert(stream as u8, buffer);
            }
        }
        self.running.version.send_modify(|version| *version += 1);
    }

    /// Adds a line of our own to the log.
    pub(crate) fn note(&self, text: &str) {
        self.output(LogStream::Note, format!("{text}\n").as_bytes());
    }

    /// The last lines of the current step's log. Half of them are kept for what was written as an error, where there is
    /// so much of it: the two streams come on their own ways, and what went wrong must not be pushed out by what went on.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<String> {
        let mut state = lock(&self.running.state);
        flush_partial(&mut state, &self.running.clock);
        let step = current_step(&state);
        let lines = || {
            let log = state.log.iter().rev();
            log.filter(|line| line.step == step && line.stream != LogStream::Note)
        };
        let errors = lines()
            .filter(|line| line.stream == LogStream::Stderr)
            .take(count / 2);
        let mut chosen: std::collections::BTreeMap<u64, &str> =
            errors.map(|line| (line.number, line.text.as_str())).collect();
        for line in lines() {
            if chosen.len() >= count {
                break;
            }
            chosen.insert(line.number, &line.text);
        }
        chosen.into_values().map(str::to_owned).collect()
    }

    /// Ends when somebody wants the job to stop.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.running.cancel
    }

    /// Fails when somebody wants the job to stop.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.running.cancel.is_cancelled() {
            Err(cancelled())
        } else {
            Ok(())
        }
    }

    /// Gives up `work` when somebody wants the job to stop.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        tokio::select! {
            biased;
            () = self.running.cancel.cancelled() => Err(cancelled()),
            result = work => result,
        }
    }

    fn edit(&self, change: impl FnOnce(&mut Step)) {
        let mut state = lock(&self.running.state);
        if let Some(step) = state
            .job
            .steps
            .iter_mut()
            .rev()
            .find(|step| step.state == StepState::Running)
        {
            change(step);
        }
        drop(state);
        self.running.announce();
    }
}

/// What a job that was asked to stop fails with.
pub(crate) fn cancelled() -> Problem {
    Problem::new(ErrorCode::Cancelled, "stopped on request")
}

fn step(title: &str, state: StepState) -> Step {
    Step {
        title: title.to_owned(),
        detail: None,
        state,
        duration_ms: None,
        progress: None,
    }
}

fn current_step(state: &State) -> u32 {
    let begun = state
        .job
        .steps
        .iter()
        .rposition(|step| step.state != StepState::Waiting);
    begun.and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}

fn close_step_time(state: &mut State) {
    let took = state
        .step_began
        .take()
        .map(|began| u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    let index = current_step(state) as usize;
    if let Some(step) = state.job.steps.get_mut(index)
        && step.duration_ms.is_none()
    {
        step.duration_ms = took;
    }
}

fn flush_partial(state: &mut State, clock: &Clock) {
    let moment = Moment::now(state, clock);
    for (stream, bytes) in std::mem::take(&mut state.partial) {
        let stream = match stream {
            0 => LogStream::Stdout,
            1 => LogStream::Stderr,
            _ => LogStream::Note,
        };
        push_line(state, &moment, stream, &bytes);
    }
}

/// When lines came, and in which step.
struct Moment {
    at: String,
    step: u32,
}

impl Moment {
    fn now(state: &State, clock: &Clock) -> Self {
        Self {
            at: crate::clock::text(clock()),
            step: current_step(state),
        }
    }
}

fn push_line(state: &mut State, moment: &Moment, stream: LogStream, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(LONGEST_LINE)];
    let text = String::from_utf8_lossy(bytes)
        .trim_end_matches(['\n', '\r'])
        .to_owned();
    let line = JobLogLine {
        number: state.next_line,
        at: moment.at.clone(),
        step: moment.step,
        stream,
        text,
    };
    state.next_line += 1;
    state.log.push_back(line);
    if state.log.len() > KEPT_LINES {
        state.log.pop_front();
    }
}

/// A panic elsewhere leaves the state whole: each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn jobs() -> Jobs {
        Jobs::new(broadcast::channel(16).0, Arc::new(SystemTime::now))
    }

    #[tokio::test]
    async fn a_follower_sees_every_line_and_then_the_end() {
        let jobs = jobs();
        let id = jobs.start("up", "hello", |job| async move {
            job.plan(&["One", "Two", "Three"]);
            job.step("One");
            job.output(LogStream::Stdout, b"a\nb");
            job.output(LogStream::Stdout, b"c\n");
            job.step("Three");
            job.output(LogStream::Stderr, b"unfinished");
            Ok(7)
        });
        let mut updates = jobs.follow(&id).unwrap();
        let (mut lines, mut last) = (Vec::new(), None);
        while let Some(update) = updates.recv().await {
            match update {
                JobUpdate::Log { lines: more } => {
                    lines.extend(more.into_iter().map(|line| (line.step, line.text)));
                }
                JobUpdate::Job { job } => last = Some(job),
            }
        }
        assert_eq!(
            lines,
            [(0, "a".into()), (0, "bc".into()), (2, "unfinished".into())]
        );
        let last = last.unwrap();
        assert_eq!((last.state, last.result), (JobState::Done, Some(7.into())));
        let states: Vec<StepState> = last.steps.iter().map(|step| step.state).collect();
        assert_eq!(states, [StepState::Done, StepState::Skipped, StepState::Done]);
    }

    #[tokio::test]
    async fn a_panic_ends_the_job_as_failed_and_a_cancelled_one_as_cancelled() {
        let jobs = jobs();
        let id = jobs.start("up", "x", |_| async move {
            if true {
                panic!("a defect");
            }
            Ok(())
        });
        let job = jobs.wait(&id).await.unwrap();
        assert_eq!(
            (job.state, job.problem.unwrap().code),
            (JobState::Failed, ErrorCode::Internal)
        );

        let id = jobs.start("up", "x", |job| async move {
            job.unless_cancelled(std::future::pending::<Result<(), Problem>>())
                .await
        });
        assert!(jobs.cancel(&id).unwrap());
        assert_eq!(jobs.wait(&id).await.unwrap().state, JobState::Cancelled);
        assert!(!jobs.cancel(&id).unwrap());
    }

    #[tokio::test]
    async fn endless_output_takes_bounded_memory_and_a_late_follower_gets_the_end_of_it() {
        let jobs = jobs();
        let id = jobs.start("up", "x", |job| async move {
            job.step("Print");
            for number in 0..50_000 {
                job.output(LogStream::Stdout, format!("line {number}\n").as_bytes());
            }
            job.output(LogStream::Stdout, &vec![b'x'; 1 << 20]);
            job.output(LogStream::Stdout, b"\n");
            Ok(())
        });
        jobs.wait(&id).await.unwrap();
        let mut updates = jobs.follow(&id).unwrap();
        let mut lines = Vec::new();
        while let Some(update) = updates.recv().await {
            if let JobUpdate::Log { lines: more } = update {
                lines.extend(more);
            }
        }
        assert_eq!(lines.len(), KEPT_LINES);
        assert_eq!(lines.last().unwrap().text.len(), LONGEST_LINE);
        assert_eq!(lines.last().unwrap().number, 50_000);
    }
}
