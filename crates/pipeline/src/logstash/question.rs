//! From what an `if` asks to a query: what queries cannot say is told by a `match` stage before it, whose mark they ask.
//!
//! Queries follow aliases, search some fields by their words, and every event has a time and mostly a message. Where that
//! would answer another question than Logstash's, the field itself is looked at by a stage.

use toml::Value as Toml;
use vigie_domain::Level;
use vigie_domain::event::pseudo_fields;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::query::{Bound, Predicate, Query};

use super::names::{Names, is_item};
use super::report::{Report, Where};
use super::stage::{MARKS, Planned, Touched};
use super::tree::{Comparison, Condition, Operand};

/// Tags are a list in every event; of another field nobody knows.
const TAGS: &str = "tags";
/// Conditions on both sides of an `xor`.
const XOR_CLAUSES_MAX: usize = 32;

/// Names that were given to marks, so that each has its own.
#[derive(Debug, Default)]
pub(super) struct Marks {
    given: Vec<String>,
}

impl Marks {
    /// A new mark, named after the line.
    pub(super) fn make(&mut self, line: u32) -> String {
        let count = self
            .given
            .iter()
            .filter(|name| **name == format!("line_{line}") || name.starts_with(&format!("line_{line}_")))
            .count();
        let name = if count == 0 { format!("line_{line}") } else { format!("line_{line}_{}", count + 1) };
        self.given.push(name.clone());
        format!("{MARKS}.{name}")
    }
}

/// Reads the questions of one `if`.
pub(super) struct Questions<'a> {
    pub(super) at: Where<'a>,
    pub(super) names: &'a Names,
    pub(super) marks: &'a mut Marks,
    pub(super) report: &'a mut Report,
    /// Stages that must come first.
    pub(super) before: Vec<Planned>,
}

type Asked = Result<Query, String>;

