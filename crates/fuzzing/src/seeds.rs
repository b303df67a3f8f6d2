//! Valid inputs of every target: the samples of formats, and what senders of each protocol write.

use std::io;

pub use crate::stored::{codes_page, dictionary, log_record, manifest, part_index};
use crate::wire::{Wire, gzip, new, zlib};

/// Inputs of a target.
pub type Seeds = Vec<Vec<u8>>;

/// Why an input could not be made.
#[derive(Debug)]
pub struct SeedError(String);

impl std::fmt::Display for SeedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an input to begin with could not be made: {}", self.0)
    }
}

impl std::error::Error for SeedError {}

impl From<io::Error> for SeedError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<vigie_domain::Error> for SeedError {
    fn from(error: vigie_domain::Error) -> Self {
        Self(error.to_string())
    }
}

/// Targets whose inputs are there before the program runs.
macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident: $($seed:expr),+;)*) => {
        $($(#[$doc])* pub fn $name() -> Result<Seeds, SeedError> { Ok(vec![$(Vec::<u8>::from($seed)),+]) })*
    };
}

/// The input of a sample.
macro_rules! sample {
    ($path:literal) => {
        include_bytes!(concat!("../../../samples/", $path))
    };
}

fixed! {
    /// Web access logs.
    access_log: sample!("access_log/input.log");
    /// Bulk requests.
    bulk: BULK, "{\"index\":{}}\n{\"a\":1}\n{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n";
    /// Common Event Format.
    cef: sample!("cef/input.log");
    /// CSV.
    csv: sample!("csv/input.csv"), "a;\"b \"\"c\"\"\";d\n1;\"x\ny\";2,5\n;;\n";
    /// Packed in every way.
    detect: gzip(NDJSON.as_bytes()), zlib(NDJSON.as_bytes()), zstd_of(NDJSON), zip_of(NDJSON), NDJSON;
    /// Messages of the forward protocol in every form.
    forward: forward_message(), forward_list(), forward_packed(false), forward_packed(true);
    /// Lines and frames with a length.
    framing: "{\"a\":1}\nb\n\n", "7 {\"a\":1}5 <13>x", "<13>1 2026-11-23T14:04:05Z h app 1 ID - hi\n", "{\n\"a\": 1\n}";
    /// Values of lists of fraud detection.
    fraud_list: "\u{2}203.0.113.9/24", "\u{2}2001:DB8::1/32", "\u{3}Someone@Mail.Example", "\u{6}fr", "\u{1}497070";
    /// Rules of fraud detection.
    fraud_rule: "transaction.amount > 500.0 && (user.count_1h >= 3 || !(transaction.ip_country in ['FR', \"BE\"]))",
        "has(transaction.coupon) ? transaction.email_domain.endsWith('.com') : transaction.at.getHours() % 24 < 0x5";
    /// GELF: messages one after the other, chunks, packed ones.
    gelf: gelf_messages(), gelf_chunks(), gelf_datagrams();
    /// Requests to Splunk's event collector.
    hec: "{\"time\":1795442645.5,\"host\":\"h\",\"event\":{\"a\":1},\"fields\":{\"b\":\"c\"}}{\"event\":\"text\",\"index\":\"main\"}", "line\nline 2\n";
    /// An entry of systemd's journal.
    journal_entry: JOURNAL;
    /// JSON documents over several lines.
    json: sample!("json/input.json");
    /// A JSON list.
    json_array: sample!("json_array/input.json");
    /// Lines of a connection, a stack trace among them.
    lines: "{\"a\":1}\n2026-11-23 14:04:05 ERROR [main] shop.Pay - no\njava.lang.E: x\n\tat a.B.c(B.java:1)\nnext\n";
    /// Lines of log4j.
    log4j: sample!("log4j/input.log");
    /// logfmt.
    logfmt: sample!("logfmt/input.log");
    /// Configurations of Logstash.
    logstash: sample!("logstash/java/logstash.conf");
    /// Loki push requests.
    loki: LOKI, loki_protobuf(), snappy(&loki_protobuf());
    /// Windows of Lumberjack, packed or not, of both versions.
    lumberjack: lumberjack_window(), lumberjack_packed(), lumberjack_first();
    /// JSON lines.
    ndjson: sample!("ndjson/input.ndjson"), NDJSON;
    /// nginx error logs.
    nginx_error: sample!("nginx_error/input.log");
    /// OpenTelemetry log requests.
    otlp: otlp_protobuf(), OTLP;
    /// Parquet.
    parquet: sample!("parquet/input.parquet");
    /// Pipelines and patterns.
    pipeline: sample!("pipelines/payments/pipeline.toml"), sample!("pipelines/web_server/pipeline.toml"), STAGES,
        "%{IPORHOST:ip} (?<verb>\\w+) %{URIPATH:path} %{NUMBER:took:float}(?=.)";
    /// Plain lines.
    plain: sample!("plain/input.txt");
    /// Queries.
    query: "level:error AND amount>=100 NOT (service:\"cart api\" OR client_ip:10.0.0.0/8) pay* @timestamp>now-15m",
        "order_id:[a TO b} _exists_:user.id -a:(b c) \"x \\\" y\"";
    /// Texts with what may never be stored.
    redact: "card 4111 1111 1111 1111 cvv=123 password=\"x y\" Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "{\"token\":\"abcdefghijklmnopqrstuvwxyz\",\"card\":\"4111-1111-1111-1111\"} Cookie: sid=1; a=b";
    /// Bodies of Elasticsearch's searches.
    search_body: SEARCH, "{\"query\":{\"query_string\":{\"query\":\"a AND b -c\",\"fields\":[\"d^2\"]}},\"sort\":[\"_doc\"],\"search_after\":[1,2]}";
    /// Statements of SQL.
    sql: "SELECT service, count(*) AS n FROM logs WHERE @timestamp >= '2026-11-25' AND amount > 1.5 GROUP BY service",
        "EXPLAIN WITH a AS (SELECT 'é' || \"x.y\" FROM error) SELECT * FROM a\nJOIN logs b ON a.x = b.x FRM";
    /// The body of a record of the agent's spool.
    spool_record: "{\"source\":\"f\",\"position\":7}\n{\"message\":\"a\"}\n";
    /// Syslog.
    syslog: sample!("syslog/input.log");
    /// Messages of a live tail's client.
    tail_request: "{\"type\":\"query\",\"query\":\"level:(error OR warn) @timestamp>now-15m pay*\",\"filters\":{\"service\":[\"cart\"]},\"rate\":7}",
        "{\"type\":\"pause\"}", "{\"type\":\"resume\"}";
    /// TSV.
    tsv: sample!("tsv/input.tsv");
    /// W3C extended logs.
    w3c: sample!("w3c/input.log");
    /// Models of XGBoost.
    xgboost_model: include_bytes!("../../fraud/samples/xgboost/model.json");
}

const NDJSON: &str = "{\"@timestamp\":\"2026-11-23T14:04:05Z\",\"level\":\"warn\",\"amount\":\"12.50\",\"_id\":\"a\",\"tags\":[\"x\"]}\n{\"n\":1e400}\n";
const BULK: &str = "{\"create\":{\"_index\":\"logs\",\"_id\":\"a\"}}\n{\"message\":\"paid\",\"n\":1}\n{\"delete\":{\"_index\":\"logs\",\"_id\":\"b\"}}\n\n";
const LOKI: &str =
    r#"{"streams":[{"stream":{"app":"cart"},"values":[["1795442645000000000","paid",{"order":"o-1"}]]}]}"#;
const OTLP: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
 "scopeLogs":[{"scope":{"name":"cart"},"logRecords":[{"timeUnixNano":"1764115199000000001","severityNumber":10,
 "body":{"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{"boolValue":true}]}}}]}},
 "attributes":[{"key":"d","value":{"doubleValue":"NaN"}},{"key":"b","value":{"bytesValue":"/wA="}}],
 "traceId":"ABABABABABABABABABABABABABABABAB"}]}]}]}"#;
