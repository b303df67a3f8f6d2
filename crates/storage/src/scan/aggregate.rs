//! The aggregation executor: rows are split into buckets, buckets into buckets, and metrics taken of what is left.
//!
//! Columns of dictionary codes are counted by code, without touching a string.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, DictionaryArray};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type};
use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind};
use vigie_domain::ports::{AggregateRequest, AggregateResult, ScanStats};
use vigie_domain::query::{Matcher, Scalar};
use vigie_domain::{Error, Scope, Timestamp};

use super::field_values::FieldValues;
use super::filter::{Filter, add_field_needs, add_needs, evaluate};
use super::partial::{BucketState, Key, Partial, StatsState, check_states};
use super::{ColumnNeeds, Unit, answer};
use crate::chunk::Chunk;
use crate::error::StorageError;

/// Threads that read units for one question at most.
const THREADS_MAX: usize = 4;

/// A question made ready: filters compiled, hidden fields without values.
pub struct Question {
    asked: Aggregation,
    field: Option<String>,
    filters: Vec<Matcher>,
    children: Vec<Question>,
}

impl Question {
    /// Makes the question ready.
    ///
    /// # Errors
    /// When a filter cannot be read, or a metric has questions below it.
    pub fn new(asked: &Aggregation, scope: &Scope, now: Timestamp) -> Result<Self, Error> {
        let is_metric = matches!(
            asked.kind,
            AggregationKind::Stats { .. } | AggregationKind::Cardinality { .. } | AggregationKind::Percentiles { .. }
        );
        if is_metric && !asked.children.is_empty() {
            return Err(Error::invalid(format!("the metric \"{}\" cannot have aggregations below it", asked.name)));
        }
        if let AggregationKind::DateHistogram { interval_ns: ..=0, .. } = asked.kind {
            return Err(Error::invalid(format!("the interval of \"{}\" must be above 0", asked.name)));
        }
        let field = match &asked.kind {
            AggregationKind::Terms { field, .. }
            | AggregationKind::Stats { field }
            | AggregationKind::Cardinality { field }
            | AggregationKind::Percentiles { field, .. } => (!scope.hides(field)).then(|| field.clone()),
            AggregationKind::DateHistogram { .. } | AggregationKind::Filters(_) => None,
        };
        let filters = match &asked.kind {
            AggregationKind::Filters(filters) => {
                filters.iter().map(|(_, query)| Matcher::compile(query, scope, now)).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        let children = asked.children.iter().map(|child| Self::new(child, scope, now)).collect::<Result<_, _>>()?;
        Ok(Self { asked: asked.clone(), field, filters, children })
    }

    fn add_needs(&self, needs: &mut ColumnNeeds<'_>) {
        if let Some(field) = &self.field {
            add_field_needs(field, &|name| name == field, needs);
        }
        self.filters.iter().for_each(|filter| add_needs(filter, needs));
        self.children.iter().for_each(|child| child.add_needs(needs));
    }

    fn update(&self, partial: &mut Partial, chunk: &Chunk, rows: &[u32]) -> Result<(), StorageError> {
        match partial {
            Partial::Terms(states) => self.update_terms(states, chunk, rows),
            Partial::DateHistogram(states) => {
                for (start, rows) in self.split_by_time(chunk, rows) {
                    self.update_bucket(states.entry(start).or_default(), chunk, &rows)?;
                }
                Ok(())
            }
            Partial::Filters(states) => {
                for (state, filter) in states.iter_mut().zip(&self.filters) {
                    let matching = evaluate(filter, chunk);
                    let rows: Vec<u32> = rows.iter().copied().filter(|row| matching.value(*row as usize)).collect();
                    self.update_bucket(state, chunk, &rows)?;
                }
                Ok(())
            }
            Partial::Stats(state) => {
                self.update_stats(state, chunk, rows);
                Ok(())
            }
            Partial::Cardinality(keys) => {
                for (key, _) in self.split_by_key(chunk, rows) {
                    keys.insert(key);
                }
                check_states(keys.len())
            }
            Partial::Percentiles(numbers) => {
                self.for_each_number(chunk, rows, &mut |number| numbers.push(number));
                check_states(numbers.len())
            }
        }
    }

    fn update_bucket(&self, state: &mut BucketState, chunk: &Chunk, rows: &[u32]) -> Result<(), StorageError> {
        state.count += rows.len() as u64;
        if self.children.is_empty() || rows.is_empty() {
            return Ok(());
        }
        if state.children.is_empty() {
            state.children = self.children.iter().map(|child| Partial::empty(&child.asked.kind)).collect();
        }
        let children = self.children.iter().zip(&mut state.children);
        children.into_iter().try_for_each(|(child, partial)| child.update(partial, chunk, rows))
    }

    fn update_terms(
        &self,
        states: &mut HashMap<Key, BucketState>,
        chunk: &Chunk,
        rows: &[u32],
    ) -> Result<(), StorageError> {
        for (key, rows) in self.split_by_key(chunk, rows) {
            self.update_bucket(states.entry(key).or_default(), chunk, &rows)?;
        }
        check_states(states.len())
    }

    /// Rows by the start of their span; runs of rows in time order are found without looking at each start twice.
    fn split_by_time(&self, chunk: &Chunk, rows: &[u32]) -> Vec<(i64, Vec<u32>)> {
        let AggregationKind::DateHistogram { interval_ns, offset_ns } = self.asked.kind else { return Vec::new() };
        let timestamps = chunk.timestamps();
        let mut runs: Vec<(i64, Vec<u32>)> = Vec::new();
        for row in rows {
            let start = span_start(timestamps[*row as usize], interval_ns, offset_ns);
            match runs.last_mut() {
                Some((last, run)) if *last == start => run.push(*row),
                _ => runs.push((start, vec![*row])),
            }
        }
        runs
    }

    /// Rows by distinct value; a row with several values is under each.
    fn split_by_key(&self, chunk: &Chunk, rows: &[u32]) -> Vec<(Key, Vec<u32>)> {
        let Some(field) = &self.field else { return Vec::new() };
        let values = FieldValues::new(chunk, field);
        if values.is_empty() {
            return Vec::new();
        }
        if let Some(codes) = values.as_codes() {
            return split_by_code(codes, rows);
        }
        let mut by_key: HashMap<Key, Vec<u32>> = HashMap::new();
        for row in rows {
            values.for_each(*row as usize, &mut |scalar| {
                let rows = by_key.entry(Key::new(scalar)).or_default();
                if rows.last() != Some(row) {
                    rows.push(*row);
                }
            });
        }
        by_key.into_iter().collect()
    }

    fn update_stats(&self, state: &mut StatsState, chunk: &Chunk, rows: &[u32]) {
        let Some(field) = &self.field else { return };
        let decimals = chunk.column(field).filter(|column| matches!(column.data_type(), DataType::Decimal128(..)));
        let decimals = decimals.map(AsArray::as_primitive::<Decimal128Type>);
        let values = FieldValues::new(chunk, field);
        for row in rows {
            let row = *row as usize;
            let mut decimal = decimals.filter(|column| column.is_valid(row)).map(|column| column.value(row));
            values.for_each(row, &mut |scalar| match (decimal.take(), number_of(scalar)) {
                (Some(scaled), _) => state.add_decimal(scaled),
                (None, Some(number)) => state.add(number),
                (None, None) => {}
            });
        }
    }

    fn for_each_number(&self, chunk: &Chunk, rows: &[u32], visit: &mut dyn FnMut(f64)) {
        let Some(field) = &self.field else { return };
        let values = FieldValues::new(chunk, field);
        for row in rows {
            values.for_each(*row as usize, &mut |scalar| {
                if let Some(number) = number_of(scalar) {
                    visit(number);
                }
            });
        }
    }
}

fn number_of(scalar: Scalar<'_>) -> Option<f64> {
    match scalar {
        Scalar::Int(number) => Some(number as f64),
        Scalar::Float(number) => Some(number),
        Scalar::BigNumber(literal) => literal.parse().ok(),
        Scalar::Bool(_) | Scalar::Text(_) | Scalar::Instant(_) => None,
    }
}

/// The start of the span that holds the instant, in nanoseconds; the ends of the range are not passed.
fn span_start(nanos: i64, interval_ns: i64, offset_ns: i64) -> i64 {
    let (nanos, interval, offset) = (i128::from(nanos), i128::from(interval_ns), i128::from(offset_ns));
    let start = (nanos - offset).div_euclid(interval) * interval + offset;
    start.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

fn split_by_code(codes: &DictionaryArray<Int32Type>, rows: &[u32]) -> Vec<(Key, Vec<u32>)> {
    let mut by_code: Vec<Vec<u32>> = vec![Vec::new(); codes.values().len()];
    for row in rows {
        if codes.is_valid(*row as usize) {
            by_code[codes.keys().value(*row as usize) as usize].push(*row);
        }
    }
    let values = codes.values().as_string::<i32>();
    let filled = by_code.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty());
    filled.map(|(code, rows)| (Key::Text(values.value(code).into()), rows)).collect()
}

impl Partial {
    /// The partial answer before any event was seen.
    pub fn empty(kind: &AggregationKind) -> Self {
        match kind {
            AggregationKind::Terms { .. } => Self::Terms(HashMap::new()),
            AggregationKind::DateHistogram { .. } => Self::DateHistogram(std::collections::BTreeMap::new()),
            AggregationKind::Filters(filters) => {
                Self::Filters(filters.iter().map(|_| BucketState::default()).collect())
            }
            AggregationKind::Stats { .. } => Self::Stats(StatsState::default()),
            AggregationKind::Cardinality { .. } => Self::Cardinality(std::collections::HashSet::new()),
            AggregationKind::Percentiles { .. } => Self::Percentiles(Vec::new()),
        }
    }
}

/// What was counted of some units.
struct Tally {
    total: u64,
    partials: Vec<Partial>,
    stats: ScanStats,
}

/// Answers the request over the units, several at a time.
///
/// # Errors
/// When a part cannot be read or a bound is exceeded.
pub fn aggregate(
    units: &[Unit],
    filter: &Filter,
    questions: &[Question],
    request: &AggregateRequest,
) -> Result<AggregateResult, StorageError> {
    let next = AtomicUsize::new(0);
    let tallies = Mutex::new(Vec::new());
    let threads = units.len().clamp(1, THREADS_MAX).min(std::thread::available_parallelism().map_or(1, usize::from));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let tally = tally_units(units, &next, filter, questions);
                tallies.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(tally);
            });
        }
    });
    let mut merged: Option<Tally> = None;
    for tally in tallies.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        let tally = tally?;
        match &mut merged {
            None => merged = Some(tally),
            Some(merged) => merged.merge(tally)?,
        }
    }
    let merged = merged.unwrap_or_else(|| Tally::new(questions));
    let named = request.aggregations.iter().zip(merged.partials);
    let answers: Vec<(String, AggregationAnswer)> = named
        .map(|(asked, partial)| Ok((asked.name.clone(), answer::finish(asked, partial)?)))
        .collect::<Result<_, StorageError>>()?;
    Ok(AggregateResult { total: merged.total, answers, stats: merged.stats })
}

