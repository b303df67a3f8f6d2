//! Values that are more frequent among some events than among others: both are counted exactly.

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, AskedField, Bucket, KeyFilter, KeySet, TermsOrder, cmp_keys,
};
use vigie_domain::query::Query;
use vigie_domain::{Error, ErrorKind, Result, Timestamp, Value};

use super::aggregation::least_count;
use super::fields;
use super::place::Place;
use super::query::query;
use super::shape::{Asked, Shape};
use super::terms::{self, TERMS_MAX};
use crate::significance::{Share, growth};

/// Events that a value must have unless said.
const LEAST_COUNT: u64 = 3;

/// How significant values are shown.
#[derive(Clone, Debug)]
pub(super) struct SignificantTerms {
    /// The place of its background among those of the request.
    background: usize,
    size: usize,
    least_count: u64,
    score: Score,
}

/// How much more frequent a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Score {
    /// By how much its share grew, times how often it grew.
    Jlh,
    /// Its share of all events with it.
    Percentage,
}

/// What values are compared with.
#[derive(Clone, Debug)]
pub(super) struct Background {
    field: AskedField,
    pub(super) query: Query,
}

/// How many events there are to compare with, and how many of them have each value.
#[derive(Debug, Default)]
pub(super) struct Counted {
    total: u64,
    counts: Vec<(Value, u64)>,
}

/// Reads `significant_terms`; the background is that at the place.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(
    json: &Json,
    now: Timestamp,
    background: usize,
    place: &Place,
) -> Result<(Shape, AggregationKind, Background)> {
    let object = place.object(json)?;
    let known = ["field", "size", "min_doc_count", "include", "exclude", "background_filter", "jlh", "percentage"];
    place.check_keys(object, &known, &["execution_hint", "shard_size", "shard_min_doc_count"])?;
    let size = object.get("size").map_or(Ok(10), |json| place.key("size").count(json))?;
    if !(1..=TERMS_MAX).contains(&size) {
        return Err(place.key("size").wrong(&format!("must be from 1 to {TERMS_MAX}, found {size}")));
    }
    let field = fields::of_values(object, now, place)?;
    let filter = terms::filter(object, &field.name, now, place)?;
    let query = match object.get("background_filter") {
        None => Query::All,
        Some(json) => query(json, now, &place.key("background_filter"))?,
    };
    let query = query.resolved(now).map_err(|error| place.key("background_filter").wrong(&error.to_string()))?;
    let score = if object.contains_key("percentage") { Score::Percentage } else { Score::Jlh };
    let least_count = least_count(object, LEAST_COUNT, place)?.max(1);
    let shape = Shape::SignificantTerms(SignificantTerms { background, size, least_count, score });
    let kind = AggregationKind::Terms { field: field.clone(), size: TERMS_MAX, order: TermsOrder::MostFirst, filter };
    Ok((shape, kind, Background { field, query }))
}

/// What is shown beside the values, and the values with what is shown of each.
type Scored<'b> = (Map<String, Json>, Vec<(&'b Bucket, Json)>);

impl SignificantTerms {
    /// The buckets that may be significant.
    ///
    /// # Errors
    /// `TooLarge` when there are more than can be compared.
    fn candidates<'b>(&self, asked: &Asked, answer: &'b AggregationAnswer) -> Result<&'b [Bucket]> {
        let AggregationAnswer::Buckets { buckets, other_count } = answer else { return Ok(&[]) };
        let end = buckets.partition_point(|bucket| bucket.count >= self.least_count);
        if end == buckets.len() && *other_count > 0 {
            let words = format!(
                "[{}] has more than {TERMS_MAX} values with {} events or more, too many to be compared; ask for fewer events or a higher [min_doc_count]",
                asked.name, self.least_count
            );
            return Err(Error::new(ErrorKind::TooLarge, words));
        }
        Ok(&buckets[..end])
    }

    /// The answer: the significant values with their scores, the highest first, as they begin.
    ///
    /// # Errors
    /// As `candidates`.
    pub(super) fn shown<'b>(
        &self,
        asked: &Asked,
        answer: &'b AggregationAnswer,
        total: u64,
        counted: &[Counted],
    ) -> Result<Scored<'b>> {
        let nothing = Counted::default();
        let known = counted.get(self.background).unwrap_or(&nothing);
        let mut scored = Vec::new();
        for bucket in self.candidates(asked, answer)? {
            let behind = known.counts.binary_search_by(|(key, _)| cmp_keys(key, &bucket.key));
            let count = behind.map_or(0, |place| known.counts[place].1);
            let score = self.score.of([bucket.count, total], [count, known.total]);
            if score > 0.0 {
                scored.push((bucket, count, score));
            }
        }
        scored.sort_by(|left, right| {
            let by_count = || right.0.count.cmp(&left.0.count).then_with(|| cmp_keys(&left.0.key, &right.0.key));
            right.2.total_cmp(&left.2).then_with(by_count)
        });
        scored.truncate(self.size);
        let shown = scored.into_iter().map(|(bucket, count, score)| {
            let own =
                json!({"key": bucket.key.to_json(), "doc_count": bucket.count, "score": score, "bg_count": count});
            (bucket, own)
        });
        let head =
            Map::from_iter([("doc_count".to_owned(), json!(total)), ("bg_count".to_owned(), json!(known.total))]);
        Ok((head, shown.collect()))
    }
}

