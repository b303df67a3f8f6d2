//! Every event that matches, a page after another, for whoever writes them somewhere else.
//!
//! What is held at any time is one page. Events that arrive while it goes on are not in it when the newest come first: pages go back in time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vigie_domain::ports::{Fields, Hit, Lines, LogStore, SearchRequest, SearchResult, Selection, SortOrder};
use vigie_domain::{Error, ErrorKind, Position, Result, Scope};

use super::Search;
use crate::time_range::AskedRange;

/// Exports under way at once; each keeps a scan busy.
const EXPORTS_MAX: usize = 4;
/// Events of the first page, so that the first bytes come soon, and of pages of lines at least.
const FIRST_PAGE: usize = 500;
/// Events of the pages after it.
const PAGE: usize = 10_000;
/// Bytes of those pages as lines, about: the more, the fewer blocks of the store's files are unpacked twice.
const PAGE_OF_LINES_BYTES: usize = 28 << 20;
/// Events of a page of lines at most.
const PAGE_OF_LINES_MAX: usize = 100_000;
/// When it is worth asking again.
const RETRY_AFTER_S: u64 = 10;

/// Exports that may still begin.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(EXPORTS_MAX))
}

/// What a caller wants to have.
#[derive(Clone, Debug, Default)]
pub struct ExportInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// The events' own time; all of it unless said.
    pub range: AskedRange,
    /// Earliest first instead of latest first.
    pub oldest_first: bool,
    /// Events at most; all when left out.
    pub limit: Option<u64>,
    /// Which fields the events of pages have; lines have all.
    pub fields: Fields,
}

/// An export under way.
pub struct Export {
    store: Arc<dyn LogStore>,
    scope: Scope,
    selection: Selection,
    order: SortOrder,
    after: Option<Position>,
    /// Events that may still come.
    left: u64,
    total: u64,
    fields: Fields,
    /// Events of the next page.
    page: usize,
    /// Events of a page for which there is memory.
    page_max: usize,
    _room: OwnedSemaphorePermit,
}

impl Search {
    /// Begins to export the events that match.
    ///
    /// # Errors
    /// `Malformed` when the query or a time cannot be read; `Throttled` when as many exports as may be are under way.
    pub async fn export(&self, scope: &Scope, input: &ExportInput) -> Result<Export> {
        let selection = self.selection(&input.query, &input.range, None)?;
        let room = self.exports.clone().try_acquire_owned().map_err(|_| {
            let message = format!("{EXPORTS_MAX} exports are under way, more are not begun; try again in a while");
            Error::new(ErrorKind::Throttled, message).with_retry_after_s(RETRY_AFTER_S)
        })?;
        let count = SearchRequest {
            selection: selection.clone(),
            order: SortOrder::NewestFirst,
            after: None,
            skip: 0,
            limit: 0,
            count_total: true,
            fields: Fields::All,
        };
        let matching = self.store.search(scope, &count).await?.total.unwrap_or_default();
        let total = input.limit.map_or(matching, |limit| matching.min(limit));
        Ok(Export {
            store: self.store.clone(),
            scope: scope.clone(),
            selection,
            order: if input.oldest_first { SortOrder::OldestFirst } else { SortOrder::NewestFirst },
            after: None,
            left: input.limit.unwrap_or(u64::MAX),
            total,
            fields: input.fields.clone(),
            page: FIRST_PAGE,
            page_max: usize::MAX,
            _room: room,
        })
    }
}

impl Export {
    /// How many events there were when it began.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The next events; none when all were given.
    ///
    /// # Errors
    /// What the store answers; the export has then ended before its end.
    pub async fn next_page(&mut self) -> Result<Vec<Hit>> {
        while let Some(request) = self.next_request() {
            match self.store.search(&self.scope, &request).await {
                Ok(SearchResult { hits, .. }) => {
                    self.advance(&request, hits.len(), hits.last().map(|hit| hit.position));
                    self.page = PAGE;
                    return Ok(hits);
                }
                Err(error) => self.ask_for_less(&request, error)?,
            }
        }
        Ok(Vec::new())
    }

    /// The next events as lines of JSON; none when all were given.
    ///
    /// # Errors
    /// What the store answers; the export has then ended before its end.
    pub async fn next_lines(&mut self) -> Result<Lines> {
        while let Some(request) = self.next_request() {
            match self.store.lines(&self.scope, &request).await {
                Ok(lines) => {
                    self.advance(&request, lines.count, lines.last);
                    let bytes: usize = lines.texts.iter().map(Vec::len).sum();
                    let bytes_each = (bytes / lines.count.max(1)).max(1);
                    self.page = (PAGE_OF_LINES_BYTES / bytes_each).clamp(FIRST_PAGE, PAGE_OF_LINES_MAX);
                    return Ok(lines);
                }
                Err(error) => self.ask_for_less(&request, error)?,
            }
        }
        Ok(Lines::default())
    }

