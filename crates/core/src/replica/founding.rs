//! How a cluster begins, and how a servidor comes back.
//!
//! A new cluster is founded once: the first of the configured names waits until all of them have reported empty disks, and
//! then proposes the founding entry. Who stored one refuses any other, so a servidor that lost its disk cannot found a second
//! cluster beside the first: the others' disks are not empty. Servidores that were admitted later may be configured with a longer
//! or another list; nobody founds anything where somebody, on the list or not, is known to have a log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::disk::DiskQueue;
use super::following::Following;
use super::publishing::Publishing;
use super::requests::{RequestLimits, Requests};
use super::{Availability, Hello, Message, Notice, Output, Peer, Replica, Role, Timing};
use crate::chat::{Applied, ChatState, RULES};
use crate::clock::{AgreedClock, Instant, Lamport, Now, median};
use crate::log::{ClusterId, Entry, Genesis, Index, LogWindow, Operation, Position, Promise, Write};
use crate::members::{DiskId, Member, MemberHistory, MemberId, ServerName};

/// How long referencia may take to give everybody a rank before the founder gives them itself, by their order in its configuration.
const RANK_PATIENCE: Duration = Duration::from_secs(3);

/// How long a servidor listens for a cluster that exists before it founds one. Whoever has a log answers the first greeting at once.
const LISTENS: Duration = Duration::from_millis(500);

/// The same for one that founds a cluster alone: nobody else has to be there, so that nobody else can contradict it.
const LISTENS_ALONE: Duration = Duration::from_secs(2);

/// Servidores that were silent for this long, and are no members, are forgotten.
const FORGET: Duration = Duration::from_secs(3600);

/// The same for those that are not to be members either: most have left for good.
const FORGET_UNWANTED: Duration = Duration::from_secs(60);

/// What a servidor is configured with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name, unique in the cluster and the same after every restart.
    pub name: ServerName,
    /// Who founds a new cluster, by name; the first one proposes it. Empty where this servidor only ever joins.
    pub genesis: Vec<ServerName>,
    /// Secret that a cluster founded here signs its sessions with; drawn at random by the shell.
    pub session_key: [u8; 32],
    /// Seeds every random choice: backoffs, round numbers, the cluster's id.
    pub seed: u64,
    /// All time spans.
    pub timing: Timing,
    /// How many requests may wait.
    pub limits: RequestLimits,
}

/// What is on the disk, besides the log.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The disk's identity.
    pub disk: DiskId,
    /// The highest promise.
    pub promise: Promise,
    /// What is known to be committed, at least.
    pub committed: Index,
}

/// Reads a servidor's log back, entry by entry, and then becomes a [`Replica`].
#[derive(Debug)]
pub struct Recovery {
    settings: Settings,
    stored: Stored,
    log: LogWindow,
    members: MemberHistory,
    chat: ChatState,
}

impl Recovery {
    /// Begins with an empty log.
    pub fn new(settings: Settings, stored: Stored) -> Self {
        Self {
            settings,
            stored,
            log: LogWindow::default(),
            members: MemberHistory::default(),
            chat: ChatState::new(),
        }
    }

    /// Takes the next entry of the log; applies it if it is known to be committed, and returns what that came to.
    pub fn replay(&mut self, entry: Arc<Entry>) -> Option<Applied> {
        self.members.append(&entry);
        let applied = (entry.index <= self.stored.committed).then(|| self.chat.apply(&entry));
        self.log.append(entry);
        self.log.trim(self.stored.committed);
        applied
    }

    /// The servidor, as it was when it stopped.
    pub fn finish(self, now: Now) -> Replica {
        let Self { settings, stored, log, members, chat } = self;
        let mut rng = fastrand::Rng::with_seed(settings.seed);
        let me = MemberId { name: settings.name.clone(), disk: stored.disk };
        // What was committed may be less than what the disk claims, if the disk lost its end. Then a peer will know.
        let commit = chat.applied();
        let last = log.last();
        let rank = members.current().rank_of(&me.name).unwrap_or(0);
        let incarnation = rng.u64(1..);
        Replica {
            rank,
            highest: stored.promise.epoch.max(last.epoch),
            promise: stored.promise,
            disk: DiskQueue::new(last.index),
            role: Role::Follower(Following::new(now.instant, commit)),
            requests: Requests::limited(settings.limits),
            in_touch: None,
            offers_after: now.instant,
            records_applied: chat.applied(),
            founding: Founding {
                incarnation,
                since: now.instant,
                complete_since: None,
                genesis: log.get(1).cloned(),
                untold: false,
            },
            settings,
            me,
            rng,
            log,
            members,
            commit,
            chat,
            peers: BTreeMap::new(),
            held: BTreeMap::new(),
            clock: AgreedClock::default(),
            publishing: Publishing::default(),
            availability: Availability::Withdrawn,
            stopping: false,
            next_hello: now.instant,
            next_clock: now.instant,
            clock_samples: 0,
            reads: BTreeMap::new(),
            next_read: 0,
            unsaved: None,
            records: Vec::new(),
            outputs: std::collections::VecDeque::new(),
        }
    }
}

