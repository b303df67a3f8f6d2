//! Which rows of a chunk match: the query tree evaluated column by column.
//!
//! A predicate is decided once per distinct string of a dictionary and once per value otherwise, by the same
//! `Matcher` that decides single events.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, MutableBuffer};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt32Type,
};
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::ScanStats;
use vigie_domain::query::{FieldMatcher, Matcher, Needle, Query, Scalar, TextMatcher};
use vigie_domain::{Scope, TimeRange, Timestamp};

use super::field_values::{FieldValues, for_each_overflowed};
use super::kept::{KeptAnswer, KeptKey};
use super::memory::Held;
use super::{ColumnNeeds, Question, Run, asked_text};
use crate::chunk::column::{decimal_scalar, number_scalar};
use crate::chunk::physical::canonical_of;
use crate::chunk::{Chunk, column_names};
use crate::error::StorageError;
use crate::part::{AddressText, Part, number_of};

/// The query and the range that rows must match.
pub struct Filter {
    /// The query, made ready.
    pub matcher: Matcher,
    /// Of the events' own time.
    pub range: TimeRange,
    /// The query and whose it is as text; without it nothing is kept of what was counted.
    text: Option<Arc<str>>,
}

impl Filter {
    /// The query, made ready for a caller, and the range.
    ///
    /// # Errors
    /// `Malformed` when the query cannot be read.
    pub fn new(query: &Query, range: TimeRange, scope: &Scope) -> vigie_domain::Result<Self> {
        let matcher = Matcher::compile(query, scope, Timestamp::default())?;
        Ok(Self { matcher, range, text: Some(asked_text::of_filter(query, scope).into()) })
    }

    /// Under which name the partial answer of a part to a question is kept, or how many of its events match.
    pub fn key(&self, part: &Part, question: Option<&Question>) -> Option<KeptKey> {
        let TimeRange { from, to } = self.range;
        let from = (from > part.meta.first).then(|| from.as_nanos());
        let to = (!self.range.is_before_end(part.meta.last)).then(|| to.as_nanos());
        let question = question.map_or_else(|| Arc::from(""), |question| question.text.clone());
        Some(KeptKey { part: part.meta.id, cut: [from, to], filter: self.text.clone()?, question })
    }

    /// How many events of the part match, if that was counted before.
    pub fn kept_total(&self, part: &Part, run: &Run) -> Option<u64> {
        if matches!(self.matcher, Matcher::All) && self.range.covers(part.meta.first, part.meta.last) {
            return Some(part.meta.rows);
        }
        match run.kept.get(&self.key(part, None)?) {
            Some(KeptAnswer::Total(total)) => Some(total),
            Some(KeptAnswer::Partial(_)) | None => None,
        }
    }

    /// Keeps how many events of the part match.
    pub fn keep_total(&self, part: &Part, run: &Run, total: u64) {
        if let Some(key) = self.key(part, None) {
            run.kept.put(part, key, KeptAnswer::Total(total));
        }
    }

    /// Whether the time of events between these must be compared with the range.
    pub fn time_check(&self, (first, last): (Timestamp, Timestamp)) -> TimeCheck {
        if self.range.covers(first, last) { TimeCheck::Done } else { TimeCheck::Needed }
    }

    /// Adds the columns that deciding needs.
    pub fn add_needs(&self, needs: &mut ColumnNeeds<'_>) {
        add_needs(&self.matcher, needs);
    }

    /// The rows that match.
    pub fn rows(&self, chunk: &Chunk, time: TimeCheck, tests: &mut Tests) -> BooleanBuffer {
        if time == TimeCheck::Done {
            return evaluate(&self.matcher, chunk, tests);
        }
        let timestamps = chunk.timestamps();
        let is_within = |row: usize| self.range.contains(Timestamp::from_nanos(timestamps[row]));
        let in_range = BooleanBuffer::collect_bool(timestamps.len(), is_within);
        if in_range.count_set_bits() == 0 {
            return in_range;
        }
        &in_range & &evaluate(&self.matcher, chunk, tests)
    }
}

