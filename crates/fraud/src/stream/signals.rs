//! What rules and people see of a payment: its own fields, and what the past of everything that it touches says.

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::{History, Window, is_night, is_weekend};

use super::activity::{Activity, ActivityKind};
use super::field::Field;
use super::key::Key;
use super::places;
use super::shop::{ShopHistory, id_of};
use super::throwaway_mail::is_throwaway;
use super::track::{Keys, Track};
use crate::cel::{Kind, Slot};

use Kind::{Bool, Double, Instant, Int, Text};

/// Names and kinds, in their order.
pub const SIGNALS: [(&str, Kind); 67] = [
    ("transaction.at", Instant),
    ("transaction.amount", Double),
    ("transaction.currency", Text),
    ("transaction.status", Text),
    ("transaction.type", Text),
    ("transaction.payment_method", Text),
    ("transaction.user", Text),
    ("transaction.device", Text),
    ("transaction.ip", Text),
    ("transaction.card", Text),
    ("transaction.card_bin", Text),
    ("transaction.merchant", Text),
    ("transaction.coupon", Text),
    ("transaction.email_domain", Text),
    ("transaction.billing_country", Text),
    ("transaction.shipping_country", Text),
    ("transaction.ip_country", Text),
    ("transaction.card_country", Text),
    ("transaction.is_refund", Bool),
    ("transaction.is_night", Bool),
    ("transaction.is_weekend", Bool),
    ("transaction.is_bot", Bool),
    ("email.is_throwaway", Bool),
    ("account.age_hours", Double),
    ("user.count_10m", Int),
    ("user.count_1h", Int),
    ("user.count_24h", Int),
    ("user.count_30d", Int),
    ("user.count_before", Int),
    ("user.amount_24h", Double),
    ("user.amount_ratio", Double),
    ("user.mean_amount", Double),
    ("user.card_count_24h", Int),
    ("user.refund_count_24h", Int),
    ("user.refund_count_30d", Int),
    ("user.failed_login_count_1h", Int),
    ("user.change_count_1h", Int),
    ("user.device_age_hours", Double),
    ("user.known_hours", Double),
    ("user.speed_kmh", Double),
    ("user.fraud_count", Int),
    ("user.linked_fraud_count", Int),
    ("card.count_10m", Int),
    ("card.count_1h", Int),
    ("card.count_24h", Int),
    ("card.user_count_24h", Int),
    ("card.declined_count_1h", Int),
    ("card.fraud_count", Int),
    ("device.count_1h", Int),
    ("device.user_count_24h", Int),
    ("device.card_count_24h", Int),
    ("device.declined_count_1h", Int),
    ("device.coupon_user_count_24h", Int),
    ("device.fraud_count", Int),
    ("ip.count_1h", Int),
    ("ip.card_count_1h", Int),
    ("ip.user_count_24h", Int),
    ("ip.declined_count_1h", Int),
    ("ip.failed_login_count_1h", Int),
    ("ip.page_count_1m", Int),
    ("ip.fraud_count", Int),
    ("network.card_count_1h", Int),
    ("email.count_24h", Int),
    ("email.fraud_count", Int),
    ("bin.declined_count_1h", Int),
    ("bin.declined_card_count_1h", Int),
    ("merchant.fraud_share_30d", Double),
];

/// Cards and devices of a buyer that are looked at, of each the latest.
const LINKS_MAX: usize = 8;
/// Buyers whom a card or device links; one that more used is a terminal or a shared machine.
const LINK_USERS_MAX: usize = 20;
/// Nanoseconds in an hour.
const NANOS_PER_HOUR: f64 = 3.6e12;
/// A move in less than this is taken for one of this length: two events of one moment come from one clock, roughly.
const TRAVEL_HOURS_MIN: f64 = 1.0 / 60.0;
/// Hours after which an arrival is no news any more.
const TRAVEL_HOURS_MAX: f64 = 24.0;

/// Looks at one payment.
struct Look<'a> {
    shop: &'a ShopHistory,
    activity: &'a Activity<'a>,
    keys: Keys,
    at: Timestamp,
    id: u64,
}

