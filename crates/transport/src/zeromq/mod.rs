mod context;
mod keys;
mod net;
mod options;
mod signal;
mod socket;

pub use context::ZmqContext;
pub use keys::{CurveError, CurveKeys};
pub use net::ZmqNet;
