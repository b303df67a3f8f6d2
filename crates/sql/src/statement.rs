//! Reads the text of a statement.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Visit, Visitor, visit_expressions_mut, visit_relations};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use vigie_domain::Error;

use crate::error;

/// Bytes of a statement at most.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Brackets within brackets at most.
const DEPTH_MAX: usize = 100;

/// Words and signs of a statement at most, beside the numbers, texts and commas that lists are made of: planning takes time and
/// stack that grow with them.
const SIGNS_MAX: usize = 2_000;
/// Mentions of views at most, those within the subqueries that a statement names included.
const VIEWS_MAX: usize = 100;

/// Whether the text is one statement; not whether it can be answered.
///
/// # Errors
/// `Malformed` when it cannot be read, with the place where that is known; `Invalid` past the bounds.
pub fn check(text: &str) -> vigie_domain::Result<()> {
    read(text).map(|_| ()).map_err(|failure| error::told(failure, text))
}

/// A statement that exceeds a bound.
fn invalid(words: impl Into<String>) -> DataFusionError {
    DataFusionError::External(Box::new(Error::invalid_field(error::FIELD, words)))
}

/// The one statement that the text is.
pub fn read(text: &str) -> Result<Statement> {
    if text.len() > TEXT_BYTES_MAX {
        let words = format!("the statement has {} bytes; at most {TEXT_BYTES_MAX} are allowed", text.len());
        return Err(invalid(words));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize().map_err(ParserError::from)?;
    let signs = tokens.iter().filter(|token| is_sign(token)).count();
    if signs > SIGNS_MAX {
        let words = format!(
            "the statement has {signs} words and signs beside the numbers and texts of lists; at most {SIGNS_MAX} are \
             allowed: compare with many values by IN (…)"
        );
        return Err(invalid(words));
    }
    let parser = DFParserBuilder::new(text).with_dialect(&GenericDialect {}).with_recursion_limit(DEPTH_MAX);
    let mut statements = parser.build()?.parse_statements()?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(mut statement), true) => {
            check_views(&statement)?;
            quote_times(&mut statement);
            Ok(statement)
        }
        (None, _) => Err(invalid("the statement is empty")),
        (Some(_), false) => Err(invalid("there are several statements; ask them one by one")),
    }
}

/// Whether the token stands for more than a value of a list.
const fn is_sign(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::Comma)
}

/// Planning takes time that grows with what is read, again for every mention of a subquery that was named once.
fn check_views(statement: &Statement) -> Result<()> {
    let statement = match statement {
        Statement::Statement(statement) => statement,
        Statement::Explain(explained) => return check_views(&explained.statement),
        _ => return Ok(()),
    };
    let mut named = Subqueries::default();
    let _: ControlFlow<()> = statement.visit(&mut named);
    let views: usize = mentions(statement.as_ref()).iter().fold(0, |sum, name| sum.saturating_add(named.weight(name)));
    if views > VIEWS_MAX {
        return Err(invalid(format!(
            "the statement reads views {views} times, those within the subqueries that it names included; at most {VIEWS_MAX} \
             are allowed"
        )));
    }
    Ok(())
}

/// What is mentioned where rows come from.
fn mentions(node: &impl Visit) -> Vec<String> {
    let mut names = Vec::new();
    let _: ControlFlow<()> = visit_relations(node, |name| {
        names.push(name.to_string());
        ControlFlow::Continue(())
    });
    names
}

/// What named subqueries mention; of several with one name, what all of them do.
#[derive(Default)]
struct Subqueries {
    mentions: HashMap<String, Vec<String>>,
    weights: HashMap<String, usize>,
}

impl Visitor for Subqueries {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for named in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.mentions.entry(named.alias.name.to_string()).or_default().extend(mentions(&named.query));
        }
        ControlFlow::Continue(())
    }
}

impl Subqueries {
    /// How many views are read for one mention of the name.
    fn weight(&mut self, name: &str) -> usize {
        if let Some(weight) = self.weights.get(name) {
            return *weight;
        }
        // One that mentions itself is read once more at a time.
        self.weights.insert(name.to_owned(), 1);
        let Some(mentioned) = self.mentions.get(name).cloned() else { return 1 };
        let weight = mentioned.iter().fold(0_usize, |sum, name| sum.saturating_add(self.weight(name)));
        self.weights.insert(name.to_owned(), weight);
        weight
    }
}

/// Takes `@timestamp` for the field that it is and not for a variable, of which there are none.
fn quote_times(statement: &mut Statement) {
    let quote = |name: &mut Ident| {
        if name.value.starts_with('@') && name.quote_style.is_none() {
            name.quote_style = Some('"');
        }
    };
    match statement {
        Statement::Statement(statement) => {
            let _: ControlFlow<()> = visit_expressions_mut(statement.as_mut(), |expression| {
                match expression {
                    Expr::Identifier(name) => quote(name),
                    Expr::CompoundIdentifier(names) => names.iter_mut().for_each(quote),
                    _ => {}
                }
                ControlFlow::Continue(())
            });
        }
        Statement::Explain(explained) => quote_times(&mut explained.statement),
        _ => {}
    }
}
