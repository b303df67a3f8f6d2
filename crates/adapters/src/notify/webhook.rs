//! Notices as signed HTTP requests: Standard Webhooks 1.0 (id, time and HMAC-SHA256 in headers), so that receivers can use what they have.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use vigie_domain::ports::{Notice, Notifier};
use vigie_domain::{Error, ErrorKind, Result};

/// How long a receiver may take, with connecting.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What secrets begin with, in the standard's spelling.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret at least.
const SECRET_BYTES_MIN: usize = 24;

/// Sends notices to a URL.
pub struct WebhookNotifier {
    url: String,
    secret: Vec<u8>,
    agent: ureq::Agent,
}

impl WebhookNotifier {
    /// To this URL, signed with a secret of at least 24 bytes: base64, with or without `whsec_` before it.
    ///
    /// # Errors
    /// `Invalid` when the URL is none of http or https, or the secret is none.
    pub fn new(url: &str, secret: &str) -> Result<Self> {
        if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(Error::invalid("a webhook needs a URL that begins with https:// or http://"));
        }
        let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
        let secret = STANDARD.decode(encoded).ok().filter(|bytes| bytes.len() >= SECRET_BYTES_MIN);
        let secret = secret.ok_or_else(|| {
            let words = format!("the secret of a webhook is {SECRET_BYTES_MIN} bytes or more as base64: make one with \"openssl rand -base64 32\"");
            Error::invalid(words)
        })?;
        let config = ureq::Agent::config_builder();
        // A receiver that moved is to be set anew: what is signed for one place is not sent to another.
        let config = config.timeout_global(Some(TIMEOUT)).max_redirects(0).http_status_as_error(false).build();
        Ok(Self { url: url.to_owned(), secret, agent: config.into() })
    }

    fn signature(&self, id: &str, second: i64, body: &str) -> Result<String> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).map_err(|error| Error::internal(error.to_string()))?;
        mac.update(format!("{id}.{second}.{body}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    fn name(&self) -> &str {
        "webhook"
    }

    async fn send(&self, notice: &Notice) -> Result<()> {
        let body = json!({
            "type": notice.kind,
            "timestamp": notice.at.to_string(),
            "data": {"subject": notice.subject, "text": notice.text, "content": notice.content},
        });
        let body = body.to_string();
        let second = notice.at.as_nanos().div_euclid(1_000_000_000);
        let request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", second.to_string())
            .header("webhook-signature", self.signature(&notice.id, second, &body)?);
        let sending = tokio::task::spawn_blocking(move || request.send(body));
        let answered = sending.await.map_err(|error| Error::internal(format!("a webhook stopped: {error}")))?;
        // The URL may hold a token; it is named by nobody.
        let answer = answered
            .map_err(|error| Error::new(ErrorKind::Unavailable, format!("the webhook cannot be reached: {error}")))?;
        judged(answer.status().as_u16(), retry_after_s(&answer))
    }
}

fn retry_after_s(answer: &ureq::http::Response<ureq::Body>) -> Option<u64> {
    answer.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()
}

/// What an answer says: taken, later, or never.
fn judged(status: u16, retry_after_s: Option<u64>) -> Result<()> {
    let words = format!("the webhook answered {status}");
    match status {
        200..=299 => Ok(()),
        429 => Err(Error::new(ErrorKind::Throttled, words).with_retry_after_s(retry_after_s.unwrap_or(60))),
        408 | 425 | 500..=599 => Err(Error::new(ErrorKind::Unavailable, words)),
        _ => Err(Error::invalid(words)),
    }
}
