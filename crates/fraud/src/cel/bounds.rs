//! What a rule may be at most, and what its parts are taken to cost.
//!
//! Costs are counted before anything is compiled, from the text alone: a rule that is accepted stays cheap whatever it is given, as
//! long as lists are about as long as assumed.

/// Bytes of a rule's text.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// Levels of brackets, calls, operators and loops within each other. Chains of `&&` or `||` are one level however long they are.
pub const DEPTH_MAX: u8 = 32;
/// What a rule may cost; every name, value, operator and call costs one, unless said otherwise below.
pub const COST_MAX: u32 = 1_000;

/// How long a list is taken to be that only the payment knows.
pub(super) const LIST_LENGTH_ASSUMED: u64 = 32;
/// What a call costs that reads a whole text: `contains`, `size`, `lowerAscii`, `int` and `double`.
pub(super) const WHOLE_TEXT_COST: u64 = 10;
/// What applying a pattern costs.
pub(super) const PATTERN_COST: u64 = 50;
/// Bytes of one compiled pattern, and of what matching it may remember.
pub(super) const PATTERN_BYTES_MAX: usize = 256 * 1_024;
/// Groups within groups of a pattern.
pub(super) const PATTERN_DEPTH_MAX: u32 = 32;
/// Lists of texts up to this length are searched from the front, longer ones by hash.
pub(super) const SEARCHED_FROM_FRONT_MAX: usize = 8;
/// Bytes of a text that is put into small letters without asking for memory.
pub(super) const LOWERED_IN_PLACE_BYTES_MAX: usize = 1_024;
/// Names longer than this are not looked up among the known ones for a suggestion.
pub(super) const SUGGESTED_BYTES_MAX: usize = 64;
