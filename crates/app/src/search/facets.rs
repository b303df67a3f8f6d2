//! Facets: of each field how many events have it, how many different values there are, and the most frequent ones; and all
//! that is told of one field, numbers included.
//!
//! Everything is counted over every event that matches, nothing is a sample. The facets of one request are one pass over the
//! store; the spans of a field's numbers are a second one, because their width follows from the first.

use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind, NumberSpans, Stats};
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::ports::{
    AggregateRequest, AggregateResult, FieldInfo, Fields, ScanStats, SearchRequest, Selection, SortOrder,
};
use vigie_domain::query::Query;
use vigie_domain::{Error, Result, Scope, TimeRange, Timestamp};

use super::{Search, ValueCount};
use crate::time_range::AskedRange;

/// Fields of one request.
pub const FACETS_MAX: usize = 20;
/// Values of a field.
pub const FACET_VALUES_MAX: usize = 100;
/// Values of a field unless the caller says otherwise.
pub const FACET_VALUES_DEFAULT: usize = 10;
/// Shares of the numbers, in percent, below which a value is told.
const PERCENTS: [f64; 7] = [1.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0];
/// Spans that numbers are counted by, about.
const SPANS: f64 = 20.0;
/// The field that says what an amount is in.
const CURRENCY: &str = "currency";
/// Currencies that are told.
const CURRENCIES_MAX: usize = 50;
/// The field of the events' own time.
const OWN_TIME: &str = vigie_domain::event::pseudo_fields::TIMESTAMP;

/// Which events are looked at, and how many values of each field are told.
#[derive(Clone, Debug, Default)]
pub struct FacetInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// The events' own time; all of it unless said.
    pub range: AskedRange,
    /// Values of a field; 10 unless said.
    pub size: Option<usize>,
}

/// What the matching events have in one field.
#[derive(Clone, Debug)]
pub struct Facet {
    /// Canonical name of the field.
    pub field: String,
    /// Kind of its values; `None` when no event has it.
    pub kind: Option<FieldKind>,
    /// Events that have it.
    pub present: u64,
    /// Different values.
    pub distinct: u64,
    /// The most frequent values, most frequent first; none of instants.
    pub values: Vec<ValueCount>,
    /// Events counted under other values; one with several of them counts once for each.
    pub other_count: u64,
}

/// Facets, and what they are of.
#[derive(Clone, Debug)]
pub struct Facets {
    /// In the order asked.
    pub facets: Vec<Facet>,
    /// Events that match, each counted.
    pub total: u64,
    /// What it cost.
    pub stats: ScanStats,
}

/// All that is told of one field.
#[derive(Clone, Debug)]
pub struct FieldStats {
    /// How many events have it, and its values.
    pub facet: Facet,
    /// Events that match, each counted.
    pub total: u64,
    /// Its numbers; `None` when it has none.
    pub numbers: Option<NumberStats>,
    /// Of an amount: the currencies of the events that have it, most frequent first.
    pub currencies: Vec<String>,
    /// Of the events' own time: the first and the last instant.
    pub instants: Option<(Timestamp, Timestamp)>,
    /// What it cost.
    pub stats: ScanStats,
}

/// What is told of a field's numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberStats {
    /// Count, sum, smallest and largest.
    pub stats: Stats,
    /// Shares in percent, and the values below which they lie.
    pub percentiles: Vec<(f64, f64)>,
    /// Width of a span.
    pub interval: f64,
    /// Where each span begins, and the events with a number in it; without gaps.
    pub spans: Vec<(f64, u64)>,
}

impl Search {
    /// What the matching events have in each of the fields, in one pass.
    ///
    /// # Errors
    /// `Malformed` when the query or a time cannot be read; `Invalid` for no, too many or empty fields, or too many values.
    pub async fn facets(&self, scope: &Scope, fields: &[String], input: &FacetInput) -> Result<Facets> {
        let names = checked_fields(fields)?;
        let size = checked_size(input.size)?;
        let selection = self.selection(&input.query, &input.range, None)?;
        let known = self.store.fields(scope, selection.range).await?;
        let aggregations = names.iter().enumerate().flat_map(|(place, name)| questions(place, name, size)).collect();
        let result = self.store.aggregate(scope, &AggregateRequest { selection, aggregations }).await?;
        let facet = |(place, name): (usize, &String)| facet_of(&result, place, name, &known);
        let facets = names.iter().enumerate().map(facet).collect();
        Ok(Facets { facets, total: result.total, stats: result.stats })
    }

