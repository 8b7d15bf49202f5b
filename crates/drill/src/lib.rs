//! Causes failures on purpose in a Kubernetes cluster, and says, message by message, whether the promises held.
//!
//! A drill is held in this order, and each step has its module:
//!
//! 1. [`connect`]: the cluster. [`rights`]: whether it may be done. [`discovery`]: what there is ([`snapshot`]), which nodes take
//!    another servidor ([`scheduling`]), and ways in ([`tunnel`]) that stay though pods come and go ([`pod_watch`]).
//! 2. [`faults`] choose targets and make a [`plan`] of [`step`]s, most of them an [`api_call`]; [`guards`] may be against it.
//!    Up to here nothing was changed, and without `--yes` this is the end.
//!    [`preflight`] does it in this order, and [`suite::survey`] for many drills at once.
//! 3. [`lease`]: no other drill. Load and watch begin (crate `papo-witness`).
//! 4. [`injection`]: the [`journal`] is written, the fault is caused ([`executor`], [`members`]), seen to be real ([`conditions`]),
//!    and undone.
//! 5. [`session`]: all is read back, and judged; `evidence` adds what the injection alone can tell. [`mod@report`] tells what came
//!    of it.
//!
//! What is *not* done here: faults below Kubernetes (a slow disk, lost packets). They take an agent on the node; see
//! `docs/chaos-mesh`.

pub mod api_call;
pub mod commands;
pub mod conditions;
pub mod connect;
pub mod discovery;
mod evidence;
pub mod executor;
pub mod faults;
pub mod guards;
pub mod hook;
pub mod injection;
pub mod interrupt;
pub mod journal;
pub mod lease;
pub mod members;
pub mod names;
pub mod options;
pub mod plan;
pub mod pod_watch;
pub mod preflight;
pub mod report;
pub mod rights;
pub mod scheduling;
pub mod session;
pub mod snapshot;
pub mod step;
pub mod stop;
pub mod suite;
pub mod tunnel;
