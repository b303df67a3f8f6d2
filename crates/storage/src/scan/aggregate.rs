//! Answers aggregations: units are counted apart, several at a time, and their partial answers merged. What was counted
//! of a part before is not counted again.

use std::collections::BTreeMap;
use std::sync::Arc;

use vigie_domain::aggregation::AggregationAnswer;
use vigie_domain::ports::{AggregateRequest, AggregateResult, ScanStats};
use vigie_domain::query::Matcher;

use super::answer::Finish;
use super::count::Count;
use super::filter::Filter;
use super::kept::KeptAnswer;
use super::matching::{Candidates, candidates};
use super::memory::Held;
use super::parallel::{self, split};
use super::partial::{Partial, bytes_of, merge_all};
use super::question::Question;
use super::sums::Counting;
use super::{Run, Unit};
use crate::error::StorageError;
use crate::part::Part;

/// Answers the request over the units, several at a time.
///
/// # Errors
/// When a part cannot be read, a bound is exceeded, or nobody waits any more.
pub fn aggregate(
    run: &Run,
    units: &[Unit],
    filter: &Filter,
    questions: &[Question],
    request: &AggregateRequest,
) -> Result<AggregateResult, StorageError> {
    let counting = Counting::new(questions, units, run.kept.is_on())?;
    let asked = Asked { run, filter, questions: counting.counted() };
    let mut tally = Tally { total: 0, partials: Vec::new(), stats: ScanStats::default() };
    let plans = parallel::run(run, units.len(), |unit| asked.plan(&units[unit]))?;
    let tasks = asked.tasks(units, &plans, &mut tally);
    let threads = parallel::fold(
        run,
        tasks.len(),
        || Ok(Thread { shared: asked.count_all()?, apart: Vec::new() }),
        |thread, task| asked.work(thread, &units[tasks[task].unit], &tasks[task]),
    )?;
    let mut apart: BTreeMap<usize, Vec<Apart<'_>>> = BTreeMap::new();
    for thread in threads {
        thread.apart.into_iter().for_each(|counted| apart.entry(counted.unit).or_default().push(counted));
        tally.add(thread.shared.total, thread.shared.stats());
        let partials = thread.shared.finish();
        merge_all(&mut tally.partials, &partials);
    }
    for (unit, pieces) in apart {
        asked.keep(&units[unit], &plans[unit], &pieces, &mut tally);
    }
    let partials = counting.answers(tally.partials);
    let _held = run.memory.hold(bytes_of(&partials))?;
    let named = request.aggregations.iter().zip(&partials);
    let mut finish = Finish::new(run)?;
    let answers: Vec<(String, AggregationAnswer)> = named
        .map(|(asked, partial)| Ok((asked.name.clone(), finish.answer(asked, partial)?)))
        .collect::<Result<_, StorageError>>()?;
    Ok(AggregateResult { total: tally.total, answers, stats: tally.stats })
}

/// How many events of each unit match.
///
/// # Errors
/// As `aggregate`.
pub fn totals(run: &Run, units: &[Unit], filter: &Filter) -> Result<Vec<u64>, StorageError> {
    parallel::run(run, units.len(), |number| {
        let unit = &units[number];
        match unit {
            Unit::Part(part) => {
                if let Some(total) = filter.kept_total(part, run) {
                    return Ok(total);
                }
            }
            Unit::Memory(chunk) if matches!(filter.matcher, Matcher::All) => return Ok(chunk.rows() as u64),
            Unit::Memory(_) => {}
        }
        let mut count = Count::new(run, filter, Vec::new())?;
        count.unit(unit, &candidates(unit, filter)?)?;
        if let Unit::Part(part) = unit {
            filter.keep_total(part, run, count.total);
        }
        Ok(count.total)
    })
}

/// What was counted so far.
struct Tally {
    total: u64,
    /// One per question.
    partials: Vec<Partial>,
    stats: ScanStats,
}

impl Tally {
    fn add(&mut self, total: u64, stats: ScanStats) {
        self.total += total;
        self.stats.rows_scanned += stats.rows_scanned;
        self.stats.bytes_read += stats.bytes_read;
    }
}

