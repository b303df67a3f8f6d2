//! Hits of which only the first of each value of a field is there, and others with the same value beside it.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, Bucket, KeyFilter, KeySet, RankKey, Ranking, TermsOrder, cmp_keys,
};
use vigie_domain::ports::{AggregateRequest, Hit, Selection};
use vigie_domain::query::Query;
use vigie_domain::{Error, ErrorKind, Position, Result, Scope, Timestamp, Value};

use super::DslSearch;
use super::body::Page;
use super::hits::Hits;
use super::place::Place;
use super::query::{Field, needed};
use super::sort::{After, Sort};
use super::top_hits::{self, HITS_MAX, TopHits};

/// Lists of other hits that are shown beside each.
const INNER_MAX: usize = 10;

/// What `collapse` says.
#[derive(Clone, Debug)]
pub(super) struct Collapse {
    /// The field as it was named.
    name: String,
    /// What tells its values apart; of several in one event the smallest counts.
    distinct: RankKey,
    inner: Vec<InnerHits>,
}

/// Others with the same value, beside each hit.
#[derive(Clone, Debug)]
struct InnerHits {
    name: String,
    shown: TopHits,
    question: AggregationKind,
}

impl InnerHits {
    fn read(json: &Json, now: Timestamp, place: &Place) -> Result<Self> {
        let object = place.object(json)?;
        let name = place.key("name").text(needed(object, "name", place)?)?;
        let (shown, question) = top_hits::settings(object, &["name"], now, place)?;
        Ok(Self { name, shown, question })
    }

    /// How many are asked for of each hit, those that are left out first among them.
    fn reach(&self) -> usize {
        if let AggregationKind::Top { size, .. } = self.question { size } else { 0 }
    }
}

impl Collapse {
    /// Reads `collapse`.
    ///
    /// # Errors
    /// `Malformed` when it cannot be read, or has something that is not there.
    pub(super) fn read(json: &Json, now: Timestamp, place: &Place) -> Result<Self> {
        let object = place.object(json)?;
        place.check_keys(object, &["field", "inner_hits", "max_concurrent_group_searches"], &[])?;
        if let Some(json) = object.get("max_concurrent_group_searches") {
            place.key("max_concurrent_group_searches").count(json)?;
        }
        let name = place.key("field").text(needed(object, "field", place)?)?;
        let field = Field::new(&name, &place.key("field")).asked();
        if field.is_of_instants() {
            return Err(place.key("field").missing(&format!("one event of each instant of [{name}]")));
        }
        let listed = object.get("inner_hits").map(|json| place.key("inner_hits").one_or_many(json));
        let inner = listed.into_iter().flatten().map(|(place, json)| InnerHits::read(json, now, &place));
        let inner = inner.collect::<Result<Vec<_>>>()?;
        let is_twice = |(at, one): (usize, &InnerHits)| inner[..at].iter().any(|other| other.name == one.name);
        if inner.len() > INNER_MAX || inner.iter().enumerate().any(is_twice) {
            let words = format!("must be at most {INNER_MAX} lists of hits, each with a name of its own");
            return Err(place.key("inner_hits").wrong(&words));
        }
        Ok(Self { name, distinct: RankKey::new(field, true), inner })
    }

    /// Behind what a page begins: only in the order of the field itself is no value there again.
    ///
    /// # Errors
    /// `Malformed` in any other order.
    pub(super) fn after(&self, after: After, sort: &Sort) -> Result<After> {
        match after {
            After::Values(values, _) if sort.is_by(&self.distinct.field) => Ok(After::Values(values, None)),
            _ => {
                Err(Place::of("search_after").wrong("can stand beside [collapse] only if [sort] is by its field alone"))
            }
        }
    }

    /// The same order, with the first event of each value alone.
    pub(super) fn ranking(&self, sort: &Sort, after: Option<&After>) -> Ranking {
        let ranking = sort.ranking(after).unwrap_or_else(|| sort.as_ranking());
        Ranking { distinct: Some(self.distinct.clone()), ..ranking }
    }

