//! The patterns of messages: what stays of many messages when numbers, ids and names in them are left open.

mod miner;

use futures_util::future::try_join_all;
use vigie_domain::event::for_each_scalar;
use vigie_domain::ports::{Fields, Hit, ScanStats, SearchRequest, SearchResult, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, Result, Scope, TimeRange, Timestamp, Value, mapping};

use super::Search;
use crate::time_range::AskedRange;
use miner::{Sample, TREND_POINTS, mine};

pub use miner::Pattern;

/// The period that is looked at when nothing is asked for.
const DEFAULT_NS: i64 = NANOS_PER_DAY;
/// Spans of the range of which the latest messages are looked at, so that one busy hour does not stand for the day.
const SPANS: usize = TREND_POINTS;
/// Messages that are looked at of each span.
const SPAN_MESSAGES: usize = 500;
/// Patterns shown unless the caller says otherwise.
pub const PATTERNS_DEFAULT: usize = 50;
/// Patterns shown at most.
pub const PATTERNS_MAX: usize = 500;

/// What a caller asks for.
#[derive(Clone, Debug)]
pub struct PatternsInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// The events' own time; the last day when nothing is said.
    pub range: AskedRange,
    /// Patterns at most.
    pub limit: usize,
}

/// The patterns of the messages of events that match.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// The range that was looked at.
    pub range: TimeRange,
    /// The most frequent first.
    pub patterns: Vec<Pattern>,
    /// How many there are in all.
    pub distinct: usize,
    /// Events with a message that match.
    pub matching: u64,
    /// How many of them were looked at; where these are fewer, counts are estimates.
    pub looked_at: u64,
    /// What it cost.
    pub stats: ScanStats,
}

impl Search {
    /// The patterns of the messages of events that match.
    ///
    /// # Errors
    /// `Malformed` when the query or a time cannot be read; `Invalid` when too many patterns are asked for.
    pub async fn patterns(&self, scope: &Scope, input: &PatternsInput) -> Result<Patterns> {
        if !(1..=PATTERNS_MAX).contains(&input.limit) {
            let message = format!("\"limit\" is {}; ask for 1 to {PATTERNS_MAX} patterns", input.limit);
            return Err(Error::invalid_field("limit", message));
        }
        let selection = self.selection(&input.query, &input.range, Some(DEFAULT_NS))?;
        let range = selection.range;
        let query = selection.query.and(Query::exists(MESSAGE));
        let requests: Vec<SearchRequest> = spans(range).map(|span| latest_of(&query, span)).collect();
        let found = try_join_all(requests.iter().map(|request| self.store.search(scope, request))).await?;
        let matching = found.iter().filter_map(|result| result.total).sum();
        let looked_at = found.iter().map(|result| result.hits.len() as u64).sum();
        let stats = found.iter().fold(ScanStats::default(), |sum, result| ScanStats {
            rows_scanned: sum.rows_scanned + result.stats.rows_scanned,
            bytes_read: sum.bytes_read + result.stats.bytes_read,
        });
        // Milliseconds of work that no other request should wait for.
        let mined = tokio::task::spawn_blocking(move || mine_found(range, &found)).await;
        let mut patterns =
            mined.map_err(|error| Error::internal(format!("the messages were not looked at: {error}")))?;
        let distinct = patterns.len();
        patterns.truncate(input.limit);
        Ok(Patterns { range, patterns, distinct, matching, looked_at, stats })
    }
}

/// The field of messages.
const MESSAGE: &str = "message";

/// The range in equal spans. In 128 bits: a range may be all of time.
fn spans(range: TimeRange) -> impl Iterator<Item = TimeRange> {
    let (from, length) = (i128::from(range.from.as_nanos()), length_ns(range));
    let start = move |span: usize| {
        let at = from + length * span as i128 / SPANS as i128;
        Timestamp::from_nanos(i64::try_from(at).unwrap_or(i64::MAX))
    };
    (0..SPANS).map(move |span| TimeRange { from: start(span), to: start(span + 1) })
}

fn length_ns(range: TimeRange) -> i128 {
    i128::from(range.to.as_nanos()) - i128::from(range.from.as_nanos())
}

fn latest_of(query: &Query, range: TimeRange) -> SearchRequest {
    SearchRequest {
        selection: Selection { query: query.clone(), range },
        order: SortOrder::NewestFirst,
        after: None,
        skip: 0,
        limit: SPAN_MESSAGES,
        count_total: true,
        fields: Fields::only([MESSAGE, "level", "service"]),
    }
}

