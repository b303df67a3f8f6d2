//! What a caller may say about the bytes that they give.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use vigie_domain::{LogType, TimeRange, Timestamp};

use crate::format::Format;
use crate::redact::Redactor;
use crate::stages::Pipeline;

/// Bytes of a record unless the caller says otherwise.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// What the sender of an event outside of the window is told to do.
const WINDOW_ADVICE: &str = "send any_time=true to keep it";

/// How to decode.
#[derive(Clone, Debug)]
pub struct DecodeOptions {
    /// When the bytes arrived: the time of events without one, and the year of dates without one.
    pub received_at: Timestamp,
    /// Every event is of this type, whatever it says itself.
    pub log_type: Option<LogType>,
    /// Top-level names as they are sent, and the names that they get instead.
    pub rename: Vec<(String, String)>,
    /// The field that holds the event's own time, after renaming.
    pub time_field: Option<String>,
    /// The format; found by content when absent.
    pub format: Option<Format>,
    /// Events outside are rejected; `None` accepts any time.
    pub window: Option<TimeRange>,
    /// What to do about an event outside, in words for whoever reads why it is refused.
    pub window_advice: &'static str,
    /// Bytes of one record; larger ones are rejected.
    pub record_bytes_max: usize,
    /// Takes out what may never be stored.
    pub redactor: Arc<Redactor>,
    /// What becomes of events before they are stored; `None` leaves them as they are.
    pub pipeline: Option<Arc<Pipeline>>,
    /// Indices that somebody made: what bulk requests send to them may be of any time.
    pub made_indices: Arc<MadeIndices>,
    /// Whether bulk requests may name nothing but aliases, unless an item says otherwise.
    pub require_alias: bool,
}

/// Indices that somebody made before anything was sent to them, and the names that stand for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeIndices {
    /// The index that is written to under each name; `None` when it stands for several.
    places: HashMap<String, Option<Arc<str>>>,
    /// Those whose senders give no ids.
    without_ids: HashSet<String>,
}

/// Where what is sent to a name goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SentTo {
    /// The index that was made.
    Made(Arc<str>),
    /// Nowhere: the alias stands for several indices and none of them is the one to write to.
    Several,
    /// Nobody made it.
    Named(Arc<str>),
}

impl MadeIndices {
    /// Adds a name and the index that is written to under it; `None` when it stands for several.
    pub fn add(&mut self, name: &str, written_to: Option<&str>) {
        self.places.insert(name.to_owned(), written_to.map(Arc::from));
    }

    /// Refuses ids that senders give what they send to this index.
    pub fn take_no_ids(&mut self, index: &str) {
        self.without_ids.insert(index.to_owned());
    }

    /// Whether what is sent to this index may have an id.
    pub(crate) fn takes_ids(&self, index: &str) -> bool {
        !self.without_ids.contains(index)
    }

    /// Where what is sent to the name goes.
    pub(crate) fn place(&self, name: &Arc<str>) -> SentTo {
        match self.places.get(&**name) {
            None => SentTo::Named(Arc::clone(name)),
            Some(None) => SentTo::Several,
            Some(Some(index)) => SentTo::Made(Arc::clone(index)),
        }
    }
}

impl DecodeOptions {
    /// Nothing said but when the bytes arrived: everything is found by content, any time is accepted.
    pub fn new(received_at: Timestamp, redactor: Arc<Redactor>) -> Self {
        Self {
            received_at,
            log_type: None,
            rename: Vec::new(),
            time_field: None,
            format: None,
            window: None,
            window_advice: WINDOW_ADVICE,
            record_bytes_max: RECORD_BYTES_MAX,
            redactor,
            pipeline: None,
            made_indices: Arc::default(),
            require_alias: false,
        }
    }
}
