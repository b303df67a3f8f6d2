//! Searches that people keep: under a name, for themselves or for everybody of their tenant, and the latest they ran.
//!
//! What is kept is what was typed, not what was found: relative times stay relative.

mod content;
mod recent;
mod saved;
#[cfg(test)]
mod tests;

pub use content::{KeptColumn, KeptFilter, SearchContent};
pub use recent::{RECENT_MAX, RecentSearch, RecentSearches};
pub use saved::{SAVED_PER_USER_MAX, SavedSearch, SavedSearches, SearchDraft, SearchKeeper};