    /// All that is told of one field.
    ///
    /// # Errors
    /// As `facets`; `NotFound` when no event ever had the field.
    pub async fn field_stats(&self, scope: &Scope, field: &str, input: &FacetInput) -> Result<FieldStats> {
        let names = checked_fields(&[field.to_owned()])?;
        let size = checked_size(input.size)?;
        let selection = self.selection(&input.query, &input.range, None)?;
        let known = self.known_field(scope, &names[0], selection.range).await?;
        let mut aggregations = questions(0, &names[0], size);
        aggregations.push(Aggregation::stats("numbers", &names[0]));
        let percents = PERCENTS.to_vec();
        let kind = AggregationKind::Percentiles { field: (&names[0]).into(), percents };
        aggregations.push(Aggregation::leaf("percentiles", kind));
        if kind_among(&known, &names[0]) == Some(FieldKind::Decimal) {
            let present = AggregationKind::Filters(vec![("present".to_owned(), Query::exists(&names[0]))]);
            let currencies = Aggregation::terms("currencies", CURRENCY, CURRENCIES_MAX);
            aggregations.push(Aggregation::leaf("amounts", present).with(currencies));
        }
        let request = AggregateRequest { selection: selection.clone(), aggregations };
        let result = self.store.aggregate(scope, &request).await?;
        let mut stats = result.stats;
        let numbers = self.numbers_of(scope, (&names[0], &selection), &result, &mut stats).await?;
        let instants = match names[0].as_str() {
            OWN_TIME => self.first_and_last(scope, &selection).await?,
            _ => None,
        };
        let (facet, currencies) = (facet_of(&result, 0, &names[0], &known), currencies_of(&result));
        Ok(FieldStats { facet, total: result.total, numbers, currencies, instants, stats })
    }

    /// The fields of the range, among which the field is, unless it is known by its name.
    async fn known_field(&self, scope: &Scope, name: &str, range: TimeRange) -> Result<Vec<FieldInfo>> {
        let is_there = |fields: &[FieldInfo]| fields.iter().any(|field| field.name == name);
        let known = self.store.fields(scope, range).await?;
        if is_there(&known) || (mapping::kind_of(name).is_some() && !scope.hides(name)) {
            return Ok(known);
        }
        if is_there(&self.store.fields(scope, TimeRange::ALL).await?) {
            return Ok(known);
        }
        Err(Error::not_found(format!(
            "no event has the field \"{name}\"; GET /api/search/fields lists those there are"
        )))
    }

    /// The numbers of the field, if it has any; their spans are asked for here.
    async fn numbers_of(
        &self,
        scope: &Scope,
        (name, selection): (&str, &Selection),
        result: &AggregateResult,
        cost: &mut ScanStats,
    ) -> Result<Option<NumberStats>> {
        let Some(AggregationAnswer::Stats(stats)) = result.answer("numbers") else { return Ok(None) };
        let (Some(min), Some(max)) = (stats.min, stats.max) else { return Ok(None) };
        let percentiles = match result.answer("percentiles") {
            Some(AggregationAnswer::Percentiles(found)) => {
                found.iter().filter_map(|(percent, value)| value.map(|value| (*percent, value))).collect()
            }
            _ => Vec::new(),
        };
        let spans = NumberSpans { interval: span_width(min, max), offset: 0.0 };
        let kind = AggregationKind::Histogram { field: name.into(), spans };
        let request =
            AggregateRequest { selection: selection.clone(), aggregations: vec![Aggregation::leaf("spans", kind)] };
        let counted = self.store.aggregate(scope, &request).await?;
        cost.rows_scanned += counted.stats.rows_scanned;
        cost.bytes_read += counted.stats.bytes_read;
        let spans_found = filled_spans(&counted, spans);
        Ok(Some(NumberStats { stats: *stats, percentiles, interval: spans.interval, spans: spans_found }))
    }