impl Score {
    /// Of how many events have the value, among how many: here, and in the background.
    ///
    /// A value that the background has not is taken for one that a single event has.
    fn of(self, [here, all_here]: [u64; 2], [behind, all_behind]: [u64; 2]) -> f64 {
        if all_here == 0 || all_behind == 0 {
            return 0.0;
        }
        match self {
            Self::Percentage => here as f64 / behind.max(1) as f64,
            Self::Jlh => growth(Share { count: here, total: all_here }, Share { count: behind, total: all_behind }),
        }
    }
}

/// The values of each background that are to be counted.
///
/// # Errors
/// As `SignificantTerms::candidates`.
pub(super) fn keys(asked: &[Asked], answers: &[(String, AggregationAnswer)], keys: &mut [Vec<Value>]) -> Result<()> {
    for asked in asked {
        let Some((_, answer)) = answers.iter().find(|(name, _)| *name == asked.name) else { continue };
        if let Shape::SignificantTerms(shape) = &asked.shape
            && let Some(keys) = keys.get_mut(shape.background)
        {
            keys.extend(shape.candidates(asked, answer)?.iter().map(|bucket| bucket.key.clone()));
        }
        if let AggregationAnswer::Buckets { buckets, .. } = answer {
            buckets.iter().try_for_each(|bucket| self::keys(&asked.children, &bucket.children, keys))?;
        }
    }
    Ok(())
}

/// What the store is asked about the backgrounds.
///
/// # Errors
/// `TooLarge` when one has more values than can be counted.
pub(super) fn questions(backgrounds: &[Background], keys: Vec<Vec<Value>>) -> Result<Vec<Aggregation>> {
    let one = |(background, mut keys): (&Background, Vec<Value>)| {
        keys.sort_by(cmp_keys);
        keys.dedup();
        if keys.len() > TERMS_MAX {
            let words = format!("[significant_terms] has more than {TERMS_MAX} values in all buckets together");
            return Err(Error::new(ErrorKind::TooLarge, words));
        }
        let filter = KeyFilter { includes: Some(KeySet::Values(keys)), excludes: None };
        let field = background.field.clone();
        let terms = AggregationKind::Terms { field, size: TERMS_MAX, order: TermsOrder::SmallestKeyFirst, filter };
        let all = AggregationKind::Filters(vec![(String::new(), background.query.clone())]);
        Ok(Aggregation::leaf("", all).with(Aggregation::leaf("", terms)))
    };
    backgrounds.iter().zip(keys).map(one).collect()
}

/// What the store answered.
pub(super) fn counted(answers: Vec<(String, AggregationAnswer)>) -> Vec<Counted> {
    let buckets_of = |answer: AggregationAnswer| match answer {
        AggregationAnswer::Buckets { buckets, .. } => buckets,
        _ => Vec::new(),
    };
    let one = |(_, answer): (String, AggregationAnswer)| {
        let Some(all) = buckets_of(answer).pop() else { return Counted::default() };
        let terms = all.children.into_iter().flat_map(|(_, answer)| buckets_of(answer));
        Counted { total: all.count, counts: terms.map(|bucket| (bucket.key, bucket.count)).collect() }
    };
    answers.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grew_is_significant() {
        let check = |score: Score, here: [u64; 2], behind: [u64; 2], expected: f64| {
            let found = score.of(here, behind);
            assert!((found - expected).abs() < 1e-12, "{score:?} {here:?} {behind:?}: {found}");
        };
        check(Score::Jlh, [5, 10], [5, 100], 4.5);
        check(Score::Jlh, [5, 10], [0, 100], 24.5);
        check(Score::Percentage, [5, 10], [20, 100], 0.25);
        check(Score::Percentage, [0, 0], [1, 2], 0.0);
    }
}
