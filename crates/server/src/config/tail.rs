//! Settings of live tails.

use serde::{Deserialize, Serialize};
use vigie_app::tail::TailBounds;

use super::ConfigError;

/// Batches that may wait at most: room for them is made at the start.
const QUEUE_BATCHES_MAX: usize = 65_536;

/// Telling events as they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailSettings {
    /// Tails open at once.
    pub connections_max: usize,
    /// Of them, those of one user.
    pub connections_per_user_max: usize,
    /// Batches that wait for the slowest tail.
    pub queue_batches_max: usize,
    /// Bytes of them.
    pub queue_bytes_max: usize,
    /// Events per second unless a tail asks for another number.
    pub rate_default: usize,
    /// Events per second that a tail may ask for.
    pub rate_max: usize,
    /// Bytes of events sent at a time.
    pub moment_bytes_max: usize,
    /// Bytes of one message of a client.
    pub request_bytes_max: usize,
    /// Seconds that a client may be silent.
    pub silence_timeout_s: u64,
}

impl TailSettings {
    /// The bounds of all tails.
    pub const fn bounds(&self) -> TailBounds {
        TailBounds {
            tails_max: self.connections_max,
            of_user_max: self.connections_per_user_max,
            batches_max: self.queue_batches_max,
            bytes_max: self.queue_bytes_max,
            rate_default: self.rate_default,
            rate_max: self.rate_max,
            moment_bytes_max: self.moment_bytes_max,
        }
    }

    /// Refuses values with which no tail could be told anything. No tails at all may be wanted.
    ///
    /// # Errors
    /// When there is one, by its name.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let positive = [
            ("queue_batches_max", self.queue_batches_max as u64),
            ("rate_default", self.rate_default as u64),
            ("moment_bytes_max", self.moment_bytes_max as u64),
            ("request_bytes_max", self.request_bytes_max as u64),
            ("silence_timeout_s", self.silence_timeout_s),
        ];
        if let Some((key, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError(format!("tail.{key} = 0 would leave live tails without events; use 1 or more")));
        }
        if self.queue_batches_max > QUEUE_BATCHES_MAX {
            let found = self.queue_batches_max;
            return Err(ConfigError(format!("tail.queue_batches_max = {found} is more than {QUEUE_BATCHES_MAX}")));
        }
        if self.rate_default > self.rate_max {
            let (default, max) = (self.rate_default, self.rate_max);
            return Err(ConfigError(format!("tail.rate_default = {default} is more than tail.rate_max = {max}")));
        }
        Ok(())
    }
}
