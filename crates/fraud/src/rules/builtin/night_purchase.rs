//! Signal 13: a great sum in the night, by an account that is days old.

use super::Builtin;
use crate::cel::Slot::{Double, Instant};

pub(super) const RULE: Builtin = Builtin {
    name: "night_purchase",
    expression: "(transaction.at.getHours() >= 22 || transaction.at.getHours() <= 5) && user.amount_24h >= 1200.0 && account.age_hours < 96.0",
    points: 50,
    reason_en: "{user.amount_24h} {transaction.currency} within a day, in the night, by an account that is {account.age_hours hour|hours} old",
    reason_fr: "{user.amount_24h} {transaction.currency} en un jour, en pleine nuit, par un compte créé il y a {account.age_hours heure|heures}",
    fires: &[
        ("transaction.at", Instant(82_800_000_000_000)),
        ("user.amount_24h", Double(1300.0)),
        ("account.age_hours", Double(48.0)),
    ],
    silent: &[
        ("transaction.at", Instant(43_200_000_000_000)),
        ("user.amount_24h", Double(1300.0)),
        ("account.age_hours", Double(48.0)),
    ],
};
