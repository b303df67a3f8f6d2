//! A believable online shop from a seed: past events, a live stream, labelled attacks.
//!
//! Not a load tool and not a reader of real data: every name, address and amount is made here. Invariant: the same
//! seed and the same arguments give the same bytes, and no line ever holds a card number, an e-mail address or a
//! private network address.

mod attack_scripts;
mod attacks;
mod calendar;
mod catalog;
mod countries;
mod dice;
mod errors;
mod incidents;
mod line;
mod live;
mod operations;
mod past;
mod payments;
mod requests;
mod session;
mod shop_scripts;
mod stacks;
mod stream;
mod visitors;

#[cfg(test)]
mod tests;

use vigie_domain::time::Timestamp;

pub use attacks::ATTACK_KINDS;
pub use live::{LIVE_EVENTS_MAX, LiveShop};
pub use past::past;

/// Which past to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopOptions {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// The first instant within.
    pub from: Timestamp,
    /// The first instant past it.
    pub to: Timestamp,
    /// How many events to make, exactly.
    pub events: u64,
}

/// One event as a shop sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedEvent {
    /// The event's own time, the same as the one written in the line.
    pub timestamp: Timestamp,
    /// One line of NDJSON, without its line break.
    pub json: String,
}
