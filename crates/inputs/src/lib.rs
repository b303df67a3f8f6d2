//! What speaks to shippers: sockets and their protocols, from bytes to events that are on disk.
//!
//! It knows no HTTP and no store: what a protocol has framed goes through a [`Door`] into the use case of ingest. Nothing
//! is acknowledged before that has returned, and while it has not, nothing more is read than the door has room for.

mod cut;
mod datagrams;
mod door;
pub mod files;
mod forward;
mod gelf;
mod joined;
mod line_form;
mod lines;
mod listen;
mod lumberjack;
mod numbers;
mod one_way;
mod redis_reader;
mod room;
mod stream;
mod syslog;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use cut::{Cut, CutReason};
pub use datagrams::{DatagramProtocol, Message};
pub use door::{AnsweringDoor, Door, DoorPorts, Stopped};
pub use files::FileSpec;
pub use forward::{Forward, ForwardMessage, forward_messages};
pub use gelf::{Chunks, GelfDatagrams, GelfStream, gelf_messages};
pub use line_form::{Joining, LineForm, LineFormat, UnknownLineFormat};
pub use lines::Lines;
pub use lumberjack::{Beats, Content, Decoder, Frame, SentEvent, Version};
pub use numbers::{CountedSource, InputNumbers, NumbersNow};
pub use one_way::{Frames, Framing, OneWay};
pub use redis_reader::{RedisPassword, RedisSource, RedisSpec};
pub use stream::{Connection, StreamProtocol};
pub use syslog::Syslog;
pub use tls::TlsFiles;

/// One way in: where it listens and what is spoken there.
pub struct InputSpec {
    /// Its name in settings, metrics and the API.
    pub name: &'static str,
    /// What it speaks, and where.
    pub protocol: Protocol,
}

/// What an input speaks.
pub enum Protocol {
    /// Connections, with TLS if there are files for it.
    Streams {
        /// Where it listens.
        address: SocketAddr,
        /// What is spoken on them.
        protocol: Arc<dyn StreamProtocol>,
        /// The certificate and what clients must show.
        tls: Option<TlsFiles>,
        /// Connections open at once; more wait to be accepted.
        connections_max: usize,
    },
    /// Datagrams.
    Datagrams {
        /// Where it listens.
        address: SocketAddr,
        /// What is spoken in them.
        protocol: Arc<dyn DatagramProtocol>,
    },
    /// No socket at all: files that are followed.
    Files(FileSpec),
    /// A list or a stream in a Redis.
    Redis(RedisSpec),
}

/// Where an input listens and how it fares.
#[derive(Clone, Debug, PartialEq)]
pub struct InputState {
    /// Its name.
    pub name: &'static str,
    /// Where it listens, or is to listen; `None` when it has no socket.
    pub address: Option<SocketAddr>,
    /// The server that it reads from, with its port; `None` when it waits for senders.
    pub server: Option<String>,
    /// Whether the connections are encrypted.
    pub has_tls: bool,
    /// What it has counted.
    pub numbers: NumbersNow,
}

/// The inputs of a process.
pub struct Inputs {
    running: Vec<Running>,
    stop: CancellationToken,
    tasks: TaskTracker,
    ports: DoorPorts,
}

struct Running {
    name: &'static str,
    address: Option<SocketAddr>,
    server: Option<String>,
    has_tls: bool,
    numbers: Arc<InputNumbers>,
}

impl Inputs {
    /// Starts them. One that cannot listen says so in its state and tries again, the others go on.
    pub fn start(specs: Vec<InputSpec>, ports: DoorPorts) -> Self {
        let mut inputs = Self { running: Vec::new(), stop: CancellationToken::new(), tasks: TaskTracker::new(), ports };
        for spec in specs {
            inputs.start_one(spec);
        }
        inputs.tasks.close();
        inputs
    }

    fn start_one(&mut self, spec: InputSpec) {
        let numbers = Arc::new(InputNumbers::new(self.ports.clock.clone()));
        let door = Arc::new(Door::new(spec.name, self.ports.clone(), Arc::clone(&numbers), self.stop.clone()));
        let (mut address, mut server, mut has_tls) = (None, None, false);
        match spec.protocol {
            Protocol::Streams { address: at, protocol, tls, connections_max } => {
                (address, has_tls) = (Some(at), tls.is_some());
                let streams = listen::Streams { protocol, tls, connections_max, tasks: self.tasks.clone() };
                self.tasks.spawn(listen::streams(at, streams, door));
            }
            Protocol::Datagrams { address: at, protocol } => {
                address = Some(at);
                self.tasks.spawn(datagrams::receive(at, protocol, door));
            }
            Protocol::Redis(spec) => {
                (server, has_tls) = (Some(spec.address()), spec.has_tls);
                self.tasks.spawn(redis_reader::read(spec, door));
            }
            Protocol::Files(spec) => {
                let runtime = Handle::current();
                self.tasks.spawn_blocking(move || files::follow(&spec, &door, &runtime));
            }
        }
        self.running.push(Running { name: spec.name, address, server, has_tls, numbers });
    }

    /// How each fares.
    pub fn states(&self) -> Vec<InputState> {
        let state = |running: &Running| {
            let numbers = running.numbers.now();
            let address = numbers.listens_at.or(running.address);
            InputState {
                name: running.name,
                address,
                server: running.server.clone(),
                has_tls: running.has_tls,
                numbers,
            }
        };
        self.running.iter().map(state).collect()
    }

    /// Accepts nothing more, stores what was received, and ends; what takes longer than `time_max` is cut off.
    pub async fn stop(&self, time_max: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(time_max, self.tasks.wait()).await.is_err() {
            tracing::warn!("some inputs did not end in time and were cut off");
        }
    }
}
