//! What the Beats input promises: of its decoder for any bytes, of its connections over real sockets.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::{any, prop};
use proptest::proptest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::tests::{Bench, RECORD_BYTES_MAX, STOP_MAX, streams};

const KEPT_BYTES_MAX: usize = 1_000;

fn numbered(head: &[u8; 2], numbers: &[u32], rest: &[u8]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
    head.iter().copied().chain(numbers).chain(rest.iter().copied()).collect()
}

fn window(events: u32) -> Vec<u8> {
    numbered(b"2W", &[events], b"")
}

fn json(sequence: u32, json: &str) -> Vec<u8> {
    numbered(b"2J", &[sequence, json.len() as u32], json.as_bytes())
}

fn pairs(sequence: u32, pairs: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u32).to_be_bytes(), text.as_bytes()].concat();
    let rest: Vec<u8> = pairs.iter().flat_map(|(key, value)| [text(key), text(value)].concat()).collect();
    numbered(b"1D", &[sequence, pairs.len() as u32], &rest)
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn framed(packed: &[u8]) -> Vec<u8> {
    numbered(b"2C", &[packed.len() as u32], packed)
}

fn packed(frames: &[u8]) -> Vec<u8> {
    framed(&zlib(frames))
}

/// A window of events, and its bytes.
fn events(first: u32, messages: &[&str]) -> Vec<u8> {
    let events = (first..)
        .zip(messages)
        .flat_map(|(sequence, message)| json(sequence, &format!("{{\"message\":\"{message}\"}}")));
    window(messages.len() as u32).into_iter().chain(events).collect()
}

/// Every frame of bytes that come in pieces, and how it ended.
fn read<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> (Vec<Frame>, Option<Cut>) {
    let (mut decoder, mut frames) = (Decoder::new(KEPT_BYTES_MAX), Vec::new());
    for piece in pieces {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(cut) => return (frames, Some(cut)),
            }
            assert!(decoder.held_bytes() <= decoder.buffer().len() + 128 * 1024, "{}", decoder.held_bytes());
        }
    }
    (frames, None)
}

/// Frames in words: windows, events with version, number, size and content.
fn check(bytes: &[u8], expected: &[&str]) {
    let (frames, cut) = read([bytes]);
    let words = |frame: &Frame| match frame {
        Frame::Window(version, events) => format!("{}W{events}", char::from(version.byte())),
        Frame::Event(event) => {
            let content = match &event.content {
                Content::Json(json) => String::from_utf8_lossy(json).into_owned(),
                Content::Pairs(pairs) => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    pairs.iter().map(|(key, value)| format!("{}={};", text(key), text(value))).collect()
                }
            };
            format!("{}#{} {}", char::from(event.version.byte()), event.sequence, content)
        }
    };
    let mut found: Vec<String> = frames.iter().map(words).collect();
    found.extend(cut.map(|cut| format!("{}: {cut}", cut.reason.as_str())));
    let is_expected =
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, words)| found.contains(words));
    assert!(is_expected, "{found:?} is not {expected:?}");
}

#[test]
fn frames_are_read_as_they_are_sent() {
    check(b"", &[]);
    check(b"2", &[]);
    check(&[window(2), json(1, "{}"), json(9, "[1]")].concat(), &["2W2", "2#1 {}", "2#9 [1]"]);
    check(&json(1, ""), &["2#1 "]);
    check(&pairs(7, &[("line", "a b"), ("", "")]), &["1#7 line=a b;=;"]);
    check(&pairs(7, &[]), &["1#7 "]);
    check(&[window(1), packed(&json(1, "{}")), window(1)].concat(), &["2W1", "2#1 {}", "2W1"]);
    check(&packed(&[window(1), pairs(3, &[("a", "b")])].concat()), &["2W1", "1#3 a=b;"]);
    check(&packed(b""), &[]);
    check(&json(1, "{\"a\":1}")[..16], &[]);
}

