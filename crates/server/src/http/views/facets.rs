//! Facets and statistics of fields, as JSON.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use vigie_app::search::{Facet, Facets, FieldStats, NumberStats, kind_name};

/// What the matching events have in several fields.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetsAnswer)]
pub struct FacetsView {
    /// In the order asked, each field once.
    pub fields: Vec<FacetView>,
    /// Events that match. Each of them was counted: nothing here is a sample.
    pub total: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Rows that were looked at.
    pub rows_scanned: u64,
    /// Bytes of files that were decoded.
    pub bytes_read: u64,
    /// Whether the answer was remembered from before.
    pub cached: bool,
}

/// What the matching events have in one field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Facet)]
pub struct FacetView {
    /// The field's one name.
    pub field: String,
    /// `keyword`, `text`, `int`, `float`, `decimal`, `bool`, `instant` or `ip`; null when no event of the range has it.
    #[schema(example = "keyword")]
    pub kind: Option<&'static str>,
    /// Events that have it.
    pub present: u64,
    /// Events that do not.
    pub missing: u64,
    /// Different values.
    pub distinct: u64,
    /// The most frequent values, most frequent first; none of instants.
    pub values: Vec<FacetValueView>,
    /// Events counted under other values; one with several of them counts once for each.
    pub other_count: u64,
}

/// A value, and how many of the matching events have it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetValue)]
pub struct FacetValueView {
    /// The value: a string, a number or a boolean.
    #[schema(value_type = Json)]
    pub value: Json,
    /// Events.
    pub count: u64,
    /// Their share of all that match, 0 to 1.
    pub share: f64,
}

impl FacetView {
    fn new(facet: Facet, total: u64) -> Self {
        let share = |count: u64| if total == 0 { 0.0 } else { count as f64 / total as f64 };
        let value = |counted: vigie_app::search::ValueCount| FacetValueView {
            value: counted.value.to_json(),
            count: counted.count,
            share: share(counted.count),
        };
        Self {
            field: facet.field,
            kind: facet.kind.map(kind_name),
            present: facet.present,
            missing: total.saturating_sub(facet.present),
            distinct: facet.distinct,
            values: facet.values.into_iter().map(value).collect(),
            other_count: facet.other_count,
        }
    }
}

impl FacetsView {
    /// The facets as they are answered.
    pub fn new(facets: Facets, took_ms: u64) -> Self {
        Self {
            fields: facets.facets.into_iter().map(|facet| FacetView::new(facet, facets.total)).collect(),
            total: facets.total,
            took_ms,
            rows_scanned: facets.stats.rows_scanned,
            bytes_read: facets.stats.bytes_read,
            cached: false,
        }
    }
}

/// All that is told of one field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldStats)]
pub struct FieldStatsView {
    /// How many events have it, and its values.
    #[serde(flatten)]
    pub facet: FacetView,
    /// Events that match. Each of them was counted: nothing here is a sample.
    pub total: u64,
    /// Its numbers; null when it has none.
    pub numbers: Option<NumberStatsView>,
    /// Of an amount: the currencies of the events that have it, most frequent first.
    #[schema(example = json!(["EUR"]))]
    pub currencies: Vec<String>,
    /// Of `@timestamp`: the first instant.
    #[schema(format = DateTime)]
    pub first: Option<String>,
    /// Of `@timestamp`: the last instant.
    #[schema(format = DateTime)]
    pub last: Option<String>,
    /// How long it took.
    pub took_ms: u64,
    /// Rows that were looked at.
    pub rows_scanned: u64,
    /// Bytes of files that were decoded.
    pub bytes_read: u64,
    /// Whether the answer was remembered from before.
    pub cached: bool,
}

/// What is told of a field's numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NumberStats)]
pub struct NumberStatsView {
    /// How many numbers.
    pub count: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their mean; null for amounts of several currencies, which are never added.
    pub mean: Option<f64>,
    /// Their sum; null for amounts of several currencies.
    pub sum: Option<f64>,
    /// How far they lie from their mean: the square root of the mean square; null for amounts of several currencies.
    pub standard_deviation: Option<f64>,
    /// Shares and the values below which they lie, interpolated between the closest ranks.
    pub percentiles: Vec<PercentileView>,
    /// Width of the spans.
    pub interval: f64,
    /// The spans from the smallest to the largest number, empty ones included; each begins at `from` and ends before the next.
    pub histogram: Vec<NumberSpanView>,
}

/// A share and the value below which it lies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NumberPercentile)]
pub struct PercentileView {
    /// The share, in percent.
    #[schema(example = 95.0)]
    pub percent: f64,
    /// The value.
    pub value: f64,
}

/// A span of numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NumberSpan)]
pub struct NumberSpanView {
    /// Where it begins.
    pub from: f64,
    /// Events with a number in it.
    pub count: u64,
}

impl NumberStatsView {
    /// The numbers as they are answered; what comes of adding only when they may be added.
    fn new(numbers: NumberStats, may_be_added: bool) -> Self {
        let stats = numbers.stats;
        let added = |number: Option<f64>| number.filter(|_| may_be_added);
        Self {
            count: stats.count,
            min: stats.min.unwrap_or_default(),
            max: stats.max.unwrap_or_default(),
            mean: added(stats.mean()),
            sum: added(Some(stats.sum)),
            standard_deviation: added(stats.variance().map(f64::sqrt)),
            percentiles: numbers
                .percentiles
                .into_iter()
                .map(|(percent, value)| PercentileView { percent, value })
                .collect(),
            interval: numbers.interval,
            histogram: numbers.spans.into_iter().map(|(from, count)| NumberSpanView { from, count }).collect(),
        }
    }
}

impl FieldStatsView {
    /// The statistics as they are answered.
    pub fn new(stats: FieldStats, took_ms: u64) -> Self {
        let may_be_added = stats.currencies.len() < 2;
        Self {
            facet: FacetView::new(stats.facet, stats.total),
            total: stats.total,
            numbers: stats.numbers.map(|numbers| NumberStatsView::new(numbers, may_be_added)),
            currencies: stats.currencies,
            first: stats.instants.map(|(first, _)| first.to_string()),
            last: stats.instants.map(|(_, last)| last.to_string()),
            took_ms,
            rows_scanned: stats.stats.rows_scanned,
            bytes_read: stats.stats.bytes_read,
            cached: false,
        }
    }
}
