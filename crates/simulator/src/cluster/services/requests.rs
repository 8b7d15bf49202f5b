//! Clients' requests at the servidores: they become what the core can order or allow, and what it says becomes a reply.

use std::collections::HashMap;

use papo_core::chat::{Outcome, Said, TimelineKey};
use papo_core::log::{Index, RequestId};
use papo_core::replica::{Answer as Verdict, Ask, Availability, Ticket, WriteRequest};
use papo_transport::Frames;
use papo_wire::envelope::{Beacon, Dispatch, Ordered, State, ToBroker, ToServidor};
use papo_wire::reply::{Answer, Failure, HistoryPage, Message, Reason, Reply, SyncPage};
use papo_wire::request::{Body, Conversation, Page, Request};

use super::brokers::identity;
use super::wires::End;
use super::{ServiceEvent, Side};
use crate::cluster::Cluster;
use crate::cluster::node::{Incoming, Node};
use crate::cluster::time::MS;

/// The requests that servidores work on.
#[derive(Default)]
pub(super) struct ClientRequests {
    pending: HashMap<Ticket, Pending>,
    /// What may be read, once the turn is over.
    reads: Vec<Ticket>,
}

struct Pending {
    node: usize,
    generation: u64,
    broker: (usize, u64),
    ticket: u64,
    request: Request,
}

impl Cluster {
    pub(super) fn at_servidor(&mut self, node: usize, generation: u64, broker: (usize, u64), frames: Frames) {
        if !self.is_current(node, generation) {
            return;
        }
        let envelope = ToServidor::decode(frames).expect("brokers send what servidores understand");
        let ToServidor::Dispatch { dispatch, payload } = envelope else { return };
        let request = Request::decode(&payload).expect("sessions send what servidores understand");
        let ask = ask(&request, &dispatch);
        self.tickets += 1;
        let ticket = self.tickets;
        let pending = Pending { node, generation, broker, ticket: dispatch.ticket, request };
        self.services_mut().requests.pending.insert(ticket, pending);
        let patience = u64::from(dispatch.deadline_ms) * MS;
        self.deliver(node, Incoming::Ask { ticket, ask, patience });
    }

    /// The core has come to a verdict; whether it was asked by a broker.
    pub(in crate::cluster) fn answers_request(
        &mut self,
        node: usize,
        ticket: Ticket,
        verdict: Verdict,
    ) -> bool {
        let Some(services) = &mut self.services else { return false };
        if verdict == Verdict::Readable && services.requests.pending.contains_key(&ticket) {
            services.requests.reads.push(ticket);
            return true;
        }
        let Some(pending) = services.requests.pending.remove(&ticket) else { return false };
        debug_assert_eq!(pending.node, node, "tickets are of one servidor");
        let message = match verdict {
            Verdict::Elsewhere { ordered } => {
                let ordered = if ordered { Ordered::Unknown } else { Ordered::No };
                ToBroker::Elsewhere { ticket: pending.ticket, ordered }
            }
            verdict => self.reply(&pending, verdict),
        };
        self.send_to_broker(pending.node, pending.generation, pending.broker, message);
        true
    }

    /// Reads what may be read. As in the real servidor, that is after everything else of a turn: the views have been given all that was
    /// applied in it.
    pub(in crate::cluster) fn reads_pages(&mut self, node: usize) {
        let generation = self.nodes[node].generation;
        let Some(services) = &mut self.services else { return };
        for ticket in std::mem::take(&mut services.requests.reads) {
            let pending = self.services_mut().requests.pending.remove(&ticket).expect("it waits to be read");
            // Others' are left from a turn in which a process died.
            if pending.node == node && pending.generation == generation {
                let message = self.reply(&pending, Verdict::Readable);
                self.send_to_broker(node, generation, pending.broker, message);
            }
        }
    }

    fn reply(&self, pending: &Pending, verdict: Verdict) -> ToBroker {
        let replica = self.nodes[pending.node].replica.as_ref().expect("it has just spoken");
        let chat = replica.chat();
        let service = pending.request.service();
        let failure = |reason| Err(Failure::new(service, reason));
        let (answer, index) = match verdict {
            Verdict::Readable => (self.read(pending), chat.applied()),
            Verdict::Written { outcome: Outcome::Done, index } => {
                let session = |user: &str| chat.session(user).unwrap_or_default();
                (Ok(done(&pending.request, session)), index)
            }
            Verdict::Written { outcome: Outcome::Refused(refusal), index } => {
                (Err(Failure::refused(service, refusal)), index)
            }
            Verdict::Overloaded => (failure(Reason::RateLimited), chat.applied()),
            Verdict::Unknown => (failure(Reason::Unknown), chat.applied()),
            Verdict::TimedOut if service.is_write() => (failure(Reason::NotOrdered), chat.applied()),
            Verdict::BeyondLog { .. } => (failure(Reason::Ahead), chat.applied()),
            _ => (failure(Reason::Unavailable), chat.applied()),
        };
        let payload = Reply { time: chat.time(), clock: chat.lamport().tick(), index, answer }.encode();
        ToBroker::Answer { ticket: pending.ticket, index, payload }
    }

