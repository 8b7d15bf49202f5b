mod context;
mod keys;
mod net;
mod options;
mod raw;
mod signal;

pub use context::ZmqContext;
pub use keys::{CurveError, CurveKeys};
pub use net::ZmqNet;
