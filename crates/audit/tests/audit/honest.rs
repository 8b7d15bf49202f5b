//! A chat that keeps every promise, small enough to be right by inspection: one list is the log. Tests let people talk in
//! it, and then spoil either what the observer wrote down or what a servidor tells.

use papo_audit::{
    Entry, Event, Evidence, HistoryDump, Ledger, Record, Report, Request, StateDigest, Topic, What, audit,
};

/// The people; each follows `geral` and their own mailbox from the start.
pub(crate) const PEOPLE: [&str; 3] = ["ana", "bia", "caio"];

/// The evidence of one run: one observer, three servidores.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) ledger: Ledger,
    pub(crate) histories: Vec<HistoryDump>,
    pub(crate) digests: Vec<StateDigest>,
    at: u64,
    next_id: u64,
}

impl Run {
    /// Everybody logged in, `geral` created and followed.
    pub(crate) fn begin() -> Self {
        let histories = (1..=3).map(|n| HistoryDump::everything(format!("servidor-{n}"), 0)).collect();
        let mut run = Self { ledger: Ledger::default(), histories, digests: Vec::new(), at: 0, next_id: 1 };
        for user in PEOPLE {
            run.write(user, &Request::Login { user: user.into(), again: false });
        }
        run.write("ana", &Request::Channel { channel: "geral".into() });
        for user in PEOPLE {
            run.note(user, Event::Follows { topic: geral(), after: 0 });
            run.note(user, Event::Follows { topic: mailbox(user), after: 0 });
        }
        run
    }

    /// The last index of the log.
    pub(crate) fn last(&self) -> u64 {
        self.histories[0].upto
    }

    /// Writes down what happens to a client, a millisecond after what happened before.
    pub(crate) fn note(&mut self, client: &str, event: Event) {
        self.at += 1_000;
        self.ledger.push(Entry { at: self.at, client: client.into(), event });
    }

    pub(crate) fn now(&self) -> u64 {
        self.at
    }

    pub(crate) fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        format!("r{}", self.next_id)
    }

    pub(crate) fn attempt(&mut self, client: &str, id: &str, request: &Request) {
        let attempted =
            Event::Attempted { request_id: id.into(), request: request.clone(), replies_to: None };
        self.note(client, attempted);
    }

    /// Orders the request and applies it everywhere. Leaves a hole before it now and then, as entries that tell nothing do.
    pub(crate) fn order(&mut self, id: &str, request: &Request) -> u64 {
        let index = self.last() + 1 + u64::from(self.last().is_multiple_of(5));
        let record = Record {
            index,
            what: What::of(request).expect("tests order only what leaves a record"),
            timestamp: format!("2025-11-03T21:{:02}:{:02}.{index:06}Z", index / 60 % 60, index % 60),
            clock: index * 2,
            request_id: Some(id.into()),
            rest: [].into(),
        };
        for history in &mut self.histories {
            history.records.push(record.clone());
            history.upto = index;
        }
        index
    }

    /// A request that succeeds at once. Returns its id and index.
    pub(crate) fn write(&mut self, client: &str, request: &Request) -> (String, u64) {
        let id = self.fresh_id();
        self.attempt(client, &id, request);
        let index = self.order(&id, request);
        self.note(client, Event::Acknowledged { request_id: id.clone(), index });
        (id, index)
    }

    /// `client` says something new in `geral`, and it is acknowledged and shown to everybody.
    pub(crate) fn say(&mut self, client: &str) -> (String, u64) {
        let (id, index) = self.write(client, &publish(client, &format!("message {}", self.next_id + 1)));
        for user in PEOPLE {
            self.show(user, geral(), index, &id);
        }
        (id, index)
    }

    /// `src` says something new to `dst`, acknowledged and shown.
    pub(crate) fn whisper(&mut self, src: &str, dst: &str) -> (String, u64) {
        let message = format!("secret {}", self.next_id + 1);
        let request = Request::Message { src: src.into(), dst: dst.into(), message };
        let (id, index) = self.write(src, &request);
        self.show(dst, mailbox(dst), index, &id);
        (id, index)
    }

    pub(crate) fn show(&mut self, client: &str, topic: Topic, index: u64, id: &str) {
        self.note(client, Event::Shown { topic, index, request_id: Some(id.into()) });
    }

    /// `client` reads the newest page of `geral`, of `limit` messages at most.
    pub(crate) fn read_page(&mut self, client: &str, limit: usize) {
        let all = self.histories[0].records.iter().filter(|record| record.what.is_in(&geral()));
        let all: Vec<u64> = all.map(|record| record.index).collect();
        let messages = all[all.len().saturating_sub(limit)..].to_vec();
        let page = Event::Page {
            topic: geral(),
            asked: self.at,
            seen: 0,
            index: self.last(),
            newest: true,
            messages,
        };
        self.note(client, page);
    }

    pub(crate) fn catch_up(&mut self) {
        for user in PEOPLE {
            self.note(user, Event::CaughtUp { index: self.last() });
        }
    }

    pub(crate) fn audit(&self) -> Report {
        audit(&self.evidence())
    }

    pub(crate) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            ledgers: std::slice::from_ref(&self.ledger),
            histories: &self.histories,
            digests: &self.digests,
        }
    }

    /// Changes what was written down. `change` returns what to keep of an entry.
    pub(crate) fn rewrite(&mut self, change: impl FnMut(Entry) -> Option<Entry>) {
        self.ledger = self.ledger.entries().iter().cloned().filter_map(change).collect();
    }
}

pub(crate) fn geral() -> Topic {
    Topic::Channel("geral".into())
}

pub(crate) fn mailbox(user: &str) -> Topic {
    Topic::Mailbox(user.into())
}

pub(crate) fn publish(user: &str, message: &str) -> Request {
    Request::Publish { user: user.into(), channel: "geral".into(), message: message.into() }
}
