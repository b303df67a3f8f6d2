//! The targets. Those of formats decode twice and compare: the same bytes must give the same batch.

mod fraud;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use vigie_agent::outside::{read_journal_entry, read_spool_record};
use vigie_domain::query::{DefaultOperator, Matcher, parse, parse_lucene};
use vigie_domain::{Scope, Timestamp};
use vigie_inputs::{
    Chunks, DatagramProtocol, Decoder, ForwardMessage, Frame, Frames, Framing, Joining, LineForm, LineFormat, Lines,
    Message, Syslog, forward_messages, gelf_messages,
};
use vigie_pipeline::hec::{RawTelling, push_events, push_raw};
use vigie_pipeline::logstash::{ImportOptions, import};
use vigie_pipeline::otlp::{Encoding, push_logs};
use vigie_pipeline::{
    Assembler, BulkFate, DecodeOptions, Format, Pipeline, RedactionCounts, RedactionKind, Redactor, decode_bulk,
    decode_bytes, loki, try_grok,
};
use vigie_storage::outside;

pub use fraud::{fraud_list, fraud_rule, xgboost_model};

/// Bytes of a record: few, so that the bound is met often.
const RECORD_BYTES_MAX: usize = 4 * 1024;
/// 2026-11-23T15:00:00Z.
const RECEIVED_AT_S: i64 = 1_795_446_000;
/// Bytes that are kept of an event of Beats.
const KEPT_BYTES_MAX: usize = 4 * 1024;
const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What pipelines are given.
const LINES: &[u8] =
    b"{\"message\":\"a=1 b=2 [x] 23/Nov/2026:14:04:05 +0000\",\"a\":[1,\"x\"],\"b\":{\"c\":\"1,2\"}}\n";
/// What grok patterns are given.
const GROKED: &str = "203.0.113.7 GET /cart 12.5 \"x\" a=b";

/// Made once: patterns are built into it.
#[allow(clippy::expect_used, reason = "its patterns are fixed")]
static REDACTOR: LazyLock<Arc<Redactor>> =
    LazyLock::new(|| Arc::new(Redactor::new(&[7; 32]).expect("the redactor's own patterns are valid")));

fn options() -> DecodeOptions {
    DecodeOptions {
        record_bytes_max: RECORD_BYTES_MAX,
        ..DecodeOptions::new(Timestamp::from_seconds(RECEIVED_AT_S), REDACTOR.clone())
    }
}

/// Decodes the bytes as the format, or as what they are found to be, twice.
fn decode_twice(bytes: &[u8], format: Option<Format>) {
    let options = DecodeOptions { format, ..options() };
    let decode = || decode_bytes(bytes, &options).map_err(|error| error.to_string());
    assert_eq!(decode(), decode());
}

