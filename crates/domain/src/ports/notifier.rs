//! Telling people outside of Vigie.

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::{Result, Timestamp};

/// What somebody is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Tells it from others: the same when it is sent again, so that receivers can leave out what they know.
    pub id: String,
    /// What it is about, such as `fraud.decisions`.
    pub kind: &'static str,
    /// When it was written.
    pub at: Timestamp,
    /// One line.
    pub subject: String,
    /// What people read.
    pub text: String,
    /// The same for programs.
    pub content: Json,
}

/// Sends notices to one place.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// What it is called in logs and by what it remembers; no two of a server have the same.
    fn name(&self) -> &str;

    /// Sends a notice; when this returns, the place has taken it.
    ///
    /// # Errors
    /// `Unavailable` when it may be taken later, `Throttled` with when, `Invalid` when it will never be.
    async fn send(&self, notice: &Notice) -> Result<()>;
}
