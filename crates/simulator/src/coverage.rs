//! What happened in the runs: a fault that never occurred proves nothing.

use std::fmt;

macro_rules! happenings {
    ($($name:ident = $text:literal,)*) => {
        /// Something that can happen in a run, and is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Happening {
            $(#[doc = $text] $name,)*
        }

        impl Happening {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As people read it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Whether it is better to happen than not: it is a fault, or what a fault is followed by.
            const fn is_wanted(self) -> bool {
                !matches!(self, Self::ServedLate)
            }
        }
    };
}

happenings! {
    CrashAtOnce = "crash at any moment",
    CrashBeforePersist = "crash before a write is queued",
    CrashBeforeSync = "crash with a write queued, before its sync",
    CrashDuringSync = "crash during a sync",
    CrashAfterSync = "crash after a sync, before the process knows",
    CrashBeforeActing = "crash after the process knows, before it says so",
    CrashAmidOutputs = "crash amid what is to be done",
    CrashOfAll = "crash of all at once",
    UnsyncedLost = "unsynced writes lost",
    UnsyncedKept = "unsynced writes kept, and never reported",
    Torn = "a queue of writes torn in the middle",
    FsyncFailed = "fsync failed, the process ended",
    BitFlipped = "bit flipped on a disk",
    DamageRefused = "start refused on a damaged disk",
    DiskFull = "disk of a running process full",
    DiskStuck = "writes waited for a stuck disk",
    DiskWiped = "disk lost, replaced by an empty one",
    SnapshotRestored = "old snapshot under a new disk id",
    Restart = "process started on a disk with a log",
    Rejoin = "a restarted process follows a coordinator again",
    Pause = "process stopped and resumed",
    Slow = "slow process",
    Drain = "asked to stop",
    StoppedInOrder = "ended in order, with all handed over",
    GraceOver = "killed since it was not done when its grace was over",
    Isolated = "message stopped by a cut between one and all others",
    Partition = "message stopped by a partition in two, each of several",
    OneWayCut = "message stopped by a cut of one direction only",
    Jammed = "link jammed, then what was queued released",
    JamLost = "link jammed until messages were dropped",
    Lost = "message lost",
    BroadcastLost = "broadcast lost",
    Duplicated = "message duplicated",
    Reordered = "message overtaken by a later one",
    Straggled = "message held back for long",
    ClockJump = "wall clock jumped",
    ClockDrift = "clocks began to drift",
    ClockLies = "a wall clock wrong by decades",
    Moved = "restarted under another address",
    StaleAddress = "message sent to an old address",
    Suspected = "coordinator suspected",
    Standing = "candidacy",
    Elected = "coordinator of a new epoch",
    HandOver = "hand-over begun",
    Overruled = "coordinator overruled",
    NoMajority = "coordinator resigned without a majority",
    DiskResigned = "coordinator resigned for its disk",
    Suffix = "a suffix of a log dropped",
    ReadBack = "old entries read back from a disk",
    MemberRemoved = "member removed",
    MemberAdded = "member added",
    Admitted = "servidor admitted",
    Dismissed = "servidor dismissed",
    Grown = "place of an admitted servidor filled",
    Shrunk = "dismissed servidor removed",
    DismissedCoordinator = "dismissed coordinator hands over",
    Retried = "request retried at another servidor",
    Forgotten = "a request given up by its client",
    TurnedAway = "request turned away",
    Overloaded = "request turned away since too many wait",
    Unknown = "outcome unknown told",
    Refused = "write refused when applied",
    Republished = "publication repeated after a take-over",
    BrokerKilled = "broker killed",
    ProxyKilled = "proxy killed",
    ReferenciaKilled = "referencia killed",
    ClientLost = "message lost between a client and a broker",
    DispatchLost = "message lost between a broker and a servidor",
    BrokerCut = "message stopped by a cut between a broker and a servidor",
    ProxyLost = "publication lost on its way to a proxy",
    ProxyCut = "publication stopped by a cut between a servidor and a proxy",
    OtherBroker = "session tried again, by way of another broker",
    Shown = "message shown to somebody as it was said",
    ShownLate = "message shown to somebody who had missed it",
    PublicationLost = "publication lost on its way to a client",
    Deaf = "session noticed that it hears nothing",
    LostTouch = "session lost touch with the chat",
    ServedSoon = "a majority of intact disks served within a second of being well",
    ServedLate = "a majority of intact disks served later than that",
    MinorityBroken = "progress required with a minority still broken",
}

/// How often each happened.
#[derive(Clone, Debug)]
pub struct Coverage {
    counts: [u64; Happening::ALL.len()],
}

impl Default for Coverage {
    fn default() -> Self {
        Self { counts: [0; Happening::ALL.len()] }
    }
}

impl Coverage {
    /// It happened.
    pub fn count(&mut self, happening: Happening) {
        self.counts[happening as usize] += 1;
    }

    /// It happened that often.
    pub fn add(&mut self, happening: Happening, times: u64) {
        self.counts[happening as usize] += times;
    }

    /// How often it happened.
    pub fn of(&self, happening: Happening) -> u64 {
        self.counts[happening as usize]
    }

    /// Adds what happened in another run.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// What never happened, of what has to happen in enough runs.
    pub fn missing(&self) -> impl Iterator<Item = Happening> + '_ {
        Happening::ALL.iter().copied().filter(|happening| self.of(*happening) == 0 && happening.is_wanted())
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for happening in Happening::ALL {
            writeln!(f, "  {:>12}  {}", self.of(*happening), happening.text())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_named_and_nothing_else() {
        let mut coverage = Coverage::default();
        assert_eq!(coverage.missing().count(), Happening::ALL.len() - 1, "nobody waits for the bad one");
        for happening in Happening::ALL.iter().filter(|happening| **happening != Happening::Torn) {
            coverage.count(*happening);
        }
        assert_eq!(coverage.missing().collect::<Vec<_>>(), [Happening::Torn]);
        let mut other = Coverage::default();
        other.add(Happening::Torn, 2);
        coverage.merge(&other);
        assert_eq!((coverage.missing().count(), coverage.of(Happening::Torn)), (0, 2));
    }
}