/// Pushes the bytes as a request of some protocol; every record that is received becomes an event, is dropped or is refused.
fn push<R>(push: impl FnOnce(&mut Assembler<'_>) -> R) {
    let options = options();
    let mut assembler = Assembler::new(&options).listing(1);
    push(&mut assembler);
    let framed = assembler.finish();
    assert_eq!(framed.received, framed.events.len() as u64 + framed.refused.len() as u64 + framed.unlisted);
}

/// Targets of a format each.
macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident: $format:expr;)*) => {
        $($(#[$doc])* pub fn $name(bytes: &[u8]) { decode_twice(bytes, $format); })*
    };
}

formats! {
    /// Web access logs.
    access_log: Some(Format::AccessLog);
    /// Common Event Format.
    cef: Some(Format::Cef);
    /// CSV, its delimiter found.
    csv: Some(Format::Csv);
    /// JSON documents over several lines.
    json: Some(Format::Json);
    /// A JSON list.
    json_array: Some(Format::JsonArray);
    /// Lines of log4j and its like, with stack traces.
    log4j: Some(Format::Log4j);
    /// logfmt.
    logfmt: Some(Format::Logfmt);
    /// nginx error logs.
    nginx_error: Some(Format::NginxError);
    /// Parquet.
    parquet: Some(Format::Parquet);
    /// Plain lines.
    plain: Some(Format::Plain);
    /// Syslog.
    syslog: Some(Format::Syslog);
    /// TSV.
    tsv: Some(Format::Tsv);
    /// W3C extended logs.
    w3c: Some(Format::W3c);
}

/// JSON lines. In a long body most of them take a shorter way than alone, to the same events.
pub fn ndjson(bytes: &[u8]) {
    const LINES_BEFORE: usize = 64;
    decode_twice(bytes, Some(Format::Ndjson));
    let options = DecodeOptions { format: Some(Format::Ndjson), ..options() };
    let events_behind = |count: usize, lines: &[u8]| -> Vec<vigie_domain::Event> {
        let body = [&b"{\"n\":1}\n".repeat(count), lines].concat();
        decode_bytes(&body, &options).map(|batch| batch.events.events().skip(count).collect()).unwrap_or_default()
    };
    let lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(|line| [line, b"\n"].concat()).collect();
    let alone: Vec<_> = lines.iter().flat_map(|line| events_behind(1, line)).collect();
    assert_eq!(events_behind(LINES_BEFORE, &lines.concat()), alone);
}

/// A page of codes of a part: two bytes of rows and one that says whether some lack a value, then the page.
pub fn codes_page(bytes: &[u8]) {
    let Some(([low, high, flags], page)) = bytes.split_first_chunk::<3>() else { return };
    let (row_count, is_nullable) = (u16::from_le_bytes([*low, *high]), flags & 1 == 1);
    if let Some(count) = outside::read_codes_page(page, row_count, is_nullable) {
        assert!(is_nullable || count == usize::from(row_count));
        assert!(count <= usize::from(row_count));
    }
}

/// The strings of a dictionary of a part: two bytes that say how many, then the page.
pub fn dictionary(bytes: &[u8]) {
    let Some((count, page)) = bytes.split_first_chunk::<2>() else { return };
    assert_ne!(outside::read_dictionary(page, u16::from_le_bytes(*count)), Some(false));
}

/// Unpacking and telling the format.
pub fn detect(bytes: &[u8]) {
    assert_eq!(vigie_pipeline::detect(bytes, None), vigie_pipeline::detect(bytes, None));
    decode_twice(bytes, None);
}

/// Bulk requests: every item has one fate, and the same bytes give the same items.
pub fn bulk(bytes: &[u8]) {
    let options = options();
    let decode = || decode_bulk(bytes, Some("shop"), &options).map_err(|error| error.to_string());
    let first = decode();
    assert_eq!(first, decode());
    if let Ok(batch) = first {
        let events = batch.items.iter().filter(|item| matches!(item.fate, BulkFate::Event(_))).count();
        assert_eq!(events, batch.events.len());
    }
}

/// Messages of the forward protocol, one after the other.
pub fn forward(bytes: &[u8]) {
    for message in forward_messages(Bytes::copy_from_slice(bytes)) {
        if let Ok(Some(message)) = ForwardMessage::of(&message) {
            message.ack();
            push(|assembler| message.push_all(assembler));
            push(|assembler| message.unpacked().push_all(assembler));
        }
    }
}

/// Lines and messages of syslog on a connection, with lengths before them or not, and as datagrams.
pub fn framing(bytes: &[u8]) {
    for form in line_forms() {
        let (lines, syslog) = (Lines::new(form.clone()), Syslog::new(form.format));
        frame(&lines, bytes);
        frame(&syslog, bytes);
        push(|assembler| DatagramProtocol::push(&lines, bytes, assembler));
        push(|assembler| DatagramProtocol::push(&syslog, bytes, assembler));
    }
}

/// Lines told by their form and whole, joined by traces, by a pattern, and not at all.
fn line_forms() -> [LineForm; 3] {
    let start = Joining::starting_with("^[0-9]").unwrap_or(Joining::Off);
    [
        LineForm::default(),
        LineForm { format: LineFormat::Plain, joining: start },
        LineForm { format: LineFormat::Plain, joining: Joining::Off },
    ]
}

/// What is whole at first is whole by itself too, and what is left begins a frame.
fn frame(framing: &impl Framing, bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Frames::Whole(whole)) = framing.frames(rest, RECORD_BYTES_MAX) {
        assert!((1..=rest.len()).contains(&whole), "{whole} of {} bytes are whole", rest.len());
        let frames = &rest[..whole];
        assert_eq!(framing.frames(frames, RECORD_BYTES_MAX), Ok(Frames::Whole(whole)));
        push(|assembler| framing.push_all(frames, assembler));
        rest = &rest[whole..];
    }
    assert!(framing.end(rest).is_none_or(|end| end < rest.len()));
    push(|assembler| framing.push_all(rest, assembler));
}

