//! `error`: something failed.

use super::FieldKind::{Int, Keyword, Text};
use super::{FieldDef, field};

pub(super) const FIELDS: &[FieldDef] = &[
    field("error_code", Int),
    field("error_type", Keyword),
    field("error_message", Text),
    field("endpoint", Keyword),
    field("method", Keyword),
    field("status_code", Int),
    field("stack_trace", Text),
];