const SEARCH: &str = r#"{"query":{"bool":{"filter":[{"range":{"@timestamp":{"gte":"now-1d/d","lt":1795442645000}}},{"terms":{"a":["b",1]}}],
 "should":[{"match":{"message":{"query":"x y","operator":"and"}}},{"prefix":{"s":"c"}}],"minimum_should_match":"50%"}},"size":5,
 "aggs":{"h":{"date_histogram":{"field":"@timestamp","fixed_interval":"1h","time_zone":"+01:00"},"aggs":{"t":{"terms":{"field":"s","order":{"m":"asc"}},
 "aggs":{"m":{"sum":{"field":"n"}}}}}},"r":{"range":{"field":"n","ranges":[{"to":1},{"from":1}]}},"p":{"percentiles":{"field":"n"}}}}"#;
const JOURNAL: &str = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795442645000000","MESSAGE":[104,105],"PRIORITY":"3","_SYSTEMD_UNIT":"shop.service","_HOSTNAME":"web-1"}"#;
const GELF: &str = r#"{"version":"1.1","host":"h","short_message":"a","full_message":"E\n\tat a.B.c(B.java:1)","timestamp":1795442645.5,"level":3,"_id":7}"#;
/// A stage of most kinds.
const STAGES: &str = r#"version = 1
[[stage]]
type = "kv"
[[stage]]
type = "grok"
patterns = ["%{WORD:k}=%{INT:v:int}", "(?<x>a+)+$"]
[[stage]]
type = "dissect"
mapping = { message = "%{x} %{y} [%{z}] %{time->}" }
[[stage]]
type = "date"
field = "time"
formats = ["dd/MMM/yyyy:HH:mm:ss Z"]
[[stage]]
type = "replace"
fields = ["message"]
pattern = "(a)|b"
with = "$1$1"
when = "message:a*"
[[stage]]
type = "unnest"
field = "a"
[[stage]]
type = "csv"
field = "b.c"
[[stage]]
type = "clone"
names = ["one"]
[[stage]]
type = "fingerprint"
target = "_id"
"#;

