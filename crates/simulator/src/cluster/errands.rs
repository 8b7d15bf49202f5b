//! What clients do, and what is checked about what they are told.

use std::ops::Range;

use papo_core::chat::Outcome;
use papo_core::log::{Index, Operation, RequestId};
use papo_core::members::ADMIN;
use papo_core::replica::{Answer, Ask, Input, Ticket, WriteRequest};

use super::clients::{Client, Probe, plain};
use super::node::Incoming;
use super::time::{MS, Time, US};
use super::{Cluster, Event, Told};
use crate::checks::{p5_session, p6_names, require};
use crate::coverage::Happening;

/// Who was turned away with a probing request tries again after this at the latest. A broker need not try: it is told who serves.
const PROBES_EVERY: Time = 80 * MS;

impl Cluster {
    /// Sends a request to one servidor, which has `patience` to answer it.
    pub fn ask(&mut self, node: usize, ask: Ask, patience: Time) -> Ticket {
        self.tickets += 1;
        let ticket = self.tickets;
        let at = self.now + self.rng.u64(50 * US..300 * US);
        self.schedule(at, Event::Asked { node, ticket, ask, patience });
        ticket
    }

    /// Sends a write of `author`; its id is `id`.
    pub fn write(
        &mut self,
        node: usize,
        author: &str,
        id: &str,
        operation: Operation,
        patience: Time,
    ) -> Ticket {
        let write = WriteRequest {
            author: author.to_owned(),
            request_id: RequestId::Client(id.to_owned()),
            operation,
            clock: Default::default(),
        };
        self.ask(node, Ask::Write(Box::new(write)), patience)
    }

    /// Somebody asks for far too much at once, and waits for no answer: new names, one name again and again, and what is not there yet.
    pub fn flood(&mut self, node: usize, requests: usize) {
        let flood = self.tickets;
        for number in 0..requests {
            let seen = self.applied(node) + 1;
            let patience = self.rng.u64(500 * MS..2_000 * MS);
            let id = match number % 3 {
                0 => format!("flood{flood}x{number}"),
                1 => format!("flood{flood}"),
                _ => {
                    self.ask(node, Ask::Read { seen }, patience);
                    continue;
                }
            };
            self.write(node, &id, &id, Operation::Login { user: plain(&id) }, patience);
        }
    }

    /// The answer to a request, once there is one.
    pub fn answer(&self, ticket: Ticket) -> Option<Answer> {
        self.told.get(&ticket).map(|told| told.answer)
    }

    /// Waits for the answer to a request.
    pub fn answer_within(&mut self, ticket: Ticket, limit: Time) -> Answer {
        self.until("the request is answered", limit, |cluster| cluster.told.contains_key(&ticket));
        self.told[&ticket].answer
    }

    /// Waits until the write is carried out; its index.
    pub fn carried_out(&mut self, ticket: Ticket) -> Index {
        match self.answer_within(ticket, 5_000 * MS) {
            Answer::Written { index, .. } => index,
            other => panic!("the write was answered {other:?}\n{}", self.describe()),
        }
    }

    pub(super) fn answered(&mut self, ticket: Ticket, told: Told) {
        let Told { answer, applied, shown, .. } = told;
        let before = self.told.insert(ticket, told);
        assert!(before.is_none(), "one answer a request: {before:?}, then {answer:?}");
        if answer == Answer::Overloaded {
            self.coverage.count(Happening::Overloaded);
        }
        let Some(client) = self.errands.get(&ticket).copied() else { return };
        let Some(wish) = &mut self.clients[client].wish else { return };
        let Some(attempt) = wish.attempts.get_mut(&ticket) else { return };
        *attempt = Some(answer);
        match answer {
            Answer::Elsewhere { .. } | Answer::Overloaded | Answer::NotYet => {
                self.coverage.count(Happening::TurnedAway);
            }
            Answer::Unknown => self.coverage.count(Happening::Unknown),
            Answer::Written { outcome: Outcome::Refused(_), .. } => self.coverage.count(Happening::Refused),
            _ => {}
        }
        match answer {
            Answer::Written { outcome, index } => {
                let Ask::Write(write) = &wish.ask else { panic!("a read was answered {answer:?}") };
                self.canon.acknowledged((write.author.clone(), write.request_id.clone()), index, outcome);
                if wish.probe.is_some() {
                    require(p6_names::free(&write.author, outcome));
                    self.proven += 1;
                }
                self.client_has_seen(client, index);
            }
            Answer::Readable => {
                let Ask::Read { seen } = wish.ask else { panic!("a write was answered {answer:?}") };
                require(p5_session::read(&self.clients[client].name, seen, applied, shown));
                self.client_has_seen(client, applied);
            }
            Answer::BeyondLog { last } => {
                let client = &self.clients[client];
                require(p5_session::beyond_log(&client.name, client.seen, last));
            }
            Answer::Elsewhere { .. }
            | Answer::Overloaded
            | Answer::Unknown
            | Answer::TimedOut
            | Answer::NotYet => {
                let latest = wish.attempts.last_key_value().is_some_and(|(last, _)| *last == ticket);
                if latest {
                    // Soon at first, and then not so often. What measures how soon the cluster serves looks more often than that.
                    let most = if wish.probe.is_some() { PROBES_EVERY } else { 640 * MS };
                    let pause = (20 * MS) << wish.attempts.len().min(5);
                    let at = self.now + self.rng.u64(MS..pause.min(most));
                    self.schedule(at, Event::Client { client });
                }
            }
        }
    }

