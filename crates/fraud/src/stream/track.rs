//! What is remembered under which key: one history of one kind of happening per kind of key.

use super::Key;
use super::activity::{Activity, ActivityKind};
use super::field::Field;

/// A kind of happening and the kind of key that it is remembered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Track {
    /// Payments of a buyer; items are cards.
    BuyerPayments,
    /// Refunds to a buyer.
    BuyerRefunds,
    /// Payments and logins of a buyer; items are devices.
    BuyerDevices,
    /// The same; items are places.
    BuyerPlaces,
    /// Failed logins of a buyer.
    BuyerLoginFailures,
    /// Changes to the account of a buyer.
    BuyerChanges,
    /// Payments by a card; items are buyers.
    CardPayments,
    /// Refused payments by a card.
    CardDeclines,
    /// Payments with a device; items are buyers.
    DevicePayments,
    /// The same; items are cards.
    DeviceCards,
    /// Refused payments with a device; items are cards.
    DeviceDeclines,
    /// Payments with a coupon and a device; items are buyers.
    DeviceCoupons,
    /// Payments from an address; items are cards.
    AddressPayments,
    /// The same; items are buyers.
    AddressBuyers,
    /// Refused payments from an address; items are cards.
    AddressDeclines,
    /// Failed logins from an address; items are buyers.
    AddressLoginFailures,
    /// Pages looked at from an address.
    AddressPages,
    /// Payments from a network; items are cards.
    NetworkCards,
    /// Payments of an e-mail address; items are buyers.
    EmailPayments,
    /// Refused payments by cards that begin alike; items are cards.
    BinDeclines,
    /// Payments to a merchant; items are cards.
    MerchantPayments,
}

/// All of them, in their order.
pub(super) const TRACKS: [Track; 21] = {
    use Track::*;
    [
        BuyerPayments,
        BuyerRefunds,
        BuyerDevices,
        BuyerPlaces,
        BuyerLoginFailures,
        BuyerChanges,
        CardPayments,
        CardDeclines,
        DevicePayments,
        DeviceCards,
        DeviceDeclines,
        DeviceCoupons,
        AddressPayments,
        AddressBuyers,
        AddressDeclines,
        AddressLoginFailures,
        AddressPages,
        NetworkCards,
        EmailPayments,
        BinDeclines,
        MerchantPayments,
    ]
};

/// The keys of an activity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    /// What tells it from others of its instant: the name of a payment or of a refund, else what was done by whom.
    pub(super) id: u64,
    /// What a payment is remembered by; a refund has the name of what it pays back.
    pub(super) payment: u64,
    pub(super) buyer: Option<Key>,
    pub(super) card: Option<Key>,
    pub(super) device: Option<Key>,
    pub(super) coupon: Option<Key>,
    pub(super) address: Option<Key>,
    pub(super) network: Option<Key>,
    pub(super) email: Option<Key>,
    pub(super) bin: Option<Key>,
    pub(super) merchant: Option<Key>,
    /// Of the country that the address is in.
    pub(super) place: Option<Key>,
}

impl Keys {
    pub(super) fn of(activity: &Activity<'_>) -> Self {
        let key = |kind: &str, field: Field| activity.text(field).map(|text| Key::of(&[kind, text]));
        let text = |field: Field| activity.text(field).unwrap_or_default();
        let payment = match activity.kind {
            ActivityKind::Payment | ActivityKind::Refund => Key::of(&["payment", text(Field::TransactionId)]).0,
            _ => 0,
        };
        let id = match activity.kind {
            ActivityKind::Payment => payment,
            ActivityKind::Refund => Key::of(&["refund", text(Field::TransactionId)]).0,
            ActivityKind::Login | ActivityKind::LoginFailed | ActivityKind::AccountChange | ActivityKind::PageView => {
                Key::of(&[text(Field::Action), text(Field::User), text(Field::Device), text(Field::ClientIp)]).0
            }
        };
        let coupon = activity.text(Field::Device).zip(activity.text(Field::Coupon));
        Self {
            id,
            payment,
            // Guests have no account; their e-mail address is what they come back with.
            buyer: key("user", Field::User).or_else(|| key("guest", Field::Email)),
            card: key("card", Field::Card),
            device: key("device", Field::Device),
            coupon: coupon.map(|(device, coupon)| Key::of(&["coupon", device, coupon])),
            address: key("address", Field::ClientIp),
            network: activity.text(Field::ClientIp).and_then(network).map(|network| Key::of(&["network", &network])),
            email: key("email", Field::Email),
            bin: key("bin", Field::CardBin),
            merchant: key("merchant", Field::Merchant),
            place: activity.ip_country().and_then(super::places::packed).map(Key),
        }
    }

