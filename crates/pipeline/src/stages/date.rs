//! `date`: reads an instant out of a field, by default as the event's own time.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use vigie_domain::event::pseudo_fields::TIMESTAMP;
use vigie_domain::time::parse_instant;
use vigie_domain::{Event, Timestamp, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::joda::Pattern;
use super::options::Options;
use super::template::plain;
use super::{Memory, Outcome, Stage};
use crate::tag;

/// Forms that are tried one after the other.
const FORMATS_MAX: usize = 50;

#[derive(Debug)]
struct Date {
    field: FieldPath,
    target: FieldPath,
    formats: Vec<Form>,
    zone: TimeZone,
}

#[derive(Debug)]
enum Form {
    /// Whatever is read as an instant elsewhere.
    Any,
    Iso8601,
    /// A number of units since 1970, and the nanoseconds of one.
    Epoch(i64),
    Letters(Pattern),
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.needed_field("field")?;
    let target = options.field_or("target", TIMESTAMP)?;
    let names = options.texts("formats")?;
    if names.len() > FORMATS_MAX {
        return Err(options.error("formats", format!("{} are more than {FORMATS_MAX}", names.len())));
    }
    let form = |name: &String| form(name).map_err(|message| options.error("formats", message));
    let mut formats = names.iter().map(form).collect::<Result<Vec<_>, _>>()?;
    if formats.is_empty() {
        formats.push(Form::Any);
    }
    let name = options.text_or("timezone", "UTC")?;
    let zone = TimeZone::get(&name).map_err(|_| {
        options.error("timezone", format!("{name:?} is no time zone; use a name such as \"Europe/Paris\""))
    })?;
    Ok(Box::new(Date { field, target, formats, zone }))
}

fn form(name: &str) -> Result<Form, String> {
    Ok(match name {
        "any" => Form::Any,
        "ISO8601" => Form::Iso8601,
        "UNIX" => Form::Epoch(1_000_000_000),
        "UNIX_MS" => Form::Epoch(1_000_000),
        "UNIX_US" => Form::Epoch(1_000),
        "UNIX_NS" => Form::Epoch(1),
        letters => Form::Letters(Pattern::parse(letters)?),
    })
}

impl Stage for Date {
    fn apply(&self, event: &mut Event, memory: &mut Memory) -> Outcome {
        let text = match self.field.get(&event.body) {
            None | Some(Value::Null) => return Outcome::Idle,
            Some(value @ (Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::BigNumber(_))) => plain(value),
            Some(Value::Bool(_) | Value::List(_) | Value::Object(_)) => return Outcome::Failed,
        };
        let read = |form: &Form| form.read(text.trim(), &self.zone, memory.now);
        let Some(instant) = self.formats.iter().find_map(read) else { return Outcome::Failed };
        self.target.put(&mut event.body, Value::Text(instant.to_text()));
        Outcome::Keep
    }

    fn failure_tag(&self) -> &'static str {
        tag::DATE_PARSE_FAILURE
    }
}

impl Form {
    fn read(&self, text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Any => in_zone(text, zone).or_else(|| parse_instant(text, now)),
            Self::Iso8601 => {
                let instant = || parse_instant(text, now).filter(|_| text.as_bytes().get(4) == Some(&b'-'));
                in_zone(text, zone).or_else(instant)
            }
            Self::Epoch(nanos) => from_epoch(text, *nanos),
            Self::Letters(pattern) => pattern.read(text, zone, now),
        }
    }
}

/// A date and time without an offset is of the zone.
fn in_zone(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let is_local = text.as_bytes().get(4) == Some(&b'-') && text.len() >= 10 && !text.ends_with('Z');
    let civil = text.replacen(',', ".", 1).parse::<DateTime>().ok().filter(|_| is_local)?;
    let has_offset = text.get(10..).is_some_and(|time| time.contains(['+', '-', 'Z', '[']));
    (!has_offset).then(|| zone.to_timestamp(civil).ok()).flatten().and_then(Timestamp::from_jiff)
}

/// Digits are read exactly, so that nanoseconds do not pass through a float.
fn from_epoch(text: &str, nanos_per_unit: i64) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_negative = whole.starts_with('-');
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = match fraction {
        "" => 0,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let nanos: i64 = format!("{digits:0<9.9}").parse().ok()?;
            (i128::from(nanos) * i128::from(nanos_per_unit) / 1_000_000_000) as i64
        }
        _ => return None,
    };
    let part = if is_negative { -part } else { part };
    whole.checked_mul(nanos_per_unit)?.checked_add(part).map(Timestamp::from_nanos)
}
