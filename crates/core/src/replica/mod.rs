//! One servidor of the replicated chat, as a state machine without I/O.
//!
//! Active replication is state machine replication (Schneider 1990): every replica applies the same operations in the same
//! order. The order is a log; the *coordinator* of an *epoch* gives out its positions; an entry that a majority of the
//! *members* has on disk is *committed*, and only committed entries are applied. Safety is that of Viewstamped Replication
//! (Liskov & Cowling 2012) and Raft (Ongaro 2014); the coordinator is picked by Bully (Garcia-Molina 1982) among those whom a
//! majority would follow.
//!
//! # Driving it
//!
//! **Give any number of inputs to [`Replica::handle`], then call [`Replica::poll_output`] until it returns `None`, then sleep
//! until the next input or [`Replica::deadline`].** Whatever came in between two drains leaves as one batch: that is all the
//! batching there is, and it adapts to the load by itself. Feed the inputs that are already there before a
//! [`Input::Tick`]: a process that was stopped for a while then hears first what happened, and only then that it is late.
//!
//! # Reading it
//!
//! | file | what |
//! |---|---|
//! | `message`, `input`, `output` | everything that goes in and out |
//! | `timing` | every time span, with its reason |
//! | `founding` | how a cluster begins, and how a servidor comes back |
//! | `following`, `fetching` | obeying a coordinator: batches, acknowledgements, catching up |
//! | `electing`, `promising`, `candidacy` | suspicion, pre-vote, Bully, promises, taking over the longest log |
//! | `coordinating`, `reign` | ordering, committing, beacons, resigning |
//! | `handing_over` | passing the coordination on without a failed request |
//! | `membership` | working towards the wanted members, replacing a disk |
//! | `serving`, `requests`, `handing` | clients' requests, from arrival to answer |
//! | `availability` | whether clients are to be sent here |
//! | `timekeeping` | asking the coordinator for the time |
//! | `publishing` | what the proxies still have to be told |
//! | `disk` | what is durable |
//!
//! # What is not done
//!
//! The log is never compacted. Who is to be a member is decided by people; only disks are replaced by themselves. Reads are not linearizable, but
//! sessions read their own writes and never backwards. A disk that is rolled back to an old copy of itself
//! without a new identity is recognised only by peers that remember more.

mod availability;
mod candidacy;
mod coordinating;
mod disk;
mod electing;
mod fetching;
mod following;
mod forwarding;
mod founding;
mod handing_over;
mod input;
mod membership;
mod message;
mod output;
mod promising;
mod publishing;
mod reign;
mod requests;
mod serving;
mod status;
mod timekeeping;
mod timing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use fetching::{FETCH_BYTES, FETCH_ENTRIES};
pub use founding::{Recovery, Settings, Stored};
pub use input::{Ask, Input, Request, Ticket, WriteId, WriteRequest};
pub use message::{Ack, Batch, Beacon, Hello, Message, Promised, Proposal};
pub use output::{Answer, Availability, Notice, Output, Resigned};
pub use requests::RequestLimits;
pub use status::{PeerStatus, Role as RoleName, Status};
pub use timing::Timing;

use crate::chat::ChatState;
use crate::clock::{AgreedClock, Instant, Now, WallTime};
use crate::log::{Epoch, Index, LogWindow, Merged, Position, Promise, Write};
use crate::members::{MemberHistory, MemberId, Members, ServerName};
use candidacy::Candidacy;
use disk::DiskQueue;
use following::Following;
use founding::Founding;
use publishing::Publishing;
use reign::Reign;
use requests::Requests;

/// One servidor. See the [module's documentation](self) for how it is driven.
#[derive(Debug)]
pub struct Replica {
    settings: Settings,
    me: MemberId,
    rank: u64,
    rng: fastrand::Rng,

    log: LogWindow,
    members: MemberHistory,
    promise: Promise,
    /// The highest epoch heard of; the next candidacy goes beyond it.
    highest: Epoch,
    commit: Index,
    chat: ChatState,
    disk: DiskQueue,

    role: Role,
    peers: BTreeMap<MemberId, Peer>,
    /// What of the committed log each disk that counts is known to hold: it may never hold less.
    held: BTreeMap<MemberId, Index>,
    clock: AgreedClock,
    requests: Requests,
    publishing: Publishing,
    availability: Availability,
    /// When this servidor last coordinated or obeyed, unless it knows that this is over.
    in_touch: Option<Instant>,
    /// Not to ask for the coordination before this.
    offers_after: Instant,
    stopping: bool,
    founding: Founding,

    next_hello: Instant,
    next_clock: Instant,
    clock_samples: u32,
    reads: BTreeMap<u64, LogRead>,
    next_read: u64,
    /// Entries appended since the last drain: they leave as one batch, and go to the disk as one write.
    unsaved: Option<Unsaved>,
    records: Vec<crate::chat::Record>,
    records_applied: Index,
    outputs: VecDeque<Output>,
}

