//! Questions about events and their answers, as JSON.
//!
//! Questions are read piece by piece, so that what is wrong is named by its place and not by a column of the body.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;
use vigie_app::search::{AggregateInput, Aggregated, AskedKind, AskedQuestion};
use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind, Bucket};
use vigie_domain::error::ErrorDetail;
use vigie_domain::{Error, Result, Timestamp, Value};

use super::logs::{TimeText, read_filters};
use super::parameters::asked_dates;

/// Values of a terms question unless the caller says otherwise.
const TERMS_DEFAULT: usize = 10;
/// Nanoseconds of the unit in which keys of histograms are answered.
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Which events are asked about, and what.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregateRequest {
    /// Which events, such as `level:error AND amount>100`; empty for every event.
    pub query: Option<String>,
    /// Fields and the value, or the values of which one, they must have. Empty values say nothing.
    #[schema(value_type = Option<BTreeMap<String, Json>>, example = json!({"service": "payment"}))]
    pub filters: Option<BTreeMap<String, Json>>,
    /// First instant: RFC 3339, `2026-11-23 14:00`, `now-15m` or a UNIX time; all time when left out.
    #[schema(value_type = Option<String>)]
    pub date_from: Option<TimeText>,
    /// First instant past the range, in the same forms.
    #[schema(value_type = Option<String>)]
    pub date_to: Option<TimeText>,
    /// The questions by name, at most 32 in all and 4 below one another; none to count what matches.
    #[schema(
        value_type = Option<BTreeMap<String, AggregationRequest>>,
        example = json!({"by_method": {"terms": {"field": "payment_method"}, "aggregations": {"amounts": {"stats": {"field": "amount"}}}}})
    )]
    pub aggregations: Option<Map<String, Json>>,
}

/// One question: exactly one kind. Those with buckets may have further questions, asked of each bucket.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = Aggregation)]
#[serde(deny_unknown_fields)]
pub struct AggregationRequest {
    /// A bucket per value of a field, the most frequent ones.
    #[schema(value_type = Option<TermsRequest>)]
    pub terms: Option<Json>,
    /// A bucket per span of time, empty ones between the first and the last included.
    #[schema(value_type = Option<DateHistogramRequest>)]
    pub date_histogram: Option<Json>,
    /// A bucket per query, by name; at most 100.
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"failed": "level:error", "slow": "response_time_ms>1000"}))]
    pub filters: Option<Json>,
    /// Count, sum, minimum, maximum and mean of the numbers of a field.
    #[schema(value_type = Option<FieldRequest>)]
    pub stats: Option<Json>,
    /// How many distinct values a field has.
    #[schema(value_type = Option<FieldRequest>)]
    pub cardinality: Option<Json>,
    /// Values below which shares of the numbers of a field lie.
    #[schema(value_type = Option<PercentilesRequest>)]
    pub percentiles: Option<Json>,
    /// Further questions, asked of each bucket.
    #[schema(value_type = Option<BTreeMap<String, AggregationRequest>>, no_recursion)]
    pub aggregations: Option<Map<String, Json>>,
}

/// The most frequent values of a field.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = TermsAggregation)]
#[serde(deny_unknown_fields)]
pub struct TermsRequest {
    /// The field.
    #[schema(example = "service")]
    pub field: String,
    /// How many values, 10 unless said, at most 10,000.
    pub size: Option<usize>,
}

/// Spans of time.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = DateHistogramAggregation)]
#[serde(deny_unknown_fields)]
pub struct DateHistogramRequest {
    /// Width of a span: `30s`, `5m`, `1h`, `1d`, `1w`. Spans begin at multiples of it in UTC, weeks on Mondays.
    #[schema(example = "1h")]
    pub interval: String,
    /// By how much spans begin later, or earlier with a `-`; shorter than the interval.
    #[schema(example = "-30m")]
    pub offset: Option<String>,
}

/// A field.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = FieldAggregation)]
#[serde(deny_unknown_fields)]
pub struct FieldRequest {
    /// The field.
    #[schema(example = "amount")]
    pub field: String,
}

/// Shares of the numbers of a field.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = PercentilesAggregation)]
#[serde(deny_unknown_fields)]
pub struct PercentilesRequest {
    /// The field.
    #[schema(example = "response_time_ms")]
    pub field: String,
    /// Shares in percent, at most 20.
    #[schema(example = json!([50, 95, 99]))]
    pub percents: Vec<f64>,
}

