//! What inputs promise, over real sockets and a store in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use vigie_app::dead_letters::{DeadLetter, DeadLetters};
use vigie_app::ingest::{Ingest, IngestSettings};
use vigie_app::listing::ListRequest;
use vigie_domain::ports::{Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::{Object, Scope, TimeRange, Timestamp};
use vigie_pipeline::Redactor;
use vigie_testkit::LinearStore;
use vigie_testkit::tls::Certificates;

use crate::*;

const NOW: Timestamp = Timestamp::from_seconds(1_795_442_645);
pub(crate) const RECORD_BYTES_MAX: usize = 100_000;
pub(crate) const STOP_MAX: Duration = Duration::from_secs(10);

/// One input over a store in memory.
pub(crate) struct Bench {
    pub(crate) inputs: Inputs,
    pub(crate) letters: DeadLetters,
    pub(crate) store: Arc<LinearStore>,
    _folder: TempDir,
}

pub(crate) fn streams(protocol: impl StreamProtocol, tls: Option<TlsFiles>) -> Protocol {
    streams_at((Ipv4Addr::LOCALHOST, 0).into(), protocol, tls)
}

fn streams_at(address: SocketAddr, protocol: impl StreamProtocol, tls: Option<TlsFiles>) -> Protocol {
    Protocol::Streams { address, protocol: Arc::new(protocol), tls, connections_max: 10 }
}

impl Bench {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self::over(Arc::new(LinearStore::default()), protocol)
    }

    /// Over a store that may hold events already.
    pub(crate) fn over(store: Arc<LinearStore>, protocol: Protocol) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: vigie_app::Clock = Arc::new(|| NOW);
        let settings = IngestSettings {
            window_past_days: 90,
            window_ahead_minutes: 10,
            record_bytes_max: RECORD_BYTES_MAX,
            processors: 2,
            redactor: Arc::new(Redactor::new(&[7; 32]).unwrap()),
        };
        let letters = DeadLetters::open(folder.path().join("letters"), 1 << 30, clock.clone()).unwrap();
        let ports = DoorPorts {
            ingest: Arc::new(Ingest::new(store.clone(), clock.clone(), settings)),
            letters: letters.clone(),
            clock,
            record_bytes_max: RECORD_BYTES_MAX,
        };
        let inputs = Inputs::start(vec![InputSpec { name: "test", protocol }], ports);
        Self { inputs, letters, store, _folder: folder }
    }

    pub(crate) fn numbers(&self) -> NumbersNow {
        self.inputs.states()[0].numbers.clone()
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&NumbersNow) -> bool) {
        let wait = async {
            while !is_so(&self.numbers()) {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(STOP_MAX, wait).await.is_ok(), "it never came: {:?}", self.numbers());
    }

    pub(crate) async fn address(&self) -> SocketAddr {
        self.until(|numbers| numbers.listens_at.is_some()).await;
        self.inputs.states()[0].address.unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address().await).await.unwrap()
    }

    /// Sends the bytes over a connection of its own, until the other end has closed it too.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Vec<u8> {
        send_on(self.connect().await, bytes).await
    }

    /// Every event stored, in the order of arrival where times are the same.
    pub(crate) async fn bodies(&self) -> Vec<Object> {
        let request = SearchRequest {
            selection: Selection { query: Query::All, range: TimeRange::ALL },
            order: SortOrder::OldestFirst,
            after: None,
            skip: 0,
            limit: 10_000,
            count_total: false,
            fields: Fields::All,
        };
        let found = self.store.search(&Scope::main(), &request).await.unwrap();
        found.hits.into_iter().map(|hit| hit.source).collect()
    }

    /// The text of a field of every event stored, where it has the field.
    pub(crate) async fn texts(&self, field: &str) -> Vec<String> {
        let bodies = self.bodies().await;
        let values = bodies.iter().filter_map(|body| body.iter().find(|(name, _)| name == field));
        values.filter_map(|(_, value)| value.as_text().map(str::to_owned)).collect()
    }

    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        self.letters.list(&ListRequest::default()).await.unwrap().entries
    }
}