/// How a unit is answered.
enum Plan {
    /// Its rows are counted for every question, together with those of other units.
    Together(Candidates),
    /// What was counted of the part before, and the rows that are counted for the other questions.
    Apart { total: Option<u64>, kept: Vec<Option<Arc<Partial>>>, left: Option<Left> },
}

/// What is left to count of a part.
struct Left {
    rows: Candidates,
    /// The questions whose answers are not kept: what is counted of them is as large as the part.
    unkept: Vec<usize>,
}

impl Left {
    fn has_only(&self, missing: &[usize]) -> bool {
        self.unkept == missing
    }
}

/// A piece of a unit that one thread counts.
struct Task {
    unit: usize,
    rows: Candidates,
    counts: Counts,
}

/// What a piece of a unit is counted for.
#[derive(Clone)]
enum Counts {
    /// Every question, together with other units.
    All,
    /// Questions in these places, together with other units; how many events match is known.
    Some(Vec<usize>),
    /// Questions in these places, by themselves.
    Apart(Vec<usize>),
}

/// What one thread counted.
struct Thread<'a> {
    /// Of units that are counted together: a key is looked at once per thread and not once per unit.
    shared: Count<'a>,
    apart: Vec<Apart<'a>>,
}

/// What was counted of a piece of a part for the questions that nothing was kept for.
struct Apart<'a> {
    unit: usize,
    total: u64,
    partials: Vec<Partial>,
    stats: ScanStats,
    _held: Held<'a>,
}

struct Asked<'a> {
    run: &'a Run,
    filter: &'a Filter,
    questions: Vec<&'a Question>,
}

