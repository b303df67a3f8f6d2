//! A histogram of time whose spans are as wide as it takes to have no more than so many of them.

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind, AskedField, RankKey, Ranking};
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::time::parse_instant;
use vigie_domain::{Result, TimeRange, Timestamp, Value};

use super::fields::{self, check_instants};
use super::histogram::{key_form, key_text};
use super::intervals::{self, Spans};
use super::place::Place;
use super::shape::Shape;

/// Spans unless said.
const SPANS: usize = 10;
/// Spans that may be asked for.
const SPANS_MAX: usize = 200;
/// Units, their names in answers, and how many of one are joined. Source: Elasticsearch's `AutoDateHistogramAggregationBuilder`.
const UNITS: [(&str, &str, &[usize]); 6] = [
    ("second", "s", &[1, 5, 10, 30]),
    ("minute", "m", &[1, 5, 10, 30]),
    ("hour", "h", &[1, 3, 12]),
    ("day", "d", &[1, 7]),
    ("month", "M", &[1, 3]),
    ("year", "y", &[1, 5, 10, 20, 50, 100]),
];

/// Spans as they are shown.
#[derive(Clone, Debug)]
pub(super) struct AutoSpans {
    /// Where each begins, and the same as text.
    pub(super) starts: Vec<(Timestamp, String)>,
    /// How wide they are.
    pub(super) interval: String,
}

/// The first and the last instant of a field among the events that are asked for.
pub(super) type Edges = (AskedField, Option<[Timestamp; 2]>);

/// The fields that spans are asked of among these aggregations.
///
/// # Errors
/// `Malformed` when one cannot be read.
pub(super) fn fields_of(json: &Json, now: Timestamp, place: &Place) -> Result<Vec<AskedField>> {
    let asked = json.as_object().into_iter().flatten();
    let asked = asked.filter_map(|(name, json)| Some((name, json.get("auto_date_histogram")?)));
    let field = |(name, json): (&String, &Json)| {
        let place = place.key(name).key("auto_date_histogram");
        let field = fields::of_values(place.object(json)?, now, &place)?;
        check_instants(&field, &place)?;
        Ok(field)
    };
    asked.map(field).collect()
}

/// What the store is asked about the edges of fields.
pub(super) fn edge_questions(fields: &[AskedField]) -> Vec<Aggregation> {
    let edge = |field: &AskedField, is_ascending: bool| {
        let ranking = Ranking::by(vec![RankKey::new(field.clone(), is_ascending)]);
        Aggregation::leaf("", AggregationKind::Top { ranking, size: 1 })
    };
    fields.iter().flat_map(|field| [edge(field, true), edge(field, false)]).collect()
}

/// The edges that the store answered.
pub(super) fn edges(fields: Vec<AskedField>, answers: &[(String, AggregationAnswer)]) -> Vec<Edges> {
    let at = |(_, answer): &(String, AggregationAnswer)| match answer {
        AggregationAnswer::Top(events) => match events.first()?.values.first()? {
            Value::Int(nanos) => Some(Timestamp::from_nanos(*nanos)),
            _ => None,
        },
        _ => None,
    };
    let pairs = fields.into_iter().zip(answers.chunks(2));
    pairs
        .map(|(field, pair)| (field, pair.first().and_then(at).zip(pair.last().and_then(at)).map(<[_; 2]>::from)))
        .collect()
}

/// Reads `auto_date_histogram`.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(json: &Json, now: Timestamp, edges: &[Edges], place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "missing", "buckets", "minimum_interval", "time_zone", "format"], &[])?;
    let field = fields::of_values(object, now, place)?;
    check_instants(&field, place)?;
    let count = object.get("buckets").map_or(Ok(SPANS), |json| place.key("buckets").count(json))?;
    if !(1..=SPANS_MAX).contains(&count) {
        return Err(place.key("buckets").wrong(&format!("must be from 1 to {SPANS_MAX}, found {count}")));
    }
    let least = object.get("minimum_interval").map(|json| place.key("minimum_interval").text(json)).transpose()?;
    let least = least.map_or(Ok(0), |name| {
        let found = UNITS.iter().position(|(unit, _, _)| *unit == name);
        found.ok_or_else(|| place.key("minimum_interval").wrong("must be second, minute, hour, day, month or year"))
    })?;
    let form = key_form(object, place)?;
    let found = edges.iter().find(|(known, _)| *known == field).and_then(|(_, edges)| *edges);
    let Some([first, last]) = found else {
        let shape = AutoSpans { starts: Vec::new(), interval: format!("1{}", UNITS[least].1) };
        return Ok((Shape::AutoSpans(shape), AggregationKind::Filters(Vec::new())));
    };
    let (spans, starts, interval) = chosen(object, [first, last], least, count, place)?;
    let filters = starts.iter().enumerate().map(|(number, start)| {
        let end = starts.get(number + 1).map_or(Bound::Open, |end| Bound::Exclusive(end.to_string()));
        (number.to_string(), within(&field, *start, end))
    });
    let filters = AggregationKind::Filters(filters.collect());
    let starts = starts.iter().map(|start| (*start, key_text(*start, &spans, form))).collect();
    Ok((Shape::AutoSpans(AutoSpans { starts, interval }), filters))
}

