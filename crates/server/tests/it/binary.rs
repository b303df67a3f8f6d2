//! The binary as people start it: over a real data folder, on a real port.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

/// A running `vigie serve`.
struct Server {
    process: Child,
    url: String,
    /// What it printed while it started.
    greeting: String,
}

fn vigie() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VIGIE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut command = vigie();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).env("VIGIE_LOG_LEVEL", "warn");
        let mut process = command.spawn().unwrap();
        let mut greeting = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        while !greeting.contains("Ctrl-C") {
            assert!(out.read_line(&mut greeting).unwrap() > 0, "vigie ended while it started: {greeting}");
        }
        let url = greeting.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        Self { process, url, greeting }
    }

    /// What the greeting says of this.
    fn said(&self, what: &str) -> Option<&str> {
        let line = self.greeting.lines().find_map(|line| line.trim().strip_prefix(what))?;
        line.split_whitespace().next()
    }

    fn login(&self, password: &str) -> Result<String, ureq::Error> {
        let body = json!({"username": "admin@localhost", "password": password});
        let mut answer = ureq::post(format!("{}/api/auth/login", self.url)).send_json(body)?;
        Ok(answer.body_mut().read_json::<Json>()?["access_token"].as_str().unwrap().to_owned())
    }

    /// Stops it as a service manager does; it ends in order.
    fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        let status = self.process.wait().unwrap();
        let mut words = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert!(status.success() && words.contains("vigie has stopped"), "{status}: {words}");
    }
}

/// A test that fails must not leave its server behind.
impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn the_first_start_shows_a_password_and_the_next_none() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(&folder.path().join("data"));
    let password = first.said("password").unwrap().to_owned();
    assert_eq!(first.said("user name"), Some("admin@localhost"));
    assert!(first.login(&password).is_ok());
    assert!(first.login("some-other-words-17").is_err());
    first.stop();

    let second = Server::start(&folder.path().join("data"));
    assert_eq!(second.said("password"), None, "{}", second.greeting);
    assert!(second.login(&password).is_ok());
    second.stop();
}

#[test]
fn a_refused_password_is_named_by_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let check = |variable: &str, arguments: &[&str]| {
        let mut command = vigie();
        let refused =
            command.args(arguments).arg("--data").arg(folder.path()).env(variable, "too short").output().unwrap();
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{words}");
        assert!(words.contains(&format!("{variable}: the password has 9 characters")), "{words}");
    };
    check("VIGIE_ADMIN_PASSWORD", &["serve", "--listen", "127.0.0.1:0"]);
    check("VIGIE_USER_PASSWORD", &["user", "add", "marie@example.com"]);
}

#[test]
fn files_are_imported_into_a_running_server_and_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("shop.ndjson");
    let lines: String = (0..300).map(|n| format!("{{\"level\":\"INFO\",\"message\":\"event {n}\"}}\n")).collect();
    std::fs::write(&file, lines).unwrap();

    let server = Server::start(&data);
    let token = server.login(server.said("password").unwrap()).unwrap();
    let import = |token: &str| {
        let mut command = vigie();
        command.args(["import", "--json", "--url", &server.url]).arg(&file).env("VIGIE_TOKEN", token);
        command.output().unwrap()
    };
    let refused = import("no.such.token");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("VIGIE_TOKEN"));
    let imported = import(&token);
    assert_eq!(imported.status.code(), Some(0), "{}", String::from_utf8_lossy(&imported.stderr));
    let report: Json = serde_json::from_slice(&imported.stdout).unwrap();
    assert_eq!(report["records_processed"], 300, "{report}");
    server.stop();

    let found = vigie().args(["query", "message:event", "--limit", "1000", "--json", "--data"]).arg(&data).output();
    let found = found.unwrap();
    assert_eq!(found.status.code(), Some(0), "{}", String::from_utf8_lossy(&found.stderr));
    assert_eq!(String::from_utf8_lossy(&found.stdout).lines().count(), 300);
}

#[test]
fn a_tail_shows_what_is_stored_and_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let token = server.login(server.said("password").unwrap()).unwrap();
    let mut command = vigie();
    command.args(["tail", "message:paid", "--url", &server.url]).env("VIGIE_TOKEN", &token);
    let mut tail = command.spawn().unwrap();
    let (mut said, mut shown) = (String::new(), String::new());
    let mut err = BufReader::new(tail.stderr.take().unwrap());
    assert!(err.read_line(&mut said).unwrap() > 0 && said.contains("Ctrl-C ends it"), "{said}");
    let ingest =
        ureq::post(format!("{}/api/logs/ingest", server.url)).header("authorization", format!("Bearer {token}"));
    ingest.send_json(json!([{"message": "cart"}, {"message": "order paid"}])).unwrap();
    BufReader::new(tail.stdout.take().unwrap()).read_line(&mut shown).unwrap();
    assert!(shown.contains("order paid"), "{shown}");
    kill_process(Pid::from_child(&tail), Signal::INT).unwrap();
    assert!(tail.wait().unwrap().success());
    err.read_to_string(&mut said).unwrap();
    assert!(said.ends_with("1 events\n"), "{said}");
    server.stop();
}