/// What a servidor is doing at the moment.
#[derive(Debug)]
enum Role {
    /// It obeys a coordinator, or looks for one.
    Follower(Following),
    /// It collects promises of a new epoch.
    Candidate(Candidacy),
    /// It orders.
    Coordinator(Reign),
}

/// What is known of another servidor, on one disk.
#[derive(Debug)]
struct Peer {
    /// When it last said anything.
    heard: Instant,
    hello: Option<Hello>,
    /// What its wall clock showed, and when we heard of it.
    wall: Option<(WallTime, Instant)>,
}

/// An answer to [`Message::Fetch`] that waits for the disk.
#[derive(Debug, PartialEq)]
struct LogRead {
    to: ServerName,
    epoch: Epoch,
    previous: Position,
}

/// Changes of the log that were not handed to the disk yet.
#[derive(Debug)]
struct Unsaved {
    after: Index,
    entries: Vec<Arc<crate::log::Entry>>,
}

impl Replica {
    /// Takes something that happened. Follow it, or any number of them, by draining [`Replica::poll_output`].
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Received { from, cluster, message } => self.receive(now, &from, cluster, message),
            Input::Request(request) => self.request(now, request),
            Input::Forget(ticket) => self.requests.forget(ticket),
            Input::Durable(id) => self.durable(now, id),
            Input::DiskRefuses(refuses) => self.disk.refuses(refuses),
            Input::LogRead { read, entries } => self.log_read(read, entries),
            Input::Rank(rank) => self.take_rank(rank),
            Input::Stop => self.stop(now),
            Input::Tick => self.tick(now),
        }
        self.apply_committed();
        self.update_availability(now);
    }

    /// What is to be done next; `None` when all is done until the next input.
    #[must_use]
    pub fn poll_output(&mut self, now: Now) -> Option<Output> {
        if self.outputs.is_empty() {
            self.flush(now);
        }
        self.outputs.pop_front()
    }

    /// When to give an [`Input::Tick`] at the latest, if nothing else happens.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let role = match &self.role {
            Role::Follower(following) => following.deadline(&self.settings.timing),
            Role::Candidate(candidacy) => candidacy.deadline(),
            Role::Coordinator(reign) => reign.deadline(),
        };
        let own = role.min(self.next_hello).min(self.next_clock);
        [self.requests.deadline(), self.withdraws_at()].into_iter().flatten().fold(own, Instant::min)
    }

    /// The chat, as of the last applied entry.
    pub fn chat(&self) -> &ChatState {
        &self.chat
    }

    /// This servidor's identity.
    pub fn me(&self) -> &MemberId {
        &self.me
    }

    /// The cluster that the log belongs to, once it has a first entry.
    pub fn cluster(&self) -> Option<crate::log::ClusterId> {
        self.members.cluster()
    }

    /// Whether, after [`Input::Stop`], nothing is left to be done here.
    pub fn drained(&self) -> bool {
        let coordinates_for_others =
            matches!(self.role, Role::Coordinator(_)) && self.members.current().voters().len() > 1;
        self.stopping && self.requests.len() == 0 && !coordinates_for_others && self.disk.idle()
    }

    /// The agreed time, by this servidor's estimate.
    pub fn agreed_time(&self, now: Now) -> WallTime {
        self.clock.now(now)
    }

    fn receive(
        &mut self,
        now: Now,
        from: &MemberId,
        cluster: Option<crate::log::ClusterId>,
        message: Message,
    ) {
        if self.is_stranger(from, cluster) {
            return;
        }
        let peer =
            self.peers.entry(from.clone()).or_insert(Peer { heard: now.instant, hello: None, wall: None });
        peer.heard = now.instant;
        match message {
            Message::Hello(hello) => self.greeted(now, from, hello),
            Message::Found(entry) => self.founded(now, from, &entry),
            Message::Canvass { round } => self.canvassed(now, from, round),
            Message::CanvassReply { round, free, promised } => {
                self.canvass_reply(now, from, round, free, promised);
            }
            Message::Election { round, rank, last } => self.election(now, from, round, rank, last),
            Message::ElectionOk { round } => self.election_ok(now, round),
            Message::AskPromise { epoch, last } => self.asked_promise(now, from, epoch, last),
            Message::Promised(promised) => self.promised(now, from, promised),
            Message::Refused { promised } => self.refused(now, from, promised),
            Message::Batch(batch) => self.batch(now, from, batch),
            Message::Beacon(beacon) => self.beacon(now, from, beacon),
            Message::Ack(ack) => self.ack(now, from, ack),
            Message::Fetch { epoch, after } => self.fetch(from, epoch, after),
            Message::Fetched { epoch, previous, entries } => {
                self.fetched(now, from, epoch, previous, &entries);
            }
            Message::Submit(proposals) => self.submitted(now, proposals),
            Message::AskClock { sent } => self.asked_clock(now, from, sent),
            Message::Clock { sent, time, at } => self.told_clock(now, from, sent, time, at),
            Message::AskHandOver => self.asked_hand_over(now, from),
            Message::HandOver { epoch } => self.handed_over(now, from, epoch),
            Message::Outdated { held } => self.called_outdated(now, held),
        }
    }

    fn tick(&mut self, now: Now) {
        match &self.role {
            Role::Follower(_) => self.tick_follower(now),
            Role::Candidate(_) => self.tick_candidate(now),
            Role::Coordinator(_) => self.tick_coordinator(now),
        }
        if now.instant >= self.next_hello {
            self.greet_all(now);
        }
        if now.instant >= self.next_clock {
            self.ask_clock(now);
        }
        let expired = self.requests.expire(now.instant);
        self.answer_all(expired);
    }

    fn durable(&mut self, now: Now, id: WriteId) {
        for promise in self.disk.completed(id) {
            self.promise_durable(now, &promise);
        }
        self.tell_founded();
        match self.role {
            Role::Follower(_) => self.acknowledge(None),
            Role::Candidate(_) => self.advance_candidacy(now),
            Role::Coordinator(_) => self.advance_commit(),
        }
    }

    /// Turns what has gathered since the last drain into outputs.
    fn flush(&mut self, now: Now) {
        self.forward_requests(now);
        if matches!(self.role, Role::Coordinator(_)) {
            self.broadcast_news();
        }
        if let Some(Unsaved { after, entries }) = self.unsaved.take() {
            self.persist(now.instant, Write::Append { after, entries, committed: self.commit });
        }
        self.index_applied();
    }

    /// Hands what was applied to the views, which must have it before they are read for anybody who may know of it.
    fn index_applied(&mut self) {
        if !self.records.is_empty() || self.records_applied < self.chat.applied() {
            self.records_applied = self.chat.applied();
            let records = std::mem::take(&mut self.records);
            self.outputs.push_back(Output::Index { records, applied: self.records_applied });
        }
    }

    fn persist(&mut self, now: Instant, write: Write) {
        let id = self.disk.push(now, &write);
        self.outputs.push_back(Output::Persist { id, write });
    }

    /// Hands what is unsaved to the disk's queue at once, where something has to be queued behind it.
    fn persist_behind_log(&mut self, now: Instant, write: Write) {
        if let Some(Unsaved { after, entries }) = self.unsaved.take() {
            self.persist(now, Write::Append { after, entries, committed: self.commit });
        }
        self.persist(now, write);
    }

    /// Notes that the log in memory now continues with `entries` after `after`.
    fn log_changed(&mut self, now: Instant, merged: Merged) {
        let Merged::Changed { after, entries, .. } = merged else { return };
        if after < self.members.since() {
            self.members.truncate(after);
        }
        let since = self.members.since();
        self.members.extend(&entries);
        if self.members.since() != since {
            self.rank = self.voters().rank_of(&self.me.name).unwrap_or(self.rank);
        }
        match &mut self.unsaved {
            Some(unsaved) if unsaved.after + unsaved.entries.len() as Index == after => {
                unsaved.entries.extend(entries);
            }
            _ => {
                if let Some(Unsaved { after, entries }) = self.unsaved.take() {
                    self.persist(now, Write::Append { after, entries, committed: self.commit });
                }
                self.unsaved = Some(Unsaved { after, entries });
            }
        }
    }

    /// Up to where the log is on our disk: nothing that is still unsaved counts.
    fn durable_index(&self) -> Index {
        match &self.unsaved {
            Some(unsaved) => self.disk.durable().min(unsaved.after),
            None => self.disk.durable(),
        }
    }

    fn voters(&self) -> &Members {
        self.members.current()
    }

    fn is_member(&self) -> bool {
        self.voters().counts(&self.me)
    }

    /// Whether a servidor of that name is to be a member, as far as is applied here.
    fn is_wanted(&self, name: &str) -> bool {
        self.chat.applied() == 0 || self.chat.places().wants(name)
    }

    /// What the wall clock of a servidor shows now, by what it said last.
    fn wall_of(&self, id: &MemberId, now: Now) -> Option<WallTime> {
        if *id == self.me {
            return Some(now.wall);
        }
        let (wall, at) = self.peers.get(id)?.wall?;
        Some(wall.plus(now.instant.since(at)))
    }

    fn disk_stuck(&self, now: Instant) -> bool {
        self.disk.stuck(now, self.settings.timing.disk_patience)
    }

    fn send(&mut self, to: &str, message: Message) {
        self.outputs.push_back(Output::Send { to: to.to_owned(), message });
    }

    /// Sends to every other member, in order of their names: a replayed run sends in the same order.
    fn send_members(&mut self, message: &Message) {
        let others: Vec<ServerName> = self
            .voters()
            .voters()
            .iter()
            .map(|m| m.id.name.clone())
            .filter(|name| *name != self.me.name)
            .collect();
        for name in others {
            self.send(&name, message.clone());
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    fn answer_all(&mut self, answers: impl IntoIterator<Item = (Ticket, Answer)>) {
        self.outputs.extend(answers.into_iter().map(|(ticket, answer)| Output::Answer { ticket, answer }));
    }
}
