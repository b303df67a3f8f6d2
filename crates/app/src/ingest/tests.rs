//! What ingest promises, over doubles.

use futures_util::FutureExt;
use serde_json::json;
use vigie_domain::{ErrorKind, Event};

use super::*;
use crate::dead_letters::{DeadLetters, Selection};
use crate::test_shop::{NOW, SETTINGS, Shop, clock, event, lines};

async fn check(body: &str, options: &IngestOptions, expected: (u64, u64)) {
    let report = Shop::new().send(body, options).await;
    assert_eq!((report.accepted, report.rejected), expected, "{body}: {:?}", report.errors);
}

#[tokio::test]
async fn every_record_is_accepted_or_rejected() {
    let options = IngestOptions::default();
    check("{\"message\":\"a\"}", &options, (1, 0)).await;
    check("[{\"message\":\"a\"},{\"message\":\"b\"}]", &options, (2, 0)).await;
    check("{\"message\":\"a\"}\n{broken\n{\"message\":\"b\"}\n", &options, (2, 1)).await;
    check("plain words\n", &options, (1, 0)).await;
    check("[]", &options, (0, 0)).await;
}

#[tokio::test]
async fn rejected_lines_are_named_up_to_a_bound() {
    let body = "{\"message\":\"a\"}\n{broken\n".repeat(250);
    let report = Shop::new().send(&body, &IngestOptions::default()).await;
    assert_eq!((report.accepted, report.rejected, report.errors.len()), (250, 250, LISTED_ERRORS_MAX));
    assert_eq!(report.errors[0].line, 2);
    assert!(!report.errors[0].reason.is_empty());
}

#[tokio::test]
async fn events_outside_the_window_need_any_time() {
    let day = 86_400;
    let any_time = IngestOptions { any_time: true, ..IngestOptions::default() };
    let default = IngestOptions::default();
    let at = |seconds_ago: i64| lines(&[event(seconds_ago, &json!({"message": "a"}))]);
    check(&at(89 * day), &default, (1, 0)).await;
    check(&at(91 * day), &default, (0, 1)).await;
    check(&at(-9 * 60), &default, (1, 0)).await;
    check(&at(-11 * 60), &default, (0, 1)).await;
    check(&at(91 * day), &any_time, (1, 0)).await;
    check(&at(-11 * 60), &any_time, (1, 0)).await;
}

#[tokio::test]
async fn a_named_request_is_stored_once() {
    let shop = Shop::new();
    let named = |key: &str| IngestOptions { idempotency_key: Some(key.to_owned()), ..IngestOptions::default() };
    let counts = |report: IngestReport| (report.accepted, report.deduplicated);
    assert_eq!(counts(shop.send("{\"n\":1}\n{\"n\":2}", &named("a")).await), (2, 0));
    assert_eq!(counts(shop.send("{\"n\":1}\n{\"n\":2}", &named("a")).await), (0, 2));
    assert_eq!(counts(shop.send("{\"n\":3}", &named("a")).await), (1, 0), "another body with the key is not lost");
    assert_eq!(counts(shop.send("{\"n\":3}", &named("b")).await), (1, 0));
    assert_eq!(counts(shop.send("{\"n\":3}", &IngestOptions::default()).await), (1, 0));
    assert_eq!(shop.total().await, 5);
}

