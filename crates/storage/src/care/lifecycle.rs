//! What becomes of each daily index with age: rewritten small, then deleted, unless it is held.
//!
//! Pure: the caller says what time it is. Age counts from the later of the end of the index's day and its creation, so
//! that an import of old logs is not deleted at once.

use std::collections::BTreeSet;

use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Day, LogType, Timestamp};

use crate::manifest::{Manifest, PartMeta};

/// Events that arrive late would have a whole day rewritten each time; an index is left alone until none came for so long.
const QUIET_NANOS: i64 = NANOS_PER_DAY;

/// What becomes of indices, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifecyclePolicy {
    /// Age in days at which an index is rewritten to one small part per log type; `None`: never.
    pub recompress_after_days: Option<u32>,
    /// Age in days at which it is deleted; `None`: never.
    pub delete_after_days: Option<u32>,
}

/// Something to do with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// All its parts go.
    Delete,
    /// The parts of this log type are rewritten to one.
    Recompress(LogType),
}

/// A step and when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueStep {
    /// The index.
    pub day: Day,
    /// What is done.
    pub step: Step,
    /// From when on.
    pub due_at: Timestamp,
}

impl LifecyclePolicy {
    /// Everything that will be done with the index as it is now, earliest first; nothing deletes one that is held.
    pub fn steps(&self, manifest: &Manifest, day: Day, is_held: bool) -> Vec<DueStep> {
        let begin = begin_of(manifest, day);
        let after = |days: u32| begin.saturating_add_nanos(i64::from(days) * NANOS_PER_DAY);
        let mut steps = Vec::new();
        if let Some(days) = self.recompress_after_days {
            for log_type in LogType::ALL {
                let parts: Vec<&PartMeta> = parts_of(manifest, day).filter(|part| part.log_type == log_type).collect();
                // Several that are small already have columns that are too many together.
                if parts.iter().any(|part| !part.is_recompressed) {
                    let loose = parts.iter().filter(|part| !part.is_recompressed);
                    let latest = loose.map(|part| part.last_ingested_at).max().unwrap_or(Timestamp::MIN);
                    let due_at = after(days).max(latest.saturating_add_nanos(QUIET_NANOS));
                    steps.push(DueStep { day, step: Step::Recompress(log_type), due_at });
                }
            }
        }
        if let (Some(days), false) = (self.delete_after_days, is_held) {
            let delete = DueStep { day, step: Step::Delete, due_at: after(days) };
            // What is about to go is not worth rewriting.
            steps.retain(|step| step.due_at < delete.due_at);
            steps.push(delete);
        }
        steps.sort_by_key(|step| step.due_at);
        steps
    }

    /// The first thing that is due now.
    ///
    /// `is_stuck` says of which log types of which days some part cannot be read: they are not rewritten.
    pub fn due(
        &self,
        manifest: &Manifest,
        now: Timestamp,
        is_held: &dyn Fn(Day) -> bool,
        is_stuck: &dyn Fn(Day, LogType) -> bool,
    ) -> Option<DueStep> {
        if *self == Self::default() {
            return None;
        }
        let days: BTreeSet<Day> = manifest.parts.iter().map(|part| part.day).collect();
        let mut due: Vec<DueStep> = days
            .into_iter()
            .filter(|day| begin_of(manifest, *day) <= now)
            .flat_map(|day| self.steps(manifest, day, is_held(day)))
            .filter(|step| step.due_at <= now)
            .collect();
        due.retain(|step| match step.step {
            Step::Delete => true,
            Step::Recompress(log_type) => !is_stuck(step.day, log_type),
        });
        // Deleting first: it frees the room that rewriting needs.
        due.into_iter().min_by_key(|step| (step.step, step.day))
    }
}

/// The parts of the index.
pub fn parts_of(manifest: &Manifest, day: Day) -> impl Iterator<Item = &PartMeta> {
    manifest.parts.iter().filter(move |part| part.day == day)
}

/// From when on the age of the index counts.
pub fn begin_of(manifest: &Manifest, day: Day) -> Timestamp {
    manifest.created_at(day).map_or(day.end(), |created_at| created_at.max(day.end()))
}
