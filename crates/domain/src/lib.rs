//! What things mean: events, their types and mappings, queries, aggregations and the ports.
//!
//! Pure: no async runtime, no I/O, no clock, no environment. Whoever needs "now" passes it in.

pub mod aggregation;
pub mod codec;
pub mod error;
pub mod event;
pub mod event_batch;
pub mod fraud;
pub mod level;
pub mod log_type;
pub mod mapping;
pub mod ports;
pub mod query;
pub mod scope;
pub mod time;
pub mod value;

pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventId, Position};
pub use event_batch::EventBatch;
pub use level::Level;
pub use log_type::LogType;
pub use scope::Scope;
pub use time::{Day, TimeRange, Timestamp};
pub use value::{Object, Text, Value};
