//! What pushed lines become, from both encodings, and that no bytes are believed.

use super::*;
use crate::framed::Framed;
use crate::options::DecodeOptions;
use crate::protobuf::{put_bytes, put_varint};

const NOW: Timestamp = Timestamp::from_nanos(1_764_115_200 * NANOS_PER_SECOND);

fn pushed(push: impl FnOnce(&mut Assembler<'_>) -> Result<(), DecodeError>) -> Result<Framed, String> {
    let options = DecodeOptions::new(NOW, std::sync::Arc::new(crate::Redactor::new(&[7; 32]).unwrap()));
    let mut assembler = Assembler::new(&options);
    push(&mut assembler).map_err(|error| error.to_string())?;
    Ok(assembler.finish())
}

fn bodies(framed: &Framed) -> Vec<String> {
    let without_type = |mut body: Object| {
        body.retain(|(name, _)| name != "log_type");
        serde_json::to_string(&Value::Object(body)).unwrap()
    };
    framed.events.events().map(|event| without_type(event.body)).collect()
}

fn push_request(labels: &str, entries: &[(&str, &[(&str, &str)])]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (line, metadata) in entries {
        let (mut time, mut entry) = (Vec::new(), Vec::new());
        put_varint(&mut time, 1, 1_764_115_199);
        put_varint(&mut time, 2, 5);
        put_bytes(&mut entry, 1, &time);
        put_bytes(&mut entry, 2, line.as_bytes());
        for (name, value) in *metadata {
            let mut pair = Vec::new();
            put_bytes(&mut pair, 1, name.as_bytes());
            put_bytes(&mut pair, 2, value.as_bytes());
            put_bytes(&mut entry, 3, &pair);
        }
        put_bytes(&mut stream, 2, &entry);
    }
    put_bytes(&mut stream, 1, labels.as_bytes());
    let mut request = Vec::new();
    put_bytes(&mut request, 1, &stream);
    request
}

#[test]
fn both_encodings_become_the_same_events() {
    let message = push_request(
        r#"{app="shop",level="warn"}"#,
        &[("level=error n=1", &[("trace_id", "ab")]), ("{\"a\":1}", &[]), ("two\nlines", &[]), (" ", &[])],
    );
    let json = br#"{"streams":[{"stream":{"app":"shop","level":"warn"},"values":[
        ["1764115199000000005","level=error n=1",{"trace_id":"ab"}],["1764115199000000005","{\"a\":1}"],
        ["1764115199000000005","two\nlines"],["1764115199000000005"," "]]}]}"#;
    let at = r#""@timestamp":"2025-11-25T23:59:59.000000005Z""#;
    let expected = [
        format!(
            r#"{{"level":"ERROR","n":1,{at},"trace_id":"ab","app":"shop","loki.level":"warn","level_original":"error"}}"#
        ),
        format!(r#"{{"a":1,{at},"app":"shop","level":"WARN","level_original":"warn"}}"#),
        format!(r#"{{"message":"two\nlines",{at},"app":"shop","level":"WARN","level_original":"warn"}}"#),
    ];
    assert_eq!(bodies(&pushed(|assembler| push_protobuf(&message, assembler)).unwrap()), expected);
    assert_eq!(bodies(&pushed(|assembler| push_json(json, assembler)).unwrap()), expected);
}

#[test]
fn blocks_are_unpacked_within_bounds() {
    let packed = snap::raw::Encoder::new().compress_vec(b"some bytes, some bytes").unwrap();
    assert_eq!(unpacked_bytes(&packed).unwrap(), 22);
    assert_eq!(unpack(&packed).unwrap(), b"some bytes, some bytes");
    let check = |block: &[u8], words: &str| {
        let reason = unpack(block).unwrap_err().to_string();
        assert!(reason.contains(words), "{reason}");
    };
    check(b"\xff\xff\xff\xff\x0f", "more than 67108864");
    check(b"{\"streams\":[]}", "no snappy block");
    check(&packed[..5], "no snappy block");
    check(b"", "no snappy block");
}

fn check_unreadable(json: &str, words: &str) {
    let reason = pushed(|assembler| push_json(json.as_bytes(), assembler)).map(|_| ()).unwrap_err();
    assert!(reason.contains(words), "{json}: {reason}");
}

#[test]
fn what_is_no_request_says_why() {
    check_unreadable("", "broken JSON");
    check_unreadable("{}", "no list \"streams\"");
    check_unreadable("[]", "no list \"streams\"");
    check_unreadable(r#"{"streams":[1]}"#, "no list \"streams\"");
    check_unreadable(r#"{"streams":[{"stream":"{}"}]}"#, "must be an object of labels");
    check_unreadable(r#"{"streams":[{"values":{}}]}"#, "\"values\" must be a list");
    check_unreadable(r#"{"streams":[{"values":[["1","a"],["soon","a"]]}]}"#, "values[1]: the time");
    check_unreadable(r#"{"streams":[{"values":[["1"]]}]}"#, "values[0]: it must be");
    check_unreadable(r#"{"streams":[{"values":[["1","a","b"]]}]}"#, "values[0]: it must be");
    let broken = pushed(|assembler| push_protobuf(&push_request("job=1", &[]), assembler)).map(|_| ());
    assert!(broken.unwrap_err().contains("not within braces"));
}

#[test]
fn cut_off_and_flipped_bytes_are_never_believed() {
    let message = push_request(r#"{app="shop",p="\u00e9"}"#, &[("level=error n=1", &[("trace_id", "ab")])]);
    let block = snap::raw::Encoder::new().compress_vec(&message).unwrap();
    let look = |bytes: &[u8]| {
        let _ = pushed(|assembler| push_protobuf(bytes, assembler));
        let _ = pushed(|assembler| push_json(bytes, assembler));
        let _ = unpack(bytes);
    };
    for bytes in [&message, &block] {
        (0..bytes.len()).for_each(|length| look(&bytes[..length]));
        for place in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[place / 8] ^= 1 << (place % 8);
            look(&flipped);
        }
    }
}
