//! Signal 6: failed logins, then a change to the account, then a payment.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "account_takeover",
    expression: "user.failed_login_count_1h >= 4 && user.change_count_1h >= 1",
    points: 80,
    reason_en: "{user.failed_login_count_1h failed login|failed logins}, then {user.change_count_1h change|changes} to the account, within an hour",
    reason_fr: "{user.failed_login_count_1h connexion échouée|connexions échouées} puis {user.change_count_1h modification|modifications} du compte en une heure",
    fires: &[("user.failed_login_count_1h", Int(6)), ("user.change_count_1h", Int(1))],
    silent: &[("user.failed_login_count_1h", Int(6)), ("user.change_count_1h", Int(0))],
};
