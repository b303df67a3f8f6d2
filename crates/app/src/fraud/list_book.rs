//! Lists as people keep them: stored beside the logs, in force at once.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::{Document, FindRequest, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result, Scope, Timestamp};
use vigie_fraud::lists::{ListEntry, ListKind, Lists};
use vigie_fraud::rules::Effect;
use vigie_pipeline::Redactor;

use super::FraudDetection;
use crate::Clock;
use crate::accounts::{Caller, random_id};
use crate::listing::{ListRequest, Listed};
use crate::records::{encoded, of_main_tenant, record_of};

/// Where entries are kept.
const LISTS: &str = "fraud_lists";
/// Entries at most.
const ENTRIES_MAX: usize = 10_000;
/// Entries read at once.
const PAGE_ENTRIES: usize = 500;
/// Bytes of a note at most.
const NOTE_BYTES_MAX: usize = 1_000;
/// What no two entries share.
const UNIQUE_NAME: &str = "names";

/// What somebody wants to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDraft {
    /// What is named.
    pub kind: ListKind,
    /// Which, as it was typed.
    pub value: String,
    /// What is done.
    pub effect: Effect,
    /// Why.
    pub note: Option<String>,
    /// From when on it counts no more.
    pub expires_at: Option<Timestamp>,
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuestion {
    /// Of this kind alone.
    pub kind: Option<ListKind>,
    /// With this effect alone.
    pub effect: Option<Effect>,
    /// With this text in value or note, in any case.
    pub text: Option<String>,
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    tenant: String,
    /// Kind and value in one, which no two entries share.
    names: String,
    entry: ListEntry,
    note: Option<String>,
    added_by: String,
    added_at: Timestamp,
}

/// An entry, and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEntry {
    /// Names it.
    pub id: String,
    /// What is listed.
    pub entry: ListEntry,
    /// Why.
    pub note: Option<String>,
    /// Who listed it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// Payments that it named since Vigie started.
    pub hit_count: u64,
}

/// Lists as people keep them.
pub struct ListBook {
    metadata: Arc<dyn MetadataStore>,
    detection: Arc<FraudDetection>,
    redactor: Arc<Redactor>,
    clock: Clock,
    /// One change at a time: what is in force is all that is kept.
    changing: tokio::sync::Mutex<()>,
}

impl ListBook {
    /// Of this detection, kept there.
    pub fn new(
        metadata: Arc<dyn MetadataStore>,
        detection: Arc<FraudDetection>,
        redactor: Arc<Redactor>,
        clock: Clock,
    ) -> Self {
        Self { metadata, detection, redactor, clock, changing: tokio::sync::Mutex::default() }
    }

    /// A page of entries, the latest first.
    ///
    /// # Errors
    /// As [`ListRequest`] for the page, else what the store answers.
    pub async fn list(&self, asked: &ListQuestion, list: &ListRequest) -> Result<Listed<KeptEntry>> {
        let mut entries = self.all().await?;
        entries.retain(|kept| asked.is_met_by(kept));
        list.page(entries, true, |kept| (kept.added_at, kept.id.clone()))
    }

