//! The real program against a fake chat: as a filter, as a service without input, and at a terminal.

#[path = "../../../client/tests/fake/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by the tests of two crates, each of which uses a part")]
mod fake;

mod json;
mod lines;
mod restart;
mod stage;
mod terminal;
