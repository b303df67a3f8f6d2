//! One thing that somebody did in the shop, as its event tells it.

use std::borrow::Cow;

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::Amount;

use super::field::{FIELD_NAMES, Field};
use super::track::Keys;

/// What it was, as far as fraud detection looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// Money moves, or is refused.
    Payment,
    /// Money goes back.
    Refund,
    /// Somebody logged in.
    Login,
    /// Somebody failed to.
    LoginFailed,
    /// Password or address of an account were changed.
    AccountChange,
    /// A page was looked at.
    PageView,
}

/// An event that matters to fraud detection.
#[derive(Clone, Debug)]
pub struct Activity<'a> {
    /// What it was.
    pub kind: ActivityKind,
    /// When.
    pub at: Timestamp,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// What is paid; payments and refunds that have none are no activities.
    pub amount: Amount,
    /// Since when the account exists, if it is told.
    pub account_created_at: Option<Timestamp>,
    /// Whether the browser is a robot, if it is known.
    pub is_bot: Option<bool>,
    pub(super) texts: [Option<Cow<'a, str>>; FIELD_NAMES.len()],
    /// Of everything that it touches.
    pub(super) keys: Keys,
}

impl Activity<'_> {
    /// The text of a field; `None` when it was not sent or is empty.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts[field as usize].as_deref().filter(|text| !text.is_empty())
    }

    /// Whether a payment was refused.
    pub fn is_declined(&self) -> bool {
        matches!(self.text(Field::Status), Some("declined" | "failed"))
    }

    /// The country of the address: what was looked up, else what the shop says.
    pub fn ip_country(&self) -> Option<&str> {
        self.text(Field::IpCountry).or_else(|| self.text(Field::SentIpCountry))
    }

    /// The same with texts of its own.
    pub fn into_owned(self) -> Activity<'static> {
        let Activity { kind, at, received_at, amount, account_created_at, is_bot, texts, keys } = self;
        let texts = texts.map(|text| text.map(|text| Cow::Owned(text.into_owned())));
        Activity { kind, at, received_at, amount, account_created_at, is_bot, texts, keys }
    }

    /// Whether money moves.
    pub fn is_transaction(&self) -> bool {
        matches!(self.kind, ActivityKind::Payment | ActivityKind::Refund)
    }
}
