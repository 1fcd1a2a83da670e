//! `devctl logs`.

use crate::args::Since;
use crate::args::look::LogsArgs;
use crate::failure::Failure;
use crate::output::Printer;
use crate::session::Session;
use devctl_core::LogBatch;
use devctl_core::operations::Operations;
use devctl_model::{FollowLogs, Nothing, Problem};
use sink::Sink;
use time::OffsetDateTime;
use tokio::sync::mpsc;

mod sink;

/// A log that is being read.
struct Source {
    /// Shown before each line where there are several.
    name: String,
    batches: mpsc::Receiver<Result<LogBatch, Problem>>,
}

pub(crate) async fn run(printer: &Printer, args: LogsArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let named = named(&session, &args).await?;
    let several = named.len() > 1;
    let merged = several && !args.follow;
    let times = args.timestamps || printer.json || merged;
    let mut sources = Vec::new();
    for (name, container) in named {
        let request = FollowLogs {
            container,
            follow: args.follow,
            tail: args.tail,
            since: moment(args.since, "--since")?,
            until: moment(args.until, "--until")?,
            grep: args.grep.clone(),
        };
        match session.core.read_logs(&session.caller, request, times).await {
            Ok(batches) => sources.push(Source { name, batches }),
            // One that has no log to be read does not keep the others away.
            Err(problem) if args.all => printer.note(&format!("devctl: {name}: {problem}"))?,
            Err(problem) => return Err(problem.into()),
        }
    }
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let mut sink = Sink::open(printer, &args, if several { names } else { Vec::new() })?;
    let ended = if merged {
        by_time(sources, &mut sink).await
    } else {
        as_they_come(sources, &mut sink).await
    };
    sink.end(ended)
}

/// The containers that are meant: what to call each, and how the core finds it.
async fn named(session: &Session, args: &LogsArgs) -> Result<Vec<(String, String)>, Failure> {
    if !args.all {
        let names = args.containers.iter();
        return Ok(names.map(|name| (name.clone(), name.clone())).collect());
    }
    let list = session.core.list_containers(&session.caller, Nothing {}).await?;
    let all = list.containers.into_iter();
    Ok(all.map(|container| (container.name, container.id.0)).collect())
}

fn moment(given: Option<Since>, option: &str) -> Result<Option<String>, Failure> {
    given
        .map(|moment| {
            moment
                .rfc3339(OffsetDateTime::now_utc())
                .ok_or_else(|| Failure::usage(format!("{option} lies too far back")))
        })
        .transpose()
}

/// One log, or several that are followed.
async fn as_they_come(mut sources: Vec<Source>, sink: &mut Sink) -> Result<(), Failure> {
    if let [source] = sources.as_mut_slice() {
        while let Some(batch) = source.batches.recv().await {
            sink.batch(0, &batch?)?;
        }
        return Ok(());
    }
    let (sender, mut receiver) = mpsc::channel(1);
    for (index, mut source) in sources.into_iter().enumerate() {
        let sender = sender.clone();
        tokio::spawn(async move {
            while let Some(batch) = source.batches.recv().await {
                if sender.send((index, batch)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    while let Some((index, batch)) = receiver.recv().await {
        sink.batch(index, &batch?)?;
    }
    Ok(())
}

/// Several logs that have an end, as one in the order of time. Of each only what comes next is in memory.
async fn by_time(mut sources: Vec<Source>, sink: &mut Sink) -> Result<(), Failure> {
    struct Head {
        batch: LogBatch,
        next: usize,
    }
    let mut heads: Vec<Option<Head>> = Vec::new();
    for source in &mut sources {
        let batch = source.batches.recv().await.transpose()?;
        heads.push(batch.map(|batch| Head { batch, next: 0 }));
    }
    loop {
        let first = heads
            .iter()
            .enumerate()
            .filter_map(|(index, head)| {
                let head = head.as_ref()?;
                Some((head.batch.line(head.next)?.at, index))
            })
            .min();
        let Some((_, index)) = first else {
            return Ok(sink.flush()?);
        };
        let Some(head) = &mut heads[index] else { continue };
        if let Some(line) = head.batch.line(head.next) {
            sink.line(index, line)?;
        }
        head.next += 1;
        if head.batch.line(head.next).is_none() {
            let batch = sources[index].batches.recv().await.transpose()?;
            heads[index] = batch.map(|batch| Head { batch, next: 0 });
        }
    }
}
