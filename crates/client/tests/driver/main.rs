//! Sessions on their thread, with brokers and proxies that are silenced, stopped and started again.

#[path = "../fake/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by the tests of two crates, each of which uses a part")]
mod fake;

mod failover;
mod sessions;
mod stage;
