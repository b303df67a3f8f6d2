//! What may never be stored is taken out of events here: card numbers, what proves that somebody holds the card, and secrets.
//!
//! It knows no format and no field mapping, and never looks at names for card numbers. What it leaves has no card number in a
//! value, in any writing that `unit` and `base64_scan` read. Doing it again changes nothing.

mod base64_scan;
mod card;
mod card_scan;
mod credentials;
mod iban;
mod key_value;
mod kind;
mod names;
mod prescan;
mod spans;
mod track;
mod unit;

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use vigie_domain::event_batch::ValueRef;
use vigie_domain::{Object, Text, Value};

use card::Card;
use credentials::Credentials;
use names::{kind_of_name, names_other_numbers};
use prescan::{Prospects, prospects};
use spans::{Spans, What};

pub(crate) use kind::MARK_START;
pub use kind::{RedactionCounts, RedactionKind};

/// What is added to an event with a card number, unless it says so itself.
const CARD_HASH: &str = "card_hash";
/// Mostly the longest text of an event.
const MESSAGE: &str = "message";
/// See `CARD_HASH`.
const CARD_BIN: &str = "card_bin";
/// See `CARD_HASH`.
const CARD_LAST4: &str = "card_last4";
/// The smallest number of twelve digits.
const CARD_NUMBER_MIN: u64 = 100_000_000_000;
/// Digits of numbers that may as well be article numbers, phone numbers or ids.
const AMBIGUOUS_DIGITS_MAX: usize = 13;

/// Why nothing can be redacted.
#[derive(Debug, thiserror::Error)]
#[error("what may never be stored cannot be looked for: {0}")]
pub struct RedactorError(String);

/// Whether the name says that what it names is a secret.
pub(crate) fn names_secret(name: &str) -> bool {
    kind_of_name(name.as_bytes()).is_some()
}

/// Takes out what may never be stored. Made once; used by many threads.
pub struct Redactor {
    keyed: Hmac<Sha256>,
    credentials: Credentials,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// With the tenant's key for hashes of card numbers, 32 random bytes.
    ///
    /// # Errors
    /// When its patterns cannot be built; a bug.
    pub fn new(key: &[u8; 32]) -> Result<Self, RedactorError> {
        let keyed = Hmac::new_from_slice(key).map_err(|error| RedactorError(error.to_string()))?;
        let credentials = Credentials::new().map_err(|error| RedactorError(error.to_string()))?;
        Ok(Self { keyed, credentials })
    }

    /// Takes it out of every value, at any depth. The first card number leaves its hash, its first six and its last four digits
    /// at the top of the body, where the sender did not say them.
    pub fn redact(&self, body: &mut Object, counts: &mut RedactionCounts) {
        self.redact_but(body, None, counts);
    }

    /// The same, but for a message that it was taken out of before.
    pub(crate) fn redact_but(&self, body: &mut Object, clean_message: Option<&Value>, counts: &mut RedactionCounts) {
        let mut walk = Walk { redactor: self, counts, card: None };
        let is_clean = |name: &str, value: &Value| name == MESSAGE && clean_message == Some(value);
        body.iter_mut()
            .filter(|(name, value)| !is_clean(name, value))
            .for_each(|(name, value)| walk.field(name, value));
        if let Some(card) = walk.card {
            self.describe(body, &card);
        }
    }

    /// Takes it out of a text.
    pub fn redact_text<'t>(&self, text: &'t str, counts: &mut RedactionCounts) -> Cow<'t, str> {
        let spans = self.scan(text.as_bytes());
        if spans.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(spans.replace(text, counts)) }
    }

    /// Whether a text holds what may never be stored.
    pub fn finds_secret(&self, text: &str) -> bool {
        !self.scan(text.as_bytes()).is_empty()
    }

    /// Whether a value that is no list and no object stays as it is under that name, as far as this can be told without taking anything
    /// out; `true` is always right.
    #[inline]
    pub(crate) fn leaves(&self, value: &ValueRef<'_>) -> bool {
        match value {
            ValueRef::Text(text) => self.scan(text.as_bytes()).is_empty(),
            ValueRef::Int(number) => {
                number.unsigned_abs() < CARD_NUMBER_MIN || Card::of_number(number.unsigned_abs()).is_none()
            }
            ValueRef::Null | ValueRef::Bool(_) | ValueRef::Float(_) => true,
            ValueRef::OwnTime(_) | ValueRef::OwnType(_) | ValueRef::Tree(_) => false,
        }
    }

    /// An id that tells events apart and holds nothing that may not be stored: the one that was sent, or its hash.
    pub(crate) fn redact_id<'t>(&self, id: &'t str, counts: &mut RedactionCounts) -> Cow<'t, str> {
        match self.redact_text(id, counts) {
            Cow::Borrowed(id) => Cow::Borrowed(id),
            Cow::Owned(_) => Cow::Owned(self.hash(id)),
        }
    }

    /// HMAC-SHA-256 (RFC 2104) in hexadecimal.
    fn hash(&self, text: &str) -> String {
        let mut keyed = self.keyed.clone();
        keyed.update(text.as_bytes());
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        keyed.finalize().into_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    fn describe(&self, body: &mut Object, card: &Card) {
        let has = |body: &Object, field: &str| body.iter().any(|(name, value)| name == field && *value != Value::Null);
        for (field, text) in [(CARD_HASH, self.hash(&card.text())), (CARD_BIN, card.bin()), (CARD_LAST4, card.last4())]
        {
            if !has(body, field) {
                body.retain(|(name, _)| name != field);
                body.push((field.into(), Value::text(text)));
            }
        }
    }

    /// Everything that is in the text.
    #[inline]
    fn scan(&self, bytes: &[u8]) -> Spans {
        let prospects = prospects(bytes);
        if prospects.are_none() { Spans::default() } else { self.scan_for(prospects, bytes) }
    }

    fn scan_for(&self, prospects: Prospects, bytes: &[u8]) -> Spans {
        let mut spans = Spans::default();
        if prospects.has_digits {
            card_scan::find_cards(bytes, &mut |hit| match track::of_card(bytes, &hit) {
                Some((start, end)) => spans.note(start, end, What::Holder(RedactionKind::Track, hit.card)),
                None => spans.note(hit.start, hit.end, What::Card(hit.card)),
            });
        }
        if prospects.has_base64 {
            base64_scan::find_encoded_cards(bytes, &mut |start, end, card| {
                spans.note(start, end, What::Holder(RedactionKind::Card, card));
            });
        }
        if prospects.has_pair {
            key_value::find_pairs(bytes, &mut |start, end, kind| spans.note(start, end, What::Secret(kind)));
        }
        if prospects.has_word {
            self.credentials.find(bytes, &mut |start, end, kind| spans.note(start, end, What::Secret(kind)));
        }
        spans
    }
}

