//! Nemesis: the real programs on this machine, tormented by a seed.
//!
//! [`cluster`] starts every program as a process of its own, with a [`network`] of ours between each two of them. [`plan`] draws what is
//! done to them when ([`deed`] says what there is); [`perform`] does it, undoes it, and knows by something else than that it was asked for
//! that it happened. [`run`] keeps clients talking meanwhile (`papo-witness`), heals everything, reads every message back from every
//! servidor, and judges: **pass** if every promise held, **fail** if one did not, **unknown** if a kind of fault was never seen to
//! happen or the evidence does not suffice.
//!
//! A run of at least a quarter of an hour ([`run::WHOLE_FROM`]) deals every kind before it ends, and is **unknown** if one was not done. What
//! cannot be done at all, by this many servidores or on this machine ([`capabilities`]), is told with the verdict.
//!
//! A seed gives the same schedule: the same deeds to the same processes at the same times. What the processes make of it also depends on
//! this machine, so that a failing seed shows what to try again, and need not fail each time.
//!
//! [`soak`] is the other thing to do with a cluster: let it serve for a long time, and see that nothing grows.
//!
//! Only Linux (it asks `/proc`). What needs root, full and read-only disks, is skipped without, and says so. Who had a full or read-only
//! disk once writes to memory from then on, instead of to the disk of this machine.
//!
//! Not done here: clocks that are wrong (all processes of one machine have one), power that fails (a kill leaves what was written to the
//! system: see the drills), and servidores that are not there from the beginning.

pub mod capabilities;
pub mod cluster;
pub mod coverage;
pub mod deed;
mod error;
pub mod folder;
pub mod journal;
pub mod network;
pub mod papo;
pub mod perform;
pub mod plan;
pub mod run;
pub mod scrape;
pub mod soak;
mod witness;

pub use error::Error;