    /// What is read from this servidor's views, as far as it has applied the log.
    fn read(&self, pending: &Pending) -> Result<Answer, Failure> {
        let chat = self.nodes[pending.node].replica.as_ref().expect("it has just spoken").chat();
        let applied = chat.applied();
        assert_eq!(applied, self.nodes[pending.node].shown, "the views have all that was applied");
        match &pending.request.body {
            Body::History { conversation, page, limit } => {
                let key = match conversation {
                    Conversation::Channel(channel) if chat.channel_exists(channel) => {
                        TimelineKey::Channel(channel.clone())
                    }
                    Conversation::Channel(_) => {
                        return Err(Failure::new(pending.request.service(), Reason::NoSuchChannel));
                    }
                    Conversation::Private { user, with } => TimelineKey::pair(user, with),
                };
                Ok(Answer::History(self.history(pending.node, &key, applied, *page, *limit)))
            }
            Body::Sync { user, since, limit } => {
                let channels: Vec<String> = chat.joined(user).map(str::to_owned).collect();
                let mut keys: Vec<_> = channels.iter().cloned().map(TimelineKey::Channel).collect();
                keys.push(TimelineKey::Mailbox(user.clone()));
                let mut found: Vec<Said> =
                    self.timeline(pending.node, &keys, applied).filter(|said| said.index > *since).collect();
                let more = found.len() > *limit;
                found.truncate(*limit);
                let upto = if more { found.last().map_or(applied, |last| last.index) } else { applied };
                let messages = found.into_iter().map(|said| Message { said, previous: None }).collect();
                Ok(Answer::Sync(SyncPage { messages, more, upto, channels }))
            }
            _ => Err(Failure::new(pending.request.service(), Reason::BadRequest)),
        }
    }

    /// What a servidor's views hold of these, in order; what was said is read from its log.
    fn timeline<'a>(
        &'a self,
        node: usize,
        keys: &'a [TimelineKey],
        applied: Index,
    ) -> impl Iterator<Item = Said> + 'a {
        let Node { views, disk, .. } = &self.nodes[node];
        let records = views.iter().take_while(move |record| record.index <= applied);
        records.filter(|record| record.timelines.iter().any(|key| keys.contains(key))).map(|record| {
            let at = usize::try_from(record.index - 1).expect("logs are short");
            Said::of(&disk.content.log[at]).expect("what is on a timeline was said")
        })
    }

    fn history(
        &self,
        node: usize,
        key: &TimelineKey,
        applied: Index,
        page: Page,
        limit: usize,
    ) -> HistoryPage {
        let (after, before) = match page {
            Page::Newest => (0, Index::MAX),
            Page::Before(before) => (0, before),
            Page::After(after) => (after, Index::MAX),
            Page::Between { after, before } => (after, before),
        };
        let backwards = matches!(page, Page::Newest | Page::Before(_));
        let mut previous = 0;
        let mut messages = Vec::new();
        for said in self.timeline(node, std::slice::from_ref(key), applied) {
            let index = said.index;
            if index > after && index < before {
                messages.push(Message { said, previous: Some(previous) });
            }
            previous = index;
        }
        let more = messages.len() > limit;
        if more && backwards {
            messages.drain(..messages.len() - limit);
        }
        messages.truncate(limit);
        HistoryPage { messages, more }
    }

    pub(super) fn beacon(&mut self, node: usize, generation: u64) {
        if !self.is_current(node, generation) {
            return;
        }
        if self.nodes[node].runs() {
            self.tell_brokers(node);
        }
        self.at(100 * MS, ServiceEvent::Beacon { node, generation });
    }

    /// A servidor tells all brokers how it is.
    pub(in crate::cluster) fn tell_brokers(&mut self, node: usize) {
        if self.services.is_none() {
            return;
        }
        let process = &self.nodes[node];
        let Some(replica) = &process.replica else { return };
        let generation = process.generation;
        let state = match process.availability {
            Availability::Serving => State::Serving,
            Availability::Draining => State::Draining,
            Availability::Withdrawn => State::Withdrawn,
        };
        let name = process.name.clone();
        let beacon = Beacon { state, incarnation: generation, index: replica.chat().applied(), name };
        for broker in 0..self.services_mut().brokers.len() {
            let life = self.services_mut().brokers[broker].life;
            self.send_to_broker(node, generation, (broker, life), ToBroker::Beacon(beacon.clone()));
        }
    }

    fn send_to_broker(
        &mut self,
        node: usize,
        generation: u64,
        (broker, life): (usize, u64),
        message: ToBroker,
    ) {
        if self.wire_loses(End::Broker(broker), node) {
            return;
        }
        let mut frames = vec![identity(node, generation)];
        frames.extend(message.encode());
        self.soon(ServiceEvent::AtBroker { broker, life, side: Side::Servidores, frames });
    }
}

fn ask(request: &Request, dispatch: &Dispatch) -> Ask {
    let Some((author, operation)) = request.body.operation() else {
        return Ask::Read { seen: request.seen.max(dispatch.seen) };
    };
    let fallback = RequestId::Broker { incarnation: dispatch.incarnation, counter: dispatch.counter };
    let request_id = request.request_id.clone().map_or(fallback, RequestId::Client);
    Ask::Write(Box::new(WriteRequest { author, request_id, operation, clock: request.clock }))
}

fn done(request: &Request, session: impl Fn(&str) -> String) -> Answer {
    match &request.body {
        Body::Login { user } => Answer::Login { user: user.display.clone(), session: session(&user.display) },
        Body::Channel { .. } => Answer::Channel,
        Body::Publish { .. } => Answer::Publish,
        Body::Message { .. } => Answer::Message,
        Body::Join { .. } => Answer::Join,
        _ => Answer::Leave,
    }
}
