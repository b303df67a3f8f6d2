//! Signal 12: one card, several accounts.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "shared_card",
    expression: "card.user_count_24h >= 3",
    points: 50,
    reason_en: "{card.user_count_24h} accounts pay with one card",
    reason_fr: "{card.user_count_24h} comptes paient avec la même carte",
    fires: &[("card.user_count_24h", Int(3))],
    silent: &[("card.user_count_24h", Int(2))],
};
