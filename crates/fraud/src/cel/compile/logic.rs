//! `&&`, `||`, `!`, `has` and comparing with null.
//!
//! What has no value is absorbed as CEL says: a chain of `&&` with a false term is false whatever the others are, one of `||` with a
//! true term is true.

use super::super::CompileError;
use super::super::frame::Stop;
use super::super::operand::{Closure, Operand, unary};
use super::super::syntax::{Comparison, Node, Syntax};
use super::{Compiler, Typed};

impl<'r> Compiler<'r> {
    /// A part that has to be true or false; `what` it is, for the message.
    pub(super) fn condition(&mut self, node: &'r Node, what: &str) -> Result<Operand<bool>, CompileError> {
        match self.typed(node)? {
            Typed::Bool(condition) => Ok(condition),
            other => {
                let message = format!("{what} is true or false, this is of kind {}", other.kind());
                Err(CompileError::new(node.span, message))
            }
        }
    }

    pub(super) fn not(&mut self, inner: &'r Node) -> Result<Operand<bool>, CompileError> {
        Ok(unary(self.condition(inner, "what follows !")?, |value: bool| Ok(!value)))
    }

    /// Terms between `&&`, or between `||`: `deciding` is the value that ends the chain.
    pub(super) fn chain(&mut self, terms: &'r [Node], deciding: bool) -> Result<Operand<bool>, CompileError> {
        let what = if deciding { "each side of ||" } else { "each side of &&" };
        let mut is_decided = false;
        let mut closures = Vec::with_capacity(terms.len());
        for term in terms {
            match self.condition(term, what)? {
                Operand::Constant(value) => is_decided |= value == deciding,
                other @ (Operand::Slot(_) | Operand::Closure(_)) => closures.push(other.into_closure()),
            }
        }
        if is_decided || closures.is_empty() {
            return Ok(Operand::Constant(if is_decided { deciding } else { !deciding }));
        }
        Ok(match <[Closure<bool>; 1]>::try_from(closures) {
            Ok([only]) => Operand::Closure(only),
            Err(closures) => {
                let closures = closures.into_boxed_slice();
                Operand::worked_out(move |frame| decide(&closures, deciding, |term| term(frame)))
            }
        })
    }

    pub(super) fn has(&mut self, name: &'r Node) -> Result<Operand<bool>, CompileError> {
        let slot = self.optional(name, "\"has\" takes a name of the payment, as in has(user.email)")?;
        Ok(Operand::worked_out(move |frame| Ok(!frame.is_missing(slot))))
    }

    /// `name == null` or `name != null`, either way round; `None` if neither side is null.
    pub(super) fn compare_with_null(
        &mut self,
        comparison: Comparison,
        sides: &'r [Node; 2],
    ) -> Result<Option<Operand<bool>>, CompileError> {
        let (null, other) = match (&sides[0].syntax, &sides[1].syntax) {
            (Syntax::Null, _) => (&sides[0], &sides[1]),
            (_, Syntax::Null) => (&sides[1], &sides[0]),
            (_, _) => return Ok(None),
        };
        let is_equal = match comparison {
            Comparison::Equal => true,
            Comparison::Unequal => false,
            Comparison::Less | Comparison::AtMost | Comparison::Greater | Comparison::AtLeast => {
                return Err(CompileError::new(null.span, "null is only for comparing a name with == or !="));
            }
        };
        let slot = self.optional(other, "only a name of the payment is compared with null")?;
        Ok(Some(Operand::worked_out(move |frame| Ok(frame.is_missing(slot) == is_equal))))
    }

    /// The slot of a name that may be missing, so not a loop's.
    fn optional(&mut self, node: &'r Node, message: &str) -> Result<u32, CompileError> {
        match &node.syntax {
            Syntax::Name(name) if !self.variables.contains(&name.as_str()) => {
                self.place(name, node.span).map(|(place, _)| place.slot)
            }
            _ => Err(CompileError::new(node.span, message)),
        }
    }
}

/// Whether any of these is the deciding value, which then is the result; else the opposite. What has no value only counts if nothing
/// decides, and of several the least does, so that their order does not matter.
#[inline]
pub(super) fn decide<T>(terms: &[T], deciding: bool, work: impl Fn(&T) -> Result<bool, Stop>) -> Result<bool, Stop> {
    let mut least: Option<Stop> = None;
    for term in terms {
        match work(term) {
            Ok(value) if value == deciding => return Ok(deciding),
            Ok(_) => {}
            Err(stop) => least = Some(least.map_or(stop, |known| known.min(stop))),
        }
    }
    least.map_or(Ok(!deciding), Err)
}
