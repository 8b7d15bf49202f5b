//! The state machine of one session, driven without sockets or clocks.

mod connection;
mod delivery;
mod model;
mod properties;
mod requests;
mod restart;
mod stage;
