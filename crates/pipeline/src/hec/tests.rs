//! What collected events become, and what is refused with which code.

use super::*;
use crate::framed::Framed;
use crate::options::DecodeOptions;

const NOW: Timestamp = Timestamp::from_seconds(1_764_115_200);

fn pushed(push: impl FnOnce(&mut Assembler<'_>) -> Result<(), HecError>) -> Result<Framed, HecError> {
    let options = DecodeOptions::new(NOW, std::sync::Arc::new(crate::Redactor::new(&[7; 32]).unwrap()));
    let mut assembler = Assembler::new(&options);
    push(&mut assembler)?;
    Ok(assembler.finish())
}

fn check(body: &str, expected: &[&str]) {
    let framed = pushed(|assembler| push_events(body.as_bytes(), assembler)).unwrap();
    assert_eq!(bodies(&framed), expected, "{body}");
}

/// Without log type and time.
fn bodies(framed: &Framed) -> Vec<String> {
    let bare = |mut body: Object| {
        body.retain(|(name, _)| name != "log_type" && name != "@timestamp");
        serde_json::to_string(&Value::Object(body)).unwrap()
    };
    framed.events.events().map(|event| bare(event.body)).collect()
}

#[test]
fn events_follow_one_another() {
    let at = r#""time":1764115199.25"#;
    check(&format!(r#"{{{at},"event":"hello"}}{{{at},"event":{{"a":1}}}}"#), &[r#"{"message":"hello"}"#, r#"{"a":1}"#]);
    check(
        &format!("[{{{at},\"event\":1}},\n{{{at},\"event\":\"a=1 b=2\"}}]\n"),
        &[r#"{"message":"1"}"#, r#"{"a":1,"b":2}"#],
    );
    check(
        &format!(
            r#"{{{at},"host":"web-1","source":"s","sourcetype":"t","index":"main","fields":{{"host":"x","k":"v"}},"event":{{"k":"own"}}}}"#
        ),
        &[
            r#"{"k":"own","host":"x","splunk.k":"v","splunk.host":"web-1","source":"s","sourcetype":"t","index":"main"}"#,
        ],
    );
    check(r#"{"event":"now","host":null}"#, &[r#"{"message":"now","tags":["_no_timestamp"]}"#]);
}

#[test]
fn times_are_exact() {
    let check = |time: &str, nanos: i64| {
        let body = format!(r#"{{"time":{time},"event":"x"}}"#);
        let framed = pushed(|assembler| push_events(body.as_bytes(), assembler)).unwrap();
        assert_eq!(framed.events.events().next().unwrap().timestamp.as_nanos(), nanos, "{time}");
    };
    check("1764115199", 1_764_115_199_000_000_000);
    check("1764115199.253", 1_764_115_199_253_000_000);
    check("\"1764115199.253000001\"", 1_764_115_199_253_000_001);
    check("1764115199.1234567899", 1_764_115_199_123_456_789);
    check("1764115199253", 1_764_115_199_253_000_000);
    check("\" 1764115199 \"", 1_764_115_199_000_000_000);
}

fn check_refused(body: &str, kind: HecErrorKind, event_number: u64) {
    let error = pushed(|assembler| push_events(body.as_bytes(), assembler)).map(|_| ()).unwrap_err();
    assert_eq!((error.kind, error.event_number), (kind, event_number), "{body}: {error}");
    assert!(!error.detail.is_empty());
}

#[test]
fn what_is_wrong_has_its_code() {
    check_refused("", HecErrorKind::NoData, 0);
    check_refused(" \n", HecErrorKind::NoData, 0);
    check_refused("{", HecErrorKind::InvalidFormat, 0);
    check_refused("\"text\"", HecErrorKind::InvalidFormat, 0);
    check_refused(r#"{"event":"a"}{"event":"b"}{"event":"#, HecErrorKind::InvalidFormat, 2);
    check_refused(r#"{"event":"a","time":"soon"}"#, HecErrorKind::InvalidFormat, 0);
    check_refused(r#"{"event":"a","time":-1}"#, HecErrorKind::InvalidFormat, 0);
    check_refused(r#"{"event":"a","time":99999999999999999999}"#, HecErrorKind::InvalidFormat, 0);
    check_refused(r#"{"event":"a"}{"time":1}"#, HecErrorKind::EventRequired, 1);
    check_refused(r#"[{"event":"a"},{"event":null}]"#, HecErrorKind::EventRequired, 1);
    check_refused(r#"{"event":" "}"#, HecErrorKind::EventBlank, 0);
    check_refused(r#"{"event":"a","fields":1}"#, HecErrorKind::IndexedFields, 0);
    assert_eq!([HecErrorKind::NoData, HecErrorKind::IndexedFields].map(HecErrorKind::code), [5, 15]);
}

#[test]
fn raw_lines_share_what_is_told() {
    let telling =
        RawTelling { fields: vec![("host".into(), Value::text("web-1"))], time: Some("1764115199".to_owned()) };
    let framed = pushed(|assembler| push_raw(b"one\n{\"a\":1}\r\n\n", &telling, assembler)).unwrap();
    assert_eq!(bodies(&framed), [r#"{"message":"one","host":"web-1"}"#, r#"{"a":1,"host":"web-1"}"#]);
    let refused = |body: &[u8], telling: &RawTelling| {
        pushed(|assembler| push_raw(body, telling, assembler)).map(|_| ()).unwrap_err().kind
    };
    assert_eq!(refused(b"\n", &telling), HecErrorKind::NoData);
    let soon = RawTelling { time: Some("soon".to_owned()), ..telling };
    assert_eq!(refused(b"a", &soon), HecErrorKind::InvalidFormat);
}

#[test]
fn cut_off_and_flipped_bytes_are_never_believed() {
    let body = br#"{"time":"1764115199.25","fields":{"k":"\u00e9"},"event":{"a":[1]}}{"event":"b"}"#;
    let look = |bytes: &[u8]| {
        let _ = pushed(|assembler| push_events(bytes, assembler));
        let _ = pushed(|assembler| push_raw(bytes, &RawTelling::default(), assembler));
    };
    (0..body.len()).for_each(|length| look(&body[..length]));
    for place in 0..body.len() * 8 {
        let mut flipped = body.to_vec();
        flipped[place / 8] ^= 1 << (place % 8);
        look(&flipped);
    }
}
