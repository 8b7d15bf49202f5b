//! The replicated state machine in a simulated world.
//!
//! `chaos` mixes all faults under random seeds; the other modules are scripts of one promise each. All of them run on the same
//! `cluster`, which checks the promises of the design after every step.

mod chaos;
mod clocks;
mod commits;
mod disks;
mod elections;
mod founding;
mod growth;
mod names;
mod sessions;
mod stopping;
