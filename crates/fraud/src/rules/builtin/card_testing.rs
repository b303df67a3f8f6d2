//! Signal 1, card testing: cards are tried one after the other until one works.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "card_testing",
    expression: "device.declined_count_1h >= 3 && device.card_count_24h >= 3 || ip.declined_count_1h >= 4 && ip.card_count_1h >= 4",
    points: 80,
    reason_en: "{device.card_count_24h card was|cards were} tried with one device, {device.declined_count_1h payment|payments} declined within an hour",
    reason_fr: "{device.card_count_24h carte essayée|cartes essayées} avec le même appareil, {device.declined_count_1h paiement refusé|paiements refusés} en une heure",
    fires: &[("device.declined_count_1h", Int(3)), ("device.card_count_24h", Int(3))],
    silent: &[("device.declined_count_1h", Int(3)), ("device.card_count_24h", Int(1))],
};
