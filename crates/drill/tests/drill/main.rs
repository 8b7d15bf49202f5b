//! The tool's conversations with the API, word by word, and its plans: without a cluster.

mod conduct;
mod interrupted;
mod journal;
mod lease;
mod members;
mod plans;
mod rights;
mod sample;
mod script;
mod tunnel;
