//! Puts the parts of a group together.

use super::Query;

/// One part alone, or all of them flat.
pub(super) fn join(
    parts: Vec<Query>,
    make: impl Fn(Vec<Query>) -> Query,
    take_apart: impl Fn(Query) -> Result<Vec<Query>, Query>,
) -> Query {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match take_apart(part) {
            Ok(inner) => flat.extend(inner),
            Err(single) => flat.push(single),
        }
    }
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        Some(last) => {
            flat.push(last);
            make(flat)
        }
        None => Query::All,
    }
}
