//! Receives datagrams: fetched as fast as they come while those before them are being stored.
//!
//! The system's buffer is made large, and what it threw away all the same is counted: nothing is lost unseen.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use vigie_pipeline::Assembler;

use crate::door::Door;
use crate::listen::{could_not_listen, wait_to_try_again};

/// Bytes of a datagram at most.
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the system's buffer that are asked for; it may give less.
const SYSTEM_BUFFER_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of datagrams that wait to be stored; more are left to the system's buffer.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a datagram weighs beside its bytes.
const DATAGRAM_EXTRA_BYTES: usize = 64;
/// Datagrams fetched before others get a turn.
const FETCHED_AT_ONCE: usize = 256;
/// Senders whose datagrams are stored at once.
const STORED_AT_ONCE: usize = 16;
/// How often it is looked how many datagrams the system threw away, and which messages wait for their rest in vain.
const TICK: Duration = Duration::from_secs(1);

/// What is spoken in datagrams.
pub trait DatagramProtocol: Send + Sync + 'static {
    /// The message that a datagram is or completes; `None` when more of it has to come.
    fn message(&self, sender: IpAddr, datagram: &[u8]) -> Option<Message> {
        let _ = sender;
        Some(Message::Whole(Bytes::copy_from_slice(datagram)))
    }

    /// Messages whose rest has not come in time, with their senders; asked for every second.
    fn overdue(&self) -> Vec<(IpAddr, Message)> {
        Vec::new()
    }

    /// Messages whose rest has not come, with their senders, when nothing more will be received.
    fn unfinished(&self) -> Vec<(IpAddr, Message)> {
        Vec::new()
    }

    /// Puts the records of a message into the assembler.
    fn push(&self, message: &[u8], assembler: &mut Assembler<'_>);
}

/// What came in one datagram or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// All of it.
    Whole(Bytes),
    /// Something that can never be read; it is kept with the reason.
    Refused {
        /// Why, in words for whoever runs the sender.
        reason: String,
        /// What was sent.
        raw: Bytes,
    },
}

impl Message {
    const fn size_bytes(&self) -> usize {
        match self {
            Self::Whole(bytes) | Self::Refused { raw: bytes, .. } => bytes.len(),
        }
    }
}

/// Messages by their senders, and their bytes.
#[derive(Default)]
struct Waiting {
    messages: HashMap<IpAddr, Vec<Message>>,
    size_bytes: usize,
}

impl Waiting {
    fn add(&mut self, sender: IpAddr, message: Message) {
        self.size_bytes += message.size_bytes() + DATAGRAM_EXTRA_BYTES;
        self.messages.entry(sender).or_default().push(message);
    }
}

type Storing<'d> = Pin<Box<dyn Future<Output = ()> + Send + 'd>>;

/// Receives until the process is to end.
pub(crate) async fn receive(address: SocketAddr, protocol: Arc<dyn DatagramProtocol>, door: Arc<Door>) {
    let Some(socket) = until_bound(address, &door).await else { return };
    let port = socket.local_addr().unwrap_or(address).port();
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let mut waiting = Waiting::default();
    let mut storing: Option<Storing<'_>> = None;
    let mut every_second = tokio::time::interval(TICK);
    let mut is_over = false;
    loop {
        if storing.is_none() && waiting.size_bytes > 0 {
            let messages = std::mem::take(&mut waiting).messages;
            storing = Some(Box::pin(store_all(&door, &protocol, messages)));
        } else if storing.is_none() && is_over {
            return;
        }
        tokio::select! {
            () = ended(&mut storing), if storing.is_some() => storing = None,
            readable = socket.readable(), if !is_over && waiting.size_bytes < WAITING_BYTES_MAX => {
                let fetched = readable.and_then(|()| fetch(&socket, &mut buffer, protocol.as_ref(), &mut waiting));
                if let Err(error) = fetched {
                    door.numbers().failed(format!("a datagram could not be received: {error}"));
                }
            }
            _ = every_second.tick() => {
                protocol.overdue().into_iter().for_each(|(sender, message)| waiting.add(sender, message));
                if let Some(lost) = lost_datagrams(port) {
                    door.numbers().set_lost_datagrams(lost);
                }
            }
            () = door.stopped(), if !is_over => {
                is_over = true;
                protocol.unfinished().into_iter().for_each(|(sender, message)| waiting.add(sender, message));
            }
        }
    }
}

