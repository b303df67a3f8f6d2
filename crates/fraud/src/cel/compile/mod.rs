//! From the tree of a rule to closures: names are looked up, kinds checked, constants worked out.
//!
//! One pass. Every part becomes a [`Typed`], so that no closure can be given a value of another kind than it was made for.

mod arithmetic;
mod calls;
mod comparison;
mod lists;
mod logic;

use std::collections::BTreeSet;

use vigie_domain::Timestamp;

use super::frame::{Elapsed, Place};
use super::operand::{Closure, Operand, choose, unary};
use super::schema::nearest;
use super::syntax::{Node, Span, Syntax};
use super::texts::{ListSource, TextSource};
use super::{CompileError, Kind, Schema};

/// A compiled part, by its kind.
enum Typed {
    Bool(Operand<bool>),
    Int(Operand<i64>),
    Double(Operand<f64>),
    Text(TextSource),
    Instant(Operand<Timestamp>),
    Duration(Operand<Elapsed>),
    Texts(ListSource),
    /// Only for `in`.
    Numbers(Vec<Number>),
}

/// A number in a list.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Double(f64),
}

impl Typed {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::Text(_) => "text",
            Self::Instant(_) => "instant",
            Self::Duration(_) => "duration",
            Self::Texts(_) => "list of texts",
            Self::Numbers(_) => "list of numbers",
        }
    }
}

/// The closure of a rule, and the slots that it names in ascending order.
///
/// # Errors
/// At names that are not known and kinds that do not fit.
pub(super) fn compile(node: &Node, schema: &Schema) -> Result<(Closure<bool>, Box<[usize]>), CompileError> {
    let mut compiler = Compiler { schema, uses: BTreeSet::new(), variables: Vec::new() };
    let work = match compiler.typed(node)? {
        Typed::Bool(work) => work.into_closure(),
        other => {
            let message =
                format!("a rule is true or false, this is of kind {}: compare it with something", other.kind());
            return Err(CompileError::new(node.span, message));
        }
    };
    Ok((work, compiler.uses.into_iter().collect()))
}

struct Compiler<'r> {
    schema: &'r Schema,
    uses: BTreeSet<usize>,
    /// Of the loops around, the innermost last.
    variables: Vec<&'r str>,
}

impl<'r> Compiler<'r> {
    fn typed(&mut self, node: &'r Node) -> Result<Typed, CompileError> {
        match &node.syntax {
            Syntax::Null => Err(CompileError::new(node.span, "null is only for comparing a name with == or !=")),
            Syntax::Bool(value) => Ok(Typed::Bool(Operand::Constant(*value))),
            Syntax::Int(value) => Ok(Typed::Int(Operand::Constant(*value))),
            Syntax::Double(value) => Ok(Typed::Double(Operand::Constant(*value))),
            Syntax::Text(value) => Ok(Typed::Text(TextSource::Constant(value.as_str().into()))),
            Syntax::Instant(value) => Ok(Typed::Instant(Operand::Constant(*value))),
            Syntax::Duration(value) => Ok(Typed::Duration(Operand::Constant(*value))),
            Syntax::List(values) => lists::list(values, node.span),
            Syntax::Name(name) => self.name(name, node.span),
            Syntax::Has(name) => self.has(name).map(Typed::Bool),
            Syntax::Not(inner) => self.not(inner).map(Typed::Bool),
            Syntax::Negate(inner) => self.negate(inner, node.span),
            Syntax::And(terms) => self.chain(terms, false).map(Typed::Bool),
            Syntax::Or(terms) => self.chain(terms, true).map(Typed::Bool),
            Syntax::Compare(comparison, sides) => self.compare(*comparison, sides, node.span).map(Typed::Bool),
            Syntax::Arithmetic(operator, sides) => self.arithmetic(*operator, sides, node.span),
            Syntax::In(sides) => self.is_in(sides, node.span).map(Typed::Bool),
            Syntax::Choose(parts) => self.choose(parts, node.span),
            Syntax::One(function, value) => self.call_one(*function, value, node.span),
            Syntax::Two(function, values) => self.call_two(*function, values, node.span),
            Syntax::Loop(quantifier, looped) => self.looped(*quantifier, looped).map(Typed::Bool),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Typed, CompileError> {
        if let Some(loops_outwards) = self.variables.iter().rev().position(|variable| *variable == name) {
            return Ok(Typed::Text(TextSource::Variable(loops_outwards)));
        }
        let (place, kind) = self.place(name, span)?;
        Ok(match kind {
            Kind::Bool => Typed::Bool(Operand::Slot(place)),
            Kind::Int => Typed::Int(Operand::Slot(place)),
            Kind::Double => Typed::Double(Operand::Slot(place)),
            Kind::Text => Typed::Text(TextSource::Slot(place)),
            Kind::Instant => Typed::Instant(Operand::Slot(place)),
            Kind::Texts => Typed::Texts(ListSource::Slot(place)),
        })
    }

    /// The slot of a name, which counts as used from now on.
    fn place(&mut self, name: &str, span: Span) -> Result<(Place, Kind), CompileError> {
        if let Some((slot, kind)) = self.schema.find(name) {
            self.uses.insert(slot);
            return Ok((Place { slot: slot as u32, span }, kind));
        }
        let message = match self.schema.known_beginning(name) {
            Some(beginning) => {
                let rest = &name[beginning.len() + 1..];
                format!("\"{beginning}\" has no part \"{rest}\"; to call a method write {rest}(…)")
            }
            None => {
                let known = self.schema.names().map(|(known, _)| known);
                let meant = nearest(name, known.collect::<Vec<_>>().into_iter());
                let meant = meant.map(|known| format!("; did you mean \"{known}\"?")).unwrap_or_default();
                format!("there is no name \"{name}\"{meant}")
            }
        };
        Err(CompileError::new(span, message))
    }

    fn choose(&mut self, parts: &'r [Node; 3], span: Span) -> Result<Typed, CompileError> {
        let condition = self.condition(&parts[0], "the condition of ?:")?;
        let (yes, no) = (self.typed(&parts[1])?, self.typed(&parts[2])?);
        Ok(match (yes, no) {
            (Typed::Bool(yes), Typed::Bool(no)) => Typed::Bool(choose(condition, yes, no)),
            (Typed::Int(yes), Typed::Int(no)) => Typed::Int(choose(condition, yes, no)),
            (Typed::Double(yes), Typed::Double(no)) => Typed::Double(choose(condition, yes, no)),
            (Typed::Int(yes), Typed::Double(no)) => Typed::Double(choose(condition, as_double(yes), no)),
            (Typed::Double(yes), Typed::Int(no)) => Typed::Double(choose(condition, yes, as_double(no))),
            (Typed::Text(yes), Typed::Text(no)) => Typed::Text(TextSource::choose(condition, yes, no)),
            (Typed::Instant(yes), Typed::Instant(no)) => Typed::Instant(choose(condition, yes, no)),
            (Typed::Duration(yes), Typed::Duration(no)) => Typed::Duration(choose(condition, yes, no)),
            (Typed::Texts(yes), Typed::Texts(no)) => Typed::Texts(ListSource::choose(condition, yes, no)),
            (yes, no) => {
                let message = format!("both values of ?: are of one kind, these are {} and {}", yes.kind(), no.kind());
                return Err(CompileError::new(span, message));
            }
        })
    }
}

/// Ints beyond 2^53 become the nearest double.
fn as_double(int: Operand<i64>) -> Operand<f64> {
    unary(int, |int| Ok(int as f64))
}