    /// Adds the value of a hit to its fields, and its inner hits.
    pub(super) fn add_to(&self, object: &mut Map<String, Json>, hit: &Hit, found: &Hits) {
        let value = found.values.get(&hit.position).and_then(|values| values.last());
        let fields = object.entry("fields").or_insert_with(|| Json::Object(Map::new()));
        fields[&self.name] = json!([value.map_or(Json::Null, Value::to_json)]);
        if let Some(inner) = found.inner_hits.get(&hit.position) {
            object.insert("inner_hits".to_owned(), Json::Object(inner.clone()));
        }
    }

    /// What the store is asked about events with one of these values: a bucket of each, then one of those without any.
    fn questions(&self, mut values: Vec<Value>) -> Vec<Aggregation> {
        let below = |question: Aggregation| {
            let children = self.inner.iter().map(|inner| Aggregation::leaf(&inner.name, inner.question.clone()));
            children.fold(question, Aggregation::with)
        };
        let field = &self.distinct.field;
        let has_missing = values.contains(&Value::Null);
        values.retain(|value| *value != Value::Null);
        let of_values = AggregationKind::Terms {
            field: field.clone(),
            size: values.len(),
            order: TermsOrder::SmallestKeyFirst,
            filter: KeyFilter { includes: Some(KeySet::Values(values)), excludes: None },
        };
        let none = has_missing.then(|| (String::new(), Query::Not(Box::new(Query::exists(&field.name)))));
        let of_none = AggregationKind::Filters(none.into_iter().collect());
        vec![below(Aggregation::leaf("", of_values)), below(Aggregation::leaf("", of_none))]
    }
}

/// Hits beside another, by the name of their list.
type Inner = Map<String, Json>;

impl DslSearch {
    /// The hits beside each of a page.
    ///
    /// # Errors
    /// `TooLarge` when there would be too many of them; else as the store.
    pub(super) async fn inner_hits(
        &self,
        scope: &Scope,
        page: &Page,
        selection: &Selection,
        found: &Hits,
    ) -> Result<HashMap<Position, Inner>> {
        let Some(collapse) = page.collapse.as_ref().filter(|collapse| !collapse.inner.is_empty()) else {
            return Ok(HashMap::new());
        };
        let count = found.places.len() * collapse.inner.iter().map(InnerHits::reach).sum::<usize>();
        if count > HITS_MAX {
            let words = format!(
                "[inner_hits] would show {count} events, at most {HITS_MAX} are; ask for fewer hits or fewer events beside each"
            );
            return Err(Error::new(ErrorKind::TooLarge, words));
        }
        let values: Vec<(Position, Value)> =
            found.values.iter().filter_map(|(position, values)| Some((*position, values.last()?.clone()))).collect();
        let aggregations = collapse.questions(values.iter().map(|(_, value)| value.clone()).collect());
        let request = AggregateRequest { selection: selection.clone(), aggregations };
        let answers = self.store.aggregate(scope, &request).await?.answers;
        let mut places = Vec::new();
        top_hits::places(&answers, &mut places);
        let hits = self.store.at(scope, &places).await?.into_iter();
        let hits: HashMap<Position, Hit> = hits.map(|hit| (hit.position, hit)).collect();
        let [of_values, of_none] = [0, 1].map(|at| buckets_of(answers.get(at)));
        let shown = values.into_iter().filter_map(|(position, value)| {
            let bucket = match value {
                Value::Null => of_none.first()?,
                value => &of_values[of_values.binary_search_by(|bucket| cmp_keys(&bucket.key, &value)).ok()?],
            };
            Some((position, inner_of(collapse, bucket, &hits)))
        });
        Ok(shown.collect())
    }
}

fn buckets_of(answer: Option<&(String, AggregationAnswer)>) -> &[Bucket] {
    if let Some((_, AggregationAnswer::Buckets { buckets, .. })) = answer { buckets } else { &[] }
}

fn inner_of(collapse: &Collapse, bucket: &Bucket, hits: &HashMap<Position, Hit>) -> Inner {
    let answers = collapse.inner.iter().zip(&bucket.children);
    answers
        .map(|(inner, (_, answer))| (inner.name.clone(), inner.shown.answer(bucket.count, Some(answer), hits)))
        .collect()
}
