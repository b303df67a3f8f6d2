//! `drop`, `sample`, `clone`, `unnest`, `dedupe`: how many events come of one.

use std::collections::{HashSet, VecDeque};

use foldhash::fast::FixedState;
use twox_hash::XxHash3_64;
use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};

/// Events that `dedupe` looks back on at most.
const WINDOW_MAX: u64 = 100_000;
/// Events that it looks back on unless the pipeline says otherwise.
const WINDOW: u64 = 1_000;
/// Copies that `clone` makes of one event at most.
const COPIES_MAX: usize = 20;
#[derive(Debug)]
struct Drop;

pub(super) fn drop(_options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    Ok(Box::new(Drop))
}

impl Stage for Drop {
    fn apply(&self, _event: &mut Event, _memory: &mut Memory) -> Outcome {
        Outcome::Drop
    }
}

/// Keeps one of so many, told by the content: what is sent again is kept again.
#[derive(Debug)]
struct Sample {
    one_in: u64,
    by: Vec<FieldPath>,
}

pub(super) fn sample(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let one_in = options.count("one_in", (0, 1_000_000_000), 0)?;
    if one_in == 0 {
        return Err(options.missing("one_in", "10"));
    }
    Ok(Box::new(Sample { one_in, by: options.fields("by")? }))
}

impl Stage for Sample {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        if hash_of(event, &self.by).is_multiple_of(self.one_in) { Outcome::Keep } else { Outcome::Drop }
    }
}

/// A hash of these fields, or of the whole event: XXH3, which is the same on every machine.
fn hash_of(event: &Event, fields: &[FieldPath]) -> u64 {
    let text = if fields.is_empty() {
        serde_json::to_string(&event.body).unwrap_or_default()
    } else {
        text_of(event, fields).unwrap_or_default()
    };
    XxHash3_64::oneshot(text.as_bytes())
}

/// The values of these fields as one text; `None` when the event has none of them.
fn text_of(event: &Event, fields: &[FieldPath]) -> Option<String> {
    let values: Vec<Option<&Value>> = fields.iter().map(|path| path.get(&event.body)).collect();
    values.iter().any(Option::is_some).then(|| serde_json::to_string(&values).unwrap_or_default())
}

#[derive(Debug)]
struct Clone {
    names: Vec<String>,
    field: FieldPath,
}

pub(super) fn clone(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let names = options.texts("names")?;
    if names.is_empty() || names.len() > COPIES_MAX {
        let message = format!("name 1 to {COPIES_MAX} copies, for example names = [\"audit\"]");
        return Err(options.error("names", message));
    }
    Ok(Box::new(Clone { names, field: options.field_or("field", "clone")? }))
}

impl Stage for Clone {
    fn apply(&self, event: &mut Event, memory: &mut Memory) -> Outcome {
        if self.names.len() > memory.room {
            return Outcome::Failed;
        }
        let copy = |name: &String| {
            let mut copy = event.clone();
            self.field.put(&mut copy.body, Value::text(name.as_str()));
            copy
        };
        Outcome::Also(self.names.iter().map(copy).collect())
    }
}

#[derive(Debug)]
struct Unnest {
    field: FieldPath,
    target: FieldPath,
}

pub(super) fn unnest(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.needed_field("field")?;
    let target = options.field("target")?.unwrap_or_else(|| field.clone());
    Ok(Box::new(Unnest { field, target }))
}

impl Stage for Unnest {
    fn apply(&self, event: &mut Event, memory: &mut Memory) -> Outcome {
        let fits = |items: &[Value]| !items.is_empty() && items.len() - 1 <= memory.room;
        match self.field.get(&event.body) {
            None | Some(Value::Null) => return Outcome::Idle,
            Some(Value::List(items)) if fits(items) => {}
            Some(_) => return Outcome::Failed,
        }
        let Some(Value::List(items)) = self.field.take(&mut event.body) else { return Outcome::Failed };
        let mut items = items.into_iter();
        let first = items.next();
        let with = |item: Value| {
            let mut one = event.clone();
            self.target.put(&mut one.body, item);
            one
        };
        let more: Vec<Event> = items.map(with).collect();
        if let Some(first) = first {
            self.target.put(&mut event.body, first);
        }
        Outcome::Also(more)
    }

    fn failure_tag(&self) -> &'static str {
        "_split_type_failure"
    }
}

/// Events seen before, the latest of them.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    order: VecDeque<u128>,
    hashes: HashSet<u128, FixedState>,
}

impl Seen {
    /// Whether it was seen among the last `window`; it is seen from now on.
    fn has(&mut self, hash: u128, window: usize) -> bool {
        if !self.hashes.insert(hash) {
            return true;
        }
        self.order.push_back(hash);
        if self.order.len() > window
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
        false
    }
}

/// Lets events go that came before in the same body or file. It looks no further, so that an event that could not be
/// stored and is sent again is not lost; over all time, `fingerprint` into `_id` does it.
#[derive(Debug)]
struct Dedupe {
    fields: Vec<FieldPath>,
    window: usize,
}

pub(super) fn dedupe(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let fields = options.needed_fields("fields")?;
    Ok(Box::new(Dedupe { fields, window: options.count("window_events", (1, WINDOW_MAX), WINDOW)? as usize }))
}

impl Stage for Dedupe {
    fn apply(&self, event: &mut Event, memory: &mut Memory) -> Outcome {
        let Some(text) = text_of(event, &self.fields) else { return Outcome::Keep };
        let half = |seed: u64| u128::from(XxHash3_64::oneshot_with_seed(seed, text.as_bytes()));
        if memory.seen.has(half(0) << 64 | half(1), self.window) { Outcome::Drop } else { Outcome::Keep }
    }
}
