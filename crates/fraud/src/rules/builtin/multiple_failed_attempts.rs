//! Signal 6: logins or payments that failed, again and again.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "multiple_failed_attempts",
    expression: "user.failed_login_count_1h >= 4 || ip.failed_login_count_1h >= 10 || card.declined_count_1h >= 3",
    points: 30,
    reason_en: "{user.failed_login_count_1h failed login|failed logins} and {card.declined_count_1h declined payment|declined payments} within an hour",
    reason_fr: "{user.failed_login_count_1h connexion échouée|connexions échouées} et {card.declined_count_1h paiement refusé|paiements refusés} en une heure",
    fires: &[("user.failed_login_count_1h", Int(4))],
    silent: &[
        ("user.failed_login_count_1h", Int(3)),
        ("ip.failed_login_count_1h", Int(3)),
        ("card.declined_count_1h", Int(1)),
    ],
};
