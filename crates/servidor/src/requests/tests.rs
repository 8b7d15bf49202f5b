use papo_core::clock::Instant;
use papo_service::Metrics as Registry;
use papo_wire::limits::PAGE_ITEMS;

use super::*;
use crate::indexing::Indexing;
use crate::recover::{Recovered, recover};

const START: Instant = Instant::from_nanos(1);

const fn at(instant: Instant) -> Now {
    Now { instant, wall: WallTime::EPOCH }
}

struct Room {
    requests: ClientRequests,
    replica: Replica,
    views: Indexing,
    reads: mpsc::Receiver<ReadDone>,
    _temporary: tempfile::TempDir,
}

impl Room {
    fn open() -> Self {
        let temporary = tempfile::tempdir().expect("there is room");
        let waker = Waker::new(|| ());
        let recovered =
            recover("servidor-1", temporary.path(), &[], || at(START), mpsc::channel().0, waker.clone());
        let Ok(Recovered { replica, store, .. }) = recovered else { panic!("it is new") };
        let about = About {
            own: String::new(),
            disk: Default::default(),
            addresses: Default::default(),
            clocks: crate::clocks::Clocks::start(),
        };
        let (reads_from, reads) = mpsc::channel();
        let requests =
            ClientRequests::new(about, reads_from, waker, Metrics::new(&Registry::new("servidor", "0")));
        Self { requests, replica, views: Indexing::new(store.views), reads, _temporary: temporary }
    }

    /// Somebody asks for a page, which the disk has.
    fn ask(&mut self) -> Option<Outgoing> {
        let payload = Request::new(Body::Export { after: 0, limit: PAGE_ITEMS }).encode();
        self.requests.asked_directly(at(START), &self.replica, Vec::new(), &payload)
    }

    fn start_reads(&mut self, now: Instant) -> Vec<Outgoing> {
        self.requests.start_reads(at(now), &self.replica, &mut self.views)
    }
}

/// What an answer says went wrong, if anything.
fn failure(outgoing: Outgoing) -> Option<Reason> {
    let Outgoing::Direct { payload, .. } = outgoing else { panic!("nobody asked through a broker") };
    Reply::decode(&payload).expect("it is a reply").answer.err().map(|failure| failure.reason)
}

#[test]
fn who_asks_for_more_pages_than_the_disk_can_give_is_told_so_at_once() {
    let mut room = Room::open();
    let waiting = std::iter::from_fn(|| room.ask().map_or(Some(()), |_| None)).take(100_000).count();
    assert!(waiting < 100_000, "nobody is ever turned away");
    let turned_away = room.ask().expect("there is still no room");
    assert_eq!(failure(turned_away), Some(Reason::Unavailable));
    assert_eq!(room.requests.pending.len(), waiting, "who was told is not remembered");
}

#[test]
fn a_page_that_nobody_waits_for_any_more_is_not_read() {
    let mut room = Room::open();
    for _ in 0..10 {
        assert!(room.ask().is_none(), "it waits");
    }
    let told = room.start_reads(START + reads::DIRECT_PATIENCE);
    assert_eq!(told.into_iter().map(failure).collect::<Vec<_>>(), [Some(Reason::Unavailable); 10]);
    assert!(room.requests.pending.is_empty() && room.reads.try_recv().is_err());
}

#[test]
fn a_page_that_is_waited_for_is_read() {
    let mut room = Room::open();
    for _ in 0..10 {
        assert!(room.ask().is_none(), "it waits");
    }
    assert!(room.start_reads(START).is_empty());
    for _ in 0..10 {
        assert!(!room.requests.is_idle(), "who stops now leaves somebody without an answer");
        let done = room.reads.recv().expect("the disk answers");
        let answer = room.requests.read_done(at(START), &room.replica, done);
        assert_eq!(failure(answer.expect("somebody waits")), None);
    }
    assert!(room.requests.pending.is_empty() && room.requests.is_idle());
}

/// Its clock goes back to the log with what clients write, which ignores what is too far ahead.
#[test]
fn no_reply_carries_a_clock_that_the_log_would_not_believe() {
    let mut room = Room::open();
    let mut claimed = Lamport::default();
    for _ in 0..5 {
        claimed = Lamport::new(claimed.get() + Lamport::MAX_LEAP);
        room.requests.merge(claimed);
        let (_, told) = room.requests.stamps(at(START), &room.replica);
        let applied = room.replica.chat().lamport();
        assert!(told > applied && applied.receive(told) > told, "{told:?} after {applied:?}");
    }
}