/// Whether the time of rows must still be compared with the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeCheck {
    /// All rows are known to lie in it.
    Done,
    /// It must.
    Needed,
}

/// What one thread keeps while it scans for one question.
pub struct ScanContext<'r> {
    /// The question under way.
    pub run: &'r Run,
    /// Dictionaries decided already.
    pub tests: Tests,
    /// What it cost so far.
    pub stats: ScanStats,
    /// Bytes of `tests`.
    held: Held<'r>,
}

impl<'r> ScanContext<'r> {
    /// Before any row.
    ///
    /// # Errors
    /// When nothing may be held any more.
    pub fn new(run: &'r Run) -> Result<Self, StorageError> {
        Ok(Self { run, tests: Tests::default(), stats: ScanStats::default(), held: run.memory.hold(0)? })
    }

    /// Notes rows in memory that are about to be looked at.
    ///
    /// # Errors
    /// When nobody waits for the answer any more, or too much is held for it.
    pub fn enter(&mut self, chunk: &Chunk) -> Result<(), StorageError> {
        self.run.check()?;
        self.held.resize(self.tests.bytes)?;
        self.stats.rows_scanned += chunk.rows() as u64;
        Ok(())
    }

    /// Notes rows that were decoded and are about to be looked at; they count as held until the guard is dropped.
    ///
    /// # Errors
    /// When nobody waits for the answer any more, or too much is held for it.
    pub fn enter_decoded(&mut self, chunk: &Chunk) -> Result<Held<'r>, StorageError> {
        self.enter(chunk)?;
        self.run.memory.hold(chunk.bytes())
    }
}

/// Which values of a dictionary pass a predicate: remembered, since the chunks of a part share their dictionaries.
#[derive(Default)]
pub struct Tests {
    /// By predicate and place of the dictionary's bytes; the dictionary is kept, so that no other can lie there.
    known: HashMap<(usize, usize), Tested>,
    bytes: usize,
}

struct Tested {
    values: ArrayRef,
    passing: Arc<Vec<bool>>,
}

