//! A connection, encrypted or not, and what speaks on it.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::cut::Cut;
use crate::door::Door;

/// What is spoken on connections.
#[async_trait]
pub trait StreamProtocol: Send + Sync + 'static {
    /// Speaks on one connection until its sender closes it or the process is to end.
    ///
    /// # Errors
    /// When the connection is to be closed for something that the sender did.
    async fn serve(&self, connection: &mut Connection, door: &Door) -> Result<(), Cut>;
}

/// Bytes both ways.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// One connection.
pub struct Connection {
    /// Who is at its other end.
    pub peer: IpAddr,
    stream: Box<dyn Duplex>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Connection {
    /// Over any stream of bytes.
    pub fn new(peer: IpAddr, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { peer, stream: Box::new(stream) }
    }

    /// Takes the stream out, for protocols whose library wants to own it; what stays is at its end.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self { peer: self.peer, stream: std::mem::replace(&mut self.stream, Box::new(tokio::io::empty())) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}
