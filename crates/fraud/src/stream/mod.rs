//! What a shop's events say of a payment when it arrives: read from stored rows, remembered by key, told as signals.
//!
//! No rules and no decision. Everything that is remembered is a function of the set of events, not of the order in which they came,
//! as `vigie_domain::fraud::features` has it.

mod activity;
mod field;
mod key;
mod known;
mod look;
mod places;
mod reader;
mod replay;
mod shop;
mod signals;
mod throwaway_mail;
mod track;

#[cfg(test)]
mod tests;

pub use activity::{Activity, ActivityKind};
pub use field::Field;
pub use key::Key;
pub use reader::ActivityReader;
pub use replay::{APPROACHED, Replay, Told};
pub use shop::{Arrival, ShopHistory};
pub use signals::{SIGNALS, Signal};