fn tally_units(
    units: &[Unit],
    next: &AtomicUsize,
    filter: &Filter,
    questions: &[Question],
) -> Result<Tally, StorageError> {
    let mut tally = Tally::new(questions);
    while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
        tally.take(unit, filter, questions)?;
    }
    Ok(tally)
}

impl Tally {
    fn new(questions: &[Question]) -> Self {
        let partials = questions.iter().map(|question| Partial::empty(&question.asked.kind)).collect();
        Self { total: 0, partials, stats: ScanStats::default() }
    }

    fn take(&mut self, unit: &Unit, filter: &Filter, questions: &[Question]) -> Result<(), StorageError> {
        if questions.is_empty() && filter.takes_all(unit.span()) {
            self.total += unit.rows();
            return Ok(());
        }
        let (schema, overflow_fields) = (unit.schema()?, unit.overflow_fields()?);
        let mut needs = ColumnNeeds::new(&schema, &overflow_fields);
        filter.add_needs(&mut needs);
        questions.iter().for_each(|question| question.add_needs(&mut needs));
        let bytes = unit.scan(&needs.columns, &mut |_, chunk| {
            self.stats.rows_scanned += chunk.rows() as u64;
            let rows: Vec<u32> = filter.rows(chunk).set_indices_u32().collect();
            self.total += rows.len() as u64;
            for (question, partial) in questions.iter().zip(&mut self.partials) {
                question.update(partial, chunk, &rows)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.stats.bytes_read += bytes;
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), StorageError> {
        self.total += other.total;
        self.stats.rows_scanned += other.stats.rows_scanned;
        self.stats.bytes_read += other.stats.bytes_read;
        self.partials.iter_mut().zip(other.partials).try_for_each(|(mine, theirs)| mine.merge(theirs))
    }
}
