use std::time::Duration;

use papo_core::clock::Instant;
use papo_wire::envelope::{Beacon, State};
use tracing::{info, warn};

/// More servidores than this are not listened to: far beyond what a quorum system is built from.
const MOST_LINKS: usize = 64;

/// One connection of one servidor. Never used again after it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkId(u32);

/// What may be done with a servidor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It takes requests.
    Serving,
    /// It takes no more, and answers those that it has.
    Draining,
    /// It said that it cannot answer.
    Withdrawn,
    /// It has not been heard for too long, or its connection is gone.
    Silent,
}

/// What a beacon changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) link: LinkId,
    /// The requests it has will not be answered, or not soon.
    pub(crate) lost_work: bool,
}

#[derive(Debug)]
struct Link {
    id: LinkId,
    /// The id that the ROUTER gave to the connection.
    identity: Vec<u8>,
    name: String,
    /// Of the servidor's process: a new one knows nothing of what the old one was sent.
    incarnation: u64,
    standing: Standing,
    heard: Instant,
    in_flight: usize,
    /// The socket took no more for it. Tried again at its next sign of life.
    choked: bool,
}

/// The servidores that have announced themselves, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Links {
    links: Vec<Link>,
    /// Where the search for the next one begins.
    turn: usize,
    next_id: u32,
    silence: Duration,
    most_in_flight: usize,
    forget_after: Duration,
}

impl Links {
    pub(crate) fn new(silence: Duration, most_in_flight: usize, forget_after: Duration) -> Self {
        Self { links: Vec::new(), turn: 0, next_id: 0, silence, most_in_flight, forget_after }
    }

    /// Notes a beacon. `None` where there are too many servidores to remember this one.
    pub(crate) fn hear(&mut self, now: Instant, identity: &[u8], beacon: Beacon) -> Option<Heard> {
        let standing = match beacon.state {
            State::Serving => Standing::Serving,
            State::Draining => Standing::Draining,
            State::Withdrawn => Standing::Withdrawn,
        };
        let Some(link) = self.links.iter_mut().find(|link| link.identity == identity) else {
            return self.meet(now, identity, standing, beacon);
        };
        let restarted = link.incarnation != beacon.incarnation;
        if link.standing != standing || restarted {
            info!(servidor = beacon.name, was = ?link.standing, is = ?standing, restarted, "servidor changed");
        }
        let lost_work =
            restarted || (standing == Standing::Withdrawn && link.standing != Standing::Withdrawn);
        link.name = beacon.name;
        link.incarnation = beacon.incarnation;
        link.standing = standing;
        link.heard = now;
        link.choked = false;
        Some(Heard { link: link.id, lost_work })
    }

    fn meet(&mut self, now: Instant, identity: &[u8], standing: Standing, beacon: Beacon) -> Option<Heard> {
        if self.links.len() >= MOST_LINKS && !self.forget_one() {
            return None;
        }
        info!(servidor = beacon.name, is = ?standing, "servidor announced itself");
        let id = LinkId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.links.push(Link {
            id,
            identity: identity.to_vec(),
            name: beacon.name,
            incarnation: beacon.incarnation,
            standing,
            heard: now,
            in_flight: 0,
            choked: false,
        });
        Some(Heard { link: id, lost_work: false })
    }

    /// Makes room by forgetting whoever has been silent longest.
    fn forget_one(&mut self) -> bool {
        let silent = self.links.iter().enumerate().filter(|(_, link)| link.standing == Standing::Silent);
        let Some(longest) = silent.min_by_key(|(_, link)| link.heard).map(|(position, _)| position) else {
            return false;
        };
        self.links.remove(longest);
        true
    }

