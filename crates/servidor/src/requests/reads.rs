//! Requests that look at the state: at once where it is in memory, by way of the store's views where it is history.

use std::time::Duration;

use papo_core::chat::TimelineKey;
use papo_core::clock::{Lamport, Now};
use papo_core::log::{Entry, Index, RequestId};
use papo_core::replica::{self, Ask, Input, Replica, Ticket};
use papo_store::{Page as ViewPage, PageQuery, ReadError, Records, RecordsQuery, Since, SinceQuery};
use papo_transport::Frames;
use papo_wire::reply::{Answer, Failure, Reason};
use papo_wire::request::{BadRequest, Body, Conversation, Page, Request};

use crate::indexing::Indexing;

use super::queue::Next;
use super::{ClientRequests, Origin, Outgoing, Pending, answers, write};

/// How long whoever asks a servidor itself may wait for the disk: they do not say how long they will.
pub(super) const DIRECT_PATIENCE: Duration = Duration::from_secs(15);

/// A read that waits for the disk.
#[derive(Debug)]
pub(super) struct Waiting {
    ticket: Ticket,
    read: Read,
}

#[derive(Debug)]
enum Read {
    Page { query: PageQuery, asked: Page },
    Since { query: SinceQuery, applied: Index, channels: Vec<String> },
    Records(RecordsQuery),
}

/// What the disk answered to a read.
#[derive(Debug)]
pub(crate) struct ReadDone {
    ticket: Ticket,
    found: Result<Found, ReadError>,
}

#[derive(Debug)]
enum Found {
    Page {
        page: ViewPage,
        asked: Page,
    },
    /// What was said since in the channels that the user followed when everything up to `applied` was applied.
    Since {
        since: Since,
        applied: Index,
        channels: Vec<String>,
    },
    Records(Records),
}

impl ClientRequests {
    /// Everything that the client has seen is applied.
    pub(super) fn readable(&mut self, now: Now, replica: &mut Replica, ticket: Ticket) -> Option<Outgoing> {
        let pending = self.pending.get(&ticket)?;
        let request = &pending.request;
        let session = request.session.as_deref().unwrap_or_default();
        let proves = |user: &str| replica.chat().verify_session(user, session);
        match &request.body {
            Body::Login { user } if proves(&user.display) => {
                let answer = super::done(request, replica);
                self.answer(now, replica, ticket, Ok(answer))
            }
            Body::Join { user, .. } | Body::Leave { user, .. } if !proves(user) => {
                let failure = Failure::new(request.service(), Reason::InvalidSession);
                self.answer(now, replica, ticket, Err(failure))
            }
            Body::Login { .. } | Body::Join { .. } | Body::Leave { .. } => {
                let write = write(request, &pending.fallback).expect("these are writes");
                let ask = Ask::Write(Box::new(write));
                let deadline = pending.deadline;
                replica.handle(now, Input::Request(replica::Request { ticket, deadline, ask }));
                None
            }
            _ => self.read(now, replica, ticket),
        }
    }

