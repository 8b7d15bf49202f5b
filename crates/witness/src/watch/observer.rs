//! From the words of single servidores to what happened to the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use papo_wire::reply::{Role, Status};

use super::Watched;
use super::newcomer::Newcomers;
use crate::Timeline;
use crate::evidence::MomentKind;
use crate::view::Reign;

/// Whoever does not follow the coordinator for so long, while there is one, is lost, though it answers: in an election or a
/// hand-over not everybody learns of the new one in the same moment.
const ASTRAY: Duration = Duration::from_secs(1);
/// A cluster that is not whole for less than this, without anybody having been lost, was only seen in the middle of a change.
const PASSING: Duration = Duration::from_millis(400);

/// What was noticed before, so that only changes are told.
pub(super) struct Observer {
    servidores: BTreeMap<String, Standing>,
    /// Nothing is told before the cluster was whole for the first time.
    telling: bool,
    /// Who coordinates, as long as it says so.
    reign: Option<Reign>,
    /// The highest epoch that anybody was seen to coordinate.
    epoch: u64,
    coordinators: BTreeMap<u64, String>,
    /// Since when the cluster is not whole.
    broken_since: Duration,
    /// Somebody was lost since it was whole.
    lost_somebody: bool,
    newcomers: Newcomers,
}

/// How one servidor stands.
#[derive(Default)]
struct Standing {
    /// Since when it runs, as it says itself: an uptime that shrinks is a new process.
    uptime: u64,
    /// Since when it answers and does not follow the coordinator, though there is one.
    astray: Option<Duration>,
    at: At,
}

#[derive(Default, PartialEq)]
enum At {
    /// It was gone, or is new, and does not follow the coordinator.
    #[default]
    Away,
    /// It follows, and has yet to apply the log up to here: as far as it was known to be committed when it came.
    Behind(u64),
    /// It has.
    Level,
}

impl Observer {
    pub(super) fn new(servidores: impl Iterator<Item = String>) -> Self {
        Self {
            servidores: servidores.map(|name| (name, Standing::default())).collect(),
            telling: false,
            reign: None,
            epoch: 0,
            coordinators: BTreeMap::new(),
            broken_since: Duration::ZERO,
            lost_somebody: false,
            newcomers: Newcomers::default(),
        }
    }

    /// Takes what one servidor says of itself now, or that it says nothing.
    pub(super) fn saw(
        &mut self,
        name: &str,
        status: Option<Status>,
        watched: &mut Watched,
        timeline: &Timeline,
    ) {
        if let Some(status) = &status {
            self.note_conflict(status, watched);
        }
        if !self.servidores.contains_key(name) {
            match status {
                Some(status) => drop(watched.view.guests.insert(name.to_owned(), status)),
                None => drop(watched.view.guests.remove(name)),
            }
            return self.note_reign(watched, timeline);
        }
        if let Some(status) = &status {
            self.newcomers.saw(status, watched);
        }
        let was_answering = watched.view.servidores.get(name).is_some_and(Option::is_some);
        watched.view.servidores.insert(name.to_owned(), status);
        self.note_loss(name, was_answering, watched, timeline);
        self.note_reign(watched, timeline);
        self.note_return(name, watched, timeline);
        self.note_whole(watched, timeline);
    }

    fn note_conflict(&mut self, status: &Status, watched: &mut Watched) {
        if status.role != Role::Coordinator {
            return;
        }
        let first = self.coordinators.entry(status.epoch).or_insert_with(|| status.name.clone());
        if *first != status.name {
            let sentence = format!("{first} and {} both coordinated epoch {}", status.name, status.epoch);
            if !watched.conflicts.contains(&sentence) {
                watched.conflicts.push(sentence);
            }
        }
    }

