//! What was judged in a period, in numbers.

use vigie_domain::aggregation::{Aggregation, AggregationAnswer};
use vigie_domain::ports::{AggregateRequest, Fields, Hit, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Query, parse};
use vigie_domain::{Error, Position, Result, Scope, TimeRange, Timestamp};

use crate::listing::{ListRequest, Listed, write_cursor};

/// Rules that are told apart.
const RULES_MAX: usize = 200;
/// What Vigie said of payments, told from what others did.
const DECISIONS: &str = "log_type:fraud AND service:vigie";

/// The period asked for.
pub type Period = TimeRange;

/// Decisions of a period.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FraudStats {
    /// Payments judged.
    pub judged_count: u64,
    /// How many went through, are to be looked at, were refused.
    pub by_decision: Vec<(String, u64)>,
    /// How often each rule fired, the most frequent first.
    pub by_rule: Vec<(String, u64)>,
}

/// What Vigie said of payments.
pub(super) fn decisions() -> Result<Query> {
    parse(DECISIONS).map_err(|error| Error::internal(format!("the query of decisions: {error}")))
}

/// What was said in a period.
///
/// # Errors
/// What the store answers.
pub async fn stats(store: &dyn LogStore, scope: &Scope, range: Period) -> Result<FraudStats> {
    let request = AggregateRequest {
        selection: Selection { query: decisions()?, range },
        aggregations: vec![
            Aggregation::terms("decisions", "decision", 3),
            Aggregation::terms("rules", "rules", RULES_MAX),
        ],
    };
    let found = store.aggregate(scope, &request).await?;
    let counts = |name: &str| match found.answer(name) {
        Some(AggregationAnswer::Buckets { buckets, .. }) => {
            buckets.iter().filter_map(|bucket| Some((bucket.key.as_text()?.to_owned(), bucket.count))).collect()
        }
        _ => Vec::new(),
    };
    Ok(FraudStats { judged_count: found.total, by_decision: counts("decisions"), by_rule: counts("rules") })
}

/// A page of the decisions that somebody is to look at, the newest first.
///
/// # Errors
/// As [`ListRequest`] for the page, else what the store answers.
pub async fn suspicious(store: &dyn LogStore, scope: &Scope, range: Period, list: &ListRequest) -> Result<Listed<Hit>> {
    let limit = list.limit()?;
    let position = |(timestamp, sequence): (Timestamp, String)| match sequence.parse() {
        Ok(sequence) => Ok(Position { timestamp, sequence }),
        Err(_) => Err(Error::malformed_field("cursor", "the cursor is damaged; begin again without one")),
    };
    let request = SearchRequest {
        selection: Selection { query: decisions()?.and(Query::equals("fraud_detected", "true")), range },
        order: SortOrder::NewestFirst,
        after: list.after()?.map(position).transpose()?,
        skip: 0,
        // One more than the page holds says whether there is another.
        limit: limit + 1,
        count_total: true,
        fields: Fields::All,
    };
    let found = store.search(scope, &request).await?;
    let total = found.total.unwrap_or(found.hits.len() as u64);
    let mut entries = found.hits;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let cursor_of = |hit: &Hit| write_cursor(&(hit.position.timestamp, hit.position.sequence.to_string()));
    let next_cursor = entries.last().filter(|_| has_more).map(cursor_of);
    Ok(Listed { entries, total, is_total_exact: true, next_cursor })
}
