//! Signal 10: far more than this customer spends.

use super::Builtin;
use crate::cel::Slot::{Double, Int};

pub(super) const RULE: Builtin = Builtin {
    name: "unusual_amount",
    expression: "user.count_before >= 3 && user.amount_ratio >= 20.0 && transaction.amount >= 500.0",
    points: 50,
    reason_en: "{transaction.amount} {transaction.currency}, where this customer spends {user.mean_amount}",
    reason_fr: "{transaction.amount} {transaction.currency}, alors que ce client dépense {user.mean_amount} en moyenne",
    fires: &[
        ("user.count_before", Int(3)),
        ("user.amount_ratio", Double(40.0)),
        ("transaction.amount", Double(3000.0)),
    ],
    silent: &[
        ("user.count_before", Int(3)),
        ("user.amount_ratio", Double(8.0)),
        ("transaction.amount", Double(3000.0)),
    ],
};
