//! Signal 7, refund abuse: bought and given back, again and again.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "many_refunds",
    expression: "user.refund_count_24h >= 2 && user.count_24h >= 2 && user.refund_count_30d * 2 >= user.count_30d",
    points: 50,
    reason_en: "{user.refund_count_24h refund|refunds} within 24 hours, {user.count_30d payment|payments} in 30 days",
    reason_fr: "{user.refund_count_24h remboursement|remboursements} en 24 heures, {user.count_30d paiement|paiements} en 30 jours",
    fires: &[
        ("user.refund_count_24h", Int(2)),
        ("user.count_24h", Int(2)),
        ("user.refund_count_30d", Int(2)),
        ("user.count_30d", Int(3)),
    ],
    silent: &[
        ("user.refund_count_24h", Int(2)),
        ("user.count_24h", Int(2)),
        ("user.refund_count_30d", Int(2)),
        ("user.count_30d", Int(9)),
    ],
};
