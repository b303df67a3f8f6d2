//! Buckets of histograms while rows are counted.

use vigie_domain::aggregation::AggregationKind;

use super::buckets::SLOT_BYTES;
use super::collect::Selected;
use super::keys::FastMap;
use super::question::Question;
use super::visit::{for_each_number, for_each_scalar};
use crate::chunk::Chunk;

/// Buckets of a histogram.
#[derive(Default)]
pub struct Spans {
    by_start: FastMap<(u32, i64), u32>,
    /// Parent, start in nanoseconds or place, events.
    pub entries: Vec<(u32, i64, u64)>,
}

impl Spans {
    /// Counts the rows.
    pub fn collect(
        &mut self,
        question: &Question,
        chunk: &Chunk,
        selected: &Selected,
        into_bucket: &mut dyn FnMut(u32, u32),
    ) {
        match &question.asked.kind {
            AggregationKind::Histogram { spans, .. } => {
                let place_of = |number| spans.place_of(number);
                for_each_span(question, chunk, selected, &place_of, &mut |row, parent, place| {
                    into_bucket(row, self.count(parent, place));
                });
            }
            AggregationKind::InstantHistogram { field, spans } => {
                let mut seen = Vec::new();
                for_each_scalar(question, chunk, selected, &mut |row, parent, scalar, is_first| {
                    if is_first {
                        seen.clear();
                    }
                    let Some(start) = field.instant_of(scalar).map(|at| spans.start_of(at).as_nanos()) else { return };
                    if !seen.contains(&start) {
                        seen.push(start);
                        into_bucket(row, self.count(parent, start));
                    }
                });
            }
            _ => count_times(question, chunk, selected, self, into_bucket),
        }
    }

    fn count(&mut self, parent: u32, start: i64) -> u32 {
        let bucket = self.bucket(parent, start.into());
        self.entries[bucket as usize].2 += 1;
        bucket
    }

    /// Bytes that they hold.
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<(u32, i64, u64)>() + self.by_start.capacity() * SLOT_BYTES
    }

    /// The bucket of the span that begins there; the ends of the range of instants are not passed.
    pub fn bucket(&mut self, parent: u32, start: i128) -> u32 {
        let start = start.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        *self.by_start.entry((parent, start)).or_insert_with(|| {
            self.entries.push((parent, start, 0));
            self.entries.len() as u32 - 1
        })
    }
}

/// Counts rows by span; rows mostly come in time order, so the last span is tried first.
fn count_times(
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    spans: &mut Spans,
    into_bucket: &mut dyn FnMut(u32, u32),
) {
    let timestamps = chunk.timestamps();
    let mut last: Option<(u32, std::ops::Range<i128>, u32)> = None;
    for (row, parent) in selected.pairs() {
        let nanos = timestamps[row as usize];
        let bucket = match &last {
            Some((known, span, bucket)) if *known == parent && span.contains(&i128::from(nanos)) => *bucket,
            _ => {
                let Some(span) = question.span_of(nanos) else { return };
                let bucket = spans.bucket(parent, span.start);
                last = Some((parent, span, bucket));
                bucket
            }
        };
        spans.entries[bucket as usize].2 += 1;
        into_bucket(row, bucket);
    }
}

/// Calls `visit` with row, parent and place of each span that a row has a number in, once.
fn for_each_span(
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    place_of: &dyn Fn(f64) -> i64,
    visit: &mut dyn FnMut(u32, u32, i64),
) {
    let (mut last, mut seen) = (None, Vec::new());
    for_each_number(question, chunk, selected, &mut |row, parent, number| {
        if last != Some((row, parent)) {
            last = Some((row, parent));
            seen.clear();
        }
        let place = place_of(number);
        if !seen.contains(&place) {
            seen.push(place);
            visit(row, parent, place);
        }
    });
}
