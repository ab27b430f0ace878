//! Requests to servers out there on behalf of those who use this program: only to addresses that may be called, and
//! bounded in time and size.

mod client;
mod guard;

pub use client::{Client, Error, Incoming, Outgoing, StartError, guarded};
pub use guard::{Guard, Refusal, address};
