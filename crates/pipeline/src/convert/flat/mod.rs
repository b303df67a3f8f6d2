//! Lines that are flat JSON objects go into rows without becoming a body first: the same events as by the long way, for less work.
//!
//! Most logs have few shapes, and a shape decides much: which field is the time, of what kind each value is, which names are
//! secrets. That is found out once for each and not asked again. Whatever is out of the ordinary (a secret, a value that does not fit,
//! an escape, a list, a tag) is left to the long way, which alone says what an event is; tests hold both against each other.

mod names;
mod shape;
#[cfg(test)]
mod tests;

use vigie_domain::event_batch::ValueRef;
use vigie_domain::{EventBatch, EventId, Timestamp};

use crate::bulk::SENT_INDEX_FIELD;
use crate::options::DecodeOptions;
use crate::parse::NamedIndex;
use names::Names;
use shape::Added;

/// Lines of a body that go the long way first: learning a shape takes longer than a few lines of it.
const LINES_BEFORE: usize = 16;
/// Fields that a line is made room for.
const FIELDS_EXPECTED: usize = 24;

/// Reads the lines of one body.
#[derive(Debug)]
pub(crate) struct FlatLines {
    names: Names,
    added: Added,
    lines: usize,
}

/// What is sent with a line and not in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SentWith<'a> {
    /// The name of the event.
    pub(crate) id: Option<&'a str>,
    /// Where it is sent to, unless that is the index of its day.
    pub(crate) index: Option<&'a NamedIndex>,
}

/// What an event that was added is known by.
#[derive(Debug, PartialEq)]
pub(crate) struct Pushed {
    pub(crate) timestamp: Timestamp,
    pub(crate) id: Option<EventId>,
}

impl FlatLines {
    /// For lines that are decoded with these options; `None` when they ask for more than is done here.
    pub(crate) fn new(options: &DecodeOptions) -> Option<Self> {
        let pipeline = options.pipeline.as_ref();
        let is_plain = options.log_type.is_none() && options.rename.is_empty() && options.time_field.is_none();
        let has_stages = pipeline.is_some_and(|pipeline| pipeline.stage_count() > 0);
        let added = Added {
            agent: pipeline.is_some_and(|pipeline| pipeline.adds_agent),
            place: pipeline.is_some_and(|pipeline| pipeline.adds_place),
        };
        (is_plain && !has_stages).then(|| Self { names: Names::default(), added, lines: 0 })
    }

    /// Adds the event that the line is; `None` when it must go the long way: then nothing was added.
    pub(crate) fn push(
        &mut self,
        line: &[u8],
        sent: SentWith<'_>,
        options: &DecodeOptions,
        events: &mut EventBatch,
    ) -> Option<Pushed> {
        self.lines += 1;
        if self.lines <= LINES_BEFORE {
            return None;
        }
        let mut values = Vec::with_capacity(FIELDS_EXPECTED);
        let mut place = self.names.read(std::str::from_utf8(line).ok()?, &options.redactor, &mut values)?;
        if let Some(index) = sent.index {
            place = self.names.step(place, SENT_INDEX_FIELD, false)?;
            let value = ValueRef::Text(&index.name);
            if !options.redactor.leaves(&value) {
                return None;
            }
            values.push(value);
        }
        self.names.shape(place, self.added)?.push(values, sent, options, events)
    }
}
