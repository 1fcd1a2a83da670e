//! What BuildKit tells about its steps, as events.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;

use super::messages::{StatusResponse, Timestamp, Vertex};
use crate::build::{BuildEvent, BuildReport};
use crate::error::BuildFailure;
use crate::exec::OutputStream;
use crate::tail::Tail;

/// Follows the steps of one build.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// By BuildKit's digest of the step.
    by_digest: HashMap<String, usize>,
    steps: Vec<Step>,
}

#[derive(Debug, Default)]
struct Step {
    name: String,
    /// Counted from one, from when it was started.
    index: Option<usize>,
    done: bool,
    cached: bool,
    error: String,
    tail: Tail,
}

impl Trace {
    /// Reads one record (base64 of a `StatusResponse`) and tells what is new.
    ///
    /// # Errors
    /// With the reason why it cannot be read.
    pub(crate) fn record(&mut self, aux: &str, tell: &dyn Fn(BuildEvent)) -> Result<(), String> {
        let bytes = STANDARD.decode(aux).map_err(|error| error.to_string())?;
        let status = StatusResponse::decode(&bytes[..]).map_err(|error| error.to_string())?;
        for vertex in status.vertexes {
            self.vertex(vertex, tell);
        }
        for progress in status.statuses {
            if let Some(step) = self.started(&progress.vertex)
                && let (Ok(done), Ok(total)) =
                    (u64::try_from(progress.current), u64::try_from(progress.total))
            {
                tell(BuildEvent::Progress {
                    step,
                    what: progress.id,
                    done,
                    total,
                });
            }
        }
        for log in status.logs {
            let text = String::from_utf8_lossy(&log.msg).into_owned();
            if let Some(position) = self.by_digest.get(&log.vertex) {
                self.steps[*position].tail.push(&text);
            }
            if let Some(step) = self.started(&log.vertex) {
                let stream = if log.stream == 2 {
                    OutputStream::Stderr
                } else {
                    OutputStream::Stdout
                };
                tell(BuildEvent::Log { step, stream, text });
            }
        }
        for warning in status.warnings {
            tell(BuildEvent::Warning(
                String::from_utf8_lossy(&warning.short).into_owned(),
            ));
        }
        Ok(())
    }

    fn started(&self, digest: &str) -> Option<usize> {
        self.steps[*self.by_digest.get(digest)?].index
    }

    fn vertex(&mut self, vertex: Vertex, tell: &dyn Fn(BuildEvent)) {
        let position = *self.by_digest.entry(vertex.digest).or_insert_with(|| {
            self.steps.push(Step {
                name: vertex.name,
                ..Step::default()
            });
            self.steps.len() - 1
        });
        let total = self.steps.len();
        let running = self.steps.iter().filter(|step| step.index.is_some()).count();
        let step = &mut self.steps[position];
        if !vertex.error.is_empty() {
            step.error = vertex.error;
        }
        // A step from the cache may be completed without ever having been started.
        let begun = vertex.started.is_some() || vertex.completed.is_some();
        if begun && step.index.is_none() {
            step.index = Some(running + 1);
            tell(BuildEvent::StepStarted {
                index: running + 1,
                total,
                name: step.name.clone(),
            });
        }
        if let (Some(completed), Some(index), false) = (vertex.completed, step.index, step.done) {
            step.done = true;
            step.cached = vertex.cached;
            let duration = vertex
                .started
                .map(|started| between(started, completed))
                .unwrap_or_default();
            tell(BuildEvent::StepDone {
                step: index,
                cached: vertex.cached,
                duration,
            });
        }
    }

    /// What a failed build is reported with: the step that failed by itself, not those that were given up for it.
    pub(crate) fn failure(&self, message: &str) -> BuildFailure {
        let given_up = |step: &&Step| !step.error.is_empty() && !step.error.contains("context canceled");
        let step = self.steps.iter().find(given_up);
        BuildFailure {
            step: step.map(|step| step.name.clone()).unwrap_or_default(),
            message: message.trim().to_owned(),
            last_lines: step.map(|step| step.tail.lines()).unwrap_or_default(),
            code: exit_code(message),
            fix: None,
        }
    }

    pub(crate) fn report(&self, image_id: String) -> BuildReport {
        BuildReport {
            image_id,
            steps: self.steps.iter().filter(|step| step.done).count(),
            cached: self.steps.iter().filter(|step| step.cached).count(),
        }
    }
}

/// The number behind "exit code: ".
fn exit_code(message: &str) -> Option<i64> {
    let (_, rest) = message.rsplit_once("exit code: ")?;
    rest.split(|character: char| !character.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

fn between(start: Timestamp, end: Timestamp) -> Duration {
    let nanoseconds = |at: Timestamp| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
    u64::try_from(nanoseconds(end) - nanoseconds(start))
        .map(Duration::from_nanos)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::buildkit::messages::VertexLog;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    fn told(trace: &mut Trace, status: &StatusResponse) -> Vec<BuildEvent> {
        let events = RefCell::new(Vec::new());
        trace
            .record(&STANDARD.encode(status.encode_to_vec()), &|event| {
                events.borrow_mut().push(event);
            })
            .unwrap();
        events.into_inner()
    }

    fn vertex(digest: &str, started: Option<Timestamp>, completed: Option<Timestamp>) -> Vertex {
        Vertex {
            digest: digest.into(),
            name: format!("RUN {digest}"),
            started,
            completed,
            ..Vertex::default()
        }
    }

    #[test]
    fn a_step_is_told_once_for_its_start_and_once_for_its_end() {
        let mut trace = Trace::default();
        let announced = StatusResponse {
            vertexes: vec![vertex("a", None, None), vertex("b", at(10), None)],
            ..Default::default()
        };
        assert_eq!(
            told(&mut trace, &announced),
            [BuildEvent::StepStarted {
                index: 1,
                total: 2,
                name: "RUN b".into()
            }]
        );
        let log = VertexLog {
            vertex: "b".into(),
            stream: 2,
            msg: b"oops\n".to_vec(),
        };
        let running = StatusResponse {
            vertexes: vec![vertex("b", at(10), None)],
            logs: vec![log],
            ..Default::default()
        };
        let expected = BuildEvent::Log {
            step: 1,
            stream: OutputStream::Stderr,
            text: "oops\n".into(),
        };
        assert_eq!(told(&mut trace, &running), [expected]);
        let mut failed = vertex("b", at(10), at(12));
        failed.error = "process did not complete: exit code: 3".into();
        let ended = StatusResponse {
            vertexes: vec![failed],
            ..Default::default()
        };
        let expected = BuildEvent::StepDone {
            step: 1,
            cached: false,
            duration: Duration::from_secs(2),
        };
        assert_eq!(told(&mut trace, &ended), [expected]);
        assert_eq!(told(&mut trace, &ended), []);
        let failure = trace.failure("failed to solve: exit code: 3");
        assert_eq!((failure.step.as_str(), failure.code), ("RUN b", Some(3)));
        assert_eq!(failure.last_lines, ["oops"]);
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        assert!(Trace::default().record("!", &|_| {}).is_err());
        assert!(
            Trace::default()
                .record(&STANDARD.encode([0xff; 10]), &|_| {})
                .is_err()
        );
    }
}