#[test]
fn what_is_no_frame_ends_the_connection() {
    check(b"GET / HTTP/1.1", &["protocol: a frame begins with the byte 0x47"]);
    check(b"\x16\x03\x01", &["protocol: the sender speaks TLS"]);
    check(b"2A\0\0\0\x01", &["protocol: a frame is of type 'A'"]);
    check(&packed(&packed(&json(1, "{}"))), &["protocol: a compressed frame holds another"]);
    check(&framed(b"no zlib"), &["protocol: a compressed frame cannot be unpacked"]);
    let whole = zlib(&json(1, "{}"));
    check(&framed(&whole[..whole.len() - 4]), &["2#1", "protocol: a compressed frame is cut short"]);
    check(&framed(&[&whole, b"x".as_slice()].concat()), &["2#1", "protocol: 1 bytes follow"]);
    check(&packed(&json(1, "{}")[..11]), &["protocol: a compressed frame ends within a frame"]);
    check(&framed(b""), &["protocol: a compressed frame is cut short"]);
}

#[test]
fn what_is_too_large_is_told_by_its_length() {
    let too_many = frame::FRAME_BYTES_MAX as u32 + 1;
    check(&numbered(b"2J", &[1, too_many], b""), &["too_large: a frame says that it has 67108865 bytes"]);
    check(&numbered(b"2C", &[too_many], b""), &["too_large: a frame says"]);
    check(&numbered(b"1D", &[1, 10_001], b""), &["too_large: an event has 10001 fields"]);
    check(&numbered(b"1D", &[1, 1, too_many - 3], b""), &["too_large: a frame says"]);
}

#[test]
fn of_a_large_event_the_beginning_is_kept() {
    let large = "x".repeat(70_000);
    for bytes in [json(1, &large), packed(&json(1, &large))] {
        let Frame::Event(event) = &read(bytes.chunks(999)).0[0] else { panic!("no event") };
        assert_eq!((event.size_bytes, &event.content), (70_000, &Content::Json(vec![b'x'; KEPT_BYTES_MAX])));
    }
    let bytes = [pairs(1, &[("a", &large), ("b", &large)]), window(3)].concat();
    let (frames, _) = read(bytes.chunks(999));
    let Frame::Event(event) = &frames[0] else { panic!("no event") };
    assert_eq!(event.size_bytes, 140_018);
    let kept: usize =
        if let Content::Pairs(pairs) = &event.content { pairs.iter().map(|(a, b)| a.len() + b.len()).sum() } else { 0 };
    assert_eq!(kept, KEPT_BYTES_MAX);
    assert_eq!(frames.len(), 2);
}

#[test]
fn what_unpacks_to_too_much_is_found_out_on_the_way() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&json(1, &" ".repeat(20_000_000)).repeat(2)).unwrap();
    let bomb = framed(&encoder.finish().unwrap());
    let (frames, cut) = read(bomb.chunks(4_096));
    assert_eq!(frames.len(), 1);
    assert_eq!(cut.map(|cut| cut.reason), Some(CutReason::TooLarge));
}

/// A few windows of every kind of frame.
fn conversation() -> Vec<u8> {
    let first =
        [json(1, "{\"a\":1}"), json(2, &"y".repeat(KEPT_BYTES_MAX + 1)), pairs(3, &[("line", "z"), ("n", "4")])];
    [window(3), packed(&first.concat()), events(4, &["one", "two"]), pairs(6, &[("line", "x")]), packed(&window(1))]
        .concat()
}

proptest! {
    #[test]
    fn pieces_of_any_size_give_the_same_frames(sizes in prop::collection::vec(1_usize..40, 1..60)) {
        let bytes = conversation();
        let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        assert_eq!(read(pieces), read([bytes.as_slice()]));
    }

    #[test]
    fn damaged_and_cut_bytes_are_read_alike_in_any_pieces(
        at in any::<prop::sample::Index>(), bit in 0_u8..8, size in 1_usize..50
    ) {
        let mut bytes = conversation();
        let at = at.index(bytes.len());
        let (whole, _) = read(bytes.chunks(size));
        let (cut_frames, cut) = read(bytes[..at].chunks(size));
        assert!(cut.is_none() && whole.starts_with(&cut_frames));
        bytes[at] ^= 1 << bit;
        check_alike(&bytes, size);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
        check_alike(&bytes, size);
    }
}

