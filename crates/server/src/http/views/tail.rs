//! What a live tail and its listener say to each other, as JSON in text frames.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::tail::TailStats;

use super::events::HitView;
use crate::http::error::ProblemView;

/// What a tail says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = TailMessage)]
pub enum TailMessage {
    /// Which events are told from now on. Numbers begin at zero.
    Hello {
        /// The query as it was asked.
        query: String,
        /// Fields and the values of which an event must have one.
        filters: BTreeMap<String, Vec<String>>,
        /// Events per second at most.
        rate: usize,
    },
    /// Events that matched, in order of arrival.
    Events {
        /// The events, as a search answers them.
        hits: Vec<HitView>,
    },
    /// What became of events so far.
    Stats(TailStatsView),
    /// The question cannot be answered; `problem` is what a search would say. The tail goes on as before.
    Error {
        /// What is wrong and where.
        problem: ProblemView,
    },
}

/// Numbers since the last `hello`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TailStats)]
pub struct TailStatsView {
    /// Events that matched.
    pub matched: u64,
    /// Of them, those that were sent.
    pub sent: u64,
    /// Of them, those left out because more matched than may be sent; each had the same chance.
    pub sampled_out: u64,
    /// Of them, those left out because the tail was paused.
    pub withheld: u64,
    /// Events that could not be looked at in time, or that matched and were too large together.
    pub dropped: u64,
    /// Of how many that matched since the numbers before one was sent; null while all are sent.
    pub sampled_one_of: Option<f64>,
    /// Whether the tail is paused.
    pub paused: bool,
}

impl TailStatsView {
    /// The numbers now, and what they were when they were last told.
    pub fn new(now: TailStats, before: TailStats, paused: bool) -> Self {
        let sent = now.sent.saturating_sub(before.sent);
        let left_out = now.sampled_out.saturating_sub(before.sampled_out);
        let one_of = (sent > 0 && left_out > 0).then(|| (sent + left_out) as f64 / sent as f64);
        Self {
            matched: now.matched,
            sent: now.sent,
            sampled_out: now.sampled_out,
            withheld: now.withheld,
            dropped: now.dropped,
            sampled_one_of: one_of.map(|one_of| (one_of * 10.0).round() / 10.0),
            paused,
        }
    }
}

/// What a listener says.
#[derive(Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = TailRequest)]
pub enum TailRequest {
    /// Other events from now on.
    Query {
        /// What was typed; empty means every event.
        #[serde(default)]
        query: String,
        /// Fields and the values of which an event must have one.
        #[serde(default)]
        filters: BTreeMap<String, Vec<String>>,
        /// Events per second at most, from 1 to the setting `tail.rate_max`; `tail.rate_default` unless said.
        #[serde(default)]
        rate: Option<usize>,
    },
    /// Send no events, only count them.
    Pause,
    /// Send events again.
    Resume,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_listener_says_is_read() {
        let read = |text: &str| serde_json::from_str::<TailRequest>(text).map_err(|error| error.to_string());
        let asked = read(r#"{"type":"query","query":"level:error","filters":{"service":["cart"]},"rate":5}"#);
        let filters = BTreeMap::from([("service".to_owned(), vec!["cart".to_owned()])]);
        assert_eq!(asked, Ok(TailRequest::Query { query: "level:error".into(), filters, rate: Some(5) }));
        assert_eq!(read(r#"{"type":"pause"}"#), Ok(TailRequest::Pause));
        assert_eq!(read(r#"{"type":"resume"}"#), Ok(TailRequest::Resume));
        for wrong in
            ["", "{}", "[]", r#"{"type":"stop"}"#, r#"{"type":"query","rate":-1}"#, r#"{"type":"query","q":""}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_rate_of_the_sample_is_of_the_last_moment() {
        let stats = |sent: u64, sampled_out: u64| TailStats { sent, sampled_out, ..TailStats::default() };
        let one_of = |now, before| TailStatsView::new(now, before, false).sampled_one_of;
        assert_eq!(one_of(stats(100, 0), stats(0, 0)), None);
        assert_eq!(one_of(stats(200, 300), stats(100, 0)), Some(4.0));
        assert_eq!(one_of(stats(200, 300), stats(200, 300)), None);
    }
}
