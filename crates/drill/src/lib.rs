//! Causes failures on purpose in a Kubernetes cluster, and says, message by message, whether the promises held.
//!
//! A drill is held in this order, and each step has its module:
//!
//! 1. [`connect`]: the cluster. [`rights`]: whether it may be done. [`look`]: what there is ([`scene`]), and ways into it
//!    ([`tunnel`]) that stay though pods ([`roster`]) come and go.
//! 2. [`faults`] choose targets and make a [`plan`] of [`step`]s, most of them [`call`]s of the API; [`guards`] may be against it.
//!    Up to here nothing was changed, and without `--yes` this is the end.
//!    [`begin`] does it in this order, and [`suite::survey`] for many drills at once.
//! 3. [`lease`]: no other drill. Load and watch begin (crate `papo-witness`).
//! 4. [`conduct`]: the [`journal`] is written, the fault is caused ([`hands`], [`members`]) and seen to be real ([`sight`]), and
//!    undone.
//! 5. [`session`]: all is read back, and judged. [`mod@report`] tells what came of it.
//!
//! What is *not* done here: faults below Kubernetes (a slow disk, lost packets). They take an agent on the node; see
//! `docs/chaos-mesh`.

pub mod begin;
pub mod call;
pub mod commands;
pub mod conduct;
pub mod connect;
mod course;
pub mod faults;
pub mod guards;
pub mod hands;
pub mod hook;
pub mod interrupt;
pub mod journal;
pub mod lease;
pub mod look;
pub mod members;
pub mod names;
pub mod options;
pub mod placing;
pub mod plan;
pub mod report;
pub mod rights;
pub mod roster;
pub mod scene;
pub mod session;
pub mod sight;
pub mod step;
pub mod stop;
pub mod suite;
pub mod tunnel;
