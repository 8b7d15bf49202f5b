//! What is forwarded: each message of the log once, in the log's order.
//!
//! The filter is a high-water mark, so it costs nothing and never grows. The price is that a message that comes late, after a
//! later one from another servidor, is dropped; a client of ours notices by `previous` and fetches it.
//!
//! Not done: the mark is never lowered. Where the servidores' disks are wiped and a new log starts at 1, proxies are to be
//! restarted with them. And the publishers' side is trusted: whoever reaches that port may publish. Sockets are ready for CURVE
//! keys, which would decide it; nothing configures them yet.

use papo_core::log::{Epoch, Index};
use papo_transport::Frames;
use papo_wire::stamp::{BadStamp, Stamp};
use papo_wire::topic::REPLICATION;
use thiserror::Error;

/// No log grows by so much between two publications, or before the first: a thousand messages a second take 34 years.
const ABSURD: u64 = 1 << 40;

/// Remembers what was forwarded last.
#[derive(Clone, Debug, Default)]
pub struct FanOut {
    index: Index,
    epoch: Epoch,
}

/// Something to forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// What it is.
    pub kind: Kind,
    /// For subscribers: topic and payload.
    pub frames: Frames,
}

/// Kinds of publications, as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Something was said.
    Message,
    /// A new coordinator is announced.
    Announcement,
    /// The last index of a topic is told, once more.
    Tip,
}

/// Why something is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
pub enum Dropped {
    /// It was forwarded already, or something later was.
    #[error("not later than what was forwarded")]
    Stale,
    /// An announcement that the coordinator repeats for proxies that have not heard it.
    #[error("announced already")]
    Repeated,
    /// Not topic, payload and stamp.
    #[error("not three frames")]
    Frames,
    /// The stamp is none, or one of a later release.
    #[error("not a stamp of this release")]
    Stamp,
    /// A topic that does not pass the proxy.
    #[error("not a topic for subscribers")]
    Topic,
    /// An index or epoch that cannot be true. Believing it would silence everything after it.
    #[error("an index or epoch absurdly far ahead")]
    Absurd,
}

impl FanOut {
    /// Nothing was forwarded yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a servidor published, and tells what to forward of it.
    ///
    /// # Errors
    /// Why nothing is.
    pub fn take(&mut self, mut frames: Frames) -> Result<Forward, Dropped> {
        let [topic, _, stamp] = &frames[..] else { return Err(Dropped::Frames) };
        if topic.is_empty() || topic.starts_with(REPLICATION.as_bytes()) {
            return Err(Dropped::Topic);
        }
        let stamp = Stamp::decode(stamp).map_err(|_: BadStamp| Dropped::Stamp)?;
        let kind = match stamp {
            Stamp::Unordered => Kind::Tip,
            Stamp::Index(index) => {
                raise(&mut self.index, index)?;
                Kind::Message
            }
            Stamp::Epoch(epoch) if epoch == self.epoch => return Err(Dropped::Repeated),
            Stamp::Epoch(epoch) => {
                raise(&mut self.epoch, epoch)?;
                Kind::Announcement
            }
        };
        frames.truncate(2);
        Ok(Forward { kind, frames })
    }

    /// The index that was forwarded last, 0 for none.
    pub fn index(&self) -> Index {
        self.index
    }

    /// Whether a servidor's publication has come through, so that those to come will as well.
    pub fn has_been_found(&self) -> bool {
        self.index > 0 || self.epoch > 0
    }

    /// The epoch that was announced last, 0 for none.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
}

fn raise(mark: &mut u64, to: u64) -> Result<(), Dropped> {
    if to <= *mark {
        return Err(Dropped::Stale);
    }
    if to - *mark > ABSURD {
        return Err(Dropped::Absurd);
    }
    *mark = to;
    Ok(())
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Message, Self::Announcement, Self::Tip];

    /// A label for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Announcement => "announcement",
            Self::Tip => "tip",
        }
    }
}