    /// What is looked up on a track.
    pub(super) fn of_track(&self, track: Track) -> Option<Key> {
        use Track::*;
        match track {
            BuyerPayments | BuyerRefunds | BuyerDevices | BuyerPlaces | BuyerLoginFailures | BuyerChanges => self.buyer,
            CardPayments | CardDeclines => self.card,
            DevicePayments | DeviceCards | DeviceDeclines => self.device,
            DeviceCoupons => self.coupon,
            AddressPayments | AddressBuyers | AddressDeclines | AddressLoginFailures | AddressPages => self.address,
            NetworkCards => self.network,
            EmailPayments => self.email,
            BinDeclines => self.bin,
            MerchantPayments => self.merchant,
        }
    }

    /// Where an activity of that kind is remembered: track, key and item.
    pub(super) fn for_each(&self, kind: ActivityKind, mut visit: impl FnMut(Track, Key, Key)) {
        let mut put = |track: Track, key: Option<Key>, item: Option<Key>| {
            if let Some(key) = key {
                visit(track, key, item.unwrap_or_default());
            }
        };
        match kind {
            ActivityKind::Payment => self.payment(&mut put),
            ActivityKind::Refund => put(Track::BuyerRefunds, self.buyer, self.card),
            ActivityKind::Login => self.presence(&mut put),
            ActivityKind::LoginFailed => {
                put(Track::BuyerLoginFailures, self.buyer, self.address);
                put(Track::AddressLoginFailures, self.address, self.buyer);
            }
            ActivityKind::AccountChange => put(Track::BuyerChanges, self.buyer, self.device),
            ActivityKind::PageView => put(Track::AddressPages, self.address, None),
        }
    }

    fn payment(&self, put: &mut impl FnMut(Track, Option<Key>, Option<Key>)) {
        put(Track::BuyerPayments, self.buyer, self.card);
        self.presence(put);
        put(Track::CardPayments, self.card, self.buyer);
        put(Track::DevicePayments, self.device, self.buyer);
        if self.card.is_some() {
            put(Track::DeviceCards, self.device, self.card);
            put(Track::NetworkCards, self.network, self.card);
        }
        put(Track::DeviceCoupons, self.coupon, self.buyer);
        put(Track::AddressPayments, self.address, self.card);
        put(Track::AddressBuyers, self.address, self.buyer);
        put(Track::EmailPayments, self.email, self.buyer);
        put(Track::MerchantPayments, self.merchant, self.card);
    }

    fn presence(&self, put: &mut impl FnMut(Track, Option<Key>, Option<Key>)) {
        if self.device.is_some() {
            put(Track::BuyerDevices, self.buyer, self.device);
        }
        if self.place.is_some() {
            put(Track::BuyerPlaces, self.buyer, self.place);
        }
    }

    /// Where a refused payment is remembered besides.
    pub(super) fn for_each_decline(&self, mut visit: impl FnMut(Track, Key, Key)) {
        let keyed = [
            (Track::CardDeclines, self.card, None),
            (Track::DeviceDeclines, self.device, self.card),
            (Track::AddressDeclines, self.address, self.card),
            (Track::BinDeclines, self.bin, self.card),
        ];
        for (track, key, item) in keyed {
            if let Some(key) = key {
                visit(track, key, item.unwrap_or_default());
            }
        }
    }
}

/// The network that an address lies in: /24 of IPv4, /48 of IPv6.
fn network(address: &str) -> Option<String> {
    match address.parse().ok()? {
        std::net::IpAddr::V4(v4) => {
            let [first, second, third, _] = v4.octets();
            Some(format!("{first}.{second}.{third}"))
        }
        std::net::IpAddr::V6(v6) => {
            let [first, second, third, ..] = v6.segments();
            Some(format!("{first:x}:{second:x}:{third:x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_in_their_order_and_networks_are_cut() {
        assert!(TRACKS.iter().enumerate().all(|(place, track)| *track as usize == place));
        let check =
            |address: &str, expected: Option<&str>| assert_eq!(network(address).as_deref(), expected, "{address}");
        check("90.1.2.3", Some("90.1.2"));
        check("2a01:e0a:1:2::3", Some("2a01:e0a:1"));
        check("nowhere", None);
    }
}