/// The spans, where each joined one begins, and how wide they are.
fn chosen(
    object: &Map<String, Json>,
    [first, last]: [Timestamp; 2],
    least: usize,
    count: usize,
    place: &Place,
) -> Result<(Spans, Vec<Timestamp>, String)> {
    for (number, (unit, name, joined)) in UNITS.iter().enumerate().skip(least) {
        let mut asked = Map::from_iter([("calendar_interval".to_owned(), json!(unit))]);
        asked.extend(object.get("time_zone").map(|zone| ("time_zone".to_owned(), zone.clone())));
        let range = TimeRange { from: first, to: last.saturating_add_nanos(1) };
        let spans = intervals::read(&asked, range, place)?;
        let most = joined.last().copied().unwrap_or(1).saturating_mul(count);
        let mut starts = vec![spans.start_of(first)];
        while let Some(next) = starts.last().map(|start| spans.next_of(*start)).filter(|next| *next <= last) {
            if starts.len() > most || starts.last() == Some(&next) {
                break;
            }
            starts.push(next);
        }
        let is_last = number + 1 == UNITS.len();
        let fitting = joined.iter().find(|joined| starts.len().div_ceil(**joined) <= count);
        if let Some(joined) = fitting.or_else(|| joined.last().filter(|_| is_last)) {
            let starts = starts.into_iter().step_by(*joined).collect();
            return Ok((spans, starts, format!("{joined}{name}")));
        }
    }
    Err(place.wrong("no span is wide enough"))
}

/// Events with an instant in a span, those without one among them when what stands for it lies there.
fn within(field: &AskedField, start: Timestamp, upper: Bound) -> Query {
    let missing = field.missing.as_ref().and_then(Value::as_text).and_then(|text| parse_instant(text, start));
    let end = match &upper {
        Bound::Exclusive(text) => parse_instant(text, start),
        Bound::Inclusive(_) | Bound::Open => None,
    };
    let is_here = missing.is_some_and(|at| at >= start && end.is_none_or(|end| at < end));
    let lower = Bound::Inclusive(start.to_string());
    let predicate = Predicate::Range { lower, upper };
    let predicate = field.told.into_iter().fold(predicate, |inner, kind| Predicate::OfKind(kind, Box::new(inner)));
    let own = Query::Field { field: field.name.clone(), predicate };
    match is_here {
        false => own,
        true => Query::any(vec![own, Query::Not(Box::new(Query::exists(&field.name)))]).unwrap_or(Query::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_wide_as_it_takes() {
        let check = |first: &str, last: &str, count: usize, expected: (&str, usize, &str)| {
            let edges = [first, last].map(|text| parse_instant(text, Timestamp::default()).unwrap());
            let (_, starts, interval) = chosen(&Map::new(), edges, 0, count, &Place::of("a")).unwrap();
            let found = (interval.as_str(), starts.len(), starts[0].to_string().replace(".000Z", ""));
            assert_eq!((found.0, found.1, found.2.as_str()), expected, "{first} to {last}");
        };
        check("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", 10, ("1s", 1, "2026-11-23T10:00:00"));
        check("2026-11-23T10:00:03Z", "2026-11-23T10:00:40Z", 10, ("5s", 8, "2026-11-23T10:00:03"));
        check("2026-11-23T10:00:03Z", "2026-11-23T12:30:00Z", 10, ("30m", 6, "2026-11-23T10:00:00"));
        check("2026-11-01T10:00:00Z", "2026-11-23T10:00:00Z", 10, ("7d", 4, "2026-11-01T00:00:00"));
        check("2025-02-01T10:00:00Z", "2026-11-23T10:00:00Z", 10, ("3M", 8, "2025-02-01T00:00:00"));
        check("1900-02-01T10:00:00Z", "2026-11-23T10:00:00Z", 10, ("20y", 7, "1900-01-01T00:00:00"));
        check("2026-11-23T10:00:03Z", "2026-11-23T12:30:00Z", 1, ("3h", 1, "2026-11-23T10:00:00"));
    }
}