async fn send_on(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Vec<u8> {
    // The other end may close before everything was sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn lines_of_any_kind_are_events() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let sent = "{\"message\":\"one\"}\r\n\n[{\"message\":\"two\"},{\"message\":\"three\"}]\n{broken\nfive";
    bench.send(sent.as_bytes()).await;
    assert_eq!(bench.texts("message").await, ["one", "two", "three", "{broken", "five"]);
    let numbers = bench.numbers();
    assert_eq!((numbers.received, numbers.stored, numbers.unaccounted()), (5, 5, 0));
    assert_eq!((numbers.connections, numbers.connections_total, numbers.bytes), (0, 1, sent.len() as u64));
    assert_eq!(numbers.sources[0].events, 5);
}

/// Lines of every form, an array of JSON and what looks like a length among them.
const FORMS: [&str; 9] = [
    r#"{"message":"one"}"#,
    r#"[{"message":"two"}]"#,
    r#"192.0.2.1 - - [23/Nov/2026:14:04:05 +0000] "GET / HTTP/1.1" 200 5"#,
    "<34>Nov 23 14:00:00 web-1 su[7]: denied",
    "  level=error ms=5  ",
    "CEF:0|a|b|1|2|c|3|",
    "2026-11-23 14:04:05,123 ERROR shop.Cart - failed",
    "\tat a.B.c(B.java:1)",
    "404 {not found}",
];

#[tokio::test]
async fn plain_lines_are_left_whole() {
    let plain = LineForm { format: LineFormat::Plain, joining: Joining::Off };
    let bench = Bench::new(streams(OneWay::new(Lines::new(plain.clone())), None));
    bench.send(format!("{}\r\n \n\nlast", FORMS.join("\n")).as_bytes()).await;
    let mut expected: Vec<&str> = FORMS.into_iter().chain(["last"]).collect();
    expected.sort_unstable();
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    assert_eq!(sorted(bench.texts("message").await), expected);
    assert!(bench.bodies().await.iter().all(|body| !body.iter().any(|(name, _)| name == "host" || name == "ms")));
    assert_eq!(bench.numbers().unaccounted(), 0);

    let bench = Bench::new(Protocol::Datagrams {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        protocol: Arc::new(Lines::new(plain)),
    });
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(format!("{}\nlast\n", FORMS.join("\n")).as_bytes(), bench.address().await).await.unwrap();
    bench.until(|numbers| numbers.stored == 10).await;
    assert_eq!(sorted(bench.texts("message").await), expected);
}

#[tokio::test]
async fn plain_messages_of_syslog_are_left_whole() {
    let bench = Bench::new(streams(OneWay::new(Syslog::new(LineFormat::Plain)), None));
    let message = "<34>1 2026-11-23T14:00:00Z web-1 su 7 - - {\"a\":1}";
    bench.send(format!("{} {message}{message}\n", message.len()).as_bytes()).await;
    assert_eq!(bench.texts("message").await, [message, message]);
    assert_eq!(bench.texts("host").await, Vec::<String>::new());
}

#[tokio::test]
async fn plain_lines_are_redacted_and_what_is_no_text_is_a_letter() {
    let plain = LineForm { format: LineFormat::Plain, joining: Joining::Off };
    let bench = Bench::new(streams(OneWay::new(Lines::new(plain)), None));
    bench.send(b"{\"@timestamp\":1}\na\0b\npaid with 4111-1111-1111-1111\n").await;
    assert_eq!(bench.letters().await.len(), 1, "only what is no text is refused");
    let messages = bench.texts("message").await;
    assert!(messages[0] == "{\"@timestamp\":1}" && !messages[1].contains("4111-1111"), "{messages:?}");
}

#[tokio::test]
async fn lines_that_go_on_are_one_event() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let mut stream = bench.connect().await;
    stream.write_all(b"pay failed\r\na.b.CException: no\r\n\tat a.B.c(B.java:1)\r\n").await.unwrap();
    // It ends by itself when nothing more comes.
    bench.until(|numbers| numbers.stored == 1).await;
    stream.write_all(b"\tat too.Late.x(L.java:1)\n<34>Nov 23 14:00:00 web-1 su[7]: denied\none\n  more").await.unwrap();
    send_on(stream, b"").await;
    assert_eq!(bench.texts("stack_trace").await, ["a.b.CException: no\n\tat a.B.c(B.java:1)"]);
    let mut messages = bench.texts("message").await;
    messages.sort();
    assert_eq!(messages, ["\tat too.Late.x(L.java:1)", "denied", "one\n  more", "pay failed"]);
    assert_eq!(bench.texts("host").await, ["web-1"]);
    assert_eq!((bench.numbers().received, bench.numbers().unaccounted()), (4, 0));
}

#[tokio::test]
async fn a_trace_is_one_event_however_it_is_cut() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let mut stream = bench.connect().await;
    let trace = "a.b.CException: no\n".to_owned() + &"\tat a.B.c(B.java:1)\n".repeat(50);
    for piece in format!("pay failed\n{trace}").as_bytes().chunks(37) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    send_on(stream, b"{\"message\":\"next\"}\n").await;
    assert_eq!(bench.texts("stack_trace").await, [trace.trim_end()]);
    assert_eq!(bench.numbers().stored, 2);
}

