//! What log records become, from both encodings, and that no bytes are believed.

use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Object, TimeRange, Timestamp, Value};

use super::*;
use crate::framed::Framed;
use crate::options::DecodeOptions;
use crate::protobuf::{put_bytes, put_varint};

const NOW: Timestamp = Timestamp::from_nanos(1_764_115_200 * NANOS_PER_SECOND);
/// One second before.
const NANOS: u64 = 1_764_115_199_000_000_001;

fn push(request: &[u8], encoding: Encoding) -> (Result<Recurrence, String>, Framed) {
    let mut options = DecodeOptions::new(NOW, std::sync::Arc::new(crate::Redactor::new(&[7; 32]).unwrap()));
    options.record_bytes_max = 2_000;
    options.window = Some(TimeRange { from: NOW.saturating_add_nanos(-86_400 * NANOS_PER_SECOND), to: NOW });
    let mut assembler = Assembler::new(&options).listing(2);
    let pushed = push_logs(request, encoding, &mut assembler).map_err(|error| error.to_string());
    (pushed, assembler.finish())
}

/// Without its log type, which every event has.
fn as_stored(mut body: Object) -> String {
    body.retain(|(name, _)| name != "log_type");
    serde_json::to_string(&Value::Object(body)).unwrap()
}

fn message(parts: &[(u32, &[u8])]) -> Vec<u8> {
    let mut message = Vec::new();
    parts.iter().for_each(|(number, bytes)| put_bytes(&mut message, *number, bytes));
    message
}

fn fixed64(number: u32, value: u64) -> Vec<u8> {
    [&[(number << 3 | 1) as u8][..], &value.to_le_bytes()].concat()
}

fn text(text: &str) -> Vec<u8> {
    message(&[(1, text.as_bytes())])
}

fn key_value(key: &str, value: &[u8]) -> Vec<u8> {
    message(&[(1, key.as_bytes()), (2, value)])
}

/// A request with one record of a shop.
fn request(record: &[u8]) -> Vec<u8> {
    let resource = message(&[(1, &key_value("service.name", &text("shop")))]);
    let scope = message(&[(1, b"cart"), (2, b"1.2")]);
    let scope_logs = message(&[(2, record), (1, &scope)]);
    // The resource comes behind its records: that is allowed.
    message(&[(1, &message(&[(2, &scope_logs), (1, &resource)]))])
}

fn full_record() -> Vec<u8> {
    let mut record = [fixed64(1, NANOS), fixed64(11, NANOS + 1)].concat();
    put_varint(&mut record, 2, 10);
    put_bytes(&mut record, 3, b"Notice");
    put_bytes(&mut record, 5, &text("paid"));
    let mut amount = Vec::new();
    put_varint(&mut amount, 3, -5_i64 as u64);
    put_bytes(&mut record, 6, &key_value("n", &amount));
    put_bytes(&mut record, 6, &key_value("d", &fixed64(4, 2.5_f64.to_bits())));
    put_bytes(&mut record, 6, &key_value("nan", &fixed64(4, f64::NAN.to_bits())));
    put_bytes(&mut record, 6, &key_value("b", &message(&[(7, b"\xff\0")])));
    let list = message(&[(5, &message(&[(1, &text("x")), (1, &[0x10, 1])]))]);
    put_bytes(&mut record, 6, &key_value("list", &list));
    let map = message(&[(6, &message(&[(1, &key_value("k", b""))]))]);
    put_bytes(&mut record, 6, &key_value("map", &map));
    put_bytes(&mut record, 6, &key_value("service.name", &text("other")));
    put_varint(&mut record, 7, 3);
    record.extend_from_slice(&[0x45, 1, 0, 0, 0]);
    put_bytes(&mut record, 9, &[0xab; 16]);
    put_bytes(&mut record, 10, &[0; 8]);
    put_bytes(&mut record, 12, b"order.paid");
    record
}

const FULL_JSON: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
 "scopeLogs":[{"scope":{"name":"cart","version":"1.2"},"logRecords":[{"timeUnixNano":"1764115199000000001",
 "observedTimeUnixNano":"1764115199000000002","severityNumber":10,"severityText":"Notice","body":{"stringValue":"paid"},
 "attributes":[{"key":"n","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":2.5}},
 {"key":"nan","value":{"doubleValue":"NaN"}},{"key":"b","value":{"bytesValue":"/wA="}},
 {"key":"list","value":{"arrayValue":{"values":[{"stringValue":"x"},{"boolValue":true}]}}},
 {"key":"map","value":{"kvlistValue":{"values":[{"key":"k","value":{}}]}}},
 {"key":"service.name","value":{"stringValue":"other"}}],"droppedAttributesCount":3,"flags":1,
 "traceId":"ABABABABABABABABABABABABABABABAB","spanId":"0000000000000000","eventName":"order.paid","new":1}]}]}]}"#;

