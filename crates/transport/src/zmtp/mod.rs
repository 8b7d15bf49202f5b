//! The subscriber side of the proxy, spoken without libzmq: ZMTP 3.0 as a publisher.
//!
//! Every other socket is libzmq's. This one cannot be: accepting subscriptions one by one is
//! `ZMQ_XPUB_MANUAL` there, and in libzmq 4.3.4 that option confuses peers. It accepts for "the peer whose
//! message was read last", kept as a bare pointer: when that peer has gone meanwhile, the subscription goes
//! to whoever is given the same memory next (libzmq pull request 4137), and one message that is no
//! subscription shifts the pairing of all that wait behind it, also in later releases. Both let one client
//! read another's private messages by connecting and leaving quickly.
//!
//! Since it is ours, it does what libzmq cannot: a topic matches exactly, so that `ger` never receives
//! `geral`; a message is encoded once for all its subscribers; and a subscriber that stopped reading is
//! disconnected.
//!
//! * `frame`: what bytes are frames.
//! * `mechanism`, `curve`: how the two sides agree on who they are.
//! * `session`: one peer's protocol, pure.
//! * `peer`, `publisher`: the sockets.
//!
//! Not done: ZMTP 1 and 2 (libzmq before 4.0), mechanisms PLAIN and GSSAPI, messages from subscribers that
//! are not subscriptions (ignored), and ZAP.

mod curve;
mod frame;
mod mechanism;
mod peer;
mod publisher;
mod session;

pub(crate) use publisher::Publisher;
