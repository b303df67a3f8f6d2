//! The fields of events that fraud detection reads.

/// One of them, by its place in [`FIELD_NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Field {
    /// Names a payment.
    TransactionId,
    /// What is paid.
    Amount,
    /// ISO 4217.
    Currency,
    /// How it went.
    Status,
    /// Purchase, refund, renewal …
    TransactionType,
    /// Card, wallet, debit …
    PaymentMethod,
    /// Who pays.
    User,
    /// With which device.
    Device,
    /// From which address.
    ClientIp,
    /// The keyed hash of the card.
    Card,
    /// The first digits of the card.
    CardBin,
    /// Where the card was issued, as the payment provider says.
    CardCountry,
    /// The hash of the e-mail address.
    Email,
    /// What follows its `@`.
    EmailDomain,
    /// Country of the bill.
    BillingCountry,
    /// Country of the parcel.
    ShippingCountry,
    /// Country of the address, looked up here.
    IpCountry,
    /// Country of the address, as the shop's own front says.
    SentIpCountry,
    /// A code that lowers the price.
    Coupon,
    /// Who is paid.
    Merchant,
    /// Since when the account exists.
    AccountCreatedAt,
    /// What a visitor did.
    Action,
    /// Whether the browser is a robot.
    IsBot,
}

/// Canonical names, in the order of [`Field`].
pub(super) const FIELD_NAMES: [(&str, Field); 23] = [
    ("transaction_id", Field::TransactionId),
    ("amount", Field::Amount),
    ("currency", Field::Currency),
    ("status", Field::Status),
    ("transaction_type", Field::TransactionType),
    ("payment_method", Field::PaymentMethod),
    ("user_id", Field::User),
    ("device_id", Field::Device),
    ("client_ip", Field::ClientIp),
    ("card_hash", Field::Card),
    ("card_bin", Field::CardBin),
    ("card_country", Field::CardCountry),
    ("email_hash", Field::Email),
    ("email_domain", Field::EmailDomain),
    ("billing_country", Field::BillingCountry),
    ("shipping_country", Field::ShippingCountry),
    ("geo.country", Field::IpCountry),
    ("ip_country", Field::SentIpCountry),
    ("coupon", Field::Coupon),
    ("merchant_id", Field::Merchant),
    ("account_created_at", Field::AccountCreatedAt),
    ("action", Field::Action),
    ("user_agent.is_bot", Field::IsBot),
];

impl Field {
    /// The field of that canonical name.
    pub(super) fn named(canonical: &str) -> Option<Self> {
        FIELD_NAMES.iter().find(|(name, _)| *name == canonical).map(|(_, field)| *field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_fields_and_canonical() {
        for (place, (name, field)) in FIELD_NAMES.iter().enumerate() {
            assert_eq!(*field as usize, place, "{name}");
            assert_eq!(vigie_domain::mapping::canonical(name), *name);
            assert_eq!(Field::named(name), Some(*field));
        }
    }
}
