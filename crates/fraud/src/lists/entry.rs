//! One entry of a list.

use serde::{Deserialize, Serialize};
use vigie_domain::Timestamp;

use super::networks::Network;
use crate::rules::Effect;

/// Bytes of a value at most.
const VALUE_BYTES_MAX: usize = 256;
/// Digits of a bank's number that may be listed.
pub(super) const BIN_DIGITS: std::ops::RangeInclusive<usize> = 6..=8;

/// What an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// The keyed hash of a card: `card_hash`.
    Card,
    /// The first 6 to 8 digits of cards.
    Bin,
    /// An address, or a network such as `203.0.113.0/24`.
    Ip,
    /// What follows the `@`.
    EmailDomain,
    /// A device.
    Device,
    /// A customer.
    User,
    /// Of card, address, bill or parcel: ISO 3166, two letters.
    Country,
}

impl ListKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Card, Self::Bin, Self::Ip, Self::EmailDomain, Self::Device, Self::User, Self::Country];

    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Bin => "bin",
            Self::Ip => "ip",
            Self::EmailDomain => "email_domain",
            Self::Device => "device",
            Self::User => "user",
            Self::Country => "country",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What is said of a payment that an entry of this kind names, in English and French.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Card => ("the card", "la carte"),
            Self::Bin => ("the bank of the card", "la banque de la carte"),
            Self::Ip => ("the address", "l'adresse IP"),
            Self::EmailDomain => ("the e-mail domain", "le domaine de l'e-mail"),
            Self::Device => ("the device", "l'appareil"),
            Self::User => ("the customer", "le client"),
            Self::Country => ("the country", "le pays"),
        }
    }

    /// A text of events in the spelling of entries.
    pub(super) fn folded(self, text: &str) -> String {
        match self {
            Self::EmailDomain => text.to_lowercase(),
            Self::Country => text.to_uppercase(),
            Self::Card | Self::Bin | Self::Ip | Self::Device | Self::User => text.to_owned(),
        }
    }
}

/// Why something cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct ListEntryError {
    words: String,
}

/// What is listed, in the spelling that payments are compared in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// What it names.
    pub kind: ListKind,
    /// Which.
    pub value: String,
    /// What it does.
    pub effect: Effect,
    /// From when on it counts no more, by the time of payments.
    pub expires_at: Option<Timestamp>,
}

impl ListEntry {
    /// The entry of a value as people write it.
    ///
    /// # Errors
    /// When the value is none of its kind.
    pub fn new(
        kind: ListKind,
        value: &str,
        effect: Effect,
        expires_at: Option<Timestamp>,
    ) -> Result<Self, ListEntryError> {
        let value = spelled(kind, value.trim()).map_err(|words| ListEntryError { words })?;
        Ok(Self { kind, value, effect, expires_at })
    }
}

fn spelled(kind: ListKind, value: &str) -> Result<String, String> {
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        return Err(format!("\"value\" has {} bytes: send 1 to {VALUE_BYTES_MAX}", value.len()));
    }
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        ListKind::Card | ListKind::Device | ListKind::User => Ok(value.to_owned()),
        ListKind::Bin if is_digits && BIN_DIGITS.contains(&value.len()) => Ok(value.to_owned()),
        ListKind::Bin => Err(format!("\"{value}\" is no number of a bank: send the first 6 to 8 digits of its cards")),
        ListKind::Ip => Network::parse(value).map(|network| network.to_string()).ok_or_else(|| {
            format!("\"{value}\" is no address and no network: send such as 203.0.113.7 or 203.0.113.0/24")
        }),
        ListKind::EmailDomain => {
            let domain = kind.folded(value.rsplit_once('@').map_or(value, |(_, domain)| domain));
            let is_domain = domain.contains('.') && !domain.contains(char::is_whitespace);
            is_domain.then_some(domain).ok_or_else(|| format!("\"{value}\" is no domain: send such as mail.example"))
        }
        ListKind::Country => {
            let is_code = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
            is_code
                .then(|| kind.folded(value))
                .ok_or_else(|| format!("\"{value}\" is no country: send two letters of ISO 3166 such as FR"))
        }
    }
}