impl<'a> Asked<'a> {
    fn count_all(&self) -> Result<Count<'a>, StorageError> {
        Count::new(self.run, self.filter, self.questions.clone())
    }

    fn plan(&self, unit: &Unit) -> Result<Plan, StorageError> {
        let part = match unit {
            Unit::Part(part) if self.run.kept.is_on() => part,
            Unit::Part(_) | Unit::Memory(_) => return Ok(Plan::Together(candidates(unit, self.filter)?)),
        };
        let kept: Vec<Option<Arc<Partial>>> =
            self.questions.iter().map(|question| self.kept_partial(part, question)).collect();
        let total = self.filter.kept_total(part, self.run);
        let missing = missing_of(&kept);
        if total.is_some() && missing.is_empty() {
            return Ok(Plan::Apart { total, kept, left: None });
        }
        let rows = candidates(unit, self.filter)?;
        let mut unkept = Vec::new();
        for place in missing.iter().filter(|_| !rows.rows.is_empty()) {
            if !self.questions[*place].is_worth_keeping(part)? {
                unkept.push(*place);
            }
        }
        if unkept.len() == self.questions.len() && !unkept.is_empty() {
            return Ok(Plan::Together(rows));
        }
        Ok(Plan::Apart { total, kept, left: Some(Left { rows, unkept }) })
    }

    fn kept_partial(&self, part: &Part, question: &Question) -> Option<Arc<Partial>> {
        match self.run.kept.get(&self.filter.key(part, Some(question))?) {
            Some(KeptAnswer::Partial(partial)) => {
                partial.put_in_order();
                Some(partial)
            }
            Some(KeptAnswer::Total(_)) | None => None,
        }
    }

    /// What is left to count, in pieces that can be counted at once; adds to the tally what is not.
    fn tasks(&self, units: &[Unit], plans: &[Plan], tally: &mut Tally) -> Vec<Task> {
        let mut tasks = Vec::with_capacity(units.len());
        for (unit, plan) in plans.iter().enumerate() {
            let (rows, counts) = match plan {
                Plan::Together(rows) => (rows, Counts::All),
                Plan::Apart { total: Some(total), kept, left: Some(left) } if left.has_only(&missing_of(kept)) => {
                    tally.total += total;
                    self.merge_kept(kept, &[], tally);
                    (&left.rows, Counts::Some(left.unkept.clone()))
                }
                Plan::Apart { kept, left: Some(left), .. } => (&left.rows, Counts::Apart(missing_of(kept))),
                Plan::Apart { total, kept, left: None } => {
                    tally.total += total.unwrap_or_default();
                    self.merge_kept(kept, &[], tally);
                    continue;
                }
            };
            let pieces = match &units[unit] {
                Unit::Memory(_) => vec![rows.clone()],
                Unit::Part(_) => split(rows.clone()),
            };
            if pieces.is_empty() && matches!(counts, Counts::Apart(_)) {
                self.keep(&units[unit], plan, &[], tally);
            }
            tasks.extend(pieces.into_iter().map(|rows| Task { unit, rows, counts: counts.clone() }));
        }
        tasks
    }

    fn work(&self, thread: &mut Thread<'a>, unit: &Unit, task: &Task) -> Result<(), StorageError> {
        let missing = match &task.counts {
            Counts::All => return thread.shared.unit(unit, &task.rows),
            Counts::Some(places) => return thread.shared.unit_for(places, unit, &task.rows),
            Counts::Apart(missing) => missing,
        };
        let questions = missing.iter().map(|place| self.questions[*place]).collect();
        let mut count = Count::new(self.run, self.filter, questions)?;
        count.unit(unit, &task.rows)?;
        let (total, stats) = (count.total, count.stats());
        let partials = count.finish();
        let _held = self.run.memory.hold(bytes_of(&partials))?;
        thread.apart.push(Apart { unit: task.unit, total, partials, stats, _held });
        Ok(())
    }

    /// Joins the pieces of a part, adds them to the tally with what was kept, and keeps what is new.
    fn keep(&self, unit: &Unit, plan: &Plan, pieces: &[Apart<'_>], tally: &mut Tally) {
        let total = pieces.iter().map(|piece| piece.total).sum();
        let mut counted = Vec::new();
        for piece in pieces {
            merge_all(&mut counted, &piece.partials);
            tally.add(piece.total, piece.stats);
        }
        let missing = missing_of(plan.kept());
        if pieces.is_empty() {
            counted = missing.iter().map(|place| self.questions[*place].empty()).collect();
        }
        counted.iter_mut().for_each(Partial::join_pieces);
        let counted: Vec<Arc<Partial>> = counted.into_iter().map(Arc::new).collect();
        self.merge_kept(plan.kept(), &counted, tally);
        let Unit::Part(part) = unit else { return };
        self.filter.keep_total(part, self.run, total);
        for (place, partial) in missing.into_iter().zip(counted).filter(|(place, _)| !plan.unkept().contains(place)) {
            if let Some(key) = self.filter.key(part, Some(self.questions[place])) {
                self.run.kept.put(part, key, KeptAnswer::Partial(partial));
            }
        }
    }

    /// Adds to the tally what was kept and, in the places where nothing was, what was counted.
    fn merge_kept(&self, kept: &[Option<Arc<Partial>>], counted: &[Arc<Partial>], tally: &mut Tally) {
        if tally.partials.is_empty() {
            tally.partials = self.questions.iter().map(|question| question.empty()).collect();
        }
        let mut counted = counted.iter();
        for (mine, kept) in tally.partials.iter_mut().zip(kept) {
            // What is counted together with other units comes with them.
            if let Some(partial) = kept.as_ref().or_else(|| counted.next()) {
                mine.merge(partial);
            }
        }
    }
}

impl Plan {
    fn kept(&self) -> &[Option<Arc<Partial>>] {
        match self {
            Self::Together(_) => &[],
            Self::Apart { kept, .. } => kept,
        }
    }

    fn unkept(&self) -> &[usize] {
        match self {
            Self::Together(_) => &[],
            Self::Apart { left, .. } => left.as_ref().map_or(&[], |left| left.unkept.as_slice()),
        }
    }
}

/// The places where nothing was kept.
fn missing_of(kept: &[Option<Arc<Partial>>]) -> Vec<usize> {
    (0..kept.len()).filter(|place| kept[*place].is_none()).collect()
}
