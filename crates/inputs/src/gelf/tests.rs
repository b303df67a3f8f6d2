//! What the GELF inputs promise: in pieces, in any order, broken, late, too much.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::framing::{Each, whole_frames};
use super::*;
use crate::tests::{Bench, RECORD_BYTES_MAX, STOP_MAX, streams};
use crate::{CutReason, OneWay, Protocol};

const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn check(bytes: &str, whole: usize, messages: &[&str]) {
    let expected = if whole > 0 { Frames::Whole(whole) } else { Frames::Unfinished };
    assert_eq!(whole_frames(bytes.as_bytes()), expected, "{bytes:?}");
    let found: Vec<String> = Each(bytes.as_bytes()).map(|message| String::from_utf8_lossy(message).into()).collect();
    assert_eq!(found, messages, "{bytes:?}");
}

#[test]
fn messages_end_at_a_nul_or_a_line_feed() {
    check("", 0, &[]);
    check("{\"a\":1}", 0, &["{\"a\":1}"]);
    check("{\"a\":1}\0{\"b\"", 8, &["{\"a\":1}", "{\"b\""]);
    check("{\"a\":1}\r\n{\"b\":2}\n", 17, &["{\"a\":1}", "{\"b\":2}"]);
    check(
        "{\n \"a\": {\n  \"b\": 1\n },\n \"c\": [\n {}]\n}\0x\n",
        40,
        &["{\n \"a\": {\n  \"b\": 1\n },\n \"c\": [\n {}]\n}", "x"],
    );
    check("{\"a\":\"}\\\"\\n{\"}\n", 15, &["{\"a\":\"}\\\"\\n{\"}"]);
}

#[test]
fn a_broken_message_does_not_take_the_next_one_with_it() {
    check("{\"a\":\"open\n{\"b\":1}\n", 19, &["{\"a\":\"open", "{\"b\":1}"]);
    check("{\"a\":1\n{\"b\":1}\n", 15, &["{\"a\":1", "{\"b\":1}"]);
    check("{\"a\":1\0{\"b\":1}\0", 15, &["{\"a\":1", "{\"b\":1}"]);
    check("}}\nwords {\n{\"b\":1}\0", 19, &["}}", "words {\n{\"b\":1}"]);
}

/// A chunk with its header.
fn chunk(id: u8, number: u8, count: u8, content: &str) -> Vec<u8> {
    [&[0x1e, 0x0f, id, 0, 0, 0, 0, 0, 0, 0, number, count], content.as_bytes()].concat()
}

fn whole(content: &str) -> Option<Message> {
    Some(Message::Whole(content.as_bytes().to_vec().into()))
}

