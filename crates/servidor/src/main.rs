//! The chat itself: replicated state, history, election, clock.

fn main() {}