/// In pieces and as a whole the bytes are the same frames, and end alike. How much comes out of a damaged packed frame before
/// the damage is found, and in which words, is up to the unpacking.
fn check_alike(bytes: &[u8], size: usize) {
    let ((in_pieces, cut), (whole, whole_cut)) = (read(bytes.chunks(size)), read([bytes]));
    assert!(in_pieces.starts_with(&whole) || whole.starts_with(&in_pieces), "{in_pieces:?} {whole:?}");
    assert!(in_pieces.len() == whole.len() || cut.is_some(), "{in_pieces:?} {whole:?}");
    assert_eq!(cut.map(|cut| cut.reason), whole_cut.map(|cut| cut.reason));
}

fn ack(sequence: u32) -> Vec<u8> {
    numbered(b"2A", &[sequence], b"")
}

/// Reads as many answers, without those that say "not yet".
async fn answers(stream: &mut TcpStream, count: usize) -> Vec<u32> {
    let mut found = Vec::new();
    while found.len() < count {
        let mut bytes = [0; 6];
        stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes[..2], b"2A");
        let sequence = u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
        found.extend((sequence > 0).then_some(sequence));
    }
    found
}

fn bench() -> Bench {
    Bench::new(streams(Beats, None))
}

#[tokio::test]
async fn each_window_is_answered_with_the_number_of_its_last_event() {
    let bench = bench();
    let mut stream = bench.connect().await;
    stream.write_all(&events(1, &["one", "two"])).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, [2]);
    assert_eq!(bench.texts("message").await, ["one", "two"], "stored before the answer");
    stream.write_all(&packed(&events(3, &["three"]))).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, [3]);
    stream
        .write_all(
            &[window(2), packed(&[json(8, "{\"message\":\"four\"}"), json(11, "{\"message\":\"five\"}")].concat())]
                .concat(),
        )
        .await
        .unwrap();
    assert_eq!(answers(&mut stream, 1).await, [11]);
    assert_eq!(bench.texts("message").await, ["one", "two", "three", "four", "five"]);
    let numbers = bench.numbers();
    assert_eq!((numbers.received, numbers.stored, numbers.unaccounted()), (5, 5, 0));
}

#[tokio::test]
async fn windows_sent_without_waiting_are_answered_in_order() {
    let bench = bench();
    let mut stream = bench.connect().await;
    let sent: Vec<u8> = (0..50).flat_map(|n| packed(&events(n * 3 + 1, &["a", "b", "c"]))).collect();
    stream.write_all(&sent).await.unwrap();
    let expected: Vec<u32> = (1..=50).map(|n| n * 3).collect();
    assert_eq!(answers(&mut stream, 50).await, expected);
    assert_eq!(bench.numbers().stored, 150);
}

#[tokio::test]
async fn version_one_is_answered_in_version_one() {
    let bench = bench();
    let sent = [numbered(b"1W", &[2], b""), packed(&[pairs(1, &[("line", "a")]), pairs(2, &[("line", "b")])].concat())]
        .concat();
    assert_eq!(bench.send(&sent).await, numbered(b"1A", &[2], b""));
    assert_eq!(bench.texts("message").await, ["a", "b"]);
}

#[tokio::test]
async fn a_window_larger_than_a_block_is_stored_in_parts_and_answered_once() {
    let bench = bench();
    let message = "x".repeat(90_000);
    let messages = vec![message.as_str(); 60];
    assert_eq!(bench.send(&packed(&events(1, &messages))).await, ack(60));
    assert_eq!(bench.numbers().stored, 60);
}

#[tokio::test]
async fn what_is_sent_again_is_stored_once() {
    let bench = bench();
    let event = |n: u32| {
        let body = format!(
            r#"{{"@metadata":{{"beat":"filebeat"}},"agent":{{"id":"a"}},"log":{{"offset":{n},"file":{{"path":"/x"}}}},"message":"m{n}","host":{{"name":"web-1"}}}}"#
        );
        json(n, &body)
    };
    let sent = [window(3), event(1), event(2), event(3)].concat();
    assert_eq!(bench.send(&sent).await, ack(3));
    assert_eq!(bench.send(&sent).await, ack(3));
    assert_eq!(bench.texts("message").await, ["m1", "m2", "m3"]);
    let bodies = bench.bodies().await;
    assert!(bodies.iter().all(|body| body.iter().all(|(name, _)| name != "@metadata" && name != "_id")));
    let numbers = bench.numbers();
    assert_eq!((numbers.received, numbers.stored, numbers.deduplicated), (6, 3, 3));
}