impl AggregateRequest {
    /// What is asked of the use case.
    ///
    /// # Errors
    /// `Invalid` when a filter or a question is not one; the detail names the place.
    pub fn into_input(self) -> Result<AggregateInput> {
        Ok(AggregateInput {
            query: self.query.unwrap_or_default(),
            filters: read_filters(self.filters.unwrap_or_default())?,
            range: asked_dates(self.date_from, self.date_to),
            questions: questions(self.aggregations, "aggregations")?,
        })
    }
}

fn questions(asked: Option<Map<String, Json>>, path: &str) -> Result<Vec<AskedQuestion>> {
    asked.unwrap_or_default().into_iter().map(|(name, asked)| question(name, asked, path)).collect()
}

fn question(name: String, asked: Json, path: &str) -> Result<AskedQuestion> {
    let path = format!("{path}.{name}");
    let asked: AggregationRequest = piece(asked, &path)?;
    let field = |asked: FieldRequest| asked.field;
    let mut kinds = [
        asked.terms.map(|asked| piece(asked, &format!("{path}.terms")).map(terms)),
        asked.date_histogram.map(|asked| piece(asked, &format!("{path}.date_histogram")).map(histogram)),
        asked.filters.map(|asked| filters(asked, &format!("{path}.filters"))),
        asked
            .stats
            .map(|asked| piece(asked, &format!("{path}.stats")).map(|asked| AskedKind::Stats { field: field(asked) })),
        asked.cardinality.map(|asked| {
            piece(asked, &format!("{path}.cardinality")).map(|asked| AskedKind::Cardinality { field: field(asked) })
        }),
        asked.percentiles.map(|asked| piece(asked, &format!("{path}.percentiles")).map(percentiles)),
    ]
    .into_iter()
    .flatten()
    .collect::<Result<Vec<AskedKind>>>()?;
    let (Some(kind), true) = (kinds.pop(), kinds.is_empty()) else {
        let words = "a question is exactly one of \"terms\", \"date_histogram\", \"filters\", \"stats\", \"cardinality\" and \"percentiles\"; ask others under names of their own";
        return Err(invalid(&path, words));
    };
    Ok(AskedQuestion { kind, children: questions(asked.aggregations, &format!("{path}.aggregations"))?, name })
}

fn terms(asked: TermsRequest) -> AskedKind {
    AskedKind::Terms { field: asked.field, size: asked.size.unwrap_or(TERMS_DEFAULT) }
}

fn histogram(asked: DateHistogramRequest) -> AskedKind {
    AskedKind::DateHistogram { interval: asked.interval, offset: asked.offset }
}

fn filters(asked: Json, path: &str) -> Result<AskedKind> {
    let query = |(name, asked): (String, Json)| -> Result<(String, String)> {
        let text = piece(asked, &format!("{path}.{name}"))?;
        Ok((name, text))
    };
    let queries = piece::<Map<String, Json>>(asked, path)?.into_iter().map(query);
    Ok(AskedKind::Filters(queries.collect::<Result<_>>()?))
}

fn percentiles(asked: PercentilesRequest) -> AskedKind {
    AskedKind::Percentiles { field: asked.field, percents: asked.percents }
}

/// A piece of the request that lies at `path`.
fn piece<T: DeserializeOwned>(asked: Json, path: &str) -> Result<T> {
    serde_json::from_value(asked).map_err(|error| invalid(path, &error.to_string()))
}

fn invalid(path: &str, words: &str) -> Error {
    let detail = ErrorDetail { field: path.to_owned(), span: None, message: words.to_owned() };
    Error::invalid(format!("\"{path}\": {words}")).with_detail(detail)
}

/// Answers about the events that match.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregateAnswer)]
pub struct AggregateView {
    /// How many events match, exactly.
    pub total: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Rows that were looked at.
    pub rows_scanned: u64,
    /// Bytes of files that were decoded.
    pub bytes_read: u64,
    /// The answers by the names of the questions.
    pub aggregations: BTreeMap<String, AggregationView>,
}

