//! Signal 9: a robot looks at pages, or pays.

use super::Builtin;
use crate::cel::Slot::{Bool, Int};

pub(super) const RULE: Builtin = Builtin {
    name: "automation",
    expression: "ip.page_count_1m >= 60 || transaction.is_bot",
    points: 45,
    reason_en: "{ip.page_count_1m} pages a minute from this address",
    reason_fr: "{ip.page_count_1m} pages par minute depuis cette adresse",
    fires: &[("ip.page_count_1m", Int(80)), ("transaction.is_bot", Bool(false))],
    silent: &[("ip.page_count_1m", Int(10)), ("transaction.is_bot", Bool(false))],
};
