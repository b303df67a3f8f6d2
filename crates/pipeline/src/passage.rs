//! The way of one record: converted, through the stages of the pipeline, and converted again with what they found.
//!
//! Stages see a typed event. What they change ends where it belongs: a new `@timestamp`, `log_type`, `level` or `_id` is the
//! event's own. The window of accepted times is asked at the end, when a stage has had its chance to find the time.

use std::sync::Arc;

use vigie_domain::event::pseudo_fields::{LOG_TYPE, TIMESTAMP};
use vigie_domain::{Event, EventId, Object, Value};

use crate::batch::{Batch, Reject, shown};
use crate::convert::{self, FlatLines, Refusal, SentWith};
use crate::options::DecodeOptions;
use crate::parse::{Draft, NamedIndex, Record};
use crate::redact::RedactionCounts;
use crate::stages::{Run, TraceStep};
use crate::tag;

const MESSAGE: &str = "message";
/// What several events of one record with an id are told apart by.
const PART_MARK: char = '#';

/// The way that the records of one body or file take.
#[derive(Debug)]
pub(crate) struct Passage {
    /// As the caller says; with stages, what is asked before them.
    first: DecodeOptions,
    stages: Option<Stages>,
    flat: Option<FlatLines>,
    trace: Option<Vec<TracedRecord>>,
}

#[derive(Debug)]
struct Stages {
    run: Run,
    /// What is asked after them: names and types were settled before.
    last: DecodeOptions,
}

/// What came of one record, and what every stage did with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TracedRecord {
    /// 1-based line on which it begins, or its number in formats without lines.
    pub line: u64,
    /// Its beginning.
    pub raw: String,
    /// In the order in which it happened.
    pub steps: Vec<TraceStep>,
    /// What would be stored, none when it is dropped or refused.
    pub events: Vec<Event>,
    /// Why events, or the record itself, are refused.
    pub refusals: Vec<String>,
}

impl Passage {
    /// The way for these options.
    pub(crate) fn new(options: &DecodeOptions) -> Self {
        let mut first = options.clone();
        let pipeline = options.pipeline.clone().filter(|pipeline| pipeline.stage_count() > 0);
        let stages = pipeline.map(|pipeline| {
            first.window = None;
            first.pipeline = None;
            let last = DecodeOptions { log_type: None, rename: Vec::new(), time_field: None, ..options.clone() };
            Stages { run: Run::new(pipeline, options.received_at), last }
        });
        Self { first, stages, flat: FlatLines::new(options), trace: None }
    }

    /// From now on it notes what becomes of records.
    pub(crate) fn trace(&mut self) {
        self.trace = Some(Vec::new());
        self.flat = None;
    }

    /// What it noted.
    pub(crate) fn take_trace(&mut self) -> Vec<TracedRecord> {
        self.trace.take().unwrap_or_default()
    }

    /// What becomes of a draft: nothing when the pipeline drops it.
    pub(crate) fn events_of(
        &mut self,
        draft: Draft,
        trace: Option<&mut Vec<TraceStep>>,
        redactions: &mut RedactionCounts,
    ) -> Vec<Result<Event, Refusal>> {
        match &mut self.stages {
            None => vec![convert::convert(draft, &self.first, redactions)],
            Some(stages) => match stages.pass(draft, &self.first, trace, redactions) {
                Ok(outcomes) => outcomes,
                Err(refusal) => vec![Err(refusal)],
            },
        }
    }

    /// Adds the event that a line of JSON is, if that is a short way.
    pub(crate) fn take_line(&mut self, line: &[u8], batch: &mut Batch) -> bool {
        let flat = self.flat.as_mut();
        flat.and_then(|flat| flat.push(line, SentWith::default(), &self.first, &mut batch.events)).is_some()
    }

