//! What answers to aggregations need beside what was counted: events of buckets, and what is counted of all events of the indices.

use serde_json::Value as Json;
use vigie_domain::ports::{AggregateRequest, AggregateResult, Selection};
use vigie_domain::{Error, ErrorKind, Result, Scope};

use super::aggregation::{Level, Reader};
use super::answer::Found;
use super::auto_spans::{self, Edges};
use super::place::Place;
use super::sampler::{self, Sample};
use super::top_hits::{self, HITS_MAX};
use super::{DslSearch, significant};

impl DslSearch {
    /// The first and the last instant of each field whose spans are as wide as it takes.
    ///
    /// # Errors
    /// `Malformed` when one cannot be read; else as the store.
    pub(super) async fn edges(
        &self,
        scope: &Scope,
        json: &Json,
        selection: &Selection,
        place: &Place,
    ) -> Result<Vec<Edges>> {
        let fields = auto_spans::fields_of(json, (self.clock)(), place)?;
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let aggregations = auto_spans::edge_questions(&fields);
        let request = AggregateRequest { selection: selection.clone(), aggregations };
        let answers = self.store.aggregate(scope, &request).await?.answers;
        Ok(auto_spans::edges(fields, &answers))
    }

    /// The newest events of which these aggregations are asked.
    ///
    /// # Errors
    /// `Malformed` when one cannot be read; else as the store.
    pub(super) async fn samples(
        &self,
        scope: &Scope,
        json: &Json,
        selection: &Selection,
        place: &Place,
    ) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        for size in sampler::sizes_of(json, place)? {
            let found = self.store.search(scope, &sampler::question(selection, size)).await?;
            samples.push(Sample::ending_with(size, found.hits.first()));
        }
        Ok(samples)
    }

    /// Looks up what is needed; what is asked of every event of the indices is added to the result.
    ///
    /// # Errors
    /// `TooLarge` when there would be too much of it; else as the store.
    pub(super) async fn look_up(
        &self,
        scope: &Scope,
        (level, reader): (&Level, &Reader),
        result: &mut AggregateResult,
        everything: &Selection,
    ) -> Result<Found> {
        let mut found = Found::default();
        let of_all = |aggregations| AggregateRequest { selection: everything.clone(), aggregations };
        if !reader.elsewhere.is_empty() {
            let elsewhere = self.store.aggregate(scope, &of_all(reader.elsewhere.clone())).await?;
            result.answers.extend(elsewhere.answers);
        }
        if !reader.backgrounds.is_empty() {
            let mut keys = vec![Vec::new(); reader.backgrounds.len()];
            significant::keys(&level.asked, &result.answers, &mut keys)?;
            let questions = significant::questions(&reader.backgrounds, keys)?;
            let answers = self.store.aggregate(scope, &of_all(questions)).await?.answers;
            found.backgrounds = significant::counted(answers);
        }
        let mut places = Vec::new();
        top_hits::places(&result.answers, &mut places);
        if places.len() > HITS_MAX {
            let words = format!(
                "[top_hits] would show {} events, at most {HITS_MAX} are; ask for fewer buckets or fewer events of each",
                places.len()
            );
            return Err(Error::new(ErrorKind::TooLarge, words));
        }
        if !places.is_empty() {
            let hits = self.store.at(scope, &places).await?;
            found.hits = hits.into_iter().map(|hit| (hit.position, hit)).collect();
        }
        Ok(found)
    }
}