    /// Whose turn it is: round robin over those that serve, are heard, have room and are not `excluded`; of those, whoever is far
    /// behind with answering is passed over, so that a slow one does not collect everybody's requests.
    pub(crate) fn choose(
        &mut self,
        now: Instant,
        room: Room,
        excluded: impl Fn(LinkId) -> bool,
    ) -> Option<LinkId> {
        let most = match room {
            Room::Any => self.most_in_flight,
            Room::Plenty => self.most_in_flight.div_ceil(2),
        };
        let silence = self.silence;
        let fits = |link: &Link| {
            link.standing == Standing::Serving
                && link.in_flight < most
                && !link.choked
                && now.since(link.heard) < silence
                && !excluded(link.id)
        };
        let least = self.links.iter().filter(|link| fits(link)).map(|link| link.in_flight).min()?;
        let (before, after) = self.links.split_at(self.turn.min(self.links.len()));
        let in_turn = after.iter().chain(before);
        let chosen = in_turn.into_iter().find(|link| fits(link) && link.in_flight <= 2 * least + 8)?.id;
        self.turn = self.position(chosen)? + 1;
        Some(chosen)
    }

    /// The servidor at that connection.
    pub(crate) fn by_identity(&self, identity: &[u8]) -> Option<LinkId> {
        self.links.iter().find(|link| link.identity == identity).map(|link| link.id)
    }

    /// Where to send what is meant for that servidor.
    pub(crate) fn identity(&self, id: LinkId) -> Option<&[u8]> {
        self.get(id).map(|link| link.identity.as_slice())
    }

    /// One more request is on its way there.
    pub(crate) fn load(&mut self, id: LinkId) {
        if let Some(link) = self.get_mut(id) {
            link.in_flight += 1;
        }
    }

    /// One of its requests is over. Those of a forgotten servidor are over already.
    pub(crate) fn unload(&mut self, id: LinkId) {
        if let Some(link) = self.get_mut(id) {
            link.in_flight -= 1;
            link.choked = false;
        }
    }

    /// The socket takes no more for this one now.
    pub(crate) fn choke(&mut self, id: LinkId) {
        if let Some(link) = self.get_mut(id) {
            link.choked = true;
        }
    }

    /// Its connection is gone. False where that, or its silence, was known already.
    pub(crate) fn disconnected(&mut self, id: LinkId) -> bool {
        let Some(link) = self.get_mut(id).filter(|link| link.standing != Standing::Silent) else {
            return false;
        };
        warn!(servidor = link.name, "servidor is gone: its connection is closed");
        link.standing = Standing::Silent;
        true
    }

    /// Those that have now been silent for too long, each told once. Forgets whoever has been so for much longer.
    pub(crate) fn fall_silent(&mut self, now: Instant) -> Vec<LinkId> {
        self.links.retain(|link| {
            link.standing != Standing::Silent
                || link.in_flight > 0
                || now.since(link.heard) < self.forget_after
        });
        let silence = self.silence;
        let silent = self
            .links
            .iter_mut()
            .filter(|link| link.standing != Standing::Silent && now.since(link.heard) >= silence);
        silent
            .map(|link| {
                warn!(servidor = link.name, was = ?link.standing, in_flight = link.in_flight, "servidor is silent");
                link.standing = Standing::Silent;
                link.id
            })
            .collect()
    }

    /// This process itself stood still for `pause`: that nothing was heard meanwhile says nothing about the servidores.
    pub(crate) fn forgive(&mut self, now: Instant, pause: Duration) {
        for link in &mut self.links {
            link.heard = now.min(link.heard + pause);
        }
    }

    /// When the next one will have been silent for too long.
    pub(crate) fn next_silence(&self) -> Option<Instant> {
        let heard = self.links.iter().filter(|link| link.standing != Standing::Silent).map(|link| link.heard);
        heard.min().map(|heard| heard + self.silence)
    }

    /// How many stand like that.
    pub(crate) fn count(&self, standing: Standing) -> usize {
        self.links.iter().filter(|link| link.standing == standing).count()
    }

    /// How many tries are expected to be answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.links.iter().map(|link| link.in_flight).sum()
    }

    fn position(&self, id: LinkId) -> Option<usize> {
        self.links.iter().position(|link| link.id == id)
    }

    fn get(&self, id: LinkId) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id)
    }

    fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }
}

/// How much room a servidor must have to be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// For one more.
    Any,
    /// Half of what it may have: for requests that another one has already.
    Plenty,
}
