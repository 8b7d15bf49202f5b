use papo_core::clock::Instant;
use papo_wire::envelope::Ticket;

use super::links::LinkId;
use super::reply_path::ReplyPath;

/// Bits of a ticket that say where its request is kept; the others count.
const SLOT_BITS: u32 = 24;

/// More requests than this are never open at once.
pub(crate) const MOST_REQUESTS: usize = 1 << SLOT_BITS;

/// What one open request costs beside its frames, roughly: bookkeeping, allocations, a copy on its way to a servidor.
const OVERHEAD: usize = 256;

/// An open request. Keys compare by age: the request that came first is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Counts the requests of this broker; with its incarnation the id of those that brought none.
    pub(crate) counter: u64,
    slot: u32,
}

/// One sending of a request to one servidor. A request that is sent to two servidores has two tickets, so that an answer
/// tells which of the two it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    pub(crate) ticket: Ticket,
    pub(crate) link: LinkId,
    pub(crate) state: TryState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TryState {
    /// It is expected to be answered.
    Open,
    /// Its servidor fell silent or withdrew. The answer would still be taken; what it did is not known.
    Lost,
    /// Its servidor said that another one should be tried.
    Refused,
}

/// A client's request that has not been answered yet.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) path: ReplyPath,
    pub(crate) payload: Vec<u8>,
    pub(crate) arrived: Instant,
    /// How often every servidor has refused it.
    pub(crate) rounds: u32,
    counter: u64,
    tries: Vec<Try>,
    /// Whether a try that is over may have been handed to a coordinator.
    handed_on: bool,
}

impl Request {
    /// Bytes of memory it holds, roughly.
    pub(crate) fn cost(&self) -> usize {
        cost(&self.path, &self.payload)
    }

    /// Whether sending it to that servidor (again) would be no use now.
    pub(crate) fn excludes(&self, link: LinkId) -> bool {
        self.tries.iter().any(|one| one.link == link && one.state != TryState::Lost)
    }

    /// Whether some servidor is expected to answer it.
    pub(crate) fn is_out(&self) -> bool {
        self.open_links().next().is_some()
    }

    /// The servidores that are expected to answer it.
    pub(crate) fn open_links(&self) -> impl Iterator<Item = LinkId> {
        self.tries.iter().filter(|one| one.state == TryState::Open).map(|one| one.link)
    }

    /// Whether a servidor refused it in this round.
    pub(crate) fn was_refused(&self) -> bool {
        self.tries.iter().any(|one| one.state == TryState::Refused)
    }

    /// Whether it may be ordered in spite of having no answer.
    pub(crate) fn may_be_ordered(&self) -> bool {
        self.handed_on || self.tries.iter().any(|one| one.state != TryState::Refused)
    }

    /// Whether it may be ordered by way of another servidor than the one of that try.
    pub(crate) fn may_be_ordered_elsewhere(&self, ticket: Ticket) -> bool {
        self.handed_on || self.tries.iter().any(|one| one.ticket != ticket && one.state != TryState::Refused)
    }

    /// Lets the servidores that refused it be asked again.
    pub(crate) fn start_round(&mut self) {
        self.rounds += 1;
        self.tries.retain(|one| one.state != TryState::Refused);
    }

    /// Ends the try with a refusal and returns what it was before. `handed_on` tells whether a coordinator may have it.
    pub(crate) fn refuse(&mut self, ticket: Ticket, handed_on: bool) -> Option<Try> {
        let one = self.tries.iter_mut().find(|one| one.ticket == ticket)?;
        let before = *one;
        one.state = TryState::Refused;
        self.handed_on |= handed_on;
        Some(before)
    }

    /// Gives up waiting for that servidor; false where it was not waited for.
    pub(crate) fn lose(&mut self, link: LinkId) -> bool {
        let open = self.tries.iter_mut().find(|one| one.link == link && one.state == TryState::Open);
        open.map(|one| one.state = TryState::Lost).is_some()
    }

    /// Forgets a try that never left.
    pub(crate) fn retract(&mut self, ticket: Ticket) {
        self.tries.retain(|one| one.ticket != ticket);
    }

    fn find(&self, ticket: Ticket) -> Option<Try> {
        self.tries.iter().find(|one| one.ticket == ticket).copied()
    }
}

/// The requests that are open, found by key or by ticket without hashing.
#[derive(Debug)]
pub(crate) struct Requests {
    slots: Vec<Option<Request>>,
    free: Vec<u32>,
    counter: u64,
    /// Counts tries. Starts at a random number, so that an answer meant for this broker's predecessor matches nothing.
    serial: u64,
    bytes: usize,
}

impl Requests {
    pub(crate) fn new(first_serial: u64) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), counter: 0, serial: first_serial, bytes: 0 }
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Bytes of memory held by those that are open, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Opens a request. The caller keeps their number below [`MOST_REQUESTS`].
    pub(crate) fn open(&mut self, now: Instant, path: ReplyPath, payload: Vec<u8>) -> Key {
        self.counter += 1;
        self.bytes += cost(&path, &payload);
        let request = Request {
            path,
            payload,
            arrived: now,
            rounds: 0,
            counter: self.counter,
            tries: Vec::new(),
            handed_on: false,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("the number of requests is bounded")
        });
        assert!((slot as usize) < MOST_REQUESTS, "the number of requests is bounded");
        self.slots[slot as usize] = Some(request);
        Key { counter: self.counter, slot }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Request> {
        self.slots[key.slot as usize].as_ref().filter(|request| request.counter == key.counter)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Request> {
        self.slots[key.slot as usize].as_mut().filter(|request| request.counter == key.counter)
    }

    /// Notes a try of the request at that servidor and returns its ticket.
    pub(crate) fn attempt(&mut self, key: Key, link: LinkId) -> Ticket {
        self.serial = self.serial.wrapping_add(1);
        let ticket = self.serial << SLOT_BITS | u64::from(key.slot);
        let request = self.get_mut(key).expect("only open requests are tried");
        request.tries.push(Try { ticket, link, state: TryState::Open });
        ticket
    }

    /// The open request that this try belongs to.
    pub(crate) fn by_ticket(&self, ticket: Ticket) -> Option<(Key, Try)> {
        let slot = (ticket & (MOST_REQUESTS as u64 - 1)) as u32;
        let request = self.slots.get(slot as usize)?.as_ref()?;
        Some((Key { counter: request.counter, slot }, request.find(ticket)?))
    }

    /// Closes a request.
    pub(crate) fn close(&mut self, key: Key) -> Option<Request> {
        self.get(key)?;
        self.free.push(key.slot);
        let request = self.slots[key.slot as usize].take()?;
        self.bytes -= request.cost();
        Some(request)
    }

    /// All that are open, oldest first.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let open = (0..).zip(&self.slots);
        let mut keys: Vec<_> = open
            .filter_map(|(slot, request)| {
                request.as_ref().map(|request| Key { counter: request.counter, slot })
            })
            .collect();
        keys.sort_unstable();
        keys
    }
}

fn cost(path: &ReplyPath, payload: &[u8]) -> usize {
    OVERHEAD + path.bytes() + payload.len()
}
