use super::*;
use crate::output::Channel;

fn printer() -> Printer {
    let channel = Channel {
        terminal: false,
        palette: Palette::new(false),
    };
    Printer {
        json: false,
        quiet: true,
        verbose: 0,
        stdout: channel,
        stderr: channel,
    }
}

fn step(title: &str, state: StepState) -> Step {
    Step {
        title: title.into(),
        detail: None,
        state,
        duration_ms: None,
        progress: None,
    }
}

fn job(steps: Vec<Step>) -> Job {
    Job {
        id: "1".into(),
        operation: "up".into(),
        subject: "hello".into(),
        state: devctl_model::JobState::Running,
        steps,
        started_at: String::new(),
        finished_at: None,
        problem: None,
        result: None,
        cancel_effect: None,
    }
}

fn line(number: u64) -> JobLogLine {
    JobLogLine {
        number,
        at: String::new(),
        step: 0,
        stream: LogStream::Stdout,
        text: format!("line {number}"),
    }
}

#[test]
fn the_live_view_holds_the_steps_that_run_and_the_last_line() {
    let mut progress = Progress::new(&printer());
    let mut pull = step("Pull image", StepState::Running);
    pull.progress = Some(0.421);
    pull.detail = Some("7 of 9 layers here".into());
    pull.duration_ms = Some(1500);
    progress
        .job(&job(vec![
            step("Read configuration", StepState::Done),
            pull,
            step("Create container", StepState::Waiting),
        ]))
        .unwrap();
    progress.log(&[line(1), line(2)]).unwrap();
    let frame = progress.frame(80, Instant::now());
    assert_eq!(
        frame,
        ["⠋ Pull image  7 of 9 layers here  42 %  1.5 s", "  │ line 2"]
    );
}

#[test]
fn no_line_of_the_live_view_is_wider_than_the_terminal() {
    let mut progress = Progress::new(&printer());
    let mut pull = step(&"very long ".repeat(20), StepState::Running);
    pull.detail = Some("more ".repeat(20));
    progress.job(&job(vec![pull])).unwrap();
    progress
        .log(&[JobLogLine {
            text: "x".repeat(500),
            ..line(0)
        }])
        .unwrap();
    for width in [10, 40, 80] {
        for line in progress.frame(width, Instant::now()) {
            assert!(columns(&line) < width, "{width}: {line}");
        }
    }
}

#[test]
fn many_steps_at_once_do_not_flood_the_terminal() {
    let mut progress = Progress::new(&printer());
    progress
        .job(&job((0..50).map(|_| step("hook", StepState::Running)).collect()))
        .unwrap();
    progress.log(&[line(1)]).unwrap();
    assert_eq!(progress.frame(80, Instant::now()).len(), LIVE_LINES);
}

#[test]
fn the_last_lines_are_kept_and_no_more() {
    let mut progress = Progress::new(&printer());
    for number in 0..50 {
        progress.log(&[line(number)]).unwrap();
    }
    let kept: Vec<&str> = progress.last_lines().collect();
    assert_eq!(kept.len(), KEPT_LINES);
    assert_eq!(kept[0], "line 30");
    assert_eq!(kept[KEPT_LINES - 1], "line 49");
}

#[test]
fn a_step_that_lacks_consent_is_not_shown_as_failed() {
    let told = |problem| {
        let mut progress = Progress::new(&Printer {
            quiet: false,
            ..printer()
        });
        let mut ended = job(vec![step("Check consent", StepState::Failed)]);
        progress.job(&ended).unwrap();
        assert!(!progress.steps[0].told, "why is not known yet");
        ended.state = JobState::Failed;
        ended.problem = Some(devctl_model::Problem::new(problem, "why"));
        progress.job(&ended).unwrap();
        progress.steps[0].told
    };
    assert!(!told(ErrorCode::ConsentRequired));
    assert!(told(ErrorCode::HookFailed));
}

#[test]
fn a_step_that_ended_is_told_in_words_where_no_terminal_is() {
    let mut done = step("Create container", StepState::Done);
    done.duration_ms = Some(310);
    let failed = step("Run postCreateCommand", StepState::Failed);
    assert_eq!(
        ended_line(&done, Palette::new(false), false),
        "done Create container  310 ms"
    );
    assert_eq!(
        ended_line(&failed, Palette::new(false), true),
        "✗ Run postCreateCommand"
    );
}