    /// Answers a read from the state as it is, or lets it wait for the disk.
    fn read(&mut self, now: Now, replica: &Replica, ticket: Ticket) -> Option<Outgoing> {
        let request = &self.pending.get(&ticket)?.request;
        let service = request.service();
        let session = request.session.as_deref().unwrap_or_default();
        let chat = replica.chat();
        let answer = match &request.body {
            Body::Users => Ok(Answer::Users(chat.users().map(str::to_owned).collect())),
            Body::Channels => Ok(Answer::Channels(chat.channels().map(str::to_owned).collect())),
            Body::Status => Ok(Answer::Status(Box::new(answers::status(now, replica, &self.about)))),
            Body::History { conversation, page, limit } => {
                match self.timeline(replica, conversation, session) {
                    Ok(key) => {
                        let read = Read::Page { query: page_query(key, *page, *limit), asked: *page };
                        return self.queue_up(now, replica, ticket, read);
                    }
                    Err(reason) => Err(Failure::new(service, reason)),
                }
            }
            Body::Sync { user, .. } if !chat.verify_session(user, session) => {
                Err(Failure::new(service, Reason::InvalidSession))
            }
            Body::Sync { user, since, limit } => {
                let channels: Vec<String> = chat.joined(user).map(str::to_owned).collect();
                let timelines = channels.iter().cloned().map(TimelineKey::Channel);
                let keys = timelines.chain([TimelineKey::Mailbox(user.clone())]).collect();
                let query = SinceQuery { keys, since: *since, limit: *limit };
                let read = Read::Since { query, applied: chat.applied(), channels };
                return self.queue_up(now, replica, ticket, read);
            }
            Body::Export { after, limit } => {
                let read = Read::Records(RecordsQuery { after: *after, limit: *limit });
                return self.queue_up(now, replica, ticket, read);
            }
            _ => Err(Failure::explained(service, Reason::BadRequest, "Escreva pelo broker.")),
        };
        self.answer(now, replica, ticket, answer)
    }

    fn queue_up(&mut self, now: Now, replica: &Replica, ticket: Ticket, read: Read) -> Option<Outgoing> {
        if self.queue.is_full() {
            let Pending { origin, request, .. } = self.pending.remove(&ticket)?;
            self.metrics.answered(request.service(), "elsewhere");
            return self.elsewhere(now, replica, origin, request.service(), false);
        }
        let deadline = self.pending.get(&ticket)?.deadline;
        self.queue.add(deadline, Waiting { ticket, read });
        None
    }

    /// Gives the disk what it may have of the reads that wait. Returns what those are told whose time is over.
    pub(crate) fn start_reads(&mut self, now: Now, replica: &Replica, views: &mut Indexing) -> Vec<Outgoing> {
        let mut told = Vec::new();
        while let Some(next) = self.queue.next(now.instant) {
            match next {
                Next::Read(waiting) => self.start(views, waiting),
                Next::TooLate(Waiting { ticket, .. }) => {
                    let Some(pending) = self.pending.get(&ticket) else { continue };
                    let failure = Failure::new(pending.request.service(), Reason::Unavailable);
                    told.extend(self.answer(now, replica, ticket, Err(failure)));
                }
            }
        }
        told
    }

    fn start(&self, views: &mut Indexing, Waiting { ticket, read }: Waiting) {
        let (views, reply) = (views.views(), self.reply_to(ticket));
        match read {
            Read::Page { query, asked } => {
                views.page(query, move |found| reply(found.map(|page| Found::Page { page, asked })));
            }
            Read::Since { query, applied, channels } => views.since(query, move |found| {
                reply(found.map(|since| Found::Since { since, applied, channels }));
            }),
            Read::Records(query) => {
                views.records(query, move |found| reply(found.map(Found::Records)));
            }
        }
    }

