//! How long databases take, which queries are slow, and what caches save them.

use std::collections::HashMap;

use vigie_domain::aggregation::{Aggregation, AggregationKind, Bucket};
use vigie_domain::event::for_each_scalar;
use vigie_domain::ports::{Fields, Hit, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::{Result, Scope, TimeRange, Timestamp, mapping};

use super::measures::{self, Durations};
use super::requests::checked;
use super::{OVER_TIME, Performance, PerformanceInput, over_time, start_of};
use crate::analytics::answers::{Answers, shown};
use crate::analytics::filters;

/// The field of how long a database took.
const QUERY_TIME: &str = "db_query_time_ms";
/// Kinds of query and tables that are told apart.
const KINDS_MAX: usize = 100;
/// How many more may be slower than the bound than there should be, because ranks are rounded.
const ROUNDING: usize = 2;

/// How long databases took in a period.
#[derive(Clone, Debug)]
pub struct DatabaseLatency {
    /// The period.
    pub range: TimeRange,
    /// All queries.
    pub current: Durations,
    /// Those of the period before.
    pub previous: Durations,
    /// By kind of query, those that took longest in all first.
    pub by_type: Vec<DatabaseLine>,
    /// By table, those that took longest in all first.
    pub by_table: Vec<DatabaseLine>,
    /// Width of a point of the timeline, in milliseconds.
    pub interval_ms: i64,
    /// Over time, spans with queries only.
    pub timeline: Vec<(Timestamp, Durations)>,
    /// The slowest, slowest first.
    pub slow_queries: Vec<SlowQuery>,
    /// How caches were used.
    pub cache: CacheUse,
    /// The same in the period before.
    pub previous_cache: CacheUse,
}

/// Queries of one kind or to one table.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseLine {
    /// The kind or the table.
    pub name: String,
    /// How long they took.
    pub current: Durations,
    /// In the period before, when there were any.
    pub previous: Option<Durations>,
}

/// One slow query.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowQuery {
    /// How long it took.
    pub query_time_ms: f64,
    /// The event that tells of it.
    pub hit: Hit,
}

/// How often a cache had what was looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// It had.
    pub hits: u64,
    /// It had not.
    pub misses: u64,
}

impl CacheUse {
    /// Share of hits, 0 to 1; `None` when nothing was looked for.
    pub fn hit_rate(self) -> Option<f64> {
        let asked = self.hits + self.misses;
        (asked > 0).then(|| self.hits as f64 / asked as f64)
    }
}

impl Performance {
    /// How long databases took, with at most `limit` of the slowest queries.
    ///
    /// # Errors
    /// When the query or a time cannot be read, `limit` is out of bounds, or what the store answers.
    pub async fn database(&self, scope: &Scope, input: &PerformanceInput, limit: usize) -> Result<DatabaseLatency> {
        let (requests, range) = self.selection(input)?;
        let limit = checked(limit)?;
        let queries = requests.clone().and(Query::exists(QUERY_TIME));
        let (timeline, interval_ns) = over_time(range);
        let both = || {
            let types = measured(Aggregation::terms("types", "db_query_type", KINDS_MAX));
            let tables = measured(Aggregation::terms("tables", "db_table", KINDS_MAX));
            measures::duration_questions(QUERY_TIME).into_iter().chain([types, tables])
        };
        let (current, previous, cached, cached_before) = tokio::try_join!(
            self.count(scope, &queries, range, both().chain([measured(timeline)]).collect()),
            self.count(scope, &queries, range.previous(), both().collect()),
            self.count(scope, &requests, range, vec![cache_question()]),
            self.count(scope, &requests, range.previous(), vec![cache_question()]),
        )?;
        let (answers, before) = (Answers::new(&current.answers), Answers::new(&previous.answers));
        let point = |bucket: &Bucket| (start_of(&bucket.key), named(bucket).1);
        let points = answers.buckets(OVER_TIME).iter().filter(|bucket| bucket.count > 0).map(point).collect();
        Ok(DatabaseLatency {
            range,
            by_type: lines(answers, before, "types"),
            by_table: lines(answers, before, "tables"),
            interval_ms: interval_ns / 1_000_000,
            timeline: points,
            slow_queries: self.slowest(scope, &queries, range, limit).await?,
            cache: cache_use(Answers::new(&cached.answers)),
            previous_cache: cache_use(Answers::new(&cached_before.answers)),
            current: measures::durations(answers),
            previous: measures::durations(before),
        })
    }

