//! How answers to aggregations are shown, and in which order.

use serde_json::Value as Json;
use vigie_domain::aggregation::NumberSpans;
use vigie_domain::{Result, Timestamp};

use super::auto_spans::AutoSpans;
use super::composite::Source;
use super::intervals::Spans;
use super::pipelines::Pipeline;
use super::place::Place;
use super::significant::SignificantTerms;
use super::top_hits::TopHits;
use super::top_metrics::TopMetrics;

/// How the answer to one aggregation is shown.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Buckets of values, or of several together.
    Terms(TermsShape),
    /// Buckets of values that so many events have at most.
    RareTerms { most_count: u64, is_instant: bool },
    /// Buckets of the combinations of sources.
    Composite(Vec<Source>),
    /// Buckets of values that are more frequent here than elsewhere.
    SignificantTerms(SignificantTerms),
    /// Buckets of spans of time.
    Spans(TimeSpans),
    /// Buckets of spans of time as wide as it takes.
    AutoSpans(AutoSpans),
    /// Buckets of spans of numbers.
    NumberSpans(SpansOfNumbers),
    /// One bucket.
    Single,
    /// Buckets of queries by these names, shown with them or as a list.
    Filters { names: Vec<String>, is_keyed: bool },
    /// Buckets of queries and of pairs of them by these names, those without events left out.
    Adjacency { names: Vec<String> },
    /// The first events.
    TopHits(TopHits),
    /// Fields of the first events.
    TopMetrics(TopMetrics),
    /// Buckets between bounds: key, lower, upper.
    Ranges { ranges: Vec<RangeShape>, is_keyed: bool },
    /// One of count, sum, minimum, maximum, mean.
    Metric(Metric),
    /// All of them.
    Stats,
    /// All of them and how far the numbers lie from their mean; bounds are so many standard deviations from it.
    ExtendedStats { sigma: f64 },
    /// One number.
    Number,
    /// Distinct values.
    Cardinality,
    /// How many events have a value.
    ValueCount,
    /// Percentiles.
    Percentiles { is_keyed: bool },
}

/// Values as they are shown.
#[derive(Clone, Debug)]
pub(super) struct TermsShape {
    pub(super) size: usize,
    pub(super) order: Vec<(OrderBy, bool)>,
    pub(super) least_count: u64,
    pub(super) keys: TermKeys,
    /// Whether the store puts them in order and gives the first ones; else it gives all of them.
    pub(super) is_put_in_order: bool,
}

/// What keys of values are.
#[derive(Clone, Debug)]
pub(super) enum TermKeys {
    Single { is_instant: bool },
    Combined { are_instants: Vec<bool> },
}

/// Spans of time as they are shown.
#[derive(Clone, Debug)]
pub(super) struct TimeSpans {
    pub(super) least_count: u64,
    pub(super) is_keyed: bool,
    pub(super) form: KeyForm,
    pub(super) order: Vec<(OrderBy, bool)>,
    pub(super) spans: Spans,
    pub(super) wanted: Ends<Timestamp>,
    pub(super) hard: Ends<Timestamp>,
}

/// Spans of numbers as they are shown.
#[derive(Clone, Debug)]
pub(super) struct SpansOfNumbers {
    pub(super) least_count: u64,
    pub(super) is_keyed: bool,
    pub(super) order: Vec<(OrderBy, bool)>,
    pub(super) spans: NumberSpans,
    pub(super) wanted: Ends<f64>,
    pub(super) hard: Ends<f64>,
}

impl Shape {
    /// Whether it is shown as a list of buckets, or as several by name.
    pub(super) fn has_buckets(&self) -> bool {
        match self {
            Self::Terms(_)
            | Self::RareTerms { .. }
            | Self::Composite(_)
            | Self::SignificantTerms(_)
            | Self::Adjacency { .. }
            | Self::Spans(_)
            | Self::AutoSpans(_)
            | Self::NumberSpans(_)
            | Self::Filters { .. }
            | Self::Ranges { .. } => true,
            Self::Single
            | Self::TopHits(_)
            | Self::TopMetrics(_)
            | Self::Metric(_)
            | Self::Stats
            | Self::ExtendedStats { .. }
            | Self::Number
            | Self::Cardinality
            | Self::ValueCount
            | Self::Percentiles { .. } => false,
        }
    }
}

/// The first and the last of what is asked for, each if it is said.
pub(super) type Ends<T> = [Option<T>; 2];

/// A number of `Stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Sum,
    Min,
    Max,
    Avg,
}

/// What buckets are put in order by.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OrderBy {
    Count,
    Key,
    /// The metric at that path below, through aggregations of one bucket, and which number of it.
    Metric(Vec<String>, Option<String>),
}

