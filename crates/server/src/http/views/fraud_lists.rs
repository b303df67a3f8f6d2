//! Lists of fraud detection, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::fraud::{KeptEntry, ListDraft};
use vigie_app::listing::Listed;
use vigie_domain::time::parse_expression;
use vigie_domain::{Error, Result, Timestamp};
use vigie_fraud::lists::ListKind;
use vigie_fraud::rules::Effect;

use super::parameters::said;

/// An entry of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudListEntry)]
pub struct ListEntryView {
    /// Names the entry.
    pub id: String,
    /// `card`, `bin`, `ip`, `email_domain`, `device`, `user` or `country`.
    #[schema(example = "ip")]
    pub kind: &'static str,
    /// What is listed, in the spelling that payments are compared in.
    #[schema(example = "203.0.113.0/24")]
    pub value: String,
    /// `allow`, `review` or `block`.
    #[schema(example = "block")]
    pub effect: &'static str,
    /// Why.
    pub note: Option<String>,
    /// From when on it counts no more, by the time of payments.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// Who listed it.
    pub added_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub added_at: String,
    /// Payments that it named since Vigie started.
    pub hit_count: u64,
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudListEntries)]
pub struct ListEntriesView {
    /// The latest first.
    pub entries: Vec<ListEntryView>,
    /// How many there are in all.
    pub total: u64,
    /// Whether `total` is exact.
    pub is_total_exact: bool,
    /// Asks for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Something to list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListEntryRequest {
    /// `card` (its `card_hash`), `bin` (6 to 8 digits), `ip` (an address or a network), `email_domain`, `device`, `user` or `country`.
    #[schema(example = "ip")]
    pub kind: String,
    /// What is listed.
    #[schema(example = "203.0.113.0/24")]
    pub value: String,
    /// `allow`, `review` or `block`.
    #[schema(example = "block")]
    pub effect: String,
    /// Why, in at most 1,000 bytes.
    pub note: Option<String>,
    /// From when on it counts no more: RFC 3339, or such as `now+30d`. It counts for ever when left out.
    #[schema(example = "now+30d")]
    pub expires_at: Option<String>,
}

impl ListEntryRequest {
    /// What is asked for, at `now`.
    ///
    /// # Errors
    /// `Invalid` when kind, effect or time are none.
    pub fn into_draft(self, now: Timestamp) -> Result<ListDraft> {
        let expires_at = said(self.expires_at).map(|text| {
            parse_expression(&text, now).map_err(|error| Error::invalid_field("expires_at", error.to_string()))
        });
        Ok(ListDraft {
            kind: kind_named(&self.kind)?,
            effect: effect_named(&self.effect)?,
            value: self.value,
            note: self.note,
            expires_at: expires_at.transpose()?,
        })
    }
}

/// The kind of that name.
///
/// # Errors
/// `Invalid` when there is none.
pub fn kind_named(name: &str) -> Result<ListKind> {
    let unknown = || {
        let names = ListKind::ALL.map(ListKind::as_str).join(", ");
        Error::invalid_field("kind", format!("\"{name}\" cannot be listed; choose one of {names}"))
    };
    ListKind::named(name).ok_or_else(unknown)
}

/// The effect of that name.
///
/// # Errors
/// `Invalid` when there is none.
pub fn effect_named(name: &str) -> Result<Effect> {
    let unknown = || {
        let names = Effect::ALL.map(Effect::as_str).join(", ");
        Error::invalid_field("effect", format!("\"{name}\" is nothing that a list does; choose one of {names}"))
    };
    Effect::named(name).ok_or_else(unknown)
}

impl From<KeptEntry> for ListEntryView {
    fn from(kept: KeptEntry) -> Self {
        Self {
            id: kept.id,
            kind: kept.entry.kind.as_str(),
            value: kept.entry.value,
            effect: kept.entry.effect.as_str(),
            note: kept.note,
            expires_at: kept.entry.expires_at.map(|at| at.to_string()),
            added_by: kept.added_by,
            added_at: kept.added_at.to_string(),
            hit_count: kept.hit_count,
        }
    }
}

impl From<Listed<KeptEntry>> for ListEntriesView {
    fn from(found: Listed<KeptEntry>) -> Self {
        Self {
            entries: found.entries.into_iter().map(Into::into).collect(),
            total: found.total,
            is_total_exact: found.is_total_exact,
            next_cursor: found.next_cursor,
        }
    }
}
