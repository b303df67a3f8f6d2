//! Those who come from Logstash: a configuration is imported, its settings and its pipeline are taken as they are, and a
//! line over TCP reaches its grok whole.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

/// For this throw-away server only.
const PASSWORD: &str = "quiet-lantern-42-orbit";
/// How long anything may take on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// An access log, which Vigie would read by itself, and two lines that a pattern joins.
const SENT: &str = "192.0.2.1 - ann [23/Nov/2026:14:04:05 +0000] \"GET /cart HTTP/1.1\" 200 512\n\
                    {\"a\":1}\n\
                    192.0.2.2 - bob [23/Nov/2026:14:04:06 +0000] \"GET /pay HTTP/1.1\" 500 7\n";
const FILTER: &str = r#"
filter {
  grok { match => { "message" => "(?m)^%{IP:caller} - %{USER:who} \[%{HTTPDATE:at}\] \"%{WORD:does} %{NOTSPACE:what} %{DATA}\" %{INT:answer:int} %{INT:size:int}(?:\n%{GREEDYDATA:below})?$" } }
}
output { elasticsearch { } }
"#;

fn vigie() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VIGIE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// A process that is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + WAIT_MAX;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not happen in {WAIT_MAX:?}");
        thread::yield_now();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn an_imported_grok_finds_whole_lines_over_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let (port, tcp_port) = (free_port(), free_port());
    let pipelines = folder.path().join("data/pipelines");
    fs::create_dir_all(&pipelines).unwrap();
    let configuration = folder.path().join("logstash.conf");
    let codec = r#"codec => multiline { pattern => "^%{IP} " negate => true what => "previous" }"#;
    let input = format!("input {{ tcp {{ host => \"127.0.0.1\" port => {tcp_port} {codec} }} }}");
    fs::write(&configuration, format!("{input}{FILTER}")).unwrap();

    let imported = vigie()
        .args(["pipeline", "import", "--json", "--strict", "--out"])
        .arg(pipelines.join("default.toml"))
        .arg(&configuration)
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stdout));
    let report: Json = serde_json::from_slice(&imported.stdout).unwrap();
    let settings = folder.path().join("vigie.toml");
    fs::write(&settings, report["settings"].as_str().unwrap()).unwrap();

    let mut command = vigie();
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--config"]).arg(&settings);
    command.arg("--data").arg(folder.path().join("data")).stdout(Stdio::null());
    for input in
        ["UDP", "SYSLOG_TCP", "SYSLOG_UDP", "GELF_TCP", "GELF_UDP", "FORWARD", "OTLP_GRPC", "OTLP_HTTP", "BEATS"]
    {
        command.env(format!("VIGIE_INPUT_{input}_LISTEN"), "");
    }
    command.env("VIGIE_ADMIN_PASSWORD", PASSWORD).env("VIGIE_STORAGE_FREE_BYTES_MIN", "0");
    let _server = Process(command.spawn().unwrap());
    let mut stream = until("the input's start", || TcpStream::connect(("127.0.0.1", tcp_port)).ok());
    stream.write_all(SENT.as_bytes()).unwrap();
    drop(stream);

    let found = until("the events' arrival", || search(port).filter(|events| events.len() == 2));
    let field = |number: usize, name: &str| found[number][name].clone();
    assert_eq!(field(0, "caller"), "192.0.2.1", "{found:#?}");
    assert_eq!(
        (field(0, "who"), field(0, "answer"), field(0, "below")),
        (json!("ann"), json!(200), json!("{\"a\":1}"))
    );
    assert_eq!(
        (field(1, "what"), field(1, "size"), field(1, "tags")),
        (json!("/pay"), json!(7), json!(["_no_timestamp"]))
    );
    assert_eq!(found[0]["message"], SENT.lines().take(2).collect::<Vec<_>>().join("\n"));
    assert_eq!(found[1]["message"], SENT.lines().nth(2).unwrap());
}

/// The events of the store by their callers; `None` while it cannot be asked.
fn search(port: u16) -> Option<Vec<Json>> {
    let url = format!("http://127.0.0.1:{port}/elasticsearch/_search");
    let login = crate::app::basic("admin@localhost", PASSWORD);
    let asked = json!({"query": {"exists": {"field": "message"}}});
    let mut answer = ureq::post(url).header("authorization", &login).send_json(asked).ok()?;
    let answer: Json = answer.body_mut().read_json().ok()?;
    let mut found: Vec<Json> = answer["hits"]["hits"].as_array()?.iter().map(|hit| hit["_source"].clone()).collect();
    found.sort_by_key(|event| event["caller"].to_string());
    Some(found)
}
