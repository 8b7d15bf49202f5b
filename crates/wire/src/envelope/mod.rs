//! What brokers and servidores say to each other on the broker's port 5558.
//!
//! A broker's ROUTER and a servidor's DEALER exchange a fixed binary header (little endian; a version, a kind, then the fields
//! in the order of the struct) and at most one more frame, which for a request or reply is the client's own payload,
//! untouched. A header may be longer than this release knows: fields are only ever added at its end, under the same version;
//! whatever an old release would misread gets a new one.
//!
//! The functions here see the frames after the ROUTER's identity frame.

mod header;
mod to_broker;
mod to_servidor;

pub use header::BadEnvelope;
pub use to_broker::{Beacon, Ordered, State, ToBroker};
pub use to_servidor::{Dispatch, ToServidor};

/// A broker's number for one attempt to have a request answered, unique within the broker's life.
pub type Ticket = u64;
