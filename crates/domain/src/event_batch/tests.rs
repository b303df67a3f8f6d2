//! What batches of events promise.

use proptest::prelude::*;

use super::*;
use crate::EventId;
use crate::value::{Object, Text};

fn event(log_type: LogType, body: Object) -> Event {
    let timestamp = Timestamp::from_millis(1_795_442_645_678);
    Event { id: None, timestamp, ingested_at: Timestamp::from_seconds(1), log_type, body }
}

fn body(json: &str) -> Object {
    let Ok(Value::Object(body)) = serde_json::from_str(json) else { panic!("no object: {json}") };
    body
}

fn written(batch: &EventBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    batch.write(&mut bytes);
    bytes
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        Just(Value::Float(0.1)),
        Just(Value::BigNumber("123456789012345678901234567890".into())),
        "\\PC{0,30}".prop_map(Value::text),
        Just(Value::text("2026-11-23T14:04:05.678Z")),
        Just(Value::text("error")),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![Just("a"), Just("b"), Just("a.b"), Just("ts"), Just("@timestamp"), Just("log_type")];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::vec((name.prop_map(Text::from), inner), 0..4).prop_map(Value::Object),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let name = prop_oneof![Just("message"), Just("@timestamp"), Just("log_type"), Just("x"), Just("user")];
    let body = proptest::collection::vec((name.prop_map(Text::from), any_value()), 0..6);
    (body, 0..LogType::ALL.len(), any::<i64>(), proptest::option::of("[a-z]{1,8}")).prop_map(
        |(body, log_type, nanos, id)| {
            let ingested_at = Timestamp::from_nanos(nanos);
            Event { id: id.map(EventId), ingested_at, ..event(LogType::ALL[log_type], body) }
        },
    )
}

