//! Signal 8, promo abuse: one device takes the same coupon for several accounts.

use super::Builtin;
use crate::cel::Slot::Int;

pub(super) const RULE: Builtin = Builtin {
    name: "coupon_reuse",
    expression: "device.coupon_user_count_24h >= 2",
    points: 50,
    reason_en: "coupon {transaction.coupon} was used for {device.coupon_user_count_24h account|accounts} on one device",
    reason_fr: "le bon {transaction.coupon} a servi à {device.coupon_user_count_24h compte|comptes} sur le même appareil",
    fires: &[("device.coupon_user_count_24h", Int(2))],
    silent: &[("device.coupon_user_count_24h", Int(1))],
};
