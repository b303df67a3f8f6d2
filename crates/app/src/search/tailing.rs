//! What a live tail asks becomes a matcher, by the same rules as a search.

use vigie_domain::query::Matcher;
use vigie_domain::{Error, Result, Scope};

use super::Search;
use crate::tail::{RATE_MAX, TailInput};
use crate::time_range::AskedRange;

impl Search {
    /// Decides which events a live tail tells, by the same rules as a search.
    ///
    /// # Errors
    /// `Malformed` when the query cannot be read; `Invalid` when more events are asked for than a tail may be sent.
    pub fn matcher(&self, scope: &Scope, input: &TailInput) -> Result<Matcher> {
        if input.rate == 0 || input.rate > RATE_MAX {
            let message = format!("\"rate\" is {}; a tail is sent 1 to {RATE_MAX} events per second", input.rate);
            return Err(Error::invalid_field("rate", message));
        }
        let selection = self.selection_within(&input.query, &input.filters, &AskedRange::default())?;
        Matcher::compile(&selection.query, scope, (self.clock)())
    }
}
