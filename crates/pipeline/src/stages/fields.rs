//! `add`, `copy`, `remove`, `rename`, `tag`: fields as a whole.

use toml::Value as Toml;
use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::{Options, value_of};
use super::template::Template;
use super::{Memory, Outcome, Stage};

#[derive(Debug)]
struct Add {
    fields: Additions,
    existing: &'static str,
}

/// Fields and the values that they are to get.
#[derive(Debug)]
pub(super) struct Additions(Vec<(FieldPath, Added)>);

#[derive(Debug)]
enum Added {
    Text(Template),
    Value(Value),
}

pub(super) fn add(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let fields = Additions::read(options, "fields")?;
    if fields.0.is_empty() {
        return Err(options.missing("fields", "{ environment = \"live\" }"));
    }
    Ok(Box::new(Add { fields, existing: options.word("existing", &["append", "replace", "keep"])? }))
}

impl Additions {
    /// The table under that key; none when it is not there.
    pub(super) fn read(options: &mut Options, key: &'static str) -> Result<Self, PipelineError> {
        let mut fields = Vec::new();
        for (name, value) in &options.table(key)? {
            let wrong = |message: String| options.error(key, message);
            let added = match value {
                Toml::String(text) => Added::Text(Template::parse(text).map_err(wrong)?),
                other => Added::Value(value_of(other)),
            };
            fields.push((FieldPath::parse(name).map_err(wrong)?, added));
        }
        Ok(Self(fields))
    }

    /// Adds each value beside what is there.
    pub(super) fn append_to(&self, event: &mut Event) {
        for (path, added) in &self.0 {
            let value = added.value(event);
            path.append(&mut event.body, value);
        }
    }
}

impl Added {
    fn value(&self, event: &Event) -> Value {
        match self {
            Self::Text(template) => Value::Text(template.render(&event.body)),
            Self::Value(value) => value.clone(),
        }
    }
}

impl Stage for Add {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        for (path, added) in &self.fields.0 {
            let value = added.value(event);
            match self.existing {
                "replace" => path.put(&mut event.body, value),
                "keep" if path.get(&event.body).is_some_and(|value| *value != Value::Null) => {}
                "keep" => path.put(&mut event.body, value),
                _ => path.append(&mut event.body, value),
            }
        }
        Outcome::Keep
    }
}

/// Does nothing itself: it is there for the keys that every stage has.
#[derive(Debug)]
struct Mark;

pub(super) fn tag(_options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    Ok(Box::new(Mark))
}

impl Stage for Mark {
    fn apply(&self, _event: &mut Event, _memory: &mut Memory) -> Outcome {
        Outcome::Keep
    }
}

/// `copy` and `rename`: from one place to another.
#[derive(Debug)]
struct Move {
    fields: Vec<(FieldPath, FieldPath)>,
    keeps_source: bool,
}

pub(super) fn copy(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    Ok(Box::new(Move { fields: places(options)?, keeps_source: true }))
}

pub(super) fn rename(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    Ok(Box::new(Move { fields: places(options)?, keeps_source: false }))
}

fn places(options: &mut Options) -> Result<Vec<(FieldPath, FieldPath)>, PipelineError> {
    let pairs = options.needed_pairs("fields", "{ from = \"to\" }")?;
    let place = |(from, to): (FieldPath, String)| {
        FieldPath::parse(&to).map(|to| (from, to)).map_err(|message| options.error("fields", message))
    };
    pairs.into_iter().map(place).collect()
}

impl Stage for Move {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        for (from, to) in &self.fields {
            let value = if self.keeps_source { from.get(&event.body).cloned() } else { from.take(&mut event.body) };
            if let Some(value) = value {
                to.put(&mut event.body, value);
            }
        }
        Outcome::Keep
    }
}

#[derive(Debug)]
struct Remove {
    fields: Vec<FieldPath>,
    keep: Vec<FieldPath>,
}

pub(super) fn remove(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let (fields, keep) = (options.fields("fields")?, options.fields("all_but")?);
    if fields.is_empty() == keep.is_empty() {
        return Err(options.error("fields", "name the fields to remove in it, or in all_but the only ones to keep"));
    }
    Ok(Box::new(Remove { fields, keep }))
}

/// What an event is stored by is not removed with the rest.
const NEEDED: [&str; 3] = ["@timestamp", "log_type", "tags"];

impl Stage for Remove {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        for path in &self.fields {
            path.take(&mut event.body);
        }
        if !self.keep.is_empty() {
            let old = std::mem::take(&mut event.body);
            event.body = old.iter().filter(|(name, _)| NEEDED.contains(&name.as_str())).cloned().collect();
            for path in self.keep.iter().filter(|path| !NEEDED.contains(&path.as_str())) {
                if let Some(value) = path.get(&old) {
                    path.put(&mut event.body, value.clone());
                }
            }
        }
        Outcome::Keep
    }
}
