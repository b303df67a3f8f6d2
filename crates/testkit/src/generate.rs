//! Events, queries and aggregations over one small vocabulary, so that questions hit: for property tests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use vigie_domain::aggregation::{
    Aggregation, AggregationKind, AskedField, CalendarSpans, CalendarUnit, KeyBy, KeyDirection, KeyFilter, KeySet,
    NumberSpans, RankKey, RankMode, Ranking, TermsOrder, TimeSpans, TupleKey, TupleOrder, Tuples,
};
use vigie_domain::query::{Bound, Predicate, Query, TextPattern};
use vigie_domain::time::zone_named;
use vigie_domain::{Event, EventId, LogType, Object, TimeRange, Timestamp, Value};

/// 2026-11-21T00:00:00Z.
const FIRST_DAY_S: i64 = 1_795_219_200;
/// Names as senders write them: known, aliased, dotted, odd.
const SENT_NAMES: [&str; 22] = [
    "service",
    "service.name",
    "app",
    "level",
    "message",
    "msg",
    "amount",
    "quantity",
    "status",
    "client_ip",
    "ip",
    "cache_hit",
    "response_time",
    "x",
    "x.y",
    "tags",
    "user_id",
    "account_created_at",
    "ts",
    "_odd",
    "a#b",
    "é",
];
/// Names that questions use.
const ASKED_NAMES: [&str; 17] = [
    "service",
    "level",
    "message",
    "amount",
    "quantity",
    "status",
    "client_ip",
    "cache_hit",
    "response_time_ms",
    "x",
    "x.y",
    "tags",
    "user_id",
    "log_type",
    "_id",
    "é",
    "missing",
];
const TEXTS: [&str; 14] = [
    "cart",
    "Cart api",
    "gateway timeout",
    "Gateway TIMEOUT after 3 s",
    "ERROR",
    "error",
    "10.0.0.7",
    "10.1.0.9",
    "2001:db8::1",
    "5",
    "Échec",
    "",
    "completed",
    "a b",
];
const WORDS: [&str; 12] = [
    "cart",
    "timeout",
    "gateway timeout",
    "echec",
    "5",
    "error",
    "ERROR",
    "10.0.0.7",
    "true",
    "completed",
    "a",
    "12.5",
];
const PATTERNS: [&str; 6] = ["c*", "*out", "?art", "*", "10.*", "*e*r*"];
const NUMBERS: [i64; 6] = [0, 1, 5, -3, 42, 9_007_199_254_740_993];

fn pick(choices: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(choices).prop_map(str::to_owned)
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => pick(&TEXTS).prop_map(Value::text),
        1 => "\\PC{0,6}".prop_map(Value::text),
        2 => prop::sample::select(&NUMBERS[..]).prop_map(Value::Int),
        2 => (-400i32..400).prop_map(|quarters| Value::number(f64::from(quarters) / 16.0).unwrap_or(Value::Null)),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => Just(Value::BigNumber("18446744073709551615".into())),
        1 => Just(Value::text("2026-11-20T10:00:00.000Z")),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::List),
            vec((pick(&["y", "name", "x"]).prop_map_into(), inner), 0..3).prop_map(Value::Object),
        ]
    })
}

fn any_body() -> impl Strategy<Value = Object> {
    vec((pick(&SENT_NAMES).prop_map_into(), any_value()), 0..7)
}

/// A time within three days, often one that others have too.
fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    (0i64..3, prop_oneof![Just(0i64), Just(3_600), 0i64..86_400], prop_oneof![Just(0i64), Just(1), 0i64..1_000_000_000])
        .prop_map(|(day, second, nanos)| {
            Timestamp::from_nanos((FIRST_DAY_S + day * 86_400 + second) * 1_000_000_000 + nanos)
        })
}

/// One event; its id is the sender's in one of eight cases.
pub fn any_event() -> impl Strategy<Value = Event> {
    let id = prop_oneof![7 => Just(None), 1 => option::of("[a-d]{1,3}")];
    (any_body(), any_timestamp(), prop::sample::select(&LogType::ALL[..]), id).prop_map(
        |(body, timestamp, log_type, id)| Event {
            id: id.map(EventId),
            timestamp,
            ingested_at: Timestamp::from_seconds(FIRST_DAY_S),
            log_type,
            body,
        },
    )
}

