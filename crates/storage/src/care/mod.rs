//! Looking after a data folder: is every byte as it was written, what lies where, what becomes of it.
//!
//! Nothing here is on the way of events or questions. What changes anything says so in its name.

mod log_check;
mod report;
mod scrub;
mod set_aside;

pub use report::{Damaged, FileKind, ScrubReport};
pub use scrub::{ScrubMode, scrub};

pub use crate::part::Place;
