//! Puts messages together that were sent in several datagrams: in any order, within five seconds, duplicates ignored.
//!
//! What waits is bounded for each sender and in all. Nothing is lost unseen: what does not fit, is no chunk, or waited in
//! vain is given back with the reason. No clock: whoever calls says what time it is.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::datagrams::Message;

/// How a chunk begins.
const MAGIC: [u8; 2] = [0x1e, 0x0f];
/// Bytes of the magic, the message's id, the chunk's number and the count of chunks.
const HEADER_BYTES: usize = 12;
/// Chunks of one message.
const CHUNKS_MAX: u8 = 128;
/// Time for all chunks of a message to come.
const TIME_MAX: Duration = Duration::from_secs(5);
/// Messages of one sender that wait for their rest, and their bytes.
const SENDER_MESSAGES_MAX: usize = 1_024;
const SENDER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Messages of all senders that wait for their rest, and their bytes.
const MESSAGES_MAX: usize = 8_192;
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// What room for one chunk weighs beside its bytes, whether it has come or not.
const CHUNK_EXTRA_BYTES: usize = 32;
/// Messages that were completed last: chunks of them that come again are duplicates.
const COMPLETED_MAX: usize = 256;

/// The id of a message, as its sender made it.
type Id = [u8; 8];

/// Chunks that wait for the others of their messages.
#[derive(Debug, Default)]
pub struct Chunks {
    senders: HashMap<IpAddr, Sender>,
    messages: usize,
    size_bytes: usize,
    completed: VecDeque<(IpAddr, Id)>,
}

/// What waits of one sender.
#[derive(Debug, Default)]
struct Sender {
    messages: HashMap<Id, Unfinished>,
    size_bytes: usize,
}

#[derive(Debug)]
struct Unfinished {
    begun_at: Instant,
    /// By their numbers.
    chunks: Vec<Option<Bytes>>,
    came: usize,
    weight_bytes: usize,
}

/// One chunk, taken apart.
struct Chunk<'d> {
    id: Id,
    number: usize,
    count: usize,
    content: &'d [u8],
}

impl<'d> Chunk<'d> {
    /// `None` when it is none.
    fn of(datagram: &'d [u8]) -> Option<Self> {
        let (header, content) = datagram.split_at_checked(HEADER_BYTES)?;
        let (number, count) = (header[HEADER_BYTES - 2], header[HEADER_BYTES - 1]);
        let id = header[MAGIC.len()..HEADER_BYTES - 2].try_into().ok()?;
        let is_chunk = number < count && count <= CHUNKS_MAX;
        is_chunk.then(|| Self { id, number: number.into(), count: count.into(), content })
    }
}

impl Chunks {
    /// The message that the datagram is or completes; `None` when more of it has to come.
    pub fn take(&mut self, sender: IpAddr, datagram: &[u8], now: Instant) -> Option<Message> {
        if !datagram.starts_with(&MAGIC) {
            return Some(Message::Whole(Bytes::copy_from_slice(datagram)));
        }
        let refused = |reason: String| Some(Message::Refused { reason, raw: Bytes::copy_from_slice(datagram) });
        let Some(chunk) = Chunk::of(datagram) else {
            let words =
                format!("the datagram begins as a GELF chunk and is none, of at most {CHUNKS_MAX}; send it again");
            return refused(words);
        };
        if chunk.count == 1 {
            return Some(Message::Whole(Bytes::copy_from_slice(chunk.content)));
        }
        if !self.has(sender, chunk.id) {
            if self.completed.contains(&(sender, chunk.id)) {
                return None;
            }
            if !self.begin(sender, &chunk, now) {
                return refused(
                    "too many GELF messages wait for chunks at once; send smaller ones, or over TCP".to_owned(),
                );
            }
        }
        match self.add(sender, &chunk) {
            Added::Waits => None,
            Added::Completes(message) => Some(message),
            Added::Unlike => refused(format!(
                "the chunk says that its message has {} of them, others of it say otherwise; give each message its own id",
                chunk.count
            )),
            Added::NoRoom => refused(
                "the chunks that wait for others take too much memory; send smaller messages, or over TCP".to_owned(),
            ),
        }
    }

    /// Messages whose rest has not come in time.
    pub fn overdue(&mut self, now: Instant) -> Vec<(IpAddr, Message)> {
        self.take_all(|unfinished| unfinished.is_overdue(now))
    }

    /// Messages whose rest has not come, however long they have waited.
    pub fn unfinished(&mut self) -> Vec<(IpAddr, Message)> {
        self.take_all(|_| true)
    }

