//! The forward protocol of Fluentd and Fluent Bit, v1: messages in MessagePack, acknowledged when their events are on disk.
//! <https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1>
//!
//! With a shared key, nothing is read of a sender that has not shown that it knows it.

mod handshake;
mod message;
mod msgpack;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use vigie_pipeline::Assembler;

use crate::cut::{Cut, CutReason};
use crate::door::{Door, Stopped};
use crate::stream::{Connection, StreamProtocol};
use handshake::{Handshake, NONCE_BYTES};
use msgpack::Extent;
use session::{Block, Read, Session, grow};

pub use message::Message as ForwardMessage;

/// The whole messages at the beginning of bytes, one after the other; what follows them is left.
pub fn forward_messages(mut rest: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let end = Extent::default().of(&rest).ok().flatten()?;
        Some(rest.split_to(end))
    })
}

/// Time for a sender to show that it knows the key.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes in which it shows it.
const PING_BYTES_MAX: usize = 8 * 1024;
/// Time for an answer to be taken.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// The forward protocol.
pub struct Forward {
    /// What senders must know; `None`: nothing.
    shared_key: Option<String>,
    /// The turn of large messages.
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward").field("has_shared_key", &self.shared_key.is_some()).finish_non_exhaustive()
    }
}

impl Forward {
    /// For senders that know the key; without one, for all.
    pub fn new(shared_key: Option<String>) -> Self {
        Self { shared_key, turns: Arc::new(Semaphore::new(1)) }
    }
}

/// The answers to what is being stored, once it is.
type Storing<'d> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Stopped>> + Send + 'd>>;

#[async_trait]
impl StreamProtocol for Forward {
    async fn serve(&self, connection: &mut Connection, door: &Door) -> Result<(), Cut> {
        let mut session = Session::new(door);
        if let Some(key) = &self.shared_key {
            let is_known = tokio::select! {
                shaken = shake_hands(key, connection, &mut session.buffer) => shaken?,
                () = door.stopped() => false,
            };
            if !is_known {
                return Ok(());
            }
        }
        let mut storing: Option<Storing<'_>> = None;
        let mut is_stopped = false;
        loop {
            if storing.is_none() {
                match session.next_block() {
                    Some(block) => storing = Some(Box::pin(store(door, connection.peer, block))),
                    None if session.is_over => return session.outcome(is_stopped),
                    None => {}
                }
            }
            let has_room = session.has_room();
            let wants_room = if storing.is_some() { session.wants_room_meanwhile() } else { session.wants_room() };
            let (is_over, slow_at) = (session.is_over, session.slow_at());
            tokio::select! {
                outcome = ended(&mut storing), if storing.is_some() => {
                    storing = None;
                    let Ok(answers) = outcome else { return Ok(()) };
                    if let Err(cut) = answer(connection, &answers).await
                        && !is_over
                    {
                        session.cut_off(cut);
                    }
                }
                read = read_some(connection, &mut session.buffer), if has_room => session.has_read(read),
                turn = grow(&mut session.room, &self.turns), if wants_room => session.has_grown(turn),
                () = tokio::time::sleep_until(slow_at), if !is_over && storing.is_none() => session.check_slow(),
                () = door.stopped(), if !is_over => (session.is_over, is_stopped) = (true, true),
            }
        }
    }
}

/// Completes with what is being stored.
async fn ended(storing: &mut Option<Storing<'_>>) -> Result<Vec<u8>, Stopped> {
    match storing {
        Some(storing) => storing.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Stores the messages of a block, whole; gives what is to be answered.
async fn store(door: &Door, peer: IpAddr, block: Block) -> Result<Vec<u8>, Stopped> {
    let read = tokio::task::spawn_blocking(move || (block.read(), block)).await;
    // It does not panic; a block that is not read is not acknowledged either.
    let Ok((messages, _block)) = read else { return Err(Stopped) };
    let answers = messages.iter().flatten().filter_map(ForwardMessage::ack).flatten().collect();
    if messages.is_empty() {
        return Ok(answers);
    }
    let size_bytes = messages.iter().map(size_of).sum();
    let fill = move |assembler: &mut Assembler<'_>| messages.iter().for_each(|message| push(message, assembler));
    door.store(Some(peer), size_bytes, Arc::new(fill)).await?;
    Ok(answers)
}

fn size_of(read: &Read) -> usize {
    match read {
        Ok(message) => message.size_bytes(),
        Err((_, bytes)) => bytes.len(),
    }
}

fn push(read: &Read, assembler: &mut Assembler<'_>) {
    match read {
        Ok(message) => message.push_all(assembler),
        Err((reason, bytes)) => assembler.refuse(reason.clone(), bytes),
    }
}

/// Reads what is there; 0 bytes are the end.
async fn read_some(connection: &mut Connection, buffer: &mut BytesMut) -> std::io::Result<usize> {
    const READ_BYTES_MIN: usize = 4 * 1024;
    const READ_BYTES_MAX: usize = 64 * 1024;
    buffer.reserve(if buffer.len() >= READ_BYTES_MIN { READ_BYTES_MAX } else { READ_BYTES_MIN });
    connection.read_buf(buffer).await
}

/// Sends answers. A sender that has gone cannot take them, which is then no fault of it.
async fn answer(connection: &mut Connection, answers: &[u8]) -> Result<(), Cut> {
    if answers.is_empty() {
        return Ok(());
    }
    let written = async {
        connection.write_all(answers).await?;
        connection.flush().await
    };
    match tokio::time::timeout(ANSWER_TIME_MAX, written).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => {
            let words = format!("an answer was not taken within {} s", ANSWER_TIME_MAX.as_secs());
            Err(Cut::new(CutReason::Slow, words))
        }
    }
}

/// Whether the sender knows the key, or went without a word, as those do that only look whether somebody is there. What it
/// sent after showing the key stays in the buffer.
async fn shake_hands(key: &str, connection: &mut Connection, buffer: &mut BytesMut) -> Result<bool, Cut> {
    let shaken = async {
        let handshake = Handshake::new(key.as_bytes(), rand::random::<[u8; NONCE_BYTES]>());
        connection.write_all(&handshake.helo()).await?;
        connection.flush().await?;
        let Some(ping) = read_ping(connection, buffer).await? else { return Ok(false) };
        let pong = handshake.pong(&ping);
        connection.write_all(&pong.bytes).await?;
        connection.flush().await?;
        match pong.refusal {
            None => Ok(true),
            Some(refusal) => Err(Cut::new(CutReason::Refused, format!("the handshake failed: {refusal}"))),
        }
    };
    let late = || Cut::new(CutReason::Refused, "the handshake took too long; give the sender the shared key");
    tokio::time::timeout(HANDSHAKE_TIME_MAX, shaken).await.map_err(|_| late())?
}

/// `None` when the sender went without a word.
async fn read_ping(connection: &mut Connection, buffer: &mut BytesMut) -> Result<Option<BytesMut>, Cut> {
    let refused = |words: &str| Cut::new(CutReason::Refused, format!("the handshake failed: {words}"));
    let mut extent = Extent::default();
    loop {
        match extent.of(buffer) {
            Ok(Some(end)) => return Ok(Some(buffer.split_to(end))),
            Ok(None) if buffer.len() > PING_BYTES_MAX => return Err(refused("a PING was expected")),
            Ok(None) => {}
            Err(fault) => return Err(refused(&fault.words())),
        }
        match read_some(connection, buffer).await? {
            0 if buffer.is_empty() => return Ok(None),
            0 => return Err(refused("the connection ended in the middle of it")),
            _ => {}
        }
    }
}
