//! The WebSocket of a live tail, from its client's side: plain, or over TLS with the authorities that browsers trust.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, handshake::client::Request};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::Server;
use crate::cli::Failure;
use crate::cli::remote::refusal;

/// Time to get a connection and for the server to take it.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// A message larger than this is not one of Vigie's.
const MESSAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection on which events are told.
pub(super) type Socket = WebSocketStream<Box<dyn Duplex>>;

/// Opens the tail that the question asks for.
pub(super) async fn connect(server: &Server, question: &str) -> Result<Socket, Failure> {
    let base = &server.base;
    let unanswered = |reason: &str| {
        Failure::failed(format!("the server at \"{base}\" did not answer: {reason}; is it running there"))
    };
    let opening = async {
        let stream = stream(server).await.map_err(|error| unanswered(&error.to_string()))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        match client_async_with_config(request(server, question)?, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(SocketError::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                Err(Failure::failed(refusal(answer.status(), body)))
            }
            Err(error) => Err(unanswered(&error.to_string())),
        }
    };
    match tokio::time::timeout(CONNECT_TIME_MAX, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(unanswered(&format!("not within {} seconds", CONNECT_TIME_MAX.as_secs()))),
    }
}

async fn stream(server: &Server) -> std::io::Result<Box<dyn Duplex>> {
    let host = server.uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_encrypted = server.uri.scheme_str() == Some("https");
    let port = server.uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
    let plain = TcpStream::connect((host, port)).await?;
    plain.set_nodelay(true)?;
    if !is_encrypted {
        return Ok(Box::new(plain));
    }
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, plain).await?))
}

fn request(server: &Server, question: &str) -> Result<Request, Failure> {
    // `http` and `https` become `ws` and `wss`.
    let address = format!("{}/api/logs/tail{question}", server.base.replacen("http", "ws", 1));
    let misused = |error: &dyn std::fmt::Display| Failure::misused(format!("\"{address}\" cannot be asked: {error}"));
    let mut request = address.as_str().into_client_request().map_err(|error| misused(&error))?;
    if let Some(authorization) = &server.authorization {
        let value = HeaderValue::from_str(authorization)
            .map_err(|_| Failure::misused("the token has signs that no token has; copy it again"))?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}