fn zstd_of(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap_or_default()
}

/// An archive of one file that is not packed, as zip's specification has it (4.3).
fn zip_of(text: &str) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(text.as_bytes());
    let size = (text.len() as u32).to_le_bytes();
    // Version, flags, method, time, date; checksum, both sizes, length of the name, of what is extra.
    let about = new()
        .raw(&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0])
        .raw(&sum.sum().to_le_bytes())
        .raw(&size)
        .raw(&size)
        .raw(&[1, 0, 0, 0]);
    let file = new().raw(b"PK\x03\x04").raw(&about.0).raw(b"a").raw(text.as_bytes());
    let entry = new().raw(b"PK\x01\x02\x14\0").raw(&about.0).raw(&[0; 14]).raw(b"a");
    let (at, entry_size) = ((file.0.len() as u32).to_le_bytes(), (entry.0.len() as u32).to_le_bytes());
    file.raw(&entry.0).raw(b"PK\x05\x06\0\0\0\0\x01\0\x01\0").raw(&entry_size).raw(&at).raw(&[0, 0]).0
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap_or_default()
}

fn entry(message: &str) -> Wire {
    new().list(2).event_time(1_795_442_645, 5).map(2).text("message").text(message).text("n").raw(&[7])
}

fn forward_message() -> Vec<u8> {
    new().list(3).text("shop").raw(&[0xce, 0x6b, 4, 5, 6]).map(1).text("message").text("one").0
}

fn forward_list() -> Vec<u8> {
    let begun = new().list(3).text("shop").list(2).raw(&entry("one").0).raw(&entry("two").0);
    begun.map(1).text("chunk").text("a chunk").0
}

fn forward_packed(is_compressed: bool) -> Vec<u8> {
    let entries = [entry("one").0, entry("two").0].concat();
    if is_compressed {
        return new().list(3).text("shop").binary(&gzip(&entries)).map(1).text("compressed").text("gzip").0;
    }
    new().list(2).text("shop").binary(&entries).0
}

fn gelf_messages() -> Vec<u8> {
    new().raw(GELF.as_bytes()).raw(&[0]).raw(b"{\"short_message\":\n\"b\"}\n").0
}

fn gelf_chunks() -> Vec<u8> {
    let (first, second) = GELF.as_bytes().split_at(60);
    new().chunk(1, 2, second).chunk(0, 2, first).chunk(0, 2, first).chunk(0, 1, b"{}").0
}

fn gelf_datagrams() -> Vec<u8> {
    new().datagram(0, GELF.as_bytes()).datagram(3, &zlib(GELF.as_bytes())).datagram(1, b"\x1e\x0f").0
}

fn loki_protobuf() -> Vec<u8> {
    let time = new().number(1, 1_795_442_645).number(2, 5);
    let metadata = new().field(1, b"order").field(2, b"o-1");
    let entry = new().field(1, &time.0).field(2, b"level=info msg=paid").field(3, &metadata.0);
    let stream = new().field(1, b"{app=\"cart\", host=\"h \\\" \"}").field(2, &entry.0);
    new().field(1, &stream.0).0
}

fn otlp_protobuf() -> Vec<u8> {
    let text = |text: &str| new().field(1, text.as_bytes());
    let pair = |key: &str, value: &Wire| new().field(1, key.as_bytes()).field(2, &value.0);
    let list = new().field(5, &new().field(1, &text("x").0).field(1, &new().number(2, 1).0).0);
    let map = new().field(6, &new().field(1, &pair("k", &list).0).0);
    let record = new().fixed64(1, 1_795_442_645_000_000_000).number(2, 10).field(3, b"Notice").field(5, &map.0);
    let record = record.field(6, &pair("d", &new().fixed64(4, 2.5_f64.to_bits())).0).field(9, &[0xab; 16]);
    let scope = new().field(1, &new().field(1, b"cart").0).field(2, &record.0);
    let resource = new().field(1, &pair("service.name", &text("shop")).0);
    new().field(1, &new().field(1, &resource.0).field(2, &scope.0).0).0
}

fn lumberjack_window() -> Vec<u8> {
    new().raw(&[3]).window(2).json_event(1, "{\"message\":\"one\"}").json_event(2, "{\"message\":\"two\"}").0
}

fn lumberjack_packed() -> Vec<u8> {
    let frames = new().json_event(1, "{\"message\":\"one\"}").json_event(2, "{\"message\":\"two\"}");
    new().raw(&[7]).window(2).packed_frames(&frames).window(1).json_event(3, "{}").0
}

fn lumberjack_first() -> Vec<u8> {
    new().raw(&[200]).raw(b"1W\0\0\0\x01").pairs_event(1, &[("line", "one"), ("host", "h")]).0
}
