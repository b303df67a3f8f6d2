//! What a live tail asks becomes a matcher, by the same rules as a search.

use vigie_domain::query::Matcher;
use vigie_domain::{Result, Scope};

use super::Search;
use crate::tail::TailInput;
use crate::time_range::AskedRange;

impl Search {
    /// Decides which events a live tail tells, by the same rules as a search.
    ///
    /// # Errors
    /// `Malformed` when the query cannot be read.
    pub fn matcher(&self, scope: &Scope, input: &TailInput) -> Result<Matcher> {
        let selection = self.selection_within(&input.query, &input.filters, &AskedRange::default())?;
        Matcher::compile(&selection.query, scope, (self.clock)())
    }
}
