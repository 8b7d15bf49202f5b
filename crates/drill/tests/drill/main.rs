//! The tool's conversations with the API, word by word, and its plans: without a cluster.

mod api;
mod discovery;
mod injection;
mod interrupted;
mod journal;
mod lease;
mod members;
mod plans;
mod program;
mod rehearsal;
mod rights;
mod sample;
mod script;
mod survey;
mod tunnel;