#[tokio::test]
async fn a_senders_id_is_stored_once() {
    let shop = Shop::new();
    let report = shop.send("{\"_id\":\"x\"}\n{\"_id\":\"y\"}\n{\"_id\":\"x\"}", &IngestOptions::default()).await;
    assert_eq!((report.accepted, report.deduplicated, report.rejected), (2, 1, 0));
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_words() {
    let shop = Shop::new();
    let refusal = async |body: &[u8], key: Option<&str>| {
        let options = IngestOptions { idempotency_key: key.map(str::to_owned), ..IngestOptions::default() };
        shop.ingest.accept(&shop.scope, Bytes::copy_from_slice(body), &options).await.unwrap_err().kind
    };
    assert_eq!(refusal(b"", None).await, ErrorKind::Malformed);
    assert_eq!(refusal(b" \r\n\t", None).await, ErrorKind::Malformed);
    assert_eq!(refusal(b"{}", Some("")).await, ErrorKind::Malformed);
    assert_eq!(refusal(b"{}", Some(&"k".repeat(257))).await, ErrorKind::Malformed);
    assert_eq!(refusal(b"%PDF-1.7", None).await, ErrorKind::Malformed);
    let _all = shop.ingest.waiting.acquire_many(WAITING_MAX as u32).await.unwrap();
    assert_eq!(refusal(b"{}", None).await, ErrorKind::Throttled);
}

#[tokio::test]
async fn many_events_are_stored_in_several_batches() {
    let shop = Shop::new();
    let body = "{\"message\":\"a\"}\n".repeat(12_001);
    assert_eq!(shop.send(&body, &IngestOptions::default()).await.accepted, 12_001);
    assert_eq!(shop.total().await, 12_001);
}

#[tokio::test]
async fn events_can_be_given_as_they_are() {
    let shop = Shop::new();
    let event = Event { id: None, timestamp: NOW, ingested_at: NOW, log_type: LogType::Fraud, body: Vec::new() };
    let report = shop.ingest.accept_events(&shop.scope, vec![event; 3].into()).await.unwrap();
    assert_eq!((report.accepted, shop.total().await), (3, 3));
}

#[test]
fn packed_bodies_weigh_more() {
    assert_eq!(decoded_kib(b"{}"), 1);
    assert_eq!(decoded_kib(&[b'a'; 5_000]), 5);
    assert_eq!(decoded_kib(&[0x1f, 0x8b, 8, 0, 0]), PACKED_KIB_MIN);
    assert_eq!(decoded_kib(&vec![b'a'; 200 * 1024 * 1024]), 200 * 1024);
}

#[tokio::test]
async fn small_bodies_wait_for_no_large_one() {
    let shop = Shop::new();
    let large = vec![b'a'; SMALL_BYTES_MAX + 1];
    let mut ways = Vec::new();
    for _ in 0..SETTINGS.processors * LARGE_PER_PROCESSOR as usize {
        ways.push(shop.ingest.way_for(&large).await.unwrap());
    }
    assert!(shop.ingest.way_for(&large).now_or_never().is_none(), "as many as can be worked on are on their way");
    assert!(shop.ingest.way_for(b"{}").now_or_never().is_some_and(|way| way.is_ok()), "a small body passes them");
    ways.pop();
    assert!(shop.ingest.way_for(&large).now_or_never().is_some_and(|way| way.is_ok()), "a free place is taken");
    let huge = vec![b'a'; 20 * 1024 * 1024];
    drop(ways);
    assert!(shop.ingest.way_for(&huge).now_or_never().is_some_and(|way| way.is_ok()), "the largest goes, alone");
}

#[tokio::test]
async fn framed_records_are_stored_or_kept_as_letters() {
    let folder = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(folder.path().to_owned(), 1 << 20, clock()).unwrap();
    let shop = Shop::new();
    let old = event(100 * 86_400, &json!({"message": "old"})).to_string();
    let lines = [event(1, &json!({"message": "new"})).to_string(), old, "a\0b".to_owned(), "words".to_owned()];
    let fill: Fill = Arc::new(move |assembler| lines.iter().for_each(|line| assembler.push_line(line.as_bytes())));
    let frames = Frames { input: "tcp", sender: None, key: "tcp/1".to_owned(), size_bytes: 100, fill };
    let report = shop.ingest.accept_framed(&shop.scope, &frames, &letters).await.unwrap();
    assert_eq!(report, FramedReport { received: 4, stored: 2, deduplicated: 0, dead_lettered: 2, dropped: 0 });
    let others = DeadLetters::open(folder.path().join("others"), 1 << 20, clock()).unwrap();
    let again = shop.ingest.accept_framed(&shop.scope, &frames, &others).await.unwrap();
    assert_eq!(again, FramedReport { received: 4, stored: 0, deduplicated: 2, dead_lettered: 2, dropped: 0 });

    let replayed = shop.ingest.replay(&shop.scope, &letters, &Selection::All).await.unwrap();
    assert_eq!(replayed, ReplayReport { stored: 1, refused: 1 }, "the old event is stored, the binary one stays");
    assert_eq!((letters.numbers().count, shop.total().await), (1, 3));
}
