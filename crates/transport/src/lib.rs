//! Sockets behind one contract: ZeroMQ for services, memory for tests.
//!
//! Every ZeroMQ socket of the system is made here, so that every one has the same bounds: limits on what a
//! peer may send, finite queues, a bounded linger, TCP keepalive, and never a ZMTP heartbeat (libzmq aborts
//! the process when a reader with one falls behind its high-water mark). Loops of services are generic over
//! [`Net`] and run unchanged over [`ZmqNet`] and over memory.
//!
//! * [`Net`]: what one thread does with its sockets; [`Waker`]: how other threads get its attention.
//! * [`ZmqContext`], [`ZmqNet`]: the real thing.
//! * [`MemoryFabric`], [`MemoryNet`]: the same without a network, and with links that can be cut.
//! * [`HostPort`], [`Resolver`]: names become addresses here, off the loop's thread, again and again; libzmq
//!   would resolve inside its I/O thread, stall every other link meanwhile, and use the first address only.
//! * [`Links`], [`FanOut`]: sockets that follow those addresses, one socket each or one for all.
//!
//! Not done here: beacons (what a silent link means is the business of the service that uses it), encoding,
//! retries, and authentication of single clients. Sockets are ready for CURVE keys ([`ZmqContext::with_curve`]), which would decide
//! who may talk at all; but no service can be configured with keys yet, so everything runs in the clear.

#![forbid(unsafe_code)]

mod error;
mod host_port;
mod links;
mod memory;
mod net;
mod resolver;
mod waker;
mod zeromq;
mod zmtp;

pub use error::{BindError, ConnectError, OpenError, SendError};
pub use host_port::{HostPort, HostPortError};
pub use links::{FanOut, LinkChanges, LinkError, Links};
pub use memory::{MemoryFabric, MemoryNet, NetId};
pub use net::{Audience, CLOSE_LINGER, Frames, Kind, Net, SocketId, SocketOptions};
pub use resolver::{Change, Lookup, Resolver, TargetId};
pub use waker::Waker;
pub use zeromq::{CurveError, CurveKeys, ZmqContext, ZmqNet};