proptest! {
    #[test]
    fn events_come_back_as_they_were(events in proptest::collection::vec(any_event(), 0..12)) {
        let batch: EventBatch = events.iter().cloned().collect();
        prop_assert!(batch.events().eq(events.iter().cloned()));
        let bytes = written(&batch);
        let read = EventBatch::read(&mut Reader::new(&bytes));
        prop_assert_eq!(read.as_ref(), Ok(&batch));
        let mut odd = EventBatch::default();
        batch.rows().filter(|row| row.ingested_at().as_nanos() % 2 != 0).for_each(|row| odd.push_row(row));
        prop_assert!(odd.events().eq(events.into_iter().filter(|event| event.ingested_at.as_nanos() % 2 != 0)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = EventBatch::read(&mut Reader::new(&bytes));
    }
}

#[test]
fn every_truncation_and_every_longer_form_is_refused() {
    let json = r#"{"message":"a","n":{"x":[1,{"y":2.5}]},"@timestamp":"2026-11-23T14:04:05.678Z"}"#;
    let batch: EventBatch =
        [event(LogType::Error, body(json)), event(LogType::Other, body("{}"))].into_iter().collect();
    let mut bytes = written(&batch);
    for length in 0..bytes.len() {
        assert!(EventBatch::read(&mut Reader::new(&bytes[..length])).is_err(), "{length}");
    }
    bytes.push(0);
    assert!(EventBatch::read(&mut Reader::new(&bytes)).is_err());
}

#[test]
fn events_of_the_same_names_share_a_layout() {
    let layouts = |bodies: &[&str]| {
        let batch: EventBatch = bodies.iter().map(|json| event(LogType::Other, body(json))).collect();
        batch.layouts.len()
    };
    assert_eq!(layouts(&[r#"{"a":1,"b":2}"#, r#"{"a":"x","b":null}"#]), 1);
    assert_eq!(layouts(&[r#"{"a":1}"#, r#"{"b":1}"#, r#"{"a":2}"#, r#"{"b":2}"#]), 2);
    assert_eq!(layouts(&[r#"{"a":{"b":1}}"#, r#"{"a.b":1}"#, r#"{"a":{"b":2}}"#]), 2, "nested is not dotted");
    assert_eq!(layouts(&[r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#]), 2, "order is kept");
    let many: EventBatch =
        (0..3_000).map(|n| event(LogType::Other, body(&format!(r#"{{"a{}":1}}"#, n % 1_000)))).collect();
    let mut bytes = Vec::new();
    many.write(&mut bytes);
    let mut again = EventBatch::read(&mut Reader::new(&bytes)).unwrap();
    many.rows().for_each(|row| again.push_row(row));
    assert_eq!((many.layouts.len(), again.layouts.len(), again.len()), (1_000, 1_000, 6_000));
}

#[test]
fn layouts_past_the_bound_lie_with_their_events() {
    let event_of = |n: usize| Event {
        id: n.is_multiple_of(3).then(|| EventId(format!("id-{n}"))),
        ..event(LogType::Error, body(&format!(r#"{{"a{n}":{{"x":"{n}"}},"log_type":"error","b":[{n}]}}"#)))
    };
    let wide = |count: usize| {
        let fields = (0..count).map(|n| (Text::from(format!("w{n}")), Value::Int(1)));
        event(LogType::Other, fields.collect())
    };
    let events: Vec<Event> = (0..LAYOUTS_MAX + 500).map(event_of).collect();
    let batch: EventBatch = events.iter().cloned().collect();
    assert_eq!(batch.layouts.len(), LAYOUTS_MAX);
    assert!(batch.events().eq(events.iter().cloned()));
    let bytes = written(&batch);
    let read = EventBatch::read(&mut Reader::new(&bytes)).unwrap();
    assert_eq!(written(&read), bytes);
    let mut copied = EventBatch::default();
    (0..read.len()).rev().map(|place| read.row(place)).for_each(|row| copied.push_row(row));
    assert!(copied.events().eq(events.into_iter().rev()), "known layouts become own ones and stay themselves");
    let leaves = LAYOUT_LEAVES_MAX / 2;
    let wide: EventBatch = [wide(leaves), wide(leaves + 1), wide(leaves), wide(leaves - 1)].into_iter().collect();
    assert_eq!((wide.layouts.len(), wide.len()), (2, 4), "the second would be too many leaves");
    assert_eq!(wide.row(1).layout().leaves().len(), leaves + 1);
}

#[test]
fn every_truncation_of_an_own_layout_is_refused() {
    let mut batch: EventBatch =
        (0..=LAYOUTS_MAX).map(|n| event(LogType::Other, body(&format!(r#"{{"a{n}":"x"}}"#)))).collect();
    let last = batch.row(LAYOUTS_MAX).to_event();
    batch.layouts.clear();
    batch.heads.drain(..LAYOUTS_MAX);
    batch.bytes.drain(..LAYOUTS_MAX * 2);
    batch.text.drain(..LAYOUTS_MAX);
    batch.heads[0].bytes_end = batch.bytes.len();
    batch.heads[0].text_end = 1;
    let bytes = written(&batch);
    assert_eq!(EventBatch::read(&mut Reader::new(&bytes)).unwrap().row(0).to_event(), last);
    for length in 0..bytes.len() {
        assert!(EventBatch::read(&mut Reader::new(&bytes[..length])).is_err(), "{length}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // Whatever it then says, it says it without harm.
        let _ = EventBatch::read(&mut Reader::new(&flipped)).map(|batch| batch.events().count());
    }
}

#[test]
fn the_time_and_the_type_of_an_event_are_not_held_twice() {
    let json = r#"{"@timestamp":"2026-11-23T14:04:05.678Z","log_type":"error"}"#;
    let batch: EventBatch = [event(LogType::Error, body(json))].into_iter().collect();
    let values: Vec<ValueRef<'_>> = batch.row(0).values().collect();
    let timestamp = Timestamp::from_millis(1_795_442_645_678);
    assert_eq!(values, [ValueRef::OwnTime(timestamp), ValueRef::OwnType(LogType::Error)]);
}
