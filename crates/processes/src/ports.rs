//! Ports that are free and stay so.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::Error;

/// Below the range that the kernel takes for outgoing connections (from 32768 on Linux): a service that is killed and
/// started again finds its port free, unless another program wanted just that one.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1 that nobody listens on, and that this process gives out once.
///
/// # Panics
/// When no port is free.
pub fn free() -> u16 {
    try_free().unwrap_or_else(|error| panic!("{error}"))
}

/// [`free`], for those that may not panic.
pub(crate) fn try_free() -> Result<u16, Error> {
    free_range(1)
}

/// The first of `count` ports in a row, as [`free`] gives them.
///
/// # Errors
/// There are not as many in a row.
pub fn free_range(count: u16) -> Result<u16, Error> {
    // Two processes at a time begin at different places.
    let start = (process::id().wrapping_mul(97) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(count, Ordering::Relaxed);
        let first = FIRST + (start + step % COUNT) % COUNT;
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return Ok(first);
        }
    }
    Err(Error::NoPort(COUNT))
}
