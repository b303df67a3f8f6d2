//! How much a query may ask, and what deciding one takes.

/// Bytes of a query at most.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Conditions in a query at most.
pub const CLAUSES_MAX: usize = 1_024;
/// Patterns with `*` or `?`, expressions and words with mistakes in a query at most: each is tried on every value that is looked at.
pub const WILDCARDS_MAX: usize = 64;
/// Groups within groups at most.
pub const DEPTH_MAX: usize = 64;

/// What deciding a query takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryCost {
    /// Conditions.
    pub clauses: usize,
    /// Those of them that are patterns with `*` or `?`, expressions or words with mistakes.
    pub wildcards: usize,
}

impl QueryCost {
    /// What deciding both takes.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { clauses: self.clauses + other.clauses, wildcards: self.wildcards + other.wildcards }
    }

    /// Which bound it exceeds, in words; `None` when it lies within.
    pub fn excess(self) -> Option<String> {
        if self.clauses > CLAUSES_MAX {
            return Some(format!("{} conditions are more than {CLAUSES_MAX}; ask for fewer", self.clauses));
        }
        (self.wildcards > WILDCARDS_MAX).then(|| {
            format!("{} patterns with * or ? are more than {WILDCARDS_MAX}; name whole values", self.wildcards)
        })
    }
}
