//! Discovery: gives each servidor its rank and lists the live ones.

fn main() {}
