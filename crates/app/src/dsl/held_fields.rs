//! Which fields the events of one index have: what is known of fields otherwise is known of all events together.

use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind};
use vigie_domain::event::pseudo_fields::LOG_TYPE;
use vigie_domain::ports::{AggregateRequest, Selection};
use vigie_domain::query::Query;
use vigie_domain::{Result, Scope, TimeRange};

use super::DslSearch;
use super::indices::SENT_INDEX;

/// Fields that are looked for in one go.
const AT_ONCE: usize = 100;
/// Fields that Vigie gives every event that was sent to an index of another name than that of its day.
const GIVEN: [&str; 2] = [SENT_INDEX, LOG_TYPE];

impl DslSearch {
    /// Of these fields those that events sent under that name have, without what Vigie gives every one of them.
    ///
    /// # Errors
    /// As `search`.
    pub async fn held_fields(&self, scope: &Scope, index: &str, fields: &[String]) -> Result<Vec<String>> {
        let candidates: Vec<&String> = fields.iter().filter(|field| !GIVEN.contains(&field.as_str())).collect();
        let mut held = Vec::new();
        for some in candidates.chunks(AT_ONCE) {
            let filters = some.iter().map(|field| ((*field).clone(), Query::exists(field.as_str()))).collect();
            let request = AggregateRequest {
                selection: Selection { query: Query::equals(SENT_INDEX, index), range: TimeRange::ALL },
                aggregations: vec![Aggregation::leaf("fields", AggregationKind::Filters(filters))],
            };
            let result = self.store.aggregate(scope, &request).await?;
            if let Some(AggregationAnswer::Buckets { buckets, .. }) = result.answer("fields") {
                let found = some.iter().zip(buckets).filter(|(_, bucket)| bucket.count > 0);
                held.extend(found.map(|(field, _)| (*field).clone()));
            }
        }
        Ok(held)
    }
}
