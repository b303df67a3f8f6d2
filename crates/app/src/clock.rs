//! Where use cases get "now" from: a function that whoever wires them passes in.
//!
//! It is not a clock itself: nothing in this crate reads one.

use std::sync::Arc;

use vigie_domain::Timestamp;

/// Tells the present instant.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