    /// Adds what becomes of the record to the batch.
    pub(crate) fn take(&mut self, record: Record, raw: &[u8], archive: Option<&str>, batch: &mut Batch) {
        let line = record.line;
        let redactor = Arc::clone(&self.first.redactor);
        let traced_raw = || shown(raw, &redactor, &mut RedactionCounts::default());
        let mut traced =
            self.trace.as_ref().map(|_| TracedRecord { line, raw: traced_raw(), ..TracedRecord::default() });
        let refuse = |refusal: Refusal, batch: &mut Batch| {
            // What was converted was counted already; its text is the same once more.
            let (mut again, mut new) = (RedactionCounts::default(), RedactionCounts::default());
            let raw = match (raw, refusal.body.is_empty()) {
                ([], false) => {
                    shown(&serde_json::to_vec(&Value::Object(refusal.body)).unwrap_or_default(), &redactor, &mut again)
                }
                (raw, true) => shown(raw, &redactor, &mut new),
                (raw, false) => shown(raw, &redactor, &mut again),
            };
            // A reason may quote what was sent.
            let reason = redactor.redact_text(&refusal.reason, &mut again).into_owned();
            batch.redactions.add(&new);
            batch.rejects.push(Reject { line, reason, raw }.in_archive(archive));
        };
        let (events_before, rejects_before) = (batch.events.len(), batch.rejects.len());
        match record.outcome {
            Err(reason) => refuse(Refusal { reason, body: Object::new() }, batch),
            // Most bodies meet no stage: no list is made for each of their records.
            Ok(draft) if self.stages.is_none() => match convert::convert(draft, &self.first, &mut batch.redactions) {
                Ok(event) => batch.events.push(&event),
                Err(refusal) => refuse(refusal, batch),
            },
            Ok(draft) => {
                let outcomes =
                    self.events_of(draft, traced.as_mut().map(|traced| &mut traced.steps), &mut batch.redactions);
                batch.dropped += u64::from(outcomes.is_empty());
                outcomes.into_iter().for_each(|outcome| match outcome {
                    Ok(event) => batch.events.push(&event),
                    Err(refusal) => refuse(refusal, batch),
                });
            }
        }
        if let (Some(trace), Some(mut traced)) = (&mut self.trace, traced) {
            traced.events =
                (events_before..batch.events.len()).map(|place| batch.events.row(place).to_event()).collect();
            traced.refusals = batch.rejects[rejects_before..].iter().map(|reject| reject.reason.clone()).collect();
            trace.push(traced);
        }
    }
}

/// What was settled about a record before the stages, to tell what they changed.
struct Before {
    id: Option<EventId>,
    /// The text of `@timestamp`, when it is that of arrival.
    arrival: Option<Value>,
    is_time_unreadable: bool,
    /// The log type's word, when it was told by the fields.
    detected: Option<Value>,
    /// The message, when there is one at the top: it is redacted, and so it is afterwards if no stage has changed it.
    message: Option<Value>,
    /// Where it was sent to.
    index: Option<NamedIndex>,
}

impl Stages {
    fn pass(
        &mut self,
        mut draft: Draft,
        first: &DecodeOptions,
        trace: Option<&mut Vec<TraceStep>>,
        redactions: &mut RedactionCounts,
    ) -> Result<Vec<Result<Event, Refusal>>, Refusal> {
        let names_type =
            top(&draft.body, LOG_TYPE).is_some_and(|value| *value != Value::Null) || first.log_type.is_some();
        let parse_tags = draft.tags.clone();
        let (event, _) = match convert::understand(&mut draft, None, first, redactions) {
            Ok(understood) => understood,
            Err(reason) => return Err(Refusal { reason, body: draft.body }),
        };
        let found = std::mem::replace(&mut draft.tags, parse_tags);
        let is_time_unreadable = found.contains(&tag::DATE_PARSE_FAILURE);
        let has_no_time = found.contains(&tag::NO_TIMESTAMP) || is_time_unreadable;
        convert::append_tags(&mut draft);
        let before = Before {
            id: event.id.clone(),
            arrival: top(&draft.body, TIMESTAMP).filter(|_| has_no_time).cloned(),
            is_time_unreadable,
            detected: top(&draft.body, LOG_TYPE).filter(|_| !names_type).cloned(),
            message: top(&draft.body, MESSAGE).cloned(),
            index: draft.index.take(),
        };
        let event = Event { body: draft.body, ..event };
        let events = match trace {
            None => self.run.apply(event),
            Some(trace) => {
                let traced = self.run.trace(event);
                trace.extend(traced.steps);
                traced.events
            }
        };
        let settled = |(place, event)| self.settle(event, place, &before, redactions);
        Ok(events.into_iter().enumerate().map(settled).collect())
    }

    /// Converts what the stages made; what they left alone is found anew in what they added.
    fn settle(
        &self,
        event: Event,
        place: usize,
        before: &Before,
        redactions: &mut RedactionCounts,
    ) -> Result<Event, Refusal> {
        let mut draft = Draft { index: before.index.clone(), ..Draft::new(event.body) };
        if before.arrival.is_some() && top(&draft.body, TIMESTAMP) == before.arrival.as_ref() {
            if before.is_time_unreadable {
                draft.tag(tag::DATE_PARSE_FAILURE);
            } else {
                draft.body.retain(|(name, _)| name != TIMESTAMP);
            }
        }
        if before.detected.is_some() && top(&draft.body, LOG_TYPE) == before.detected.as_ref() {
            draft.body.retain(|(name, _)| name != LOG_TYPE);
        }
        let mut event = convert::convert_again(draft, before.message.as_ref(), &self.last, redactions)?;
        if event.id.is_none() {
            event.id = before.id.clone().map(|id| part_id(id, place));
        }
        Ok(event)
    }
}

/// Events of one record have ids of their own, the same each time the record is sent.
fn part_id(id: EventId, place: usize) -> EventId {
    if place == 0 { id } else { EventId(format!("{}{PART_MARK}{place}", id.0)) }
}

fn top<'b>(body: &'b Object, name: &str) -> Option<&'b Value> {
    body.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}
