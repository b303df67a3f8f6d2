//! `fingerprint` and `hash`: what stands for a value without telling it.
//!
//! SHA-256, or with a key HMAC-SHA-256 (RFC 2104), in hexadecimal. `fingerprint` makes one of several fields: as `_id` it lets
//! an event that is sent twice be stored once. `hash` replaces values in their own field.

use std::fmt::Write;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use vigie_domain::{Event, Text, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::template::plain;
use super::{Memory, Outcome, Stage};

/// Bytes of a digest that are kept unless the pipeline says otherwise; two hexadecimal digits each.
const KEPT_BYTES: u64 = 16;
const DIGEST_BYTES: u64 = 32;

/// How a digest is made.
#[derive(Clone)]
struct Maker {
    key: Option<String>,
    kept_bytes: usize,
}

/// The key stays unknown.
impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maker").field("is_keyed", &self.key.is_some()).finish_non_exhaustive()
    }
}

impl Maker {
    fn read(options: &mut Options, kept_bytes: u64) -> Result<Self, PipelineError> {
        let key = options.text("key")?;
        let kept_bytes = options.count("bytes", (4, DIGEST_BYTES), kept_bytes)? as usize;
        Ok(Self { key, kept_bytes })
    }

    fn digest<'p>(&self, parts: impl Iterator<Item = &'p [u8]>) -> Text {
        let bytes = match self.key.as_deref().map(|key| Hmac::<Sha256>::new_from_slice(key.as_bytes())) {
            Some(Ok(mut mac)) => {
                parts.for_each(|part| mac.update(part));
                mac.finalize().into_bytes()
            }
            // HMAC takes keys of any length, so only a missing key comes here.
            Some(Err(_)) | None => {
                let mut hasher = Sha256::new();
                parts.for_each(|part| hasher.update(part));
                hasher.finalize()
            }
        };
        let mut text = Text::default();
        for byte in bytes.iter().take(self.kept_bytes) {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[derive(Debug)]
struct Fingerprint {
    fields: Vec<FieldPath>,
    target: FieldPath,
    maker: Maker,
}

pub(super) fn fingerprint(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let mut fields = options.fields("fields")?;
    if fields.is_empty() {
        fields = vec![FieldPath::parse("message").map_err(|message| options.error("fields", message))?];
    }
    let target = options.field_or("target", "fingerprint")?;
    Ok(Box::new(Fingerprint { fields, target, maker: Maker::read(options, KEPT_BYTES)? }))
}

impl Stage for Fingerprint {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let mut parts = Vec::new();
        for path in &self.fields {
            let Some(value) = path.get(&event.body) else { continue };
            // Name and value are told apart, and so are "1" and 1.
            let text = serde_json::to_string(value).unwrap_or_default();
            parts.push(format!("{}\0{text}\0", path.as_str()));
        }
        if parts.is_empty() {
            return Outcome::Idle;
        }
        let digest = self.maker.digest(parts.iter().map(String::as_bytes));
        self.target.put(&mut event.body, Value::Text(digest));
        Outcome::Keep
    }
}

#[derive(Debug)]
struct Hash {
    fields: Vec<FieldPath>,
    maker: Maker,
}

pub(super) fn hash(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    Ok(Box::new(Hash { fields: options.needed_fields("fields")?, maker: Maker::read(options, DIGEST_BYTES)? }))
}

impl Stage for Hash {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        for path in &self.fields {
            if let Some(value) = path.get_mut(&mut event.body) {
                self.replace(value);
            }
        }
        Outcome::Keep
    }
}

impl Hash {
    fn replace(&self, value: &mut Value) {
        match value {
            Value::Null => {}
            Value::List(items) => items.iter_mut().for_each(|item| self.replace(item)),
            other => *other = Value::Text(self.maker.digest(std::iter::once(plain(other).as_bytes()))),
        }
    }
}