    fn has(&self, sender: IpAddr, id: Id) -> bool {
        self.senders.get(&sender).is_some_and(|sender| sender.messages.contains_key(&id))
    }

    /// Makes room for a message; `false` when there is none.
    fn begin(&mut self, sender: IpAddr, chunk: &Chunk<'_>, now: Instant) -> bool {
        let weight_bytes = chunk.count * CHUNK_EXTRA_BYTES;
        let of_sender = self.senders.get(&sender).map_or((0, 0), |sender| (sender.messages.len(), sender.size_bytes));
        if self.messages >= MESSAGES_MAX || of_sender.0 >= SENDER_MESSAGES_MAX {
            return false;
        }
        if self.size_bytes + weight_bytes > BYTES_MAX || of_sender.1 + weight_bytes > SENDER_BYTES_MAX {
            return false;
        }
        let unfinished = Unfinished { begun_at: now, chunks: vec![None; chunk.count], came: 0, weight_bytes };
        let entry = self.senders.entry(sender).or_default();
        entry.messages.insert(chunk.id, unfinished);
        entry.size_bytes += weight_bytes;
        self.messages += 1;
        self.size_bytes += weight_bytes;
        true
    }

    fn add(&mut self, sender: IpAddr, chunk: &Chunk<'_>) -> Added {
        let Some(of_sender) = self.senders.get_mut(&sender) else { return Added::NoRoom };
        let Some(unfinished) = of_sender.messages.get_mut(&chunk.id) else { return Added::NoRoom };
        if unfinished.chunks.len() != chunk.count {
            return Added::Unlike;
        }
        if unfinished.chunks[chunk.number].is_some() {
            return Added::Waits;
        }
        let size_bytes = chunk.content.len();
        if self.size_bytes + size_bytes > BYTES_MAX || of_sender.size_bytes + size_bytes > SENDER_BYTES_MAX {
            return Added::NoRoom;
        }
        unfinished.chunks[chunk.number] = Some(Bytes::copy_from_slice(chunk.content));
        unfinished.came += 1;
        unfinished.weight_bytes += size_bytes;
        of_sender.size_bytes += size_bytes;
        self.size_bytes += size_bytes;
        if unfinished.came < chunk.count {
            return Added::Waits;
        }
        let content = unfinished.content();
        self.remove(sender, chunk.id);
        if self.completed.len() >= COMPLETED_MAX {
            self.completed.pop_front();
        }
        self.completed.push_back((sender, chunk.id));
        Added::Completes(Message::Whole(content))
    }

    fn remove(&mut self, sender: IpAddr, id: Id) -> Option<Unfinished> {
        let of_sender = self.senders.get_mut(&sender)?;
        let unfinished = of_sender.messages.remove(&id)?;
        of_sender.size_bytes -= unfinished.weight_bytes;
        if of_sender.messages.is_empty() {
            self.senders.remove(&sender);
        }
        self.messages -= 1;
        self.size_bytes -= unfinished.weight_bytes;
        Some(unfinished)
    }

    fn take_all(&mut self, is_such: impl Fn(&Unfinished) -> bool) -> Vec<(IpAddr, Message)> {
        let of_sender = |(sender, waiting): (&IpAddr, &Sender)| -> Vec<(IpAddr, Id)> {
            let such = waiting.messages.iter().filter(|(_, unfinished)| is_such(unfinished));
            such.map(|(id, _)| (*sender, *id)).collect()
        };
        let found: Vec<(IpAddr, Id)> = self.senders.iter().flat_map(of_sender).collect();
        let given_up = |(sender, id)| Some((sender, self.remove(sender, id)?.give_up()));
        found.into_iter().filter_map(given_up).collect()
    }
}

/// What became of a chunk.
enum Added {
    /// It waits for others, or came before.
    Waits,
    /// It was the last one that was missing.
    Completes(Message),
    /// The message has another count of chunks.
    Unlike,
    /// There is no memory for it.
    NoRoom,
}

impl Unfinished {
    fn is_overdue(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.begun_at) >= TIME_MAX
    }

    /// The chunks that came, in the order of their numbers.
    fn content(&self) -> Bytes {
        let mut content = BytesMut::with_capacity(self.chunks.iter().flatten().map(Bytes::len).sum());
        self.chunks.iter().flatten().for_each(|chunk| content.extend_from_slice(chunk));
        content.freeze()
    }

    fn give_up(&self) -> Message {
        let reason = format!(
            "of the {} chunks of the GELF message only {} came within {} s; send it over TCP, or in smaller messages",
            self.chunks.len(),
            self.came,
            TIME_MAX.as_secs()
        );
        Message::Refused { reason, raw: self.content() }
    }
}
