//! A deterministic simulator: whole lives of a cluster, in virtual time, each replayable from one seed.

pub mod campaign;
pub mod checks;
pub mod cluster;
pub mod coverage;
pub mod plan;
pub mod regressions;
pub mod run;
pub mod shrink;
