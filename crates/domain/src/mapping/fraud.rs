//! `fraud`: a judgement of a transaction.

use super::FieldKind::{Bool, Decimal, Int, Keyword};
use super::{FieldDef, field};

pub(super) const FIELDS: &[FieldDef] = &[
    field("transaction_id", Keyword),
    field("fraud_score", Int),
    field("fraud_detected", Bool),
    field("decision", Keyword),
    field("fraud_indicators", Keyword),
    field("rules", Keyword),
    field("model_version", Keyword),
    field("case_id", Keyword),
    field("amount", Decimal),
    field("currency", Keyword),
];
