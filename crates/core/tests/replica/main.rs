//! The replicated state machine in a simulated world.
//!
//! `chaos` mixes all faults under random seeds; the other modules are scripts of one promise each. All of them run on the same
//! `cluster`, which checks the promises of the design after every step.

// The core may not touch the world; what tests it reads how many seeds to run, uses all processors, and tells what it did.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]

mod chaos;
mod clocks;
mod cluster;
mod commits;
mod disks;
mod elections;
mod founding;
mod names;
mod sessions;
mod stopping;
