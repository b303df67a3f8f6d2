//! Use cases over ports: accounts, ingest, uploads, search, searches that go on by themselves, live tail, saved searches, analytics.
//!
//! They know no HTTP, no database and no clock; whoever wires them passes stores and `clock::Clock` in.

pub mod accounts;
pub mod analytics;
pub mod async_searches;
mod at_once;
pub mod clock;
pub mod dead_letters;
pub mod door;
pub mod dsl;
pub mod found_aliases;
pub mod fraud;
pub mod ingest;
pub mod kept_answers;
pub mod kept_indices;
pub mod kept_objects;
pub mod listing;
pub mod performance;
pub mod pipelines;
mod records;
pub mod retention;
pub mod search;
pub mod searches;
pub mod significance;
pub mod tail;
#[cfg(test)]
mod test_shop;
pub mod time_range;
pub mod time_value;
pub mod uploads;

pub use clock::Clock;
