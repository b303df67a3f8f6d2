//! SQL over the engine's scan, read only: the planner and the operators are DataFusion's, the rows and what may be left out
//! of them are the engine's.
//!
//! A statement sees everything that was stored when it began, on behalf of its caller, and is bounded as every other
//! question is. It has no function that reads files, the network or settings, and none that makes much of little.

mod answer;
mod engine;
mod error;
mod functions;
mod memory;
mod newer;
mod pushdown;
mod scan;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod views;
mod watch;

pub use engine::SqlEngine;
pub use statement::check;
