//! Rules: what a payment is suspected for, how much that weighs, and what is told of it.
//!
//! Not the language (`cel`) and not what it speaks of (`stream`). Invariant: a rule that is off or in shadow changes no decision.

mod builtin;
mod decision;
mod definition;
mod reason;
mod set;
#[cfg(test)]
mod tests;

pub use builtin::{BUILTIN_RULES, Builtin};
pub use decision::{Decision, Effect, Thresholds};
pub use definition::{Mode, RuleDefinition};
pub(crate) use reason::{Language, told};
pub use set::{Hit, Judgement, RuleError, RuleSet};
