//! Events, queries and aggregations over one small vocabulary, so that questions hit: for property tests.

mod aggregations;
mod queries;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use vigie_domain::{Event, EventId, LogType, Object, TimeRange, Timestamp, Value};

pub use aggregations::any_aggregation;
pub use queries::any_query;

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

/// A range that covers some or all of the events.
pub fn any_range() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        2 => Just(TimeRange::ALL),
        1 => (any_timestamp(), any_timestamp()).prop_map(|(left, right)| TimeRange { from: left.min(right), to: left.max(right) }),
    ]
}
