//! What every notifier keeps: a notice that is taken, one that is to come again, one that never will be taken.

use serde_json::json;
use vigie_domain::ports::{Notice, Notifier};
use vigie_domain::{ErrorKind, Timestamp};

/// What a place does with what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes it.
    Takes,
    /// It has no time now.
    Busy,
    /// It will never take it.
    Refuses,
}

/// A notice with everything in it that is hard to send: quotes, line ends, other scripts, lines that end an e-mail.
pub fn notice() -> Notice {
    Notice {
        id: "5f2b0c".to_owned(),
        kind: "fraud.decisions",
        at: Timestamp::from_seconds(1_795_392_000),
        subject: "Vigie: 2 paiements suspects « à bloquer »".to_owned(),
        text: "première ligne\n.\n\"deuxième\" 支払い\n".to_owned(),
        content: json!({"count": 2, "payments": [{"transaction_id": "t-1"}]}),
    }
}

/// Sends to a place in each mood.
pub async fn check_notifier(notifier: &dyn Notifier, set_mood: impl Fn(Mood)) {
    assert!(!notifier.name().is_empty());
    for (mood, expected) in [
        (Mood::Takes, None),
        (Mood::Busy, Some(ErrorKind::Unavailable)),
        (Mood::Refuses, Some(ErrorKind::Invalid)),
        // What went wrong once spoils nothing.
        (Mood::Takes, None),
    ] {
        set_mood(mood);
        let sent = notifier.send(&notice()).await;
        assert_eq!(sent.err().map(|error| error.kind), expected, "{mood:?}");
    }
}