impl ShopHistory {
    /// The signals of a payment that has arrived, in the order of [`SIGNALS`].
    pub fn signals<'a>(&'a self, activity: &'a Activity<'a>) -> Vec<Slot<'a>> {
        let look = Look { shop: self, activity, keys: Keys::of(activity), at: activity.at, id: id_of(activity) };
        let mut values = Vec::with_capacity(SIGNALS.len());
        look.transaction(&mut values);
        look.user(&mut values);
        look.card(&mut values);
        look.device(&mut values);
        look.address(&mut values);
        look.others(&mut values);
        values
    }
}

impl<'a> Look<'a> {
    fn transaction(&self, values: &mut Vec<Slot<'a>>) {
        let activity = self.activity;
        let text = |field: Field| activity.text(field).map_or(Slot::Missing, Slot::Text);
        values.push(Slot::Instant(self.at.as_nanos()));
        values.push(Slot::Double(activity.amount.units()));
        let texts = [
            Field::Currency,
            Field::Status,
            Field::TransactionType,
            Field::PaymentMethod,
            Field::User,
            Field::Device,
            Field::ClientIp,
            Field::Card,
            Field::CardBin,
            Field::Merchant,
            Field::Coupon,
            Field::EmailDomain,
            Field::BillingCountry,
            Field::ShippingCountry,
        ];
        values.extend(texts.map(text));
        values.push(activity.ip_country().map_or(Slot::Missing, Slot::Text));
        values.push(text(Field::CardCountry));
        values.push(Slot::Bool(activity.kind == ActivityKind::Refund));
        values.push(Slot::Bool(is_night(self.at)));
        values.push(Slot::Bool(is_weekend(self.at)));
        values.push(activity.is_bot.map_or(Slot::Missing, Slot::Bool));
        let domain = activity.text(Field::EmailDomain);
        values.push(domain.map_or(Slot::Missing, |domain| Slot::Bool(is_throwaway(domain))));
        values.push(double(activity.account_created_at.map(|since| hours_between(since, self.at))));
    }

    fn user(&self, values: &mut Vec<Slot<'a>>) {
        use Window::{Days30, Hour1, Hours24, Minutes10};
        let buyer = self.keys.buyer;
        let payments = buyer.and_then(|key| self.shop.history(Track::BuyerPayments, key));
        values
            .extend([Minutes10, Hour1, Hours24, Days30].map(|window| self.count(Track::BuyerPayments, buyer, window)));
        let all = payments.map(|history| history.through(self.at)).unwrap_or_default();
        let own = i64::from(self.activity.kind == ActivityKind::Payment);
        values.push(Slot::Int((all.count - own).max(0)));
        let day = self.shop.totals(Track::BuyerPayments, buyer, (Hours24, self.at));
        values.push(Slot::Double(day.sum()));
        let (ratio, mean) = payments.map_or((1.0, 0.0), |history| history.amount_ratio(self.at, self.id));
        values.push(Slot::Double(ratio));
        values.push(Slot::Double(mean));
        values.push(self.distinct(Track::BuyerPayments, buyer, Hours24));
        values.push(self.count(Track::BuyerRefunds, buyer, Hours24));
        values.push(self.count(Track::BuyerRefunds, buyer, Days30));
        values.push(self.count(Track::BuyerLoginFailures, buyer, Hour1));
        values.push(self.count(Track::BuyerChanges, buyer, Hour1));
        let devices = buyer.and_then(|key| self.shop.history(Track::BuyerDevices, key));
        let device_since = devices
            .zip(self.keys.device)
            .map(|(history, device)| history.first_met(device.0, self.at, self.id).unwrap_or(self.at));
        values.push(double(device_since.map(|since| hours_between(since, self.at))));
        let since = payments.and_then(History::oldest_at);
        values.push(double(since.map(|since| hours_between(since, self.at))));
        values.push(double(self.speed_kmh()));
        values.push(Slot::Int(all.fraud_count));
        values.push(Slot::Int(buyer.map_or(0, |buyer| self.linked_frauds(buyer))));
    }

    /// Frauds with the cards and devices that a buyer used last, by whomever: two steps from this payment. What many use links nobody.
    fn linked_frauds(&self, buyer: Key) -> i64 {
        let links = [(Track::BuyerPayments, Track::CardPayments), (Track::BuyerDevices, Track::DevicePayments)];
        let mut sum = 0;
        for (used, by_all) in links {
            let Some(history) = self.shop.history(used, buyer) else { continue };
            for item in history.latest_items(self.at, LINKS_MAX) {
                let linked = self.shop.history(by_all, Key(item));
                let is_hub = |linked: &&History| linked.distinct_count(Window::Days30, self.at).0 > LINK_USERS_MAX;
                sum += linked.filter(|linked| !is_hub(linked)).map_or(0, |linked| linked.through(self.at).fraud_count);
            }
        }
        sum
    }