#[tokio::test]
async fn a_bad_event_is_a_letter_and_is_answered() {
    let bench = bench();
    let large = format!("{{\"message\":\"{}\"}}", "y".repeat(3 * RECORD_BYTES_MAX));
    let sent =
        [window(4), json(1, "{\"message\":\"good\"}"), json(2, "{broken"), json(3, &large), json(4, "[]")].concat();
    assert_eq!(bench.send(&sent).await, ack(4));
    assert_eq!(bench.texts("message").await, ["good"]);
    let mut sizes: Vec<usize> = bench.letters().await.iter().map(|letter| letter.bytes().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 7, RECORD_BYTES_MAX]);
    let numbers = bench.numbers();
    assert_eq!((numbers.received, numbers.dead_lettered, numbers.unaccounted()), (4, 3, 0));
}

#[tokio::test]
async fn what_came_before_a_broken_frame_is_stored_and_answered() {
    let bench = bench();
    let sent = [events(1, &["whole"]), window(2), json(2, "{\"message\":\"half\"}"), b"nonsense".to_vec()].concat();
    assert_eq!(bench.send(&sent).await, ack(1));
    assert_eq!(bench.texts("message").await, ["whole", "half"]);
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Protocol, 1))).await;
}

#[tokio::test]
async fn too_large_a_window_is_refused() {
    let bench = bench();
    assert_eq!(bench.send(&window(100_001)).await, b"");
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::TooLarge, 1))).await;
    assert!(bench.numbers().last_error.unwrap().1.contains("100001"));
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_answered_until_it_can() {
    let bench = bench();
    bench.store.fail_next_appends(3);
    assert_eq!(bench.send(&events(1, &["patient"])).await, ack(1));
    assert_eq!(bench.texts("message").await, ["patient"]);
}

/// What is answered on a connection that stays open and silent, while the clock runs on as nothing else happens.
async fn answers_of_silence(bench: &Bench, sent: &[u8]) -> Vec<u8> {
    let mut stream = bench.connect().await;
    stream.write_all(sent).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test(start_paused = true)]
async fn silence_closes_a_connection() {
    let bench = bench();
    assert_eq!(answers_of_silence(&bench, b"").await, b"");
    assert!(bench.numbers().cuts.iter().all(|(_, count)| *count == 0), "between windows it is no fault");
    answers_of_silence(&bench, &[window(2), json(1, "{\"message\":\"half\"}")].concat()).await;
    bench.until(|numbers| numbers.cuts.contains(&(CutReason::Idle, 1))).await;
    assert_eq!(bench.texts("message").await, ["half"], "what came whole is stored");
    answers_of_silence(&bench, &json(1, "{\"message\":\"half\"}")[..15]).await;
    bench.until(|numbers| numbers.cuts.iter().any(|(reason, count)| *reason == CutReason::Slow && *count == 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_told_that_its_window_is_being_stored() {
    let bench = bench();
    // Each is tried again after a pause, at last of five seconds.
    bench.store.fail_next_appends(10);
    let answer = answers_of_silence(&bench, &events(1, &["patient"])).await;
    let said: Vec<&[u8]> = answer.chunks(6).collect();
    assert!(said.len() > 2, "{said:?}");
    assert_eq!(said.last(), Some(&ack(1).as_slice()));
    assert!(said[..said.len() - 1].iter().all(|said| *said == ack(0)), "{said:?}");
}

#[tokio::test]
async fn at_the_end_whole_windows_are_stored_and_others_are_left_to_their_senders() {
    let bench = bench();
    let mut stream = bench.connect().await;
    stream.write_all(&[events(1, &["whole"]), window(2), json(2, "{\"message\":\"half\"}")].concat()).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, [1]);
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(stream.read(&mut [0; 10]).await.unwrap_or(0), 0, "the connection is closed");
    assert_eq!(bench.texts("message").await, ["whole"]);
}
