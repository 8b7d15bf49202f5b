//! Clients, and the brokers between them and the servidores: each asks for one thing at a time, and asks again elsewhere
//! under the same id until it has an answer.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use papo_core::clock::Lamport;
use papo_core::log::{Index, Name, Operation, RequestId};
use papo_core::replica::{Answer, Ask, Ticket, WriteRequest};

use super::time::{MS, S, Time};

/// Few names, so that there is a fight for each.
const USERS: [&str; 6] = ["ana", "bruno", "carla", "davi", "eva", "fabio"];
const CHANNELS: [&str; 4] = ["geral", "jogos", "musica", "livros"];

/// Something fresh that everybody asks for once a majority is well: what chaos left over proves nothing, if it left nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A write that nothing but a failure can refuse: it takes a name that nobody else asks for.
    Write,
    /// A read of what is there.
    Read,
}

/// What a client wants at the moment.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The request.
    pub ask: Ask,
    /// All attempts so far and their answers.
    pub attempts: BTreeMap<Ticket, Option<Answer>>,
    /// After how many attempts it gives up.
    pub gives_up: usize,
    /// Which probe it is, if it is one.
    pub probe: Option<Probe>,
}

#[derive(Clone, Debug)]
/// A client.
pub struct Client {
    /// Its user's name.
    pub name: String,
    /// The highest index it was answered: what P5 is about.
    pub seen: Index,
    /// How many more wishes it has.
    pub left: usize,
    /// How long it waits between two wishes.
    pub think: Range<Time>,
    /// How long it gives a servidor to answer.
    pub patience: Range<Time>,
    /// What it is busy with.
    pub wish: Option<Wish>,
    /// How many letters its messages have.
    pub wordy: usize,
    /// Share of its wishes that it gives up after a few attempts.
    pub fickle: f64,
    /// What it has to prove first of all.
    pub probes: VecDeque<Probe>,
    /// What it is told to ask for next, before wishes of its own.
    pub orders: VecDeque<Operation>,
    /// Counts its requests.
    pub counter: u64,
}

impl Client {
    /// A client with that many wishes, as the first ones are: quick and patient.
    pub fn new(number: usize, wishes: usize) -> Self {
        Self {
            name: USERS[number % USERS.len()].to_owned(),
            seen: 0,
            left: wishes,
            think: MS..20 * MS,
            patience: 20 * MS..2 * S,
            wish: None,
            wordy: 0,
            fickle: 0.1,
            probes: VecDeque::new(),
            orders: VecDeque::new(),
            counter: u64::try_from(number).expect("few clients") << 32,
        }
    }

    /// Whether it wants nothing more.
    pub fn is_done(&self) -> bool {
        self.left == 0 && self.probes.is_empty() && self.orders.is_empty() && self.wish.is_none()
    }

    /// Thinks of something to ask for.
    pub fn wish(&mut self, rng: &mut fastrand::Rng) {
        if let Some(probe) = self.probes.pop_front() {
            return self.probe(probe);
        }
        if let Some(operation) = self.orders.pop_front() {
            return self.obey(operation);
        }
        self.left -= 1;
        let ask = if rng.u8(..10) < 3 { Ask::Read { seen: self.seen } } else { Ask::Write(self.write(rng)) };
        let gives_up = if rng.f64() < self.fickle { rng.usize(1..3) } else { usize::MAX };
        self.wish = Some(Wish { ask, attempts: BTreeMap::new(), gives_up, probe: None });
    }

    fn probe(&mut self, probe: Probe) {
        self.counter += 1;
        let ask = match probe {
            Probe::Read => Ask::Read { seen: self.seen },
            Probe::Write => {
                let name = format!("sonda{}", self.counter);
                let request_id = RequestId::Client(name.clone());
                let operation = Operation::Login { user: plain(&name) };
                let write = WriteRequest { author: name, request_id, operation, clock: Lamport::default() };
                Ask::Write(Box::new(write))
            }
        };
        self.wish = Some(Wish { ask, attempts: BTreeMap::new(), gives_up: usize::MAX, probe: Some(probe) });
    }

    fn obey(&mut self, operation: Operation) {
        self.counter += 1;
        let request_id = RequestId::Client(format!("order{}", self.counter));
        let clock = Lamport::default();
        let write = WriteRequest { author: self.name.clone(), request_id, operation, clock };
        let ask = Ask::Write(Box::new(write));
        self.wish = Some(Wish { ask, attempts: BTreeMap::new(), gives_up: usize::MAX, probe: None });
    }

    fn write(&mut self, rng: &mut fastrand::Rng) -> Box<WriteRequest> {
        self.counter += 1;
        let request_id = if rng.bool() {
            RequestId::Client(format!("r{}", self.counter))
        } else {
            RequestId::Broker { incarnation: 1, counter: self.counter }
        };
        let user = || self.name.clone();
        let channel = CHANNELS[rng.usize(..CHANNELS.len())].to_owned();
        let message = format!("message {} {}", self.counter, "o".repeat(self.wordy));
        let operation = match rng.u8(..10) {
            0 => Operation::Login { user: plain(&user()) },
            1 => Operation::Channel { channel: plain(&channel) },
            2 => Operation::Join { user: user(), channel },
            3 => Operation::Leave { user: user(), channel },
            4..=6 => Operation::Publish { channel, user: user(), message },
            _ => {
                let dst = USERS[rng.usize(..USERS.len())].to_owned();
                Operation::Message { src: user(), dst, message }
            }
        };
        // Now and then a clock that no honest client has.
        let clock = Lamport::new(if rng.u8(..20) == 0 { rng.u64(..) } else { rng.u64(..1 << 12) });
        Box::new(WriteRequest { author: user(), request_id, operation, clock })
    }
}

/// A name that is its own key.
pub fn plain(name: &str) -> Name {
    Name { display: name.to_owned(), key: name.to_owned() }
}
