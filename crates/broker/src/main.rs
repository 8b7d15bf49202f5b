//! Takes client requests and spreads them over the live servidores.

fn main() {}
