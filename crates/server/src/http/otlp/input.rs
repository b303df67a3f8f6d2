//! The input of OTLP on ports of its own: gRPC and HTTP, told apart by what is sent. There is no login.
//!
//! A web page cannot send here: no browser sends these media types to another origin without asking first, and nothing
//! here says yes.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use vigie_domain::Error;
use vigie_inputs::{AnsweringDoor, Connection, Cut, Door, StreamProtocol};
use vigie_pipeline::otlp::Encoding;

use super::{LOGS_PATH, answer, content_type, encoding_of, grpc, refuse, respond, sent};
use crate::http::auth::ClientAddress;
use crate::http::body::{BodyLimit, BoundedBody};
use crate::http::error::Problem;
use crate::http::routes::logs::{check_encoding, receive};
use crate::http::serve::{ServeBounds, serve_connection};
use crate::http::state::Limits;

/// `LogsService/Export` of `logs_service.proto`.
const EXPORT_PATH: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Speaks OTLP on connections.
pub struct OtlpInput {
    limits: Limits,
}

/// What the handlers of a connection share.
#[derive(Clone)]
struct Way {
    door: AnsweringDoor,
    limits: Limits,
}

impl OtlpInput {
    /// Of bodies within these bounds.
    pub const fn new(limits: Limits) -> Self {
        Self { limits }
    }
}

#[async_trait]
impl StreamProtocol for OtlpInput {
    async fn serve(&self, connection: &mut Connection, door: &Door) -> Result<(), Cut> {
        let peer = connection.peer;
        let way = Way { door: door.answering(), limits: self.limits };
        let router = Router::new()
            .route(LOGS_PATH, post(export_http))
            .route(EXPORT_PATH, post(export_call))
            .fallback(unknown)
            .with_state(Arc::new(way));
        serve_connection(connection.take(), peer, router, ServeBounds::default(), door.stopped()).await;
        Ok(())
    }
}

impl Way {
    /// The body, within its bounds and the room that there is; what `read` makes of it is stored.
    async fn store(
        &self,
        request: Request,
        read: impl FnOnce(&HeaderMap, Bytes) -> Result<(Encoding, Bytes), Problem>,
    ) -> Result<Vec<u8>, Problem> {
        let (parts, body) = request.into_parts();
        let body = Body::new(BoundedBody::new(body, self.limits.of(BodyLimit::Ingest))?);
        let mut admission = self.door.admit();
        let body = receive(body, &mut admission).await?;
        let (encoding, message) = read(&parts.headers, body)?;
        let sender = parts.extensions.get::<ClientAddress>().map(|address| address.0);
        let report = self.door.store(sender, sent(encoding, message)).await?;
        Ok(answer(encoding, &report))
    }
}

async fn export_http(State(way): State<Arc<Way>>, request: Request) -> Response {
    let encoding = encoding_of(request.headers());
    let stored = way.store(request, |headers, body| {
        check_encoding(headers)?;
        Ok((encoding_named(headers)?, body))
    });
    match stored.await {
        Ok(message) => respond(StatusCode::OK, encoding, message),
        Err(problem) => told(&problem, refuse(&problem, encoding)),
    }
}

/// The encoding that the request names.
fn encoding_named(headers: &HeaderMap) -> Result<Encoding, Problem> {
    content_type(headers)
        .parse()
        .map_err(|error: vigie_pipeline::otlp::UnknownMediaType| Problem::unsupported_media_type(error.to_string()))
}

async fn export_call(State(way): State<Arc<Way>>, request: Request) -> Response {
    if !grpc::is_call(request.headers()) {
        let problem = Problem::unsupported_media_type("this path takes gRPC; over HTTP, logs go to /v1/logs");
        return refuse(&problem, encoding_of(request.headers()));
    }
    let stored = way.store(request, |headers, body| Ok((Encoding::Protobuf, grpc::message_of(headers, &body)?)));
    match stored.await {
        Ok(message) => grpc::respond(&message),
        Err(problem) => told(&problem, grpc::refuse(&problem)),
    }
}

/// What really happened goes to the log, the sender hears only that it did.
fn told(problem: &Problem, response: Response) -> Response {
    if let Some(cause) = problem.cause() {
        tracing::error!(cause, "a request of OTLP failed inside vigie");
    }
    response
}

async fn unknown(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if grpc::is_call(&headers) {
        return grpc::unimplemented(uri.path());
    }
    let path: String = uri.path().chars().take(200).collect();
    let words = format!("there is no \"{method} {path}\" here; Vigie takes logs, with POST {LOGS_PATH}");
    refuse(&Problem::from(Error::not_found(words)), encoding_of(&headers))
}