    fn client_has_seen(&mut self, client: usize, index: Index) {
        let at = self.now + self.rng.u64(self.clients[client].think.clone());
        let client_ = &mut self.clients[client];
        client_.seen = client_.seen.max(index);
        client_.wish = None;
        self.schedule(at, Event::Client { client });
    }

    /// Lets `count` clients ask for `wishes` things each.
    pub fn add_clients(&mut self, count: usize, wishes: usize, think: Range<Time>) {
        for _ in 0..count {
            let number = self.clients.len();
            let client = Client { think: think.clone(), ..Client::new(number, wishes) };
            self.clients.push(client);
            self.schedule(self.now, Event::Client { client: number });
        }
    }

    /// Gives everybody, clients and people, a fresh write and a fresh read; and so to one more client, which has nothing else to
    /// do and is as impatient as a broker: how soon it is done is how soon the cluster serves.
    pub fn probe_everybody(&mut self) -> usize {
        let prober = self.clients.len();
        let patience = 100 * MS..300 * MS;
        self.clients.push(Client { think: MS..2 * MS, patience, ..Client::new(prober, 0) });
        for client in 0..self.clients.len() {
            self.clients[client].probes.extend([Probe::Write, Probe::Read]);
            if self.clients[client].wish.is_none() {
                self.schedule(self.now, Event::Client { client });
            }
        }
        self.probe_people();
        prober
    }

    /// Lets the administrator ask for something, as often as it takes.
    pub fn order(&mut self, operation: Operation) {
        let admin = self.clients.iter().position(|client| client.name == ADMIN);
        let admin = admin.unwrap_or_else(|| {
            let number = self.clients.len();
            self.clients.push(Client { name: ADMIN.to_owned(), ..Client::new(number, 0) });
            number
        });
        let client = &mut self.clients[admin];
        let idle = client.is_done();
        client.orders.push_back(operation);
        if idle {
            self.schedule(self.now, Event::Client { client: admin });
        }
    }

    /// Whom the administrator has asked to admit or dismiss, and had no answer.
    pub fn names_in_orders(&self) -> Vec<String> {
        let admins = self.clients.iter().filter(|client| client.name == ADMIN);
        let operations = admins.flat_map(|client| {
            let asked = client.wish.iter().filter_map(|wish| match &wish.ask {
                Ask::Write(write) => Some(&write.operation),
                Ask::Read { .. } => None,
            });
            asked.chain(&client.orders)
        });
        operations
            .filter_map(|operation| match operation {
                Operation::Admit { name } | Operation::Dismiss { name } => Some(name.clone()),
                _ => None,
            })
            .collect()
    }

    /// Whether all clients have all that they wanted.
    pub fn clients_are_done(&self) -> bool {
        self.clients.iter().all(Client::is_done)
    }

    pub(super) fn client_goes_on(&mut self, client: usize) {
        if self.clients[client].wish.is_none() {
            if self.clients[client].is_done() {
                return;
            }
            self.clients[client].wish(&mut self.rng);
        }
        let wish = self.clients[client].wish.as_ref().expect("there is one now");
        if wish.attempts.len() >= wish.gives_up {
            return self.client_gives_up(client);
        }
        let ask = wish.ask.clone();
        if !wish.attempts.is_empty() {
            self.coverage.count(Happening::Retried);
        }
        let patience = self.rng.u64(self.clients[client].patience.clone());
        let node = self.some_servidor();
        let ticket = self.ask(node, ask, patience);
        self.errands.insert(ticket, client);
        let wish = self.clients[client].wish.as_mut().expect("there is one now");
        wish.attempts.insert(ticket, None);
        let silence = self.now + patience / 2 + self.rng.u64(..patience);
        self.schedule(silence, Event::Silence { client, ticket });
    }

    /// As brokers do: one of those that serve, and rarely one that does not.
    fn some_servidor(&mut self) -> usize {
        let serving: Vec<usize> = (0..self.nodes.len()).filter(|node| self.serves(*node)).collect();
        if serving.is_empty() || self.rng.u8(..20) == 0 {
            return self.rng.usize(..self.nodes.len());
        }
        serving[self.rng.usize(..serving.len())]
    }

    /// The last attempt had no answer: the servidor may be gone, and the write may be on its way all the same.
    pub(super) fn client_hears_nothing(&mut self, client: usize, ticket: Ticket) {
        let Some(wish) = &self.clients[client].wish else { return };
        let latest = wish.attempts.last_key_value();
        if latest.is_some_and(|(last, answer)| *last == ticket && answer.is_none()) {
            if self.rng.bool() {
                let node = self.rng.usize(..self.nodes.len());
                self.deliver(node, Incoming::Input(Input::Forget(ticket)));
            }
            self.client_goes_on(client);
        }
    }

    fn client_gives_up(&mut self, client: usize) {
        let wish = self.clients[client].wish.take().expect("it wanted something");
        self.coverage.count(Happening::Forgotten);
        let no_effect = |answer: &Option<Answer>| {
            matches!(
                answer,
                Some(Answer::Elsewhere { ordered: false } | Answer::TimedOut | Answer::Overloaded)
            )
        };
        if let Ask::Write(write) = wish.ask
            && wish.attempts.values().all(no_effect)
        {
            self.canon.refused((write.author, write.request_id));
        }
        let at = self.now + self.rng.u64(self.clients[client].think.clone());
        self.schedule(at, Event::Client { client });
    }
}
