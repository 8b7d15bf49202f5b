//! The bot: talks, keeps a ledger, checks the promises.

fn main() {}
