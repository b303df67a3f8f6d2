//! Reads the text of a statement.

use std::ops::ControlFlow;

use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, Ident, visit_expressions_mut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use vigie_domain::Error;

use crate::error;

/// Bytes of a statement at most.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Brackets within brackets at most.
const DEPTH_MAX: usize = 100;

/// Whether the text is one statement; not whether it can be answered.
///
/// # Errors
/// `Malformed` when it cannot be read, with the place where that is known; `Invalid` past the bounds.
pub fn check(text: &str) -> vigie_domain::Result<()> {
    read(text).map(|_| ()).map_err(|failure| error::told(failure, text))
}

/// The one statement that the text is.
pub fn read(text: &str) -> Result<Statement> {
    let invalid = |words: String| DataFusionError::External(Box::new(Error::invalid_field(error::FIELD, words)));
    if text.len() > TEXT_BYTES_MAX {
        let words = format!("the statement has {} bytes; at most {TEXT_BYTES_MAX} are allowed", text.len());
        return Err(invalid(words));
    }
    let parser = DFParserBuilder::new(text).with_dialect(&GenericDialect {}).with_recursion_limit(DEPTH_MAX);
    let mut statements = parser.build()?.parse_statements()?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(mut statement), true) => {
            quote_times(&mut statement);
            Ok(statement)
        }
        (None, _) => Err(invalid("the statement is empty".to_owned())),
        (Some(_), false) => Err(invalid("there are several statements; ask them one by one".to_owned())),
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
