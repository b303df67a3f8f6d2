//! One document by its index and id.

use vigie_domain::ports::Hit;
use vigie_domain::time::INDEX_PREFIX;
use vigie_domain::{EventId, Result, Scope};
use vigie_pipeline::is_daily_index;

use super::DslSearch;
use super::document::index_of;
use crate::kept_indices::{aliases_of, expanded};
use crate::kept_objects::KeptObject;
use crate::search::event_of;

/// What a name and an id lead to.
pub enum Looked {
    /// The event.
    Found(Box<Hit>),
    /// The index is there and has none of that id.
    NoDocument,
    /// There is no such index.
    NoIndex,
    /// The name is an alias of these indices.
    Several(Vec<String>),
}

impl DslSearch {
    /// The event of that id in the index: the one it was sent to, that of its day, or all days. `known` are the indices that were made.
    ///
    /// # Errors
    /// `Malformed` for a name that no index can have; else what the store answers.
    pub async fn look(&self, scope: &Scope, index: &str, id: &str, known: &[KeptObject]) -> Result<Looked> {
        let has_alias = |made: &&KeptObject| aliases_of(made).is_some_and(|aliases| aliases.contains_key(index));
        let indices: Vec<String> = known.iter().filter(has_alias).map(|made| made.name.clone()).collect();
        if indices.len() > 1 {
            return Ok(Looked::Several(indices));
        }
        let (names, _) = expanded(index, known);
        // What was sent to an index by name has an id of that index's; of what was sent before there were such, the id is everybody's.
        let of_names = names.split(',').filter(|name| !is_daily_index(name)).map(|name| EventId::of_index(name, id));
        for id in of_names.chain([EventId(id.to_owned())]) {
            match self.store.get(scope, &id).await? {
                Some(hit) if is_in(&hit, &names) => return Ok(Looked::Found(Box::new(hit))),
                _ => {}
            }
        }
        // In the index of a day lie events of every name.
        if names.split(',').any(is_daily_index)
            && let Some(hit) = event_of(&*self.store, scope, id).await?
            && is_in(&hit, &names)
        {
            return Ok(Looked::Found(Box::new(hit)));
        }
        let is_made = !indices.is_empty() || known.iter().any(|made| made.name == index) || is_all_days(index);
        let is_there = is_made || self.is_there(scope, index).await?;
        Ok(if is_there { Looked::NoDocument } else { Looked::NoIndex })
    }
}

/// What is wrong with reading one document by an alias of several indices.
pub fn several_indices(alias: &str, indices: &[String]) -> String {
    format!(
        "alias [{alias}] has more than one index associated with it [{}], can't execute a single index op",
        indices.join(", ")
    )
}

fn is_all_days(index: &str) -> bool {
    index == INDEX_PREFIX.trim_end_matches('-')
}

fn is_in(hit: &Hit, names: &str) -> bool {
    let (own, day) = (index_of(hit), hit.position.timestamp.day().index_name());
    names.split(',').any(|name| name == own || name == day || is_all_days(name))
}