#[test]
fn both_encodings_become_the_same_event() {
    let expected = concat!(
        r#"{"message":"paid","severity_number":10,"level":"INFO","level_original":"Notice","#,
        r#""trace_id":"abababababababababababababababab","event.name":"order.paid","trace_flags":1,"#,
        r#""otel.dropped_attributes_count":3,"observed_timestamp":"2025-11-25T23:59:59.000000002Z","#,
        r#""@timestamp":"2025-11-25T23:59:59.000000001Z","n":-5,"d":2.5,"nan":"NaN","b":"/wA=","list":["x",true],"#,
        r#""map":{"k":null},"service.name":"other","otel.scope.name":"cart","otel.scope.version":"1.2","#,
        r#""resource.service.name":"shop"}"#,
    );
    for (request, encoding) in
        [(request(&full_record()), Encoding::Protobuf), (FULL_JSON.as_bytes().to_vec(), Encoding::Json)]
    {
        let (pushed, framed) = push(&request, encoding);
        assert_eq!(pushed, Ok(Recurrence::Same), "{encoding:?}");
        let event = framed.events.events().next().unwrap();
        assert_eq!(event.timestamp.as_nanos(), NANOS as i64);
        assert_eq!(as_stored(event.body), expected, "{encoding:?}");
    }
}

