//! Finding events by SQL.

use vigie_domain::ports::{SqlAnswer, SqlRequest};
use vigie_domain::{Error, Result, Scope};

use super::Search;

/// Rows of an answer unless the caller says otherwise.
pub const SQL_ROWS_DEFAULT: usize = 1_000;
/// Rows of an answer at most.
pub const SQL_ROWS_MAX: usize = 10_000;

impl Search {
    /// The answer to a statement, of so many rows at most.
    ///
    /// # Errors
    /// `Invalid` when the bound is none, or the store knows no SQL; else as `SqlStore::query`.
    pub async fn sql(&self, scope: &Scope, text: &str, rows_max: usize) -> Result<SqlAnswer> {
        if !(1..=SQL_ROWS_MAX).contains(&rows_max) {
            return Err(Error::invalid_field("limit", format!("\"limit\" is {rows_max}; use 1 to {SQL_ROWS_MAX}")));
        }
        if text.trim().is_empty() {
            let words = "the statement is empty; try SELECT service, count(*) FROM logs GROUP BY service";
            return Err(Error::malformed_field("query", words));
        }
        let Some(sql) = &self.sql else {
            return Err(Error::invalid("SQL is there with the embedded log store only"));
        };
        sql.query(scope, &SqlRequest { text: text.to_owned(), rows_max }).await
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::ErrorKind;

    use super::*;
    use crate::test_shop::Shop;

    #[tokio::test]
    async fn what_cannot_be_asked_is_refused_before_the_store_is() {
        let shop = Shop::new();
        let refused = async |text: &str, rows_max| shop.search.sql(&shop.scope, text, rows_max).await.unwrap_err();
        assert!(refused("SELECT 1", 0).await.message.contains("use 1 to 10000"));
        assert!(refused("SELECT 1", SQL_ROWS_MAX + 1).await.message.contains("\"limit\" is 10001"));
        assert_eq!(refused(" \n", 10).await.kind, ErrorKind::Malformed);
        assert!(refused("SELECT 1", 10).await.message.contains("embedded log store only"));
    }
}
