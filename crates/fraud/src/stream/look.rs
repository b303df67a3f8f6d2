//! Looks at one payment: what each signal says of it.

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::{History, Totals, Window, is_night, is_weekend};

use super::Key;
use super::activity::{Activity, ActivityKind};
use super::field::Field;
use super::places;
use super::shop::ShopHistory;
use super::signals::How;
use super::throwaway_mail::is_throwaway;
use super::track::{TRACKS, Track};
use crate::cel::Slot;

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

/// One payment and the pasts of what it touches.
pub(super) struct Look<'a> {
    shop: &'a ShopHistory,
    activity: &'a Activity<'a>,
    histories: [Option<&'a History>; TRACKS.len()],
}

impl<'a> Look<'a> {
    pub(super) fn new(shop: &'a ShopHistory, activity: &'a Activity<'a>) -> Self {
        let history = |track: Track| activity.keys.of_track(track).and_then(|key| shop.history(track, key));
        Self { shop, activity, histories: TRACKS.map(history) }
    }

    /// What a signal says.
    pub(super) fn tell(&self, how: How) -> Slot<'a> {
        let activity = self.activity;
        match how {
            How::At => Slot::Instant(activity.at.as_nanos()),
            How::Amount => Slot::Double(activity.amount.units()),
            How::Told(field) => text(activity.text(field)),
            How::IpCountry => text(activity.ip_country()),
            How::IsRefund => Slot::Bool(activity.kind == ActivityKind::Refund),
            How::IsNight => Slot::Bool(is_night(activity.at)),
            How::IsWeekend => Slot::Bool(is_weekend(activity.at)),
            How::IsBot => activity.is_bot.map_or(Slot::Missing, Slot::Bool),
            How::IsThrowaway => {
                activity.text(Field::EmailDomain).map_or(Slot::Missing, |domain| Slot::Bool(is_throwaway(domain)))
            }
            How::AccountAge => double(activity.account_created_at.map(|since| self.hours_since(since))),
            How::Count(track, window) => Slot::Int(self.totals(track, window).count.into()),
            How::Distinct(track, window) => Slot::Int(self.distinct_count(track, window)),
            How::Sum(track, window) => Slot::Double(self.totals(track, window).sum()),
            How::FraudShare(track, window) => Slot::Double(self.totals(track, window).fraud_share()),
            How::Frauds(track) => Slot::Int(self.ever(track).fraud_count.into()),
            How::CountBefore => {
                let own = u32::from(activity.kind == ActivityKind::Payment);
                Slot::Int(self.ever(Track::BuyerPayments).count.saturating_sub(own).into())
            }
            How::AmountRatio => Slot::Double(self.amount_ratio().0),
            How::MeanAmount => Slot::Double(self.amount_ratio().1),
            How::DeviceAge => double(self.device_age_hours()),
            How::KnownHours => {
                let since = self.history(Track::BuyerPayments).and_then(History::oldest_at);
                double(since.map(|since| self.hours_since(since)))
            }
            How::Speed => double(self.speed_kmh()),
            How::LinkedFrauds => Slot::Int(self.linked_fraud_count()),
        }
    }

    fn history(&self, track: Track) -> Option<&'a History> {
        self.histories[track as usize]
    }

    fn totals(&self, track: Track, window: Window) -> Totals {
        let history = self.history(track);
        history.map(|history| history.window(window, self.activity.at).totals).unwrap_or_default()
    }

    fn ever(&self, track: Track) -> Totals {
        self.history(track).map(|history| history.through(self.activity.at)).unwrap_or_default()
    }

    fn distinct_count(&self, track: Track, window: Window) -> i64 {
        self.history(track).map_or(0, |history| history.distinct_count(window, self.activity.at).0) as i64
    }

    /// The amount as a multiple of the mean of all that the buyer paid before, and that mean.
    fn amount_ratio(&self) -> (f64, f64) {
        let history = self.history(Track::BuyerPayments);
        history.map_or((1.0, 0.0), |history| history.amount_ratio(self.activity.at, self.activity.keys.id))
    }

    fn device_age_hours(&self) -> Option<f64> {
        let (history, device) = self.history(Track::BuyerDevices).zip(self.activity.keys.device)?;
        let Activity { at, keys, .. } = self.activity;
        Some(self.hours_since(history.first_met(device.0, *at, keys.id).unwrap_or(*at)))
    }

    /// Frauds with the cards and devices that a buyer used last, by whomever: two steps from this payment. What many use links nobody.
    fn linked_fraud_count(&self) -> i64 {
        let at = self.activity.at;
        let links = [(Track::BuyerPayments, Track::CardPayments), (Track::BuyerDevices, Track::DevicePayments)];
        let mut sum = 0;
        for (used, by_all) in links {
            let Some(history) = self.history(used) else { continue };
            for item in history.latest_items(at, LINKS_MAX) {
                let Some(linked) = self.shop.history(by_all, Key(item)) else { continue };
                let fraud_count = linked.through(at).fraud_count;
                if fraud_count > 0 && linked.distinct_count(Window::Days30, at).0 <= LINK_USERS_MAX {
                    sum += i64::from(fraud_count);
                }
            }
        }
        sum
    }

    /// How fast the buyer must have travelled here from where they were before.
    fn speed_kmh(&self) -> Option<f64> {
        let Activity { at, keys, .. } = self.activity;
        let (history, place) = self.history(Track::BuyerPlaces).zip(keys.place)?;
        let before = history.last_other(place.0, *at, keys.id)?;
        let arrived_at = history.first_after(place.0, before.at).unwrap_or(*at);
        let hours = hours_between(before.at, arrived_at).max(TRAVEL_HOURS_MIN);
        let is_news = self.hours_since(arrived_at) <= TRAVEL_HOURS_MAX;
        is_news.then(|| places::distance_km(before.item, place.0) / hours)
    }

    fn hours_since(&self, since: Timestamp) -> f64 {
        hours_between(since, self.activity.at)
    }
}

fn text(text: Option<&str>) -> Slot<'_> {
    text.map_or(Slot::Missing, Slot::Text)
}

fn double<'a>(value: Option<f64>) -> Slot<'a> {
    value.map_or(Slot::Missing, Slot::Double)
}

fn hours_between(from: Timestamp, to: Timestamp) -> f64 {
    to.as_nanos().saturating_sub(from.as_nanos()).max(0) as f64 / NANOS_PER_HOUR
}
