use std::net::SocketAddr;

use super::wanted::{Difference, Wanted};
use crate::error::ConnectError;
use crate::net::{Net, SocketId};
use crate::resolver::{Change, TargetId};

/// One socket, connected to every address of the targets it follows: a subscriber to all proxies, a publisher
/// to all proxies.
///
/// Feed it every [`Change`] of the targets that are meant for this socket. Whether a link is alive is not
/// known here: whoever hears nothing on it calls [`FanOut::reopen`].
pub struct FanOut {
    socket: SocketId,
    wanted: Wanted,
}

impl FanOut {
    /// For a socket that is open and stays open; it is not closed by this.
    #[must_use]
    pub fn new(socket: SocketId) -> Self {
        Self { socket, wanted: Wanted::default() }
    }

    /// Connects and disconnects as a target's addresses changed.
    ///
    /// # Errors
    /// The last of those addresses that can never be connected to; all others are followed.
    pub fn follow(&mut self, net: &mut impl Net, change: &Change) -> Result<(), ConnectError> {
        let difference = self.wanted.apply(change);
        self.apply(net, &difference)
    }

    /// Disconnects from what only this target had.
    pub fn forget(&mut self, net: &mut impl Net, target: TargetId) {
        for address in self.wanted.forget(target).removed {
            net.disconnect(self.socket, address);
        }
    }

    /// Connects anew to an address whose other side stayed silent; nothing if it is not followed. What was
    /// queued for it may be lost.
    ///
    /// # Errors
    /// The socket is closed.
    pub fn reopen(&mut self, net: &mut impl Net, address: SocketAddr) -> Result<(), ConnectError> {
        if !self.wanted.contains(address) {
            return Ok(());
        }
        net.disconnect(self.socket, address);
        net.connect(self.socket, address)
    }

    /// What it is connected to.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.wanted.addresses()
    }

    fn apply(&self, net: &mut impl Net, difference: &Difference) -> Result<(), ConnectError> {
        for address in &difference.removed {
            net.disconnect(self.socket, *address);
        }
        let results = difference.added.iter().map(|address| net.connect(self.socket, *address));
        results.filter(Result::is_err).last().unwrap_or(Ok(()))
    }
}
