//! Signal 13, entity risk: somebody confirmed a fraud by this customer, card, device, address or e-mail.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "known_fraud",
    expression: "user.fraud_count >= 1 || card.fraud_count >= 1 || device.fraud_count >= 1 || email.fraud_count >= 1 || ip.fraud_count >= 1",
    points: 60,
    reason_en: "confirmed frauds: {user.fraud_count} by this customer, {card.fraud_count} with this card, {device.fraud_count} with this device",
    reason_fr: "fraudes confirmées : {user.fraud_count} par ce client, {card.fraud_count} avec cette carte, {device.fraud_count} avec cet appareil",
    fires: &[("card.fraud_count", Int(1)), ("user.fraud_count", Int(0))],
    silent: &[
        ("user.fraud_count", Int(0)),
        ("card.fraud_count", Int(0)),
        ("device.fraud_count", Int(0)),
        ("email.fraud_count", Int(0)),
        ("ip.fraud_count", Int(0)),
    ],
};