async fn ended(storing: &mut Option<Storing<'_>>) {
    match storing {
        Some(storing) => storing.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Tries until the address can be had; `None` when the process is to end.
async fn until_bound(address: SocketAddr, door: &Door) -> Option<UdpSocket> {
    loop {
        match bind(address) {
            Ok(socket) => {
                door.numbers().listens(socket.local_addr().unwrap_or(address));
                return Some(socket);
            }
            Err(error) => could_not_listen(door, address, &error),
        }
        wait_to_try_again(door).await?;
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // The system gives what it allows; more is for its administrator to allow (net.core.rmem_max).
    socket.set_recv_buffer_size(SYSTEM_BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Fetches what is there, up to a bound.
fn fetch(
    socket: &UdpSocket,
    buffer: &mut [u8],
    protocol: &dyn DatagramProtocol,
    waiting: &mut Waiting,
) -> io::Result<()> {
    for _ in 0..FETCHED_AT_ONCE {
        let (length, sender) = match socket.try_recv_from(buffer) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let sender = sender.ip().to_canonical();
        if let Some(message) = protocol.message(sender, &buffer[..length]) {
            waiting.add(sender, message);
        }
        if waiting.size_bytes >= WAITING_BYTES_MAX {
            return Ok(());
        }
    }
    Ok(())
}

/// Stores the messages of all senders, of some at once. What cannot be stored because the process ends is lost with it,
/// as what has not been fetched is.
async fn store_all(door: &Arc<Door>, protocol: &Arc<dyn DatagramProtocol>, messages: HashMap<IpAddr, Vec<Message>>) {
    let mut stores = JoinSet::new();
    for (sender, messages) in messages {
        if stores.len() >= STORED_AT_ONCE {
            stores.join_next().await;
        }
        let (door, protocol) = (Arc::clone(door), Arc::clone(protocol));
        stores.spawn(async move {
            let size_bytes = messages.iter().map(Message::size_bytes).sum();
            let fill = move |assembler: &mut Assembler<'_>| {
                for message in &messages {
                    match message {
                        Message::Whole(bytes) => protocol.push(bytes, assembler),
                        Message::Refused { reason, raw } => assembler.refuse(reason.clone(), raw),
                    }
                }
            };
            let _ = door.store(Some(sender), size_bytes, Arc::new(fill)).await;
        });
    }
    while stores.join_next().await.is_some() {}
}

/// Datagrams to the port that the system threw away, where it says so.
fn lost_datagrams(port: u16) -> Option<u64> {
    let tables = ["/proc/net/udp", "/proc/net/udp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let drops = tables.iter().flat_map(|table| table.lines()).filter_map(|line| drops_of(line, port));
    drops.fold(None, |sum: Option<u64>, drops| Some(sum.unwrap_or(0) + drops))
}

/// The last column of the port's line; the second is address and port in hexadecimal.
fn drops_of(line: &str, port: u16) -> Option<u64> {
    let mut columns = line.split_ascii_whitespace();
    let local = columns.nth(1)?.rsplit_once(':')?.1;
    if u16::from_str_radix(local, 16) != Ok(port) {
        return None;
    }
    columns.last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_those_of_the_port() {
        let line = "  285: 0100007F:1388 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4242 2 0000000000000000 17";
        assert_eq!(drops_of(line, 5_000), Some(17));
        assert_eq!(drops_of(line, 5_001), None);
        assert_eq!(drops_of("  sl  local_address rem_address   st tx_queue", 5_000), None);
    }
}