fn any_bound() -> impl Strategy<Value = Bound> {
    let text = pick(&["0", "5", "12.5", "-1", "c", "gateway", "10.0.0.5", "error"]);
    prop_oneof![Just(Bound::Open), text.clone().prop_map(Bound::Inclusive), text.prop_map(Bound::Exclusive),]
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    prop_oneof![
        Just(Predicate::Exists),
        pick(&WORDS).prop_map(Predicate::Equals),
        pick(&TEXTS).prop_map(Predicate::Equals),
        pick(&PATTERNS).prop_map(Predicate::Wildcard),
        pick(&["ca.*", "[0-9.]+", "(gateway|web)", "e[^x]+r"]).prop_map(Predicate::Regexp),
        (pick(&WORDS), 0u8..3, 0usize..2, any::<bool>()).prop_map(
            |(word, mistakes_max, exact_prefix, swaps_count_once)| Predicate::Fuzzy {
                word,
                mistakes_max,
                exact_prefix,
                swaps_count_once,
            },
        ),
        (any_bound(), any_bound()).prop_map(|(lower, upper)| Predicate::Range { lower, upper }),
        "10\\.[01]\\.0\\.0/(8|16|24)".prop_filter_map("a network", |text| text.parse().ok().map(Predicate::Network)),
    ]
}

/// A query that often matches some of the events.
pub fn any_query() -> impl Strategy<Value = Query> {
    let time = (any_timestamp(), any_timestamp()).prop_map(|(lower, upper)| Query::Field {
        field: "@timestamp".into(),
        predicate: Predicate::Range {
            lower: Bound::Inclusive(lower.to_string()),
            upper: Bound::Exclusive(upper.to_string()),
        },
    });
    let leaf = prop_oneof![
        1 => Just(Query::All),
        2 => pick(&WORDS).prop_map(|text| Query::FreeText(TextPattern::Words(text))),
        1 => pick(&PATTERNS).prop_map(|pattern| Query::FreeText(TextPattern::Wildcard(pattern))),
        8 => (pick(&ASKED_NAMES), any_predicate()).prop_map(|(field, predicate)| Query::Field { field, predicate }),
        1 => time,
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Query::And),
            vec(inner.clone(), 2..4).prop_map(Query::Or),
            inner.prop_map(|query| Query::Not(Box::new(query))),
        ]
    })
}

/// A range that covers some or all of the events.
pub fn any_range() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        2 => Just(TimeRange::ALL),
        1 => (any_timestamp(), any_timestamp()).prop_map(|(left, right)| TimeRange { from: left.min(right), to: left.max(right) }),
    ]
}

fn any_calendar() -> impl Strategy<Value = CalendarSpans> {
    let unit = prop_oneof![Just(CalendarUnit::Day), Just(CalendarUnit::Week), Just(CalendarUnit::Month)];
    let zone = prop_oneof![Just("UTC"), Just("Asia/Kathmandu")].prop_filter_map("a zone", zone_named);
    (unit, zone, 0i64..3).prop_map(|(unit, zone, offset)| CalendarSpans {
        unit,
        zone,
        offset_ns: offset * 1_000_000_007,
    })
}

/// A field, in one of four cases with a value for events that have none.
fn any_asked_field() -> impl Strategy<Value = AskedField> + Clone {
    let missing = prop_oneof![
        3 => Just(None),
        1 => prop::sample::select(vec![Value::Int(5), Value::text("cart"), Value::Float(0.25), Value::Bool(true)]).prop_map(Some),
    ];
    (pick(&ASKED_NAMES), missing).prop_map(|(name, missing)| AskedField { name, missing })
}

fn any_terms_order() -> impl Strategy<Value = TermsOrder> {
    use TermsOrder::{FewestFirst, LargestKeyFirst, MostFirst, SmallestKeyFirst};
    prop::sample::select(vec![MostFirst, FewestFirst, SmallestKeyFirst, LargestKeyFirst])
}

fn any_filter() -> impl Strategy<Value = KeyFilter> {
    let set = prop_oneof![
        vec(prop_oneof![pick(&TEXTS).prop_map(Value::text), Just(Value::Int(5))], 0..4).prop_map(KeySet::Values),
        pick(&["[a-cE].*", ".*o.*"]).prop_map(KeySet::Pattern),
        (0u32..3).prop_map(|number| KeySet::Share { number, count: 3 }),
    ];
    let set = prop_oneof![2 => Just(None), 1 => set.prop_map(Some)];
    (set.clone(), set).prop_map(|(includes, excludes)| KeyFilter { includes, excludes })
}

fn any_instant_field() -> impl Strategy<Value = AskedField> {
    pick(&["account_created_at", "@timestamp", "_ingested_at", "x"]).prop_map(AskedField::from)
}

fn any_time_spans() -> impl Strategy<Value = TimeSpans> {
    prop_oneof![
        (1i64..20, 0i64..3).prop_map(|(hours, offset)| TimeSpans::Fixed {
            interval_ns: hours * 3_600_000_000_000,
            offset_ns: offset * 1_000_000_007,
        }),
        any_calendar().prop_map(TimeSpans::Calendar),
    ]
}

