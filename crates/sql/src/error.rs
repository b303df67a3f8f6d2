//! What goes wrong, in the words of this product.

use datafusion::common::{Column, Diagnostic, SchemaError, Span};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use vigie_domain::error::ErrorDetail;
use vigie_domain::{Error, ErrorKind};

/// The field of the request that holds the statement.
pub const FIELD: &str = "query";

/// A failure that no statement should cause.
pub fn internal(failure: DataFusionError) -> Error {
    Error::internal(format!("SQL: {failure}"))
}

/// Why a statement that would change something is not run.
pub fn refused() -> DataFusionError {
    let words = "SQL only reads here: use SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW TABLES";
    DataFusionError::External(Box::new(Error::invalid_field(FIELD, words)))
}

/// The failure of this statement, as its author is told.
pub fn told(failure: DataFusionError, text: &str) -> Error {
    match failure {
        DataFusionError::External(own) => match own.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::invalid_field(FIELD, other.to_string()),
        },
        DataFusionError::ArrowError(error, _) => of_arrow(*error, text),
        DataFusionError::Context(_, inner) => told(*inner, text),
        DataFusionError::Shared(inner) => of_shared(&inner),
        DataFusionError::Collection(mut all) if !all.is_empty() => told(all.swap_remove(0), text),
        DataFusionError::Diagnostic(diagnostic, inner) => {
            let place = diagnostic.span.and_then(|span| bytes_of(span, text));
            let mut error = told(*inner, text);
            let is_placed = error.details.iter().any(|detail| detail.span.is_some());
            if is_placed || !matches!(error.kind, ErrorKind::Malformed | ErrorKind::Invalid) {
                return error;
            }
            error.message = words_of(&diagnostic, error.message);
            at(error, place)
        }
        DataFusionError::SQL(error, _) => of_parser(&error, text),
        DataFusionError::ResourcesExhausted(words) => Error::new(ErrorKind::TooLarge, words),
        DataFusionError::SchemaError(error, _) => of_schema(&error),
        // So a name is read whose first part is a word of SQL, such as user.
        DataFusionError::NotImplemented(words) if words.starts_with("Dot access") => {
            Error::invalid_field(FIELD, "a name with a dot in it is written in double quotes, such as \"user.id\"")
        }
        DataFusionError::NotImplemented(words) => {
            Error::invalid_field(FIELD, format!("SQL of this kind is not there: {words}"))
        }
        DataFusionError::Plan(words) if words.starts_with("table '") && words.ends_with("not found") => {
            Error::invalid_field(FIELD, format!("{words}; SHOW TABLES lists the views"))
        }
        DataFusionError::Plan(words) | DataFusionError::Execution(words) | DataFusionError::Configuration(words) => {
            Error::invalid_field(FIELD, words)
        }
        other => internal(other),
    }
}

fn of_arrow(error: arrow::error::ArrowError, text: &str) -> Error {
    match error {
        arrow::error::ArrowError::ExternalError(inner) => told(DataFusionError::External(inner), text),
        other => Error::invalid_field(FIELD, other.to_string()),
    }
}