    fn note_loss(&mut self, name: &str, was_answering: bool, watched: &Watched, timeline: &Timeline) {
        let Some(standing) = self.servidores.get_mut(name) else { return };
        let why = match watched.view.servidores.get(name).and_then(Option::as_ref) {
            None if was_answering => "does not answer any more",
            None => return,
            Some(status) => {
                let before = std::mem::replace(&mut standing.uptime, status.uptime_ms);
                if status.uptime_ms < before {
                    "was started anew"
                } else if standing.at != At::Level {
                    return;
                } else if status.role == Role::Learner {
                    "is no member any more"
                } else if standing.is_astray(status, self.reign.as_ref(), timeline.now()) {
                    "does not follow the coordinator any more"
                } else {
                    return;
                }
            }
        };
        let what = match standing.at {
            At::Away => MomentKind::Note,
            At::Behind(_) | At::Level => MomentKind::ServidorLost,
        };
        standing.at = At::Away;
        standing.astray = None;
        self.lost_somebody = true;
        if self.telling {
            timeline.mark(what, format!("{name} {why}"));
        }
    }

    fn note_reign(&mut self, watched: &mut Watched, timeline: &Timeline) {
        let now = watched.view.coordinator().filter(|reign| reign.epoch >= self.epoch);
        if now == self.reign {
            return;
        }
        if let Some(old) = self.reign.take()
            && self.telling
        {
            timeline.mark(
                MomentKind::CoordinatorLost,
                format!("{} does not coordinate any more", old.coordinator),
            );
        }
        let Some(new) = now else { return };
        let text = format!("{} coordinates epoch {}", new.coordinator, new.epoch);
        let at = match (self.telling, new.epoch > self.epoch) {
            (true, true) => timeline.mark(MomentKind::NewCoordinator, text),
            (true, false) => timeline.mark(MomentKind::Note, format!("{text} still")),
            (false, _) => timeline.now(),
        };
        if new.epoch > self.epoch {
            watched.reigns.push((at, new.clone()));
        }
        self.epoch = new.epoch;
        self.reign = Some(new);
    }

    fn note_return(&mut self, name: &str, watched: &Watched, timeline: &Timeline) {
        let (Some(standing), Some(reign)) = (self.servidores.get_mut(name), &self.reign) else { return };
        let Some(status) = watched.view.servidores.get(name).and_then(Option::as_ref) else { return };
        if !follows(status, reign) {
            return;
        }
        if standing.at == At::Away {
            let committed = watched.view.answering().map(|status| status.commit).max();
            standing.at = At::Behind(committed.unwrap_or(0));
        }
        if let At::Behind(goal) = standing.at
            && status.applied >= goal
        {
            standing.at = At::Level;
            if self.telling {
                let text = format!("{name} follows {} and has caught up", reign.coordinator);
                timeline.mark(MomentKind::ServidorCaughtUp, text);
            }
        }
    }

    fn note_whole(&mut self, watched: &mut Watched, timeline: &Timeline) {
        let is_whole = self.servidores.values().all(|standing| standing.at == At::Level)
            && watched.view.servidores.len() == self.servidores.len()
            && watched.view.flaw(u64::MAX).is_none();
        if is_whole == watched.is_whole {
            return;
        }
        watched.is_whole = is_whole;
        if !is_whole {
            self.broken_since = timeline.now();
            return;
        }
        let passing = !std::mem::take(&mut self.lost_somebody)
            && timeline.now().saturating_sub(self.broken_since) < PASSING;
        if self.telling && !passing {
            let count = self.servidores.len();
            let text = format!("all {count} servidores follow one coordinator and have caught up");
            watched.recovered.push(timeline.mark(MomentKind::Recovered, text));
        }
        self.telling = true;
    }
}

impl Standing {
    fn is_astray(&mut self, status: &Status, reign: Option<&Reign>, now: Duration) -> bool {
        let follows = reign.is_none_or(|reign| follows(status, reign));
        if follows {
            self.astray = None;
            return false;
        }
        now.saturating_sub(*self.astray.get_or_insert(now)) >= ASTRAY
    }
}

fn follows(status: &Status, reign: &Reign) -> bool {
    matches!(status.role, Role::Follower | Role::Coordinator) && status.coordinator == reign.coordinator
}

#[cfg(test)]
mod tests;