    /// Whether nobody waits for the disk.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    fn timeline(
        &self,
        replica: &Replica,
        conversation: &Conversation,
        session: &str,
    ) -> Result<TimelineKey, Reason> {
        match conversation {
            Conversation::Channel(channel) if replica.chat().channel_exists(channel) => {
                Ok(TimelineKey::Channel(channel.clone()))
            }
            Conversation::Channel(_) => Err(Reason::NoSuchChannel),
            Conversation::Private { user, .. } if !replica.chat().verify_session(user, session) => {
                Err(Reason::InvalidSession)
            }
            Conversation::Private { with, .. } if !replica.chat().user_exists(with) => {
                Err(Reason::NoSuchUser)
            }
            Conversation::Private { user, with } => Ok(TimelineKey::pair(user, with)),
        }
    }

    fn reply_to(&self, ticket: Ticket) -> impl FnOnce(Result<Found, ReadError>) + Send + 'static {
        let (reads, waker) = (self.reads.clone(), self.waker.clone());
        move |found| {
            // The loop that listens ends after the views do.
            if reads.send(ReadDone { ticket, found }).is_ok() {
                waker.wake();
            }
        }
    }

    /// The disk has answered.
    pub(crate) fn read_done(&mut self, now: Now, replica: &Replica, done: ReadDone) -> Option<Outgoing> {
        self.queue.finished();
        let pending = self.pending.remove(&done.ticket)?;
        let service = pending.request.service();
        let (answer, index) = match done.found {
            Ok(Found::Page { page, asked }) => {
                let index = page.applied;
                (Ok(answers::history(&page, asked)), Some(index))
            }
            Ok(Found::Since { since, applied, channels }) => {
                (Ok(answers::sync(&since, applied, channels)), Some(applied))
            }
            Ok(Found::Records(records)) => (Ok(answers::export(&records)), None),
            Err(error) => {
                tracing::warn!(%service, %error, "a read failed");
                (Err(Failure::new(service, Reason::Internal)), None)
            }
        };
        Some(self.reply(now, replica, pending.origin, answer, index))
    }

    fn answer(
        &mut self,
        now: Now,
        replica: &Replica,
        ticket: Ticket,
        answer: Result<Answer, Failure>,
    ) -> Option<Outgoing> {
        let pending = self.pending.remove(&ticket)?;
        Some(self.reply(now, replica, pending.origin, answer, None))
    }

    /// Somebody asks this servidor itself with another number of frames than a request has.
    pub(crate) fn asked_in_frames(&mut self, now: Now, replica: &Replica, envelope: Frames) -> Outgoing {
        self.refuse(now, replica, Origin::Direct { envelope }, &BadRequest::frames())
    }

    /// Somebody asks this servidor itself, on the port for servidores: it is answered from the state as it is here, also by
    /// one that does not serve.
    pub(crate) fn asked_directly(
        &mut self,
        now: Now,
        replica: &Replica,
        envelope: Frames,
        payload: &[u8],
    ) -> Option<Outgoing> {
        let origin = Origin::Direct { envelope };
        match Request::decode(payload) {
            Ok(request) => {
                self.clock = self.clock.receive(request.clock);
                let ticket = self.next;
                self.next += 1;
                let fallback = RequestId::Broker { incarnation: 0, counter: 0 };
                let deadline = now.instant + DIRECT_PATIENCE;
                self.pending.insert(ticket, Pending { origin, request, fallback, deadline });
                self.read(now, replica, ticket)
            }
            Err(bad) => Some(self.refuse(now, replica, origin, &bad)),
        }
    }

    /// Logs what was left out of the log and is not to be left out for longer.
    pub(crate) fn tell_overdue(&mut self) {
        self.nonsense.tell_overdue();
        self.refusals.tell_overdue();
    }

    /// Counts a request that makes no sense, says now and then what it was, and answers it.
    pub(super) fn refuse(
        &mut self,
        now: Now,
        replica: &Replica,
        origin: Origin,
        bad: &BadRequest,
    ) -> Outgoing {
        self.metrics.bad_request(bad.reason());
        self.nonsense.happened(bad.reason(), bad);
        self.reply(now, replica, origin, Err(Failure::from(bad)), None)
    }
}

fn page_query(key: TimelineKey, page: Page, limit: usize) -> PageQuery {
    let (after, before) = match page {
        Page::Newest => (None, None),
        Page::Before(before) => (None, Some(before)),
        Page::After(after) => (Some(after), None),
        Page::Between { after, before } => (Some(after), Some(before)),
    };
    PageQuery { key, before, after, limit }
}

/// Stamps of an entry as people were told of it: those of the system it was imported from, if it was.
pub(super) fn stamps(entry: &Entry) -> (papo_core::clock::WallTime, Lamport) {
    match &entry.operation {
        papo_core::log::Operation::Imported { time, clock, .. } => (*time, *clock),
        _ => (entry.time, entry.lamport),
    }
}