fn any_tuples() -> impl Strategy<Value = Tuples> {
    let spans = (1u8..40).prop_map(|quarters| NumberSpans { interval: f64::from(quarters) / 4.0, offset: 0.0 });
    let key = prop_oneof![
        3 => any_asked_field().prop_map(|field| TupleKey { field, by: KeyBy::Value }),
        1 => (any_asked_field(), spans).prop_map(|(field, spans)| TupleKey { field, by: KeyBy::Numbers(spans) }),
        1 => (any_instant_field(), any_time_spans())
            .prop_map(|(field, spans)| TupleKey { field, by: KeyBy::Times(spans) }),
    ];
    let key = (key, any::<bool>()).prop_map(|(mut key, takes_missing)| {
        if takes_missing {
            key.field.missing = Some(Value::Null);
        }
        key
    });
    let direction = (any::<bool>(), any::<bool>())
        .prop_map(|(is_ascending, is_missing_first)| KeyDirection { is_ascending, is_missing_first });
    let after = prop_oneof![Just(Value::Null), Just(Value::Int(5)), Just(Value::text("cart"))];
    (vec((key, direction, after), 1..4), any::<bool>(), any::<bool>(), 1usize..8).prop_map(
        |(parts, is_by_count, has_after, size)| {
            let keys = parts.iter().map(|(key, _, _)| key.clone()).collect();
            let directions = parts.iter().map(|(_, direction, _)| *direction).collect();
            let after = has_after.then(|| parts.iter().map(|(_, _, after)| after.clone()).collect());
            let order = if is_by_count { TupleOrder::MostFirst } else { TupleOrder::Keys { directions, after } };
            Tuples { keys, order, size }
        },
    )
}

/// The first events by one or two fields.
fn any_top() -> impl Strategy<Value = AggregationKind> {
    let modes = [RankMode::Min, RankMode::Max, RankMode::Sum, RankMode::Mean, RankMode::Median];
    let fields = prop_oneof![3 => any_asked_field(), 1 => Just(AskedField::from("@timestamp"))];
    let key = (fields, any::<bool>(), any::<bool>(), prop::sample::select(modes.to_vec())).prop_map(
        |(field, is_ascending, is_missing_first, mode)| RankKey { field, is_ascending, is_missing_first, mode },
    );
    let values = prop_oneof![Just(Value::Null), Just(Value::Int(5)), Just(Value::text("cart"))];
    (vec(key, 0..3), any::<bool>(), option::of((values, option::of(0u64..25))), 0usize..6).prop_map(
        |(keys, is_latest_first, after, size)| {
            let after = after.map(|(value, sequence)| (vec![value; keys.len()], sequence));
            AggregationKind::Top { ranking: Ranking { keys, is_latest_first, after }, size }
        },
    )
}

/// A question, with up to two levels below it.
pub fn any_aggregation() -> impl Strategy<Value = Aggregation> {
    let field = any_asked_field;
    let metric = prop_oneof![
        1 => field().prop_map(|field| AggregationKind::Stats { field }),
        1 => field().prop_map(|field| AggregationKind::Cardinality { field }),
        1 => field().prop_map(|field| AggregationKind::Percentiles { field, percents: vec![5.0, 50.0, 95.0] }),
        1 => field().prop_map(|field| AggregationKind::PercentileRanks { field, values: vec![0.0, 5.0, 12.5] }),
        1 => field().prop_map(|field| AggregationKind::MedianAbsoluteDeviation { field }),
        1 => (field(), field()).prop_map(|(field, weight)| AggregationKind::WeightedMean { field, weight }),
        2 => any_top(),
    ]
    .prop_map(|kind| Aggregation::leaf("metric", kind));
    metric.prop_recursive(2, 6, 2, move |inner| {
        let filters = vec(any_query(), 1..3).prop_map(|queries| {
            (0..).zip(queries).map(|(index, query): (i32, _)| (index.to_string(), query)).collect()
        });
        let bucket = prop_oneof![
            (field(), 1usize..5, any_terms_order(), any_filter())
                .prop_map(|(field, size, order, filter)| { AggregationKind::Terms { field, size, order, filter } }),
            any_tuples().prop_map(AggregationKind::Tuples),
            (any_instant_field(), any_time_spans())
                .prop_map(|(field, spans)| AggregationKind::InstantHistogram { field, spans }),
            (1i64..20, 0i64..3).prop_map(|(hours, offset)| AggregationKind::DateHistogram {
                interval_ns: hours * 3_600_000_000_000,
                offset_ns: offset * 1_000_000_007,
            }),
            (field(), 1u8..40, 0u8..3).prop_map(|(field, quarters, offset)| AggregationKind::Histogram {
                field,
                spans: NumberSpans { interval: f64::from(quarters) / 4.0, offset: f64::from(offset) },
            }),
            any_calendar().prop_map(AggregationKind::CalendarHistogram),
            filters.prop_map(AggregationKind::Filters),
        ];
        (bucket, vec(inner, 0..2)).prop_map(|(kind, children)| Aggregation { name: "bucket".into(), kind, children })
    })
}
