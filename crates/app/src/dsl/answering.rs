//! What the store is asked for a page of hits and its aggregations.

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::ports::{AggregateRequest, Fields, SearchRequest, Selection};
use vigie_domain::{Result, Scope};

use super::aggregation::Reader;
use super::body::Page;
use super::hits::Hits;
use super::named::Named;
use super::place::Place;
use super::sort::After;
use super::{DslRequest, DslSearch};

impl DslSearch {
    /// What a page and its aggregations are; the second selection is every event of the indices.
    ///
    /// # Errors
    /// As `DslSearch::search`.
    pub(super) async fn answer(
        &self,
        scope: &Scope,
        page: &Page,
        [selection, everything]: [Selection; 2],
        asking: &DslRequest,
    ) -> Result<Hits> {
        let ranking = page.ranking();
        let json = asking.body.get("aggs").or_else(|| asking.body.get("aggregations"));
        let place = |key: &str| Place::of(key).with_types(&page.types);
        let named = Named::read(&asking.body, (self.clock)(), scope, &place("query"))?;
        let mut found = Hits { named, ..Hits::default() };
        let mut ranked = None;
        if json.is_some() || ranking.is_some() {
            let mut reader = Reader::new((self.clock)(), selection.range, selection.query.cost());
            if let Some(json) = json {
                reader.edges = self.edges(scope, json, &selection, &place("aggs")).await?;
                reader.samples = self.samples(scope, json, &selection, &place("aggs")).await?;
            }
            let level = json.map(|json| reader.all(json, None, &place("aggs"))).transpose()?;
            let mut aggregations = level.as_ref().map_or_else(Vec::new, |level| level.questions.clone());
            if let Some(ranking) = ranking {
                let kind = AggregationKind::Top { ranking, size: page.from.saturating_add(page.size) };
                aggregations.push(Aggregation::leaf("", kind));
                ranked = Some(aggregations.len() - 1);
            }
            let request = AggregateRequest { selection: selection.clone(), aggregations };
            let mut result = self.store.aggregate(scope, &request).await?;
            ranked.map(|place| result.answers.remove(place)).map_or(Ok(()), |(_, top)| found.rank(top, page.from))?;
            if let Some(level) = &level {
                let looked_up = self.look_up(scope, (level, &reader), &mut result, &everything).await?;
                found.aggregations =
                    Some(level.shown(&result.answers, result.total, &looked_up, asking.has_typed_keys)?);
            }
            found.total = Some(result.total);
        }
        if ranked.is_some() {
            found.hits = self.store.at(scope, &found.places).await?;
            found.inner_hits = self.inner_hits(scope, page, &selection, &found).await?;
            return Ok(found);
        }
        self.in_time_order(scope, page, selection, found).await
    }

    /// The hits of a page in the order of time.
    async fn in_time_order(&self, scope: &Scope, page: &Page, selection: Selection, found: Hits) -> Result<Hits> {
        let needs_total = page.counts_total && found.total.is_none();
        if page.size == 0 && !needs_total {
            return Ok(found);
        }
        let after = match &page.after {
            Some(After::Position(position)) => Some(*position),
            Some(After::Values(..)) | None => None,
        };
        let request = SearchRequest {
            selection,
            order: page.sort.order,
            after,
            skip: page.from,
            limit: page.size,
            count_total: needs_total,
            fields: Fields::All,
        };
        let result = self.store.search(scope, &request).await?;
        Ok(Hits { hits: result.hits, total: found.total.or(result.total), ..found })
    }
}