/// The answer to one question; its shape is that of the question's kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregationAnswer)]
#[serde(untagged)]
pub enum AggregationView {
    /// Of `terms`, `date_histogram` and `filters`.
    Buckets(BucketsView),
    /// Of `stats`.
    Stats(StatsView),
    /// Of `cardinality`.
    Cardinality(CardinalityView),
    /// Of `percentiles`.
    Percentiles(PercentilesView),
}

/// Buckets: values by count, spans of time in order, queries as asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregationBuckets)]
pub struct BucketsView {
    /// The buckets.
    pub buckets: Vec<BucketView>,
    /// Events counted under values that are not shown.
    pub other_count: u64,
}

/// Events that are counted together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregationBucket)]
pub struct BucketView {
    /// The value, the query's name, or the first instant of the span in milliseconds of UNIX time.
    #[schema(value_type = Json)]
    pub key: Json,
    /// The first instant of the span; left out where the key is none.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_as_string: Option<String>,
    /// Its events.
    pub count: u64,
    /// Answers to the further questions; left out without any.
    #[schema(no_recursion)]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aggregations: BTreeMap<String, AggregationView>,
}

/// Numbers about a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregationStats)]
pub struct StatsView {
    /// How many numbers.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The smallest; null without numbers.
    pub min: Option<f64>,
    /// The largest; null without numbers.
    pub max: Option<f64>,
    /// Their mean; null without numbers.
    pub avg: Option<f64>,
}

/// Distinct values of a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregationCardinality)]
pub struct CardinalityView {
    /// How many.
    pub value: u64,
}

/// Values below which shares lie.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregationPercentiles)]
pub struct PercentilesView {
    /// In the order asked.
    pub percentiles: Vec<PercentileView>,
}

/// The value below which a share lies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AggregationPercentile)]
pub struct PercentileView {
    /// The share in percent.
    #[schema(example = 95.0)]
    pub percent: f64,
    /// The value; null without numbers.
    pub value: Option<f64>,
}

impl AggregateView {
    /// The answers as they are given.
    pub fn new(aggregated: Aggregated, took_ms: u64) -> Self {
        let Aggregated { questions, result } = aggregated;
        Self {
            total: result.total,
            took_ms,
            rows_scanned: result.stats.rows_scanned,
            bytes_read: result.stats.bytes_read,
            aggregations: answers(&questions, result.answers),
        }
    }
}

fn answers(questions: &[Aggregation], given: Vec<(String, AggregationAnswer)>) -> BTreeMap<String, AggregationView> {
    let view = |(name, answer): (String, AggregationAnswer)| {
        let question = questions.iter().find(|question| question.name == name)?;
        Some((name, answer_view(question, answer)?))
    };
    given.into_iter().filter_map(view).collect()
}

fn answer_view(question: &Aggregation, answer: AggregationAnswer) -> Option<AggregationView> {
    Some(match answer {
        AggregationAnswer::Buckets { buckets, other_count } => AggregationView::Buckets(BucketsView {
            buckets: buckets.into_iter().map(|bucket| bucket_view(question, bucket)).collect(),
            other_count,
        }),
        AggregationAnswer::Stats(stats) => AggregationView::Stats(StatsView {
            count: stats.count,
            sum: stats.sum,
            min: stats.min,
            max: stats.max,
            avg: stats.mean(),
        }),
        AggregationAnswer::Cardinality { count } => AggregationView::Cardinality(CardinalityView { value: count }),
        AggregationAnswer::Percentiles(values) => {
            let view = |(percent, value)| PercentileView { percent, value };
            AggregationView::Percentiles(PercentilesView { percentiles: values.into_iter().map(view).collect() })
        }
        // Of questions that cannot be asked here.
        AggregationAnswer::Number(_) | AggregationAnswer::Top(_) => return None,
    })
}

fn bucket_view(question: &Aggregation, bucket: Bucket) -> BucketView {
    let (key, key_as_string) = match (&question.kind, bucket.key) {
        // Intervals are whole seconds, so nothing is cut off.
        (AggregationKind::DateHistogram { .. }, Value::Int(nanos)) => {
            (Json::from(nanos / NANOS_PER_MILLI), Some(Timestamp::from_nanos(nanos).to_string()))
        }
        (_, key) => (key.to_json(), None),
    };
    BucketView { key, key_as_string, count: bucket.count, aggregations: answers(&question.children, bucket.children) }
}
