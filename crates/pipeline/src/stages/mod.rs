//! User pipelines: stages that take events apart and change them, in the order written.
//!
//! A stage is a pure function from an event to none, one or several: no clock, no file, no network, no environment. What a
//! stage cannot do with an event is said by a tag, and the event is kept. The same events in the same order give the same
//! result; nothing is remembered beyond one body or file, so that what is sent again is treated as the first time.

mod condition;
mod error;
pub(crate) mod field_path;
mod options;
mod pipeline;
mod registry;
mod run;
mod step;
mod template;

mod bin_lookup;
mod convert;
mod csv;
mod date;
mod digest;
mod disposable_email;
mod dissect;
mod fields;
mod flow;
mod grok;
mod joda;
mod json;
mod kv;
mod list;
mod lookup;
mod redact;
mod script;
#[cfg(test)]
mod tests;
mod text;
mod whereabouts;

pub use error::PipelineError;
pub(crate) use grok::library_expression;
pub use grok::{LinePattern, try_grok};
pub use pipeline::{PIPELINE_BYTES_MAX, Pipeline, STAGES_MAX};
pub use registry::stage_kinds;
pub use run::{FAN_OUT_MAX, Run, TraceStep, Traced};

use vigie_domain::{Event, Timestamp};

/// What a stage does with one event.
pub(crate) trait Stage: Send + Sync + std::fmt::Debug {
    /// Changes the event, and says what becomes of it.
    fn apply(&self, event: &mut Event, memory: &mut Memory) -> Outcome;

    /// The tag that says that it could not.
    fn failure_tag(&self) -> &'static str {
        "_mutate_error"
    }
}

/// What becomes of an event.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It goes on, and the stage did what it is there for.
    Keep,
    /// It goes on: there was nothing for the stage to do, such as a text to read.
    Idle,
    /// It goes on with the stage's tag: the stage could not do its work, and left what it found.
    Failed,
    /// It ends here, as the pipeline says.
    Drop,
    /// It goes on, and these after it.
    Also(Vec<Event>),
}

/// What a stage knows beside the event, for one body or file.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// When the bytes arrived.
    pub(crate) now: Timestamp,
    /// How many more events may come of the record.
    pub(crate) room: usize,
    /// What was seen before, by stages that look for what comes again.
    pub(crate) seen: flow::Seen,
}
