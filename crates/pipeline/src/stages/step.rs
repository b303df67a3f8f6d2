//! One stage in its place: when it is asked, and what every stage can do beside its own work.

use vigie_domain::event::pseudo_fields::{LOG_TYPE, TIMESTAMP};
use vigie_domain::time::parse_instant;
use vigie_domain::{Event, Value};

use super::condition::Condition;
use super::error::PipelineError;
use super::field_path::FieldPath;
use super::fields::Additions;
use super::options::Options;
use super::{Memory, Outcome, Stage};

/// Where tags are.
const TAGS: &str = "tags";

/// One stage in its place.
#[derive(Debug)]
pub(super) struct Step {
    /// From 1.
    pub(super) number: usize,
    /// Its `type`.
    pub(super) kind: &'static str,
    pub(super) stage: Box<dyn Stage>,
    condition: Option<Condition>,
    /// Tags in place of the stage's own; none at all when the list is empty.
    failure_tags: Option<Vec<String>>,
    add_fields: Additions,
    remove_fields: Vec<FieldPath>,
    add_tags: Vec<String>,
    remove_tags: Vec<String>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    /// Its condition does not hold.
    Skip,
    /// What it is there for.
    Work,
    /// It could not; the event is tagged.
    Fail,
    /// It let the event go.
    Drop,
}

/// Stands where a stage will be.
#[derive(Debug)]
struct Nothing;

impl Stage for Nothing {
    fn apply(&self, _event: &mut Event, _memory: &mut Memory) -> Outcome {
        Outcome::Keep
    }
}

impl Step {
    /// Reads the keys that every stage has.
    pub(super) fn read(number: usize, kind: &'static str, options: &mut Options) -> Result<Self, PipelineError> {
        let when = options.text("when")?;
        let condition = when.map(|text| Condition::parse(&text).map_err(|message| options.error("when", message)));
        Ok(Self {
            number,
            kind,
            stage: Box::new(Nothing),
            condition: condition.transpose()?,
            failure_tags: options.texts_if_given("tag_on_failure")?,
            add_fields: Additions::read(options, "add_fields")?,
            remove_fields: options.fields("remove_fields")?,
            add_tags: options.texts("add_tags")?,
            remove_tags: options.texts("remove_tags")?,
        })
    }

    /// Does its work on the event; what comes of it is added to `out`.
    pub(super) fn apply(&self, mut event: Event, memory: &mut Memory, out: &mut Vec<Event>) -> Did {
        if let Some(condition) = &self.condition {
            if condition.asks_pseudo() {
                follow_body(&mut event);
            }
            if !condition.holds(&event) {
                out.push(event);
                return Did::Skip;
            }
        }
        match self.stage.apply(&mut event, memory) {
            Outcome::Drop => Did::Drop,
            Outcome::Failed => {
                match &self.failure_tags {
                    None => add_tag(&mut event, self.stage.failure_tag()),
                    Some(tags) => tags.iter().for_each(|tag| add_tag(&mut event, tag)),
                }
                out.push(event);
                Did::Fail
            }
            Outcome::Idle => {
                out.push(event);
                Did::Work
            }
            Outcome::Keep => {
                self.after_success(&mut event);
                out.push(event);
                Did::Work
            }
            Outcome::Also(mut more) => {
                self.after_success(&mut event);
                more.iter_mut().for_each(|event| self.after_success(event));
                out.push(event);
                out.append(&mut more);
                Did::Work
            }
        }
    }

    fn after_success(&self, event: &mut Event) {
        self.add_fields.append_to(event);
        for field in &self.remove_fields {
            field.take(&mut event.body);
        }
        self.add_tags.iter().for_each(|tag| add_tag(event, tag));
        self.remove_tags.iter().for_each(|tag| remove_tag(event, tag));
    }
}

/// Notes a tag once.
fn add_tag(event: &mut Event, tag: &str) {
    let tag = Value::text(tag);
    let Some((_, tags)) = event.body.iter_mut().find(|(name, _)| name == TAGS) else {
        event.body.push((TAGS.into(), Value::List(vec![tag])));
        return;
    };
    match tags {
        Value::List(list) if list.contains(&tag) => {}
        Value::List(list) => list.push(tag),
        Value::Null => *tags = Value::List(vec![tag]),
        scalar if *scalar == tag => {}
        scalar => {
            let sent = std::mem::replace(scalar, Value::Null);
            *scalar = Value::List(vec![sent, tag]);
        }
    }
}

/// Takes a tag away; with the last one, the list goes too.
fn remove_tag(event: &mut Event, tag: &str) {
    let Some(at) = event.body.iter().position(|(name, _)| name == TAGS) else { return };
    let is_tag = |value: &Value| value.as_text() == Some(tag);
    let is_empty = match &mut event.body[at].1 {
        Value::List(list) => {
            let before = list.len();
            list.retain(|value| !is_tag(value));
            list.is_empty() && before > 0
        }
        scalar => is_tag(scalar),
    };
    if is_empty {
        event.body.remove(at);
    }
}

/// Brings what queries read from the event itself up to date with its body; what cannot be read leaves it as it is.
fn follow_body(event: &mut Event) {
    for (name, value) in &event.body {
        let Some(text) = value.as_text() else { continue };
        if name == TIMESTAMP && !event.timestamp.has_text(text) {
            event.timestamp = parse_instant(text, event.ingested_at).unwrap_or(event.timestamp);
        } else if name == LOG_TYPE {
            event.log_type = text.parse().unwrap_or(event.log_type);
        }
    }
}