impl Tests {
    /// For each value whether it passes; `predicate` names the predicate.
    fn passing(&mut self, predicate: usize, values: &ArrayRef, passes: &dyn Fn(Scalar<'_>) -> bool) -> Arc<Vec<bool>> {
        let texts = values.as_string::<i32>();
        let place = texts.values().as_ptr() as usize;
        if let Some(tested) = self.known.get(&(predicate, place))
            && Arc::ptr_eq(&tested.values, values)
        {
            return tested.passing.clone();
        }
        let passing: Arc<Vec<bool>> =
            Arc::new((0..texts.len()).map(|code| passes(Scalar::Text(texts.value(code)))).collect());
        self.bytes += passing.len() + size_of::<((usize, usize), Tested)>();
        self.known.insert((predicate, place), Tested { values: values.clone(), passing: passing.clone() });
        passing
    }
}

/// Adds the columns that a query needs.
pub fn add_needs(matcher: &Matcher, needs: &mut ColumnNeeds<'_>) {
    match matcher {
        Matcher::All | Matcher::Nothing => {}
        Matcher::And(parts) | Matcher::Or(parts) => parts.iter().for_each(|part| add_needs(part, needs)),
        Matcher::Not(part) => add_needs(part, needs),
        Matcher::Field(field) => {
            add_field_needs(field.field(), field.only_field(), &|name| field.covers(name), needs);
        }
        Matcher::FreeText(text) => needs.add_fields(None, &|name| text.covers(name)),
    }
}

/// Adds the columns of a field, pseudo fields included; `only` is the field unless those below it are meant too.
pub fn add_field_needs(field: &str, only: Option<&str>, covers: &dyn Fn(&str) -> bool, needs: &mut ColumnNeeds<'_>) {
    match field {
        pseudo_fields::ID => {
            needs.add_own(column_names::ID);
            needs.add_own(column_names::SEQUENCE);
        }
        pseudo_fields::INGESTED_AT => needs.add_own(column_names::INGESTED_AT),
        pseudo_fields::TIMESTAMP => needs.add_own(column_names::TIMESTAMP),
        pseudo_fields::LOG_TYPE => {}
        _ => needs.add_fields(only, covers),
    }
}

/// Whether the field is read from the event itself and not from a column of its own name.
pub fn is_pseudo(field: &str) -> bool {
    pseudo_fields::is_pseudo(field)
}

/// The rows that match a query.
pub fn evaluate(matcher: &Matcher, chunk: &Chunk, tests: &mut Tests) -> BooleanBuffer {
    match matcher {
        Matcher::All => BooleanBuffer::new_set(chunk.rows()),
        Matcher::Nothing => BooleanBuffer::new_unset(chunk.rows()),
        Matcher::Not(part) => !&evaluate(part, chunk, tests),
        Matcher::Or(parts) => parts
            .iter()
            .fold(BooleanBuffer::new_unset(chunk.rows()), |rows, part| &rows | &evaluate(part, chunk, tests)),
        Matcher::And(parts) => {
            let mut rows = BooleanBuffer::new_set(chunk.rows());
            for part in parts {
                rows = &rows & &evaluate(part, chunk, tests);
                if rows.count_set_bits() == 0 {
                    break;
                }
            }
            rows
        }
        Matcher::Field(field) => evaluate_field(field, chunk, tests),
        Matcher::FreeText(text) => evaluate_text(text, chunk, tests),
    }
}

fn evaluate_field(matcher: &FieldMatcher, chunk: &Chunk, tests: &mut Tests) -> BooleanBuffer {
    if matcher.field() == pseudo_fields::LOG_TYPE {
        // All rows of a chunk have the same.
        return match matcher.matches(Scalar::Text(chunk.log_type.as_str())) {
            true => BooleanBuffer::new_set(chunk.rows()),
            false => BooleanBuffer::new_unset(chunk.rows()),
        };
    }
    if is_pseudo(matcher.field()) {
        let values = FieldValues::new(chunk, matcher.field());
        return BooleanBuffer::collect_bool(chunk.rows(), |row| {
            let mut is_match = false;
            values.for_each(row, &mut |scalar| is_match |= matcher.matches(scalar));
            is_match
        });
    }
    let predicate = Predicate {
        number: std::ptr::from_ref(matcher).addr(),
        only: matcher.only_field(),
        covers: &|field| matcher.covers(field),
        only_text: match matcher.needle() {
            Needle::Value(text) => Some(text),
            Needle::Words(_) | Needle::Unknown => None,
        },
        passes: &|scalar| matcher.matches(scalar),
    };
    rows_with(chunk, &predicate, tests)
}

fn evaluate_text(matcher: &TextMatcher, chunk: &Chunk, tests: &mut Tests) -> BooleanBuffer {
    let predicate = Predicate {
        number: std::ptr::from_ref(matcher).addr(),
        only: None,
        covers: &|field| matcher.covers(field),
        only_text: None,
        passes: &|scalar| match scalar {
            Scalar::Text(text) => matcher.matches(text),
            // It was sent as a string.
            Scalar::Instant(instant) => matcher.matches(&instant.to_text()),
            Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_) | Scalar::BigNumber(_) => false,
        },
    };
    rows_with(chunk, &predicate, tests)
}

/// A question to single values of some fields.
struct Predicate<'a> {
    /// Its own as long as the filter lives: the place of its matcher.
    number: usize,
    /// The field if no other is covered.
    only: Option<&'a str>,
    covers: &'a dyn Fn(&str) -> bool,
    /// The text that a string must be to pass, if there is only one.
    only_text: Option<&'a str>,
    passes: &'a dyn Fn(Scalar<'_>) -> bool,
}