/// What a servidor needs to found a cluster, or to be found.
#[derive(Debug)]
pub(super) struct Founding {
    /// Tells this process from the one before it on the same disk.
    incarnation: u64,
    /// When this process began to listen.
    since: Instant,
    /// Since when everybody named in the configuration is here, with an empty disk.
    complete_since: Option<Instant>,
    /// The founding entry, while it is in memory: whoever it names and has not stored it yet gets it again.
    genesis: Option<Arc<Entry>>,
    /// We founded it, and nobody else knows of it yet.
    untold: bool,
}

impl Replica {
    /// What this servidor says of itself to whoever does not know it yet.
    #[must_use]
    pub fn hello(&self, now: Now) -> Hello {
        Hello {
            rank: self.rank,
            last: self.log.last(),
            promised: self.promise.epoch,
            rules: RULES,
            incarnation: self.founding.incarnation,
            wall: now.wall,
        }
    }

    pub(super) fn greet_all(&mut self, now: Now) {
        let empty = self.log.last().index == 0;
        // A cluster that is being founded should not wait a second between the steps.
        let pause = if empty { self.settings.timing.hello / 10 } else { self.settings.timing.hello };
        self.next_hello = now.instant + pause;
        let voters = self.members.current();
        let places = self.chat.places();
        self.peers.retain(|id, peer| {
            let forgotten = if places.wants(&id.name) { FORGET } else { FORGET_UNWANTED };
            voters.counts(id) || now.instant.since(peer.heard) < forgotten
        });
        self.held.retain(|id, _| voters.counts(id));
        self.outputs.push_back(Output::Greet(self.hello(now)));
        self.found_when_complete(now);
    }

    /// Whether `from` has no business here.
    pub(super) fn is_stranger(&mut self, from: &MemberId, cluster: Option<ClusterId>) -> bool {
        if from.name == self.me.name {
            if from.disk != self.me.disk {
                self.notice(Notice::NameTaken(from.clone()));
            }
            return true;
        }
        let other = matches!((self.cluster(), cluster), (Some(ours), Some(theirs)) if ours != theirs);
        if other {
            self.notice(Notice::OtherCluster(from.clone()));
        }
        other
    }

    pub(super) fn greeted(&mut self, now: Now, from: &MemberId, hello: Hello) {
        self.highest = self.highest.max(hello.promised);
        let Some(peer) = self.peers.get_mut(from) else { return };
        let last = hello.last.index;
        peer.wall = Some((hello.wall, now.instant));
        peer.hello = Some(hello);
        self.held_more(from, last);
        if last == 0
            && self.durable_index() > 0
            && let Some(genesis) = self.founding.genesis.clone()
            && self.voters().counts(from)
        {
            self.send(&from.name, Message::Found(genesis));
        }
        self.found_when_complete(now);
    }

    /// Founds the cluster, if that is up to us and everybody is here.
    fn found_when_complete(&mut self, now: Now) {
        let proposes = self.settings.genesis.first() == Some(&self.me.name) && self.log.last().index == 0;
        if !proposes || self.promise.epoch > 0 {
            return;
        }
        if let Some(founded) = self.heard_of_a_log() {
            self.founding.complete_since = None;
            self.notice(Notice::AlreadyFounded(founded));
            return;
        }
        let Some((found, rules)) = self.empty_disks(now.instant) else {
            self.founding.complete_since = None;
            return;
        };
        let listens = if found.len() == 1 { LISTENS_ALONE } else { LISTENS };
        if now.instant.since(self.founding.since) < listens {
            return;
        }
        let since = *self.founding.complete_since.get_or_insert(now.instant);
        let mut ranks: Vec<u64> = found.iter().map(|member| member.rank).filter(|rank| *rank > 0).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let members = if ranks.len() == found.len() {
            found
        } else if now.instant.since(since) >= RANK_PATIENCE {
            (1..).zip(found).map(|(rank, member)| Member { rank, ..member }).collect()
        } else {
            return;
        };
        self.found(now, members, rules);
    }

