//! The referencia: asks for a rank, says that we live, and learns who else does. Everything goes on without it.

use std::time::{Duration, Instant};

use papo_core::clock::{Lamport, WallTime};
use papo_service::Failure;
use papo_transport::{Change, HostPort, Kind, Net, Resolver, SocketId, SocketOptions, TargetId};
use papo_wire::referencia::{Listed, Reply, Request};

/// How often something is said, and a question repeated that was not answered.
const INTERVAL: Duration = Duration::from_secs(1);
/// The same until there is a rank: a new cluster waits for it.
const EAGER: Duration = Duration::from_millis(200);

/// The socket for the referencia, and what was agreed with it.
#[derive(Debug)]
pub(crate) struct Registration {
    target: TargetId,
    pub(crate) socket: SocketId,
    name: String,
    address: String,
    registered: bool,
    asks_list: bool,
    next: Instant,
}

/// What the referencia told.
#[derive(Debug)]
pub(crate) enum Told {
    /// Our rank.
    Rank(u64),
    /// Who is alive.
    List(Vec<Listed>),
}

impl Registration {
    /// Follows every address of `target`.
    pub(crate) fn new(
        net: &mut impl Net,
        resolver: &mut Resolver,
        target: &HostPort,
        name: String,
        address: String,
    ) -> Result<Self, Failure> {
        let socket = net.open(Kind::Request, &SocketOptions::default())?;
        let target = resolver.watch(target);
        Ok(Self { target, socket, name, address, registered: false, asks_list: false, next: Instant::now() })
    }

    /// Takes a change of addresses; false if it is not about the referencia.
    pub(crate) fn resolved(&mut self, net: &mut impl Net, change: &Change) -> bool {
        if change.target != self.target {
            return false;
        }
        for address in &change.removed {
            net.disconnect(self.socket, *address);
        }
        for address in &change.added {
            if let Err(error) = net.connect(self.socket, *address) {
                tracing::warn!(referencia = %address, %error, "cannot connect");
            }
        }
        self.next = Instant::now();
        true
    }

    /// Says or asks what is due. `rank` is the rank that the log names, 0 for none: the referencia is told again after it
    /// forgot.
    pub(crate) fn turn(&mut self, net: &mut impl Net, rank: u64, time: WallTime, clock: Lamport) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + if self.registered { INTERVAL } else { EAGER };
        let request = if !self.registered {
            Request::Rank {
                user: self.name.clone(),
                p2p_address: self.address.clone(),
                rank: (rank > 0).then_some(rank),
            }
        } else if self.asks_list {
            Request::List
        } else {
            Request::Heartbeat { user: self.name.clone() }
        };
        self.asks_list = !self.asks_list;
        // Not connected is no error: it is asked again.
        let _ = net.send(self.socket, vec![request.encode(time, clock)]);
    }

    /// Takes an answer.
    pub(crate) fn answered(&mut self, frames: &[Vec<u8>]) -> Option<Told> {
        let payload = frames.last()?;
        match Reply::decode(payload) {
            Ok((Reply::Rank(rank), _)) => {
                self.registered = true;
                self.asks_list = true;
                self.next = Instant::now();
                Some(Told::Rank(rank))
            }
            Ok((Reply::List(list), _)) => Some(Told::List(list)),
            Ok((Reply::Heartbeat, _)) => None,
            Ok((Reply::Refused { unknown_servidor, description, .. }, _)) => {
                self.registered &= !unknown_servidor;
                tracing::warn!(description, "the referencia refused");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the referencia's answer cannot be read");
                None
            }
        }
    }

    /// When [`Registration::turn`] is to be called.
    pub(crate) fn deadline(&self) -> Instant {
        self.next
    }
}
