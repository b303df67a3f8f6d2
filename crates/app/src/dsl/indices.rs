//! Which events the names of indices in a path mean: those of days, or those that were sent under a name of their own.

use vigie_domain::event::pseudo_fields;
use vigie_domain::query::glob::glob_matches;
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::time::INDEX_PREFIX;
use vigie_domain::{Day, Error, Result};

/// The field that keeps the name of the index which a sender gave.
pub(super) const SENT_INDEX: &str = "sent_index";
/// Names of two daily indices that have no digit in common: what matches both matches all.
const TWO_DAYS: [&str; 2] = ["ecommerce-logs-2019.08.17", "ecommerce-logs-0456.12.23"];
/// Names in one path.
const NAMES_MAX: usize = 100;

/// One name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    /// Which events are meant.
    pub(super) query: Query,
    /// The name itself when it has no `*`: an index of that name must be there.
    pub(super) needed: Option<String>,
}

/// Reads names parted by commas; a `-` before one leaves its events out.
///
/// # Errors
/// `Malformed` for too many names, or one that nothing can have.
pub(super) fn read(names: &str) -> Result<(Query, Vec<Named>)> {
    let pieces: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if pieces.len() > NAMES_MAX {
        return Err(Error::malformed_field(
            "index",
            format!("{} names of indices are more than {NAMES_MAX}; use a pattern", pieces.len()),
        ));
    }
    let (mut included, mut excluded) = (Vec::new(), Vec::new());
    for piece in pieces {
        match piece.strip_prefix('-') {
            Some(name) => excluded.push(Query::Not(Box::new(named(name)?.query))),
            None => included.push(named(piece)?),
        }
    }
    let all = Query::any(included.iter().map(|named| named.query.clone()).collect()).unwrap_or(Query::All);
    let all = if included.iter().any(|named| named.query == Query::All) { Query::All } else { all };
    Ok((excluded.into_iter().fold(all, Query::and), included))
}

fn named(name: &str) -> Result<Named> {
    // Dates in names, such as `<logs-{now/d}>`, are worked out by Elasticsearch alone.
    if name.starts_with(['_', '<', '+']) && name != "_all" {
        return Err(Error::malformed_field(
            "index",
            format!("Invalid index name [{name}], must not start with '_', '<' or '+'"),
        ));
    }
    let is_pattern = name.contains('*');
    let query = if name == "_all"
        || name == INDEX_PREFIX.trim_end_matches('-')
        || is_pattern && TWO_DAYS.iter().all(|day| glob_matches(name, day))
    {
        Query::All
    } else if let Some(day) = name.strip_prefix(INDEX_PREFIX).and_then(Day::parse) {
        let (lower, upper) = (Bound::Inclusive(day.start().to_string()), Bound::Exclusive(day.end().to_string()));
        time(lower, upper)
    } else if let Some(span) = name.strip_prefix(INDEX_PREFIX).and_then(|rest| rest.strip_suffix(".*")) {
        month_or_year(span).ok_or_else(|| {
            Error::malformed_field(
                "index",
                format!("[{name}] names no month or year, as ecommerce-logs-2026.11.* does"),
            )
        })?
    } else if is_pattern {
        Query::Field { field: SENT_INDEX.to_owned(), predicate: Predicate::Wildcard(name.to_owned()) }
    } else {
        Query::equals(SENT_INDEX, name)
    };
    let is_needed = !is_pattern && query != Query::All;
    Ok(Named { query, needed: is_needed.then(|| name.to_owned()) })
}

fn time(lower: Bound, upper: Bound) -> Query {
    Query::Field { field: pseudo_fields::TIMESTAMP.to_owned(), predicate: Predicate::Range { lower, upper } }
}

/// The events of `2026.11` or `2026`.
fn month_or_year(text: &str) -> Option<Query> {
    let (year, month) = match text.split_once('.') {
        Some((year, month)) => (year, Some(month.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let year: i16 = year.parse().ok()?;
    let next = match month {
        None => (year.checked_add(1)?, 1),
        Some(12) => (year.checked_add(1)?, 1),
        Some(month) => (year, month + 1),
    };
    let first = |(year, month): (i16, u8)| jiff::civil::Date::new(year, i8::try_from(month).ok()?, 1).ok();
    let text = |date: jiff::civil::Date| format!("{date}T00:00:00.000Z");
    Some(time(Bound::Inclusive(text(first((year, month.unwrap_or(1)))?)), Bound::Exclusive(text(first(next)?))))
}

#[cfg(test)]
mod tests {
    use vigie_domain::query::parse;

    use super::*;

    fn check(names: &str, expected: &str) {
        match read(names) {
            Ok((query, _)) => assert_eq!(query, parse(expected).unwrap(), "{names}"),
            Err(error) => assert!(error.message.contains(expected), "{names}: {}", error.message),
        }
    }

    #[test]
    fn names_mean_days_or_what_was_sent() {
        for all in [
            "",
            "_all",
            "*",
            "ecommerce-logs",
            "ecommerce-logs-*",
            "ecommerce*",
            "*logs*",
            "filebeat-*,ecommerce-logs-*",
        ] {
            check(all, "*");
        }
        check("ecommerce-logs-2026.11.25", r#"@timestamp:["2026-11-25T00:00:00.000Z" TO "2026-11-26T00:00:00.000Z"}"#);
        check("ecommerce-logs-2026.12.*", r#"@timestamp:["2026-12-01T00:00:00.000Z" TO "2027-01-01T00:00:00.000Z"}"#);
        check("ecommerce-logs-2026.*", r#"@timestamp:["2026-01-01T00:00:00.000Z" TO "2027-01-01T00:00:00.000Z"}"#);
        check("filebeat-*", "sent_index:filebeat-*");
        check("shop", "sent_index:shop");
        check("shop,till", "sent_index:shop OR sent_index:till");
        check("*,-shop", "NOT sent_index:shop");
        check("_search", "Invalid index name");
        check("ecommerce-logs-20.13.*", "names no month");
    }

    #[test]
    fn what_is_named_must_be_there() {
        let needed =
            |names: &str| read(names).unwrap().1.into_iter().filter_map(|named| named.needed).collect::<Vec<_>>();
        assert_eq!(needed("shop,*,ecommerce-logs-2026.11.25,ecommerce-logs"), ["shop", "ecommerce-logs-2026.11.25"]);
    }
}
