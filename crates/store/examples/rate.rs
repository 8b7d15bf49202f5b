//! Measures the store on the disk of a directory: `cargo run --release -p papo-store --example rate -- DIR [MESSAGES]`.
//!
//! Prints how many messages a second are made durable one at a time and in batches, how fast a start replays and indexes them, and how
//! long a page of a long conversation takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use papo_core::chat::{Record, TimelineKey};
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Entry, Index, Operation, RequestId, Write};
use papo_store::{PageQuery, Running, Store, StoreEvent};

const LONE: u64 = 2_000;
const CHANNELS: u64 = 50;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(dir) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: rate DIR [MESSAGES]");
        std::process::exit(64);
    };
    let messages = arguments.next().map_or(1_000_000, |count| count.parse().expect("MESSAGES is a number"));
    let (running, events) = start(&dir);
    let begin = Instant::now();
    for index in 1..=LONE {
        append(&running, index, 1);
        wait_for(&events, index);
    }
    report("messages, one after the other", LONE, begin.elapsed());
    let mut next = LONE + 1;
    for batch in [16, 64, 1024] {
        let first = next;
        let begin = Instant::now();
        while next < first + messages / 3 {
            append(&running, next, batch);
            wait_for(&events, next + batch - 1);
            next += batch;
        }
        report(&format!("messages in batches of {batch}"), next - first, begin.elapsed());
    }
    drop(running);
    replay(&dir);
}

fn replay(dir: &std::path::Path) {
    let begin = Instant::now();
    let store = Store::open(dir).expect("it was written just now");
    println!("{:>12.1} ms   to open", millis(begin.elapsed()));
    let log = store.reader().expect("it is open");
    let begin = Instant::now();
    let last = log.scan(1, |_| ()).expect("it was written just now").index;
    report("entries replayed", last, begin.elapsed());
    let (events, _keep) = channel();
    let running = store.start(move |event| drop(events.send(event))).expect("it is open");
    let begin = Instant::now();
    for chunk in (1..=last).collect::<Vec<_>>().chunks(10_000) {
        running.views.index(chunk.iter().map(|&index| record(index)).collect(), chunk[chunk.len() - 1]);
        running.views.settle();
    }
    report("messages indexed", last, begin.elapsed());
    let mut times: Vec<Duration> =
        (0..200).map(|number| page(&running, last - number * last / 400)).collect();
    times.sort();
    println!("{:>12.3} ms   a page of 50 (p50), {:.3} ms (p99)", millis(times[100]), millis(times[198]));
}

fn page(running: &Running, before: Index) -> Duration {
    let (answer, answered) = channel();
    let begin = Instant::now();
    let query = PageQuery { key: channel_key(before), before: Some(before), after: None, limit: 50 };
    running.views.page(query, move |page| answer.send(page).expect("it is waited for"));
    let page = answered.recv().expect("every read is answered").expect("the disk is well");
    assert_eq!(page.entries.len(), 50);
    begin.elapsed()
}

fn start(dir: &std::path::Path) -> (Running, Receiver<StoreEvent>) {
    let store = Store::open(dir).expect("the directory can be used");
    assert!(store.is_new(), "{} holds a log already", dir.display());
    let (events, received) = channel();
    // After the end nobody listens.
    let running = store.start(move |event| drop(events.send(event))).expect("it is open");
    (running, received)
}

fn append(running: &Running, from: Index, count: u64) {
    let entries = (from..from + count).map(|index| Arc::new(entry(index))).collect();
    running.writer.submit(from + count - 1, Write::Append { after: from - 1, entries, committed: from - 1 });
}

fn wait_for(events: &Receiver<StoreEvent>, id: u64) {
    loop {
        match events.recv().expect("the store runs") {
            StoreEvent::Durable { up_to, .. } if up_to >= id => return,
            StoreEvent::Durable { .. } => {}
            event => panic!("{event:?}"),
        }
    }
}

fn entry(index: Index) -> Entry {
    Entry {
        index,
        epoch: 1,
        lamport: Lamport::new(index),
        time: WallTime::from_nanos(1_700_000_000_000_000_000 + index.cast_signed() * 1_000_000),
        author: format!("user-{}", index % 100),
        request_id: Some(RequestId::Client(format!("{index:032x}"))),
        operation: Operation::Publish {
            channel: format!("channel-{}", index % CHANNELS),
            user: format!("user-{}", index % 100),
            message: "x".repeat(100),
        },
    }
}

fn channel_key(index: Index) -> TimelineKey {
    TimelineKey::Channel(format!("channel-{}", index % CHANNELS))
}

fn record(index: Index) -> Record {
    Record { index, timelines: vec![channel_key(index)] }
}

fn report(what: &str, count: u64, span: Duration) {
    println!("{:>12.0} /s   {what}", count as f64 / span.as_secs_f64());
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
