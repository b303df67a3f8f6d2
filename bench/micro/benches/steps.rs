//! What single steps cost: decoding, batches, the log, parts, and each way of asking.
//!
//! Figures are for comparing one state of the code with the next on one machine; the promises are measured over
//! HTTP by `bench/run.sh engine`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::codec::Reader;
use vigie_domain::fraud::features::Bounds;
use vigie_domain::ports::{AggregateRequest, Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::parse;
use vigie_domain::{EventBatch, Scope, TimeRange, Timestamp, Value};
use vigie_fraud::cel::{Rule, Slot};
use vigie_fraud::rules::{BUILTIN_RULES, Builtin, RuleSet, Thresholds};
use vigie_fraud::scoring::{Outcome, Scorer};
use vigie_fraud::stream::ActivityReader;
use vigie_generator::ShopOptions;
use vigie_pipeline::{DecodeOptions, Format, Pipeline, RedactionCounts, Redactor, decode_bytes};
use vigie_storage::{EngineOptions, LogEngine};

/// Events of one request, as shippers send them.
const BATCH: u64 = 5_000;
/// Events that questions are asked of.
const STORED: u64 = 200_000;
/// What fraud detection remembers.
const BOUNDS: Bounds = Bounds { keys_max: 200_000, kept_max: 200 };
/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;

/// A day of a shop, one event a line.
fn shop_lines(events: u64) -> Vec<u8> {
    let (from, to) = (Timestamp::from_seconds(DAY_S), Timestamp::from_seconds(DAY_S + 86_400));
    let mut lines = Vec::new();
    for event in vigie_generator::past(ShopOptions { seed: 1, from, to, events }) {
        lines.extend_from_slice(event.json.as_bytes());
        lines.push(b'\n');
    }
    lines
}

fn access_lines(count: u64) -> Vec<u8> {
    let line = |number: u64| {
        let (minute, second) = (number / 60 % 60, number % 60);
        format!(
            "198.51.100.{} - - [23/Nov/2026:15:{minute:02}:{second:02} +0100] \"GET /p/{number}?ref=a HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
            number % 250,
            number * 37 % 90_000,
        )
    };
    (0..count).map(line).collect::<String>().into_bytes()
}

fn redactor() -> Arc<Redactor> {
    Arc::new(Redactor::new(&[7; 32]).unwrap())
}

fn decoded(lines: &[u8]) -> EventBatch {
    decode_bytes(lines, &DecodeOptions::new(Timestamp::from_seconds(DAY_S), redactor())).unwrap().events
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (name, lines) in [("ndjson", shop_lines(BATCH)), ("access log", access_lines(BATCH))] {
        group.throughput(Throughput::Bytes(lines.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| decoded(black_box(&lines))));
    }
    group.finish();
}

/// Events of a shop have nothing to take out, which is what costs most of the time.
fn redact(criterion: &mut Criterion) {
    let redactor = redactor();
    let events: Vec<_> = decoded(&shop_lines(BATCH)).events().map(|event| event.body).collect();
    let payment = serde_json::json!({
        "service": "payment", "message": "POST /pay?card=4111%201111%201111%201111&cvv=123 refused", "password": "hunter2",
    });
    let Value::Object(payment) = Value::from_json(&payment) else { return };
    let mut group = criterion.benchmark_group("redact");
    for (name, events) in [("a shop's events", events), ("an event with a card and secrets", vec![payment])] {
        group.throughput(Throughput::Elements(events.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter_batched_ref(
                || events.clone(),
                |events| events.iter_mut().for_each(|body| redactor.redact(body, &mut RedactionCounts::default())),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Combined log lines of many addresses and some browsers.
fn visitors(count: u64) -> Vec<u8> {
    const BROWSERS: [&str; 4] = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ];
    let line = |number: u64| {
        let (a, b) = (number * 7_919 % 250, number * 104_729 % 250);
        format!(
            "78.{a}.{b}.7 - - [23/Nov/2026:15:{:02}:{:02} +0100] \"GET /p/{number}?ref=a HTTP/1.1\" 200 {} \"https://shop.example/\" \"{}\"\n",
            number / 60 % 60,
            number % 60,
            number * 37 % 90_000,
            BROWSERS[number as usize % BROWSERS.len()],
        )
    };
    (0..count).map(line).collect::<String>().into_bytes()
}

const GROK: &str = r#"
version = 1
[[stage]]
type = "grok"
patterns = ["^%{COMBINEDAPACHELOG}$"]
remove_fields = ["message"]
[[stage]]
type = "date"
field = "timestamp"
formats = ["dd/MMM/yyyy:HH:mm:ss Z"]
[[stage]]
type = "convert"
fields = { "[http][version]" = "float" }
"#;

fn pipeline(criterion: &mut Criterion) {
    let lines = visitors(BATCH);
    let options = DecodeOptions::new(Timestamp::from_seconds(DAY_S), redactor());
    let plain = DecodeOptions { format: Some(Format::Plain), ..options.clone() };
    let with = |text: &str, options: &DecodeOptions| DecodeOptions {
        pipeline: Some(Arc::new(Pipeline::from_toml(text).unwrap())),
        ..options.clone()
    };
    let no_places = "version = 1\n[enrich]\nuser_agent = false\ngeoip = false\n";
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(BATCH));
    for (name, options) in [
        ("access log alone", with(no_places, &options)),
        ("access log, user agent, place", with("version = 1", &options)),
        ("grok, date, convert, user agent, place", with(GROK, &plain)),
    ] {
        group.bench_function(name, |bench| bench.iter(|| decode_bytes(black_box(&lines), &options).unwrap()));
    }
    group.finish();
}

fn batch(criterion: &mut Criterion) {
    let batch = decoded(&shop_lines(BATCH));
    let events: Vec<_> = batch.events().collect();
    let mut bytes = Vec::new();
    batch.write(&mut bytes);
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("push", |bench| bench.iter(|| events.iter().cloned().collect::<EventBatch>()));
    group.bench_function("read back", |bench| bench.iter(|| EventBatch::read(&mut Reader::new(&bytes)).unwrap()));
    group.finish();
}

fn engine(folder: &tempfile::TempDir) -> LogEngine {
    LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.path()) }).unwrap()
}

fn write(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let engine = runtime.block_on(async { engine(&folder) });
    let mut group = criterion.benchmark_group("write");
    group.sample_size(20);
    for (name, count) in [("log append of one event, synced", 1), ("log append of a batch, synced", BATCH)] {
        let events = decoded(&shop_lines(count));
        group.throughput(Throughput::Elements(count));
        group.bench_function(name, |bench| {
            bench.to_async(&runtime).iter_batched(
                || Append { key: None, events: events.clone() },
                async |append| engine.append(&Scope::main(), append).await.unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
    let events = decoded(&shop_lines(BATCH * 4));
    group.throughput(Throughput::Elements(BATCH * 4));
    group.bench_function("log and parts, with their filters", |bench| {
        bench.to_async(&runtime).iter(async || {
            engine.append(&Scope::main(), Append { key: None, events: events.clone() }).await.unwrap();
            engine.flush().await;
        });
    });
    group.finish();
    runtime.block_on(async { drop(engine) });
}

fn selection(query: &str) -> Selection {
    Selection { query: parse(query).unwrap(), range: TimeRange::ALL }
}

fn ask(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let engine = runtime.block_on(async {
        let engine = engine(&folder);
        let lines = shop_lines(STORED);
        engine.append(&Scope::main(), Append { key: None, events: decoded(&lines) }).await.unwrap();
        engine.flush().await;
        engine
    });
    let mut group = criterion.benchmark_group("ask");
    for (name, query, limit, count_total) in [
        ("newest 50", "", 50, false),
        ("a value that is nowhere", "trace_id:deadbeefdeadbeef", 50, true),
        ("a word, counted", "gateway", 0, true),
        ("a phrase, newest 50", "message:\"payment gateway\"", 50, false),
        ("a wildcard, counted", "user_id:*7", 0, true),
        ("two conditions, newest 50", "level:error AND service:payment", 50, false),
        ("a range of numbers, counted", "response_time_ms>500", 0, true),
    ] {
        let order = SortOrder::NewestFirst;
        let request = SearchRequest {
            selection: selection(query),
            order,
            after: None,
            skip: 0,
            limit,
            count_total,
            fields: Fields::All,
        };
        group.bench_function(name, |bench| {
            bench.to_async(&runtime).iter(async || engine.search(&Scope::main(), &request).await.unwrap());
        });
    }
    let hour = AggregationKind::DateHistogram { interval_ns: 3_600_000_000_000, offset_ns: 0 };
    for (name, query, aggregation) in [
        ("terms of few values", "", Aggregation::terms("a", "service", 10)),
        ("terms of many values", "", Aggregation::terms("a", "user_id", 10)),
        ("distinct values", "", Aggregation::cardinality("a", "user_id")),
        ("an hour's histogram", "", Aggregation::leaf("a", hour.clone())),
        ("a histogram of what matches", "level:error", Aggregation::leaf("a", hour)),
        ("stats by term", "", Aggregation::terms("a", "payment_method", 10).with(Aggregation::stats("b", "amount"))),
    ] {
        let request = AggregateRequest { selection: selection(query), aggregations: vec![aggregation] };
        group.bench_function(name, |bench| {
            bench.to_async(&runtime).iter(async || engine.aggregate(&Scope::main(), &request).await.unwrap());
        });
    }
    group.finish();
    runtime.block_on(async { drop(engine) });
}

/// How many payments of a batch are judged anew.
fn judge(events: &EventBatch, rules: &Arc<RuleSet>) -> usize {
    let (mut reader, mut scorer) = (ActivityReader::default(), Scorer::new(BOUNDS, rules.clone()));
    let mut judge = |row| reader.read(&row).map(|activity| scorer.score(&activity));
    events.rows().filter_map(&mut judge).filter(|outcome| matches!(outcome, Outcome::Judged(..))).count()
}

fn fraud(criterion: &mut Criterion) {
    let definitions = BUILTIN_RULES.iter().map(Builtin::definition).collect();
    let rules = Arc::new(RuleSet::new(definitions, Thresholds::default()).unwrap());
    let events = decoded(&shop_lines(20 * BATCH));
    let mut group = criterion.benchmark_group("fraud");
    group.sample_size(10).throughput(Throughput::Elements(judge(&events, &rules) as u64));
    group.bench_function("payments of a shop's day, logins and visits beside them", |bench| {
        bench.iter(|| judge(black_box(&events), &rules));
    });
    group.finish();
    let mut group = criterion.benchmark_group("rule");
    let slots = vec![Slot::Int(3); RuleSet::schema().names().count()];
    for text in ["user.count_1h > 2", "user.count_10m >= 3 && device.user_count_24h >= 3 && card.user_count_24h < 9"] {
        let rule = Rule::compile(text, RuleSet::schema()).unwrap();
        group.bench_function(text, |bench| bench.iter(|| black_box(&rule).evaluate(black_box(&slots))));
    }
    group.finish();
}

criterion_group!(steps, decode, redact, pipeline, batch, write, ask, fraud);
criterion_main!(steps);
