use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use time::macros::datetime;

fn reading(second: i64, cpu_percent: Option<f64>) -> StatsReading {
    StatsReading {
        at: datetime!(2026-01-01 00:00 UTC) + time::Duration::seconds(second),
        cpu_percent,
        cpus: 2,
        memory: 1,
        memory_limit: 2,
        received: 0,
        sent: 0,
        disk_read: 0,
        disk_written: 0,
        processes: 1,
    }
}

#[test]
fn the_history_is_an_hour_of_means() {
    let mut history = History::default();
    for second in 0..2 * 3600 {
        history.add(&reading(second, Some((second % 10) as f64)));
    }
    assert!(
        (360..=361).contains(&history.points.len()),
        "{}",
        history.points.len()
    );
    let full = &history.points[100];
    assert_eq!(full.cpu_percent, Some(4.5), "the mean of 0 to 9");
    assert!(history.points.front().unwrap().at >= reading(3600 - 10, None).at);
}

#[test]
fn a_first_reading_without_a_share_does_not_spoil_the_mean() {
    let mut history = History::default();
    history.add(&reading(0, None));
    history.add(&reading(1, Some(8.0)));
    assert_eq!(history.points.len(), 1);
    assert_eq!(history.points[0].cpu_percent, Some(8.0));
}

/// A container that is asked about through `asked`, and says what the sender is given.
fn container(
    asked: &Arc<AtomicUsize>,
) -> (
    mpsc::UnboundedSender<StatsReading>,
    impl Future<Output = Result<Readings, EngineError>> + Send + 'static,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let asked = asked.clone();
    let question = async move {
        asked.fetch_add(1, Ordering::SeqCst);
        let readings = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|reading| (Ok(reading), receiver))
        });
        Ok(readings.boxed())
    };
    (sender, question)
}

#[tokio::test]
async fn the_engine_is_asked_once_for_all_who_look_and_not_at_all_when_nobody_does() {
    let (stats, asked) = (Stats::default(), Arc::new(AtomicUsize::new(0)));
    let (says, question) = container(&asked);
    let (history, mut first) = stats.look_at("one", question);
    assert!(history.is_empty());
    let (_unused, never_asked) = container(&asked);
    let (_, mut second) = stats.look_at("one", never_asked);
    says.send(reading(0, Some(1.0))).unwrap();
    assert_eq!(first.recv().await.unwrap().cpu_percent, Some(1.0));
    assert_eq!(second.recv().await.unwrap().cpu_percent, Some(1.0));
    assert_eq!((asked.load(Ordering::SeqCst), stats.asked()), (1, 1));

    drop((first, second));
    // The engine is left: its stream is dropped.
    says.closed().await;
    assert_eq!(stats.asked(), 0);

    let (says, question) = container(&asked);
    let (history, mut third) = stats.look_at("one", question);
    assert_eq!(history.len(), 1, "what was seen is remembered");
    says.send(reading(20, Some(2.0))).unwrap();
    assert_eq!(third.recv().await.unwrap().cpu_percent, Some(2.0));
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    drop(says);
    assert!(third.recv().await.is_err(), "it ends with the container");
    assert_eq!(stats.asked(), 0);
}

#[tokio::test]
async fn who_cannot_be_asked_ends_at_once() {
    let stats = Stats::default();
    let refused = async {
        Err(EngineError::Answer {
            operation: "read".into(),
            status: 500,
            message: "no".into(),
        })
    };
    let (_, mut readings) = stats.look_at("one", refused);
    assert!(readings.recv().await.is_err());
    assert_eq!(stats.asked(), 0);
}