    /// Somebody whose disk is not empty: there is a cluster already.
    fn heard_of_a_log(&self) -> Option<MemberId> {
        let has_log =
            |peer: &Peer| peer.hello.as_ref().is_some_and(|hello| hello.last != Position::default());
        self.peers.iter().find(|(_, peer)| has_log(peer)).map(|(id, _)| id.clone())
    }

    /// Everybody named in the configuration, if all were heard lately and their disks are empty; and the rules that all of them
    /// know.
    fn empty_disks(&self, now: Instant) -> Option<(Vec<Member>, u32)> {
        let limit = self.settings.timing.hello;
        let mut rules = RULES;
        let mut find = |name: &ServerName| {
            if *name == self.me.name {
                return Some(Member { id: self.me.clone(), rank: self.rank });
            }
            let mut known =
                self.peers.iter().filter(|(id, peer)| id.name == *name && now.since(peer.heard) < limit);
            let (id, peer) = known.next()?;
            let hello = peer.hello.as_ref()?;
            let alone_and_empty = known.next().is_none() && hello.last == Position::default();
            rules = rules.min(hello.rules);
            alone_and_empty.then(|| Member { id: id.clone(), rank: hello.rank })
        };
        let members: Option<Vec<Member>> = self.settings.genesis.iter().map(&mut find).collect();
        Some((members?, rules))
    }

    fn found(&mut self, now: Now, members: Vec<Member>, rules: u32) {
        // No clock is believed alone, not even ours.
        let time = median(members.iter().filter_map(|member| self.wall_of(&member.id, now)).collect());
        let genesis = Genesis {
            cluster: ClusterId(self.rng.u64(1..)),
            members,
            session_key: self.settings.session_key.to_vec(),
            rules,
        };
        let entry = Arc::new(Entry {
            index: 1,
            epoch: 1,
            lamport: Lamport::new(1),
            time,
            author: String::new(),
            request_id: None,
            operation: Operation::Genesis(genesis),
        });
        self.store_genesis(now, &entry);
        self.founding.untold = true;
    }

    /// Tells the others of the cluster that was founded here, once that is on our disk: were it lost with this process after
    /// somebody had stored it, we would found another one beside it.
    pub(super) fn tell_founded(&mut self) {
        if self.founding.untold && self.durable_index() > 0 {
            self.founding.untold = false;
            if let Some(genesis) = self.founding.genesis.clone() {
                self.send_members(&Message::Found(genesis));
            }
        }
    }

    pub(super) fn founded(&mut self, now: Now, from: &MemberId, entry: &Arc<Entry>) {
        let Operation::Genesis(genesis) = &entry.operation else { return };
        let names_us = genesis.members.iter().any(|member| member.id == self.me);
        let from_a_founder = genesis.members.iter().any(|member| member.id == *from);
        if self.log.last().index == 0 && entry.index == 1 && entry.epoch == 1 && names_us && from_a_founder {
            self.store_genesis(now, entry);
            self.greet_all(now);
        }
    }

    fn store_genesis(&mut self, now: Now, entry: &Arc<Entry>) {
        let merged = self.log.merge(Position::default(), &[Arc::clone(entry)], 0);
        self.log_changed(now.instant, merged);
        self.founding.genesis = Some(Arc::clone(entry));
        if let Role::Follower(following) = &mut self.role {
            // There is no coordinator yet that could be heard; the others need a moment to store this as well.
            following.patience = now.instant + self.settings.timing.round;
        }
        self.notice(Notice::Founded(Arc::clone(entry)));
    }

    /// Another servidor remembers that this disk held the committed log up to `held`.
    pub(super) fn called_outdated(&mut self, now: Now, held: Index) {
        // What it remembers may be older than what it was told: what counts is our log now. What is committed and was on the disk
        // stays in it.
        if held > self.log.last().index {
            self.outdated(now);
        }
    }

    /// This disk has gone back in time: what it promised cannot be relied on. It becomes another disk, which has promised
    /// nothing, and learns what it lacks.
    pub(super) fn outdated(&mut self, now: Now) {
        self.me.disk = DiskId(self.rng.u64(1..));
        self.notice(Notice::DiskOutdated);
        self.follow(now, now.instant);
        self.persist_behind_log(now.instant, Write::RenewDisk(self.me.disk));
    }
}

impl Peer {
    pub(super) fn heard_within(&self, now: Instant, limit: Duration) -> bool {
        now.since(self.heard) < limit
    }
}
