//! For callers that wait: payments judged at once, and what was said of them before.

use bytes::Bytes;
use vigie_domain::event_batch::{Row, ValueRef};
use vigie_domain::ports::{Hit, LogStore};
use vigie_domain::{Error, ErrorKind, Event, EventBatch, EventId, LogType, Object, Result, Scope, Value, mapping};
use vigie_pipeline::Batch;

use super::FraudDetection;
use super::currencies::is_currency;
use super::decision_event::{MADE_BY, decision_id};
use crate::ingest::{Ingest, IngestOptions};

/// What stands before the name of a payment in the id of its event.
const ID_PREFIX: &str = "payment-";
/// Payments of one request at most.
const PAYMENTS_MAX: usize = 1_000;
/// Bytes of a text of a payment at most.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Judges the payments of a body, and stores and answers what is said of them, in their order; when it returns, both are durable. A payment that was judged
/// before gets the same answer.
///
/// # Errors
/// `Malformed` for what cannot be read, `Invalid` for a payment without id or amount, with one below zero, of an unknown currency or
/// of another time than may be; then none of the body is stored.
pub async fn detect(
    detection: &FraudDetection,
    (ingest, store): (&Ingest, &dyn LogStore),
    scope: &Scope,
    body: Bytes,
) -> Result<Vec<Event>> {
    let options = IngestOptions { log_type: Some(LogType::Transaction), ..IngestOptions::default() };
    let payments = ingest.accept_if(scope, body, &options, named).await?;
    let mut decisions = Vec::with_capacity(payments.len());
    for transaction_id in payments {
        let known = detection.stored_decision(scope, &transaction_id);
        let decision = match known {
            Some(event) => Some(event),
            None => decision_of(store, scope, &decision_id(&transaction_id)).await?.map(as_event),
        };
        let decision = decision.ok_or_else(|| {
            let words = format!(
                "payment \"{transaction_id}\" was stored before payments were judged; send it under another transaction_id"
            );
            Error::new(ErrorKind::Conflict, words)
        })?;
        decisions.push(decision);
    }
    Ok(decisions)
}

impl FraudDetection {
    /// The event of the decision on a payment, if it was stored lately.
    fn stored_decision(&self, scope: &Scope, transaction_id: &str) -> Option<Event> {
        let is_judged = scope.tenant == Scope::MAIN_TENANT;
        is_judged.then(|| self.state().stored.of(transaction_id).cloned()).flatten()
    }
}

/// An event that was found.
fn as_event(hit: Hit) -> Event {
    let Hit { id, position, ingested_at, log_type, source } = hit;
    Event { id: Some(id), timestamp: position.timestamp, ingested_at, log_type, body: source }
}

/// The decision of this id, if there is one: an event of that id that is no decision is none.
///
/// # Errors
/// What the store answers.
pub async fn decision_of(store: &dyn LogStore, scope: &Scope, id: &EventId) -> Result<Option<Hit>> {
    let found = store.get(scope, id).await?;
    Ok(found.filter(|hit| hit.log_type == LogType::Fraud && has(&hit.source, "service", MADE_BY)))
}

fn has(body: &Object, name: &str, text: &str) -> bool {
    body.iter().any(|(known, value)| known == name && value.as_text() == Some(text))
}

/// The payments of a batch, which get ids of their own: one that is sent again within a day is stored once.
fn named(batch: &mut Batch) -> Result<Vec<String>> {
    let payments = checked(batch)?;
    let mut events = EventBatch::default();
    for (mut event, payment) in batch.events.events().zip(&payments) {
        event.id.get_or_insert_with(|| EventId(format!("{ID_PREFIX}{payment}")));
        events.push(&event);
    }
    batch.events = events;
    Ok(payments)
}

/// The payments of a batch, each of which can be judged.
fn checked(batch: &Batch) -> Result<Vec<String>> {
    if let Some(reject) = batch.rejects.first() {
        return Err(Error::invalid(format!("payment {}: {}", reject.line, reject.reason)));
    }
    if batch.events.len() > PAYMENTS_MAX {
        let count = batch.events.len();
        return Err(Error::invalid(format!("{count} payments: send at most {PAYMENTS_MAX} at once")));
    }
    if batch.events.is_empty() {
        return Err(Error::invalid("there is no payment; send a JSON object or a JSON array of them"));
    }
    let numbered = batch.events.rows().enumerate();
    numbered.map(|(place, row)| checked_row(&row).map_err(|words| wrong(place, &words))).collect()
}

fn wrong(place: usize, (field, words): &(&'static str, String)) -> Error {
    Error::invalid_field(*field, format!("payment {}: {words}", place + 1))
}

/// The name of a payment that can be judged, or the field that is wrong and what to do.
fn checked_row(row: &Row<'_>) -> Result<String, (&'static str, String)> {
    let (mut name, mut amount) = (None, None);
    for (leaf, value) in row.layout().leaves().iter().zip(row.values()) {
        let path = leaf.path();
        if let ValueRef::Text(text) = value
            && text.len() > TEXT_BYTES_MAX
        {
            let words = format!("\"{path}\" has {} bytes: send at most {TEXT_BYTES_MAX}", text.len());
            return Err(("", words));
        }
        match mapping::canonical(&path) {
            "transaction_id" => name = text_of(value),
            "amount" => amount = Some(checked_amount(&value)?),
            "currency" => check_currency(&value)?,
            _ => {}
        }
    }
    amount.ok_or_else(|| ("amount", "\"amount\" is missing: send what is paid, as a number".to_owned()))?;
    let missing =
        || ("transaction_id", "\"transaction_id\" is missing: name the payment, so that it is judged once".to_owned());
    name.filter(|name| !name.is_empty()).ok_or_else(missing)
}

fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value.into_value() {
        Value::Text(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::BigNumber(digits) => Some(digits),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Object(_) => None,
    }
}

fn checked_amount(value: &ValueRef<'_>) -> Result<f64, (&'static str, String)> {
    let amount = match value {
        ValueRef::Int(number) => Some(*number as f64),
        ValueRef::Float(number) => Some(*number),
        ValueRef::Text(text) => text.parse().ok(),
        ValueRef::Null | ValueRef::Bool(_) | ValueRef::OwnTime(_) | ValueRef::OwnType(_) | ValueRef::Tree(_) => None,
    };
    match amount.filter(|amount| vigie_domain::fraud::features::Amount::from_units(*amount).is_some()) {
        None => Err(("amount", "\"amount\" is no number that money comes in: send such as 12.50".to_owned())),
        Some(amount) if amount < 0.0 => {
            let words =
                format!("\"amount\" is {amount}: send a refund as a positive amount with transaction_type \"refund\"");
            Err(("amount", words))
        }
        Some(amount) => Ok(amount),
    }
}

fn check_currency(value: &ValueRef<'_>) -> Result<(), (&'static str, String)> {
    match value {
        ValueRef::Text(code) if is_currency(code) => Ok(()),
        ValueRef::Text(code) => {
            Err(("currency", format!("\"{code}\" is no currency: send a code of ISO 4217 such as EUR")))
        }
        _ => Err(("currency", "\"currency\" is no text: send a code of ISO 4217 such as EUR".to_owned())),
    }
}