/// How keys of spans are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyForm {
    /// As ISO 8601.
    Text,
    Millis,
    /// So many signs of it.
    First(usize),
    /// The same with a space between day and hour.
    Spaced(usize),
}

/// One range as it is shown.
#[derive(Clone, Debug)]
pub(super) struct RangeShape {
    pub(super) key: String,
    /// What is said of the bounds: pairs of name and value.
    pub(super) bounds: Vec<(&'static str, Json)>,
}

/// The name of a kind of answer, as typed clients know it.
#[derive(Clone, Debug)]
pub(super) enum KindName {
    Known(&'static str),
    /// That of terms of a field goes by what its values are.
    TermsOf(String),
    /// The same of rare ones.
    RareOf(String),
    /// The same of significant ones.
    SignificantOf(String),
}

/// One aggregation as it was asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) kind_name: KindName,
    pub(super) shape: Shape,
    pub(super) meta: Option<Json>,
    pub(super) children: Vec<Asked>,
    /// What is computed from the answers to the children, in this order.
    pub(super) pipelines: Vec<Pipeline>,
}

/// The order of buckets: pairs of what and whether ascending; empty when nothing is said.
pub(super) fn orders(json: Option<&Json>, place: &Place) -> Result<Vec<(OrderBy, bool)>> {
    let Some(json) = json else { return Ok(Vec::new()) };
    let one = |(place, json): (Place, &Json)| {
        let (by, direction) = place.only(json)?;
        let is_ascending = match direction.as_str() {
            Some("asc") => true,
            Some("desc") => false,
            _ => return Err(place.wrong(&format!("must be asc or desc, found {direction}"))),
        };
        let by = match by {
            "_count" => OrderBy::Count,
            "_key" | "_term" | "_time" => OrderBy::Key,
            path => metric_at(path),
        };
        Ok((by, is_ascending))
    };
    place.key("order").one_or_many(json).into_iter().map(one).collect()
}

/// `a>b.max`, `b[max]` or `b`.
fn metric_at(path: &str) -> OrderBy {
    let mut names: Vec<String> = path.split('>').map(|name| name.trim().to_owned()).collect();
    let last = names.pop().unwrap_or_default();
    let (name, number) = match last.strip_suffix(']').and_then(|last| last.split_once('[')) {
        Some((name, number)) => (name, Some(number)),
        // Percentiles are named by numbers, which may have a point.
        None => last.split_once('.').map_or((last.as_str(), None), |(name, number)| (name, Some(number))),
    };
    let number = number.map(str::to_owned);
    names.push(name.to_owned());
    OrderBy::Metric(names, number)
}

/// Whether `extended_stats` has a number of that name to put buckets in order by.
fn is_of_extended_stats(name: &str) -> bool {
    let spread = name.trim_end_matches("_population").trim_end_matches("_sampling");
    matches!(spread, "variance" | "std_deviation")
        || matches!(name, "count" | "sum" | "min" | "max" | "avg" | "sum_of_squares")
}

/// Refuses an order by what is not below, or is no number.
pub(super) fn check_order(shape: &Shape, children: &[Asked], place: &Place) -> Result<()> {
    let order = match shape {
        Shape::Terms(shape) => &shape.order,
        Shape::Spans(shape) => &shape.order,
        Shape::NumberSpans(shape) => &shape.order,
        _ => return Ok(()),
    };
    for (by, _) in order {
        let OrderBy::Metric(path, number) = by else { continue };
        let mut level = children;
        let mut child = None;
        for (step, name) in path.iter().enumerate() {
            child = level.iter().find(|child| child.name == *name);
            // Only what has one bucket has one number below it.
            let is_last = step + 1 == path.len();
            level = match child {
                Some(child) if is_last || matches!(child.shape, Shape::Single) => &child.children,
                _ => &[],
            };
        }
        let is_number = match child.map(|child| &child.shape) {
            Some(Shape::Metric(_) | Shape::Number | Shape::Cardinality | Shape::ValueCount) => {
                number.as_deref().is_none_or(|number| number == "value")
            }
            Some(Shape::Stats) => matches!(number.as_deref(), Some("count" | "sum" | "min" | "max" | "avg")),
            Some(Shape::ExtendedStats { .. }) => number.as_deref().is_some_and(is_of_extended_stats),
            Some(Shape::Percentiles { .. }) => number.as_ref().is_some_and(|number| number.parse::<f64>().is_ok()),
            Some(Shape::Single) => number.is_none() || number.as_deref() == Some("_count"),
            _ => false,
        };
        if !is_number {
            return Err(place
                .key("order")
                .wrong(&format!("\"{}\" is no number of an aggregation below this one", path.join(">"))));
        }
    }
    Ok(())
}
