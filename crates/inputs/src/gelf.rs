//! GELF, as Graylog takes it: datagrams, in chunks or not, and messages over TCP.
//! <https://go2docs.graylog.org/current/getting_in_log_data/gelf.html>
//!
//! What is in a message is not known here.

mod chunks;
mod framing;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use vigie_pipeline::Assembler;

use crate::cut::Cut;
use crate::datagrams::{DatagramProtocol, Message};
use crate::one_way::{Frames, Framing};
use framing::{Each, whole_frames};

pub use chunks::Chunks;

/// The messages of a body or block, which has a NUL or a line feed after each; the last may lack it.
pub fn gelf_messages(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    Each(bytes)
}

/// GELF over TCP: a NUL after each message, or a line feed.
#[derive(Clone, Copy, Debug)]
pub struct GelfStream;

impl Framing for GelfStream {
    fn frames(&self, bytes: &[u8], _frame_bytes_max: usize) -> Result<Frames, Cut> {
        Ok(whole_frames(bytes))
    }

    fn push_all(&self, bytes: &[u8], assembler: &mut Assembler<'_>) {
        for message in gelf_messages(bytes) {
            assembler.push_gelf(message);
        }
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memchr2(0, b'\n', bytes)
    }
}

/// GELF in datagrams.
#[derive(Debug, Default)]
pub struct GelfDatagrams {
    chunks: Mutex<Chunks>,
}

impl GelfDatagrams {
    fn chunks(&self) -> MutexGuard<'_, Chunks> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DatagramProtocol for GelfDatagrams {
    fn message(&self, sender: IpAddr, datagram: &[u8]) -> Option<Message> {
        self.chunks().take(sender, datagram, Instant::now().into_std())
    }

    fn overdue(&self) -> Vec<(IpAddr, Message)> {
        self.chunks().overdue(Instant::now().into_std())
    }

    fn unfinished(&self) -> Vec<(IpAddr, Message)> {
        self.chunks().unfinished()
    }

    fn push(&self, message: &[u8], assembler: &mut Assembler<'_>) {
        assembler.push_gelf(message);
    }
}
