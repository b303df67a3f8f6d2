//! Use cases over ports: accounts today, with ingest, uploads, search and analytics beside them.
//!
//! They know no HTTP, no database and no clock; whoever wires them passes stores and `clock::Clock` in.

pub mod accounts;
pub mod analytics;
pub mod clock;
pub mod ingest;
pub mod search;
pub mod time_range;
pub mod uploads;

pub use clock::Clock;
