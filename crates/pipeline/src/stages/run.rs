//! A pipeline at work on the events of one body or file.

use std::sync::Arc;

use vigie_domain::{Event, Object, Timestamp};

use super::Memory;
use super::pipeline::Pipeline;
use super::step::{Did, Step};

/// Events that may come of one record, by `clone` and `unnest` together.
pub const FAN_OUT_MAX: usize = 10_000;

/// A pipeline and what its stages have seen of one body or file.
#[derive(Debug)]
pub struct Run {
    pipeline: Arc<Pipeline>,
    memories: Vec<Memory>,
}

/// What one stage did with one event.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceStep {
    /// Number of the stage from 1.
    pub stage: usize,
    /// Its `type`.
    pub kind: &'static str,
    /// `skipped`, `changed`, `unchanged`, `failed` or `dropped`.
    pub did: &'static str,
    /// The event as the stage found it.
    pub before: Object,
    /// What it made of it: none, one or several events.
    pub after: Vec<Object>,
}

/// What every stage did with the events of one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traced {
    /// In the order in which it happened.
    pub steps: Vec<TraceStep>,
    /// What came out at the end.
    pub events: Vec<Event>,
}

impl Run {
    /// At the beginning of a body or file that arrived at that instant.
    pub fn new(pipeline: Arc<Pipeline>, now: Timestamp) -> Self {
        let memories = pipeline.steps.iter().map(|_| Memory { now, ..Memory::default() }).collect();
        Self { pipeline, memories }
    }

    /// What becomes of an event: none, one or several, at most `FAN_OUT_MAX`.
    pub fn apply(&mut self, event: Event) -> Vec<Event> {
        self.each_step(event, None)
    }

    /// The same, with what every stage did.
    pub fn trace(&mut self, event: Event) -> Traced {
        let mut steps = Vec::new();
        let events = self.each_step(event, Some(&mut steps));
        Traced { steps, events }
    }

    fn each_step(&mut self, event: Event, mut trace: Option<&mut Vec<TraceStep>>) -> Vec<Event> {
        let (mut events, mut next) = (vec![event], Vec::new());
        for (step, memory) in self.pipeline.steps.iter().zip(&mut self.memories) {
            memory.room = FAN_OUT_MAX.saturating_sub(events.len());
            for event in events.drain(..) {
                let start = next.len();
                let before = trace.as_ref().map(|_| event.body.clone());
                let did = step.apply(event, memory, &mut next);
                memory.room = memory.room.saturating_sub((next.len() - start).saturating_sub(1));
                if let (Some(trace), Some(before)) = (&mut trace, before) {
                    let after = next[start..].iter().map(|event: &Event| event.body.clone()).collect();
                    trace.push(traced(step, did, before, after));
                }
            }
            std::mem::swap(&mut events, &mut next);
        }
        events
    }
}

fn traced(step: &Step, did: Did, before: Object, after: Vec<Object>) -> TraceStep {
    let is_same = || matches!(&after[..], [only] if *only == before);
    let did = match did {
        Did::Skip => "skipped",
        Did::Fail => "failed",
        Did::Drop => "dropped",
        Did::Work if is_same() => "unchanged",
        Did::Work => "changed",
    };
    TraceStep { stage: step.number, kind: step.kind, did, before, after }
}
