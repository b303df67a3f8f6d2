//! Signal 9: a robot looks at pages, or pays.

use super::Builtin;
use crate::cel::Slot::{Bool, Int};

pub(super) const RULE: Builtin = Builtin {
    name: "automation",
    expression: "ip.page_count_1m >= 60 || transaction.is_bot",
    points: 45,
    reason_en: "a robot, by its browser or by the pages that its address asked for within a minute: {ip.page_count_1m}",
    reason_fr: "un robot, d'après son navigateur ou d'après les pages demandées en une minute par son adresse : {ip.page_count_1m}",
    fires: &[("ip.page_count_1m", Int(80)), ("transaction.is_bot", Bool(false))],
    silent: &[("ip.page_count_1m", Int(10)), ("transaction.is_bot", Bool(false))],
};
