use std::io;
use std::net::SocketAddr;

use thiserror::Error;

/// A socket could not be made.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The process, or the ZeroMQ context, has as many sockets or files as it may have.
    #[error("too many open sockets or files")]
    TooMany,
    /// The system refused for another reason; trying again will not help.
    #[error("cannot open a socket: {0}")]
    Refused(#[source] io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        let full = matches!(error.raw_os_error(), Some(EMFILE | ENFILE));
        if full { Self::TooMany } else { Self::Refused(error) }
    }
}

/// The same number on every Unix.
const EMFILE: i32 = 24;
/// The same number on every Unix.
const ENFILE: i32 = 23;

/// An address could not be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    /// Something else listens there already.
    #[error("{0}: port in use")]
    InUse(SocketAddr),
    /// No interface of this host has that address.
    #[error("{0}: not an address of this host")]
    NotLocal(SocketAddr),
    /// The port is reserved for privileged users.
    #[error("{0}: not permitted")]
    NotPermitted(SocketAddr),
    /// Keys are configured, but not the secret that a listening side needs.
    #[error("{0}: cannot listen without the secret key of the system")]
    NoSecretKey(SocketAddr),
    /// The socket was closed before.
    #[error("{0}: the socket is closed")]
    Closed(SocketAddr),
    /// The system refused for another reason.
    #[error("{address}: {source}")]
    Refused {
        /// What was to be listened on.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    pub(crate) fn new(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address),
            io::ErrorKind::AddrNotAvailable => Self::NotLocal(address),
            io::ErrorKind::PermissionDenied => Self::NotPermitted(address),
            _ => Self::Refused { address, source },
        }
    }
}

/// An address can never be connected to. That nobody listens there *yet* is no error.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Nobody can listen there: port 0.
    #[error("{0}: not an address that can be connected to")]
    BadAddress(SocketAddr),
    /// This kind of socket only listens.
    #[error("{0}: this socket only listens")]
    OnlyListens(SocketAddr),
    /// The socket was closed before.
    #[error("{0}: the socket is closed")]
    Closed(SocketAddr),
    /// The system refused for another reason.
    #[error("{address}: {source}")]
    Refused {
        /// What was to be connected to.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A message was not taken. Nothing of it was sent.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// Every queue it could go to is full, or nobody is connected yet: later, or another way.
    #[error("no room in the queue")]
    Full,
    /// Nobody will ever get this: the routing id is not (or no longer) connected, no request waits for this
    /// reply, the message has no frames, or this kind of socket does not send.
    #[error("no such peer")]
    Unroutable,
    /// The socket was closed before.
    #[error("the socket is closed")]
    Closed,
}
