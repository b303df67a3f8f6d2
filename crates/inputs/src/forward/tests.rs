//! What the input of the forward protocol promises: every form of a message, acknowledgements, the key, broken bytes.

mod pack;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vigie_domain::{Object, Timestamp, Value};
use vigie_pipeline::{DecodeOptions, Framed, Redactor};

use super::msgpack::{Fault, Reader};
use super::*;
use crate::tests::{Bench, STOP_MAX, streams};
use pack::{Pack, pack};

const NOW_S: u32 = 1_795_442_645;

/// An entry of a stream.
fn entry(message: &str) -> Pack {
    pack().list(2).event_time(NOW_S, 123_456_789).record(message)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn framed(bytes: &[u8]) -> Result<Framed, String> {
    static REDACTOR: LazyLock<Arc<Redactor>> = LazyLock::new(|| Arc::new(Redactor::new(&[7; 32]).unwrap()));
    let options = DecodeOptions::new(Timestamp::from_seconds(NOW_S.into()), REDACTOR.clone());
    let mut assembler = Assembler::new(&options);
    if let Some(message) = ForwardMessage::of(&Bytes::copy_from_slice(bytes))? {
        message.unpacked().push_all(&mut assembler);
    }
    Ok(assembler.finish())
}

fn as_json(mut body: Object) -> String {
    body.retain(|(name, _)| name != "log_type");
    serde_json::to_string(&Value::Object(body)).unwrap()
}

fn check_message(message: &Pack, expected: &[&str]) {
    let framed = framed(&message.0).unwrap();
    let found: Vec<String> = framed.events.events().map(|event| as_json(event.body)).collect();
    assert_eq!(found, expected, "{:?}", framed.refused);
}

#[test]
fn every_form_of_a_message_has_its_events() {
    let one = r#"{"message":"one","@timestamp":"2026-11-23T14:04:05.123456789Z","fluent.tag":"shop.pay"}"#;
    let two = r#"{"message":"two","@timestamp":"2026-11-23T14:04:05.123456789Z","fluent.tag":"shop.pay"}"#;
    let begun = |count| pack().list(count).text("shop.pay");
    check_message(&begun(3).event_time(NOW_S, 123_456_789).record("one"), &[one]);
    check_message(&begun(4).event_time(NOW_S, 123_456_789).record("one").chunk("c"), &[one]);
    check_message(&begun(2).list(2).raw(&entry("one").0).raw(&entry("two").0), &[one, two]);
    check_message(&begun(3).list(1).raw(&entry("one").0).chunk("c"), &[one]);
    let stream = entry("one").raw(&entry("two").0).0;
    check_message(&begun(2).binary(&stream), &[one, two]);
    check_message(&begun(2).text(""), &[]);
    let options = pack().map(2).text("compressed").text("gzip").text("size").raw(&[2]);
    check_message(&begun(3).binary(&gzip(&stream)).raw(&options.0), &[one, two]);
    check_message(&begun(3).binary(&stream).map(1).text("compressed").text("text"), &[one, two]);
    check_message(&pack().raw(&[0xc0]), &[]);
}

#[test]
fn times_are_read_as_they_are_sent() {
    let with_time = |time: Pack| pack().list(3).text("").raw(&time.0).map(0);
    let at = |time: &str| format!(r#"{{"@timestamp":"{time}"}}"#);
    check_message(&with_time(pack().seconds(NOW_S)), &[&at("2026-11-23T14:04:05.000Z")]);
    check_message(&with_time(pack().event_time(NOW_S, 1)), &[&at("2026-11-23T14:04:05.000000001Z")]);
    check_message(
        &with_time(pack().raw(&[0xc7, 8, 0]).raw(&NOW_S.to_be_bytes()).raw(&[0; 4])),
        &[&at("2026-11-23T14:04:05.000Z")],
    );
    check_message(
        &with_time(pack().raw(&[0xcb]).raw(&1_795_442_645.25_f64.to_be_bytes())),
        &[&at("2026-11-23T14:04:05.250Z")],
    );
    let untold = r#"{"@timestamp":"2026-11-23T14:04:05.000Z","tags":["_no_timestamp"]}"#;
    check_message(&with_time(pack().raw(&[0])), &[untold]);
    check_message(&with_time(pack().raw(&[0xc0])), &[untold]);
    let own = pack().list(3).text("").seconds(NOW_S).map(1).text("@timestamp").text("2026-11-23T00:00:00Z");
    check_message(&own, &[r#"{"@timestamp":"2026-11-23T00:00:00.000Z","fluent.time":1795442645}"#]);
    let metadata = pack().list(2).event_time(NOW_S, 0).map(1).text("k").text("v");
    check_message(
        &pack().list(2).text("").list(1).list(2).raw(&metadata.0).map(0),
        &[r#"{"@timestamp":"2026-11-23T14:04:05.000Z","fluent.metadata":{"k":"v"}}"#],
    );
}

#[test]
fn values_are_what_was_sent() {
    let record = |fields: u8, pack: &Pack| self::pack().list(3).text("").seconds(NOW_S).map(fields).raw(&pack.0);
    let at = r#""@timestamp":"2026-11-23T14:04:05.000Z""#;
    let check = |value: &[u8], expected: &str| {
        check_message(&record(1, &pack().text("v").raw(value)), &[&format!(r#"{{"v":{expected},{at}}}"#)]);
    };
    check(&[0xc3], "true");
    check(&[0xff], "-1");
    check(&[0xd0, 0x80], "-128");
    check(&[0xd1, 0x80, 0], "-32768");
    check(&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808");
    check(&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615");
    check(&[0xca, 0x3f, 0, 0, 0], "0.5");
    check(&[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "\"NaN\"");
    check(&[0xa2, b'h', b'i'], "\"hi\"");
    check(&[0xc4, 2, b'h', b'i'], "\"hi\"");
    check(&[0xdc, 0, 2, 1, 0xc0], "[1,null]");
    check(&[0xde, 0, 1, 7, 0x81, 0xa1, b'a', 0x90], "{\"7\":{\"a\":[]}}");
    check(&[0xd4, 5, 0xab], "{\"ext_type\":5,\"hex\":\"ab\"}");
    let lossy = record(1, &pack().text("v").raw(&[0xa1, 0xff]));
    check_message(&lossy, &[&format!("{{\"v\":\"\u{fffd}\",{at},\"tags\":[\"_invalid_utf8\"]}}")]);
}

fn check_refused(message: &Pack, expected: &str) {
    let reason = match framed(&message.0) {
        Err(reason) => reason,
        Ok(framed) => framed.refused.into_iter().map(|refused| refused.reason).collect(),
    };
    assert!(reason.contains(expected), "{:02x?}: {reason}", message.0);
}

#[test]
fn what_cannot_be_read_says_why() {
    let begun = |count| pack().list(count).text("t");
    check_refused(&pack().list(1).text("t"), "a message is a list of tag");
    check_refused(&pack().map(0), "a message is a list of tag");
    check_refused(&pack().list(2).raw(&[5]).list(0), "its tag is no text");
    check_refused(&begun(2).map(0), "its second element");
    check_refused(&begun(3).list(0).raw(&[5]), "its options are no map");
    check_refused(&begun(3).list(0).map(1).text("chunk").raw(&[5]), "the name of its chunk");
    check_refused(&begun(3).list(0).chunk(&"c".repeat(300)), "the name of its chunk");
    check_refused(&begun(3).seconds(NOW_S).raw(&[5]), "a record is no map");
    check_refused(&begun(3).raw(&[0xd4, 0, 0]).map(0), "a time has not eight bytes");
    check_refused(&begun(2).binary(&[0xc3]), "an event is a list of time and record");
    check_refused(&begun(2).binary(&entry("cut").0[..20]), "in the middle of a value");
    check_refused(&begun(2).binary(&[0xc1]), "the byte c1");
    check_refused(&begun(3).binary(&gzip(b"abc")[..15]).map(1).text("compressed").text("gzip"), "damaged");
    let deep = begun(3).seconds(NOW_S).map(1).text("v").raw(&[0x91; 200]).raw(&[0xc0]);
    check_refused(&deep, "more than 128 levels");
    let large = begun(3).seconds(NOW_S).map(1).text("v").binary(&[b'x'; 1_100_000]);
    check_refused(&large, "more than the 1048576 that are allowed");
}

#[test]
fn broken_events_do_not_take_others_with_them() {
    let stream = entry("one").raw(&[0x05]).raw(&entry("two").0).0;
    let framed = framed(&pack().list(2).text("t").binary(&stream).0).unwrap();
    assert_eq!((framed.received, framed.events.len(), framed.refused.len()), (3, 2, 1));
}

/// A whole message of every form, one after the other.
fn conversation() -> Vec<u8> {
    let begun = |count| pack().list(count).text("shop");
    let stream = entry("c").raw(&entry("d").0).0;
    let packed = begun(3).binary(&gzip(&stream)).map(2).text("compressed").text("gzip").text("chunk").text("p");
    [
        begun(4).seconds(NOW_S).record("a").chunk("m").0,
        begun(3).list(1).raw(&entry("b").0).chunk("f").0,
        begun(2).binary(&stream).0,
        vec![0xc0],
        packed.0,
    ]
    .concat()
}

/// Where the messages end, when the bytes come in pieces that end there.
fn ends(bytes: &[u8], pieces: &[usize]) -> Result<Vec<usize>, Fault> {
    let (mut ends, mut extent, mut start) = (Vec::new(), Extent::default(), 0);
    for piece in pieces.iter().copied().chain([bytes.len()]) {
        while let Some(length) = extent.of(&bytes[start..piece])? {
            start += length;
            ends.push(start);
            extent = Extent::default();
            if start >= piece {
                break;
            }
        }
    }
    Ok(ends)
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    for lie in [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0xdf, 0xff, 0xff, 0xff, 0xff], &[0xc6, 0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(Reader::new(lie).value(), Err(Fault::Short));
        let mut extent = Extent::default();
        assert_eq!(extent.of(lie), Ok(None));
    }
    let mut extent = Extent::default();
    assert_eq!(extent.of(&[0xdd, 0xff, 0xff, 0xff, 0xff]), Ok(None));
    assert!(extent.bytes_min() > u64::from(u32::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_end_where_they_end_however_they_come(
        mut pieces in prop::collection::vec(any::<prop::sample::Index>(), 0..20)
    ) {
        let bytes = conversation();
        pieces.sort_by_key(|index| index.index(bytes.len()));
        let pieces: Vec<usize> = pieces.iter().map(|index| index.index(bytes.len())).collect();
        let at_once = ends(&bytes, &[]).unwrap();
        prop_assert_eq!(at_once.len(), 5);
        prop_assert_eq!(at_once.last(), Some(&bytes.len()));
        prop_assert_eq!(ends(&bytes, &pieces).unwrap(), at_once);
    }

    /// Whatever is broken: no panic, and what is read is received once.
    #[test]
    fn broken_bytes_are_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = conversation();
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let mut start = 0;
        for end in ends(&bytes, &[]).unwrap_or_default() {
            if let Ok(framed) = framed(&bytes[start..end]) {
                prop_assert_eq!(framed.received, (framed.events.len() + framed.refused.len()) as u64);
            }
            start = end;
        }
    }
}

async fn read_exactly(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    tokio::time::timeout(STOP_MAX, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

fn ack(chunk: &str) -> Vec<u8> {
    pack().map(1).raw(b"\xa3ack").text(chunk).0
}

#[tokio::test]
async fn messages_are_stored_and_then_acknowledged_in_order() {
    let bench = Bench::new(streams(Forward::new(None), None));
    let answers = bench.send(&conversation()).await;
    assert_eq!(answers, [ack("m"), ack("f"), ack("p")].concat());
    assert_eq!(bench.texts("message").await, ["a", "b", "c", "d", "c", "d"]);
    let numbers = bench.numbers();
    assert_eq!((numbers.received, numbers.stored, numbers.unaccounted()), (6, 6, 0));
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_stored() {
    let bench = Bench::new(streams(Forward::new(None), None));
    bench.store.fail_next_appends(3);
    let mut stream = bench.connect().await;
    let message = pack().list(3).text("t").list(1).raw(&entry("patient").0).chunk("c").0;
    stream.write_all(&message).await.unwrap();
    bench.until(|numbers| numbers.last_error.is_some()).await;
    let early = tokio::time::timeout(Duration::ZERO, stream.read_u8()).await;
    assert!(early.is_err(), "it was answered before it was stored");
    assert_eq!(read_exactly(&mut stream, ack("c").len()).await, ack("c"));
    assert_eq!(bench.texts("message").await, ["patient"]);
}

#[tokio::test]
async fn what_came_before_a_connection_broke_is_stored() {
    let bench = Bench::new(streams(Forward::new(None), None));
    bench.store.fail_next_appends(3);
    let mut stream = bench.connect().await;
    stream.write_all(&conversation()).await.unwrap();
    bench.until(|numbers| numbers.last_error.is_some()).await;
    stream.write_all(&conversation()).await.unwrap();
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    bench.until(|numbers| numbers.connections == 0).await;
    assert!(bench.numbers().stored >= 6, "{:?}", bench.numbers());
}

#[tokio::test]
async fn what_can_never_be_read_is_a_letter_and_acknowledged() {
    let bench = Bench::new(streams(Forward::new(None), None));
    let broken = pack().list(3).text("t").binary(&entry("cut").0[..20]).chunk("c").0;
    let odd = pack().list(2).raw(&[5, 5]).0;
    let answers = bench.send(&[odd, broken, conversation()].concat()).await;
    assert_eq!(answers, [ack("c"), ack("m"), ack("f"), ack("p")].concat());
    assert_eq!(bench.letters().await.len(), 2);
    assert_eq!(bench.numbers().stored, 6);
}

#[tokio::test]
async fn what_is_no_message_at_all_ends_the_connection_after_what_came_before() {
    for (bytes, words) in [
        (&b"{\"a\":1}\n"[..], "JSON lines to the input tcp"),
        (&[0x92, 0xc1], "the byte c1"),
        (&[0x92, 0xa1, b't', 0xc6, 0xff, 0xff, 0xff, 0xff, 1], "chunk_limit_size"),
        (&[0xdd, 0xff, 0xff, 0xff, 0xff], "chunk_limit_size"),
        (&[0x92, 0xa1], "the connection ended after 2 bytes"),
    ] {
        let bench = Bench::new(streams(Forward::new(None), None));
        bench.send(&[&conversation(), bytes].concat()).await;
        bench.until(|numbers| numbers.connections == 0 && numbers.stored == 6).await;
        let error = bench.numbers().last_error.unwrap().1;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn large_messages_of_several_senders_take_turns() {
    let bench = Bench::new(streams(Forward::new(None), None));
    let stream: Vec<u8> = (0..60).flat_map(|_| entry(&"x".repeat(60_000)).0).collect();
    let message = pack().list(3).text("t").binary(&stream).chunk("c").0;
    let answers = tokio::join!(bench.send(&message), bench.send(&message), bench.send(&message));
    assert_eq!(answers, (ack("c"), ack("c"), ack("c")));
    assert_eq!(bench.numbers().stored, 180);
}

#[tokio::test]
async fn who_knows_the_key_may_send() {
    let bench = Bench::new(streams(Forward::new(Some("secret".to_owned())), None));
    let mut stream = bench.connect().await;
    let helo = read_exactly(&mut stream, handshake_bytes()).await;
    let nonce = &helo[17..17 + NONCE_BYTES];
    let mut hash = sha2::Sha512::default();
    for piece in [b"salt", &b"shop-1"[..], nonce, b"secret"] {
        sha2::Digest::update(&mut hash, piece);
    }
    let digest: String = sha2::Digest::finalize(hash).iter().map(|byte| format!("{byte:02x}")).collect();
    let ping = pack().list(6).text("PING").text("shop-1").text("salt").text(&digest).text("").text("").0;
    // Some senders do not wait for the answer.
    stream.write_all(&[ping, conversation()].concat()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await.unwrap();
    assert_eq!(answers[..8], *b"\x95\xd9\x04PONG\xc3");
    assert!(answers.ends_with(&[ack("m"), ack("f"), ack("p")].concat()));
    assert_eq!(bench.numbers().stored, 6);
}

/// Bytes of the greeting, which has no lengths that vary.
fn handshake_bytes() -> usize {
    Handshake::new(b"", [0; NONCE_BYTES]).helo().len()
}

#[tokio::test]
async fn who_does_not_know_the_key_is_cut_off() {
    let bench = Bench::new(streams(Forward::new(Some("secret".to_owned())), None));
    let ping = pack().list(6).text("PING").text("shop-1").text("salt").text("00").text("").text("").0;
    let answer = bench.send(&[ping, conversation()].concat()).await;
    assert_eq!(answer[handshake_bytes()..][..8], *b"\x95\xd9\x04PONG\xc2");
    bench.send(&conversation()).await;
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Refused, 2))).await;
    // Who only looks whether somebody is there is not cut off.
    bench.send(b"").await;
    bench.until(|numbers| numbers.connections == 0 && numbers.connections_total == 3).await;
    assert_eq!(bench.numbers().stored, 0);
    assert!(bench.numbers().cuts.contains(&(CutReason::Refused, 2)));
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_is_cut_off() {
    let bench = Bench::new(streams(Forward::new(None), None));
    let mut stream = bench.connect().await;
    stream.write_all(&[conversation(), vec![0x92]].concat()).await.unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await.unwrap();
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Slow, 1))).await;
    assert_eq!(bench.numbers().stored, 6);
    let peer = bench.numbers().sources[0].address;
    assert_eq!(peer, IpAddr::from(Ipv4Addr::LOCALHOST));
}