    /// Entries that name exactly this.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn naming(&self, kind: ListKind, value: &str) -> Result<Vec<KeptEntry>> {
        let mut entries = self.all().await?;
        entries.retain(|kept| kept.entry.kind == kind && kept.entry.value == value);
        Ok(entries)
    }

    /// One entry.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub async fn get(&self, id: &str) -> Result<KeptEntry> {
        let missing = || Error::not_found(format!("there is no entry \"{id}\" of lists"));
        let document = self.metadata.get(LISTS, id).await?.ok_or_else(missing)?;
        read(document, &self.detection.list_hits())
    }

    /// Lists something; it is in force when this returns.
    ///
    /// # Errors
    /// `Invalid` when the value is none of its kind, may never be stored, or would never count; `Conflict` when it is listed, or lists
    /// are full.
    pub async fn add(&self, caller: &Caller, draft: ListDraft) -> Result<KeptEntry> {
        let kept = self.checked(caller, draft)?;
        let _one_at_a_time = self.changing.lock().await;
        if self.metadata.count(LISTS, &[of_main_tenant()]).await? >= ENTRIES_MAX as u64 {
            let words = format!("lists have {ENTRIES_MAX} entries, as many as there may be; take some off first");
            return Err(Error::new(ErrorKind::Conflict, words));
        }
        let inserted = self.metadata.insert(LISTS, &random_id()?, encoded(&kept)?, &[UNIQUE_NAME]).await;
        let document = inserted.map_err(|error| match error.kind {
            ErrorKind::Conflict => {
                let words = format!(
                    "{} \"{}\" is on a list already; take it off first",
                    kept.entry.kind.as_str(),
                    kept.entry.value
                );
                Error::new(ErrorKind::Conflict, words)
            }
            _ => error,
        })?;
        self.detection.recall_lists(self.metadata.as_ref()).await?;
        read(document, &HashMap::new())
    }

    /// Takes an entry off its list.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub async fn remove(&self, id: &str) -> Result<KeptEntry> {
        let _one_at_a_time = self.changing.lock().await;
        let kept = self.get(id).await?;
        self.metadata.delete(LISTS, id).await?;
        self.detection.recall_lists(self.metadata.as_ref()).await?;
        Ok(kept)
    }

    fn checked(&self, caller: &Caller, draft: ListDraft) -> Result<Kept> {
        let ListDraft { kind, value, effect, note, expires_at } = draft;
        let now = (self.clock)();
        let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        if let Some(note) = note.as_ref().filter(|note| note.len() > NOTE_BYTES_MAX) {
            let words = format!("a note has {NOTE_BYTES_MAX} bytes at most; this one has {}", note.len());
            return Err(Error::invalid_field("note", words));
        }
        for (field, text) in [("value", Some(&value)), ("note", note.as_ref())] {
            if text.is_some_and(|text| self.redactor.finds_secret(text)) {
                let words = format!(
                    "\"{field}\" holds a card number or another secret, which is never kept: send the hash that events have"
                );
                return Err(Error::invalid_field(field, words));
            }
        }
        if expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(Error::invalid_field("expires_at", "\"expires_at\" is past: send a time that is to come"));
        }
        let entry = ListEntry::new(kind, &value, effect, expires_at)
            .map_err(|error| Error::invalid_field("value", error.to_string()))?;
        Ok(Kept {
            tenant: Scope::MAIN_TENANT.to_owned(),
            names: names(entry.kind, &entry.value),
            entry,
            note,
            added_by: caller.username.clone(),
            added_at: now,
        })
    }

    async fn all(&self) -> Result<Vec<KeptEntry>> {
        let hits = self.detection.list_hits();
        let documents = all(self.metadata.as_ref()).await?;
        let mut entries = documents.into_iter().map(|document| read(document, &hits)).collect::<Result<Vec<_>>>()?;
        entries.sort_by(|left, right| (right.added_at, &right.id).cmp(&(left.added_at, &left.id)));
        Ok(entries)
    }
}

impl ListQuestion {
    fn is_met_by(&self, kept: &KeptEntry) -> bool {
        let has_text = |text: &String| {
            let text = text.to_lowercase();
            let texts = [Some(&kept.entry.value), kept.note.as_ref()];
            texts.into_iter().flatten().any(|known| known.to_lowercase().contains(&text))
        };
        self.kind.is_none_or(|kind| kept.entry.kind == kind)
            && self.effect.is_none_or(|effect| kept.entry.effect == effect)
            && self.text.as_ref().is_none_or(has_text)
    }
}

impl FraudDetection {
    /// Puts the lists in force that people keep.
    pub(super) async fn recall_lists(&self, metadata: &dyn MetadataStore) -> Result<()> {
        let kept = all(metadata).await?.into_iter().map(|document| record_of::<Kept>(LISTS, document));
        let entries = kept.map(|kept| kept.map(|kept| kept.entry)).collect::<Result<Vec<_>>>()?;
        self.state().scorer.set_lists(Arc::new(Lists::new(entries)));
        Ok(())
    }

    fn list_hits(&self) -> HashMap<String, u64> {
        self.state().list_hits.clone()
    }
}

/// Kind and value in one text.
pub(super) fn names(kind: ListKind, value: &str) -> String {
    format!("{}:{value}", kind.as_str())
}

async fn all(metadata: &dyn MetadataStore) -> Result<Vec<Document>> {
    let mut request = FindRequest { filters: vec![of_main_tenant()], limit: PAGE_ENTRIES, after: None };
    let mut documents = Vec::new();
    loop {
        let found = metadata.find(LISTS, &request).await?;
        let Some(last) = found.last() else { return Ok(documents) };
        request.after = Some(last.id.clone());
        documents.extend(found);
    }
}

fn read(document: Document, hits: &HashMap<String, u64>) -> Result<KeptEntry> {
    let id = document.id.clone();
    let Kept { names, entry, note, added_by, added_at, .. } = record_of(LISTS, document)?;
    let hit_count = hits.get(&names).copied().unwrap_or_default();
    Ok(KeptEntry { id, entry, note, added_by, added_at, hit_count })
}
