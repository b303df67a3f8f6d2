//! A rule as it was written: what the parser makes, and what is checked and compiled.
//!
//! Kinds are not known here, names not looked up. No tree is deeper than [`DEPTH_MAX`](super::DEPTH_MAX).

use vigie_domain::Timestamp;

use super::frame::Elapsed;
use super::functions::{One, Two};

/// A part of the text, in bytes. Texts are short enough for 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// The first byte.
    pub(super) start: u16,
    /// The byte behind the last.
    pub(super) end: u16,
}

impl Span {
    /// Of places in a text of at most [`TEXT_BYTES_MAX`](super::TEXT_BYTES_MAX) bytes.
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, end: end as u16 }
    }

    /// From here up to the end of another.
    pub(super) fn up_to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// The text that is meant.
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start.into()..self.end.into()).unwrap_or_default()
    }
}

/// `== != < <= > >=`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// `+ - * / %`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// `exists` and `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    Exists,
    All,
}

/// A part of a rule and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) syntax: Syntax,
    pub(super) span: Span,
    /// Levels, itself included.
    pub(super) depth: u8,
}

/// What a part of a rule is.
#[derive(Clone, Debug)]
pub(super) enum Syntax {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Instant(Timestamp),
    Duration(Elapsed),
    List(Vec<Node>),
    /// A dotted name, without spaces.
    Name(String),
    /// `has(name)`
    Has(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    /// At least two.
    And(Vec<Node>),
    /// At least two.
    Or(Vec<Node>),
    Compare(Comparison, Box<[Node; 2]>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    /// A value, and the list that it may be in.
    In(Box<[Node; 2]>),
    /// The condition, the value if it is true, the value if not.
    Choose(Box<[Node; 3]>),
    One(One, Box<Node>),
    Two(Two, Box<[Node; 2]>),
    /// `list.exists(variable, body)`
    Loop(Quantifier, Box<Loop>),
}

/// A loop over a list.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub(super) list: Node,
    pub(super) variable: String,
    pub(super) body: Node,
}

impl Syntax {
    /// Levels of what is within.
    fn depth_within(&self) -> u8 {
        let deepest = |nodes: &[Node]| nodes.iter().map(|node| node.depth).max().unwrap_or(0);
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::Text(_) => 0,
            Self::Instant(_) | Self::Duration(_) | Self::Name(_) => 0,
            Self::Has(node) | Self::Not(node) | Self::Negate(node) | Self::One(_, node) => node.depth,
            Self::List(nodes) | Self::And(nodes) | Self::Or(nodes) => deepest(nodes),
            Self::Compare(_, nodes) | Self::Arithmetic(_, nodes) | Self::In(nodes) | Self::Two(_, nodes) => {
                deepest(&nodes[..])
            }
            Self::Choose(nodes) => deepest(&nodes[..]),
            Self::Loop(_, looped) => looped.list.depth.max(looped.body.depth),
        }
    }
}

impl Node {
    pub(super) fn new(syntax: Syntax, span: Span) -> Self {
        let depth = syntax.depth_within().saturating_add(1);
        Self { syntax, span, depth }
    }
}
