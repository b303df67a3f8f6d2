//! `vigie agent` as people run it: lines go from files, the journal and standard input to a server, each once, whatever is
//! killed meanwhile.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use vigie_testkit::tls::{Certificates, TlsFront};

/// For this throw-away server only.
const PASSWORD: &str = "quiet-lantern-42-orbit";
/// How long anything may take on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);

fn vigie() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VIGIE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT_MAX;
    while !is_so() {
        assert!(Instant::now() < end, "{what} did not happen in {WAIT_MAX:?}");
        thread::yield_now();
    }
}

/// A process that is ended with the test.
struct Process(Child);

impl Process {
    /// Like a power cut for the process: no signal handler runs.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// As a service manager does; it ends in order.
    fn stop(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A shop with a server and an agent, both of which can be started again over what they left.
struct Shop {
    folder: TempDir,
    port: u16,
    key: String,
}

impl Shop {
    /// With a running server.
    fn new() -> (Self, Process) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut shop = Self { folder: tempfile::tempdir().unwrap(), port, key: String::new() };
        fs::create_dir(shop.path("logs")).unwrap();
        let server = shop.serve();
        let made = shop.post("/api/api-keys", &json!({"name": "till", "scopes": ["ingest"]})).unwrap();
        shop.key = made["key"].as_str().unwrap().to_owned();
        (shop, server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn serve(&self) -> Process {
        let mut command = vigie();
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--data"]).arg(self.path("data"));
        for input in [
            "TCP",
            "UDP",
            "SYSLOG_TCP",
            "SYSLOG_UDP",
            "GELF_TCP",
            "GELF_UDP",
            "FORWARD",
            "OTLP_GRPC",
            "OTLP_HTTP",
            "BEATS",
        ] {
            command.env(format!("VIGIE_INPUT_{input}_LISTEN"), "");
        }
        command.env("VIGIE_ADMIN_PASSWORD", PASSWORD).env("VIGIE_STORAGE_FREE_BYTES_MIN", "0");
        let server = Process(command.spawn().unwrap());
        until("the server's start", || ureq::get(format!("{}/readyz", self.url())).call().is_ok());
        server
    }

    fn agent(&self, arguments: &[&str]) -> Command {
        let mut command = vigie();
        command.args(["agent", "--url", &self.url(), "--name", "till-1", "--data"]).arg(self.path("agent"));
        command.args(arguments).env("VIGIE_TOKEN", &self.key);
        command
    }

    fn status(&self) -> Output {
        let mut command = vigie();
        command.args(["agent", "status", "--data"]).arg(self.path("agent"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    fn post(&self, path: &str, body: &Json) -> Option<Json> {
        let basic = crate::app::basic("admin@localhost", PASSWORD);
        let request = ureq::post(format!("{}{path}", self.url())).header("Authorization", basic);
        request.send_json(body).ok()?.body_mut().read_json().ok()
    }

    /// How many events are stored that have this.
    fn count(&self, query: &str) -> u64 {
        let found = self.post("/api/logs/search", &json!({"query": query, "size": 1}));
        found.map_or(0, |found| found["total"]["value"].as_u64().or(found["total"].as_u64()).unwrap())
    }

    /// What is stored of these events.
    fn sources(&self, query: &str) -> Vec<Json> {
        let (mut sources, mut cursor) = (Vec::new(), Json::Null);
        loop {
            let search = json!({"query": query, "size": 1000, "cursor": cursor});
            let page = self.post("/api/logs/search", &search).unwrap();
            sources.extend(page["hits"].as_array().unwrap().iter().map(|hit| hit["_source"].clone()));
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                return sources;
            }
        }
    }
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn ten_thousand_lines_arrive_once_while_files_rotate_and_server_and_agent_are_killed() {
    const ROUNDS: usize = 10;
    const LINES: usize = 1_000;
    let (shop, server) = Shop::new();
    let pattern = shop.path("logs/app.log*").display().to_string();
    let mut server = Some(server);
    let mut agent = Some(Process(shop.agent(&[&pattern]).spawn().unwrap()));
    for round in 0..ROUNDS {
        let log = shop.path("logs/app.log");
        let first = round * LINES;
        let lines = |range: std::ops::Range<usize>| -> String {
            range.map(|number| format!("line {number} of the shop\n")).collect()
        };
        append(&log, &lines(first..first + LINES / 2));
        // A writer holds its file open while that gets another name.
        let rotated = shop.path(&format!("logs/app.log.{round}"));
        fs::rename(&log, &rotated).unwrap();
        append(&rotated, &lines(first + LINES / 2..first + LINES));
        match round {
            2 => {
                until("the first events", || shop.count("message:shop") >= 500);
                server.take().unwrap().kill();
            }
            5 => {
                let words = || String::from_utf8_lossy(&shop.status().stdout).into_owned();
                until("what waits", || words().contains("cannot send to"));
                agent.take().unwrap().kill();
            }
            6 => server = Some(shop.serve()),
            7 => agent = Some(Process(shop.agent(&[&pattern]).spawn().unwrap())),
            _ => {}
        }
    }
    let total = (ROUNDS * LINES) as u64;
    until("the last event", || shop.count("message:shop") >= total);
    agent.take().unwrap().stop();
    let sources = shop.sources("message:shop");
    let messages: BTreeSet<&str> = sources.iter().map(|source| source["message"].as_str().unwrap()).collect();
    assert_eq!((sources.len(), messages.len()), (ROUNDS * LINES, ROUNDS * LINES), "every line once");
    let source = &sources[0];
    assert_eq!((&source["agent.name"], &source["agent.type"]), (&json!("till-1"), &json!("vigie")), "{source}");
    assert!(source["log.file.path"].as_str().unwrap().contains("logs/app.log"), "{source}");
    assert!(source["log.offset"].is_u64(), "{source}");
    let status = shop.status();
    let words = String::from_utf8_lossy(&status.stdout);
    assert!(words.contains("does not run") && words.contains("0 events wait"), "{words}");
    drop(server);
}

#[test]
fn over_tls_only_a_server_of_a_trusted_authority_gets_lines() {
    let (shop, _server) = Shop::new();
    let (certificates, others) = (Certificates::default(), Certificates::default());
    let front = TlsFront::start(&certificates, ([127, 0, 0, 1], shop.port).into());
    append(&shop.path("logs/app.log"), "a line of the shop\n");
    let pattern = shop.path("logs/app.log").display().to_string();
    let agent = |url: String, authority: &Certificates| {
        let mut command = vigie();
        command.args(["agent", "--url", &url, "--data"]).arg(shop.path("agent")).arg("--ca").arg(authority.authority());
        Process(command.arg(&pattern).env("VIGIE_TOKEN", &shop.key).spawn().unwrap())
    };
    let words = || String::from_utf8_lossy(&shop.status().stdout).into_owned();
    let url = |host: &str| format!("https://{host}:{}", front.address.port());

    let stranger = agent(url("localhost"), &others);
    until("the refusal of an unknown authority", || words().contains("cannot send to"));
    assert!(words().to_lowercase().contains("certificate"), "{}", words());
    assert_eq!(shop.count("message:shop"), 0);
    stranger.stop();

    let trusting = agent(url("localhost"), &certificates);
    until("the line", || shop.count("message:shop") == 1);
    trusting.stop();

    append(&shop.path("logs/app.log"), "another line of the shop\n");
    let misnamed = agent(url("127.0.0.1"), &certificates);
    until("the refusal of another name", || words().contains("cannot send to"));
    assert_eq!(shop.count("message:shop"), 1, "the certificate is for localhost alone");
    misnamed.stop();
}

#[test]
fn a_stack_trace_is_one_event_and_standard_input_ends_the_agent() {
    let (shop, _server) = Shop::new();
    let mut command = shop.agent(&["--stdin", "--tag", "service=till", "--type", "error"]);
    let mut agent = Process(command.stdin(Stdio::piped()).spawn().unwrap());
    let mut input = agent.0.stdin.take().unwrap();
    input
        .write_all(b"pay failed\njava.io.IOException: gone\n\tat a.B.c(B.java:1)\n{\"message\":\"next\",\"n\":1}\nlast")
        .unwrap();
    drop(input);
    assert!(agent.0.wait().unwrap().success());
    let sources = shop.sources("service:till");
    let messages: BTreeSet<&str> = sources.iter().map(|source| source["message"].as_str().unwrap()).collect();
    assert_eq!(messages, BTreeSet::from(["pay failed", "next", "last"]));
    assert!(sources.iter().all(|source| source["log_type"] == "error"), "{sources:?}");
    let traced = sources.iter().find(|source| source["message"] == "pay failed").unwrap();
    assert_eq!(traced["error_type"], "java.io.IOException", "{traced}");
}

/// A program that speaks as `journalctl` does: two entries, and after them it waits until it is ended; behind the second, a
/// third one, and it ends by itself.
const JOURNALCTL: &str = r#"#!/bin/sh
case "$*" in
  --version) echo "systemd 255"; exit 0 ;;
  *--after-cursor=c3*) exec cat ;;
  *--after-cursor=c2*) echo '{"__CURSOR":"c3","__REALTIME_TIMESTAMP":"'$NOW'","MESSAGE":[99,97,102,195,169],"PRIORITY":"3","_SYSTEMD_UNIT":"cart.service"}'
    echo 'the journal was closed' >&2; exit 1 ;;
  *--unit=cart.service*)
    echo '{"__CURSOR":"c1","__REALTIME_TIMESTAMP":"'$NOW'","MESSAGE":"one","PRIORITY":"6","_SYSTEMD_UNIT":"cart.service"}'
    echo '{"__CURSOR":"c2","__REALTIME_TIMESTAMP":"'$NOW'","MESSAGE":"{\"message\":\"two\",\"n\":7}","_SYSTEMD_UNIT":"cart.service"}' ;;
  *) echo "what is this: $*" >&2; exit 1 ;;
esac
"#;

#[test]
fn the_journal_is_followed_behind_the_entry_that_was_read_last() {
    let (shop, _server) = Shop::new();
    let journalctl = shop.path("journalctl");
    fs::write(&journalctl, JOURNALCTL).unwrap();
    fs::set_permissions(&journalctl, fs::Permissions::from_mode(0o755)).unwrap();
    let config = shop.path("agent.toml");
    let journald = "[journald]\nenabled = true\nunits = [\"cart.service\"]";
    fs::write(&config, format!("{journald}\njournalctl = \"{}\"\n", journalctl.display())).unwrap();
    let now_us = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let mut command = shop.agent(&["--config", &config.display().to_string()]);
    let agent = Process(command.env("NOW", now_us.to_string()).spawn().unwrap());
    until("the third entry", || shop.count("service:cart") == 3);
    agent.stop();
    let mut sources = shop.sources("service:cart");
    sources.sort_by_key(|source| source["message"].as_str().map(str::to_owned));
    let messages: Vec<&str> = sources.iter().map(|source| source["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["café", "one", "two"]);
    assert_eq!(
        (&sources[0]["level"], &sources[1]["level"], &sources[2]["n"]),
        (&json!("ERROR"), &json!("INFO"), &json!(7))
    );
    let at = sources[1]["@timestamp"].as_str().unwrap();
    assert_eq!(at.parse::<jiff::Timestamp>().unwrap().as_microsecond(), now_us as i64);
}

#[test]
fn what_the_agent_cannot_do_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], code: i32, words: &str| {
        let mut command = vigie();
        command.args(["agent", "--data"]).arg(folder.path()).args(arguments).env("VIGIE_TOKEN", "a.b.c");
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(if code == 0 { &output.stdout } else { &output.stderr }).into_owned();
        assert_eq!((output.status.code(), said.contains(words)), (Some(code), true), "{arguments:?}: {said}");
    };
    let config = folder.path().join("agent.toml");
    fs::write(&config, "[journald]\nenabled = true\njournalctl = \"/no/such/journalctl\"\n").unwrap();
    let config = config.display().to_string();
    check(&["--url", "http://127.0.0.1:1", "--config", &config], 1, "there is no program \"/no/such/journalctl\"");
    check(&["--url", "http://127.0.0.1:1"], 2, "there is nothing to read");
    check(&["a.log"], 2, "there is no server");
    check(&["--url", "here", "a.log"], 2, "http://HOST:PORT");
    check(&["--url", "http://127.0.0.1:1", "--check", "a.log", "--name", "till-1"], 0, "\"till-1\" can be started");
    let mut status = vigie();
    let status = status.args(["agent", "status", "--data"]).arg(folder.path()).stderr(Stdio::piped()).output().unwrap();
    assert!(String::from_utf8_lossy(&status.stderr).contains("no agent has ever used"), "{status:?}");
}

#[test]
fn a_key_that_is_refused_drops_nothing() {
    let (mut shop, _server) = Shop::new();
    let good = std::mem::replace(&mut shop.key, "vigie_wrong".to_owned());
    append(&shop.path("logs/app.log"), "one of the shop\n");
    let pattern = shop.path("logs/*.log").display().to_string();
    let agent = Process(shop.agent(&[&pattern]).spawn().unwrap());
    let words = || String::from_utf8_lossy(&shop.status().stdout).into_owned();
    until("the refusal", || words().contains("answers 401"));
    assert!(words().contains("1 events wait") && words().contains("give the agent an API key"), "{}", words());
    agent.stop();
    shop.key = good;
    let _agent = Process(shop.agent(&[&pattern]).spawn().unwrap());
    until("the event", || shop.count("message:shop") == 1);
}
