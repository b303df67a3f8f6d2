//! A great deal of money. Alone it says little.

use super::Builtin;
use crate::cel::Slot::Double;

pub(super) const RULE: Builtin = Builtin {
    name: "high_amount",
    expression: "transaction.amount >= 1000.0",
    points: 15,
    reason_en: "{transaction.amount} {transaction.currency} is a high amount",
    reason_fr: "{transaction.amount} {transaction.currency} est un montant élevé",
    fires: &[("transaction.amount", Double(1500.0))],
    silent: &[("transaction.amount", Double(20.0))],
};