/// The fields of a record in JSON, and the event's.
fn check(record: &str, expected: &str) {
    let request = format!(r#"{{"resource_logs":[{{"scope_logs":[{{"log_records":[{record}]}}]}}]}}"#);
    let (pushed, framed) = push(request.as_bytes(), Encoding::Json);
    assert!(pushed.is_ok(), "{record}: {pushed:?}");
    let bodies: Vec<String> = framed.events.events().map(|event| as_stored(event.body)).collect();
    assert_eq!(bodies, [expected], "{record}: {:?}", framed.refused);
}

#[test]
fn records_become_events() {
    let at = r#""@timestamp":"2025-11-25T23:59:59.000Z""#;
    let time = r#""timeUnixNano":"1764115199000000000""#;
    check("{}", r#"{"@timestamp":"2025-11-26T00:00:00.000Z","tags":["_no_timestamp"]}"#);
    check(r#"{"observed_time_unix_nano":1764115199000000000}"#, &format!("{{{at}}}"));
    check(
        &format!(r#"{{{time},"severityText":"warning"}}"#),
        &format!(r#"{{"level":"WARN",{at},"level_original":"warning"}}"#),
    );
    check(
        &format!(r#"{{{time},"severityNumber":"SEVERITY_NUMBER_FATAL4"}}"#),
        &format!(r#"{{"severity_number":24,"level":"FATAL",{at}}}"#),
    );
    check(&format!(r#"{{{time},"severityNumber":99}}"#), &format!(r#"{{"severity_number":99,{at}}}"#));
    check(&format!(r#"{{{time},"body":{{"intValue":"7"}}}}"#), &format!(r#"{{"message":"7",{at}}}"#));
    check(
        &format!(r#"{{{time},"body":{{"arrayValue":{{"values":[{{"stringValue":"a"}},{{}}]}}}}}}"#),
        &format!(r#"{{"message":"[\"a\",null]",{at}}}"#),
    );
    let fields = r#"{"kvlistValue":{"values":[{"key":"msg","value":{"stringValue":"hi"}},{"key":"level","value":{"stringValue":"odd"}}]}}"#;
    check(
        &format!(
            r#"{{{time},"severityNumber":17,"severityText":"E!","body":{fields},"attributes":[{{"key":"msg","value":{{"stringValue":"ho"}}}}]}}"#
        ),
        &format!(
            r#"{{"msg":"hi","level":"ERROR","severity_number":17,"level_original":"odd","severity_text":"E!",{at},"attributes.msg":"ho"}}"#
        ),
    );
    check(&format!(r#"{{{time},"traceId":"odd"}}"#), &format!(r#"{{"trace_id":"odd",{at}}}"#));
}

#[test]
fn one_record_is_refused_by_itself() {
    let nested = |depth: usize| {
        let list = (1..depth).fold(r#"{"stringValue":"x"}"#.to_owned(), |value, _| {
            format!(r#"{{"arrayValue":{{"values":[{value}]}}}}"#)
        });
        format!(r#"{{"timeUnixNano":"{NANOS}","body":{list}}}"#)
    };
    let records = [
        nested(VALUE_DEPTH_MAX),
        nested(VALUE_DEPTH_MAX + 1),
        format!(r#"{{"timeUnixNano":"{}"}}"#, u64::MAX),
        format!(r#"{{"timeUnixNano":"{NANOS}","body":{{"stringValue":"{}"}}}}"#, "x".repeat(2_001)),
        r#"{"timeUnixNano":"1"}"#.to_owned(),
    ];
    let request = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","));
    let (pushed, framed) = push(request.as_bytes(), Encoding::Json);
    assert_eq!(pushed, Ok(Recurrence::Same));
    assert_eq!((framed.received, framed.events.len(), framed.refused.len(), framed.unlisted), (5, 1, 2, 2));
    assert!(framed.refused[0].reason.contains("20 levels"), "{:?}", framed.refused);
    assert!(framed.refused[1].reason.contains("after the year 2262"), "{:?}", framed.refused);
}

#[test]
fn depth_is_bounded_in_protobuf_too() {
    let nested = |depth: usize| (1..depth).fold(text("x"), |value, _| message(&[(5, &message(&[(1, &value)]))]));
    let record = |depth: usize| [fixed64(1, NANOS), message(&[(5, &nested(depth))])].concat();
    assert_eq!(push(&request(&record(VALUE_DEPTH_MAX)), Encoding::Protobuf).1.events.len(), 1);
    assert_eq!(push(&request(&record(VALUE_DEPTH_MAX + 1)), Encoding::Protobuf).1.refused.len(), 1);
    assert_eq!(push(&request(&record(400)), Encoding::Protobuf).1.refused.len(), 1);
    let resource = message(&[(1, &key_value("deep", &nested(VALUE_DEPTH_MAX + 1)))]);
    let (pushed, _) = push(&message(&[(1, &message(&[(1, &resource)]))]), Encoding::Protobuf);
    assert!(pushed.unwrap_err().contains("nested too deep"));
}

fn check_unreadable(request: &[u8], encoding: Encoding, words: &str) {
    let (pushed, _) = push(request, encoding);
    let reason = pushed.unwrap_err();
    assert!(reason.contains(words) && reason.contains("nothing of it is stored"), "{reason}");
}

#[test]
fn what_is_no_request_says_why() {
    check_unreadable(b"\x0a\x05ab", Encoding::Protobuf, "in the middle of a field");
    check_unreadable(b"\x08\x01", Encoding::Protobuf, "field 1 is not of the kind");
    check_unreadable(b"{", Encoding::Json, "broken JSON");
    check_unreadable(b"\xff", Encoding::Json, "no UTF-8");
    check_unreadable(b"[]", Encoding::Json, "\"the request\" must be an object, not []");
    check_unreadable(br#"{"resourceLogs":7}"#, Encoding::Json, "\"resourceLogs\" must be a list, not 7");
    let record = |record: &str| format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
    let check = |text: &str, words: &str| check_unreadable(record(text).as_bytes(), Encoding::Json, words);
    check(r#"{"timeUnixNano":"soon"}"#, "\"timeUnixNano\" must be a whole number, not \"soon\"");
    check(r#"{"timeUnixNano":-1}"#, "\"timeUnixNano\" must be a whole number");
    check(r#"{"flags":4294967296}"#, "\"flags\" must be a 32-bit number");
    check(r#"{"body":"text"}"#, "\"a value\" must be an object");
    check(r#"{"body":{"boolValue":1}}"#, "\"boolValue\"");
    check(r#"{"body":{"intValue":"9223372036854775808"}}"#, "\"intValue\"");
    check(r#"{"body":{"doubleValue":"x"}}"#, "\"doubleValue\"");
    check(r#"{"traceId":7}"#, "\"traceId\" must be a string");
}

#[test]
fn content_types_name_their_encoding() {
    let encoding = |content_type: &str| content_type.parse::<Encoding>().ok();
    assert_eq!(encoding("application/x-protobuf"), Some(Encoding::Protobuf));
    assert_eq!(encoding("Application/JSON; charset=utf-8"), Some(Encoding::Json));
    assert_eq!(encoding("text/plain"), None);
    assert_eq!(encoding(""), None);
}

#[test]
fn cut_off_and_flipped_bytes_are_never_believed() {
    for (request, encoding) in
        [(request(&full_record()), Encoding::Protobuf), (FULL_JSON.as_bytes().to_vec(), Encoding::Json)]
    {
        let look = |bytes: &[u8]| {
            let (_, framed) = push(bytes, encoding);
            let known = framed.events.len() as u64 + framed.refused.len() as u64 + framed.unlisted;
            assert_eq!(framed.received, known);
        };
        (0..request.len()).for_each(|length| look(&request[..length]));
        for place in 0..request.len() * 8 {
            let mut flipped = request.clone();
            flipped[place / 8] ^= 1 << (place % 8);
            look(&flipped);
        }
    }
}

#[test]
fn what_is_told_once_is_not_copied_without_bound() {
    let resource = message(&[(1, &key_value("big", &text(&"x".repeat(4_000_000))))]);
    let records: Vec<Vec<u8>> = (0..40).map(|_| fixed64(1, NANOS)).collect();
    let records: Vec<(u32, &[u8])> = records.iter().map(|record| (2, record.as_slice())).collect();
    let request = message(&[(1, &message(&[(1, &resource), (2, &message(&records))]))]);
    let (_, framed) = push(&request, Encoding::Protobuf);
    assert_eq!((framed.received, framed.events.len()), (40, 33));
    assert!(framed.refused[0].reason.contains("send fewer records at once"));
}
