//! How response times are spread over time: a column per span of time, a cell per span of durations.

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use super::measures::RESPONSE_TIME;
use super::{OVER_TIME, Performance, PerformanceInput, over_time, start_of};
use crate::analytics::answers::Answers;

/// Where cells begin, in milliseconds: three to a power of ten, as people read durations. The last has no end.
const BOUNDS_MS: [u32; 14] = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
/// The name of the question within a column.
const CELLS: &str = "cells";

/// How response times are spread over time.
#[derive(Clone, Debug)]
pub struct Heatmap {
    /// The period.
    pub range: TimeRange,
    /// Width of a column in milliseconds.
    pub interval_ms: i64,
    /// Where cells begin, in milliseconds of response time; the last has no end.
    pub bounds_ms: &'static [u32],
    /// Columns with requests, oldest first.
    pub columns: Vec<HeatmapColumn>,
}

/// Requests of one span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeatmapColumn {
    /// Its first instant.
    pub start: Timestamp,
    /// Requests in each cell, shortest durations first.
    pub counts: Vec<u64>,
}

impl Performance {
    /// How response times are spread over time.
    ///
    /// # Errors
    /// When the query or a time cannot be read, or what the store answers.
    pub async fn heatmap(&self, scope: &Scope, input: &PerformanceInput) -> Result<Heatmap> {
        let (query, range) = self.selection(input)?;
        let (question, interval_ns) = over_time(range);
        let cells = Aggregation::leaf(CELLS, AggregationKind::Filters(cells().collect()));
        let result = self.count(scope, &query, range, vec![question.with(cells)]).await?;
        let buckets = Answers::new(&result.answers).buckets(OVER_TIME).iter().filter(|bucket| bucket.count > 0);
        let columns = buckets.map(|bucket| {
            let cells = Answers::new(&bucket.children).buckets(CELLS);
            HeatmapColumn { start: start_of(&bucket.key), counts: cells.iter().map(|cell| cell.count).collect() }
        });
        Ok(Heatmap { range, interval_ms: interval_ns / 1_000_000, bounds_ms: &BOUNDS_MS, columns: columns.collect() })
    }
}

fn cells() -> impl Iterator<Item = (String, Query)> {
    BOUNDS_MS.iter().enumerate().map(|(index, from)| {
        let upper = BOUNDS_MS.get(index + 1).map_or(Bound::Open, |to| Bound::Exclusive(to.to_string()));
        let predicate = Predicate::Range { lower: Bound::Inclusive(from.to_string()), upper };
        (from.to_string(), Query::Field { field: RESPONSE_TIME.to_owned(), predicate })
    })
}