/// GELF: messages one after the other, and datagrams in chunks, of which none may be lost or given twice.
pub fn gelf(bytes: &[u8]) {
    push(|assembler| gelf_messages(bytes).for_each(|message| assembler.push_gelf(message)));
    let (mut chunks, mut now) = (Chunks::default(), Instant::now());
    // A datagram is its length, a time to wait, and what follows.
    let mut rest = bytes;
    while let [length, wait_s, content @ ..] = rest {
        let (datagram, after) = content.split_at(content.len().min(usize::from(*length)));
        now += Duration::from_secs(u64::from(wait_s % 4));
        let taken = chunks.take(SENDER, datagram, now);
        let is_chunk = datagram.starts_with(&[0x1e, 0x0f]);
        assert!(is_chunk || matches!(taken, Some(Message::Whole(whole)) if whole == datagram));
        chunks.overdue(now);
        rest = after;
    }
    chunks.unfinished();
    assert!(chunks.unfinished().is_empty());
}

/// Requests to Splunk's event collector: events and raw lines.
pub fn hec(bytes: &[u8]) {
    push(|assembler| push_events(bytes, assembler));
    push(|assembler| push_raw(bytes, &RawTelling::default(), assembler));
}

/// A record of the write-ahead log: the bytes as they are, and as a body whose length and checksum are right.
pub fn log_record(bytes: &[u8]) {
    outside::read_log_record(bytes);
    let mut record = (bytes.len() as u32).to_le_bytes().to_vec();
    record.extend_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
    record.extend_from_slice(bytes);
    outside::read_log_record(&record);
}

/// Loki push requests: JSON, protobuf, and protobuf in a snappy block.
pub fn loki(bytes: &[u8]) {
    push(|assembler| loki::push_json(bytes, assembler));
    push(|assembler| loki::push_protobuf(bytes, assembler));
    if let Ok(message) = loki::unpack(bytes) {
        push(|assembler| loki::push_protobuf(&message, assembler));
    }
}

/// Frames of Lumberjack: in pieces of any size (the first byte) they are the same, and so is where they end.
pub fn lumberjack(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let (in_pieces, is_cut) = lumberjack_frames(bytes, usize::from(*size).max(1));
    let (whole, is_whole_cut) = lumberjack_frames(bytes, usize::MAX);
    // How much comes out of a damaged packed frame before the damage is found is up to the unpacking.
    assert!(in_pieces.starts_with(&whole) || whole.starts_with(&in_pieces));
    assert_eq!(is_cut, is_whole_cut);
    assert!(is_cut || in_pieces == whole);
}

/// Every frame of bytes that come in pieces, and whether no more can be read.
fn lumberjack_frames(bytes: &[u8], size: usize) -> (Vec<Frame>, bool) {
    let (mut decoder, mut frames) = (Decoder::new(KEPT_BYTES_MAX), Vec::new());
    for piece in bytes.chunks(size) {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

/// The manifest: the bytes as they are, and behind a checksum that is right.
pub fn manifest(bytes: &[u8]) {
    outside::read_manifest(bytes);
    let mut manifest = format!("{:08x}\n", crc32c::crc32c(bytes)).into_bytes();
    manifest.extend_from_slice(bytes);
    outside::read_manifest(&manifest);
}

/// OpenTelemetry log requests in both encodings.
pub fn otlp(bytes: &[u8]) {
    push(|assembler| push_logs(bytes, Encoding::Protobuf, assembler));
    push(|assembler| push_logs(bytes, Encoding::Json, assembler));
}

/// The head of a part's index.
pub fn part_index(bytes: &[u8]) {
    outside::read_part_index(bytes);
}

/// Pipelines and grok patterns: none stops the program, and the same text gives the same events.
pub fn pipeline(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert_eq!(try_grok(GROKED, text), try_grok(GROKED, text));
    let Ok(pipeline) = Pipeline::from_toml(text) else { return };
    let options = DecodeOptions { pipeline: Some(Arc::new(pipeline)), ..options() };
    let decode = || decode_bytes(LINES, &options).map_err(|error| error.to_string());
    assert_eq!(decode(), decode());
}

/// The query language: what is printed means what was parsed.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(query) = parse(text) {
        let printed = query.to_string();
        assert_eq!(parse(&printed).as_ref(), Ok(&query), "{text:?} is printed as {printed:?}");
    }
    for operator in [DefaultOperator::And, DefaultOperator::Or] {
        assert_eq!(parse_lucene(text, operator), parse_lucene(text, operator));
    }
}

