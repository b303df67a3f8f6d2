//! Lists, page by page: how many are wanted, where the page before ended, what is left.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vigie_domain::{Error, Result, Timestamp};

/// Entries of a page unless the caller says otherwise.
pub const LIMIT_DEFAULT: usize = 50;
/// Entries of a page at most.
pub const LIMIT_MAX: usize = 200;
/// First byte of a cursor, so that a later form can be told apart.
const VERSION: u8 = 1;

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// How many entries; 50 unless said.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// How many there are in all, at least.
    pub total: u64,
    /// Whether there are no more than `total`.
    pub is_total_exact: bool,
    /// Asks for the next page; `None` on the last.
    pub next_cursor: Option<String>,
}

/// What a list is in the order of: an instant, then an id. Latest first.
pub type ListPosition = (Timestamp, String);

impl ListRequest {
    /// How many entries the page has.
    ///
    /// # Errors
    /// `Invalid` when it is none or too many.
    pub fn limit(&self) -> Result<usize> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if (1..=LIMIT_MAX).contains(&limit) {
            return Ok(limit);
        }
        let message = format!("\"limit\" is {limit}; 1 to {LIMIT_MAX} fit on a page, go further with \"cursor\"");
        Err(Error::invalid_field("limit", message))
    }

    /// Where the page before ended.
    ///
    /// # Errors
    /// `Malformed` when the cursor was not made here.
    pub fn after(&self) -> Result<Option<ListPosition>> {
        self.cursor.as_deref().map(read_cursor).transpose()
    }

    /// This page of the entries, which are all there are, in order.
    ///
    /// # Errors
    /// `Invalid` when the limit is out of its bounds; `Malformed` when the cursor was not made here.
    pub fn page<T>(&self, entries: Vec<T>, is_exact: bool, position: fn(&T) -> ListPosition) -> Result<Listed<T>> {
        let limit = self.limit()?;
        let after = self.after()?;
        let total = entries.len() as u64;
        let is_left = |entry: &T| after.as_ref().is_none_or(|after| position(entry) < *after);
        let mut left = entries.into_iter().filter(is_left);
        let entries: Vec<T> = left.by_ref().take(limit).collect();
        let has_more = left.next().is_some();
        let next_cursor = entries.last().filter(|_| has_more).map(|last| write_cursor(&position(last)));
        Ok(Listed { entries, total, is_total_exact: is_exact, next_cursor })
    }
}

/// The cursor of the page behind this position.
pub(crate) fn write_cursor((at, id): &ListPosition) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&at.as_nanos().to_le_bytes());
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(cursor: &str) -> Result<ListPosition> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let [VERSION, rest @ ..] = bytes.as_slice() else { return None };
        let (nanos, id) = rest.split_at_checked(8)?;
        let nanos = i64::from_le_bytes(nanos.try_into().ok()?);
        Some((Timestamp::from_nanos(nanos), String::from_utf8(id.to_vec()).ok()?))
    };
    read().ok_or_else(|| Error::malformed_field("cursor", "the cursor is damaged; begin again without one"))
}

#[cfg(test)]
mod tests {
    use vigie_domain::ErrorKind;

    use super::*;

    fn entries(count: i64) -> Vec<ListPosition> {
        (0..count).rev().map(|n| (Timestamp::from_seconds(n / 2), format!("{n:03}"))).collect()
    }

    fn page(limit: Option<usize>, cursor: Option<String>) -> Result<Listed<ListPosition>> {
        ListRequest { limit, cursor }.page(entries(7), true, Clone::clone)
    }

    #[test]
    fn pages_follow_one_another_also_within_one_instant() {
        let (mut seen, mut cursor) = (Vec::new(), None);
        for pages_left in [2, 1, 0] {
            let listed = page(Some(3), cursor).unwrap();
            assert_eq!((listed.total, listed.is_total_exact), (7, true));
            seen.extend(listed.entries);
            cursor = listed.next_cursor;
            assert_eq!(cursor.is_none(), pages_left == 0);
        }
        assert_eq!(seen, entries(7));
        assert_eq!(page(None, None).unwrap().entries.len(), 7);
    }

    #[test]
    fn wrong_pages_are_refused() {
        let check = |limit: Option<usize>, cursor: Option<&str>, kind: ErrorKind, field: &str| {
            let error = page(limit, cursor.map(str::to_owned)).unwrap_err();
            assert_eq!((error.kind, error.details[0].field.as_str()), (kind, field));
        };
        check(Some(0), None, ErrorKind::Invalid, "limit");
        check(Some(201), None, ErrorKind::Invalid, "limit");
        for cursor in ["", "x", "AQE", "!!!!", "AgEAAAAAAAAAAAAAAAAAAAAA"] {
            check(None, Some(cursor), ErrorKind::Malformed, "cursor");
        }
    }
}