/// Of a failure that several operators hold, only what can be read from the outside.
fn of_shared(failure: &DataFusionError) -> Error {
    match failure {
        DataFusionError::External(own) => match own.downcast_ref::<Error>() {
            Some(own) => own.clone(),
            None => Error::invalid_field(FIELD, own.to_string()),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => of_shared(inner),
        DataFusionError::Shared(inner) => of_shared(inner),
        DataFusionError::ResourcesExhausted(words) => Error::new(ErrorKind::TooLarge, words.clone()),
        DataFusionError::Internal(_) => Error::internal(format!("SQL: {failure}")),
        other => Error::invalid_field(FIELD, other.strip_backtrace()),
    }
}

fn of_schema(error: &SchemaError) -> Error {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return Error::invalid_field(FIELD, error.to_string());
    };
    let asked = field.flat_name().replace('"', "");
    let is_near = |known: &&str| strsim::jaro_winkler(&asked.to_lowercase(), &known.to_lowercase()) > 0.8;
    let names: Vec<&str> = valid_fields.iter().map(Column::name).collect();
    // What stands behind the name of a view is the field's own.
    let exact = names.iter().find(|known| known.eq_ignore_ascii_case(&asked));
    let mut near: Vec<&str> = exact.copied().into_iter().collect();
    near.extend(names.iter().copied().filter(|known| is_near(known) && Some(known) != exact).take(3));
    near.dedup();
    let mut words = format!("there is no field \"{asked}\"");
    if !near.is_empty() {
        let quoted: Vec<String> = near.iter().map(|name| format!("\"{name}\"")).collect();
        words.push_str(&format!("; did you mean {}?", quoted.join(" or ")));
    }
    words.push_str(if asked.contains('.') {
        " (a name with a dot in it is written in double quotes)"
    } else {
        " (DESCRIBE logs lists the fields; upper and lower case count)"
    });
    Error::invalid_field(FIELD, words)
}

fn of_parser(error: &ParserError, text: &str) -> Error {
    match error {
        ParserError::RecursionLimitExceeded => {
            Error::invalid_field(FIELD, "the statement nests too deep; take it apart with WITH")
        }
        ParserError::ParserError(words) | ParserError::TokenizerError(words) => {
            let (words, place) = place_in(words, text);
            at(Error::malformed_field(FIELD, format!("SQL cannot be read: {words}")), place)
        }
    }
}

/// The words without their place, and the bytes that the place means.
fn place_in<'a>(words: &'a str, text: &str) -> (&'a str, Option<(usize, usize)>) {
    let Some((before, place)) = words.split_once(" at Line: ") else { return (words, None) };
    let mut numbers = place.split(", Column: ").map(|number| number.trim().parse::<u64>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(line)), Some(Ok(column))) => {
            let start = byte_of(line, column, text);
            let word = text[start..].find(|sign: char| sign.is_whitespace() || "(),;".contains(sign));
            let length = word.unwrap_or(text.len() - start).max(text[start..].chars().next().map_or(0, char::len_utf8));
            (before, Some((start, start + length)))
        }
        _ => (words, None),
    }
}

fn words_of(diagnostic: &Diagnostic, plain: String) -> String {
    // What was said of a missing field is better than what the planner says.
    if plain.starts_with("there is no field") || plain.ends_with("lists the views") {
        plain
    } else {
        diagnostic.message.clone()
    }
}

fn at(mut error: Error, place: Option<(usize, usize)>) -> Error {
    if place.is_some() {
        error.details = vec![ErrorDetail { field: FIELD.to_owned(), span: place, message: error.message.clone() }];
    }
    error
}

fn bytes_of(span: Span, text: &str) -> Option<(usize, usize)> {
    let (start, end) = (span.start, span.end);
    (start.line > 0).then(|| (byte_of(start.line, start.column, text), byte_of(end.line, end.column, text)))
}

/// The byte at which this line's column begins, both counted from 1; columns are characters.
fn byte_of(line: u64, column: u64, text: &str) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1) as usize);
    let start: usize = lines.map(str::len).sum();
    let within = text[start..].char_indices().nth(column.saturating_sub(1) as usize);
    within.map_or(text.len(), |(offset, _)| start + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bytes() {
        let text = "SELECT é,\n  b FRM logs";
        assert_eq!(byte_of(1, 8, text), 7);
        assert_eq!(byte_of(1, 9, text), 9, "é has two bytes");
        assert_eq!(byte_of(2, 3, text), 13);
        assert_eq!(byte_of(9, 9, text), text.len());
        assert_eq!(place_in("Expected: x at Line: 2, Column: 5", text), ("Expected: x", Some((15, 18))));
        assert_eq!(place_in("no place", text), ("no place", None));
    }
}
