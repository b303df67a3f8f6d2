//! Signal 12, the graph of cards and devices: somebody confirmed a fraud with a card or a device that this customer used before.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "linked_fraud",
    expression: "user.linked_fraud_count >= 1 && user.fraud_count == 0",
    points: 30,
    reason_en: "confirmed frauds with cards or devices that this customer used before: {user.linked_fraud_count}",
    reason_fr: "fraudes confirmées avec des cartes ou appareils que ce client a utilisés : {user.linked_fraud_count}",
    fires: &[("user.linked_fraud_count", Int(2)), ("user.fraud_count", Int(0))],
    silent: &[("user.linked_fraud_count", Int(2)), ("user.fraud_count", Int(1))],
};
