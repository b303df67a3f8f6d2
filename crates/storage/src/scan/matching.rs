//! The rows of a unit that match: pruned by the index, then decided by the filter's own columns and no others.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use vigie_domain::LogType;
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::{Matcher, Scalar};

use super::filter::{Filter, ScanContext, TimeCheck};
use super::narrow::Narrowing;
use super::prune::prune;
use super::{ColumnNeeds, Run, Unit, parallel};
use crate::chunk::column_names;
use crate::error::StorageError;
use crate::part::{Part, Rows};

/// Rows of a unit that may match.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// The rows.
    pub rows: Rows,
    /// Whether their time must still be looked at.
    pub time: TimeCheck,
}

/// The rows of the unit that may match. A part whose log type cannot match is not opened: one that is damaged must not
/// fail questions that do not concern it.
///
/// # Errors
/// When the part cannot be read.
pub fn candidates(unit: &Unit, filter: &Filter) -> Result<Candidates, StorageError> {
    if !may_be_of(&filter.matcher, unit.log_type()) {
        return Ok(Candidates { rows: Rows::default(), time: TimeCheck::Done });
    }
    match unit {
        Unit::Memory(chunk) => {
            Ok(Candidates { rows: Rows::run(0..chunk.rows()), time: filter.time_check(unit.span()) })
        }
        Unit::Part(part) => {
            let pruned = prune(part, filter)?;
            let time = if pruned.is_in_range { TimeCheck::Done } else { TimeCheck::Needed };
            Ok(Candidates { rows: pruned.rows, time })
        }
    }
}

/// Whether events of this log type may match, whatever else they have.
fn may_be_of(matcher: &Matcher, log_type: LogType) -> bool {
    match matcher {
        Matcher::All | Matcher::Not(_) | Matcher::FreeText(_) => true,
        Matcher::Nothing => false,
        Matcher::And(parts) => parts.iter().all(|part| may_be_of(part, log_type)),
        Matcher::Or(parts) => parts.iter().any(|part| may_be_of(part, log_type)),
        Matcher::Field(field) if field.field() == pseudo_fields::LOG_TYPE => {
            field.matches(Scalar::Text(log_type.as_str()))
        }
        Matcher::Field(_) => true,
    }
}

/// A part and which of its rows match.
pub type MatchingSet = (Arc<Part>, BooleanBuffer);

/// Those of the parts that have matching rows, and which these are.
///
/// # Errors
/// When a part cannot be read, nobody waits any more or too much would be held.
pub fn matching_sets(run: &Run, parts: Vec<Arc<Part>>, filter: &Filter) -> Result<Vec<MatchingSet>, StorageError> {
    let sets = parallel::run(run, parts.len(), |number| matching_set(run, &parts[number], filter))?;
    Ok(parts.into_iter().zip(sets).filter(|(_, set)| set.count_set_bits() > 0).collect())
}

fn matching_set(run: &Run, part: &Arc<Part>, filter: &Filter) -> Result<BooleanBuffer, StorageError> {
    let unit = Unit::Part(part.clone());
    let mut context = ScanContext::new(run)?;
    let found = candidates(&unit, filter)?;
    let rows = matching_rows(part, &unit, &found, filter, &mut context)?;
    let _rows = run.memory.hold(rows.capacity() * size_of::<u32>())?;
    let mut set = BooleanBufferBuilder::new(part.meta.rows as usize);
    set.append_n(part.meta.rows as usize, false);
    rows.into_iter().for_each(|row| set.set_bit(row as usize, true));
    Ok(set.finish())
}

/// Numbers of the candidates that match, ascending.
///
/// # Errors
/// When the part cannot be read.
pub fn matching_rows(
    part: &Part,
    unit: &Unit,
    found: &Candidates,
    filter: &Filter,
    context: &mut ScanContext<'_>,
) -> Result<Vec<u32>, StorageError> {
    if found.time == TimeCheck::Done && matches!(filter.matcher, Matcher::All) {
        return Ok(found.rows.numbers().collect());
    }
    if found.rows.is_empty() {
        return Ok(Vec::new());
    }
    if found.time == TimeCheck::Done
        && let Some(mut narrowing) = Narrowing::new(part, context)?
    {
        return Ok(narrowing.matching(&filter.matcher, &found.rows)?.set_indices_u32().collect());
    }
    // Without an index everything is looked at.
    let (schema, overflow_fields) = (unit.schema()?, unit.overflow_fields()?);
    let mut needs = ColumnNeeds::new(&schema, &overflow_fields);
    filter.add_needs(&mut needs);
    if found.time == TimeCheck::Needed {
        needs.add_own(column_names::TIMESTAMP);
    }
    let mut matching = Vec::new();
    let bytes = part.read(&needs.columns, &found.rows, &mut |numbers, chunk| {
        let _decoded = context.enter_decoded(&chunk)?;
        let here = filter.rows(&chunk, found.time, &mut context.tests);
        matching.extend(here.set_indices().map(|place| numbers[place]));
        Ok(ControlFlow::Continue(()))
    })?;
    context.stats.bytes_read += bytes;
    Ok(matching)
}
