//! Promises of the wire, from outside: the bytes that others fixed, and properties over all that could be sent.

mod anything_goes;
mod bad_requests;
mod between_services;
mod fuzz;
mod golden;
mod old_clients_ask;
mod old_clients_read;
mod round_trips;
mod values;

#[global_allocator]
static ALLOCATOR: papo_fuzz::Counting = papo_fuzz::Counting;
