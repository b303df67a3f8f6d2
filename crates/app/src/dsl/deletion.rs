//! Deleting events: those that a query finds, and single ones by their index and id.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::{Hit, Selection};
use vigie_domain::query::{Predicate, Query};
use vigie_domain::{Result, Scope, TimeRange};

use super::document::{index_of, sent_index};
use super::indices::SENT_INDEX;
use super::place::Place;
use super::{DslRequest, DslSearch, Looked};
use crate::kept_objects::ObjectKind;

/// What became of a document that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentFate {
    /// It is gone, durably.
    Deleted {
        /// The index that it was sent to, else that of its day.
        index: String,
        /// Its number in the log.
        sequence: u64,
    },
    /// The index is there and has none of that id.
    NoDocument,
    /// There is no such index.
    NoIndex,
    /// The name is an alias of these indices.
    Several(Vec<String>),
}

impl DslSearch {
    /// Deletes the events that the query of a body finds; how many they were.
    ///
    /// # Errors
    /// As `count`, and when the body has no query; what the store answers.
    pub async fn delete_by_query(&self, scope: &Scope, request: &DslRequest) -> Result<u64> {
        Place::of("body").check_keys(&request.body, &["query"], &[])?;
        if matches!(request.body.get("query"), None | Some(Json::Null)) {
            let words = "is missing; say what to delete, or {\"match_all\": {}} for everything";
            return Err(Place::of("query").wrong(words));
        }
        let request = &*self.with_looked_up(scope, request).await?;
        let selection = self.selection(scope, &self.meant(&request.indices).await?, request).await?;
        self.store.delete(scope, &selection).await
    }

    /// Deletes the documents of these indices and ids, all at once; what became of each. One that is named twice is gone the second time.
    ///
    /// # Errors
    /// `Malformed` for a name that no index can have; what the store answers, when none may be gone.
    pub async fn delete_documents(&self, scope: &Scope, documents: &[(&str, &str)]) -> Result<Vec<DocumentFate>> {
        let known = match &self.definitions {
            Some(definitions) => definitions.find(ObjectKind::Index, "*").await?,
            None => Vec::new(),
        };
        let (mut fates, mut found) = (Vec::with_capacity(documents.len()), Vec::new());
        let mut seen = HashSet::new();
        for (index, id) in documents {
            fates.push(match self.look(scope, index, id, &known).await? {
                Looked::Found(hit) if seen.insert(hit.position) => {
                    let fate = DocumentFate::Deleted { index: index_of(&hit), sequence: hit.position.sequence };
                    found.push(hit);
                    fate
                }
                Looked::Found(_) | Looked::NoDocument => DocumentFate::NoDocument,
                Looked::NoIndex => DocumentFate::NoIndex,
                Looked::Several(indices) => DocumentFate::Several(indices),
            });
        }
        if let Some(selection) = these(scope, &found) {
            self.store.delete(scope, &selection).await?;
        }
        Ok(fates)
    }
}

/// The events of these ids in their indices. An id is one of an index, so that asking for it alone would find those of others too.
fn these(scope: &Scope, hits: &[Box<Hit>]) -> Option<Selection> {
    let times = hits.iter().map(|hit| hit.position.timestamp);
    let range = TimeRange { from: times.clone().min()?, to: times.max()?.saturating_add_nanos(1) };
    let mut ids: BTreeMap<Option<&str>, Vec<Query>> = BTreeMap::new();
    for hit in hits {
        let index = sent_index(hit).filter(|_| !scope.hides(SENT_INDEX));
        ids.entry(index).or_default().push(Query::equals(pseudo_fields::ID, hit.id.0.as_str()));
    }
    let of_index = |(index, ids): (Option<&str>, Vec<Query>)| {
        let query = Query::any(ids)?;
        Some(match index {
            Some(index) => query.and(Query::equals(SENT_INDEX, index)),
            None if scope.hides(SENT_INDEX) => query,
            None => query.and(Query::Not(Box::new(exists(SENT_INDEX)))),
        })
    };
    let query = Query::any(ids.into_iter().filter_map(of_index).collect())?;
    Some(Selection { query, range })
}

fn exists(field: &str) -> Query {
    Query::Field { field: field.to_owned(), predicate: Predicate::Exists }
}
