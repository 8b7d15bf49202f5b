use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use super::wanted::{Difference, Wanted};
use crate::error::{ConnectError, OpenError};
use crate::net::{Kind, Net, SocketId, SocketOptions};
use crate::resolver::{Change, TargetId};

/// One socket per address of the targets it follows: a dealer to every broker, where it matters who gets
/// what.
///
/// Feed it every [`Change`] of the targets that are meant for it. Whether a link is alive is not known here:
/// whoever hears nothing on it calls [`Links::reopen`].
pub struct Links {
    kind: Kind,
    options: SocketOptions,
    wanted: Wanted,
    sockets: BTreeMap<SocketAddr, SocketId>,
}

/// Which links came and went.
#[derive(Default, Debug)]
pub struct LinkChanges {
    /// New links. They may not be connected yet.
    pub opened: Vec<(SocketAddr, SocketId)>,
    /// Links that are closed; their ids mean nothing any more.
    pub closed: Vec<(SocketAddr, SocketId)>,
    /// Links that are wanted and could not be made: log it, and call [`Links::repair`] later.
    pub failed: Vec<LinkError>,
}

/// A link could not be made.
#[derive(Debug, Error)]
pub enum LinkError {
    /// No socket for it.
    #[error("{0}: {1}")]
    Open(SocketAddr, #[source] OpenError),
    /// It can never be connected.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl Links {
    /// Without any link yet; each will be a socket of this kind.
    #[must_use]
    pub fn new(kind: Kind, options: SocketOptions) -> Self {
        Self { kind, options, wanted: Wanted::default(), sockets: BTreeMap::new() }
    }

    /// Opens and closes as a target's addresses changed.
    pub fn follow(&mut self, net: &mut impl Net, change: &Change) -> LinkChanges {
        let difference = self.wanted.apply(change);
        self.apply(net, difference)
    }

    /// Closes what only this target had.
    pub fn forget(&mut self, net: &mut impl Net, target: TargetId) -> LinkChanges {
        let difference = self.wanted.forget(target);
        self.apply(net, difference)
    }

    /// Closes a link whose other side stayed silent, what is queued on it included, and opens it anew with
    /// another id. Nothing if the address is not followed.
    pub fn reopen(&mut self, net: &mut impl Net, address: SocketAddr) -> LinkChanges {
        if !self.wanted.contains(address) {
            return LinkChanges::default();
        }
        let old = self.sockets.remove(&address);
        if let Some(socket) = old {
            // What is queued is as old as the silence.
            net.close_after(socket, Duration::ZERO);
        }
        let opened = self.apply(net, Difference { added: vec![address], removed: Vec::new() });
        LinkChanges { closed: old.map(|socket| (address, socket)).into_iter().collect(), ..opened }
    }

    /// Opens what is wanted and could not be opened before.
    pub fn repair(&mut self, net: &mut impl Net) -> LinkChanges {
        let missing = self.wanted.addresses().filter(|address| !self.sockets.contains_key(address));
        let added = missing.collect();
        self.apply(net, Difference { added, removed: Vec::new() })
    }

    /// The link to an address.
    #[must_use]
    pub fn socket(&self, address: SocketAddr) -> Option<SocketId> {
        self.sockets.get(&address).copied()
    }

    /// Where a link leads; `None` for sockets that are none of these links.
    #[must_use]
    pub fn address(&self, socket: SocketId) -> Option<SocketAddr> {
        self.iter().find(|(_, own)| *own == socket).map(|(address, _)| address)
    }

    /// All links, by address.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, SocketId)> + '_ {
        self.sockets.iter().map(|(address, socket)| (*address, *socket))
    }

    fn apply(&mut self, net: &mut impl Net, difference: Difference) -> LinkChanges {
        let mut changes = LinkChanges::default();
        for address in difference.removed {
            if let Some(socket) = self.sockets.remove(&address) {
                net.close(socket);
                changes.closed.push((address, socket));
            }
        }
        for address in difference.added {
            match self.open(net, address) {
                Ok(socket) => {
                    self.sockets.insert(address, socket);
                    changes.opened.push((address, socket));
                }
                Err(error) => changes.failed.push(error),
            }
        }
        changes
    }

    fn open(&self, net: &mut impl Net, address: SocketAddr) -> Result<SocketId, LinkError> {
        let socket = net.open(self.kind, &self.options).map_err(|error| LinkError::Open(address, error))?;
        if let Err(error) = net.connect(socket, address) {
            net.close(socket);
            return Err(error.into());
        }
        Ok(socket)
    }
}
