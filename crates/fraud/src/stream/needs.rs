//! What has to be remembered for which signals, so that a question about few of them remembers little.

use super::signals::SIGNALS;
use super::track::Track;

/// The tracks that a signal is told from, by its place in [`SIGNALS`]; none for what a payment says itself.
pub(super) fn tracks_of(signal: usize) -> &'static [Track] {
    use Track::*;
    let Some((name, _)) = SIGNALS.get(signal) else { return &[] };
    match *name {
        "user.refund_count_24h" | "user.refund_count_30d" => &[BuyerRefunds],
        "user.failed_login_count_1h" => &[BuyerLoginFailures],
        "user.change_count_1h" => &[BuyerChanges],
        "user.device_age_hours" => &[BuyerDevices],
        "user.speed_kmh" => &[BuyerPlaces],
        "card.declined_count_1h" => &[CardDeclines],
        "device.card_count_24h" => &[DeviceCards],
        "device.declined_count_1h" => &[DeviceDeclines],
        "device.coupon_user_count_24h" => &[DeviceCoupons],
        "ip.user_count_24h" => &[AddressBuyers],
        "ip.declined_count_1h" => &[AddressDeclines],
        "ip.failed_login_count_1h" => &[AddressLoginFailures],
        "ip.page_count_1m" => &[AddressPages],
        "network.card_count_1h" => &[NetworkCards],
        "bin.declined_count_1h" | "bin.declined_card_count_1h" => &[BinDeclines],
        "user.linked_fraud_count" => &[BuyerPayments, BuyerDevices, CardPayments, DevicePayments],
        // What is usual for a buyer says how a fraud weighs.
        "card.fraud_count" => &[CardPayments, BuyerPayments],
        "device.fraud_count" => &[DevicePayments, BuyerPayments],
        "ip.fraud_count" => &[AddressPayments, BuyerPayments],
        "email.fraud_count" => &[EmailPayments, BuyerPayments],
        "merchant.fraud_share_30d" => &[MerchantPayments, BuyerPayments],
        name => match name.split_once('.') {
            Some(("user", _)) => &[BuyerPayments],
            Some(("card", _)) => &[CardPayments],
            Some(("device", _)) => &[DevicePayments],
            Some(("ip", _)) => &[AddressPayments],
            Some(("email", "count_24h")) => &[EmailPayments],
            _ => &[],
        },
    }
}