/// One event on its way through.
struct Walk<'r, 'c> {
    redactor: &'r Redactor,
    counts: &'c mut RedactionCounts,
    /// The first card number.
    card: Option<Card>,
}

impl Walk<'_, '_> {
    #[inline]
    fn field(&mut self, name: &str, value: &mut Value) {
        match kind_of_name(name.as_bytes()) {
            Some(kind) => self.secret(name, value, kind),
            None => self.value(name, value),
        }
    }

    fn value(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Text(text) => self.text(name, text),
            Value::Int(number) => {
                if let Some(masked) = self.number(name, number.unsigned_abs()) {
                    *value = masked;
                }
            }
            Value::BigNumber(literal) => {
                let mut text = Text::from(literal.as_str());
                self.text(name, &mut text);
                if text != literal.as_str() {
                    *value = Value::Text(text);
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.value(name, item)),
            Value::Object(fields) => self.object(fields),
            Value::Null | Value::Bool(_) | Value::Float(_) => {}
        }
    }

    fn object(&mut self, fields: &mut Object) {
        // `{"name": "Cookie", "value": "…"}`, as lists of headers and variables have it.
        let named = fields.iter().find(|(name, _)| name == "name" || name == "key");
        let kind = named.and_then(|(_, value)| value.as_text()).and_then(|name| kind_of_name(name.as_bytes()));
        for (name, value) in fields {
            match kind {
                Some(kind) if name == "value" => self.secret(name, value, kind),
                _ => self.field(name, value),
            }
        }
    }

    fn text(&mut self, name: &str, text: &mut Text) {
        let spans = self.redactor.scan(text.as_bytes());
        if spans.is_empty() || spans.whole_number(text.len()).is_some_and(|card| is_other_number(name, &card)) {
            return;
        }
        self.card = self.card.or_else(|| spans.first_card());
        *text = spans.replace(text, self.counts).into();
    }

    fn number(&mut self, name: &str, number: u64) -> Option<Value> {
        if number < CARD_NUMBER_MIN {
            return None;
        }
        let card = Card::of_number(number).filter(|card| !is_other_number(name, card))?;
        self.card = self.card.or(Some(card));
        self.counts.note(RedactionKind::Card);
        Some(Value::text(card.masked()))
    }

    /// A value whose name says that it is a secret.
    fn secret(&mut self, name: &str, value: &mut Value, kind: RedactionKind) {
        let is_secret = match value {
            Value::Text(text) => !key_value::is_empty(text.as_bytes()),
            Value::Int(_) | Value::Float(_) | Value::BigNumber(_) => match kind {
                RedactionKind::Cvv | RedactionKind::Track | RedactionKind::Pin | RedactionKind::Password => true,
                RedactionKind::Card
                | RedactionKind::Token
                | RedactionKind::Cookie
                | RedactionKind::ApiKey
                | RedactionKind::Secret
                | RedactionKind::PrivateKey => return self.value(name, value),
            },
            Value::List(items) => return items.iter_mut().for_each(|item| self.secret(name, item, kind)),
            Value::Object(fields) if kind == RedactionKind::Cookie => {
                return fields.iter_mut().for_each(|(name, value)| self.secret(name, value, kind));
            }
            Value::Object(fields) => return self.object(fields),
            Value::Null | Value::Bool(_) => false,
        };
        if !is_secret {
            return;
        }
        if let (RedactionKind::Track, Some(track)) = (kind, value.as_text()) {
            self.card = self.card.or_else(|| self.redactor.scan(track.as_bytes()).first_card());
        }
        self.counts.note(kind);
        *value = Value::text(kind.mark());
    }
}

/// Whether a number that could be an old card's is something else by its name.
fn is_other_number(name: &str, card: &Card) -> bool {
    card.digit_count() <= AMBIGUOUS_DIGITS_MAX && names_other_numbers(name.as_bytes())
}

#[cfg(test)]
mod tests;
