//! A connection that fails when the other side neither begins nor takes what it asked for.
//!
//! It bounds only what hyper does not: the time until the bytes that tell HTTP/1 from HTTP/2 are there, and the
//! time for which a write may be stuck. It does not bound reading bodies: `http::body` does.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Length of the HTTP/2 preface: until so many bytes are there, no other timeout is armed.
const PREFACE_BYTES: usize = 24;

/// A stream with a deadline for its first bytes and for each stuck write.
pub(super) struct TimedIo<S> {
    stream: S,
    preface_missing: usize,
    preface_alarm: Pin<Box<Sleep>>,
    write_stall_max: Duration,
    write_alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedIo<S> {
    /// The stream with these bounds; the time for its first bytes starts now.
    pub(super) fn new(stream: S, preface_time_max: Duration, write_stall_max: Duration) -> Self {
        let preface_alarm = Box::pin(sleep(preface_time_max));
        Self { stream, preface_missing: PREFACE_BYTES, preface_alarm, write_stall_max, write_alarm: None }
    }

    /// Passes the outcome of a write on, or fails when writes have been stuck for too long.
    fn watch_write<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.write_alarm = None;
            return outcome;
        }
        let ends_at = Instant::now() + self.write_stall_max;
        let alarm = self.write_alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(ends_at)));
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client did not take the answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedIo<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        let filled_before = buffer.filled().len();
        let outcome = Pin::new(&mut io.stream).poll_read(context, buffer);
        if outcome.is_ready() {
            let read = buffer.filled().len() - filled_before;
            io.preface_missing = io.preface_missing.saturating_sub(read);
            return outcome;
        }
        if io.preface_missing > 0 {
            ready!(io.preface_alarm.as_mut().poll(context));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client sent no request")));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedIo<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let io = self.get_mut();
        let outcome = Pin::new(&mut io.stream).poll_write(context, bytes);
        io.watch_write(context, outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        let outcome = Pin::new(&mut io.stream).poll_flush(context);
        io.watch_write(context, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        let outcome = Pin::new(&mut io.stream).poll_shutdown(context);
        io.watch_write(context, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let io = self.get_mut();
        let outcome = Pin::new(&mut io.stream).poll_write_vectored(context, slices);
        io.watch_write(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const BOUND: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_is_given_up() {
        let (server, mut client) = tokio::io::duplex(64);
        client.write_all(b"PRI * HTTP").await.unwrap();
        let mut io = TimedIo::new(server, BOUND, BOUND);
        let mut buffer = [0; 64];
        assert_eq!(io.read(&mut buffer).await.unwrap(), 10);
        assert_eq!(io.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_begun_may_be_silent() {
        let (server, mut client) = tokio::io::duplex(64);
        client.write_all(&[b'x'; PREFACE_BYTES]).await.unwrap();
        let mut io = TimedIo::new(server, BOUND, BOUND);
        let mut buffer = [0; 64];
        assert_eq!(io.read(&mut buffer).await.unwrap(), PREFACE_BYTES);
        assert!(tokio::time::timeout(BOUND * 10, io.read(&mut buffer)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (server, _client) = tokio::io::duplex(4);
        let mut io = TimedIo::new(server, BOUND, BOUND);
        assert_eq!(io.write_all(b"more than four").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