    async fn first_and_last(&self, scope: &Scope, selection: &Selection) -> Result<Option<(Timestamp, Timestamp)>> {
        let edge = async |order: SortOrder| {
            let selection = selection.clone();
            let request = SearchRequest {
                selection,
                order,
                after: None,
                skip: 0,
                limit: 1,
                count_total: false,
                fields: Fields::All,
            };
            let found = self.store.search(scope, &request).await?;
            Ok::<_, Error>(found.hits.first().map(|hit| hit.position.timestamp))
        };
        Ok(edge(SortOrder::OldestFirst).await?.zip(edge(SortOrder::NewestFirst).await?))
    }
}

/// What is asked about the field at that place of the request. Values are not asked where nobody wants them, for they are
/// what takes memory: of instants nearly every event has its own.
fn questions(place: usize, name: &str, size: usize) -> Vec<Aggregation> {
    let present = AggregationKind::Filters(vec![("present".to_owned(), Query::exists(name))]);
    let has_values = size > 0 && mapping::kind_of(name) != Some(FieldKind::Instant);
    let values = has_values.then(|| Aggregation::terms(format!("values {place}"), name, size));
    let others = [
        Aggregation::cardinality(format!("distinct {place}"), name),
        Aggregation::leaf(format!("present {place}"), present),
    ];
    values.into_iter().chain(others).collect()
}

fn facet_of(result: &AggregateResult, place: usize, name: &str, known: &[FieldInfo]) -> Facet {
    let (values, other_count) = match result.answer(&format!("values {place}")) {
        Some(AggregationAnswer::Buckets { buckets, other_count }) => {
            let value = |bucket: &vigie_domain::aggregation::Bucket| ValueCount {
                value: bucket.key.clone(),
                count: bucket.count,
            };
            (buckets.iter().map(value).collect(), *other_count)
        }
        _ => (Vec::new(), 0),
    };
    let distinct = match result.answer(&format!("distinct {place}")) {
        Some(AggregationAnswer::Cardinality { count }) => *count,
        _ => 0,
    };
    let present = match result.answer(&format!("present {place}")) {
        Some(AggregationAnswer::Buckets { buckets, .. }) => buckets.iter().map(|bucket| bucket.count).sum(),
        _ => 0,
    };
    Facet { field: name.to_owned(), kind: kind_among(known, name), present, distinct, values, other_count }
}

fn kind_among(known: &[FieldInfo], name: &str) -> Option<FieldKind> {
    known.iter().find(|field| field.name == name).map(|field| field.kind).or(mapping::kind_of(name))
}

/// The currencies of the events that have the amount.
fn currencies_of(result: &AggregateResult) -> Vec<String> {
    let Some(AggregationAnswer::Buckets { buckets, .. }) = result.answer("amounts") else { return Vec::new() };
    let below = buckets.iter().flat_map(|bucket| &bucket.children);
    let found = below.filter_map(|(_, answer)| match answer {
        AggregationAnswer::Buckets { buckets, .. } => Some(buckets),
        _ => None,
    });
    found.flatten().filter_map(|bucket| bucket.key.as_text().map(str::to_owned)).collect()
}

/// The canonical names, each once, in the order asked.
fn checked_fields(asked: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in asked.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let name = mapping::canonical(name).to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        let message = "name the fields that are asked about, for example fields=service,level";
        return Err(Error::invalid_field("fields", message));
    }
    if names.len() > FACETS_MAX {
        let message = format!("\"fields\" names {}; at most {FACETS_MAX} are answered at once", names.len());
        return Err(Error::invalid_field("fields", message));
    }
    Ok(names)
}

fn checked_size(asked: Option<usize>) -> Result<usize> {
    let size = asked.unwrap_or(FACET_VALUES_DEFAULT);
    if size <= FACET_VALUES_MAX {
        return Ok(size);
    }
    let message = format!("\"size\" is {size}; at most {FACET_VALUES_MAX} values of a field can be listed");
    Err(Error::invalid_field("size", message))
}

/// A width of 1, 2 or 5 times a power of ten, so that about [`SPANS`] spans hold all numbers from `min` to `max`.
fn span_width(min: f64, max: f64) -> f64 {
    let wanted = (max - min) / SPANS;
    if !wanted.is_finite() {
        return f64::MAX / SPANS;
    }
    // Numbers that lie so close together that their places would be beyond what is counted exactly.
    let smallest = min.abs().max(max.abs()) * 1e-12;
    let wanted = wanted.max(smallest);
    if wanted <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(wanted.log10().floor());
    let width = [1.0, 2.0, 5.0].into_iter().map(|step| step * power).find(|width| *width >= wanted);
    let width = width.unwrap_or(10.0 * power);
    if width.is_normal() { width } else { f64::MIN_POSITIVE }
}

