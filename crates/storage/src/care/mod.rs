//! Looking after a data folder: is every byte as it was written, what lies where, what becomes of it.
//!
//! Nothing here is on the way of events or questions. What changes anything says so in its name.

mod backup;
mod backup_list;
mod checked_copy;
mod log_check;
mod report;
mod restore;
mod scrub;
mod set_aside;

pub use backup::{BackupPlan, BackupReport, back_up};
pub use report::{Damaged, FileKind, ScrubReport};
pub use restore::{RestoreReport, restore};
pub use scrub::{ScrubMode, scrub};

pub use crate::part::Place;
