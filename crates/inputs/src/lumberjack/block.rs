//! Events that are stored at once, and the answers that are due when they are.

use std::sync::Arc;

use vigie_app::ingest::Fill;
use vigie_pipeline::Assembler;

use super::event;
use super::frame::{Content, SentEvent};
use super::window::Ack;
use crate::room::Room;

/// Bytes and events of a block after which it is full.
pub(super) const BLOCK_BYTES_MAX: usize = 2 * 1024 * 1024;
const BLOCK_EVENTS_MAX: usize = 5_000;
/// Answers of a block after which it is full.
const BLOCK_ACKS_MAX: usize = 5_000;
/// Bytes of a pair beside its key and value.
const PAIR_BYTES: usize = size_of::<(Vec<u8>, Vec<u8>)>();

/// Some events of a connection.
#[derive(Debug)]
pub(super) struct Block {
    events: Vec<SentEvent>,
    /// What is answered when they are stored.
    pub(super) acks: Vec<Ack>,
    /// Events up to the end of the last window that ends here.
    whole: usize,
    /// Bytes that the events take in memory.
    pub(super) held_bytes: usize,
    /// In which they may be; free again when the block is dropped.
    pub(super) room: Room,
}

impl Block {
    pub(super) const fn new(room: Room) -> Self {
        Self { events: Vec::new(), acks: Vec::new(), whole: 0, held_bytes: 0, room }
    }

    pub(super) fn push(&mut self, event: SentEvent, ack: Option<Ack>) {
        self.held_bytes += size_of::<SentEvent>() + kept_bytes(&event);
        self.events.push(event);
        self.answer(ack);
    }

    /// Notes an answer to everything up to here.
    pub(super) fn answer(&mut self, ack: Option<Ack>) {
        if let Some(ack) = ack {
            self.acks.push(ack);
            self.whole = self.events.len();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.held_bytes >= BLOCK_BYTES_MAX || self.events.len() >= BLOCK_EVENTS_MAX || self.acks.len() >= BLOCK_ACKS_MAX
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes the windows that end here; an unfinished one stays, in that room.
    pub(super) fn take_whole_windows(&mut self, room: Room) -> Self {
        let mut rest = Self::new(room);
        self.events.split_off(self.whole).into_iter().for_each(|event| rest.push(event, None));
        self.held_bytes -= rest.held_bytes;
        std::mem::replace(self, rest)
    }

    /// Leaves the events of a window that does not end here to their sender.
    pub(super) fn keep_whole_windows(&mut self) {
        self.events.truncate(self.whole);
    }

    /// Their bytes as they were sent, and what puts them into an assembler; `None` when there are none.
    pub(super) fn fill(&mut self) -> Option<(usize, Fill)> {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return None;
        }
        let size_bytes = events.iter().map(kept_bytes).sum();
        let fill = move |assembler: &mut Assembler<'_>| events.iter().for_each(|sent| event::push(sent, assembler));
        Some((size_bytes, Arc::new(fill)))
    }
}

fn kept_bytes(event: &SentEvent) -> usize {
    match &event.content {
        Content::Json(json) => json.len(),
        Content::Pairs(pairs) => pairs.iter().map(|(key, value)| PAIR_BYTES + key.len() + value.len()).sum(),
    }
}