/// What may never be stored: doing it again finds no card, and a text that is changed is counted.
pub fn redact(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut counts = RedactionCounts::default();
    let once = REDACTOR.redact_text(text, &mut counts).into_owned();
    let mut again = RedactionCounts::default();
    REDACTOR.redact_text(&once, &mut again);
    assert!(counts.total() > 0 || once == text, "changed without a count: {text:?}");
    assert_eq!(again.of(RedactionKind::Card), 0, "{text:?} leaves a card in {once:?}");
}

/// Lines of a connection: what is settled stays so when more comes.
pub fn lines(bytes: &[u8]) {
    for lines in line_forms().map(Lines::new) {
        push(|assembler| lines.push_all(bytes, assembler));
        let Ok(Frames::Whole(whole)) = lines.frames(bytes, RECORD_BYTES_MAX) else { continue };
        assert!(whole <= bytes.len());
        let settled = lines.settled(&bytes[..whole], RECORD_BYTES_MAX);
        assert!(settled <= whole);
        assert!(lines.settled(&bytes[..settled], RECORD_BYTES_MAX) <= settled);
    }
}

/// Configurations of Logstash: what comes out loads, and the same text gives the same pipeline.
pub fn logstash(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = |_: &str| Ok(vec![text.to_owned()]);
    let options = ImportOptions { name: "fuzz", variables: &[], read: &read };
    let imported = import(text, &options);
    assert_eq!(imported, import(text, &options));
    if let Ok(imported) = imported {
        let pipeline = Pipeline::from_toml(&imported.pipeline);
        assert_eq!(pipeline.map(|pipeline| pipeline.stage_count()).ok(), Some(imported.stages));
    }
}

/// Records of the agent's spool: the bytes as they are, and as a body whose length and checksum are right.
pub fn spool_record(bytes: &[u8]) {
    let _ = read_spool_record(bytes);
    let mut record = (bytes.len() as u32).to_le_bytes().to_vec();
    record.extend_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
    record.extend_from_slice(bytes);
    let _ = read_spool_record(&record);
}

/// Entries of systemd's journal, as `journalctl` writes them.
pub fn journal_entry(bytes: &[u8]) {
    assert_eq!(read_journal_entry(bytes), read_journal_entry(bytes));
}

/// Statements of SQL: what is wrong lies within the text.
pub fn sql(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Err(error) = vigie_sql::check(text) else { return };
    for (start, end) in error.details.iter().filter_map(|detail| detail.span) {
        assert!(text.get(start..end).is_some(), "{start}..{end} of {text:?}");
    }
}

/// Bodies of Elasticsearch's searches: the same body means the same.
pub fn search_body(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice(bytes) else { return };
    let now = Timestamp::from_seconds(RECEIVED_AT_S);
    assert_eq!(vigie_app::dsl::read(&body, now).is_ok(), vigie_app::dsl::read(&body, now).is_ok());
}

/// Messages of a live tail's client: the same text asks for the same, and what it asks for can be decided or is refused.
pub fn tail_request(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let asked = vigie_server::outside::read_tail_request(text);
    assert_eq!(asked, vigie_server::outside::read_tail_request(text));
    let now = Timestamp::from_seconds(RECEIVED_AT_S);
    if let Some(query) = asked.and_then(|input| parse(&input.query).ok()?.resolved(now).ok()) {
        let _ = Matcher::compile(&query, &Scope::main(), now);
    }
}
