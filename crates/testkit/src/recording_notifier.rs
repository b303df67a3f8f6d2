//! A notifier that keeps what it is sent.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use vigie_domain::ports::{Notice, Notifier};
use vigie_domain::{Error, ErrorKind, Result};

use crate::notifier_suite::Mood;

/// Keeps what it takes.
pub struct RecordingNotifier {
    state: Mutex<(Mood, Vec<Notice>)>,
}

impl Default for RecordingNotifier {
    fn default() -> Self {
        Self { state: Mutex::new((Mood::Takes, Vec::new())) }
    }
}

impl RecordingNotifier {
    /// What it does from now on.
    pub fn set_mood(&self, mood: Mood) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = mood;
    }

    /// What it took, the oldest first.
    pub fn taken(&self) -> Vec<Notice> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

#[async_trait]
impl Notifier for RecordingNotifier {
    fn name(&self) -> &str {
        "recording"
    }

    async fn send(&self, notice: &Notice) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.0 {
            Mood::Takes => {
                state.1.push(notice.clone());
                Ok(())
            }
            Mood::Busy => Err(Error::new(ErrorKind::Unavailable, "no time now")),
            Mood::Refuses => Err(Error::invalid("never")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifier_suite::{check_notifier, notice};

    #[tokio::test]
    async fn it_does_what_places_do() {
        let notifier = RecordingNotifier::default();
        check_notifier(&notifier, |mood| notifier.set_mood(mood)).await;
        assert_eq!(notifier.taken(), [notice(), notice()]);
    }
}
