//! Who there is: names, ranks, addresses and signs of life. No sockets and no clock: requests and the time go in,
//! replies come out.
//!
//! A rank is for good. Whoever asks first gets the next one, from 1; whoever asks again gets the same. Nothing is
//! stored: the truth about ranks is in the servidores' log, so a servidor that holds one from there says so when it
//! asks, and a referencia that lost its memory learns it again. A rank that the log holds is worth more than one
//! that was merely given here: after a restart a newcomer may have been given the rank of a member that had not asked
//! yet, and then it is the newcomer's that changes. No two names have the same rank at any time.
//!
//! Not done here: a servidor that is gone for good keeps its rank as long as the process lives, and nobody is
//! authenticated (whoever reaches the port may register a name, up to [`MOST_NAMES`]).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use papo_wire::referencia::{Listed, Reply, Request};

/// More servidores than any cluster has. Beyond it only names that were given a rank here and fell silent make room.
pub const MOST_NAMES: usize = 1024;
/// The highest rank that is believed.
pub const HIGHEST_RANK: u64 = 65_535;
/// Bytes of an address.
const ADDRESS_BYTES: usize = 300;

/// All that is known.
#[derive(Debug)]
pub struct Registry {
    expiry: Duration,
    known: BTreeMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    rank: u64,
    claim: Claim,
    address: String,
    last_heard: Instant,
    /// Whether its silence was reported already.
    silent: bool,
}

/// Why a name has its rank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Claim {
    /// It was the next one free.
    Given,
    /// Its owner holds it in the log.
    Held,
}

impl Registry {
    /// Knows nobody. Who says nothing for `expiry` is no longer listed.
    pub fn new(expiry: Duration) -> Self {
        Self { expiry, known: BTreeMap::new() }
    }

    /// What `request`, which came at `now`, is answered.
    pub fn answer(&mut self, request: Request, now: Instant) -> Reply {
        match request {
            Request::Rank { user, p2p_address, rank } => match self.register(&user, p2p_address, rank, now) {
                Ok(rank) => Reply::Rank(rank),
                Err(why) => refusal("rank", false, why),
            },
            Request::Heartbeat { user } => match self.known.get_mut(&user) {
                Some(known) => {
                    known.heard(now);
                    Reply::Heartbeat
                }
                None => refusal("heartbeat", true, "Servidor desconhecido. Peça o rank de novo."),
            },
            Request::List => Reply::List(self.list(now)),
        }
    }

    /// The names that have fallen silent since this was asked last.
    pub fn newly_silent(&mut self, now: Instant) -> Vec<String> {
        let expiry = self.expiry;
        let fell_silent = |known: &Known| !known.silent && !known.is_live(now, expiry);
        let silent = self.known.iter_mut().filter(|(_, known)| fell_silent(known));
        silent
            .map(|(name, known)| {
                known.silent = true;
                name.clone()
            })
            .collect()
    }

    /// How many are listed, and how many are known.
    pub fn count(&self, now: Instant) -> (usize, usize) {
        (self.known.values().filter(|known| known.is_live(now, self.expiry)).count(), self.known.len())
    }

    fn register(
        &mut self,
        name: &str,
        address: String,
        held: Option<u64>,
        now: Instant,
    ) -> Result<u64, &'static str> {
        if name.chars().any(char::is_control) {
            return Err("Nome inválido.");
        }
        if address.is_empty() || address.len() > ADDRESS_BYTES || address.chars().any(char::is_control) {
            return Err("Endereço inválido.");
        }
        if held.is_some_and(|rank| rank == 0 || rank > HIGHEST_RANK) {
            return Err("Rank inválido.");
        }
        if !self.known.contains_key(name) {
            self.make_room(now)?;
        }
        let (rank, claim) = match held {
            Some(rank) => (self.adopt(name, rank)?, Claim::Held),
            None => match self.known.get(name) {
                Some(known) => (known.rank, known.claim),
                None => (self.next_rank(), Claim::Given),
            },
        };
        let known = Known { rank, claim, address, last_heard: now, silent: false };
        self.known.insert(name.to_owned(), known);
        Ok(rank)
    }

    /// Frees `rank` for `name`, unless another one holds it in the log as well.
    fn adopt(&mut self, name: &str, rank: u64) -> Result<u64, &'static str> {
        let other = self.known.iter().find(|(other, known)| known.rank == rank && *other != name);
        let Some((other, known)) = other else { return Ok(rank) };
        if known.claim == Claim::Held {
            return Err("Rank de outro servidor.");
        }
        let (other, next) = (other.clone(), self.next_rank());
        if let Some(known) = self.known.get_mut(&other) {
            known.rank = next;
        }
        Ok(rank)
    }

    /// One more than the highest: after a restart, ranks of members that have not asked again yet stay free. Where
    /// there is no higher one, the lowest that nobody has.
    fn next_rank(&self) -> u64 {
        let highest = self.known.values().map(|known| known.rank).max().unwrap_or(0);
        if highest < HIGHEST_RANK {
            return highest + 1;
        }
        let free = (1..=HIGHEST_RANK).find(|rank| self.known.values().all(|known| known.rank != *rank));
        free.expect("there are more ranks than names")
    }

    fn make_room(&mut self, now: Instant) -> Result<(), &'static str> {
        if self.known.len() < MOST_NAMES {
            return Ok(());
        }
        let expiry = self.expiry;
        let dispensable =
            self.known.iter().filter(|(_, known)| known.claim == Claim::Given && !known.is_live(now, expiry));
        let longest_silent =
            dispensable.min_by_key(|(_, known)| known.last_heard).map(|(name, _)| name.clone());
        match longest_silent.and_then(|name| self.known.remove(&name)) {
            Some(_) => Ok(()),
            None => Err("Servidores demais."),
        }
    }

    fn list(&self, now: Instant) -> Vec<Listed> {
        let live = self.known.iter().filter(|(_, known)| known.is_live(now, self.expiry));
        let mut list: Vec<Listed> = live
            .map(|(name, known)| Listed {
                name: name.clone(),
                rank: known.rank,
                address: known.address.clone(),
            })
            .collect();
        list.sort_by_key(|listed| listed.rank);
        list
    }
}

impl Known {
    fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.silent = false;
    }

    fn is_live(&self, now: Instant, expiry: Duration) -> bool {
        now.saturating_duration_since(self.last_heard) < expiry
    }
}

fn refusal(service: &str, unknown_servidor: bool, why: &str) -> Reply {
    Reply::Refused { service: service.to_owned(), unknown_servidor, description: why.to_owned() }
}

#[cfg(test)]
mod tests;
