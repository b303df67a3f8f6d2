//! What rules and people see of a payment: its own fields, and what the past of everything that it touches says.

use vigie_domain::fraud::features::Window;

use super::field::Field;
use super::track::Track;
use crate::cel::Kind;

use How::*;
use Track::*;
use Window::*;

/// A value that rules may ask for by its name.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// What rules call it.
    pub name: &'static str,
    pub(super) how: How,
}

/// How a signal is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// When the payment was made.
    At,
    /// How much is paid.
    Amount,
    /// What a field says.
    Told(Field),
    /// The country of the address.
    IpCountry,
    /// Whether money goes back.
    IsRefund,
    /// Whether it was made in the night, UTC.
    IsNight,
    /// Whether it was made on a Saturday or Sunday, UTC.
    IsWeekend,
    /// Whether the browser is a robot.
    IsBot,
    /// Whether the e-mail address is one of those that are thrown away.
    IsThrowaway,
    /// How old the account is.
    AccountAge,
    /// How many there were within a window.
    Count(Track, Window),
    /// How many different items there were.
    Distinct(Track, Window),
    /// The sum of their amounts.
    Sum(Track, Window),
    /// The share of frauds among them.
    FraudShare(Track, Window),
    /// How many were fraud, ever.
    Frauds(Track),
    /// Payments of the buyer before this one.
    CountBefore,
    /// The amount as a multiple of what the buyer spends on the mean.
    AmountRatio,
    /// What the buyer spends on the mean.
    MeanAmount,
    /// Since when the buyer uses this device.
    DeviceAge,
    /// Since when the buyer is known.
    KnownHours,
    /// How fast the buyer must have travelled.
    Speed,
    /// Frauds two steps away.
    LinkedFrauds,
}

impl Signal {
    /// What kind of value it is.
    pub const fn kind(&self) -> Kind {
        match self.how {
            At => Kind::Instant,
            Told(_) | IpCountry => Kind::Text,
            IsRefund | IsNight | IsWeekend | IsBot | IsThrowaway => Kind::Bool,
            Count(..) | Distinct(..) | Frauds(_) | CountBefore | LinkedFrauds => Kind::Int,
            Amount | AccountAge | Sum(..) | FraudShare(..) | AmountRatio | MeanAmount | DeviceAge | KnownHours
            | Speed => Kind::Double,
        }
    }

    /// What has to be remembered for it.
    pub(super) fn tracks(&self) -> Vec<Track> {
        match self.how {
            At | Amount | Told(_) | IpCountry | IsRefund | IsNight | IsWeekend | IsBot | IsThrowaway | AccountAge => {
                Vec::new()
            }
            Count(track, _) | Distinct(track, _) | Sum(track, _) => vec![track],
            // What is usual for a buyer says how a fraud weighs.
            FraudShare(track, _) | Frauds(track) => vec![track, BuyerPayments],
            CountBefore | AmountRatio | MeanAmount | KnownHours => vec![BuyerPayments],
            DeviceAge => vec![BuyerDevices],
            Speed => vec![BuyerPlaces],
            LinkedFrauds => vec![BuyerPayments, BuyerDevices, CardPayments, DevicePayments],
        }
    }

    /// The place of the signal of that name in [`SIGNALS`].
    pub fn place(name: &str) -> Option<usize> {
        SIGNALS.iter().position(|signal| signal.name == name)
    }
}

