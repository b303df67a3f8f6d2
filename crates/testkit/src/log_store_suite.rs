//! What every `LogStore` must do. `log_store_suite!(make)` makes a test of each case.

use serde_json::json;
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, AskedField, Bucket, KeyBy, KeyDirection, KeyFilter, KeySet,
    NumberSpans, RankKey, Ranked, Ranking, Stats, TermsOrder, TimeSpans, TupleKey, TupleOrder, Tuples,
};
use vigie_domain::ports::{
    AggregateRequest, Append, AppendOutcome, LogStore, ScanStats, SearchRequest, SearchResult, Selection, SortOrder,
};
use vigie_domain::query::{Query, parse};
use vigie_domain::{ErrorKind, Event, EventId, LogType, Object, Position, Scope, TimeRange, Timestamp, Value};

/// Makes a test of every case; `make` is an expression that gives a fresh store and what must outlive it.
#[macro_export]
macro_rules! log_store_suite {
    ($make:expr) => {
        $crate::log_store_suite!(@cases $make;
            appended_events_are_found_at_once
            order_ties_and_pages
            ranges_are_half_open
            events_are_found_by_id
            batches_and_ids_are_stored_once
            sources_come_back_as_they_were_sent
            buckets_metrics_and_children
            a_value_stands_for_those_that_are_missing
            buckets_of_combinations_and_of_other_instants
            events_are_ranked_by_values_and_found_by_place
            buckets_of_all_levels_are_bounded_together
            values_of_several_types_are_told_apart
            fields_and_indices_are_listed
            scopes_restrict_and_hide
            words_are_found_in_every_string
        );
    };
    (@cases $make:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (store, _house) = $make;
                $crate::log_store_suite::$case(&store).await;
            }
        )*
    };
}

/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;
const SECOND_NS: i64 = 1_000_000_000;

fn body(json: &str) -> Object {
    match serde_json::from_str(json).unwrap() {
        Value::Object(body) => body,
        other => panic!("no object: {other:?}"),
    }
}

fn event(second: i64, json: &str) -> Event {
    let at = Timestamp::from_seconds(DAY_S + second);
    Event { id: None, timestamp: at, ingested_at: at, log_type: LogType::Transaction, body: body(json) }
}

async fn append(store: &dyn LogStore, events: Vec<Event>) -> AppendOutcome {
    store.append(&Scope::main(), Append { key: None, events: events.into() }).await.unwrap()
}

fn selection(query: &str) -> Selection {
    Selection { query: parse(query).unwrap(), range: TimeRange::ALL }
}

fn request(query: &str) -> SearchRequest {
    SearchRequest {
        selection: selection(query),
        order: SortOrder::NewestFirst,
        after: None,
        skip: 0,
        limit: 100,
        count_total: true,
    }
}

async fn search(store: &dyn LogStore, request: SearchRequest) -> SearchResult {
    store.search(&Scope::main(), &request).await.unwrap()
}

/// The numbers `n` of what was found.
fn numbers(result: &SearchResult) -> Vec<i64> {
    let number = |source: &Object| match source.iter().find(|(name, _)| name == "n") {
        Some((_, Value::Int(number))) => *number,
        _ => -1,
    };
    result.hits.iter().map(|hit| number(&hit.source)).collect()
}

fn numbered(second: i64, n: i64) -> Event {
    event(second, &json!({ "n": n }).to_string())
}