fn reason(message: Option<Message>) -> String {
    match message {
        Some(Message::Refused { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn chunks_come_in_any_order_and_more_than_once() {
    let now = Instant::now();
    let mut chunks = Chunks::default();
    assert_eq!(chunks.take(SENDER, b"{}", now), whole("{}"));
    assert_eq!(chunks.take(SENDER, &chunk(1, 0, 1, "alone"), now), whole("alone"));
    assert_eq!(chunks.take(SENDER, &chunk(1, 2, 3, "c"), now), None);
    assert_eq!(chunks.take(SENDER, &chunk(2, 1, 2, "y"), now), None);
    assert_eq!(chunks.take(SENDER, &chunk(1, 0, 3, "a"), now), None);
    assert_eq!(chunks.take(SENDER, &chunk(1, 2, 3, "again"), now), None);
    let other = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(chunks.take(other, &chunk(1, 1, 3, "of another sender"), now), None);
    assert_eq!(chunks.take(SENDER, &chunk(1, 1, 3, "b"), now), whole("abc"));
    assert_eq!(chunks.take(SENDER, &chunk(1, 1, 3, "b"), now), None, "a duplicate of a message that is complete");
    assert_eq!(chunks.take(SENDER, &chunk(2, 0, 2, "x"), now), whole("xy"));
    assert_eq!(chunks.unfinished().len(), 1, "that of the other sender");
    assert_eq!(chunks.unfinished(), []);
}

#[test]
fn what_is_no_chunk_is_given_back() {
    let mut chunks = Chunks::default();
    let mut refused = |datagram: &[u8]| reason(chunks.take(SENDER, datagram, Instant::now()));
    assert!(refused(&[0x1e, 0x0f]).contains("is none"));
    assert!(refused(&chunk(1, 0, 0, "x")).contains("is none"));
    assert!(refused(&chunk(1, 3, 3, "x")).contains("is none"));
    assert!(refused(&chunk(1, 0, 129, "x")).contains("at most 128"));
    assert_eq!(chunks.take(SENDER, &chunk(1, 0, 128, "x"), Instant::now()), None);
    assert!(reason(chunks.take(SENDER, &chunk(1, 1, 3, "x"), Instant::now())).contains("others of it say otherwise"));
}

#[test]
fn what_waits_in_vain_is_given_back_after_five_seconds() {
    let begun = Instant::now();
    let mut chunks = Chunks::default();
    chunks.take(SENDER, &chunk(1, 2, 3, "c"), begun);
    chunks.take(SENDER, &chunk(1, 0, 3, "a"), begun + Duration::from_secs(4));
    assert_eq!(chunks.overdue(begun + Duration::from_millis(4_999)), []);
    let overdue = chunks.overdue(begun + Duration::from_secs(5));
    let Message::Refused { reason, raw } = &overdue[0].1 else { panic!("{overdue:?}") };
    assert!(reason.starts_with("of the 3 chunks of the GELF message only 2 came within 5 s"), "{reason}");
    assert_eq!(raw.as_ref(), b"ac");
    assert_eq!(chunks.overdue(begun + Duration::from_secs(9)), []);
}

#[test]
fn what_waits_is_bounded_for_a_sender_and_in_all() {
    let now = Instant::now();
    let mut chunks = Chunks::default();
    let large = "x".repeat(60_000);
    let mut taken = 0;
    let refusal = (0..=255_u8).flat_map(|id| (0..127).map(move |number| (id, number))).find_map(|(id, number)| {
        taken += 1;
        chunks.take(SENDER, &chunk(id, number, 128, &large), now)
    });
    assert!(reason(refusal).contains("too much memory"));
    assert!((200..300).contains(&taken), "{taken} chunks of 60 kB in 16 MiB");
    let small = |sender: u32, number: u16| {
        let mut datagram = chunk(0, 0, 2, "");
        datagram[2..4].copy_from_slice(&number.to_be_bytes());
        (IpAddr::from(sender.to_be_bytes()), datagram)
    };
    let mut chunks = Chunks::default();
    let senders = (0..100_u32).flat_map(|sender| (0..1_024_u16).map(move |number| small(sender, number)));
    let taken = senders.take_while(|(sender, datagram)| chunks.take(*sender, datagram, now).is_none()).count();
    assert_eq!(taken, 8_192);
    let mut chunks = Chunks::default();
    let of_one = (0..2_000).map(|number| small(1, number));
    let taken = of_one.take_while(|(sender, datagram)| chunks.take(*sender, datagram, now).is_none()).count();
    assert_eq!(taken, 1_024);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes: each chunk that is no duplicate ends in exactly one message, and nothing is left behind.
    #[test]
    fn no_chunk_is_lost(
        sent in prop::collection::vec((0..3_u8, 0..5_u8, 0..5_u8, 0..6_u64, any::<bool>()), 0..60)
    ) {
        let begun = Instant::now();
        let (mut chunks, mut now, mut given) = (Chunks::default(), begun, Vec::new());
        for (index, (id, number, count, seconds, is_cut)) in sent.iter().enumerate() {
            now += Duration::from_secs(*seconds) / 3;
            let mut datagram = chunk(*id, *number, *count, &format!("<{index}>"));
            if *is_cut {
                datagram.truncate(index);
            }
            given.extend(chunks.take(SENDER, &datagram, now));
            given.extend(chunks.overdue(now).into_iter().map(|(_, message)| message));
        }
        given.extend(chunks.unfinished().into_iter().map(|(_, message)| message));
        prop_assert_eq!(chunks.unfinished(), vec![]);
        let all: Vec<u8> = given.iter().flat_map(|message| match message {
            Message::Whole(bytes) | Message::Refused { raw: bytes, .. } => bytes.to_vec(),
        }).collect();
        for index in 0..sent.len() {
            let mark = format!("<{index}>");
            let count = all.windows(mark.len()).filter(|window| *window == mark.as_bytes()).count();
            prop_assert!(count <= 1);
        }
    }

    #[test]
    fn framing_conserves_bytes(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ \n\0ab".to_vec()), 0..80)) {
        let solid = |bytes: &[u8]| bytes.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != 0).count();
        let found: usize = Each(&bytes).map(solid).sum();
        prop_assert_eq!(found, solid(&bytes));
        if let Frames::Whole(end) = whole_frames(&bytes) {
            let first: Vec<&[u8]> = Each(&bytes[..end]).collect();
            let all: Vec<&[u8]> = Each(&bytes).collect();
            prop_assert_eq!(&all[..first.len()], &first[..], "what was whole stays so, whatever follows");
        }
    }
}

#[tokio::test]
async fn messages_over_tcp_are_events() {
    let bench = Bench::new(streams(OneWay::new(GelfStream), None));
    let sent =
        "{\"short_message\":\"one\",\"_n\":1}\0{\"short_message\":\"two\"}\n{broken\0{\"short_message\":\"three\"}";
    bench.send(sent.as_bytes()).await;
    assert_eq!(bench.texts("message").await, ["one", "two", "{broken", "three"]);
    assert_eq!((bench.numbers().received, bench.numbers().unaccounted()), (4, 0));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_a_letter_and_the_connection_stays() {
    for end in ["\0", "\n"] {
        let bench = Bench::new(streams(OneWay::new(GelfStream), None));
        let large = "y".repeat(3 * RECORD_BYTES_MAX);
        let message = |text: &str| format!("{{\"short_message\":\"{text}\"}}{end}");
        bench.send([message("before"), message(&large), message("after")].concat().as_bytes()).await;
        assert_eq!(bench.texts("message").await, ["before", "after"]);
        assert_eq!(bench.letters().await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_finished_is_kept_and_the_connection_ends() {
    let bench = Bench::new(streams(OneWay::new(GelfStream), None));
    let mut stream = bench.connect().await;
    stream.write_all(b"{\"short_message\":\"one\"}\0{\"short_mess").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Slow, 1))).await;
    assert_eq!(bench.texts("message").await, ["one", "{\"short_mess"]);
}

fn datagrams() -> Protocol {
    Protocol::Datagrams { address: (Ipv4Addr::LOCALHOST, 0).into(), protocol: Arc::new(GelfDatagrams::default()) }
}

#[tokio::test]
async fn chunks_over_udp_are_one_event() {
    let bench = Bench::new(datagrams());
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = bench.address().await;
    let text: String =
        (0..20_000_u32).map(|n| char::from(b'a' + (n * n / 7 % 26) as u8)).cycle().take(90_000).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    write!(gzip, "{{\"short_message\":\"large\",\"_text\":\"{text}\"}}").unwrap();
    let packed = gzip.finish().unwrap();
    let pieces: Vec<&[u8]> = packed.chunks(1_400).collect();
    for (number, piece) in pieces.iter().enumerate().rev() {
        let mut datagram = chunk(9, number as u8, pieces.len() as u8, "");
        datagram.extend_from_slice(piece);
        socket.send_to(&datagram, address).await.unwrap();
    }
    socket.send_to(b"{\"short_message\":\"small\"}", address).await.unwrap();
    bench.until(|numbers| numbers.stored == 2).await;
    let mut messages = bench.texts("message").await;
    messages.sort();
    assert_eq!(messages, ["large", "small"]);
    assert_eq!(bench.texts("text").await, [text]);
}

#[tokio::test]
async fn chunks_whose_rest_does_not_come_are_letters() {
    let bench = Bench::new(datagrams());
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = bench.address().await;
    socket.send_to(&chunk(1, 0, 2, "{\"short_"), address).await.unwrap();
    socket.send_to(b"{\"short_message\":\"small\"}", address).await.unwrap();
    bench.until(|numbers| numbers.stored == 1).await;
    bench.inputs.stop(STOP_MAX).await;
    let letters = bench.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].bytes(), b"{\"short_");
    assert_eq!((bench.numbers().received, bench.numbers().dead_lettered, bench.numbers().unaccounted()), (2, 1, 0));
}