impl Questions<'_> {
    /// The query that asks the same.
    ///
    /// # Errors
    /// In words, when none does.
    pub(super) fn query(&mut self, condition: &Condition) -> Asked {
        Ok(match condition {
            Condition::And(left, right) => and(self.query(left)?, self.query(right)?),
            Condition::Or(left, right) => or(self.query(left)?, self.query(right)?),
            Condition::Nand(left, right) => not(and(self.query(left)?, self.query(right)?)),
            Condition::Xor(left, right) => {
                let (left, right) = (self.query(left)?, self.query(right)?);
                // Each side is asked twice, so that one within another grows fast.
                if left.cost().plus(right.cost()).clauses > XOR_CLAUSES_MAX {
                    return Err(format!("xor joins more than {XOR_CLAUSES_MAX} conditions; write it with and, or"));
                }
                or(and(left.clone(), not(right.clone())), and(not(left), right))
            }
            Condition::Not(inner) => not(self.query(inner)?),
            Condition::Truth(operand) => self.truth(operand)?,
            Condition::Compare { left, comparison, right } => self.compare(left, *comparison, right)?,
            Condition::Matches { left, pattern } => match left {
                Operand::Field(field) => self.matching(field, Some(pattern))?,
                _ => return Err("=~ is translated for fields alone; write the field on its left".to_owned()),
            },
            Condition::In { item, collection } => self.membership(item, collection)?,
        })
    }

    fn field(&self, written: &str) -> Result<String, String> {
        self.names.field(written)
    }

    fn truth(&mut self, operand: &Operand) -> Asked {
        match operand {
            Operand::Field(written) => {
                let field = self.field(written)?;
                let canonical = mapping::canonical(&field).to_owned();
                if is_item(&field) || (is_everywhere(&canonical) && field != canonical) {
                    return self.matching(written, None);
                }
                let exists = Query::exists(canonical.as_str());
                let may_be_false = match mapping::kind_of(&canonical) {
                    None => canonical != TAGS && !pseudo_fields::is_pseudo(&canonical),
                    Some(kind) => kind == FieldKind::Bool,
                };
                Ok(if may_be_false { and(exists, not(Query::equals(canonical, "false"))) } else { exists })
            }
            Operand::Text(_) | Operand::Number(_) | Operand::List(_) => Ok(Query::All),
            Operand::Call(name) => Err(format!("{name}() is unknown to Vigie, and to Logstash; write a comparison")),
        }
    }

    fn compare(&mut self, left: &Operand, comparison: Comparison, right: &Operand) -> Asked {
        let (written, comparison, value) = match (left, right) {
            (Operand::Field(field), Operand::Text(text) | Operand::Number(text)) => (field, comparison, text),
            (Operand::Text(text) | Operand::Number(text), Operand::Field(field)) => {
                (field, comparison.mirrored(), text)
            }
            (Operand::Text(left) | Operand::Number(left), Operand::Text(right) | Operand::Number(right)) => {
                return Ok(if decided(left, comparison, right) { Query::All } else { Query::Nothing });
            }
            (Operand::Field(_), Operand::Field(_)) => {
                return Err("conditions compare a field with a value, not with another field; let the sender tell it"
                    .to_owned());
            }
            _ => return Err("lists are asked by in; write [field] in [\"a\", \"b\"]".to_owned()),
        };
        let range = |lower: Bound, upper: Bound| -> Asked {
            let field = mapping::canonical(&self.field(written)?).to_owned();
            if is_item(&field) {
                return Err(format!(
                    "[{written}]: an item of a list is not compared by < and >; copy it to a field first"
                ));
            }
            Ok(Query::Field { field, predicate: Predicate::Range { lower, upper } })
        };
        match comparison {
            Comparison::Equal => self.equals(written, value),
            Comparison::NotEqual => self.equals(written, value).map(not),
            Comparison::Less => range(Bound::Open, Bound::Exclusive(value.clone())),
            Comparison::LessOrEqual => range(Bound::Open, Bound::Inclusive(value.clone())),
            Comparison::Greater => range(Bound::Exclusive(value.clone()), Bound::Open),
            Comparison::GreaterOrEqual => range(Bound::Inclusive(value.clone()), Bound::Open),
        }
    }

    fn equals(&mut self, written: &str, value: &str) -> Asked {
        let field = self.field(written)?;
        let canonical = mapping::canonical(&field).to_owned();
        if is_item(&field) || mapping::is_text(&canonical) || mapping::kind_of(&canonical) == Some(FieldKind::Instant) {
            return self.matching(written, Some(&format!("\\A{}\\z", regex::escape(value))));
        }
        let same = Query::equals(canonical.as_str(), value);
        // The level is one of six words by now.
        match Level::from_word(value) {
            Some(level) if canonical == "level" && !level.as_str().eq_ignore_ascii_case(value) => {
                Ok(or(same, Query::equals(canonical, level.as_str())))
            }
            _ => Ok(same),
        }
    }

    fn membership(&mut self, item: &Operand, collection: &Operand) -> Asked {
        match (item, collection) {
            (Operand::Field(field), Operand::List(values)) => {
                values.iter().try_fold(Query::Nothing, |any, value| match value {
                    Operand::Text(text) | Operand::Number(text) => Ok(or(any, self.equals(field, text)?)),
                    _ => Err("a list that is asked by in holds texts and numbers; compare with each".to_owned()),
                })
            }
            (Operand::Text(text) | Operand::Number(text), Operand::Field(written)) => self.holds(text, written),
            (Operand::Text(text) | Operand::Number(text), Operand::List(values)) => {
                let is_it =
                    |value: &Operand| matches!(value, Operand::Text(known) | Operand::Number(known) if known == text);
                Ok(if values.iter().any(is_it) { Query::All } else { Query::Nothing })
            }
            (Operand::Field(_), Operand::Field(_)) => {
                Err("conditions look for a value in a field, not for another field; write the values as a list"
                    .to_owned())
            }
            _ => Err("in is translated for [field] in [\"a\"] and \"a\" in [field]".to_owned()),
        }
    }

    /// Whether a list has the item, or a text the piece: which of them it is, only events tell.
    fn holds(&mut self, text: &str, written: &str) -> Asked {
        let field = self.field(written)?;
        if field == TAGS {
            return Ok(Query::equals(TAGS, text));
        }
        self.report.note(
            self.at,
            None,
            format!("{text:?} in [{written}] is asked as part of a text; if {field} is a list, write when = '{field}:{text:?}'"),
        );
        self.matching(written, Some(&regex::escape(text)))
    }

    /// The mark of a stage that looks at the field itself; without a pattern, whether it is there.
    pub(super) fn matching(&mut self, written: &str, pattern: Option<&str>) -> Asked {
        let field = self.field(written)?;
        let mark = self.marks.make(self.at.place.line);
        let stage =
            Planned::new(self.at.place, format!("if … [{written}] …"), "match", Touched::Fields(vec![mark.clone()]))
                .with("field", field.as_str())
                .with_some("pattern", pattern.map(|pattern| Toml::String(pattern.to_owned())))
                .with("target", mark.as_str());
        stage.check().map_err(|error| error.message)?;
        self.before.push(stage);
        Ok(Query::equals(mark, "true"))
    }
}

/// Whether every event has the field under this canonical name, so that asking for an alias tells nothing.
fn is_everywhere(canonical: &str) -> bool {
    pseudo_fields::is_pseudo(canonical) || canonical == "message"
}

/// Whether two values that are written down compare like that.
fn decided(left: &str, comparison: Comparison, right: &str) -> bool {
    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right).unwrap_or(std::cmp::Ordering::Equal),
        _ => left.cmp(right),
    };
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// Both; what is decided disappears.
pub(super) fn and(left: Query, right: Query) -> Query {
    match (left, right) {
        (Query::Nothing, _) | (_, Query::Nothing) => Query::Nothing,
        (left, right) => left.and(right),
    }
}

/// Either; what is decided disappears.
pub(super) fn or(left: Query, right: Query) -> Query {
    match (left, right) {
        (Query::All, _) | (_, Query::All) => Query::All,
        (Query::Nothing, query) | (query, Query::Nothing) => query,
        (left, right) => {
            let mut parts = alternatives(left);
            for part in alternatives(right) {
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
            match (parts.len(), parts.pop()) {
                (1, Some(only)) => only,
                (_, last) => Query::Or(parts.into_iter().chain(last).collect()),
            }
        }
    }
}

fn alternatives(query: Query) -> Vec<Query> {
    match query {
        Query::Or(parts) => parts,
        other => vec![other],
    }
}

/// The contrary.
pub(super) fn not(query: Query) -> Query {
    match query {
        Query::All => Query::Nothing,
        Query::Nothing => Query::All,
        Query::Not(inner) => *inner,
        query => Query::Not(Box::new(query)),
    }
}
