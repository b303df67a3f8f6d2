//! The language of rules: a part of the Common Expression Language, compiled to closures over slots.
//!
//! A rule says yes or no to one payment. It cannot change anything, ask anything or run for long: what it may cost is known before it
//! is compiled. No I/O, no clock, no randomness; the same slots give the same answer. Working out a rule asks for no memory, apart from
//! texts of failures, the first use of a pattern on a thread, and `lowerAscii()` of texts that are longer than a kilobyte.
//!
//! The language is CEL's (github.com/google/cel-spec, doc/langdef.md); `docs/fraud-rules.md` says what is there and what differs.

mod bounds;
mod compile;
mod cost;
mod error;
mod frame;
mod functions;
mod instants;
mod lexer;
mod operand;
mod parser;
mod schema;
mod syntax;
mod texts;

#[cfg(test)]
mod tests;

use std::fmt;

pub use bounds::{COST_MAX, DEPTH_MAX, TEXT_BYTES_MAX};
pub use error::{CompileError, EvaluationError};
pub use schema::{Kind, Schema, Slot};

use frame::{Frame, Stop};
use operand::Closure;
use syntax::Node;

/// A compiled rule.
pub struct Rule {
    text: Box<str>,
    cost: u32,
    uses: Box<[usize]>,
    work: Closure<bool>,
}

impl Rule {
    /// Reads, checks and compiles a rule.
    ///
    /// # Errors
    /// When the text is no rule, uses names that the schema does not have, compares what cannot be compared, does not end in true or
    /// false, or is beyond [`TEXT_BYTES_MAX`], [`DEPTH_MAX`] or [`COST_MAX`]. The first thing that is wrong, with its place.
    pub fn compile(text: &str, schema: &Schema) -> Result<Self, CompileError> {
        let node = parser::parse(text)?;
        let cost = affordable_cost(&node)?;
        let (work, uses) = compile::compile(&node, schema)?;
        Ok(Self { text: text.into(), cost, uses, work })
    }

    /// What the rule says of a payment; `slots` are in the order of the schema, those behind the last are missing.
    ///
    /// # Errors
    /// When the answer depends on a value that is missing, or cannot be worked out for these values.
    pub fn evaluate(&self, slots: &[Slot<'_>]) -> Result<bool, EvaluationError> {
        (self.work)(&Frame::new(slots)).map_err(|stop| self.explain(stop))
    }

    /// The slots that its text names, in ascending order, each once.
    pub fn uses(&self) -> &[usize] {
        &self.uses
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it costs at most, at most [`COST_MAX`]; one is about a comparison.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    #[cold]
    fn explain(&self, stop: Stop) -> EvaluationError {
        match stop {
            Stop::Missing(slot) => EvaluationError::Missing(slot as usize),
            Stop::Failed(span, cause) => {
                EvaluationError::Failed(format!("\"{}\": {}", span.of(&self.text), cause.text()))
            }
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Rule");
        told.field("text", &self.text).field("cost", &self.cost).field("uses", &self.uses).finish_non_exhaustive()
    }
}

/// What a rule costs, if that is allowed.
fn affordable_cost(node: &Node) -> Result<u32, CompileError> {
    let cost = u32::try_from(cost::cost(node)).unwrap_or(u32::MAX);
    if cost <= COST_MAX {
        return Ok(cost);
    }
    let message = format!("costs {cost}; {COST_MAX} are allowed: use fewer loops within loops and fewer patterns");
    Err(CompileError::new(node.span, message))
}
