//! The whole system as real processes, real sockets and real files on this machine, to be killed and looked at.
//!
//! * [`System`] starts every [`Service`] on 127.0.0.1 with free ports and a directory of its own, and does to them what
//!   machines do: kill -9, freeze, lose a disk, start again. What it started dies with it, even by kill -9. It tells what fails as an
//!   [`Error`], so that programs (`papo bench`) can use it. [`Cluster`] and [`Process`] are the same for tests, which fail.
//! * [`Load`] talks meanwhile: plain REQ clients that know nothing but the wire protocol and keep a ledger. [`Bot`] is the
//!   other load: the real `cliente_automatico`, with a ledger of its own.
//! * [`Terminal`] is a person at a program, for tests.
//! * [`Cluster::audit`] waits until all servidores are level, reads every one's history straight from it (with `papo-witness`), and holds it
//!   against the ledgers with `papo-audit`.
//!
//! The binaries are those beside the test's own executable (`target/<profile>/`): `cargo build --workspace --bins` first.
//! Nothing here sleeps for a span that somebody hopes is long enough: [`until`] waits for a condition, with a deadline that
//! fails the test by saying what did not happen. When a test fails, the end of every service's log is printed; with `PAPO_KEEP=1`
//! in the environment all logs, ledgers and databases stay as well.
//!
//! Servidores that were started with their drill hooks ([`Shape::drill_hooks`]) are frozen, cut off and broken through those, as drills do.
//!
//! Not done here: links that are slow (that needs a network between the processes: see `papo-nemesis` and `papo-simulator`), and
//! anything about speed.

mod bot;
mod cluster;
mod error;
mod http;
mod load;
mod plain;
mod ports;
mod process;
mod service;
mod system;
mod terminal;
mod wait;

pub use bot::{Bot, BotEnd};
pub use cluster::Cluster;
pub use error::Error;
pub use http::{Page, get, post};
pub use load::{Load, LoadOptions};
pub use plain::{Answer, Asker, Listener, send_garbage};
pub use ports::{free as free_port, free_range as free_ports};
pub use process::Process;
pub use service::{Ended, Service, mortal};
pub use system::{Member, Shape, Status, System};
pub use terminal::Terminal;
pub use wait::{until, wait_for};
