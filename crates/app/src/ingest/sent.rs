//! Taking in a request of a protocol with answers of its own: its sender is told what was refused.
//!
//! A request is read whole or not at all. When it is answered, every record of it is on disk or among those that are told.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use vigie_domain::{Error, Result, Scope};
use vigie_pipeline::{Assembler, BODY_BYTES_MAX, Framed, RedactionCounts, Refused, unpack_bytes};

use super::{Ingest, IngestOptions, append_all, decoded_kib, kib};

/// Whether the same bytes, received again, are the same records: then nothing of them is stored twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// They are: their sender has not had the answer.
    IsTheSame,
    /// They may be new ones.
    MayBeNew,
}

/// Puts the records of an unpacked body into an assembler; `E` are the refusals of its protocol.
pub type Read<E> = Box<dyn FnOnce(&[u8], &mut Assembler<'_>) -> Result<Repetition, E> + Send>;

/// A request of a protocol with the refusals `E`.
pub struct Sent<E> {
    /// What it came through.
    pub input: &'static str,
    /// Its body, packed with gzip, zlib or zstd, or not; anything else is for `read` to unpack.
    pub body: Bytes,
    /// Bytes that it takes unpacked, if `read` unpacks it.
    pub unpacked_bytes: Option<usize>,
    /// Refused records that are handed back; others are counted.
    pub refused_max: usize,
    /// Reads it.
    pub read: Read<E>,
}

impl<E> fmt::Debug for Sent<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").field("input", &self.input).field("size_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What became of the records of a request; the three counts add up to their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentReport {
    /// Stored now, durably.
    pub stored: u64,
    /// Stored before.
    pub deduplicated: u64,
    /// Not stored.
    pub rejected: u64,
    /// The first of those that are not stored.
    pub refused: Vec<Refused>,
    /// What was taken out of them, because it may never be stored.
    pub redactions: RedactionCounts,
}

/// What a sender is told of an event outside of the window.
const SENT_ADVICE: &str = "set its clock right, or send it to /api/logs/ingest with any_time=true to keep it";

impl Ingest {
    /// Stores the records of a request; when it returns each is durable, or counted as rejected.
    ///
    /// # Errors
    /// What `read` answers, `TooLarge` for a body that unpacks to too much, `Throttled` when too many requests wait,
    /// else what the store answers; nothing is acknowledged then, and the same request may be sent again.
    pub async fn accept_sent<E>(&self, scope: &Scope, sent: Sent<E>) -> Result<SentReport, E>
    where
        E: From<Error> + Send + 'static,
    {
        let weight_kib = sent.unpacked_bytes.map_or_else(|| decoded_kib(&sent.body), kib);
        let _way = self.way_of(sent.body.len().max(sent.unpacked_bytes.unwrap_or(0)), weight_kib).await?;
        let mut options = self.decode_options(&IngestOptions::default());
        // Who lists all keeps them as dead letters; the others tell their sender, whose protocol has no such parameter.
        let are_kept = sent.refused_max == usize::MAX;
        options.window_advice = if are_kept { super::framed::LETTER_ADVICE } else { SENT_ADVICE };
        let tenant = scope.tenant.clone();
        let read = tokio::task::spawn_blocking(move || {
            let unpacked = match sent.unpacked_bytes {
                Some(_) => std::borrow::Cow::Borrowed(&*sent.body),
                None => unpack_bytes(&sent.body, BODY_BYTES_MAX).map_err(Error::from)?,
            };
            let mut assembler = Assembler::new(&options).listing(sent.refused_max);
            let key = match (sent.read)(&unpacked, &mut assembler)? {
                Repetition::IsTheSame => Some(content_key(&tenant, sent.input, &unpacked)),
                Repetition::MayBeNew => None,
            };
            Ok::<_, E>((assembler.finish(), key))
        });
        let (framed, key) =
            read.await.map_err(|error| Error::internal(format!("reading a request stopped: {error}")))??;
        let Framed { events, refused, unlisted, redactions, .. } = framed;
        let outcome = append_all(self.store.as_ref(), scope, events, key.as_deref()).await?;
        let rejected = refused.len() as u64 + unlisted;
        Ok(SentReport { stored: outcome.stored, deduplicated: outcome.deduplicated, rejected, refused, redactions })
    }
}

/// Names the request by its content.
fn content_key(tenant: &str, input: &str, unpacked: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{tenant}\0"));
    hasher.update(unpacked);
    let digest: String = hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{input}/{digest}")
}
