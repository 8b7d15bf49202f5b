//! Asking for changes, and waiting until they have happened.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use papo_core::members::ServerName;
use papo_service::Failure;
use papo_transport::HostPort;
use papo_wire::admin::{Change, Membership, Reply, Request};
use papo_wire::reply::Role;

use super::Wait;
use super::line::Line;
use crate::ask::resolve;

/// How long one servidor may take to say how things are.
const LOOK: Duration = Duration::from_secs(1);
/// How long one servidor may take to have a change agreed. It gives up itself before that.
const CHANGE: Duration = Duration::from_secs(5);
/// How often it is looked whether what is waited for has happened.
const BETWEEN: Duration = Duration::from_millis(250);

/// One command at work.
pub(super) struct Work {
    line: Line,
    /// Where to ask, the best first: who answered last, then what was given, then what was learned.
    addresses: Vec<SocketAddr>,
    deadline: Instant,
    timeout: Duration,
    /// The index of the last change that was agreed: whoever has not applied that knows too little to be believed.
    agreed: u64,
    /// Why nobody who was asked could say how things are.
    silence: &'static str,
}

impl Work {
    /// Asks at `from`; all of it may take `timeout`.
    pub(super) fn new(from: &[HostPort], timeout: Duration) -> Result<Self, Failure> {
        let addresses = resolve(from)?;
        let deadline = Instant::now() + timeout;
        let silence = "no servidor answered";
        Ok(Self { line: Line::new()?, addresses, deadline, timeout, agreed: 0, silence })
    }

    /// How things are, as the coordinator sees them where that can be asked.
    pub(super) fn look(&mut self) -> Result<Membership, Failure> {
        loop {
            if let Some(membership) = self.look_once() {
                return Ok(membership);
            }
            self.pause(self.silence)?;
        }
    }

    fn look_once(&mut self) -> Option<Membership> {
        let found = self.addresses.clone().into_iter().find_map(|at| self.members(at).map(|m| (at, m)));
        let (at, membership) = found?;
        self.prefer(at);
        if membership.role == Role::Coordinator {
            return Some(membership);
        }
        let coordinator = membership.seat(&membership.coordinator).and_then(|seat| address(&seat.address));
        let better = coordinator.filter(|coordinator| *coordinator != at).and_then(|coordinator| {
            let membership = self.members(coordinator)?;
            self.prefer(coordinator);
            Some(membership)
        });
        self.learn(&membership);
        Some(better.unwrap_or(membership))
    }

    fn members(&mut self, at: SocketAddr) -> Option<Membership> {
        match self.line.ask(at, &Request::Members, LOOK) {
            Some(Reply::Members(membership)) => Some(*membership),
            Some(_) => {
                self.silence = "the servidores are of a release that cannot tell; upgrade all of them first";
                None
            }
            None => None,
        }
    }

    /// Has a change agreed: asks one servidor after the other, under one id.
    pub(super) fn change(&mut self, change: &Change) -> Result<u64, Failure> {
        let request_id = format!("members-{:016x}", fastrand::u64(..));
        let request = Request::Change { request_id, change: change.clone() };
        let mut why = self.silence;
        loop {
            for at in self.addresses.clone() {
                let left = self.deadline.saturating_duration_since(Instant::now());
                match self.line.ask(at, &request, CHANGE.min(left)) {
                    Some(Reply::Agreed(index)) => {
                        self.prefer(at);
                        self.agreed = self.agreed.max(index);
                        tell(change);
                        return Ok(index);
                    }
                    Some(Reply::Refused(reason)) if reason.is_worth_a_retry() => why = reason.description(),
                    Some(Reply::Refused(reason)) => {
                        return Err(Failure::failed(format!("{}: {}", change.name(), reason.description())));
                    }
                    Some(Reply::Members(_)) | None => {}
                }
            }
            // Others may serve, whom we were not told of.
            if let Some(membership) = self.look_once() {
                self.learn(&membership);
            }
            self.pause(why)?;
        }
    }

    /// Waits, as told; how things are then.
    pub(super) fn wait(&mut self, wait: Wait) -> Result<Membership, Failure> {
        match wait {
            Wait::None => self.look(),
            Wait::Departures => self.wait_until("everybody has left who is to", |membership| {
                membership.leaving().next().is_none()
            }),
            Wait::All => self
                .wait_until("everybody has left who is to, and everybody counts who is wanted", |m| {
                    m.leaving().next().is_none() && m.awaited().next().is_none()
                }),
        }
    }

    /// Waits until something holds in the eyes of the coordinator; how things are then.
    pub(super) fn wait_until(
        &mut self,
        what: &str,
        holds: impl Fn(&Membership) -> bool,
    ) -> Result<Membership, Failure> {
        let mut told = BTreeSet::new();
        loop {
            let membership = self.look()?;
            if membership.applied >= self.agreed && holds(&membership) {
                return Ok(membership);
            }
            let open: BTreeSet<ServerName> =
                membership.leaving().chain(membership.awaited()).map(|seat| seat.name.clone()).collect();
            if open != told && !open.is_empty() {
                let names: Vec<&str> = open.iter().map(String::as_str).collect();
                eprintln!("waiting until {what}; open: {}", names.join(", "));
                told = open;
            }
            self.pause(&format!("agreed, but not yet so: {what}. It will be, whenever it can"))?;
        }
    }

    /// Lets a moment pass, if there is time left.
    fn pause(&self, why: &str) -> Result<(), Failure> {
        if Instant::now() + BETWEEN >= self.deadline {
            return Err(Failure::failed(format!("not within {:?}: {why}", self.timeout)));
        }
        thread::sleep(BETWEEN);
        Ok(())
    }

    /// Asks there first from now on.
    fn prefer(&mut self, at: SocketAddr) {
        self.addresses.retain(|other| *other != at);
        self.addresses.insert(0, at);
    }

    /// Whoever is alive can be asked as well.
    fn learn(&mut self, membership: &Membership) {
        for seat in membership.seats.iter().filter(|seat| seat.alive) {
            if let Some(at) = address(&seat.address)
                && !self.addresses.contains(&at)
            {
                self.addresses.push(at);
            }
        }
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    let target: HostPort = text.parse().ok()?;
    resolve(&[target]).ok()?.first().copied()
}

fn tell(change: &Change) {
    match change {
        Change::Admit(name) => eprintln!("agreed: {name} is to be a member"),
        Change::Dismiss(name) => eprintln!("agreed: {name} is to be a member no longer"),
    }
}
