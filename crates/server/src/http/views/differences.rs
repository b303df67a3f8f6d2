//! What is different in some events, as JSON.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use vigie_app::search::{Difference, Differences};

/// What is different in the events that match.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Differences)]
pub struct DifferencesView {
    /// First instant of the range.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// The most striking first.
    pub differences: Vec<DifferenceView>,
    /// Events that match. Each of them was counted: nothing here is a sample.
    pub total: u64,
    /// Events that they are compared with.
    pub elsewhere_total: u64,
    /// Fields that were compared.
    pub fields: Vec<String>,
    /// Fields with too many values to be counted within the memory of one question.
    pub too_large: Vec<String>,
    /// How long it took.
    pub took_ms: u64,
    /// Rows looked at.
    pub rows_scanned: u64,
    /// Bytes of files decoded.
    pub bytes_read: u64,
}

/// A value that is more frequent in these events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
pub struct DifferenceView {
    /// The field's one name.
    #[schema(example = "service")]
    pub field: String,
    /// The value: a string, a number or a boolean.
    #[schema(value_type = Json)]
    pub value: Json,
    /// Events that match and have it.
    pub count: u64,
    /// Their share of those that match, 0 to 1.
    pub share: f64,
    /// Events with it among those that they are compared with.
    pub elsewhere_count: u64,
    /// Their share of those, 0 to 1.
    pub elsewhere_share: f64,
    /// How many times larger the first share is; null when none of the others has it.
    pub factor: Option<f64>,
    /// By how much the share grew, times how often it grew: what differences are put in order by.
    pub score: f64,
}

impl DifferencesView {
    /// The differences as they are answered.
    pub fn new(found: Differences, took_ms: u64) -> Self {
        Self {
            from: found.range.from.to_string(),
            to: found.range.to.to_string(),
            differences: found.differences.into_iter().map(DifferenceView::from).collect(),
            total: found.total,
            elsewhere_total: found.elsewhere_total,
            fields: found.fields,
            too_large: found.too_large,
            took_ms,
            rows_scanned: found.stats.rows_scanned,
            bytes_read: found.stats.bytes_read,
        }
    }
}

impl From<Difference> for DifferenceView {
    fn from(found: Difference) -> Self {
        let (share, elsewhere_share) = (found.here.value(), found.elsewhere.value());
        Self {
            field: found.field,
            value: found.value.to_json(),
            count: found.here.count,
            share,
            elsewhere_count: found.elsewhere.count,
            elsewhere_share,
            factor: (elsewhere_share > 0.0).then(|| share / elsewhere_share),
            score: found.score,
        }
    }
}
