//! Signal 11: an account of today that spends a great deal.

use super::Builtin;
use crate::cel::Slot::{Double, Int};

pub(super) const RULE: Builtin = Builtin {
    name: "new_account",
    expression: "account.age_hours < 24.0 && user.amount_24h >= 1800.0 && device.declined_count_1h == 0",
    points: 50,
    reason_en: "{user.amount_24h} {transaction.currency} within a day by an account that is {account.age_hours hour|hours} old",
    reason_fr: "{user.amount_24h} {transaction.currency} en un jour par un compte créé il y a {account.age_hours heure|heures}",
    fires: &[
        ("account.age_hours", Double(0.5)),
        ("user.amount_24h", Double(1900.0)),
        ("device.declined_count_1h", Int(0)),
    ],
    silent: &[
        ("account.age_hours", Double(0.5)),
        ("user.amount_24h", Double(1900.0)),
        ("device.declined_count_1h", Int(1)),
    ],
};
