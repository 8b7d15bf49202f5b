//! Fans chat messages and announcements out to subscribers.

fn main() {}
