//! Signal 4: nobody travels so fast.

use super::Builtin;
use crate::cel::Slot::Double;

pub(super) const RULE: Builtin = Builtin {
    name: "impossible_travel",
    expression: "user.speed_kmh > 1000.0",
    points: 50,
    reason_en: "{user.speed_kmh} km/h between two visits of one customer",
    reason_fr: "{user.speed_kmh} km/h entre deux visites du même client",
    fires: &[("user.speed_kmh", Double(9000.0))],
    silent: &[("user.speed_kmh", Double(300.0))],
};
