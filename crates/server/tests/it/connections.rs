//! Connections over a real socket: silent clients, draining, HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vigie_server::http::serve::{ServeBounds, serve};
use vigie_server::metrics::Metrics;

/// Long enough that only a server which never gives up reaches it.
const FAR: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    metrics: Arc<Metrics>,
}

async fn start(router: Router, bounds: ServeBounds) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let metrics = Arc::new(Metrics::new());
    let served = serve(listener, router, metrics.clone(), bounds, async move { drop(stopped.await) });
    Server { address, stop, task: tokio::spawn(served), metrics }
}

fn hurried() -> ServeBounds {
    ServeBounds { header_time_max: Duration::from_millis(150), ..ServeBounds::default() }
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// What the server sends until it closes the connection.
async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(FAR, stream.read_to_end(&mut bytes)).await;
    // A reset is a close as well.
    let _ = read.expect("the server keeps a connection on which nothing comes");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn check_closed(sent: &str) {
    let server = start(hello(), hurried()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut stream).await;
    assert!(!answer.contains("200 OK"), "{sent:?}: {answer}");
}

#[tokio::test]
async fn a_client_that_never_finishes_its_head_is_closed() {
    check_closed("").await;
    check_closed("G").await;
    check_closed("PRI * HT").await;
    check_closed("GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let server = start(hello(), hurried()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(read_to_close(&mut stream).await.ends_with("hello"));
    assert!(server.metrics.encode().unwrap().contains("vigie_http_connections "));
}

#[tokio::test]
async fn requests_under_way_end_before_the_server_does() {
    let (release, released) = oneshot::channel::<()>();
    let (begun_sender, begun) = oneshot::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(Some((begun_sender, released))));
    let router = Router::new().route(
        "/",
        get(async move || {
            let (begun, released) = held.lock().unwrap().take().unwrap();
            begun.send(()).unwrap();
            released.await.unwrap();
            "late answer"
        }),
    );
    let server = start(router, ServeBounds::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    begun.await.unwrap();
    server.stop.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!server.task.is_finished());
    release.send(()).unwrap();
    assert!(read_to_close(&mut stream).await.ends_with("late answer"));
    tokio::time::timeout(FAR, server.task).await.expect("the server does not end").unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let router = Router::new().route("/", get(async || std::future::pending::<&str>().await));
    let bounds = ServeBounds { drain_time_max: Duration::from_millis(50), ..ServeBounds::default() };
    let server = start(router, bounds).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    server.stop.send(()).unwrap();
    tokio::time::timeout(FAR, server.task).await.expect("the server does not end").unwrap();
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let bounds = ServeBounds { connections_max: 1, ..ServeBounds::default() };
    let server = start(hello(), bounds).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut head = [0; 15];
    first.read_exact(&mut head).await.unwrap();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let waits = tokio::time::timeout(Duration::from_millis(100), second.read_exact(&mut head)).await;
    assert!(waits.is_err(), "the second connection was served beside the first");
    drop(first);
    assert!(read_to_close(&mut second).await.ends_with("hello"));
}

#[tokio::test]
async fn work_for_a_client_that_leaves_is_dropped() {
    /// Says so when it is dropped.
    struct Work(Option<oneshot::Sender<()>>);
    impl Drop for Work {
        fn drop(&mut self) {
            self.0.take().unwrap().send(()).unwrap();
        }
    }
    let (dropped_sender, dropped) = oneshot::channel();
    let (begun_sender, begun) = oneshot::channel();
    let held = Arc::new(std::sync::Mutex::new(Some((begun_sender, Work(Some(dropped_sender))))));
    let router = Router::new().route(
        "/",
        get(async move || {
            let (begun, _work) = held.lock().unwrap().take().unwrap();
            begun.send(()).unwrap();
            std::future::pending::<&str>().await
        }),
    );
    let server = start(router, ServeBounds::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    begun.await.unwrap();
    drop(stream);
    tokio::time::timeout(FAR, dropped).await.expect("the server works on for nobody").unwrap();
}
