//! Looking after a data folder: is every byte as it was written, what lies where, what becomes of it.
//!
//! Nothing here is on the way of events or questions. What changes anything says so in its name.

mod backup;
mod backup_list;
mod checked_copy;
mod holds;
mod inspect;
mod lifecycle;
mod log_check;
mod outlook;
mod report;
mod restore;
mod scrub;
mod set_aside;

pub use backup::{BackupPlan, BackupReport, back_up};
pub use holds::{HOLDS_FOLDER, held_days, is_held};
pub use inspect::{ClausePlan, ColumnView, Inspection, PartPlan, PartView, inspect};
pub use lifecycle::{DueStep, LifecyclePolicy, Step};
pub use outlook::{IndexOutlook, OutlookStep, explain, hold, release};
pub use report::{Damaged, FileKind, ScrubReport};
pub use restore::{RestoreReport, restore};
pub use scrub::{ScrubMode, scrub};

pub use crate::part::Place;
