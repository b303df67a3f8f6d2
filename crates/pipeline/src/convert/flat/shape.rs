//! What lines with the same names have in common, and what is left to do for each of them.

use std::net::IpAddr;
use std::sync::Arc;

use vigie_domain::event::pseudo_fields::{LOG_TYPE, TIMESTAMP};
use vigie_domain::event_batch::{Layout, RowHead, ValueRef};
use vigie_domain::mapping::FieldKind;
use vigie_domain::time::parse_instant;
use vigie_domain::{EventBatch, Level, LogType, Object, Text, Timestamp, Value};

use super::names::Place;
use super::{Pushed, SentWith};
use crate::convert::enrichment::{ADDRESS_OR_NAME, AGENT, BITS, PLACE};
use crate::convert::known::Known;
use crate::convert::level::{LEVEL, LEVEL_ORIGINAL};
use crate::convert::{log_type, plain_id, survey, timestamp};
use crate::enrich::with_whole_names;
use crate::options::DecodeOptions;

/// Layouts that are kept for a shape: what is added to a line differs from one to the next.
const LAYOUTS_MAX: usize = 16;

/// What events get that did not say it themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added {
    /// The browser that their header names.
    pub(super) agent: bool,
    /// The place of their client.
    pub(super) place: bool,
}

/// Lines with these names.
#[derive(Debug)]
pub(super) struct Shape {
    /// The names, without values.
    names: Object,
    /// What is known of each value.
    known: Vec<Option<&'static Known>>,
    /// The field that is the event's time, and whether it is called so.
    time: usize,
    has_own_time: bool,
    log_type: TypeFrom,
    /// The field that is its level, and whether it is called so.
    level: Option<usize>,
    has_own_level: bool,
    /// The field whose place is added.
    address: Option<usize>,
    /// The field whose browser is added.
    header: Option<usize>,
    layouts: Vec<Arc<Layout>>,
}

/// What says the log type.
#[derive(Clone, Copy, Debug)]
enum TypeFrom {
    Field(usize),
    Names(LogType),
    Level,
}

