//! OTLP on ports of its own, over real connections: gRPC and HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use vigie_inputs::{DoorPorts, InputSpec, InputState, Inputs, Protocol};
use vigie_server::http::otlp::OtlpInput;

use crate::app::TestApp;

const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// One record with the time 1 ns, which is too old, as protobuf.
const OLD_RECORD: &[u8] = b"\x0a\x0d\x12\x0b\x12\x09\x09\x01\0\0\0\0\0\0\0";

struct Listening {
    app: TestApp,
    inputs: Inputs,
    address: SocketAddr,
}

struct Outcome {
    status: u16,
    headers: HeaderMap,
    trailers: HeaderMap,
    body: Bytes,
}

impl Outcome {
    fn grpc_status(&self) -> &str {
        let status = self.trailers.get("grpc-status").or_else(|| self.headers.get("grpc-status"));
        status.map_or("none", |status| status.to_str().unwrap())
    }
}

impl Listening {
    async fn start() -> Self {
        let app = TestApp::new();
        let state = &app.state;
        let ports = DoorPorts {
            ingest: state.ingest.clone(),
            letters: state.letters.clone(),
            clock: state.clock.clone(),
            record_bytes_max: 1_000,
        };
        let mut limits = state.limits;
        limits.ingest_bytes_max = 1_000;
        let protocol = Protocol::Streams {
            address: ([127, 0, 0, 1], 0).into(),
            protocol: Arc::new(OtlpInput::new(limits)),
            tls: None,
            connections_max: 10,
        };
        let inputs = Inputs::start(vec![InputSpec { name: "otlp_grpc", protocol }], ports);
        let address = loop {
            match inputs.states()[0].numbers.listens_at {
                Some(address) => break address,
                None => tokio::task::yield_now().await,
            }
        };
        Self { app, inputs, address }
    }

    fn state(&self) -> InputState {
        self.inputs.states().remove(0)
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Outcome {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut request = Request::post(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        drop(sender);
        connection.abort();
        Outcome { status: parts.status.as_u16(), headers: parts.headers, trailers, body: collected.to_bytes() }
    }

    async fn call(&self, path: &str, message: &[u8]) -> Outcome {
        let framed = [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat();
        self.send(path, &[("content-type", "application/grpc"), ("te", "trailers")], framed).await
    }

    /// A request with one record of now.
    fn new_record(&self) -> Vec<u8> {
        let nanos = (self.app.state.clock)().as_nanos().to_le_bytes();
        [&OLD_RECORD[..7], &nanos].concat()
    }
}

#[tokio::test]
async fn calls_are_answered_in_trailers() {
    let listening = Listening::start().await;
    let stored = listening.call(EXPORT, &listening.new_record()).await;
    assert_eq!((stored.status, stored.grpc_status(), &*stored.body), (200, "0", &[0_u8; 5][..]));
    assert!(stored.trailers.contains_key("grpc-status"));
    let partly = listening.call(EXPORT, OLD_RECORD).await;
    assert_eq!(partly.grpc_status(), "0");
    assert!(partly.body.windows(7).any(|bytes| bytes == b"refused"), "{:?}", partly.body);
    assert_eq!(listening.call(EXPORT, b"\x0a\x05").await.grpc_status(), "3");
    assert_eq!(listening.call(EXPORT, &[0; 2_000]).await.grpc_status(), "8");
    assert_eq!(listening.call("/opentelemetry.x.TraceService/Export", b"").await.grpc_status(), "12");
    let numbers = listening.state().numbers;
    assert_eq!((numbers.received, numbers.stored, numbers.refused, numbers.unaccounted()), (2, 1, 1, 0));
    assert!(numbers.last_error.is_some());
}

#[tokio::test]
async fn requests_over_http_are_taken_at_the_same_port() {
    let listening = Listening::start().await;
    let (json, protobuf) = (("content-type", "application/json"), ("content-type", "application/x-protobuf"));
    let stored = listening.send("/v1/logs", &[protobuf], listening.new_record()).await;
    assert_eq!((stored.status, &*stored.body), (200, &b""[..]));
    assert_eq!(listening.send("/v1/logs", &[json], b"{}".to_vec()).await.body, "{}");
    assert_eq!(listening.send("/v1/logs", &[json], b"{".to_vec()).await.status, 400);
    assert_eq!(listening.send("/v1/logs", &[json], vec![b' '; 2_000]).await.status, 413);
    assert_eq!(listening.send("/v1/logs", &[("content-type", "text/plain")], b"{}".to_vec()).await.status, 415);
    let traces = listening.send("/v1/traces", &[json], b"{}".to_vec()).await;
    assert_eq!(traces.status, 404);
    assert!(traces.body.windows(8).any(|bytes| bytes == b"/v1/logs"));
    assert_eq!(listening.send(EXPORT, &[json], b"{}".to_vec()).await.status, 415);
}