/// Rows in which any value of a covered field passes.
fn rows_with(chunk: &Chunk, predicate: &Predicate<'_>, tests: &mut Tests) -> BooleanBuffer {
    let mut rows = BooleanBuffer::new_unset(chunk.rows());
    for (field, column) in chunk.batch.schema_ref().fields().iter().zip(chunk.batch.columns()) {
        if !column_names::is_own(field.name()) && (predicate.covers)(canonical_of(field.name())) {
            rows = &rows | &column_rows(column, predicate, tests);
        }
    }
    if chunk.overflow_fields.may_hold(predicate.only, predicate.covers, chunk.batch.schema_ref()) {
        let mut matched = MutableBuffer::new_null(chunk.rows());
        for_each_overflowed(chunk, &mut |row, canonical, value| {
            if (predicate.covers)(canonical) && Scalar::from_value(value).is_some_and(predicate.passes) {
                arrow::util::bit_util::set_bit(matched.as_slice_mut(), row);
            }
        });
        rows = &rows | &BooleanBuffer::new(matched.into(), 0, chunk.rows());
    }
    rows
}

fn column_rows(column: &ArrayRef, predicate: &Predicate<'_>, tests: &mut Tests) -> BooleanBuffer {
    if column.null_count() == column.len() {
        return BooleanBuffer::new_unset(column.len());
    }
    if let Some(addresses) = column.as_primitive_opt::<UInt32Type>() {
        return address_rows(addresses, predicate);
    }
    if let DataType::Utf8 = column.data_type() {
        let texts = column.as_string::<i32>();
        return BooleanBuffer::collect_bool(texts.len(), |row| {
            texts.is_valid(row) && (predicate.passes)(Scalar::Text(texts.value(row)))
        });
    }
    if !matches!(column.data_type(), DataType::Dictionary(..)) {
        return scalar_rows(column, predicate.passes);
    }
    let dictionary = column.as_dictionary::<Int32Type>();
    let passing = tests.passing(predicate.number, dictionary.values(), predicate.passes);
    if !passing.contains(&true) {
        return BooleanBuffer::new_unset(column.len());
    }
    let codes = dictionary.keys();
    BooleanBuffer::collect_bool(column.len(), |row| codes.is_valid(row) && passing[codes.value(row) as usize])
}

/// Of values that are no strings: what they are is looked at once, and rows without one are taken out at last.
fn scalar_rows(column: &ArrayRef, passes: &dyn Fn(Scalar<'_>) -> bool) -> BooleanBuffer {
    let rows_of = |scalar_of: &dyn Fn(usize) -> Scalar<'static>| {
        BooleanBuffer::collect_bool(column.len(), |row| passes(scalar_of(row)))
    };
    let rows = match column.data_type() {
        DataType::Boolean => {
            let flags = column.as_boolean();
            rows_of(&|row| Scalar::Bool(flags.value(row)))
        }
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>().values();
            rows_of(&|row| Scalar::Int(numbers[row]))
        }
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>().values();
            rows_of(&|row| number_scalar(numbers[row]))
        }
        DataType::Decimal128(..) => {
            let numbers = column.as_primitive::<Decimal128Type>().values();
            rows_of(&|row| decimal_scalar(numbers[row]))
        }
        DataType::Timestamp(..) => {
            let instants = column.as_primitive::<TimestampNanosecondType>().values();
            rows_of(&|row| Scalar::Instant(Timestamp::from_nanos(instants[row])))
        }
        _ => return BooleanBuffer::new_unset(column.len()),
    };
    match column.nulls() {
        Some(valid) => &rows & valid.inner(),
        None => rows,
    }
}

/// Of addresses that are numbers.
fn address_rows(addresses: &UInt32Array, predicate: &Predicate<'_>) -> BooleanBuffer {
    let numbers = addresses.values();
    let rows = match predicate.only_text {
        Some(text) => match number_of(text).filter(|_| (predicate.passes)(Scalar::Text(text))) {
            Some(number) => BooleanBuffer::collect_bool(numbers.len(), |row| numbers[row] == number),
            None => return BooleanBuffer::new_unset(numbers.len()),
        },
        None => BooleanBuffer::collect_bool(numbers.len(), |row| {
            addresses.is_valid(row) && (predicate.passes)(Scalar::Text(AddressText::new(numbers[row]).as_str()))
        }),
    };
    match addresses.nulls() {
        Some(valid) => &rows & valid.inner(),
        None => rows,
    }
}
