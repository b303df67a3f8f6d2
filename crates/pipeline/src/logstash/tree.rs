//! The closed syntax tree of Logstash's configuration language: what is written, and where.

use serde::Serialize;

/// Where something is written; both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A whole configuration: its sections as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Config {
    pub(super) sections: Vec<Section>,
}

/// `input { … }`, `filter { … }` or `output { … }`; there may be several of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    pub(super) kind: SectionKind,
    pub(super) items: Vec<Item>,
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    Input,
    Filter,
    Output,
}

/// What stands in a section or branch.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Plugin(Plugin),
    /// `if`, then every `else if`, then `else`; at least one.
    Branches(Vec<Branch>),
}

/// One way of an `if`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch {
    pub(super) place: Place,
    /// `None` for `else`.
    pub(super) condition: Option<Condition>,
    pub(super) items: Vec<Item>,
    /// The line of the closing brace.
    pub(super) last_line: u32,
}

/// `name { attribute => value … }`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plugin {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
}

/// `name => value`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribute {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) value: Literal,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// In quotes.
    Text(String),
    /// Without quotes: `true`, `json`.
    Word(String),
    /// As it is written.
    Number(String),
    List(Vec<Self>),
    /// In the order written.
    Table(Vec<(String, Self)>),
    /// A codec with attributes of its own.
    Plugin(Plugin),
}

/// What an `if` asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Xor(Box<Self>, Box<Self>),
    Nand(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// A value alone: whether it is there and not false.
    Truth(Operand),
    Compare {
        left: Operand,
        comparison: Comparison,
        right: Operand,
    },
    /// `=~`; `!~` is its negation.
    Matches {
        left: Operand,
        pattern: String,
    },
    /// `in`; `not in` is its negation.
    In {
        item: Operand,
        collection: Operand,
    },
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The same with both sides exchanged.
    pub(super) const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }
}

/// What a condition compares.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// `[a][b]` as `a.b`.
    Field(String),
    Text(String),
    Number(String),
    List(Vec<Self>),
    /// `name(…)`, which no version of Logstash has any of.
    Call(String),
}
