//! What is added to events from what they hold: the country of an address, the browser of a header.
//!
//! Nothing here asks the network; what the sender says itself is left as it is.

mod agents;
pub(crate) mod cards;
mod countries;
pub(crate) mod geo;
mod kept;
pub(crate) mod mail;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use vigie_domain::{Object, Text, Value};

pub use geo::GeoDatabase;

use agents::Agents;
use geo::Places;

/// Where things are looked up; what was found is kept in it, so pipelines share one.
#[derive(Debug)]
pub struct Lookups {
    agents: Agents,
    places: Places,
    /// Tables of the user, by the names of their files.
    tables: BTreeMap<String, Arc<str>>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Lookups {
    /// With these databases of places, the first of which is asked first; without any, only countries are known.
    pub fn new(databases: Vec<GeoDatabase>) -> Self {
        Self { agents: Agents::default(), places: Places::new(databases), tables: BTreeMap::new() }
    }

    /// The same with tables that stages name, by the names of their files.
    #[must_use]
    pub fn with_tables(mut self, tables: BTreeMap<String, Arc<str>>) -> Self {
        self.tables = tables;
        self
    }

    /// The text of a table.
    ///
    /// # Errors
    /// In words, when there is none of that name.
    pub(crate) fn table(&self, name: &str) -> Result<Arc<str>, String> {
        let found = self.tables.get(name).map(Arc::clone);
        found.ok_or_else(|| {
            let known: Vec<&str> = self.tables.keys().map(String::as_str).collect();
            let there = if known.is_empty() { "no .csv file".to_owned() } else { known.join(", ") };
            format!("{name:?} is not beside the pipeline; what is there: {there}")
        })
    }

    /// The fields that tell what a browser or program says that it is.
    pub(crate) fn agent_fields(&self, header: &str) -> Object {
        let agent = self.agents.tell(header);
        let texts = [("name", &agent.name), ("version", &agent.version), ("os", &agent.os), ("device", &agent.device)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name.into(), Value::Text(text.clone()?))));
        texts.chain([("is_bot".into(), Value::Bool(agent.is_bot))]).collect()
    }

    /// The fields that tell where an address is: none when it is not public, `None` when nobody knows.
    pub(crate) fn place_fields(&self, address: IpAddr) -> Option<Object> {
        self.places.find(address).fields()
    }
}

/// Puts fields below a name; those that are there already stay. Where the name holds something else than an object,
/// they stand at the top with their whole names.
pub(crate) fn put_below(body: &mut Object, name: &str, fields: Object) {
    if fields.is_empty() {
        return;
    }
    let missing = |known: &Object, name: &str| !known.iter().any(|(other, _)| other == name);
    match body.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value) {
        None => body.push((name.into(), Value::Object(fields))),
        Some(Value::Object(known)) => {
            for (name, value) in fields {
                if missing(known, &name) {
                    known.push((name, value));
                }
            }
        }
        Some(_) => {
            for (whole, value) in with_whole_names(name, fields) {
                if missing(body, &whole) {
                    body.push((whole, value));
                }
            }
        }
    }
}

/// Fields below a name as they stand at the top.
pub(crate) fn with_whole_names(name: &str, fields: Object) -> impl Iterator<Item = (Text, Value)> {
    fields.into_iter().map(move |(field, value)| (Text::from(format!("{name}.{field}")), value))
}
