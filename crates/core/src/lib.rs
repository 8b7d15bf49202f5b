//! The pure core of Papo: the rules of a replicated chat, without any I/O.
//!
//! Everything that must be right is decided here, by state machines. Events and the time go in, actions come out; nothing
//! here opens a socket or a file, reads a clock, starts a thread, or draws a random number that was not seeded from outside.
//! That is why the same code runs in a servidor and in the simulator, and why each run of the simulator can be repeated.
//! `Cargo.toml` (no runtime, no socket, no database) and `clippy.toml` (neither clocks nor files nor threads of the standard
//! library) hold it to that.
//!
//! In reading order:
//!
//! | module | what it decides |
//! |---|---|
//! | [`log`] | what an entry is; the log in memory, its suffix that can still be dropped, and what is asked of the disk |
//! | [`members`] | who counts for a majority, as the log says, at each position of it |
//! | [`clock`] | three kinds of time as three types: monotonic, wall and Lamport; Cristian's algorithm; the agreed time |
//! | [`replica`] | election, epochs, ordering, commitment, catching up, hand-over: one servidor |
//! | [`chat`] | what committed entries mean: names, channels, messages, retries, sessions |
//!
//! [`replica::Replica`] is where they meet, and its documentation says how it is driven.
//!
//! # What is not done
//!
//! Nothing is encoded for a network or a disk here: that is for `papo-wire` and `papo-store`. Text is not normalised either: names
//! arrive with the key under which they are compared, so that the state does not depend on anybody's Unicode tables.

pub mod chat;
pub mod clock;
pub mod log;
pub mod members;
pub mod replica;
