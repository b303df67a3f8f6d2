//! Connections: accepted up to a bound, given up when the other side is silent, drained at the end.
//!
//! The server is built by hand from hyper's parts because its header timeout works only with a timer set,
//! and because time before the first bytes and time to take an answer have to be bounded as well.

mod timed_io;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use self::timed_io::TimedIo;
use super::auth::ClientAddress;
use crate::metrics::Metrics;

/// Bytes of one request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Requests under way at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;
/// How often a silent HTTP/2 connection is asked whether it lives.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The bounds of serving.
#[derive(Clone, Copy, Debug)]
pub struct ServeBounds {
    /// Connections open at once; more wait to be accepted.
    pub connections_max: usize,
    /// Time for the head of a request to arrive, and for an idle connection to be kept.
    pub header_time_max: Duration,
    /// Time for a client to take the next piece of an answer.
    pub write_stall_max: Duration,
    /// Time for requests under way to end once `serve` is told to stop.
    pub drain_time_max: Duration,
}

impl Default for ServeBounds {
    fn default() -> Self {
        Self {
            connections_max: 1_000,
            header_time_max: Duration::from_secs(10),
            write_stall_max: Duration::from_secs(30),
            drain_time_max: Duration::from_secs(25),
        }
    }
}

/// Serves until `stop` completes, then lets requests under way end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    metrics: Arc<Metrics>,
    bounds: ServeBounds,
    stop: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(bounds.connections_max));
    let graceful = GracefulShutdown::new();
    let builder = Arc::new(builder(bounds));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut stop => break,
        };
        let (stream, address, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let guard = metrics.connection_opened();
        let watcher = graceful.watcher();
        let builder = Arc::clone(&builder);
        let router = router.clone();
        tokio::spawn(async move {
            let io = TokioIo::new(TimedIo::new(stream, bounds.header_time_max, bounds.write_stall_max));
            let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                request.extensions_mut().insert(ClientAddress(address.ip().to_canonical()));
                router.clone().oneshot(request)
            });
            let connection = builder.serve_connection_with_upgrades(io, service).into_owned();
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop((guard, permit));
        });
    }
    drop(listener);
    if tokio::time::timeout(bounds.drain_time_max, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

/// Serves one connection that was accepted elsewhere, until it ends or, after `stop`, its requests under way have ended.
pub(super) async fn serve_connection<S>(
    stream: S,
    peer: IpAddr,
    router: Router,
    bounds: ServeBounds,
    stop: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let io = TokioIo::new(TimedIo::new(stream, bounds.header_time_max, bounds.write_stall_max));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ClientAddress(peer));
        router.clone().oneshot(request)
    });
    let builder = builder(bounds);
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, address, permit))
}

fn builder(bounds: ServeBounds) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_time_max)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32);
    builder
}
