//! `user_behavior`: what a visitor did.

use super::FieldKind::{Int, Keyword, Text};
use super::{FieldDef, field};

pub(super) const FIELDS: &[FieldDef] = &[
    field("action", Keyword),
    field("page", Keyword),
    field("referrer", Keyword),
    field("product_id", Keyword),
    field("search_query", Text),
    field("duration_ms", Int),
];