#[tokio::test]
async fn frames_that_come_in_pieces_are_whole_again() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let mut stream = bench.connect().await;
    let line = format!("{{\"message\":\"{}\"}}\n13 {{\"message\":1}}", "x".repeat(50_000));
    for piece in line.as_bytes().chunks(7_001) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    send_on(stream, b"").await;
    assert_eq!(bench.texts("message").await, ["x".repeat(50_000)]);
    assert_eq!(bench.numbers().stored, 2);
}

#[tokio::test]
async fn a_line_that_is_too_large_is_a_letter_and_the_connection_stays() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let large = "y".repeat(3 * RECORD_BYTES_MAX);
    bench.send(format!("before\n{large}\nafter\n").as_bytes()).await;
    assert_eq!(bench.texts("message").await, ["before", "after"]);
    let letters = bench.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].bytes().len(), RECORD_BYTES_MAX, "its beginning is kept");
    let numbers = bench.numbers();
    assert_eq!((numbers.received, numbers.dead_lettered, numbers.unaccounted()), (3, 1, 0));
}

#[tokio::test]
async fn a_sender_that_lies_about_a_length_is_cut_off_after_what_it_sent_before() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    bench.send(b"before\n999999999 {\"a\":1}").await;
    assert_eq!(bench.texts("message").await, ["before"]);
    bench.until(|numbers| numbers.connections == 0).await;
    let cuts = bench.numbers().cuts;
    assert!(cuts.contains(&(CutReason::TooLarge, 1)), "{cuts:?}");
    assert!(bench.numbers().last_error.unwrap().1.contains("999999999"));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_does_not_finish_is_cut_off_and_what_it_sent_is_kept() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let mut stream = bench.connect().await;
    stream.write_all(b"whole\nnever to be finish").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(bench.texts("message").await, ["whole", "never to be finish"]);
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Slow, 1))).await;
}

#[tokio::test]
async fn a_sender_without_an_end_is_cut_off() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let mut stream = bench.connect().await;
    let endless = vec![b'x'; 1 << 20];
    while stream.write_all(&endless).await.is_ok() {}
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::TooLarge, 1))).await;
    assert_eq!(bench.letters().await.len(), 1, "its beginning is kept once");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_stays() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let mut stream = bench.connect().await;
    stream.write_all(b"{\"message\":\"one\"}\n").await.unwrap();
    bench.until(|numbers| numbers.stored == 1).await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    stream.write_all(b"{\"message\":\"two\"}\n").await.unwrap();
    bench.until(|numbers| numbers.stored == 2).await;
    assert_eq!(bench.numbers().connections, 1);
}

#[tokio::test]
async fn what_cannot_be_stored_waits_until_it_can() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    bench.store.fail_next_appends(2);
    bench.send(b"patient\n").await;
    assert_eq!(bench.texts("message").await, ["patient"]);
    let numbers = bench.numbers();
    assert_eq!((numbers.stored, numbers.deduplicated), (1, 0));
    assert!(numbers.last_error.is_some(), "what went wrong is shown");
}

#[tokio::test]
async fn what_came_before_a_connection_broke_is_stored() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    bench.store.fail_next_appends(3);
    let mut stream = bench.connect().await;
    stream.write_all(b"one\ntwo\n").await.unwrap();
    bench.until(|numbers| numbers.last_error.is_some()).await;
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    bench.until(|numbers| numbers.stored == 2).await;
    bench.until(|numbers| numbers.connections == 0).await;
    assert_eq!(bench.texts("message").await, ["one", "two"]);
}

#[tokio::test]
async fn what_was_received_is_stored_before_the_end() {
    let bench = Bench::new(streams(OneWay::new(Lines::default()), None));
    let mut stream = bench.connect().await;
    stream.write_all(b"first\nlast without an end").await.unwrap();
    bench.until(|numbers| numbers.stored == 1).await;
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(bench.texts("message").await, ["first", "last without an end"]);
}

