//! The interactive client.

fn main() {}
