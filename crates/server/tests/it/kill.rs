//! `kill -9` and `SIGTERM` while events arrive: what was acknowledged is there afterwards, once, and nothing else is.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

/// For this throw-away server only.
const PASSWORD: &str = "quiet-lantern-42-orbit";
const ROUNDS: u64 = 20;
const SENDERS: usize = 4;
const BATCH_EVENTS: u64 = 25;
/// How long a start may take on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// A running server.
struct Server {
    process: Child,
    client: Client,
}

/// Where to send.
#[derive(Clone)]
struct Client {
    url: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(folder)
            .env("VIGIE_ADMIN_PASSWORD", PASSWORD)
            .env("VIGIE_STORAGE_FREE_BYTES_MIN", "0")
            // Small, so that rounds end in the middle of writing parts too.
            .env("VIGIE_STORAGE_FLUSH_BYTES", "1000000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, client: Client { url: format!("http://127.0.0.1:{port}") } };
        let end = Instant::now() + START_MAX;
        while ureq::get(format!("{}/readyz", server.client.url)).call().is_err() {
            assert!(Instant::now() < end, "the server was not ready in {START_MAX:?}");
            thread::yield_now();
        }
        server
    }

    /// As a service manager does; it ends in order.
    fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Like a power cut for the process: no signal handler runs.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Client {
    fn token(&self) -> String {
        let login = json!({"username": "admin@localhost", "password": PASSWORD});
        let mut answer = ureq::post(format!("{}/api/auth/login", self.url)).send_json(login).unwrap();
        let answer: Json = answer.body_mut().read_json().unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, token: &str, body: &Json) -> Option<Json> {
        let request = ureq::post(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {token}"));
        request.send_json(body).ok()?.body_mut().read_json().ok()
    }

    /// Sends a file.
    fn upload(&self, token: &str, content: &str) {
        let form = format!(
            "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"shop.ndjson\"\r\n\r\n{content}\r\n--boundary--\r\n"
        );
        // The file itself is known from the second time on; it is read all the same.
        let answer = ureq::post(format!("{}/api/logs/upload?again=true", self.url))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "multipart/form-data; boundary=boundary")
            .send(form);
        assert_eq!(answer.unwrap().status(), 200);
    }

    /// The numbers of all stored events, as often as each is stored.
    fn numbers(&self, token: &str) -> Vec<u64> {
        let (mut numbers, mut cursor) = (Vec::new(), Json::Null);
        loop {
            let search = json!({"query": "n:*", "size": 1000, "cursor": cursor});
            let page = self.post("/api/logs/search", token, &search).unwrap();
            let hits = page["hits"].as_array().unwrap();
            numbers.extend(hits.iter().map(|hit| hit["_source"]["n"].as_u64().unwrap()));
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                return numbers;
            }
        }
    }

    /// Sends batches until the server is gone; each acknowledged one goes to the ledger.
    fn send_until_killed(&self, token: &str, next: &AtomicU64, ledger: &SyncSender<u64>) {
        loop {
            let first = next.fetch_add(BATCH_EVENTS, Ordering::Relaxed);
            let events: Vec<Json> = (first..first + BATCH_EVENTS)
                .map(|n| json!({"n": n, "service": "cart", "message": "added to cart"}))
                .collect();
            match self.post("/api/logs/ingest", token, &json!(events)) {
                Some(answer) => {
                    assert_eq!(answer["accepted"], json!(BATCH_EVENTS));
                    if ledger.send(first).is_err() {
                        return;
                    }
                }
                None => return,
            }
        }
    }
}

/// One round: so many batches are acknowledged, then the process ends while others are on their way.
fn round(folder: &Path, token: &mut Option<String>, next: &AtomicU64, batches: usize, end: fn(Server)) -> Vec<u64> {
    let server = Server::start(folder);
    let token: &str = token.get_or_insert_with(|| server.client.token());
    let (ledger, entries): (SyncSender<u64>, Receiver<u64>) = sync_channel(100_000);
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            let (ledger, client) = (ledger.clone(), server.client.clone());
            scope.spawn(move || client.send_until_killed(token, next, &ledger));
        }
        drop(ledger);
        let mut acknowledged: Vec<u64> = entries.iter().take(batches).collect();
        end(server);
        acknowledged.extend(entries.iter());
        acknowledged
    })
}

#[test]
fn what_was_acknowledged_survives_being_killed_twenty_times() {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicU64::new(0);
    let (mut token, mut acknowledged) = (None, BTreeSet::new());
    for number in 0..ROUNDS {
        for first in round(folder.path(), &mut token, &next, 10 + (number as usize * 37) % 60, Server::kill) {
            acknowledged.extend(first..first + BATCH_EVENTS);
        }
    }
    check(folder.path(), token.as_deref().unwrap(), &acknowledged, next.load(Ordering::Relaxed));
}

#[test]
fn told_to_stop_under_load_it_ends_in_order_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicU64::new(0);
    let (mut token, mut acknowledged) = (None, BTreeSet::new());
    for batches in [5, 40] {
        for first in round(folder.path(), &mut token, &next, batches, Server::stop) {
            acknowledged.extend(first..first + BATCH_EVENTS);
        }
    }
    check(folder.path(), token.as_deref().unwrap(), &acknowledged, next.load(Ordering::Relaxed));
}

#[test]
fn an_event_sent_ten_times_over_requests_and_files_and_crashes_is_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let token = server.client.token();
    let event = json!({"_id": "order-1", "n": 1, "message": "paid"});
    for attempt in 0..10 {
        if attempt % 2 == 0 {
            server.client.post("/api/logs/ingest", &token, &event).unwrap();
        } else {
            server.client.upload(&token, &event.to_string());
        }
        if attempt % 3 == 0 {
            server.kill();
            server = Server::start(folder.path());
        }
    }
    assert_eq!(server.client.numbers(&token), [1]);
    server.kill();
}

/// What is stored is everything that was acknowledged, nothing twice, and nothing that nobody sent.
fn check(folder: &Path, token: &str, acknowledged: &BTreeSet<u64>, sent: u64) {
    let server = Server::start(folder);
    let stored = server.client.numbers(token);
    let distinct: BTreeSet<u64> = stored.iter().copied().collect();
    assert_eq!(distinct.len(), stored.len(), "an event is stored twice");
    let lost: Vec<_> = acknowledged.difference(&distinct).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged events are lost: {lost:?}", lost.len(), acknowledged.len());
    assert!(distinct.iter().all(|n| *n < sent), "an event is stored that nobody sent");
    server.kill();
}
