//! What is asked, as text: the same for questions that have the same partial answer, whatever they are called and in
//! whatever order their conditions stand. Different questions never have the same text.

use std::fmt::Write;

use vigie_domain::Scope;
use vigie_domain::aggregation::{Aggregation, AggregationKind, TupleKey};
use vigie_domain::query::Query;

/// The text of a query on behalf of a caller.
pub fn of_filter(query: &Query, scope: &Scope) -> String {
    let restriction = scope.restriction.as_ref().map_or_else(String::new, of_query);
    let mut hidden: Vec<&String> = scope.hidden_fields.iter().collect();
    hidden.sort_unstable();
    format!("{:?} {hidden:?} {restriction} | {}", scope.tenant, of_query(query))
}

fn of_query(query: &Query) -> String {
    let joined = |name: &str, parts: &[Query]| {
        let mut parts: Vec<String> = parts.iter().map(of_query).collect();
        parts.sort_unstable();
        parts.dedup();
        format!("{name}({})", parts.join(" "))
    };
    match query {
        Query::And(parts) => joined("and", parts),
        Query::Or(parts) => joined("or", parts),
        Query::Not(part) => format!("not({})", of_query(part)),
        // Strings are quoted in it.
        Query::All | Query::Nothing | Query::FreeText(_) | Query::Field { .. } => format!("{query:?}"),
    }
}

/// The text of a question; how much of the answer is shown does not matter.
pub fn of_question(asked: &Aggregation) -> String {
    let mut text = match &asked.kind {
        AggregationKind::Terms { field, .. } => format!("terms {field:?}"),
        AggregationKind::DateHistogram { interval_ns, offset_ns } => {
            format!("spans {interval_ns} {}", offset_ns.rem_euclid((*interval_ns).max(1)))
        }
        AggregationKind::CalendarHistogram(spans) => format!("calendar {}", spans.text()),
        AggregationKind::Histogram { field, spans } => format!("{spans:?} of {field:?}"),
        AggregationKind::InstantHistogram { field, spans } => format!("times {} of {field:?}", spans.text()),
        AggregationKind::Tuples(tuples) => {
            let keys: Vec<String> = tuples.keys.iter().map(TupleKey::text).collect();
            format!("tuples({}) {:?}", keys.join(", "), tuples.order)
        }
        AggregationKind::Filters(filters) => {
            let queries: Vec<String> = filters.iter().map(|(_, query)| of_query(query)).collect();
            format!("filters({})", queries.join(", "))
        }
        AggregationKind::Stats { field } => format!("stats {field:?}"),
        AggregationKind::Cardinality { field } => format!("distinct {field:?}"),
        AggregationKind::Percentiles { field, .. }
        | AggregationKind::PercentileRanks { field, .. }
        | AggregationKind::MedianAbsoluteDeviation { field } => format!("numbers {field:?}"),
        AggregationKind::WeightedMean { field, weight } => format!("weighted {field:?} {weight:?}"),
        AggregationKind::Top { ranking, size } => format!("top {size} {ranking:?}"),
    };
    for child in &asked.children {
        // Writing to a string cannot fail.
        let _ = write!(text, " [{}]", of_question(child));
    }
    text
}

#[cfg(test)]
mod tests {
    use vigie_domain::aggregation::{CalendarSpans, CalendarUnit, NumberSpans};
    use vigie_domain::query::parse;
    use vigie_domain::time::zone_named;

    use super::*;

    fn filter(query: &str, scope: &Scope) -> String {
        of_filter(&parse(query).unwrap(), scope)
    }

    #[test]
    fn what_means_the_same_has_the_same_text_and_nothing_else_has() {
        let main = Scope::main();
        assert_eq!(filter("a:1 AND b:2 AND a:1", &main), filter("b:2 a:1", &main));
        assert_eq!(filter("a:1 OR (b:2 c:3)", &main), filter("(c:3 b:2) OR a:1", &main));
        let restricted = Scope { restriction: Some(parse("a:1").unwrap()), ..Scope::main() };
        let hiding = Scope { hidden_fields: vec!["a".to_owned()], ..Scope::main() };
        let other = Scope { tenant: "other".to_owned(), ..Scope::main() };
        let different = [
            filter("", &main),
            filter("a:1", &main),
            filter("a:\"1 b:2\"", &main),
            filter("a:1 b:2", &main),
            filter("a:1 OR b:2", &main),
            filter("NOT (a:1 b:2)", &main),
            filter("NOT a:1 b:2", &main),
            filter("a:>1", &main),
            filter("a:1*", &main),
            filter("1", &main),
            filter("", &restricted),
            filter("a:1", &restricted),
            filter("a:1", &hiding),
            filter("a:1", &other),
        ];
        for (place, text) in different.iter().enumerate() {
            assert!(!different[..place].contains(text), "{text}");
        }
    }

    #[test]
    fn questions_are_told_apart_by_what_is_counted_for_them() {
        let named = |name: &str, size| Aggregation::terms(name, "service", size);
        assert_eq!(of_question(&named("a", 1)), of_question(&named("b", 9)));
        let spans = |offset_ns| Aggregation::leaf("h", AggregationKind::DateHistogram { interval_ns: 10, offset_ns });
        assert_eq!(of_question(&spans(-3)), of_question(&spans(7)));
        let below = |child: Aggregation| named("a", 1).with(child);
        let twice = below(Aggregation::stats("s", "n")).with(Aggregation::stats("t", "m"));
        let deep = below(named("c", 1).with(Aggregation::stats("s", "n")));
        let broad = below(named("c", 1)).with(Aggregation::stats("s", "n"));
        let months = |zone: &str, offset_ns| {
            let zone = zone_named(zone).unwrap();
            let spans = CalendarSpans { unit: CalendarUnit::Month, zone, offset_ns };
            Aggregation::leaf("h", AggregationKind::CalendarHistogram(spans))
        };
        let by = |interval: f64| {
            let spans = NumberSpans { interval, offset: 0.0 };
            Aggregation::leaf("h", AggregationKind::Histogram { field: "n".into(), spans })
        };
        let different = [
            named("a", 1),
            by(1.0),
            by(10.0),
            spans(3),
            spans(4),
            months("UTC", 0),
            months("UTC", 1),
            months("Europe/Paris", 0),
            below(Aggregation::stats("s", "n")),
            twice,
            deep,
            broad,
        ]
        .map(|asked| of_question(&asked));
        for (place, text) in different.iter().enumerate() {
            assert!(!different[..place].contains(text), "{text}");
        }
    }
}
