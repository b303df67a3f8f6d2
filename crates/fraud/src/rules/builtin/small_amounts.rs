//! Signal 1, card testing: amounts that nobody misses, by another card each time.

use super::Builtin;
use crate::cel::Slot::{Double, Int};

pub(super) const RULE: Builtin = Builtin {
    name: "small_amounts",
    expression: "transaction.amount < 2.0 && (device.card_count_24h >= 2 || ip.card_count_1h >= 3)",
    points: 50,
    reason_en: "{transaction.amount} {transaction.currency}, as when cards are tried: {device.card_count_24h card|cards} with one device",
    reason_fr: "{transaction.amount} {transaction.currency}, comme lors d'essais de cartes : {device.card_count_24h carte|cartes} avec le même appareil",
    fires: &[("transaction.amount", Double(0.9)), ("device.card_count_24h", Int(2))],
    silent: &[("transaction.amount", Double(0.9)), ("device.card_count_24h", Int(1)), ("ip.card_count_1h", Int(1))],
};
