//! From a draft to an event: its type, its time, its level, typed values. Nothing is dropped: what is not understood is
//! kept as it was sent, with a tag. Only an event outside the time window, or with an impossible id, is refused.

mod enrichment;
mod flat;
mod known;
mod level;
mod log_type;
mod survey;
mod timestamp;
mod typed;

use vigie_domain::{Event, EventId, Object, Value};

use crate::options::DecodeOptions;
use crate::parse::Draft;
use crate::redact::{RedactionCounts, Redactor};
pub(crate) use flat::{FlatLines, SentWith};
pub(crate) use survey::Survey;

/// Bytes of a sender's id, as Elasticsearch has it.
const ID_BYTES_MAX: usize = 512;

/// Where ids are sent, and where they are not searched.
const ID_FIELD: &str = "_id";

/// Why an event is not accepted, and what was sent.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    /// In words for the sender.
    pub(crate) reason: String,
    /// What was sent and may be stored, with what was added until then.
    pub(crate) body: Object,
}

/// The event that a draft becomes.
pub(crate) fn convert(
    draft: Draft,
    options: &DecodeOptions,
    redactions: &mut RedactionCounts,
) -> Result<Event, Refusal> {
    convert_again(draft, None, options, redactions)
}

/// The same of a draft that was understood before; its message then has nothing that may never be stored, unless it has changed.
pub(crate) fn convert_again(
    mut draft: Draft,
    clean_message: Option<&Value>,
    options: &DecodeOptions,
    redactions: &mut RedactionCounts,
) -> Result<Event, Refusal> {
    match understand(&mut draft, clean_message, options, redactions) {
        Ok((event, survey)) => {
            if let Some(pipeline) = &options.pipeline {
                enrichment::enrich(&mut draft, &survey, pipeline);
            }
            append_tags(&mut draft);
            Ok(Event { body: draft.body, ..event })
        }
        Err(reason) => Err(Refusal { reason, body: draft.body }),
    }
}

/// The event without its body, which stays in the draft, and so do the tags; and what was seen in it. What may never be
/// stored is taken out before anything else looks at it.
pub(crate) fn understand(
    draft: &mut Draft,
    clean_message: Option<&Value>,
    options: &DecodeOptions,
    redactions: &mut RedactionCounts,
) -> Result<(Event, Survey), String> {
    rename(&mut draft.body, &options.rename);
    let sent_id = take_id(&mut draft.body, &options.redactor, redactions);
    options.redactor.redact_but(&mut draft.body, clean_message, redactions);
    let id = sent_id?.map(|id| draft.id_of(id));
    let mut survey = Survey::of(&draft.body);
    let log_type = log_type::resolve(draft, &survey, options.log_type);
    typed::convert_values(draft, &survey, log_type, options.received_at);
    level::normalise(draft, &survey);
    if let (false, Some(error_message)) = (survey.has_message(), survey.error_message.take()) {
        draft.body.push(("message".into(), Value::text(error_message)));
    }
    let timestamp = timestamp::resolve(draft, options)?;
    let event = Event { id, timestamp, ingested_at: options.received_at, log_type, body: Object::new() };
    Ok((event, survey))
}

fn rename(body: &mut Object, rename: &[(String, String)]) {
    if rename.is_empty() {
        return;
    }
    for (name, _) in body {
        if let Some((_, field)) = rename.iter().find(|(sent, _)| sent == name) {
            *name = field.into();
        }
    }
}

/// Takes the sender's id out of the body: it names the event and is not part of it.
fn take_id(
    body: &mut Object,
    redactor: &Redactor,
    redactions: &mut RedactionCounts,
) -> Result<Option<EventId>, String> {
    let Some(at) = body.iter().position(|(name, _)| name == ID_FIELD) else { return Ok(None) };
    let id = match &body[at].1 {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::BigNumber(literal) => literal.clone(),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Object(_) => return Ok(None),
    };
    if id.len() > ID_BYTES_MAX {
        return Err(format!("the \"_id\" has {} bytes, more than {ID_BYTES_MAX}; send a shorter one", id.len()));
    }
    let id = EventId(redactor.redact_id(&id, redactions).into_owned());
    if id.is_made() {
        return Err(format!("the \"_id\" {:?} looks like one that is made here; begin it with another letter", id.0));
    }
    body.remove(at);
    Ok((!id.0.is_empty()).then_some(id))
}

/// The same of an id that is sent beside a body, if nothing is to be said about it.
fn plain_id(sent: &str, redactor: &Redactor) -> Option<EventId> {
    let is_plain = !sent.is_empty() && sent.len() <= ID_BYTES_MAX && !redactor.finds_secret(sent);
    Some(EventId(sent.to_owned())).filter(|id| is_plain && !id.is_made())
}

/// Moves the tags into the body.
pub(crate) fn append_tags(draft: &mut Draft) {
    if draft.tags.is_empty() {
        return;
    }
    let new = draft.tags.drain(..).map(Value::text);
    let Some((_, tags)) = draft.body.iter_mut().find(|(name, _)| name == "tags") else {
        let tags = Value::List(new.collect());
        draft.body.push(("tags".into(), tags));
        return;
    };
    match tags {
        Value::List(list) => {
            let missing: Vec<Value> = new.filter(|tag| !list.contains(tag)).collect();
            list.extend(missing);
        }
        Value::Null => *tags = Value::List(new.collect()),
        scalar => {
            let sent = std::mem::replace(scalar, Value::Null);
            *scalar = Value::List(std::iter::once(sent).chain(new).collect());
        }
    }
}

/// The first value of that name at the top of the body.
fn top<'b>(body: &'b Object, name: &str) -> Option<&'b Value> {
    body.iter().find(|(sent, _)| sent == name).map(|(_, value)| value)
}

/// The first value of that name at the top of the body, to be changed.
fn top_mut<'b>(body: &'b mut Object, name: &str) -> Option<&'b mut Value> {
    body.iter_mut().find(|(sent, _)| sent == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