#[tokio::test]
async fn datagrams_are_events_of_their_senders() {
    let bench = Bench::new(Protocol::Datagrams {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        protocol: Arc::new(Lines::default()),
    });
    let address = bench.address().await;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    for datagram in ["{\"message\":\"one\"}", "two\nthree", "{\n\"message\": \"four\"\n}", " "] {
        socket.send_to(datagram.as_bytes(), address).await.unwrap();
    }
    bench.until(|numbers| numbers.stored == 4).await;
    let mut messages = bench.texts("message").await;
    messages.sort();
    assert_eq!(messages, ["four", "one", "three", "two"]);
    let source = bench.numbers().sources[0];
    assert_eq!((source.address, source.events), (Ipv4Addr::LOCALHOST.into(), 4));
}

#[tokio::test]
async fn syslog_comes_in_every_framing() {
    let bench = Bench::new(streams(OneWay::new(Syslog::default()), None));
    let sent = "<13>Nov 23 14:00:00 till-1 pay[7]: one\n47 <11>1 2026-11-23T14:00:00Z till-2 app - - - two<14>Nov 23 14:00:01 till-3 cart: three";
    bench.send(sent.as_bytes()).await;
    let mut hosts = bench.texts("host").await;
    hosts.sort();
    assert_eq!(hosts, ["till-1", "till-2", "till-3"], "{:?}", bench.bodies().await);
    let bench = Bench::new(Protocol::Datagrams {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        protocol: Arc::new(Syslog::default()),
    });
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let datagram = "<11>1 2026-11-23T14:00:00Z till-1 app - - - a trace\n  of two lines";
    socket.send_to(datagram.as_bytes(), bench.address().await).await.unwrap();
    bench.until(|numbers| numbers.stored == 1).await;
    assert_eq!(bench.texts("message").await, ["a trace\n  of two lines"]);
}

#[tokio::test]
async fn an_address_that_is_taken_is_said_and_others_go_on() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let bench = Bench::new(streams_at(taken.local_addr().unwrap(), OneWay::new(Lines::default()), None));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    let state = &bench.inputs.states()[0];
    assert_eq!((state.address, state.numbers.listens_at), (taken.local_addr().ok(), None));
    assert!(state.numbers.last_error.as_ref().unwrap().1.contains("input_test.listen"));
    bench.inputs.stop(STOP_MAX).await;
}

fn tls_files(certificates: &Certificates, client_ca: Option<&Certificates>) -> TlsFiles {
    let client_ca = client_ca.map(Certificates::authority);
    TlsFiles { certificate: certificates.certificate(), key: certificates.key(), client_ca }
}

/// Of a client that trusts the authority, and shows a certificate if there is one.
fn connector(trusted: &Certificates, shown: Option<&Certificates>) -> TlsConnector {
    let chain = |path: &Path| CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    let mut roots = RootCertStore::empty();
    roots.add(chain(&trusted.authority()).remove(0)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let key = PrivateKeyDer::from_pem_file(shown.key()).unwrap();
            builder.with_client_auth_cert(chain(&shown.certificate()), key).unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

async fn send_encrypted(bench: &Bench, connector: TlsConnector, bytes: &[u8]) {
    let name = ServerName::try_from("localhost").unwrap();
    if let Ok(stream) = connector.connect(name, bench.connect().await).await {
        send_on(stream, bytes).await;
    }
}

#[tokio::test]
async fn connections_are_encrypted_when_asked_for() {
    let certificates = Certificates::default();
    let bench = Bench::new(streams(OneWay::new(Lines::default()), Some(tls_files(&certificates, None))));
    send_encrypted(&bench, connector(&certificates, None), b"secret\n").await;
    bench.send(b"in the clear\n").await;
    assert_eq!(bench.texts("message").await, ["secret"]);
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Refused, 1))).await;
    assert!(bench.inputs.states()[0].has_tls);
}

#[tokio::test]
async fn clients_show_a_certificate_where_they_must() {
    let (ours, theirs) = (Certificates::default(), Certificates::default());
    let bench = Bench::new(streams(OneWay::new(Lines::default()), Some(tls_files(&ours, Some(&ours)))));
    send_encrypted(&bench, connector(&ours, None), b"nobody\n").await;
    send_encrypted(&bench, connector(&ours, Some(&theirs)), b"a stranger\n").await;
    send_encrypted(&bench, connector(&ours, Some(&ours)), b"a friend\n").await;
    assert_eq!(bench.texts("message").await, ["a friend"]);
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Refused, 2))).await;
}

#[tokio::test]
async fn files_that_are_none_are_named() {
    let certificates = Certificates::default();
    std::fs::write(certificates.key(), "no key").unwrap();
    let bench = Bench::new(streams(OneWay::new(Lines::default()), Some(tls_files(&certificates, None))));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    assert!(bench.numbers().last_error.unwrap().1.contains("key.pem"));
}