fn mine_found(range: TimeRange, found: &[SearchResult]) -> Vec<Pattern> {
    let length_ns = length_ns(range).max(1) as f64;
    let samples = found.iter().flat_map(|result| {
        // Each event that was looked at stands for as many of its span.
        let weight = result.total.unwrap_or_default() as f64 / result.hits.len().max(1) as f64;
        result.hits.iter().map(move |hit| {
            let [message, level, service] = texts(hit, [MESSAGE, "level", "service"]);
            let at = hit.position.timestamp;
            let since_ns = i128::from(at.as_nanos()) - i128::from(range.from.as_nanos());
            Sample { message, level, service, place: since_ns as f64 / length_ns, at, weight }
        })
    });
    mine(samples)
}

/// The first text of each field, wherever it was sent; empty without one.
fn texts<'a, const N: usize>(hit: &'a Hit, fields: [&str; N]) -> [&'a str; N] {
    let mut texts = [""; N];
    for (name, value) in &hit.source {
        for_each_scalar(name, value, &mut |path, scalar| {
            let canonical = mapping::canonical(path);
            for (field, text) in fields.iter().zip(&mut texts) {
                if let Some(found) = Value::as_text(scalar).filter(|_| text.is_empty() && canonical == *field) {
                    *text = found;
                }
            }
        });
    }
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vigie_domain::ErrorKind;

    use super::*;
    use crate::test_shop::{Shop, event};

    fn asked(query: &str) -> PatternsInput {
        PatternsInput { query: query.into(), range: AskedRange::default(), limit: PATTERNS_DEFAULT }
    }

    #[tokio::test]
    async fn a_pattern_finds_its_own_events_again() {
        let events: Vec<_> = (0..60)
            .map(|n| {
                let text =
                    if n % 3 == 0 { format!("cart {n} is empty") } else { format!("stock of P-{n} is low: {n} left") };
                event(n * 600 + 1, &json!({"msg": text, "level": "WARN", "service.name": "cart"}))
            })
            .chain([event(5, &json!({"level": "INFO"}))])
            .collect();
        let shop = Shop::with(&events).await;
        let found = shop.search.patterns(&shop.scope, &asked("level:WARN")).await.unwrap();
        assert_eq!((found.matching, found.looked_at, found.distinct), (60, 60, 2));
        let templates: Vec<_> =
            found.patterns.iter().map(|pattern| (pattern.template.as_str(), pattern.count)).collect();
        assert_eq!(templates, [("stock of <*> is low: <*> left", 40), ("cart <*> is empty", 20)]);
        for pattern in &found.patterns {
            assert_eq!(pattern.services.get("cart"), Some(&pattern.count));
            assert_eq!(pattern.trend.iter().sum::<u64>(), pattern.count);
            let again = shop.search.patterns(&shop.scope, &asked(pattern.query.as_deref().unwrap())).await.unwrap();
            assert_eq!(
                (again.distinct, again.matching, &again.patterns[0].template),
                (1, pattern.count, &pattern.template)
            );
        }
    }

    #[tokio::test]
    async fn of_too_many_messages_the_latest_of_each_span_stand_for_all() {
        let count = SPAN_MESSAGES + 500;
        let events: Vec<_> = (0..count).map(|n| event(1, &json!({"message": format!("tick {n}")}))).collect();
        let shop = Shop::with(&events).await;
        let found = shop.search.patterns(&shop.scope, &asked("")).await.unwrap();
        assert_eq!((found.matching, found.looked_at), (count as u64, SPAN_MESSAGES as u64));
        assert_eq!((found.patterns[0].template.as_str(), found.patterns[0].count), ("tick <*>", count as u64));
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_refused() {
        let shop = Shop::new();
        let nothing = shop.search.patterns(&shop.scope, &asked("")).await.unwrap();
        assert!(nothing.patterns.is_empty() && nothing.matching == 0);
        let kind = async |input: PatternsInput| shop.search.patterns(&shop.scope, &input).await.unwrap_err().kind;
        assert_eq!(kind(asked("level:")).await, ErrorKind::Malformed);
        assert_eq!(kind(PatternsInput { limit: 0, ..asked("") }).await, ErrorKind::Invalid);
        assert_eq!(kind(PatternsInput { limit: PATTERNS_MAX + 1, ..asked("") }).await, ErrorKind::Invalid);
    }

    #[test]
    fn spans_follow_one_another_to_the_end() {
        let check = |range: TimeRange| {
            let spans: Vec<TimeRange> = spans(range).collect();
            assert_eq!((spans[0].from, spans[SPANS - 1].to), (range.from, range.to));
            assert!(spans.windows(2).all(|pair| pair[0].to == pair[1].from));
        };
        check(TimeRange::ALL);
        check(TimeRange { from: crate::test_shop::NOW, to: crate::test_shop::NOW.saturating_add_nanos(3) });
        check(TimeRange { from: crate::test_shop::NOW, to: crate::test_shop::NOW });
    }
}
