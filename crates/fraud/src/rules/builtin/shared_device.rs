//! Signal 12: one device, several accounts.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "shared_device",
    expression: "device.user_count_24h >= 3",
    points: 50,
    reason_en: "{device.user_count_24h} accounts pay with one device",
    reason_fr: "{device.user_count_24h} comptes paient avec le même appareil",
    fires: &[("device.user_count_24h", Int(3))],
    silent: &[("device.user_count_24h", Int(2))],
};
