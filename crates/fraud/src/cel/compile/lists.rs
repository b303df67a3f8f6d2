//! `in`, `exists` and `all`.

use super::super::CompileError;
use super::super::operand::{Operand, unary};
use super::super::syntax::{Loop, Node, Quantifier, Span, Syntax};
use super::super::texts::{self, ListSource};
use super::comparison::{exact_double, exact_int};
use super::logic::decide;
use super::{Compiler, Number, Typed};

/// A list that is written in the rule.
pub(super) fn list(values: &[Node], span: Span) -> Result<Typed, CompileError> {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    for value in values {
        match &value.syntax {
            Syntax::Text(text) => texts.push(text.clone()),
            Syntax::Int(int) => numbers.push(Number::Int(*int)),
            Syntax::Double(double) => numbers.push(Number::Double(*double)),
            _ => return Err(CompileError::new(value.span, "a list holds texts or numbers that are written out")),
        }
    }
    match (texts.is_empty(), numbers.is_empty()) {
        (false, true) => Ok(Typed::Texts(ListSource::Constant(texts.into()))),
        (true, false) => Ok(Typed::Numbers(numbers)),
        (true, true) => Err(CompileError::new(span, "a list holds at least one value")),
        (false, false) => Err(CompileError::new(span, "a list holds either texts or numbers")),
    }
}

impl<'r> Compiler<'r> {
    pub(super) fn is_in(&mut self, sides: &'r [Node; 2], span: Span) -> Result<Operand<bool>, CompileError> {
        let (value, list) = (self.typed(&sides[0])?, self.typed(&sides[1])?);
        Ok(match (value, list) {
            (Typed::Text(text), Typed::Texts(list)) => texts::is_in(text, list),
            (Typed::Int(int), Typed::Numbers(numbers)) => is_int_in(int, &numbers),
            (Typed::Double(double), Typed::Numbers(numbers)) => is_double_in(double, &numbers),
            (value, list) => {
                let message = format!(
                    "\"in\" looks for a value in a list of its kind, not for {} in {}",
                    value.kind(),
                    list.kind()
                );
                return Err(CompileError::new(span, message));
            }
        })
    }

    pub(super) fn looped(&mut self, quantifier: Quantifier, looped: &'r Loop) -> Result<Operand<bool>, CompileError> {
        let list = match self.typed(&looped.list)? {
            Typed::Texts(list) => list,
            other => {
                let message = format!("exists and all go through a list of texts, not {}", other.kind());
                return Err(CompileError::new(looped.list.span, message));
            }
        };
        self.variables.push(&looped.variable);
        let body = self.condition(&looped.body, "what is asked of each text");
        self.variables.pop();
        let body = body?.into_closure();
        let deciding = match quantifier {
            Quantifier::Exists => true,
            Quantifier::All => false,
        };
        Ok(Operand::worked_out(move |frame| {
            decide(list.read(frame)?, deciding, |text: &String| body(&frame.inside(text)))
        }))
    }
}

/// Numbers that are equal to ints of a list are found by either kind.
fn is_int_in(int: Operand<i64>, numbers: &[Number]) -> Operand<bool> {
    let same = |number: &Number| match *number {
        Number::Int(int) => Some(int),
        Number::Double(double) => exact_int(double),
    };
    let mut sorted: Vec<i64> = numbers.iter().filter_map(same).collect();
    sorted.sort_unstable();
    unary(int, move |int: i64| Ok(sorted.binary_search(&int).is_ok()))
}

fn is_double_in(double: Operand<f64>, numbers: &[Number]) -> Operand<bool> {
    let same = |number: &Number| match *number {
        Number::Int(int) => exact_double(int),
        Number::Double(double) => Some(double),
    };
    // Zero has two signs and is one number.
    let mut sorted: Vec<f64> = numbers.iter().filter_map(same).map(|number| number + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    unary(double, move |double: f64| Ok(sorted.binary_search_by(|known| known.total_cmp(&(double + 0.0))).is_ok()))
}
