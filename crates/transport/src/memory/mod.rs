//! The contract of [`crate::Net`] in memory, for tests that need many nets, broken links, and no ports.
//!
//! [`MemoryFabric`] is the network; each thread takes a [`MemoryNet`] from it. Messages are copied into
//! queues as long as ZeroMQ's are at least (the sender's and the receiver's), frames over a limit break the
//! connection, connections are made again by themselves.
//!
//! [`MemoryFabric::cut`] is a network that silently drops everything: nobody is told, queues fill up, nothing
//! new is connected, and [`MemoryFabric::heal`] lets what was queued arrive after all, as TCP does when an
//! outage is short. [`MemoryFabric::reset`] is the other way to lose a peer: connections break, and what was
//! on the way is lost. Dropping a net is a process that dies.
//!
//! Not done: delays, reordering between connections, host names, and what only a real network has: bytes that
//! are no ZMTP, handshakes that stop halfway.

mod fabric;
mod kinds;
mod net;
mod pipe;
mod socket;
mod world;

pub use fabric::{MemoryFabric, NetId};
pub use net::MemoryNet;
