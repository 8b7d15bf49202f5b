//! What the three probes of Kubernetes mean here.
//!
//! * **startup**: the own log is replayed. (`main` says so.)
//! * **readiness**: this servidor can serve by itself: it has caught up with a coordinator once, counts as a member, is not far behind,
//!   and its disk takes writes. It stays ready without a coordinator, without a majority, with everybody else gone.
//! * **liveness**: its loop turns, and its disk answers. A full disk answers: to be started again would not help it.
//!
//! No peer can make a servidor unready or dead by dying, so that one death never spreads: what is asked here gets no worse when
//! fewer are heard.

use std::time::Duration;

use papo_core::log::Index;
use papo_core::replica::Status;
use papo_service::{Health, Pulse};

/// A loop that has not turned for this long is stuck.
const STUCK_LOOP: Duration = Duration::from_secs(10);
/// A disk that has not answered for this long is stuck.
pub(crate) const STUCK_DISK: Duration = Duration::from_secs(20);
/// How many entries a ready servidor may be behind. Whoever was away for a moment is not turned away for it.
const FAR_BEHIND: Index = 10_000;

/// What readiness is judged by.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// Its log names it a member.
    member: bool,
    /// It was as far as a coordinator once, and a member ever since.
    caught_up: bool,
    /// Entries that it is known to lack.
    behind: Index,
    disk_full: bool,
}

fn readiness(facts: Facts) -> Result<(), &'static str> {
    match facts {
        Facts { disk_full: true, .. } => Err("its disk is full"),
        Facts { member: false, caught_up: true, .. } => Err("it does not count as a member any more"),
        Facts { caught_up: false, .. } => Err("it has not caught up with a coordinator yet"),
        Facts { behind: FAR_BEHIND.., .. } => Err("it is far behind"),
        _ => Ok(()),
    }
}

/// Keeps the pages of the probes true.
#[derive(Debug)]
pub(crate) struct Probes {
    health: Health,
    loop_turns: Pulse,
    log_writes: Pulse,
    work: DiskWork,
    caught_up: bool,
    stopping: bool,
}

impl Probes {
    /// Not ready; alive for as long as [`Probes::turned`] is called.
    pub(crate) fn new(health: Health) -> Self {
        let (loop_turns, log_writes) =
            (health.watch("loop", STUCK_LOOP), health.watch("writer of the log", STUCK_DISK));
        let probes = Self {
            health,
            loop_turns,
            log_writes,
            work: DiskWork::default(),
            caught_up: false,
            stopping: false,
        };
        probes.health.set_not_ready("it has not caught up with a coordinator yet");
        probes
    }

    /// The loop has turned.
    pub(crate) fn turned(&self) {
        self.loop_turns.beat();
        if self.work.is_well() {
            self.log_writes.beat();
        }
    }

    /// The disk was given something.
    pub(crate) fn wrote(&mut self, id: u64) {
        self.work.gave(id);
    }

    /// How many writes the disk was given and has not stored.
    pub(crate) fn backlog(&self) -> u64 {
        self.work.open()
    }

    /// The disk has stored everything up to there.
    pub(crate) fn stored(&mut self, up_to: u64) {
        self.work.reported(up_to);
        self.log_writes.beat();
    }

    /// The disk has no room, or has room again.
    pub(crate) fn disk_full(&mut self, full: bool) {
        self.work.full = full;
        self.log_writes.beat();
    }

    /// Clients are served: it is as far as the coordinator.
    pub(crate) fn serves(&mut self) {
        self.caught_up = true;
    }

    /// It is about to stop, and not ready from now on.
    pub(crate) fn stopping(&mut self) {
        self.stopping = true;
        self.health.set_not_ready("stopping");
    }

    /// Judges readiness anew.
    pub(crate) fn review(&mut self, status: &Status) {
        if self.stopping {
            return;
        }
        let member = status.members.iter().any(|member| member.id == status.me);
        let facts =
            Facts { member, caught_up: self.caught_up, behind: behind(status), disk_full: self.work.full };
        let ready = readiness(facts);
        // A new disk, or a change of members, makes it a learner: it has to catch up once more.
        self.caught_up &= member;
        let before = self.health.ready();
        match ready {
            Ok(()) => self.health.set_ready(),
            Err(why) => self.health.set_not_ready(why),
        }
        match (before, ready) {
            (Err(_), Ok(())) => tracing::info!("ready"),
            (Ok(()), Err(why)) => tracing::warn!(reason = why, "not ready any more"),
            _ => {}
        }
    }
}

/// What the disk was given and has not reported. Writes are numbered one by one.
#[derive(Debug, Default)]
struct DiskWork {
    /// The number of the last of them.
    last: Option<u64>,
    /// The number of the last one that was reported.
    reported: u64,
    full: bool,
}

impl DiskWork {
    fn gave(&mut self, id: u64) {
        self.last = Some(id);
    }

    fn reported(&mut self, up_to: u64) {
        self.last = self.last.filter(|last| *last > up_to);
        self.reported = up_to;
    }

    /// How many they are.
    fn open(&self) -> u64 {
        self.last.map_or(0, |last| last.saturating_sub(self.reported))
    }

    /// A disk that has nothing to do is in nobody's way, and one that says that it is full answers.
    fn is_well(&self) -> bool {
        self.last.is_none() || self.full
    }
}

/// How much of the log it lacks, as far as those tell that are heard.
fn behind(status: &Status) -> Index {
    let heard = status.peers.iter().filter(|peer| peer.alive).map(|peer| peer.index);
    heard.fold(status.commit, Index::max).saturating_sub(status.applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Facts = Facts { member: true, caught_up: true, behind: 0, disk_full: false };

    #[test]
    fn who_has_caught_up_and_has_a_disk_is_ready() {
        assert_eq!(readiness(WELL), Ok(()));
        assert_eq!(readiness(Facts { behind: FAR_BEHIND - 1, ..WELL }), Ok(()));
    }

    #[test]
    fn what_makes_it_unready_is_its_own() {
        for (facts, why) in [
            (Facts { caught_up: false, ..WELL }, "has not caught up"),
            (Facts { caught_up: false, member: false, ..WELL }, "has not caught up"),
            (Facts { member: false, ..WELL }, "does not count"),
            (Facts { behind: FAR_BEHIND, ..WELL }, "far behind"),
            (Facts { disk_full: true, ..WELL }, "full"),
        ] {
            let answer = readiness(facts).expect_err("something is wrong");
            assert!(answer.contains(why), "{facts:?}: {answer}");
        }
    }

    #[test]
    fn a_disk_is_owed_nothing_once_it_has_reported_everything() {
        let mut work = DiskWork::default();
        assert!(work.is_well());
        work.gave(7);
        assert!(!work.is_well(), "turning must not make up for a silent disk");
        work.gave(8);
        work.reported(7);
        assert!(!work.is_well(), "there is still one open");
        work.reported(8);
        assert!(work.is_well());
    }

    #[test]
    fn the_backlog_is_what_was_given_and_not_reported() {
        let mut work = DiskWork::default();
        assert_eq!(work.open(), 0);
        (1..=5).for_each(|id| work.gave(id));
        assert_eq!(work.open(), 5);
        work.reported(3);
        assert_eq!(work.open(), 2);
        work.reported(5);
        assert_eq!(work.open(), 0);
    }

    #[test]
    fn a_full_disk_answers() {
        let mut work = DiskWork::default();
        work.gave(7);
        work.full = true;
        assert!(work.is_well());
        work.full = false;
        assert!(!work.is_well());
    }
}
