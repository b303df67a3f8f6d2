//! Signal 2, velocity: one buyer or one card pays again and again.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "rapid_transactions",
    expression: "user.count_10m >= 3 || card.count_10m >= 3",
    points: 50,
    reason_en: "{user.count_10m payment|payments} of this customer and {card.count_10m} with this card within ten minutes",
    reason_fr: "{user.count_10m paiement|paiements} de ce client et {card.count_10m} avec cette carte en dix minutes",
    fires: &[("user.count_10m", Int(3)), ("card.count_10m", Int(3))],
    silent: &[("user.count_10m", Int(2)), ("card.count_10m", Int(2))],
};
