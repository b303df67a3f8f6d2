//! Queries with every predicate there is.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use vigie_domain::mapping::FieldKind;
use vigie_domain::query::{Bound, IntervalRelation, Intervals, Predicate, Query, TextPattern};

use super::{ASKED_NAMES, TEXTS, any_timestamp, pick};

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
const REGEXPS: [&str; 4] = ["ca.*", "[0-9.]+", "(gateway|web)", "e[^x]+r"];

fn any_bound_of(text: BoxedStrategy<String>) -> impl Strategy<Value = Bound> {
    prop_oneof![Just(Bound::Open), text.clone().prop_map(Bound::Inclusive), text.prop_map(Bound::Exclusive)]
}

fn any_bound() -> impl Strategy<Value = Bound> {
    any_bound_of(pick(&["0", "5", "12.5", "-1", "c", "gateway", "10.0.0.5", "error"]).boxed())
}

/// A word with mistakes: how many, how many signs are exact, whether swaps count once.
fn any_mistakes() -> impl Strategy<Value = (String, u8, usize, bool)> {
    (pick(&WORDS), 0u8..3, 0usize..2, any::<bool>())
}

/// Words that stand so to one another, folded as a translator hands them over.
fn any_intervals() -> impl Strategy<Value = Intervals> {
    use IntervalRelation::{After, Before, Containing, NotContaining, NotOverlapping, NotWithin, Overlapping, Within};
    let leaf = prop_oneof![
        4 => pick(&["cart", "api", "gateway", "timeout", "after", "s", "a", "echec"]).prop_map(Intervals::Word),
        1 => pick(&PATTERNS).prop_map(Intervals::Wildcard),
        1 => pick(&REGEXPS).prop_map(Intervals::Regexp),
        1 => any_mistakes().prop_map(|(word, mistakes_max, exact_prefix, swaps_count_once)| Intervals::Fuzzy {
            word,
            mistakes_max,
            exact_prefix,
            swaps_count_once,
        }),
    ];
    let relations = [Containing, Within, Overlapping, Before, After, NotContaining, NotWithin, NotOverlapping];
    leaf.prop_recursive(2, 6, 3, move |inner| {
        let all = (vec(inner.clone(), 1..4), any::<bool>(), option::of(0usize..3));
        let related = (inner.clone(), prop::sample::select(relations.to_vec()), inner.clone());
        prop_oneof![
            3 => all.prop_map(|(parts, is_ordered, gaps_max)| Intervals::All { parts, is_ordered, gaps_max }),
            1 => vec(inner, 0..3).prop_map(Intervals::Any),
            1 => related.prop_map(|(of, relation, to)| Intervals::Related {
                of: Box::new(of),
                relation,
                to: Box::new(to),
            }),
        ]
    })
}

/// The same of a field that is to be taken as of a kind; what it is compared with can be read as of that kind.
fn any_of_kind() -> impl Strategy<Value = Predicate> {
    let of_kind = |kind| move |predicate| Predicate::OfKind(kind, Box::new(predicate));
    let number = || pick(&["0", "5", "12.5", "-1", "42"]);
    let numeric = prop_oneof![
        Just(Predicate::Exists),
        number().prop_map(Predicate::Equals),
        (any_bound_of(number().boxed()), any_bound_of(number().boxed()))
            .prop_map(|(lower, upper)| Predicate::Range { lower, upper }),
    ]
    .boxed();
    let time = || any_timestamp().prop_map(|time| time.to_string()).boxed();
    let instants = prop_oneof![
        1 => Just(Predicate::Exists),
        1 => time().prop_map(Predicate::Equals),
        3 => (any_bound_of(time()), any_bound_of(time())).prop_map(|(lower, upper)| Predicate::Range { lower, upper }),
    ];
    let addresses = prop_oneof![pick(&["10.0.0.7", "2001:db8::1"]).prop_map(Predicate::Equals), any_network(),];
    prop_oneof![
        2 => any_plain_predicate().prop_map(of_kind(FieldKind::Text)),
        2 => any_plain_predicate().prop_map(of_kind(FieldKind::Keyword)),
        1 => numeric.clone().prop_map(of_kind(FieldKind::Int)),
        1 => numeric.clone().prop_map(of_kind(FieldKind::Float)),
        1 => numeric.prop_map(of_kind(FieldKind::Decimal)),
        1 => pick(&["true", "false"]).prop_map(Predicate::Equals).prop_map(of_kind(FieldKind::Bool)),
        2 => instants.prop_map(of_kind(FieldKind::Instant)),
        1 => addresses.prop_map(of_kind(FieldKind::Ip)),
    ]
}

fn any_network() -> impl Strategy<Value = Predicate> {
    "10\\.[01]\\.0\\.0/(8|16|24)".prop_filter_map("a network", |text| text.parse().ok().map(Predicate::Network))
}

/// What compares with any value, whatever the kind of its field.
fn any_plain_predicate() -> impl Strategy<Value = Predicate> {
    prop_oneof![
        1 => Just(Predicate::Exists),
        1 => pick(&WORDS).prop_map(Predicate::Equals),
        1 => pick(&TEXTS).prop_map(Predicate::Equals),
        1 => pick(&PATTERNS).prop_map(Predicate::Wildcard),
        1 => pick(&REGEXPS).prop_map(Predicate::Regexp),
        1 => any_mistakes().prop_map(|(word, mistakes_max, exact_prefix, swaps_count_once)| Predicate::Fuzzy {
            word,
            mistakes_max,
            exact_prefix,
            swaps_count_once,
        }),
        1 => (any_bound(), any_bound()).prop_map(|(lower, upper)| Predicate::Range { lower, upper }),
        2 => any_intervals().prop_map(Predicate::Intervals),
    ]
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    prop_oneof![
        6 => any_plain_predicate(),
        1 => any_network(),
        3 => any_of_kind(),
    ]
}

/// Some ids, of senders and made ones.
fn any_ids() -> impl Strategy<Value = Query> {
    let id = prop_oneof!["[a-d]{1,2}", "~[0-9a-f]", pick(&TEXTS)];
    vec(id.prop_map(|id| Query::equals("_id", id)), 1..4).prop_map(|ids| Query::any(ids).unwrap_or(Query::Nothing))
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
        1 => any_ids(),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Query::And),
            vec(inner.clone(), 2..4).prop_map(Query::Or),
            inner.prop_map(|query| Query::Not(Box::new(query))),
        ]
    })
}
