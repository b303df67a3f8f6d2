//! Events as they are answered: the shape that clients of Elasticsearch know.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use vigie_app::search::Found;
use vigie_domain::Object;
use vigie_domain::event::complete;
use vigie_domain::ports::Hit;

/// An event that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Hit)]
pub struct HitView {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// The daily index that it is in.
    #[serde(rename = "_index")]
    #[schema(example = "ecommerce-logs-2026.11.23")]
    pub index: String,
    /// Always null: events come in time order.
    #[serde(rename = "_score")]
    pub score: Option<f64>,
    /// The event as it was sent, with `@timestamp` and `log_type`.
    #[serde(rename = "_source")]
    #[schema(value_type = Object)]
    pub source: SourceView,
    /// Snippets by field, when asked for: what was searched for stands between U+E000 and U+E001.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlight: Option<BTreeMap<String, Vec<String>>>,
}

/// The body of an event, written in the order in which it was sent.
#[derive(Clone, Debug)]
pub struct SourceView(Object);

impl From<Hit> for HitView {
    fn from(hit: Hit) -> Self {
        let mut source = hit.source;
        complete(&mut source, hit.position.timestamp, hit.log_type);
        Self {
            id: hit.id.0,
            index: hit.position.timestamp.day().index_name(),
            score: None,
            source: SourceView(source),
            highlight: None,
        }
    }
}

impl HitView {
    /// The event with its snippets.
    pub fn highlighted(found: Found) -> Self {
        Self { highlight: Some(found.highlight), ..found.hit.into() }
    }
}

impl SourceView {
    /// A body that is shown as it is.
    pub const fn new(body: Object) -> Self {
        Self(body)
    }
}

impl Serialize for SourceView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
