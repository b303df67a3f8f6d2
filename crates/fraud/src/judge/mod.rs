//! The judge: what features and models are worth on labelled payments, by the protocol of the Fraud Detection Handbook.
//!
//! It knows no file: whoever has labelled payments hands them over.

mod guard;
mod history;
mod reference;
mod report;
mod split;

pub use guard::Leak;
pub use history::{JudgedHistory, JudgedPayment};
pub use reference::greatest_deviation;
pub use report::{Check, JudgeError, Measured, Verdict, judge};
pub use split::{Split, split};
