//! The live tail over a real WebSocket: who is let in, what is told, how it ends.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use vigie_app::accounts::{KeyScope, NewKey, Role};
use vigie_server::cli::Outcome;
use vigie_server::http::serve::{ServeBounds, serve};

use crate::app::{PASSWORD, TestApp, basic};
use crate::command_line::vigie;

/// Long enough that only what never comes reaches it.
const FAR: Duration = Duration::from_secs(20);

struct Server {
    app: TestApp,
    address: SocketAddr,
    token: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

type Socket = WebSocketStream<TcpStream>;

impl Server {
    async fn start() -> Self {
        let app = TestApp::new();
        let token = app.token(Role::Analyst).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = app.router.clone();
        let stopping = async move { drop(stopped.await) };
        let served = serve(listener, router, app.state.metrics.clone(), ServeBounds::default(), stopping);
        Self { app, address, token, stop, task: tokio::spawn(served) }
    }

    async fn connect(&self, path: &str, headers: &[(header::HeaderName, String)]) -> Result<Socket, u16> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(SocketError::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn tail(&self, path: &str) -> Socket {
        self.connect(path, &[self.bearer()]).await.unwrap()
    }

    fn bearer(&self) -> (header::HeaderName, String) {
        (header::AUTHORIZATION, format!("Bearer {}", self.token))
    }

    async fn ingest(&self, event: &Json) {
        let bearer = format!("Bearer {}", self.token);
        let answer = self.app.post_with("/api/logs/ingest", event, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

async fn frame(socket: &mut Socket) -> Message {
    let next = tokio::time::timeout(FAR, socket.next()).await;
    next.expect("the tail says nothing").expect("the tail has ended").unwrap()
}

/// The next message of that type.
async fn message(socket: &mut Socket, of_type: &str) -> Json {
    loop {
        if let Message::Text(text) = frame(socket).await {
            let message: Json = serde_json::from_str(text.as_str()).unwrap();
            if message["type"] == of_type {
                return message;
            }
        }
    }
}

async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        if let Message::Close(frame) = frame(socket).await {
            return frame.unwrap().code.into();
        }
    }
}

async fn say(socket: &mut Socket, message: &Json) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

#[tokio::test]
async fn events_are_told_as_a_search_finds_them() {
    let server = Server::start().await;
    let mut socket = server.tail("/api/logs/tail?query=level:error&log_type=error&rate=7").await;
    let hello = message(&mut socket, "hello").await;
    assert_eq!(hello, json!({"type": "hello", "query": "level:error", "filters": {"log_type": ["error"]}, "rate": 7}));
    server.ingest(&json!({"level": "info", "message": "fine", "log_type": "error"})).await;
    server.ingest(&json!({"level": "error", "message": "card refused", "log_type": "error"})).await;
    let told = message(&mut socket, "events").await;
    let (asked, bearer) = (json!({"query": "level:error"}), server.bearer().1);
    let found = server.app.post_with("/api/logs/search", &asked, &[("authorization", &bearer)]).await;
    assert_eq!(told["hits"], found.json()["hits"]);
    let stats = message(&mut socket, "stats").await;
    assert_eq!((&stats["matched"], &stats["sent"], &stats["dropped"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(stats["sampled_one_of"], Json::Null);
    let metrics = server.app.state.metrics.encode().unwrap();
    assert!(metrics.contains("vigie_tails 1\n") && metrics.contains("vigie_tail_events_sent_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn a_wrong_question_is_told_at_its_place_and_another_may_follow() {
    let server = Server::start().await;
    let mut socket = server.tail("/api/logs/tail?query=level:(error").await;
    let error = message(&mut socket, "error").await;
    assert_eq!(error["problem"]["status"], 400);
    assert_eq!(error["problem"]["errors"][0]["field"], "query");
    assert!(error["problem"]["errors"][0]["span"].is_array(), "{error}");
    say(&mut socket, &json!({"type": "dance"})).await;
    assert_eq!(message(&mut socket, "error").await["problem"]["status"], 422);
    say(&mut socket, &json!({"type": "query", "query": "", "rate": 100_000})).await;
    assert_eq!(message(&mut socket, "error").await["problem"]["errors"][0]["field"], "rate");
    say(&mut socket, &json!({"type": "query", "query": "message:paid"})).await;
    assert_eq!(message(&mut socket, "hello").await["rate"], 100);
    server.ingest(&json!({"message": "paid"})).await;
    assert_eq!(message(&mut socket, "events").await["hits"][0]["_source"]["message"], "paid");
}

#[tokio::test]
async fn a_paused_tail_only_counts() {
    let server = Server::start().await;
    let mut socket = server.tail("/api/logs/tail").await;
    message(&mut socket, "hello").await;
    say(&mut socket, &json!({"type": "pause"})).await;
    while message(&mut socket, "stats").await["paused"] != true {}
    server.ingest(&json!({"message": "unseen"})).await;
    while message(&mut socket, "stats").await["withheld"] != 1 {}
    say(&mut socket, &json!({"type": "resume"})).await;
    while message(&mut socket, "stats").await["paused"] != false {}
    server.ingest(&json!({"message": "seen"})).await;
    assert_eq!(message(&mut socket, "events").await["hits"][0]["_source"]["message"], "seen");
}

#[tokio::test]
async fn only_callers_who_may_read_logs_are_let_in() {
    let server = Server::start().await;
    let accounts = &server.app.state.accounts;
    server.app.token(Role::Viewer).await;
    let maker = accounts.authenticate_password("viewer@example.com", PASSWORD, [127, 0, 0, 1].into()).await.unwrap();
    let key = async |scope: KeyScope| {
        let new = NewKey { name: scope.to_string(), scopes: vec![scope], expires_in_days: None };
        format!("ApiKey {}", accounts.make_key(&maker, &new).await.unwrap().text.plain())
    };
    let proven =
        async |proof: String| server.connect("/api/logs/tail", &[(header::AUTHORIZATION, proof)]).await.map(drop);
    assert_eq!(server.connect("/api/logs/tail", &[]).await.err(), Some(401));
    assert_eq!(proven("Bearer no.such.token".into()).await, Err(401));
    assert_eq!(proven(key(KeyScope::Ingest).await).await, Err(403));
    assert_eq!(proven(key(KeyScope::Read).await).await, Ok(()));
    assert_eq!(proven(basic("viewer@example.com", PASSWORD)).await, Ok(()));
    let answer = server.app.send(crate::app::request(
        axum::http::Method::GET,
        "/api/logs/tail",
        &[("authorization", &server.bearer().1)],
        axum::body::Body::empty(),
    ));
    answer.await.assert_problem(400);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let server = Server::start().await;
    let cookie = (header::COOKIE, format!("__Host-vigie_access={}", server.token));
    let from = async |origin: String| {
        server.connect("/api/logs/tail", &[cookie.clone(), (header::ORIGIN, origin)]).await.map(drop)
    };
    assert_eq!(from(format!("http://{}", server.address)).await, Ok(()));
    assert_eq!(from("https://evil.example".into()).await, Err(403));
    assert_eq!(from("null".into()).await, Err(403));
    assert_eq!(server.connect("/api/logs/tail", std::slice::from_ref(&cookie)).await.err(), Some(403));
}

#[tokio::test]
async fn a_tail_ends_with_its_session() {
    let server = Server::start().await;
    let mut socket = server.tail("/api/logs/tail").await;
    message(&mut socket, "stats").await;
    let caller = server.app.state.accounts.authenticate(&server.token).await.unwrap();
    server.app.state.accounts.logout(&caller).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 4401);
}

#[tokio::test]
async fn more_tails_than_allowed_are_told_so() {
    let server = Server::start().await;
    let mut open = Vec::new();
    for _ in 0..10 {
        let mut socket = server.tail("/api/logs/tail").await;
        message(&mut socket, "hello").await;
        open.push(socket);
    }
    let mut refused = server.tail("/api/logs/tail").await;
    assert_eq!(message(&mut refused, "error").await["problem"]["status"], 429);
    assert_eq!(close_code(&mut refused).await, 1013);
}

#[tokio::test]
async fn frames_that_are_no_text_or_too_large_end_it() {
    let server = Server::start().await;
    let mut socket = server.tail("/api/logs/tail").await;
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1003);
    let mut socket = server.tail("/api/logs/tail").await;
    message(&mut socket, "hello").await;
    // The server may have ended before all was taken.
    drop(socket.send(Message::text("x".repeat(100_000))).await);
    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
    tokio::time::timeout(FAR, ended).await.expect("a message that is too large is taken");
}

#[tokio::test]
async fn the_end_of_the_server_is_told() {
    let server = Server::start().await;
    let mut socket = server.tail("/api/logs/tail").await;
    message(&mut socket, "hello").await;
    server.app.state.tails.stop();
    server.stop.send(()).unwrap();
    assert_eq!(close_code(&mut socket).await, 1001);
    drop(socket);
    assert!(server.app.state.tails.ended(FAR).await);
    tokio::time::timeout(FAR, server.task).await.expect("the server does not end").unwrap();
}

/// Runs `vigie tail` with these arguments, as an analyst or with another token.
fn command(server: &Server, token: &str, arguments: &[&str]) -> JoinHandle<(Outcome, String, String)> {
    let url = format!("http://{}", server.address);
    let arguments: Vec<String> = ["tail", "--url", &url, "--token", token]
        .iter()
        .chain(arguments)
        .map(|argument| (*argument).to_owned())
        .collect();
    tokio::task::spawn_blocking(move || vigie(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
}

#[tokio::test]
async fn the_command_shows_events_as_they_are_stored() {
    let server = Server::start().await;
    let asked = ["level:error", "--limit", "2", "--json"];
    for (arguments, is_json) in [(&asked[..3], false), (&asked[..], true)] {
        let running = command(&server, &server.token, arguments);
        while !running.is_finished() {
            server.ingest(&json!({"level": "info", "message": "fine"})).await;
            server.ingest(&json!({"level": "error", "message": "card \u{1b}[31m refused"})).await;
        }
        let (outcome, out, err) = running.await.unwrap();
        assert_eq!(outcome, Outcome::Done, "{err}");
        assert_eq!(out.lines().count(), 2, "{out}");
        assert!(!out.contains('\u{1b}') && out.lines().all(|line| line.contains("refused")), "{out}");
        assert_eq!(out.lines().all(|line| serde_json::from_str::<Json>(line).is_ok()), is_json, "{out}");
        assert_eq!(err.contains("events with level:error, at most 100 a second"), !is_json, "{err}");
    }
}

#[tokio::test]
async fn the_command_says_why_it_ends() {
    let server = Server::start().await;
    let failed = async |token: &str, arguments: &[&str], words: &str| {
        let (outcome, out, err) = command(&server, token, arguments).await.unwrap();
        assert_eq!((outcome, out.as_str()), (Outcome::Failed, ""), "{err}");
        assert!(err.contains(words), "{err}");
    };
    failed("no.such.token", &[], "VIGIE_TOKEN").await;
    failed(&server.token, &["level:(error"], "vigie: ").await;
    failed(&server.token, &["--rate", "5000"], "a tail is sent 1 to 1000 events per second").await;
    failed(&server.token, &["--log-type", "payments"], "payments").await;
    let running = command(&server, &server.token, &[]);
    while server.app.state.tails.numbers().open == 0 {
        tokio::task::yield_now().await;
    }
    server.app.state.tails.stop();
    let (outcome, _, err) = running.await.unwrap();
    assert!(outcome == Outcome::Failed && err.contains("vigie is being stopped"), "{err}");
}
