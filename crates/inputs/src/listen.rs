//! Listens for connections: accepted up to a bound, encrypted when asked for, each spoken to by its protocol.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::cut::{Cut, CutReason};
use crate::door::Door;
use crate::stream::{Connection, StreamProtocol};
use crate::tls::{self, TlsFiles};

/// How long to wait before an address that could not be had is tried again.
const BIND_PAUSE: Duration = Duration::from_secs(5);
/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time for a TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Silence after which the system asks whether the other end still lives.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// What is done with the connections of an address.
pub(crate) struct Streams {
    pub(crate) protocol: Arc<dyn StreamProtocol>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) connections_max: usize,
    pub(crate) tasks: TaskTracker,
}

/// Listens until the process is to end.
pub(crate) async fn streams(address: SocketAddr, streams: Streams, door: Arc<Door>) {
    let Some((listener, acceptor)) = until_bound(address, &streams, &door).await else { return };
    let slots = Arc::new(Semaphore::new(streams.connections_max));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = door.stopped() => return,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                door.numbers().failed(format!("a connection could not be accepted: {error}"));
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (protocol, acceptor, door) = (Arc::clone(&streams.protocol), acceptor.clone(), Arc::clone(&door));
        streams.tasks.spawn(async move {
            door.numbers().connection_opened();
            if let Err(cut) = speak(protocol.as_ref(), stream, peer, acceptor, &door).await {
                tracing::debug!(input = door.input(), %peer, %cut, "a connection was cut off");
                door.numbers().record_cut(peer, &cut);
            }
            door.numbers().connection_closed();
            drop(slot);
        });
    }
}

/// Tries until the address can be had and the files of TLS can be read; `None` when the process is to end.
async fn until_bound(
    address: SocketAddr,
    streams: &Streams,
    door: &Door,
) -> Option<(TcpListener, Option<TlsAcceptor>)> {
    loop {
        match bind(address, streams).await {
            Ok((listener, acceptor)) => {
                door.numbers().listens(listener.local_addr().unwrap_or(address));
                return Some((listener, acceptor));
            }
            Err(error) => could_not_listen(door, address, &error),
        }
        wait_to_try_again(door).await?;
    }
}

/// `None` when the process is to end meanwhile.
pub(crate) async fn wait_to_try_again(door: &Door) -> Option<()> {
    tokio::select! {
        () = tokio::time::sleep(BIND_PAUSE) => Some(()),
        () = door.stopped() => None,
    }
}

async fn bind(address: SocketAddr, streams: &Streams) -> io::Result<(TcpListener, Option<TlsAcceptor>)> {
    let acceptor = streams.tls.as_ref().map(tls::acceptor).transpose()?;
    Ok((TcpListener::bind(address).await?, acceptor))
}

/// Says so in the input's state and, once, in the log.
pub(crate) fn could_not_listen(door: &Door, address: SocketAddr, error: &io::Error) {
    let input = door.input();
    let words = format!("cannot listen on {address}: {error}; set input_{input}.listen to another address, or to none");
    if door.numbers().now().last_error.is_none_or(|(_, last)| last != words) {
        tracing::warn!(input, %address, %error, "an input cannot listen; it is tried again");
    }
    door.numbers().failed(words);
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
    Ok((stream, address.ip().to_canonical(), slot))
}

async fn speak(
    protocol: &dyn StreamProtocol,
    stream: TcpStream,
    peer: IpAddr,
    acceptor: Option<TlsAcceptor>,
    door: &Door,
) -> Result<(), Cut> {
    let mut connection = match acceptor {
        None => Connection::new(peer, stream),
        Some(acceptor) => match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Connection::new(peer, stream),
            Ok(Err(error)) => return Err(Cut::new(CutReason::Refused, format!("the TLS handshake failed: {error}"))),
            Err(_) => return Err(Cut::new(CutReason::Slow, "the TLS handshake took too long")),
        },
    };
    protocol.serve(&mut connection, door).await
}
