//! The broker: takes requests of clients and spreads them over the live servidores.
//!
//! ```text
//!  cliente ──REQ──▶ ROUTER 5557 ┌────────────┐ ROUTER 5558 ◀──DEALER── servidor
//!                               │ Dispatcher │
//!  cliente ◀─────────────────── └────────────┘ ──────────▶ (one request, one try)
//! ```
//!
//! A plain DEALER behind the ROUTER would queue requests on servidores that are dead or stand still. So each servidor announces
//! itself here with a beacon every 100 ms, and the broker itself decides who gets what, and who gets it next when the first
//! does not answer.
//!
//! * [`dispatcher`] decides, without sockets and without reading a clock.
//! * [`Broker`] is the loop that carries it out over any [`papo_transport::Net`].
//! * [`BrokerSettings`] is what an operator may say.
//!
//! Any number of brokers run side by side and know nothing of one another: a request's id makes its effect the same
//! through whichever it goes. Nothing here outlives the process.

mod broker;
mod clock;
pub mod dispatcher;
mod journal;
mod metrics;
mod settings;

pub use broker::{Broker, StartError};
pub use clock::Clock;
pub use metrics::BrokerMetrics;
pub use settings::BrokerSettings;