/// All of them, in their order.
pub const SIGNALS: [Signal; 67] = [
    Signal { name: "transaction.at", how: At },
    Signal { name: "transaction.amount", how: Amount },
    Signal { name: "transaction.currency", how: Told(Field::Currency) },
    Signal { name: "transaction.status", how: Told(Field::Status) },
    Signal { name: "transaction.type", how: Told(Field::TransactionType) },
    Signal { name: "transaction.payment_method", how: Told(Field::PaymentMethod) },
    Signal { name: "transaction.user", how: Told(Field::User) },
    Signal { name: "transaction.device", how: Told(Field::Device) },
    Signal { name: "transaction.ip", how: Told(Field::ClientIp) },
    Signal { name: "transaction.card", how: Told(Field::Card) },
    Signal { name: "transaction.card_bin", how: Told(Field::CardBin) },
    Signal { name: "transaction.merchant", how: Told(Field::Merchant) },
    Signal { name: "transaction.coupon", how: Told(Field::Coupon) },
    Signal { name: "transaction.email_domain", how: Told(Field::EmailDomain) },
    Signal { name: "transaction.billing_country", how: Told(Field::BillingCountry) },
    Signal { name: "transaction.shipping_country", how: Told(Field::ShippingCountry) },
    Signal { name: "transaction.ip_country", how: IpCountry },
    Signal { name: "transaction.card_country", how: Told(Field::CardCountry) },
    Signal { name: "transaction.is_refund", how: IsRefund },
    Signal { name: "transaction.is_night", how: IsNight },
    Signal { name: "transaction.is_weekend", how: IsWeekend },
    Signal { name: "transaction.is_bot", how: IsBot },
    Signal { name: "email.is_throwaway", how: IsThrowaway },
    Signal { name: "account.age_hours", how: AccountAge },
    Signal { name: "user.count_10m", how: Count(BuyerPayments, Minutes10) },
    Signal { name: "user.count_1h", how: Count(BuyerPayments, Hour1) },
    Signal { name: "user.count_24h", how: Count(BuyerPayments, Hours24) },
    Signal { name: "user.count_30d", how: Count(BuyerPayments, Days30) },
    Signal { name: "user.count_before", how: CountBefore },
    Signal { name: "user.amount_24h", how: Sum(BuyerPayments, Hours24) },
    Signal { name: "user.amount_ratio", how: AmountRatio },
    Signal { name: "user.mean_amount", how: MeanAmount },
    Signal { name: "user.card_count_24h", how: Distinct(BuyerPayments, Hours24) },
    Signal { name: "user.refund_count_24h", how: Count(BuyerRefunds, Hours24) },
    Signal { name: "user.refund_count_30d", how: Count(BuyerRefunds, Days30) },
    Signal { name: "user.failed_login_count_1h", how: Count(BuyerLoginFailures, Hour1) },
    Signal { name: "user.change_count_1h", how: Count(BuyerChanges, Hour1) },
    Signal { name: "user.device_age_hours", how: DeviceAge },
    Signal { name: "user.known_hours", how: KnownHours },
    Signal { name: "user.speed_kmh", how: Speed },
    Signal { name: "user.fraud_count", how: Frauds(BuyerPayments) },
    Signal { name: "user.linked_fraud_count", how: LinkedFrauds },
    Signal { name: "card.count_10m", how: Count(CardPayments, Minutes10) },
    Signal { name: "card.count_1h", how: Count(CardPayments, Hour1) },
    Signal { name: "card.count_24h", how: Count(CardPayments, Hours24) },
    Signal { name: "card.user_count_24h", how: Distinct(CardPayments, Hours24) },
    Signal { name: "card.declined_count_1h", how: Count(CardDeclines, Hour1) },
    Signal { name: "card.fraud_count", how: Frauds(CardPayments) },
    Signal { name: "device.count_1h", how: Count(DevicePayments, Hour1) },
    Signal { name: "device.user_count_24h", how: Distinct(DevicePayments, Hours24) },
    Signal { name: "device.card_count_24h", how: Distinct(DeviceCards, Hours24) },
    Signal { name: "device.declined_count_1h", how: Count(DeviceDeclines, Hour1) },
    Signal { name: "device.coupon_user_count_24h", how: Distinct(DeviceCoupons, Hours24) },
    Signal { name: "device.fraud_count", how: Frauds(DevicePayments) },
    Signal { name: "ip.count_1h", how: Count(AddressPayments, Hour1) },
    Signal { name: "ip.card_count_1h", how: Distinct(AddressPayments, Hour1) },
    Signal { name: "ip.user_count_24h", how: Distinct(AddressBuyers, Hours24) },
    Signal { name: "ip.declined_count_1h", how: Count(AddressDeclines, Hour1) },
    Signal { name: "ip.failed_login_count_1h", how: Count(AddressLoginFailures, Hour1) },
    Signal { name: "ip.page_count_1m", how: Count(AddressPages, Minute1) },
    Signal { name: "ip.fraud_count", how: Frauds(AddressPayments) },
    Signal { name: "network.card_count_1h", how: Distinct(NetworkCards, Hour1) },
    Signal { name: "email.count_24h", how: Count(EmailPayments, Hours24) },
    Signal { name: "email.fraud_count", how: Frauds(EmailPayments) },
    Signal { name: "bin.declined_count_1h", how: Count(BinDeclines, Hour1) },
    Signal { name: "bin.declined_card_count_1h", how: Distinct(BinDeclines, Hour1) },
    Signal { name: "merchant.fraud_share_30d", how: FraudShare(MerchantPayments, Days30) },
];
