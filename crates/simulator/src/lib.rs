//! A deterministic simulator: whole lives of a cluster, in virtual time, each replayable from one seed.
//!
//! A seed stands for a [`plan`]: servidores with their clocks, a network, clients, and a list of faults with times. A [`run`] carries
//! it out in two phases: chaos, and then only a majority is healed and everything must go on, with the rest still broken. The core is
//! driven exactly as its service drives it ([`cluster`]), and what is seen of it is held against each promise at every step
//! ([`checks`]). One run in eight has the real dispatcher of brokers, the real fan-out of proxies, the real registry of the referencia
//! and real sessions of clients around the servidores.
//!
//! A plan is data: one that breaks a promise is thinned until nothing more can be left out ([`shrink`]), and kept
//! ([`regressions`]). What happened in many runs is counted ([`coverage`], [`campaign`]): a fault that never occurred proves nothing.
//!
//! Not here: SQLite and its files, ZeroMQ, the loops around the cores, and real time. For those there are real processes.

pub mod campaign;
pub mod checks;
pub mod cluster;
pub mod coverage;
pub mod plan;
pub mod regressions;
pub mod run;
pub mod shrink;
