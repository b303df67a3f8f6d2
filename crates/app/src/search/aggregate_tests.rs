//! Which questions are refused, and where.

use vigie_domain::ErrorKind;
use vigie_domain::aggregation::AggregationKind;
use vigie_domain::query::{CLAUSES_MAX, WILDCARDS_MAX};
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};

use super::aggregate::{DEPTH_MAX, FILTERS_MAX, NAME_BYTES_MAX, PERCENTS_MAX, QUESTIONS_MAX, TERMS_MAX};
use super::*;
use crate::test_shop::Shop;
use crate::time_range::RangeNames;

fn question(name: &str, kind: AskedKind, children: Vec<AskedQuestion>) -> AskedQuestion {
    AskedQuestion { name: name.to_owned(), kind, children }
}

fn terms(size: usize) -> AskedKind {
    AskedKind::Terms { field: "service.name".to_owned(), size }
}

fn histogram(interval: &str, offset: Option<&str>) -> AskedKind {
    AskedKind::DateHistogram { interval: interval.to_owned(), offset: offset.map(str::to_owned) }
}

fn percentiles(percents: Vec<f64>) -> AskedKind {
    AskedKind::Percentiles { field: "n".to_owned(), percents }
}

fn filters(count: usize) -> AskedKind {
    AskedKind::Filters((0..count).map(|n| (n.to_string(), format!("n:{n}"))).collect())
}

async fn ask(questions: Vec<AskedQuestion>, range: AskedRange) -> Result<Vec<Aggregation>> {
    let shop = Shop::new();
    let input = AggregateInput { questions, range, ..AggregateInput::default() };
    Ok(shop.search.aggregate(&shop.scope, &input).await?.questions)
}

async fn refused(questions: Vec<AskedQuestion>) -> (ErrorKind, String) {
    let error = ask(questions, AskedRange::default()).await.unwrap_err();
    (error.kind, error.details[0].field.clone())
}

/// Terms of terms, so deep.
fn nested(depth: usize, size: usize) -> AskedQuestion {
    let below = (1..depth).fold(Vec::new(), |below, _| vec![question("a", terms(size), below)]);
    question("a", terms(size), below)
}

#[tokio::test]
async fn questions_have_bounds() {
    let check = async |asked: Vec<AskedQuestion>, place: &str| {
        assert_eq!(refused(asked).await, (ErrorKind::Invalid, place.to_owned()));
    };
    let one = |kind: AskedKind| vec![question("a", kind, Vec::new())];
    check(one(terms(0)), "aggregations.a.terms.size").await;
    check(one(terms(TERMS_MAX + 1)), "aggregations.a.terms.size").await;
    check(one(AskedKind::Stats { field: String::new() }), "aggregations.a.stats.field").await;
    check(one(filters(0)), "aggregations.a.filters").await;
    check(one(filters(FILTERS_MAX + 1)), "aggregations.a.filters").await;
    check(one(percentiles(Vec::new())), "aggregations.a.percentiles.percents").await;
    check(one(percentiles(vec![50.0; PERCENTS_MAX + 1])), "aggregations.a.percentiles.percents").await;
    check(one(percentiles(vec![f64::NAN])), "aggregations.a.percentiles.percents").await;
    check(one(histogram("1h", Some("1h"))), "aggregations.a.date_histogram.offset").await;
    check(vec![question("", terms(1), Vec::new())], "aggregations").await;
    check(vec![question(&"n".repeat(NAME_BYTES_MAX + 1), terms(1), Vec::new())], "aggregations").await;
    check(vec![nested(1, 1), nested(1, 1)], "aggregations").await;
    let many = (0..=QUESTIONS_MAX).map(|n| question(&n.to_string(), terms(1), Vec::new())).collect();
    check(many, "aggregations").await;
    let texts = |text: &str, count: usize| {
        let text = vec![text; count].join(" ");
        AskedKind::Filters(vec![("first".to_owned(), text.clone()), ("second".to_owned(), text)])
    };
    check(one(texts("n:1", CLAUSES_MAX / 2 + 1)), "aggregations.a.filters.second").await;
    check(one(texts("n:1*", WILDCARDS_MAX / 2 + 1)), "aggregations.a.filters.second").await;
    let deep = "aggregations.a.".repeat(DEPTH_MAX) + "aggregations";
    check(vec![nested(DEPTH_MAX + 1, 1)], &deep).await;
    check(vec![nested(2, 1_000)], "aggregations.a.aggregations.a").await;
    let below_numbers = question("a", percentiles(vec![50.0]), vec![nested(1, 1)]);
    check(vec![below_numbers], "aggregations.a.aggregations").await;
    let open = question("a", terms(10), vec![question("b", histogram("1h", None), Vec::new())]);
    check(vec![open], "aggregations.a.aggregations.b.date_histogram").await;
}

#[tokio::test]
async fn what_lies_within_the_bounds_is_asked() {
    assert!(ask(vec![nested(DEPTH_MAX, 10)], AskedRange::default()).await.is_ok());
    assert!(ask(vec![question("a", terms(TERMS_MAX), Vec::new())], AskedRange::default()).await.is_ok());
    let day = AskedRange { from: Some("now-1d".to_owned()), to: Some("now".to_owned()), names: RangeNames::Dates };
    let per_span =
        |interval: &str| vec![question("a", terms(10), vec![question("b", histogram(interval, None), Vec::new())])];
    assert!(ask(per_span("1m"), day.clone()).await.is_ok());
    let error = ask(per_span("1s"), day).await.unwrap_err();
    assert_eq!(error.details[0].field, "aggregations.a.aggregations.b");
}

#[tokio::test]
async fn words_become_the_terms_of_the_store() {
    let kind = async |kind: AskedKind| {
        let asked = ask(vec![question("a", kind, Vec::new())], AskedRange::default()).await.unwrap();
        asked[0].kind.clone()
    };
    let service = AggregationKind::terms("service", 3);
    assert_eq!(kind(terms(3)).await, service, "an alias is the field");
    let spans = |interval_ns: i64, offset_ns: i64| AggregationKind::DateHistogram { interval_ns, offset_ns };
    let hour_ns = 3_600 * NANOS_PER_SECOND;
    assert_eq!(kind(histogram("1h", None)).await, spans(hour_ns, 0));
    assert_eq!(kind(histogram("1d", Some("-2h"))).await, spans(NANOS_PER_DAY, -2 * hour_ns));
    assert_eq!(kind(histogram("1w", Some("2h"))).await, spans(7 * NANOS_PER_DAY, 4 * NANOS_PER_DAY + 2 * hour_ns));
    let malformed = |place: &str| (ErrorKind::Malformed, format!("aggregations.a.{place}"));
    let one = |kind: AskedKind| vec![question("a", kind, Vec::new())];
    assert_eq!(refused(one(histogram("1y", None))).await, malformed("date_histogram.interval"));
    assert_eq!(refused(one(histogram("1h", Some("--5m")))).await, malformed("date_histogram.offset"));
    let wrong = AskedKind::Filters(vec![("f".to_owned(), "level:".to_owned())]);
    assert_eq!(refused(one(wrong)).await, malformed("filters.f"));
}
