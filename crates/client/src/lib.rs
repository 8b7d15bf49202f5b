//! A client of Papo as a library: retries with ids, sessions, gap-free delivery.
