//! Runs the whole system on a laptop, and looks after a running one.

fn main() {}
