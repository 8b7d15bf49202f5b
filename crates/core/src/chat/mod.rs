//! The chat as a deterministic function of the log: names, channels, messages, who follows what, and which requests
//! were already carried out.

mod outcome;

pub use outcome::{Delivery, Outcome, Record, Refusal, Said, TimelineKey, To};
