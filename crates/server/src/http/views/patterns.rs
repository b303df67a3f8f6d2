//! Patterns of messages, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::search::{Pattern, Patterns};

/// The patterns of messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Patterns)]
pub struct PatternsView {
    /// First instant of the range.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// The most frequent first.
    pub patterns: Vec<PatternView>,
    /// How many there are in all.
    pub distinct: usize,
    /// Events with a message that match.
    pub matching: u64,
    /// How many of them were looked at: the latest of ten equal spans of the range.
    pub looked_at: u64,
    /// Whether every event was looked at; else counts are estimates.
    pub exact: bool,
    /// How long it took.
    pub took_ms: u64,
    /// Rows looked at.
    pub rows_scanned: u64,
    /// Bytes of files decoded.
    pub bytes_read: u64,
}

/// Messages that are alike.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pattern)]
pub struct PatternView {
    /// The words, `<*>` where they differ.
    #[schema(example = "payment of <*> EUR for order <*> is completed")]
    pub pattern: String,
    /// Its events.
    pub count: u64,
    /// Their share of the events with a message, 0 to 1.
    pub share: f64,
    /// The latest of its messages.
    pub example: String,
    /// When that was.
    #[schema(format = DateTime)]
    pub latest: String,
    /// Its events by level.
    pub levels: BTreeMap<String, u64>,
    /// Its events by service.
    pub services: BTreeMap<String, u64>,
    /// Its events over the range, in 30 equal spans.
    pub trend: Vec<u64>,
    /// A query by which its events are found: its longest fixed words as phrases. Null when no word of it is fixed.
    pub query: Option<String>,
}

impl PatternsView {
    /// The patterns as they are answered.
    pub fn new(found: Patterns, took_ms: u64) -> Self {
        let matching = found.matching.max(1) as f64;
        let pattern = |pattern: Pattern| PatternView {
            share: pattern.count as f64 / matching,
            pattern: pattern.template,
            count: pattern.count,
            example: pattern.example,
            latest: pattern.latest.to_string(),
            levels: pattern.levels,
            services: pattern.services,
            trend: pattern.trend,
            query: pattern.query,
        };
        Self {
            from: found.range.from.to_string(),
            to: found.range.to.to_string(),
            patterns: found.patterns.into_iter().map(pattern).collect(),
            distinct: found.distinct,
            matching: found.matching,
            looked_at: found.looked_at,
            exact: found.looked_at == found.matching,
            took_ms,
            rows_scanned: found.stats.rows_scanned,
            bytes_read: found.stats.bytes_read,
        }
    }
}
