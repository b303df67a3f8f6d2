//! What every `LogStore` must answer when it is asked to aggregate: cases of `log_store_suite!`.

use serde_json::json;
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, AskedField, Bucket, KeyBy, KeyDirection, KeyFilter, KeySet,
    NumberSpans, RankKey, Ranked, Ranking, Stats, TermsOrder, TimeSpans, TupleKey, TupleOrder, Tuples,
};
use vigie_domain::mapping::FieldKind;
use vigie_domain::ports::{AggregateRequest, LogStore, ScanStats, SearchResult};
use vigie_domain::query::{Query, parse};
use vigie_domain::{ErrorKind, Position, Scope, Value};

use crate::log_store_suite::{DAY_S, SECOND_NS, append, event, numbers, selection};

pub(crate) async fn aggregate(store: &dyn LogStore, query: &str, question: Aggregation) -> AggregationAnswer {
    let request = AggregateRequest { selection: selection(query), aggregations: vec![question] };
    let mut result = store.aggregate(&Scope::main(), &request).await.unwrap();
    result.answers.remove(0).1
}

pub(crate) fn counts(answer: &AggregationAnswer) -> Vec<(Value, u64)> {
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
    let of = |name: &str, missing: Value| AskedField::from(name).or(Some(missing));
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
    let kind = AggregationKind::InstantHistogram { field: "account_created_at".into(), spans: spans.clone() };
    let found = counts(&aggregate(store, "", Aggregation::leaf("h", kind)).await);
    let day = |number: i64| Value::Int((DAY_S + number * 86_400) * SECOND_NS);
    assert_eq!(found, [(day(-3), 2), (day(-1), 1)]);
    let told = AskedField { told: Some(FieldKind::Instant), ..AskedField::from("seen") };
    let seen = [r#"{"seen":"2026-11-20"}"#, r#"{"seen":"2026-11-20T09:30:00+01:00"}"#, r#"{"seen":1795219200000}"#];
    append(store, (5..).zip(seen).map(|(second, json)| event(second, json)).collect()).await;
    let kind = AggregationKind::InstantHistogram { field: told, spans };
    let found = counts(&aggregate(store, "", Aggregation::leaf("h", kind)).await);
    assert_eq!(found, [(day(-3), 2), (day(-2), 1)]);
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
        let kind = AggregationKind::Top { ranking: Ranking { after, ..Ranking::by(keys) }, size: 4 };
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
    let top = AggregationKind::Top { ranking: Ranking::by(vec![by("n", false)]), size: 1 };
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

/// Of events with the same value of a field only the first is there, also of those without a value, and behind others.
pub async fn events_are_ranked_one_of_each_value(store: &dyn LogStore) {
    let sent = [
        r#"{"n":0,"amount":7,"service":"web"}"#,
        r#"{"n":1,"amount":9,"service":"cart"}"#,
        r#"{"n":2,"amount":3}"#,
        r#"{"n":3,"amount":4,"service":["web","api"]}"#,
        r#"{"n":4,"amount":1}"#,
        r#"{"n":5,"amount":8,"service":"cart"}"#,
    ];
    // Each in a batch of its own, so that they may lie in several places.
    for (second, json) in (0..).zip(sent) {
        append(store, vec![event(second, json)]).await;
    }
    let found = async |scope: &Scope, size: usize, after: Option<(Vec<Value>, Option<u64>)>| {
        let distinct = Some(RankKey::new("service", true));
        let ranking = Ranking { after, distinct, ..Ranking::by(vec![RankKey::new("amount", false)]) };
        let aggregations = vec![Aggregation::leaf("t", AggregationKind::Top { ranking, size })];
        let request = AggregateRequest { selection: selection(""), aggregations };
        match store.aggregate(scope, &request).await.unwrap().answers.remove(0).1 {
            AggregationAnswer::Top(events) => events.into_iter().map(|event| event.values).collect::<Vec<_>>(),
            other => panic!("no ranking: {other:?}"),
        }
    };
    let [cart, web, api, none] = [(9, "cart"), (7, "web"), (4, "api"), (3, "")].map(|(amount, service)| {
        vec![Value::Int(amount), if service.is_empty() { Value::Null } else { Value::text(service) }]
    });
    let main = Scope::main();
    assert_eq!(found(&main, 9, None).await, [cart.clone(), web.clone(), api.clone(), none.clone()]);
    assert_eq!(found(&main, 2, None).await, [cart, web.clone()]);
    let later = vec![Value::Int(8), Value::text("cart")];
    assert_eq!(found(&main, 9, Some((vec![Value::Int(9)], None))).await, [later, web, api, none]);
    let blind = Scope { hidden_fields: vec!["service".to_owned()], ..Scope::main() };
    assert_eq!(found(&blind, 9, None).await, [[Value::Int(9), Value::Null]]);
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
