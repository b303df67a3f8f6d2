//! Telling people of suspicious payments.
//!
//! What was told is kept per place, and what was not is looked up in the logs: an alert is neither lost by a stop nor by a place that is
//! down, and comes again only when it is not known whether it was taken. Many at once are one notice.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use vigie_domain::ports::{
    Fields, Hit, LogStore, MetadataStore, Notice, Notifier, SearchRequest, Selection, SortOrder,
};
use vigie_domain::query::{Query, parse};
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use vigie_domain::{Error, Object, Result, Scope, TimeRange, Timestamp, Value};
use vigie_fraud::rules::Decision;

use super::numbers::decisions;
use crate::Clock;
use crate::records::{encoded, record_of};

/// Where it is kept what was told; the id of one is the name of its place.
const TOLD: &str = "fraud_alerts_told";
/// What a notice is about.
const KIND: &str = "fraud.decisions";
/// What was accepted this long before the last alert may be stored only now.
const UNDER_WAY_NANOS_MAX: i64 = 900 * NANOS_PER_SECOND;
/// Payments that were made so long before they could be told are not: they come from files, not from the shop.
const PAYMENT_AGE_NANOS_MAX: i64 = NANOS_PER_DAY;
/// Payments of one notice at most; the rest is in the next.
const PAYMENTS_MAX: usize = 1_000;
/// Payments that a notice tells people of; programs get more.
const LINES_MAX: usize = 20;
/// Payments that a notice tells programs of.
const CONTENT_MAX: usize = 200;

/// What is told.
#[derive(Clone, Debug)]
pub struct AlertSettings {
    /// Only payments with this decision or a harder one.
    pub least: Decision,
    /// Where the UI is, to link to cases.
    pub public_url: String,
}

/// What a place was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// Of what was accepted before, nothing is told.
    from: Timestamp,
    /// Everything accepted before was told, but for what was under way then.
    until: Timestamp,
    /// Decisions that were told and are not older than what may be under way, with when they were accepted.
    ids: Vec<(Timestamp, String)>,
}

/// Tells people of suspicious payments.
pub struct FraudAlerts {
    logs: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
    notifiers: Vec<Arc<dyn Notifier>>,
    settings: AlertSettings,
    clock: Clock,
}

impl FraudAlerts {
    /// Of payments in this store, at these places.
    pub fn new(
        (logs, metadata): (Arc<dyn LogStore>, Arc<dyn MetadataStore>),
        notifiers: Vec<Arc<dyn Notifier>>,
        settings: AlertSettings,
        clock: Clock,
    ) -> Self {
        Self { logs, metadata, notifiers, settings, clock }
    }

    /// Tells every place what it was not told yet; the number of payments told. A place that takes nothing now is tried again by the next
    /// call, and does not keep the others waiting. Of what was there before a place was first told, nothing is.
    pub async fn tell(&self) -> usize {
        let mut told_count = 0;
        for notifier in &self.notifiers {
            match self.tell_one(notifier.as_ref()).await {
                Ok(count) => told_count += count,
                Err(error) => {
                    tracing::warn!(place = notifier.name(), %error, "suspicious payments could not be told; they will be again");
                }
            }
        }
        told_count
    }

    async fn tell_one(&self, notifier: &dyn Notifier) -> Result<usize> {
        let now = (self.clock)();
        let Some(document) = self.metadata.get(TOLD, notifier.name()).await? else {
            let begun = Told { from: now, until: now, ids: Vec::new() };
            self.metadata.insert(TOLD, notifier.name(), encoded(&begun)?, &[]).await?;
            return Ok(0);
        };
        let revision = document.revision;
        let Told { from, until, ids: told } = record_of(TOLD, document)?;
        let since = until.saturating_add_nanos(-UNDER_WAY_NANOS_MAX).max(from);
        let known: HashSet<&str> = told.iter().map(|(_, id)| id.as_str()).collect();
        let (fresh, is_all) = self.fresh(since, &known).await?;
        if fresh.is_empty() {
            return Ok(0);
        }
        notifier.send(&self.notice(&fresh, now)).await?;
        // What did not fit may have been accepted before what did.
        let newest = fresh.iter().map(|hit| hit.ingested_at).max().filter(|_| is_all);
        let until = newest.unwrap_or(until).max(until);
        let oldest = until.saturating_add_nanos(-UNDER_WAY_NANOS_MAX);
        let mut ids: Vec<(Timestamp, String)> = told.into_iter().filter(|(at, _)| *at >= oldest).collect();
        ids.extend(fresh.iter().map(|hit| (hit.ingested_at, hit.id.0.clone())));
        let told = encoded(&Told { from, until, ids })?;
        self.metadata.replace(TOLD, notifier.name(), revision, told).await?;
        Ok(fresh.len())
    }