/// What was acknowledged is searched at once, total included.
pub async fn appended_events_are_found_at_once(store: &dyn LogStore) {
    assert!(search(store, request("")).await.hits.is_empty());
    let outcome =
        append(store, vec![event(1, r#"{"n":1,"service":"cart"}"#), event(2, r#"{"n":2,"service":"web"}"#)]).await;
    assert_eq!((outcome.stored, outcome.known), (2, vec![]));
    let found = search(store, request("service:cart")).await;
    assert_eq!((numbers(&found), found.total), (vec![1], Some(1)));
    let nothing = append(store, Vec::new()).await;
    assert_eq!((nothing.stored, nothing.known), (0, vec![]));
}

/// Newest and oldest first, ties in order of arrival, pages by skip and by position.
pub async fn order_ties_and_pages(store: &dyn LogStore) {
    append(store, vec![numbered(5, 1), numbered(3, 2), numbered(5, 3)]).await;
    append(store, vec![numbered(5, 4), numbered(100_000, 5), numbered(-100_000, 6)]).await;
    assert_eq!(numbers(&search(store, request("")).await), [5, 4, 3, 1, 2, 6]);
    let oldest = SearchRequest { order: SortOrder::OldestFirst, ..request("") };
    assert_eq!(numbers(&search(store, oldest.clone()).await), [6, 2, 1, 3, 4, 5]);
    let page = SearchRequest { skip: 1, limit: 2, ..oldest.clone() };
    assert_eq!(numbers(&search(store, page.clone()).await), [2, 1]);
    for order in [SortOrder::NewestFirst, SortOrder::OldestFirst] {
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let next = SearchRequest { order, after, limit: 2, count_total: false, ..request("") };
            let result = search(store, next).await;
            assert_eq!(result.total, None);
            let Some(last) = result.hits.last() else { break };
            after = Some(last.position);
            seen.extend(numbers(&result));
        }
        let whole = SearchRequest { order, ..request("") };
        assert_eq!(seen, numbers(&search(store, whole).await));
    }
    let none = SearchRequest { limit: 0, ..request("") };
    assert_eq!(search(store, none).await.total, Some(6));
}

/// The start of a range is within, its end is not.
pub async fn ranges_are_half_open(store: &dyn LogStore) {
    append(store, (0..5).map(|second| numbered(second, second)).collect()).await;
    let at = |second: i64| Timestamp::from_seconds(DAY_S + second);
    let mut ranged = request("");
    ranged.selection.range = TimeRange { from: at(1), to: at(3) };
    let found = search(store, ranged).await;
    assert_eq!((numbers(&found), found.total), (vec![2, 1], Some(2)));
}

/// By a sender's id and by the id that was made.
pub async fn events_are_found_by_id(store: &dyn LogStore) {
    let named = Event { id: Some(EventId("order-7".into())), ..numbered(1, 1) };
    append(store, vec![named, numbered(2, 2)]).await;
    let hits = search(store, request("")).await.hits;
    for hit in &hits {
        let found = store.get(&Scope::main(), &hit.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(hit));
    }
    assert_eq!(hits[1].id, EventId("order-7".into()));
    for unknown in ["order-8", "~ffffffff", "", "~zz"] {
        assert_eq!(store.get(&Scope::main(), &EventId(unknown.into())).await.unwrap(), None, "{unknown}");
    }
}

/// A key and an id are stored once, also within one batch.
pub async fn batches_and_ids_are_stored_once(store: &dyn LogStore) {
    let keyed = |n: i64| Append { key: Some("request/1".into()), events: vec![numbered(n, n)].into() };
    let scope = Scope::main();
    let fate = |outcome: &AppendOutcome| (outcome.stored, outcome.known.clone());
    assert_eq!(fate(&store.append(&scope, keyed(1)).await.unwrap()), (1, vec![]));
    assert_eq!(fate(&store.append(&scope, keyed(2)).await.unwrap()), (0, vec![0]));
    let named = |id: &str, n: i64| Event { id: Some(EventId(id.into())), ..numbered(n, n) };
    let first = append(store, vec![named("a", 3), named("a", 4), named("b", 5), numbered(6, 6)]).await;
    assert_eq!(fate(&first), (3, vec![1]));
    let second = append(store, vec![named("b", 7), named("c", 8), numbered(9, 9)]).await;
    assert_eq!(fate(&second), (2, vec![0]));
    let third = append(store, vec![named("c", 10), named("b", 11)]).await;
    assert_eq!(fate(&third), (0, vec![0, 1]));
    assert_eq!(numbers(&search(store, request("")).await), [9, 8, 6, 5, 3, 1]);
    // Those that are stored are numbered one after the other, so that each has a name.
    for (outcome, place, n) in [(&first, 2, 6), (&second, 1, 9)] {
        let made = EventId::from_sequence(outcome.first_sequence + place);
        let found = store.get(&scope, &made).await.unwrap();
        assert_eq!(found.map(|hit| hit.source), Some(body(&format!("{{\"n\":{n}}}"))));
    }
}

/// Nesting, order, nulls, odd names and numbers survive.
pub async fn sources_come_back_as_they_were_sent(store: &dyn LogStore) {
    let sent = [
        r#"{"a":{"b":1,"c":{"d":null}},"a.b":3,"e":[],"f":{},"g":[1,{"x":2.5}]}"#,
        r#"{"amount":"abc","quantity":1.5,"status":7,"message":5,"ok":"yes"}"#,
        r#"{"service":null,"app":"cart","application":"x","é ü":"日本\u0000"}"#,
        r#"{"big":18446744073709551615,"small":1e-300,"z":{"a":1},"y":1,"z":{"b":2}}"#,
        r#"{"@timestamp":"2026-11-23T00:00:04.000Z","ts":1795392004000,"time":"x","log_type":"transaction"}"#,
        "{}",
    ];
    append(store, (0..).zip(sent).map(|(second, json)| event(second, json)).collect()).await;
    let oldest = SearchRequest { order: SortOrder::OldestFirst, ..request("") };
    for (hit, json) in search(store, oldest).await.hits.iter().zip(sent) {
        assert_eq!(hit.source, body(json), "{json}");
    }
}

async fn aggregate(store: &dyn LogStore, query: &str, question: Aggregation) -> AggregationAnswer {
    let request = AggregateRequest { selection: selection(query), aggregations: vec![question] };
    let mut result = store.aggregate(&Scope::main(), &request).await.unwrap();
    result.answers.remove(0).1
}

fn counts(answer: &AggregationAnswer) -> Vec<(Value, u64)> {
    match answer {
        AggregationAnswer::Buckets { buckets, .. } => buckets.iter().map(|b| (b.key.clone(), b.count)).collect(),
        other => panic!("no buckets: {other:?}"),
    }
}

/// Every kind of question, and questions within buckets.
pub async fn buckets_metrics_and_children(store: &dyn LogStore) {
    let rows = [("cart", 10.5), ("cart", 20.25), ("web", 1.0), ("web", 2.0), ("web", 3.0), ("api", 7.0)];
    let events = (0..).zip(rows).map(|(n, (service, amount))| {
        event(n * 40, &json!({"n": n, "service": service, "amount": amount}).to_string())
    });
    append(store, events.collect()).await;
    let terms = Aggregation::terms("t", "service", 2).with(Aggregation::stats("s", "amount"));
    let AggregationAnswer::Buckets { buckets, other_count } = aggregate(store, "", terms).await else {
        panic!("no buckets")
    };
    assert_eq!(other_count, 1);
    assert_eq!((buckets[0].key.clone(), buckets[0].count), (Value::text("web"), 3));
    let cart = Stats { count: 2, sum: 30.75, min: Some(10.5), max: Some(20.25), sum_of_squares: 520.312_5 };
    assert_eq!(buckets[1].children, [("s".to_owned(), AggregationAnswer::Stats(cart))]);
    let minutes = AggregationKind::DateHistogram { interval_ns: 60 * SECOND_NS, offset_ns: 0 };
    let histogram = aggregate(store, "NOT n:2 NOT n:3", Aggregation::leaf("h", minutes)).await;
    let start = |minute: i64| Value::Int((DAY_S + minute * 60) * SECOND_NS);
    assert_eq!(counts(&histogram), [(start(0), 2), (start(1), 0), (start(2), 1), (start(3), 1)]);
    let named = vec![("dear".to_owned(), parse("amount>5").unwrap()), ("none".to_owned(), Query::Nothing)];
    let filters = aggregate(store, "", Aggregation::leaf("f", AggregationKind::Filters(named))).await;
    assert_eq!(counts(&filters), [(Value::text("dear"), 3), (Value::text("none"), 0)]);
    let distinct = aggregate(store, "service:(web OR api)", Aggregation::cardinality("c", "service")).await;
    assert_eq!(distinct, AggregationAnswer::Cardinality { count: 2 });
    let median = AggregationKind::Percentiles { field: "amount".into(), percents: vec![0.0, 50.0, 100.0] };
    let expected = vec![(0.0, Some(1.0)), (50.0, Some(5.0)), (100.0, Some(20.25))];
    assert_eq!(aggregate(store, "", Aggregation::leaf("p", median)).await, AggregationAnswer::Percentiles(expected));
    let nothing = aggregate(store, "service:nobody", Aggregation::stats("s", "amount")).await;
    assert_eq!(nothing, AggregationAnswer::Stats(Stats::default()));
}

/// What is said to stand for a missing value counts as one, of a hidden field too.
pub async fn a_value_stands_for_those_that_are_missing(store: &dyn LogStore) {
    let sent = [r#"{"service":"cart","amount":10.5}"#, r#"{"amount":2}"#, r#"{"service":"web","x":["a",1]}"#, "{}"];
    append(store, (0..).zip(sent).map(|(second, json)| event(second, json)).collect()).await;
    let of = |name: &str, missing: Value| AskedField { name: name.to_owned(), missing: Some(missing) };
    let terms = |missing: &str| Aggregation::terms("t", of("service", Value::text(missing)), 5);
    let counted = counts(&aggregate(store, "", terms("none")).await);
    assert_eq!(counted, [(Value::text("none"), 2), (Value::text("cart"), 1), (Value::text("web"), 1)]);
    let below = aggregate(store, "", terms("web").with(Aggregation::stats("s", of("amount", Value::Int(3))))).await;
    let AggregationAnswer::Buckets { buckets, .. } = below else { panic!("no buckets") };
    let AggregationAnswer::Stats(stats) = buckets[0].children[0].1 else { panic!("no stats") };
    assert_eq!((buckets[0].count, stats.count, stats.sum, stats.max), (3, 3, 8.0, Some(3.0)));
    let distinct = Aggregation::cardinality("c", of("x", Value::text("a")));
    assert_eq!(aggregate(store, "", distinct).await, AggregationAnswer::Cardinality { count: 2 });
    let median = AggregationKind::Percentiles { field: of("amount", Value::Int(0)), percents: vec![50.0] };
    let median = aggregate(store, "", Aggregation::leaf("p", median)).await;
    assert_eq!(median, AggregationAnswer::Percentiles(vec![(50.0, Some(1.0))]));
    let weighted = AggregationKind::WeightedMean { field: "amount".into(), weight: of("n", Value::Int(2)) };
    let mean = aggregate(store, "", Aggregation::leaf("w", weighted)).await;
    assert_eq!(mean, AggregationAnswer::Number(Some(6.25)));
    let spans = NumberSpans { interval: 10.0, offset: 0.0 };
    let spans = AggregationKind::Histogram { field: of("amount", Value::Int(-1)), spans };
    let spans = counts(&aggregate(store, "", Aggregation::leaf("h", spans)).await);
    assert_eq!(spans, [(Value::Int(-1), 2), (Value::Int(0), 1), (Value::Int(1), 1)]);
    let hiding = Scope { hidden_fields: vec!["service".to_owned()], ..Scope::main() };
    let request = AggregateRequest { selection: selection(""), aggregations: vec![terms("?")] };
    let hidden = store.aggregate(&hiding, &request).await.unwrap();
    assert_eq!(counts(&hidden.answers[0].1), [(Value::text("?"), 4)]);
}

/// Combinations of values in either order and page by page, chosen keys, and spans of instants that are not the event's own.
pub async fn buckets_of_combinations_and_of_other_instants(store: &dyn LogStore) {
    let sent = [
        r#"{"service":"cart","amount":5,"account_created_at":"2026-11-20T10:00:00.000Z"}"#,
        r#"{"service":"cart","amount":17,"account_created_at":"2026-11-20T23:00:00.000Z"}"#,
        r#"{"service":"web","amount":6}"#,
        r#"{"service":["web","cart"],"amount":5.5}"#,
        r#"{"amount":7,"account_created_at":"2026-11-22T00:00:00.000Z"}"#,
    ];
    append(store, (0..).zip(sent).map(|(second, json)| event(second, json)).collect()).await;
    let tens = || KeyBy::Numbers(NumberSpans { interval: 10.0, offset: 0.0 });
    let tuples = async |missing: Option<Value>, order: TupleOrder, size: usize| {
        let service = TupleKey { field: AskedField::from("service").or(missing), by: KeyBy::Value };
        let keys = vec![service, TupleKey { field: "amount".into(), by: tens() }];
        let kind = AggregationKind::Tuples(Tuples { keys, order, size });
        let found = counts(&aggregate(store, "", Aggregation::leaf("t", kind)).await);
        found.iter().map(|(key, count)| format!("{} {count}", key.to_json())).collect::<Vec<_>>()
    };
    assert_eq!(tuples(None, TupleOrder::MostFirst, 2).await, [r#"["cart",0] 2"#, r#"["web",0] 2"#]);
    let by = |after: Option<Vec<Value>>| TupleOrder::Keys {
        directions: vec![
            KeyDirection { is_ascending: false, is_missing_first: true },
            KeyDirection { is_ascending: true, is_missing_first: true },
        ],
        after,
    };
    let first = tuples(Some(Value::Null), by(None), 3).await;
    assert_eq!(first, ["[null,0] 1", r#"["web",0] 2"#, r#"["cart",0] 2"#]);
    let behind = by(Some(vec![Value::text("cart"), Value::Int(0)]));
    assert_eq!(tuples(Some(Value::Null), behind, 3).await, [r#"["cart",1] 1"#]);
    let terms = async |order: TermsOrder, filter: KeyFilter| {
        let kind = AggregationKind::Terms { field: "amount".into(), size: 2, order, filter };
        counts(&aggregate(store, "", Aggregation::leaf("t", kind)).await)
    };
    let all = KeyFilter::default();
    let largest = terms(TermsOrder::LargestKeyFirst, all.clone()).await;
    assert_eq!(largest, [(Value::Int(17), 1), (Value::Int(7), 1)]);
    let some = KeyFilter { includes: None, excludes: Some(KeySet::Values(vec![Value::Int(17), Value::Int(5)])) };
    assert_eq!(terms(TermsOrder::SmallestKeyFirst, some).await, [(Value::Float(5.5), 1), (Value::Int(6), 1)]);
    assert_eq!(terms(TermsOrder::FewestFirst, all).await, [(Value::Int(5), 1), (Value::Float(5.5), 1)]);
    let spans = TimeSpans::Fixed { interval_ns: 86_400 * SECOND_NS, offset_ns: 0 };
    let kind = AggregationKind::InstantHistogram { field: "account_created_at".into(), spans };
    let found = counts(&aggregate(store, "", Aggregation::leaf("h", kind)).await);
    let day = |number: i64| Value::Int((DAY_S + number * 86_400) * SECOND_NS);
    assert_eq!(found, [(day(-3), 2), (day(-1), 1)]);
    let long: Vec<i64> = (0..101).collect();
    append(store, vec![event(9, &json!({"service": long, "amount": long}).to_string())]).await;
    let keys = ["service", "amount"].map(|name| TupleKey { field: name.into(), by: KeyBy::Value }).to_vec();
    let kind = AggregationKind::Tuples(Tuples { keys, order: TupleOrder::MostFirst, size: 1 });
    let request = AggregateRequest { selection: selection(""), aggregations: vec![Aggregation::leaf("t", kind)] };
    assert_eq!(store.aggregate(&Scope::main(), &request).await.unwrap_err().kind, ErrorKind::TooLarge);
}

/// The first events by values, also of each bucket, and behind others; where they stand, they are found.
pub async fn events_are_ranked_by_values_and_found_by_place(store: &dyn LogStore) {
    let sent = [
        r#"{"n":0,"amount":7,"service":"web"}"#,
        r#"{"n":1,"amount":[1,20],"service":"cart"}"#,
        r#"{"n":2,"service":"cart"}"#,
        r#"{"n":3,"amount":7,"service":"cart"}"#,
        r#"{"n":4,"amount":2.5,"service":"web","account_created_at":["2026-11-21T00:00:00.000Z","2026-11-20T00:00:00.000Z"]}"#,
        r#"{"n":5,"amount":3,"account_created_at":"2026-11-20T10:00:00.000Z"}"#,
    ];
    append(store, (0..).zip(sent).map(|(second, json)| event(second % 4, json)).collect()).await;
    let scope = Scope::main();
    let ask = async |scope: &Scope, keys: Vec<RankKey>, after: Option<(Vec<Value>, Option<u64>)>| {
        let kind = AggregationKind::Top { ranking: Ranking { keys, is_latest_first: false, after }, size: 4 };
        let request =
            AggregateRequest { selection: selection("n:*"), aggregations: vec![Aggregation::leaf("t", kind)] };
        match store.aggregate(scope, &request).await.unwrap().answers.remove(0).1 {
            AggregationAnswer::Top(events) => events,
            other => panic!("no ranking: {other:?}"),
        }
    };
    let found = async |events: &[Ranked]| {
        let places: Vec<Position> = events.iter().map(|event| event.position).collect();
        numbers(&SearchResult {
            hits: store.at(&scope, &places).await.unwrap(),
            total: None,
            stats: ScanStats::default(),
        })
    };
    let by = |name: &str, is_ascending: bool| RankKey::new(name, is_ascending);
    let cheap = ask(&scope, vec![by("amount", true)], None).await;
    assert_eq!(cheap[1].values, [Value::Float(2.5)]);
    assert_eq!(found(&cheap).await, [1, 4, 5, 0]);
    let behind = Some((cheap[3].values.clone(), Some(cheap[3].position.sequence)));
    assert_eq!(found(&ask(&scope, vec![by("amount", true)], behind).await).await, [3, 2]);
    assert_eq!(found(&ask(&scope, vec![by("amount", false)], None).await).await, [1, 0, 3, 5]);
    let keys = vec![by("service", false), by("n", false)];
    assert_eq!(found(&ask(&scope, keys, None).await).await, [4, 0, 3, 2]);
    let instants = ask(&scope, vec![by("account_created_at", true)], None).await;
    assert_eq!(found(&instants[..2]).await, [4, 5]);
    assert_eq!(instants[0].values, [Value::Int(1_795_132_800 * SECOND_NS)]);
    let top = AggregationKind::Top {
        ranking: Ranking { keys: vec![by("n", false)], is_latest_first: false, after: None },
        size: 1,
    };
    let terms = Aggregation::terms("t", "service", 5).with(Aggregation::leaf("top", top));
    let AggregationAnswer::Buckets { buckets, .. } = aggregate(store, "", terms).await else { panic!("no buckets") };
    let AggregationAnswer::Top(of_cart) = &buckets[0].children[0].1 else { panic!("no ranking") };
    assert_eq!(found(of_cart).await, [3]);
    let seeing = Scope {
        restriction: Some(Query::equals("service", "web")),
        hidden_fields: vec!["amount".into()],
        ..Scope::main()
    };
    let hidden = ask(&seeing, vec![by("amount", true)], None).await;
    assert_eq!(hidden.iter().map(|event| event.values.clone()).collect::<Vec<_>>(), [[Value::Null], [Value::Null]]);
    let places: Vec<Position> = cheap.iter().map(|event| event.position).collect();
    assert_eq!(store.at(&seeing, &places).await.unwrap().len(), 2, "only what the scope may see is found");
    assert!(store.at(&scope, &[Position { sequence: 999, ..places[0] }]).await.unwrap().is_empty());
}

/// Histograms within buckets are bounded together, and within the bound they are answered.
pub async fn buckets_of_all_levels_are_bounded_together(store: &dyn LogStore) {
    let services = ["cart", "web", "api"];
    let numbered = services.into_iter().flat_map(|service| [(0, service), (40_000, service)]);
    let events = numbered.map(|(second, service)| event(second, &json!({ "service": service }).to_string()));
    append(store, events.collect()).await;
    let ask = async |services: usize, seconds: i64| {
        let spans = AggregationKind::DateHistogram { interval_ns: seconds * SECOND_NS, offset_ns: 0 };
        let question = Aggregation::terms("t", "service", services).with(Aggregation::leaf("h", spans));
        let request = AggregateRequest { selection: selection(""), aggregations: vec![question] };
        store.aggregate(&Scope::main(), &request).await
    };
    assert_eq!(ask(3, 1).await.unwrap_err().kind, ErrorKind::TooLarge);
    let AggregationAnswer::Buckets { buckets, .. } = &ask(2, 1).await.unwrap().answers[0].1 else {
        panic!("no buckets")
    };
    let spans = |bucket: &Bucket| counts(&bucket.children[0].1).len();
    assert_eq!(buckets.iter().map(spans).collect::<Vec<_>>(), [40_001, 40_001]);
    assert!(ask(3, 2).await.is_ok());
}

/// A field whose values are of several types answers by value.
pub async fn values_of_several_types_are_told_apart(store: &dyn LogStore) {
    let sent = [
        r#"{"n":1,"x":5}"#,
        r#"{"n":2,"x":"5"}"#,
        r#"{"n":3,"x":5.5}"#,
        r#"{"n":4,"x":true}"#,
        r#"{"n":5,"x":[5,"5",5]}"#,
    ];
    append(store, (0..).zip(sent).map(|(second, json)| event(second, json)).collect()).await;
    let found = async |query: &str| {
        numbers(&search(store, SearchRequest { order: SortOrder::OldestFirst, ..request(query) }).await)
    };
    assert_eq!(found("x:5").await, [1, 2, 5]);
    assert_eq!(found("x>5").await, [3]);
    assert_eq!(found("x:true").await, [4]);
    assert_eq!(found("NOT x:5").await, [3, 4]);
    // Below a list an alias is no alias, whatever the list itself is called.
    let listed = [r#"{"n":6,"app":[{"name":"z"}]}"#, r#"{"n":7,"ts":[{"y":"zz"}]}"#];
    append(store, (5..).zip(listed).map(|(second, json)| event(second, json)).collect()).await;
    assert_eq!(found("app.name:z").await, [6]);
    assert!(found("service:z").await.is_empty());
    assert_eq!(found("zz").await, [7]);
    let terms = aggregate(store, "", Aggregation::terms("t", "x", 10)).await;
    let expected = [(Value::Int(5), 2), (Value::text("5"), 2), (Value::Bool(true), 1), (Value::Float(5.5), 1)];
    assert_eq!(counts(&terms), expected);
}

/// Names of fields and days of events.
pub async fn fields_and_indices_are_listed(store: &dyn LogStore) {
    let other =
        Event { log_type: LogType::Error, ..event(86_400, r#"{"service.name":"x","deep":{"er":[{"est":1}]}}"#) };
    append(store, vec![event(1, r#"{"app":"x","amount":1,"gone":null}"#), other]).await;
    let fields = store.fields(&Scope::main(), TimeRange::ALL).await.unwrap();
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["@timestamp", "amount", "deep.er.est", "log_type", "service"]);
    assert_eq!(fields[4].log_types, [LogType::Transaction, LogType::Error]);
    let indices = store.indices(&Scope::main()).await.unwrap();
    let listed: Vec<_> = indices.iter().map(|index| (index.day.to_string(), index.counts.clone())).collect();
    let expected = [
        ("2026.11.23".to_owned(), vec![(LogType::Transaction, 1)]),
        ("2026.11.24".to_owned(), vec![(LogType::Error, 1)]),
    ];
    assert_eq!(listed, expected);
}

/// What a caller may not see is not found, not counted and not shown.
pub async fn scopes_restrict_and_hide(store: &dyn LogStore) {
    append(
        store,
        vec![
            event(1, r#"{"n":1,"service":"cart","person":{"email":"a@b.example","name":"anne"}}"#),
            event(2, r#"{"n":2,"service":"web","person":{"email":"c@d.example","name":"carl"}}"#),
        ],
    )
    .await;
    let scope = Scope {
        restriction: Some(Query::equals("service", "cart")),
        hidden_fields: vec!["person.email".into()],
        ..Scope::main()
    };
    let result = store.search(&scope, &request("")).await.unwrap();
    assert_eq!((numbers(&result), result.total), (vec![1], Some(1)));
    assert_eq!(result.hits[0].source, body(r#"{"n":1,"service":"cart","person":{"name":"anne"}}"#));
    for query in ["person.email:*", "example", "person.email:a@b.example", "n:2"] {
        assert_eq!(store.search(&scope, &request(query)).await.unwrap().total, Some(0), "{query}");
    }
    let asked =
        AggregateRequest { selection: selection(""), aggregations: vec![Aggregation::terms("t", "person.email", 5)] };
    let counted = store.aggregate(&scope, &asked).await.unwrap();
    assert_eq!((counted.total, counts(&counted.answers[0].1)), (1, Vec::new()));
    let other = search(store, request("n:2")).await.hits.remove(0).id;
    assert_eq!(store.get(&scope, &other).await.unwrap(), None);
    append(store, vec![event(100_000, r#"{"n":3,"service":"web"}"#)]).await;
    let indices = async |scope: &Scope| {
        let indices = store.indices(scope).await.unwrap();
        indices.into_iter().map(|index| index.counts).collect::<Vec<_>>()
    };
    let transactions = |count| vec![(LogType::Transaction, count)];
    assert_eq!(indices(&Scope::main()).await, [transactions(2), transactions(1)]);
    assert_eq!(indices(&scope).await, [transactions(1)], "only what the scope may see is counted");
    let fields = store.fields(&scope, TimeRange::ALL).await.unwrap();
    assert!(fields.iter().all(|field| field.name != "person.email"));
}

/// Free text looks at every string, also at those that a store may keep as something else.
pub async fn words_are_found_in_every_string(store: &dyn LogStore) {
    append(
        store,
        vec![
            event(1, r#"{"account_created_at":"2026-11-20T10:00:00.000Z"}"#),
            event(2, r#"{"card_hash":"A1-b2","amount":1}"#),
            event(3, r#"{"tags":["x",{"y":"Deep b2"}],"amount":2026}"#),
        ],
    )
    .await;
    for (query, expected) in [("2026", 1), ("b2", 2), ("\"a1 b2\"", 1), ("deep", 1), ("*", 3), ("absent", 0)] {
        assert_eq!(search(store, request(query)).await.total, Some(expected), "{query}");
    }
}

#[cfg(test)]
mod tests {
    crate::log_store_suite!((crate::LinearStore::default(), ()));
}