/// The spans from the first to the last that holds a number, empty ones included.
fn filled_spans(counted: &AggregateResult, spans: NumberSpans) -> Vec<(f64, u64)> {
    let Some(AggregationAnswer::Buckets { buckets, .. }) = counted.answer("spans") else { return Vec::new() };
    let found: Vec<(i64, u64)> = buckets.iter().filter_map(|bucket| Some((place_of(bucket)?, bucket.count))).collect();
    let (Some((first, _)), Some((last, _))) = (found.first(), found.last()) else { return Vec::new() };
    let count_at = |place: i64| found.binary_search_by_key(&place, |(at, _)| *at).map_or(0, |index| found[index].1);
    (*first..=*last).map(|place| (spans.start_of(place), count_at(place))).collect()
}

fn place_of(bucket: &vigie_domain::aggregation::Bucket) -> Option<i64> {
    match bucket.key {
        vigie_domain::Value::Int(place) => Some(place),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vigie_domain::ErrorKind;

    use super::*;
    use crate::test_shop::{NOW, Shop, event};

    fn input(query: &str) -> FacetInput {
        FacetInput { query: query.into(), ..FacetInput::default() }
    }

    fn names(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    /// Ten events: two services, amounts 0 to 9, a colour in four of them.
    async fn shop() -> Shop {
        let body = |n: i64| {
            let mut body = json!({"service": if n % 2 == 0 { "cart" } else { "payment" }, "n": n, "message": "done"});
            if n < 4 {
                body["colour"] = json!(["red", "red", "green", "blue"][n as usize]);
            }
            body
        };
        let events: Vec<_> = (0..10).map(|n| event(100 - n, &body(n))).collect();
        Shop::with(&events).await
    }

    #[tokio::test]
    async fn facets_count_who_has_the_field_and_its_values() {
        let shop = shop().await;
        let fields = names(&["colour", "service.name", "service", " ", "absent"]);
        let found = shop.search.facets(&shop.scope, &fields, &FacetInput { size: Some(1), ..input("") }).await.unwrap();
        assert_eq!((found.total, found.facets.len()), (10, 3), "an alias is its field, asked once");
        let told = |facet: &Facet| {
            let values: Vec<_> =
                facet.values.iter().map(|one| (one.value.as_text().unwrap().to_owned(), one.count)).collect();
            (facet.field.clone(), facet.present, facet.distinct, values, facet.other_count)
        };
        assert_eq!(told(&found.facets[0]), ("colour".into(), 4, 3, vec![("red".into(), 2)], 2));
        assert_eq!(told(&found.facets[1]), ("service".into(), 10, 2, vec![("cart".into(), 5)], 5));
        assert_eq!(told(&found.facets[2]), ("absent".into(), 0, 0, vec![], 0));
        let kinds: Vec<_> = found.facets.iter().map(|facet| facet.kind).collect();
        assert_eq!(kinds, [Some(FieldKind::Keyword), Some(FieldKind::Keyword), None]);
        let narrowed = shop.search.facets(&shop.scope, &names(&["colour"]), &input("service:payment")).await.unwrap();
        assert_eq!((narrowed.total, narrowed.facets[0].present), (5, 2));
    }

    #[tokio::test]
    async fn numbers_have_their_spread_and_spans_without_gaps() {
        let shop = shop().await;
        let found = shop.search.field_stats(&shop.scope, "n", &input("n:<2 OR n:>7")).await.unwrap();
        let numbers = found.numbers.unwrap();
        assert_eq!((found.total, found.facet.present, found.facet.distinct), (4, 4, 4));
        assert_eq!((numbers.stats.min, numbers.stats.max, numbers.stats.mean()), (Some(0.0), Some(9.0), Some(4.5)));
        assert_eq!(numbers.percentiles[2], (50.0, 4.5));
        assert_eq!((numbers.interval, numbers.spans.len()), (0.5, 19));
        let filled: Vec<f64> = numbers.spans.iter().filter(|(_, count)| *count > 0).map(|(start, _)| *start).collect();
        assert_eq!(filled, [0.0, 1.0, 8.0, 9.0]);
        let words = shop.search.field_stats(&shop.scope, "service", &input("")).await.unwrap();
        assert_eq!((words.numbers, words.instants), (None, None));
    }

    #[tokio::test]
    async fn amounts_tell_their_currencies() {
        let payment = |n: i64, currency: &str| event(n, &json!({"amount": n, "currency": currency}));
        let events = [payment(3, "EUR"), payment(2, "USD"), payment(1, "EUR"), event(0, &json!({"currency": "CHF"}))];
        let shop = Shop::with(&events).await;
        let currencies =
            async |query: &str| shop.search.field_stats(&shop.scope, "amount", &input(query)).await.unwrap().currencies;
        assert_eq!(currencies("").await, ["EUR", "USD"], "an event without an amount does not count");
        assert_eq!(currencies("currency:USD").await, ["USD"]);
        assert!(shop.search.field_stats(&shop.scope, "currency", &input("")).await.unwrap().currencies.is_empty());
    }

    #[tokio::test]
    async fn the_own_time_has_its_first_and_last_instant() {
        let shop = shop().await;
        let ago = |seconds: i64| NOW.saturating_add_nanos(-seconds * 1_000_000_000);
        let found = shop.search.field_stats(&shop.scope, "@timestamp", &input("colour:*")).await.unwrap();
        assert_eq!((found.facet.present, found.instants), (4, Some((ago(100), ago(97)))));
        assert_eq!((found.facet.distinct, found.facet.values.len(), found.facet.other_count), (4, 0, 0));
        let none = shop.search.field_stats(&shop.scope, "@timestamp", &input("colour:none")).await.unwrap();
        assert_eq!((none.total, none.instants), (0, None));
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_refused_by_name() {
        let shop = shop().await;
        let many: Vec<String> = (0..21).map(|n| format!("f{n}")).collect();
        let check = async |fields: &[String], input: FacetInput, kind: ErrorKind, field: &str| {
            let error = shop.search.facets(&shop.scope, fields, &input).await.unwrap_err();
            assert_eq!((error.kind, error.details[0].field.as_str()), (kind, field), "{error}");
        };
        check(&[], input(""), ErrorKind::Invalid, "fields").await;
        check(&many, input(""), ErrorKind::Invalid, "fields").await;
        check(&names(&["a"]), FacetInput { size: Some(101), ..input("") }, ErrorKind::Invalid, "size").await;
        check(&names(&["a"]), input("level:("), ErrorKind::Malformed, "query").await;
        let error = shop.search.field_stats(&shop.scope, "nowhere", &input("")).await.unwrap_err();
        assert!(error.kind == ErrorKind::NotFound && error.message.contains("\"nowhere\""), "{error}");
        assert_eq!(shop.search.field_stats(&shop.scope, "amount", &input("")).await.unwrap().facet.present, 0);
        let hidden = Scope { hidden_fields: vec!["colour".into(), "amount".into()], ..Scope::main() };
        for field in ["colour", "amount"] {
            let error = shop.search.field_stats(&hidden, field, &input("")).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotFound, "{field}");
        }
    }

    #[test]
    fn spans_are_round_and_few() {
        let check = |min: f64, max: f64, width: f64| assert_eq!(span_width(min, max), width, "{min} {max}");
        check(0.0, 9.0, 0.5);
        check(0.0, 100.0, 5.0);
        check(-40.0, 400.0, 50.0);
        check(12.3, 12.9, 0.05);
        check(0.0, 0.0, 1.0);
        for (min, max) in
            [(5.0, 5.0), (1e15, 1e15 + 1.0), (f64::MIN, f64::MAX), (0.0, 5e-324), (-1e300, 1e300), (0.1, 1e18)]
        {
            let spans = NumberSpans { interval: span_width(min, max), offset: 0.0 };
            assert!(spans.are_valid(), "{min} {max}");
            let count = i128::from(spans.place_of(max)) - i128::from(spans.place_of(min)) + 1;
            assert!((1..=42).contains(&count), "{min} {max}: {count}");
        }
    }
}