    /// How fast the buyer must have travelled here from where they were before.
    fn speed_kmh(&self) -> Option<f64> {
        let (buyer, place) = (self.keys.buyer?, self.keys.place?);
        let history = self.shop.history(Track::BuyerPlaces, buyer)?;
        let before = history.last_other(place.0, self.at, self.id)?;
        let arrived_at = history.first_after(place.0, before.at).unwrap_or(self.at);
        let hours = hours_between(before.at, arrived_at).max(TRAVEL_HOURS_MIN);
        let is_news = hours_between(arrived_at, self.at) <= TRAVEL_HOURS_MAX;
        is_news.then(|| places::distance_km(before.item, place.0) / hours)
    }

    fn card(&self, values: &mut Vec<Slot<'a>>) {
        use Window::{Hour1, Hours24, Minutes10};
        let card = self.keys.card;
        values.extend([Minutes10, Hour1, Hours24].map(|window| self.count(Track::CardPayments, card, window)));
        values.push(self.distinct(Track::CardPayments, card, Hours24));
        values.push(self.count(Track::CardDeclines, card, Hour1));
        values.push(self.frauds(Track::CardPayments, card));
    }

    fn device(&self, values: &mut Vec<Slot<'a>>) {
        use Window::{Hour1, Hours24};
        let device = self.keys.device;
        values.push(self.count(Track::DevicePayments, device, Hour1));
        values.push(self.distinct(Track::DevicePayments, device, Hours24));
        values.push(self.distinct(Track::DeviceCards, device, Hours24));
        values.push(self.count(Track::DeviceDeclines, device, Hour1));
        values.push(self.distinct(Track::DeviceCoupons, self.keys.coupon, Hours24));
        values.push(self.frauds(Track::DevicePayments, device));
    }

    fn address(&self, values: &mut Vec<Slot<'a>>) {
        use Window::{Hour1, Hours24, Minute1};
        let address = self.keys.address;
        values.push(self.count(Track::AddressPayments, address, Hour1));
        values.push(self.distinct(Track::AddressPayments, address, Hour1));
        values.push(self.distinct(Track::AddressBuyers, address, Hours24));
        values.push(self.count(Track::AddressDeclines, address, Hour1));
        values.push(self.count(Track::AddressLoginFailures, address, Hour1));
        values.push(self.count(Track::AddressPages, address, Minute1));
        values.push(self.frauds(Track::AddressPayments, address));
        values.push(self.distinct(Track::NetworkCards, self.keys.network, Hour1));
    }

    fn others(&self, values: &mut Vec<Slot<'a>>) {
        use Window::{Days30, Hour1, Hours24};
        values.push(self.count(Track::EmailPayments, self.keys.email, Hours24));
        values.push(self.frauds(Track::EmailPayments, self.keys.email));
        values.push(self.count(Track::BinDeclines, self.keys.bin, Hour1));
        values.push(self.distinct(Track::BinDeclines, self.keys.bin, Hour1));
        let merchant = self.shop.totals(Track::MerchantPayments, self.keys.merchant, (Days30, self.at));
        values.push(Slot::Double(merchant.fraud_share()));
    }

    fn count(&self, track: Track, key: Option<Key>, window: Window) -> Slot<'a> {
        Slot::Int(self.shop.totals(track, key, (window, self.at)).count)
    }

    fn distinct(&self, track: Track, key: Option<Key>, window: Window) -> Slot<'a> {
        let history = key.and_then(|key| self.shop.history(track, key));
        Slot::Int(history.map_or(0, |history| history.distinct_count(window, self.at).0) as i64)
    }

    fn frauds(&self, track: Track, key: Option<Key>) -> Slot<'a> {
        let history = key.and_then(|key| self.shop.history(track, key));
        Slot::Int(history.map_or(0, |history| history.through(self.at).fraud_count))
    }
}

fn double<'a>(value: Option<f64>) -> Slot<'a> {
    value.map_or(Slot::Missing, Slot::Double)
}

fn hours_between(from: Timestamp, to: Timestamp) -> f64 {
    to.as_nanos().saturating_sub(from.as_nanos()).max(0) as f64 / NANOS_PER_HOUR
}
