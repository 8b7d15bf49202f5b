//! The proxy: fans out what servidores publish to whoever subscribed.
//!
//! ```text
//!  servidor ──PUB──▶ XSUB 5555 ┌─────────┐ XPUB 5556 ──▶ SUB  cliente, servidor
//!       [topic, payload, stamp]│ FanOut  │ [topic, payload]
//!                              │ Policy  │ ◀── subscriptions
//!                              └─────────┘
//! ```
//!
//! It decides two things, each in a pure place of its own:
//!
//! * [`fan_out`]: what is forwarded. Several servidores may publish the same message (a new coordinator goes on
//!   where it believes the old one stopped); subscribers see it once, and only in the order of the log.
//! * [`subscriptions`]: who may subscribe to what.
//!
//! [`Proxy`] is the loop around them, over any [`papo_transport::Net`]. It never waits for a subscriber: one that does not
//! keep up misses messages once its own queue is full, and nobody else does.
//!
//! Any number of proxies run side by side: servidores publish to all of them, a client needs one. Nothing is kept on
//! disk, and nothing is sent again: a client that sees a gap (`previous`), or that was away, asks a servidor for what it missed.

pub mod fan_out;
mod journal;
mod metrics;
mod proxy;
mod settings;
pub mod subscriptions;

pub use metrics::ProxyMetrics;
pub use proxy::{Proxy, StartError};
pub use settings::ProxySettings;
