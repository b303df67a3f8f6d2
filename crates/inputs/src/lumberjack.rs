//! Lumberjack, as Beats and Logstash speak it: windows of events, each answered when it is on disk.
//!
//! While a window is being stored the next one is read, and the sender is told every few seconds that it was not forgotten.
//! Events are stored in blocks: several small windows in one, a large one in several, so that no window is in memory as a
//! whole. Whatever becomes of a connection, events that came whole are stored; only when the process ends are those of
//! an unfinished window left to their sender, who will send them again.

mod block;
mod decoder;
mod event;
mod frame;
mod identity;
mod session;
#[cfg(test)]
mod tests;
mod window;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::cut::{Cut, CutReason};
use crate::door::{Door, Stopped};
use crate::stream::{Connection, StreamProtocol};
use block::Block;
use session::Session;
use window::Ack;

pub use decoder::Decoder;
pub use frame::{Content, Frame, SentEvent, Version};

/// How often a sender is told that its window is still being stored.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Time for an answer to be taken.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// Says that a window is still being stored.
const NOT_YET: Ack = Ack { version: Version::Two, sequence: 0 };

/// The Beats protocol, Lumberjack 2, and Lumberjack 1 before it.
#[derive(Clone, Copy, Debug)]
pub struct Beats;

/// The answers to what is being stored, once it is.
type Storing<'d> = Pin<Box<dyn Future<Output = Result<Vec<Ack>, Stopped>> + Send + 'd>>;

#[async_trait]
impl StreamProtocol for Beats {
    async fn serve(&self, connection: &mut Connection, door: &Door) -> Result<(), Cut> {
        let mut session = Session::new(door);
        let mut storing: Option<Storing<'_>> = None;
        let mut keep_alive_at = Instant::now();
        loop {
            session.decode();
            if storing.is_none() {
                match session.next_block() {
                    Some(block) => {
                        keep_alive_at = Instant::now() + KEEP_ALIVE;
                        storing = Some(Box::pin(store(door, connection.peer, block)));
                    }
                    None if session.is_over() => return session.outcome(),
                    None => {}
                }
            }
            let (wants_bytes, wants_room) = (session.wants_bytes(), session.wants_room());
            let (bytes_max, room_bytes_max) = (session.read_bytes(), session.room_bytes_max());
            let (is_over, quiet_until) = (session.is_over(), session.quiet_until());
            tokio::select! {
                outcome = ended(&mut storing), if storing.is_some() => {
                    storing = None;
                    let Ok(acks) = outcome else { return Ok(()) };
                    answer(connection, &mut session, &acks).await;
                }
                () = tokio::time::sleep_until(keep_alive_at), if storing.is_some() => {
                    keep_alive_at = Instant::now() + KEEP_ALIVE;
                    if session.speaks_two() {
                        answer(connection, &mut session, &[NOT_YET]).await;
                    }
                }
                read = read_some(connection, session.decoder.buffer(), bytes_max), if wants_bytes => {
                    session.has_read(read);
                }
                () = session.block.room.grow(room_bytes_max), if wants_room => {}
                () = tokio::time::sleep_until(quiet_until), if !is_over && storing.is_none() => session.check_quiet(),
                () = door.stopped(), if !is_over => session.stop(),
            }
        }
    }
}

/// Completes with what is being stored.
async fn ended(storing: &mut Option<Storing<'_>>) -> Result<Vec<Ack>, Stopped> {
    match storing {
        Some(storing) => storing.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn store(door: &Door, peer: IpAddr, mut block: Block) -> Result<Vec<Ack>, Stopped> {
    if let Some((size_bytes, fill)) = block.fill() {
        door.store(Some(peer), size_bytes, fill).await?;
    }
    Ok(block.acks)
}

/// Reads what is there, so many bytes at most; 0 bytes are the end.
async fn read_some(connection: &mut Connection, buffer: &mut BytesMut, bytes_max: usize) -> std::io::Result<usize> {
    buffer.reserve(bytes_max);
    connection.read_buf(&mut buffer.limit(bytes_max)).await
}

/// Sends answers. When they are not taken nothing more is read, but what is being stored is stored.
async fn answer(connection: &mut Connection, session: &mut Session<'_>, acks: &[Ack]) {
    let bytes: Vec<u8> = acks.iter().flat_map(|ack| ack.bytes()).collect();
    let written = async {
        connection.write_all(&bytes).await?;
        connection.flush().await
    };
    let written = tokio::time::timeout(ANSWER_TIME_MAX, written).await;
    session.answered();
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => session.end(error.into()),
        Err(_) => {
            let words = format!("an answer was not taken within {} s", ANSWER_TIME_MAX.as_secs());
            session.end(Cut::new(CutReason::Slow, words));
        }
    }
}