impl Shape {
    /// What the fields have in common; `None` when lines with them need the long way.
    pub(super) fn of(fields: &[&Place], added: Added) -> Option<Self> {
        let of_name = |name: &str| fields.iter().position(|field| *field.name == *name);
        let of_bit = |bit: u128| fields.iter().position(|field| field.known.is_some_and(|known| known.bit == bit));
        let names: Object = fields.iter().map(|field| (Text::new(&field.name), Value::Null)).collect();
        let mut sorted: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
        sorted.sort_unstable();
        // These are looked for among the names whether they have a value or not.
        let is_odd = |field: &&Place| {
            *field.name == *LEVEL_ORIGINAL
                || *field.name == *ADDRESS_OR_NAME
                || field.is_null && [TIMESTAMP, LOG_TYPE, LEVEL].contains(&&*field.name)
        };
        let seen = fields.iter().filter_map(|field| field.known).fold(0, |seen, known| seen | known.bit);
        let has = |bit: u128| seen & bit != 0;
        let lacks_message = of_bit(*survey::ERROR_MESSAGE).is_some() && !has(*survey::MESSAGE);
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) || fields.iter().any(is_odd) || lacks_message {
            return None;
        }
        let mut levels = fields.iter().filter(|field| field.known.is_some_and(|known| known.canonical == LEVEL));
        let level_name = levels.next().map(|field| &*field.name);
        if levels.next().is_some() {
            return None;
        }
        let time = timestamp::names().find_map(|name| of_name(name).filter(|place| !fields[*place].is_null))?;
        let by_names = || log_type::told_by_fields(seen).map_or(TypeFrom::Level, TypeFrom::Names);
        Some(Self {
            names,
            known: fields.iter().map(|field| field.known).collect(),
            time,
            has_own_time: *fields[time].name == *TIMESTAMP,
            log_type: of_name(LOG_TYPE).map_or_else(by_names, TypeFrom::Field),
            level: level_name.and_then(of_name),
            has_own_level: level_name == Some(LEVEL),
            address: of_bit(BITS.address).filter(|_| added.place && !has(BITS.country)),
            header: of_bit(BITS.header).filter(|_| added.agent && !has(BITS.browser)),
            layouts: Vec::new(),
        })
    }

    /// Adds the event with these values; `None` when it needs the long way.
    pub(super) fn push(
        &mut self,
        mut values: Vec<ValueRef<'_>>,
        sent: SentWith<'_>,
        options: &DecodeOptions,
        events: &mut EventBatch,
    ) -> Option<Pushed> {
        let level = match self.level {
            Some(place) => Some(level_of(&values[place])?),
            None => None,
        };
        let log_type = match self.log_type {
            TypeFrom::Field(place) => text(&values[place])?.parse().ok()?,
            TypeFrom::Names(log_type) => log_type,
            TypeFrom::Level => log_type::told_by_level(level),
        };
        let address = match self.address {
            Some(place) => Some(text(&values[place])?.parse::<IpAddr>().ok()?),
            None => None,
        };
        if !self.fit(&values, log_type, options.received_at) {
            return None;
        }
        let timestamp = instant_of(&values[self.time], options.received_at)?;
        let is_of_any_time = sent.index.is_some_and(|index| index.is_made);
        if options.window.is_some_and(|window| !is_of_any_time && !window.contains(timestamp)) {
            return None;
        }
        let mut id = match sent.id {
            Some(id) => Some(plain_id(id, &options.redactor)?),
            None => None,
        };
        if let Some(index) = sent.index {
            id = id.map(|id| index.id_of(id));
        }
        let mut added = Object::new();
        self.settle(&mut values, &mut added, (timestamp, log_type, level));
        self.enrich(&values, address, options, &mut added)?;
        let layout = self.layout(&added)?;
        let head =
            RowHead { id: id.as_ref().map(|id| id.0.as_str()), timestamp, ingested_at: options.received_at, log_type };
        events.push_values(&head, layout, &values, &added);
        Some(Pushed { timestamp, id })
    }

    /// Whether every value is of its field's kind, as it is sent.
    fn fit(&self, values: &[ValueRef<'_>], log_type: LogType, now: Timestamp) -> bool {
        self.known.iter().zip(values).enumerate().all(|(place, (known, value))| {
            let kind = known.and_then(|known| known.kind_in(log_type));
            // The address was read before.
            kind.is_none_or(|kind| self.address == Some(place) || fits(value, kind, now))
        })
    }

    /// Puts the event's own type, level and time where they belong, in the order in which the long way does.
    fn settle(
        &self,
        values: &mut [ValueRef<'_>],
        added: &mut Object,
        (timestamp, log_type, level): (Timestamp, LogType, Option<Level>),
    ) {
        match self.log_type {
            TypeFrom::Field(place) => values[place] = ValueRef::OwnType(log_type),
            TypeFrom::Names(_) | TypeFrom::Level => added.push((LOG_TYPE.into(), Value::text(log_type.as_str()))),
        }
        if let (Some(place), Some(level)) = (self.level, level)
            && text(&values[place]) != Some(level.as_str())
        {
            if self.has_own_level {
                let original = std::mem::replace(&mut values[place], ValueRef::Text(level.as_str()));
                added.push((LEVEL_ORIGINAL.into(), original.into_value()));
            } else {
                added.push((LEVEL.into(), Value::text(level.as_str())));
            }
        }
        if self.has_own_time {
            values[self.time] = ValueRef::OwnTime(timestamp);
        } else {
            added.push((TIMESTAMP.into(), Value::Text(timestamp.to_text())));
        }
    }

    /// Adds what is known of the client; `None` when that needs the long way.
    fn enrich(
        &self,
        values: &[ValueRef<'_>],
        address: Option<IpAddr>,
        options: &DecodeOptions,
        added: &mut Object,
    ) -> Option<()> {
        let Some(pipeline) = &options.pipeline else { return Some(()) };
        if let Some(header) = self.header {
            let fields = pipeline.lookups.agent_fields(text(&values[header])?);
            self.put_below(AGENT, fields, added);
        }
        if let Some(address) = address {
            self.put_below(PLACE, pipeline.lookups.place_fields(address)?, added);
        }
        Some(())
    }

    /// As `enrich::put_below` does for a body.
    fn put_below(&self, name: &str, fields: Object, added: &mut Object) {
        if fields.is_empty() {
            return;
        }
        let is_sent = |name: &str| self.names.iter().any(|(sent, _)| sent == name);
        if is_sent(name) {
            added.extend(with_whole_names(name, fields).filter(|(whole, _)| !is_sent(whole)));
        } else {
            added.push((name.into(), Value::Object(fields)));
        }
    }

    /// The layout of lines to which this is added; `None` when there are too many.
    fn layout(&mut self, added: &Object) -> Option<&Arc<Layout>> {
        let known = self.layouts.iter().position(|layout| layout.ends_with(self.names.len(), added));
        let place = known.unwrap_or(self.layouts.len());
        if known.is_none() && place < LAYOUTS_MAX {
            let all = self.names.iter().chain(added).cloned().collect();
            self.layouts.push(Arc::new(Layout::of(&all)));
        }
        self.layouts.get(place)
    }
}

fn text<'v>(value: &ValueRef<'v>) -> Option<&'v str> {
    match value {
        ValueRef::Text(text) => Some(text),
        _ => None,
    }
}

/// The level that was sent, if it is one.
fn level_of(value: &ValueRef<'_>) -> Option<Level> {
    match value {
        ValueRef::Text(word) => Level::from_word(word),
        ValueRef::Int(number) => Level::from_number(*number),
        _ => None,
    }
}

fn instant_of(value: &ValueRef<'_>, now: Timestamp) -> Option<Timestamp> {
    match value {
        ValueRef::Text(text) => parse_instant(text, now),
        ValueRef::Int(number) => parse_instant(&number.to_string(), now),
        _ => None,
    }
}

/// Whether a value is of the kind and stays as it is.
fn fits(value: &ValueRef<'_>, kind: FieldKind, now: Timestamp) -> bool {
    match (kind, value) {
        (FieldKind::Keyword | FieldKind::Text, _)
        | (FieldKind::Int | FieldKind::Float | FieldKind::Decimal, ValueRef::Int(_))
        | (FieldKind::Float | FieldKind::Decimal, ValueRef::Float(_))
        | (FieldKind::Bool, ValueRef::Bool(_))
        | (_, ValueRef::Null) => true,
        (FieldKind::Instant, ValueRef::Text(text)) => {
            parse_instant(text, now).is_some_and(|instant| instant.has_text(text))
        }
        (FieldKind::Ip, ValueRef::Text(text)) => text.parse::<IpAddr>().is_ok(),
        _ => false,
    }
}
