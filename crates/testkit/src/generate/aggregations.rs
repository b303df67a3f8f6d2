//! Aggregations of every kind, two levels deep.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use vigie_domain::Value;
use vigie_domain::aggregation::{
    Aggregation, AggregationKind, AskedField, CalendarSpans, CalendarUnit, KeyBy, KeyDirection, KeyFilter, KeySet,
    NumberSpans, RankKey, RankMode, Ranking, TermsOrder, TimeSpans, TupleKey, TupleOrder, Tuples,
};
use vigie_domain::mapping::FieldKind;
use vigie_domain::time::zone_named;

use super::{ASKED_NAMES, TEXTS, any_query, pick};

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
    (pick(&ASKED_NAMES), missing).prop_map(|(name, missing)| AskedField::from(name).or(missing))
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
    let told = prop::sample::select(vec![None, Some(FieldKind::Instant)]);
    (pick(&["account_created_at", "@timestamp", "_ingested_at", "x"]), told)
        .prop_map(|(name, told)| AskedField { told, ..name.into() })
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
    let after = option::of((values, option::of(0u64..25)));
    let distinct = prop_oneof![1 => Just(None), 1 => key.clone().prop_map(Some)];
    (vec(key, 0..3), any::<bool>(), after, distinct, 0usize..6).prop_map(
        |(keys, is_latest_first, after, distinct, size)| {
            let after = after.map(|(value, sequence)| (vec![value; keys.len()], sequence));
            AggregationKind::Top { ranking: Ranking { keys, is_latest_first, after, distinct }, size }
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
