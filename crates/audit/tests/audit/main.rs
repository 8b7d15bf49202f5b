//! The checkers against runs of a chat that is right by inspection, and against the same runs spoiled.

mod bad_histories;
mod corruption;
mod files;
mod honest;
mod properties;
