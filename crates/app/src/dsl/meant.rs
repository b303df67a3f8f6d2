//! What names of indices mean: aliases for their indices, and what was said of those that clients made.

use std::sync::Arc;

use serde_json::Value as Json;
use vigie_domain::query::Query;
use vigie_domain::{Result, Timestamp};

use super::DslSearch;
use super::field_types::FieldTypes;
use super::indices::{self, SENT_INDEX};
use super::place::Place;
use super::query::query;
use crate::kept_indices::{aliases_of, expanded, field_types};
use crate::kept_objects::ObjectKind;

/// Names of indices, and what is known of them.
#[derive(Default)]
pub(super) struct Meant {
    /// The names, with those of the indices that aliases among them stand for.
    names: String,
    /// What the mappings of those say of their fields.
    pub(super) types: Arc<FieldTypes>,
    /// Names that are there though no event may have been sent under them.
    made: Vec<String>,
    /// Indices that were only named by an alias with a filter, and the filter.
    filters: Vec<(String, Json)>,
}

impl Meant {
    /// The events that the names mean, and the names one by one.
    ///
    /// # Errors
    /// `Malformed` for too many names, one that nothing can have, or an alias whose filter cannot be read.
    pub(super) fn events(&self, now: Timestamp) -> Result<(Query, Vec<indices::Named>)> {
        let (mut events, named) = indices::read(&self.names)?;
        for (index, filter) in &self.filters {
            let place = Place::of("alias").key("filter").with_types(&self.types);
            let passing = query(filter, now, &place)?.resolved(now).map_err(|error| place.wrong(&error.to_string()))?;
            let others = Query::equals(SENT_INDEX, index.as_str()).and(Query::Not(Box::new(passing)));
            events = events.and(Query::Not(Box::new(others)));
        }
        Ok((events, named))
    }

    /// Whether the name is that of something that was made.
    pub(super) fn is_made(&self, named: &indices::Named) -> bool {
        named.needed.as_ref().is_some_and(|name| self.made.contains(name))
    }
}

impl DslSearch {
    /// What the names mean.
    ///
    /// # Errors
    /// `Unavailable` when definitions cannot be read.
    pub(super) async fn meant(&self, names: &str) -> Result<Meant> {
        let Some(definitions) = &self.definitions else {
            return Ok(Meant { names: names.to_owned(), ..Meant::default() });
        };
        let defined = definitions.find(ObjectKind::Index, "*").await?;
        let streams = definitions.find(ObjectKind::DataStream, names).await?;
        let aliases = defined.iter().filter_map(aliases_of).flatten().map(|(alias, _)| alias.clone());
        let made = defined.iter().chain(&streams).map(|object| object.name.clone()).chain(aliases).collect();
        let (names, filters) = expanded(names, &defined);
        let types = Arc::new(field_types(&defined, &names));
        Ok(Meant { names, types, made, filters })
    }
}