    /// Decisions accepted since then that nobody was told, the oldest payment first, and whether that is all: a notice holds so many.
    async fn fresh(&self, since: Timestamp, known: &HashSet<&str>) -> Result<(Vec<Hit>, bool)> {
        let least = match self.settings.least {
            Decision::Allow | Decision::Review => Query::equals("fraud_detected", "true"),
            Decision::Block => Query::equals("decision", Decision::Block.as_str()),
        };
        let accepted = parse(&format!("_ingested_at >= \"{since}\""))
            .map_err(|error| Error::internal(format!("the query of alerts: {error}")))?;
        let from = since.saturating_add_nanos(-PAYMENT_AGE_NANOS_MAX);
        let mut request = SearchRequest {
            selection: Selection {
                query: decisions()?.and(least).and(accepted),
                range: TimeRange { from, to: Timestamp::MAX },
            },
            order: SortOrder::OldestFirst,
            after: None,
            skip: 0,
            limit: PAYMENTS_MAX,
            count_total: false,
            fields: Fields::All,
        };
        let mut fresh = Vec::new();
        loop {
            let hits = self.logs.search(&Scope::main(), &request).await?.hits;
            let Some(last) = hits.last() else { return Ok((fresh, true)) };
            request.after = Some(last.position);
            for hit in hits.into_iter().filter(|hit| !known.contains(hit.id.0.as_str())) {
                if fresh.len() >= PAYMENTS_MAX {
                    return Ok((fresh, false));
                }
                fresh.push(hit);
            }
        }
    }

    fn notice(&self, fresh: &[Hit], now: Timestamp) -> Notice {
        let mut digest = Sha256::new();
        fresh.iter().for_each(|hit| digest.update(format!("{}\n", hit.id.0)));
        let id: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let mut worst: Vec<&Hit> = fresh.iter().collect();
        worst.sort_by_key(|hit| std::cmp::Reverse(score(&hit.source)));
        let blocked =
            fresh.iter().filter(|hit| text(&hit.source, "decision") == Some(Decision::Block.as_str())).count();
        let subject = match fresh.len() {
            1 => format!("Vigie: a suspicious payment, {blocked} to block"),
            count => format!("Vigie: {count} suspicious payments, {blocked} to block"),
        };
        let mut lines: Vec<String> = worst.iter().take(LINES_MAX).map(|hit| self.line(hit)).collect();
        if worst.len() > LINES_MAX {
            lines.push(format!("… and {} more: {}/fraud", worst.len() - LINES_MAX, self.settings.public_url));
        }
        let payments: Vec<Json> = worst.iter().take(CONTENT_MAX).map(|hit| self.content(hit)).collect();
        Notice {
            id,
            kind: KIND,
            at: now,
            subject,
            text: lines.join("\n"),
            content: json!({"count": fresh.len(), "payments": payments}),
        }
    }

    fn line(&self, hit: &Hit) -> String {
        let body = &hit.source;
        let message = text(body, "message").unwrap_or_default();
        format!("{message}\n  {}", self.link(hit))
    }

    fn link(&self, hit: &Hit) -> String {
        format!("{}/fraud?case={}", self.settings.public_url, hit.id.0)
    }

    fn content(&self, hit: &Hit) -> Json {
        let of = |name: &str| text(&hit.source, name);
        json!({
            "decision_id": hit.id.0, "transaction_id": of("transaction_id"), "at": hit.position.timestamp.to_string(),
            "decision": of("decision"), "fraud_score": score(&hit.source), "currency": of("currency"),
            "amount": field(&hit.source, "amount"), "user_id": of("user_id"), "rules": field(&hit.source, "rules"),
            "url": self.link(hit),
        })
    }
}

fn field<'a>(body: &'a Object, name: &str) -> Option<&'a Value> {
    body.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn text<'a>(body: &'a Object, name: &str) -> Option<&'a str> {
    field(body, name).and_then(Value::as_text)
}

fn score(body: &Object) -> i64 {
    match field(body, "fraud_score") {
        Some(Value::Int(score)) => *score,
        _ => 0,
    }
}
