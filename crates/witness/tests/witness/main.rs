//! The witness on a real cluster of processes on this machine.
//!
//! The services are those beside the test's own executable: `cargo build --workspace --bins` first.

mod controls;
mod faults;
mod stage;
