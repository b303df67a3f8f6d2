//! Inputs and dead letters, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::dead_letters::{DeadLetter, Selection};
use vigie_app::ingest::ReplayReport;
use vigie_app::listing::Listed;
use vigie_domain::{Error, Result};
use vigie_inputs::{CountedSource, InputState};

/// Senders listed per input.
const LISTED_SOURCES_MAX: usize = 20;

/// Every input that is turned on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inputs)]
pub struct InputsView {
    /// One each.
    pub inputs: Vec<InputView>,
    /// What is kept of what they could not store.
    pub dead_letters: DeadLetterNumbersView,
}

/// One way in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Input)]
pub struct InputView {
    /// Its name; its settings are in the section `input_<name>`.
    #[schema(example = "tcp")]
    pub name: &'static str,
    /// Where it listens, or is to listen, or the server that it reads from; null for an input without a socket.
    #[schema(example = "127.0.0.1:5000")]
    pub address: Option<String>,
    /// Whether its connections are encrypted.
    pub tls: bool,
    /// `running`, or `waiting` while it cannot have its address or reach its server.
    pub state: &'static str,
    /// Records per second over the last ten seconds.
    pub rate_per_s: f64,
    /// Bytes received since the start, unpacked.
    pub bytes: u64,
    /// Records received since the start; the sum of the six that follow.
    pub received: u64,
    /// Of them, stored as events.
    pub stored: u64,
    /// Of them, stored before.
    pub deduplicated: u64,
    /// Of them, kept as dead letters.
    pub dead_lettered: u64,
    /// Of them, let go by the pipeline, as it says.
    pub dropped: u64,
    /// Of them, refused, and their sender told so.
    pub refused: u64,
    /// Of them, those of which nothing is known: a bug when it is not 0.
    pub unaccounted: u64,
    /// Connections open now.
    pub connections: u64,
    /// Connections since the start.
    pub connections_total: u64,
    /// Datagrams that the system threw away because they were not fetched in time.
    pub lost_datagrams: u64,
    /// Connections that were cut off, by reason.
    pub cuts: BTreeMap<&'static str, u64>,
    /// What went wrong last; null when nothing has.
    pub last_error: Option<String>,
    /// When that was.
    #[schema(format = DateTime)]
    pub last_error_at: Option<String>,
    /// The busiest senders.
    pub sources: Vec<SourceView>,
}

/// A sender.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InputSource)]
pub struct SourceView {
    /// Its address.
    pub address: String,
    /// Its records.
    pub events: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// When it last sent.
    #[schema(format = DateTime)]
    pub last_seen_at: String,
}

/// How much is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterNumbers)]
pub struct DeadLetterNumbersView {
    /// Letters.
    pub count: u64,
    /// Bytes of them on disk.
    pub size_bytes: u64,
    /// Letters that had to go since the start because the folder was full.
    pub dropped: u64,
}

impl InputView {
    /// How one input fares.
    pub fn of(state: InputState) -> Self {
        let unaccounted = state.numbers.unaccounted();
        let numbers = state.numbers;
        let is_running = match &state.server {
            Some(_) => numbers.connections > 0,
            None => numbers.listens_at.is_some() || state.address.is_none(),
        };
        let (last_error_at, last_error) = numbers.last_error.map(|(at, words)| (at.to_string(), words)).unzip();
        Self {
            name: state.name,
            address: state.address.map(|address| address.to_string()).or(state.server),
            tls: state.has_tls,
            state: if is_running { "running" } else { "waiting" },
            rate_per_s: numbers.rate_per_s,
            bytes: numbers.bytes,
            received: numbers.received,
            stored: numbers.stored,
            deduplicated: numbers.deduplicated,
            dead_lettered: numbers.dead_lettered,
            dropped: numbers.dropped,
            refused: numbers.refused,
            unaccounted,
            connections: numbers.connections,
            connections_total: numbers.connections_total,
            lost_datagrams: numbers.lost_datagrams,
            cuts: numbers.cuts.into_iter().map(|(reason, count)| (reason.as_str(), count)).collect(),
            last_error,
            last_error_at,
            sources: numbers.sources.into_iter().take(LISTED_SOURCES_MAX).map(SourceView::from).collect(),
        }
    }
}

impl From<CountedSource> for SourceView {
    fn from(source: CountedSource) -> Self {
        let CountedSource { address, events, bytes, last_seen_at } = source;
        Self { address: address.to_string(), events, bytes, last_seen_at: last_seen_at.to_string() }
    }
}

/// A page of dead letters.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetters)]
pub struct DeadLettersView {
    /// The letters, latest first.
    pub dead_letters: Vec<DeadLetterView>,
    /// How many there are in all.
    pub total: u64,
    /// For `cursor` of the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A record that was not stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterView {
    /// Its id.
    pub id: String,
    /// When it arrived.
    #[schema(format = DateTime)]
    pub at: String,
    /// The input that it came through.
    pub input: String,
    /// Who sent it, if that is known.
    pub sender: Option<String>,
    /// Why it was not stored, and what to do.
    pub reason: String,
    /// What was sent; null when it is no text.
    pub raw: Option<String>,
    /// What was sent, in base64, when it is no text.
    pub raw_base64: Option<String>,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { id, at, input, sender, reason, raw, raw_base64 } = letter;
        Self { id, at: at.to_string(), input, sender: sender.map(|sender| sender.to_string()), reason, raw, raw_base64 }
    }
}

impl From<Listed<DeadLetter>> for DeadLettersView {
    fn from(listed: Listed<DeadLetter>) -> Self {
        Self {
            dead_letters: listed.entries.into_iter().map(DeadLetterView::from).collect(),
            total: listed.total,
            next_cursor: listed.next_cursor,
        }
    }
}

/// Which letters: `{"ids": ["…"]}` or `{"all": true}`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LettersRequest {
    /// Those with these ids.
    pub ids: Vec<String>,
    /// All of them.
    pub all: bool,
}

impl LettersRequest {
    /// The letters that are meant.
    ///
    /// # Errors
    /// `Invalid` when none are named, or all and some.
    pub fn selection(self) -> Result<Selection> {
        match (self.all, self.ids.is_empty()) {
            (true, true) => Ok(Selection::All),
            (false, false) => Ok(Selection::Ids(self.ids)),
            (true, false) => {
                Err(Error::invalid_field("ids", "\"ids\" and \"all\" exclude each other; send one of them"))
            }
            (false, true) => {
                Err(Error::invalid_field("ids", "no letter is named; send \"ids\", or \"all\": true for every one"))
            }
        }
    }
}

/// What became of letters that were to be stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayedLetters)]
pub struct ReplayView {
    /// Stored, so that they are no letters any more.
    pub stored: u64,
    /// Refused again; they stay.
    pub refused: u64,
}

impl From<ReplayReport> for ReplayView {
    fn from(report: ReplayReport) -> Self {
        Self { stored: report.stored, refused: report.refused }
    }
}

/// How many letters were deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletedLetters)]
pub struct DeletedLettersView {
    /// Whether they are still there.
    pub dry_run: bool,
    /// So many.
    pub deleted: u64,
}