impl Dropped {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Stale, Self::Repeated, Self::Frames, Self::Stamp, Self::Topic, Self::Absurd];

    /// A label for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Repeated => "repeated",
            Self::Frames => "frames",
            Self::Stamp => "stamp",
            Self::Topic => "topic",
            Self::Absurd => "absurd",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn published(topic: &str, stamp: Stamp) -> Frames {
        vec![topic.as_bytes().to_vec(), b"payload".to_vec(), stamp.encode()]
    }

    fn taken(fan_out: &mut FanOut, stamp: Stamp) -> Result<Kind, Dropped> {
        fan_out.take(published("geral", stamp)).map(|forward| forward.kind)
    }

    #[test]
    fn the_stamp_is_taken_off() {
        let forward = FanOut::new().take(published("geral", Stamp::Index(1))).expect("forwarded");
        assert_eq!(forward.frames, [b"geral".to_vec(), b"payload".to_vec()]);
    }

    #[test]
    fn a_successor_that_repeats_its_predecessors_messages_adds_none() {
        let mut fan_out = FanOut::new();
        let outcomes = [5, 6, 7, 6, 7, 8].map(|index| taken(&mut fan_out, Stamp::Index(index)).is_ok());
        assert_eq!(outcomes, [true, true, true, false, false, true]);
    }

    #[test]
    fn an_announcement_of_an_overruled_coordinator_is_dropped() {
        let mut fan_out = FanOut::new();
        assert_eq!(taken(&mut fan_out, Stamp::Epoch(3)), Ok(Kind::Announcement));
        assert_eq!(taken(&mut fan_out, Stamp::Epoch(3)), Err(Dropped::Repeated));
        assert_eq!(taken(&mut fan_out, Stamp::Epoch(2)), Err(Dropped::Stale));
        assert_eq!(taken(&mut fan_out, Stamp::Index(1)), Ok(Kind::Message), "indices are counted apart");
    }

    #[test]
    fn tips_are_always_forwarded() {
        let mut fan_out = FanOut::new();
        for _ in 0..3 {
            assert_eq!(taken(&mut fan_out, Stamp::Unordered), Ok(Kind::Tip));
        }
    }

    #[test]
    fn an_absurd_index_does_not_silence_what_comes_after() {
        let mut fan_out = FanOut::new();
        for absurd in [u64::MAX, 1 << 53, (1 << 40) + 1] {
            assert_eq!(taken(&mut fan_out, Stamp::Index(absurd)), Err(Dropped::Absurd));
            assert_eq!(taken(&mut fan_out, Stamp::Epoch(absurd)), Err(Dropped::Absurd));
        }
        assert_eq!(taken(&mut fan_out, Stamp::Index(7)), Ok(Kind::Message));
        assert_eq!(taken(&mut fan_out, Stamp::Index(7 + (1 << 40))), Ok(Kind::Message));
    }

    #[test]
    fn what_is_no_publication_is_dropped_for_what_it_is() {
        let mut fan_out = FanOut::new();
        let stamp = Stamp::Index(1).encode();
        let two = vec![b"geral".to_vec(), b"payload".to_vec()];
        let four = vec![b"geral".to_vec(), b"payload".to_vec(), stamp, vec![]];
        for frames in [vec![], two, four] {
            assert_eq!(fan_out.take(frames), Err(Dropped::Frames));
        }
        let unstamped = vec![b"geral".to_vec(), b"payload".to_vec(), b"stamp".to_vec()];
        assert_eq!(fan_out.take(unstamped), Err(Dropped::Stamp));
        for topic in ["", "replication", "replication:1"] {
            assert_eq!(fan_out.take(published(topic, Stamp::Unordered)), Err(Dropped::Topic));
        }
        assert_eq!((fan_out.index(), fan_out.epoch()), (0, 0));
    }

    proptest! {
        #[test]
        fn whatever_comes_in_indices_only_grow(
            stamps in vec((0..3u8, prop_oneof![0..50u64, any::<u64>()]), 0..200),
        ) {
            let mut fan_out = FanOut::new();
            let (mut index, mut epoch) = (0, 0);
            for (kind, number) in stamps {
                let stamp = match kind {
                    0 => Stamp::Index(number),
                    1 => Stamp::Epoch(number),
                    _ => Stamp::Unordered,
                };
                match (stamp, taken(&mut fan_out, stamp)) {
                    (Stamp::Index(new), Ok(_)) => {
                        prop_assert!(new > index);
                        index = new;
                    }
                    (Stamp::Epoch(new), Ok(_)) => {
                        prop_assert!(new > epoch);
                        epoch = new;
                    }
                    (Stamp::Unordered, outcome) => prop_assert_eq!(outcome, Ok(Kind::Tip)),
                    (_, Err(_)) => {}
                }
                prop_assert_eq!((fan_out.index(), fan_out.epoch()), (index, epoch));
            }
        }

        /// What is forwarded is two frames, as they came; and a stamp that was spoilt raises no mark but to what it says.
        #[test]
        fn spoilt_publications_are_dropped_or_forwarded_as_they_are(
            number in 0..100_u64,
            at in 0..3_usize,
            spoils in papo_fuzz::spoils(),
        ) {
            let mut frames = published("geral", Stamp::Index(number));
            frames[at] = papo_fuzz::spoilt(&frames[at], &Stamp::Epoch(number).encode(), &spoils);
            let mut fan_out = FanOut::new();
            if let Ok(forward) = fan_out.take(frames.clone()) {
                prop_assert_eq!(&forward.frames[..], &frames[..2]);
                prop_assert!(!forward.frames[0].is_empty() && !forward.frames[0].starts_with(REPLICATION.as_bytes()));
            } else {
                prop_assert_eq!((fan_out.index(), fan_out.epoch()), (0, 0));
            }
        }

        #[test]
        fn no_frames_make_it_panic(frames in vec(vec(any::<u8>(), 0..12), 0..5)) {
            let _ = FanOut::new().take(frames);
        }
    }
}