    /// The slowest: all that took longer than the `limit`-th, then the newest of those that took as long.
    async fn slowest(&self, scope: &Scope, queries: &Query, range: TimeRange, limit: usize) -> Result<Vec<SlowQuery>> {
        let measured = self.count(scope, queries, range, vec![Aggregation::stats("durations", QUERY_TIME)]).await?;
        let count = Answers::new(&measured.answers).stats("durations").count;
        // About `limit` values lie above the value of this rank.
        let rank = count.saturating_sub(limit as u64 + 1) as f64 / count.saturating_sub(1).max(1) as f64 * 100.0;
        let kind = AggregationKind::Percentiles { field: QUERY_TIME.into(), percents: vec![rank] };
        let result = self.count(scope, queries, range, vec![Aggregation::leaf("bound", kind)]).await?;
        let Some(bound) = Answers::new(&result.answers).percentile("bound") else { return Ok(Vec::new()) };
        let from = |lower: Bound, upper: Bound| Query::Field {
            field: QUERY_TIME.to_owned(),
            predicate: Predicate::Range { lower, upper },
        };
        let slower = from(Bound::Exclusive(bound.to_string()), Bound::Open);
        let as_slow = from(Bound::Inclusive(bound.to_string()), Bound::Inclusive(bound.to_string()));
        let found = async |query: Query, at_most: usize| {
            let request = SearchRequest {
                selection: Selection { query: queries.clone().and(query), range },
                order: SortOrder::NewestFirst,
                after: None,
                skip: 0,
                limit: at_most,
                count_total: false,
                fields: Fields::All,
            };
            self.store.search(scope, &request).await
        };
        let mut hits = found(slower, limit + ROUNDING).await?.hits;
        if hits.len() < limit {
            hits.extend(found(as_slow, limit - hits.len()).await?.hits);
        }
        let mut slowest: Vec<SlowQuery> = hits.into_iter().filter_map(slow_query).collect();
        slowest.sort_by(|left, right| right.query_time_ms.total_cmp(&left.query_time_ms));
        slowest.truncate(limit);
        Ok(slowest)
    }
}

fn slow_query(hit: Hit) -> Option<SlowQuery> {
    let query_time_ms = measured_ms(&hit)?;
    Some(SlowQuery { query_time_ms, hit })
}

/// How long the query of an event took.
fn measured_ms(hit: &Hit) -> Option<f64> {
    let mut longest: Option<f64> = None;
    for (name, value) in &hit.source {
        for_each_scalar(name, value, &mut |path, scalar| {
            if let Some(number) = scalar.as_f64().filter(|_| mapping::canonical(path) == QUERY_TIME) {
                longest = Some(longest.map_or(number, |known| known.max(number)));
            }
        });
    }
    longest
}

fn measured(question: Aggregation) -> Aggregation {
    measures::duration_questions(QUERY_TIME).into_iter().fold(question, Aggregation::with)
}

fn named(bucket: &Bucket) -> (String, Durations) {
    (shown(&bucket.key), measures::durations(Answers::new(&bucket.children)))
}

fn lines(answers: Answers<'_>, before: Answers<'_>, name: &str) -> Vec<DatabaseLine> {
    let known: HashMap<String, Durations> = before.buckets(name).iter().map(named).collect();
    let line =
        |(name, current): (String, Durations)| DatabaseLine { previous: known.get(&name).cloned(), name, current };
    let mut lines: Vec<_> = answers.buckets(name).iter().map(named).map(line).collect();
    lines.sort_by(|left, right| right.current.sum_ms.total_cmp(&left.current.sum_ms));
    lines
}

/// What is asked about caches.
pub(super) fn cache_question() -> Aggregation {
    filters(
        "cache",
        vec![("hits", Query::equals("cache_hit", "true")), ("misses", Query::equals("cache_hit", "false"))],
    )
}

/// What was answered about caches.
pub(super) fn cache_use(answers: Answers<'_>) -> CacheUse {
    CacheUse { hits: answers.bucket_count("cache", "hits"), misses: answers.bucket_count("cache", "misses") }
}
