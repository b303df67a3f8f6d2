//! The newest events of a search, where a part of them answers well enough.
//!
//! Elasticsearch samples the events with the highest score. Events have none here, so that the newest are taken; those of the same instant
//! as the last of them belong to them too.

use serde_json::Value as Json;
use vigie_domain::Result;
use vigie_domain::aggregation::AggregationKind;
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::{Fields, Hit, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Bound, Predicate, Query};

use super::place::Place;
use super::shape::Shape;

/// Events of a sample unless said.
const SIZE: usize = 100;
/// Events of a sample that may be asked for.
const SIZE_MAX: usize = 10_000;

/// So many of the newest events.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    size: usize,
    filter: Query,
}

/// How large the samples are that are asked for among these aggregations.
///
/// # Errors
/// `Malformed` when one cannot be read.
pub(super) fn sizes_of(json: &Json, place: &Place) -> Result<Vec<usize>> {
    let asked = json.as_object().into_iter().flatten();
    let asked = asked.filter_map(|(name, json)| Some((name, json.get("sampler")?)));
    let mut sizes =
        asked.map(|(name, json)| size_of(json, &place.key(name).key("sampler"))).collect::<Result<Vec<_>>>()?;
    sizes.sort_unstable();
    sizes.dedup();
    Ok(sizes)
}

fn size_of(json: &Json, place: &Place) -> Result<usize> {
    let object = place.object(json)?;
    place.check_keys(object, &["shard_size"], &[])?;
    let place = place.key("shard_size");
    let size = object.get("shard_size").map_or(Ok(SIZE), |json| place.count(json))?;
    if (1..=SIZE_MAX).contains(&size) {
        Ok(size)
    } else {
        Err(place.wrong(&format!("must be from 1 to {SIZE_MAX}, found {size}")))
    }
}

/// What the store is asked for the last event of a sample: it is the only one found, unless there are fewer.
pub(super) fn question(selection: &Selection, size: usize) -> SearchRequest {
    SearchRequest {
        selection: selection.clone(),
        order: SortOrder::NewestFirst,
        after: None,
        skip: size - 1,
        limit: 1,
        count_total: false,
        fields: Fields::only([pseudo_fields::TIMESTAMP]),
    }
}

impl Sample {
    /// The sample that ends with this event; all events when there is none so far back.
    pub(super) fn ending_with(size: usize, last: Option<&Hit>) -> Self {
        let since = |hit: &Hit| {
            let lower = Bound::Inclusive(hit.position.timestamp.to_string());
            let predicate = Predicate::Range { lower, upper: Bound::Open };
            Query::Field { field: pseudo_fields::TIMESTAMP.to_owned(), predicate }
        };
        Self { size, filter: last.map_or(Query::All, since) }
    }
}

/// Reads `sampler`.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(json: &Json, samples: &[Sample], place: &Place) -> Result<(Shape, AggregationKind)> {
    let size = size_of(json, place)?;
    let known = samples.iter().find(|sample| sample.size == size);
    let filter = known.map_or(Query::All, |sample| sample.filter.clone());
    Ok((Shape::Single, AggregationKind::Filters(vec![(String::new(), filter)])))
}