    fn next_request(&self) -> Option<SearchRequest> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.page).min(self.page_max);
        (limit > 0).then(|| SearchRequest {
            selection: self.selection.clone(),
            order: self.order,
            after: self.after,
            skip: 0,
            limit,
            count_total: false,
            fields: self.fields.clone(),
        })
    }

    /// Makes pages smaller when there is no memory for one: events that come later may be larger than those before.
    fn ask_for_less(&mut self, request: &SearchRequest, error: Error) -> Result<()> {
        if error.kind != ErrorKind::TooLarge || request.limit == 1 {
            return Err(error);
        }
        self.page_max = request.limit / 2;
        Ok(())
    }

    fn advance(&mut self, request: &SearchRequest, count: usize, last: Option<Position>) {
        self.after = last.or(self.after);
        self.left = if count < request.limit { 0 } else { self.left - count as u64 };
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use serde_json::json;
    use vigie_domain::ports::{AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, IndexInfo};
    use vigie_domain::{EventId, TimeRange};
    use vigie_testkit::LinearStore;

    use super::*;
    use crate::ingest::IngestOptions;
    use crate::test_shop::{Shop, event, lines};

    async fn ids(export: &mut Export) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let page = export.next_page().await.unwrap();
            if page.is_empty() {
                return ids;
            }
            ids.extend(page.into_iter().map(|hit| hit.id.0));
        }
    }

    async fn numbers(export: &mut Export) -> Vec<i64> {
        let mut text = Vec::new();
        loop {
            let page = export.next_lines().await.unwrap();
            if page.count == 0 {
                break;
            }
            text.extend(page.texts.concat());
        }
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_i64().unwrap();
        std::str::from_utf8(&text).unwrap().lines().map(line).collect()
    }

    fn events(count: usize) -> Vec<serde_json::Value> {
        (0..count).map(|n| event(i64::try_from(n).unwrap() / 3, &json!({"_id": format!("e{n:05}"), "n": n}))).collect()
    }

    #[tokio::test]
    async fn every_match_comes_once_and_in_order() {
        let count = FIRST_PAGE * 2 + 7;
        let shop = Shop::with(&events(count)).await;
        let all = ExportInput::default();
        let mut export = shop.search.export(&shop.scope, &all).await.unwrap();
        assert_eq!(export.total(), count as u64);
        let newest = ids(&mut export).await;
        assert_eq!(newest.len(), count);
        let oldest = ExportInput { oldest_first: true, ..all.clone() };
        let mut oldest = ids(&mut shop.search.export(&shop.scope, &oldest).await.unwrap()).await;
        oldest.reverse();
        assert_eq!(oldest, newest);
        let mut some =
            shop.search.export(&shop.scope, &ExportInput { query: "n<10".into(), ..all.clone() }).await.unwrap();
        assert_eq!((some.total(), ids(&mut some).await.len()), (10, 10));
        let mut lines = shop.search.export(&shop.scope, &all).await.unwrap();
        let expected: Vec<i64> = newest.iter().map(|id| id[1..].parse().unwrap()).collect();
        assert_eq!(numbers(&mut lines).await, expected);
        let limited = ExportInput { limit: Some(FIRST_PAGE as u64 + 3), ..all };
        let mut limited = shop.search.export(&shop.scope, &limited).await.unwrap();
        assert_eq!(limited.total(), FIRST_PAGE as u64 + 3);
        assert_eq!(ids(&mut limited).await, newest[..FIRST_PAGE + 3]);
    }

    /// A store that has memory for so many events of one answer.
    struct Cramped {
        store: LinearStore,
        events_max: usize,
    }

    #[async_trait]
    impl LogStore for Cramped {
        async fn append(&self, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
            self.store.append(scope, batch).await
        }

        async fn delete(&self, scope: &Scope, selection: &Selection) -> Result<u64> {
            self.store.delete(scope, selection).await
        }

        async fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchResult> {
            if request.limit > self.events_max {
                return Err(Error::new(ErrorKind::TooLarge, "too much memory"));
            }
            self.store.search(scope, request).await
        }

        async fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<AggregateResult> {
            self.store.aggregate(scope, request).await
        }

        async fn get(&self, scope: &Scope, id: &EventId) -> Result<Option<Hit>> {
            self.store.get(scope, id).await
        }

        async fn fields(&self, scope: &Scope, range: TimeRange) -> Result<Vec<FieldInfo>> {
            self.store.fields(scope, range).await
        }

        async fn indices(&self, scope: &Scope) -> Result<Vec<IndexInfo>> {
            self.store.indices(scope).await
        }
    }

    #[tokio::test]
    async fn pages_for_which_there_is_no_memory_are_made_smaller() {
        let count = FIRST_PAGE + 90;
        let exported = async |events_max: usize| {
            let shop = Shop::on(Arc::new(Cramped { store: LinearStore::default(), events_max }));
            shop.send(&lines(&events(count)), &IngestOptions::default()).await;
            shop.search.export(&shop.scope, &ExportInput::default()).await.unwrap()
        };
        for events_max in [1, 70, FIRST_PAGE + 10] {
            let expected: Vec<i64> = (0..count as i64).collect();
            let mut found = numbers(&mut exported(events_max).await).await;
            found.sort_unstable();
            assert_eq!(found, expected, "{events_max}");
            assert_eq!(ids(&mut exported(events_max).await).await.len(), count, "{events_max}");
        }
        let refused = exported(0).await.next_lines().await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::TooLarge, "not even one event fits");
    }

    #[tokio::test]
    async fn more_than_so_many_at_once_are_asked_to_wait() {
        let shop = Shop::new();
        let mut running = Vec::new();
        for _ in 0..EXPORTS_MAX {
            running.push(shop.search.export(&shop.scope, &ExportInput::default()).await.unwrap());
        }
        let refused = shop.search.export(&shop.scope, &ExportInput::default()).await.err().unwrap();
        assert_eq!((refused.kind, refused.retry_after_s), (ErrorKind::Throttled, Some(RETRY_AFTER_S)));
        running.pop();
        assert!(shop.search.export(&shop.scope, &ExportInput::default()).await.is_ok());
    }
}
