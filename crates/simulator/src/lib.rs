//! A deterministic simulator: whole lives of a cluster, in virtual time, each replayable from one seed.

pub mod cluster;
