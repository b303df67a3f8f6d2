//! Activities from rows, what is remembered of them, and that no order matters.

use vigie_domain::fraud::features::Bounds;
use vigie_domain::{Event, EventBatch, LogType, Timestamp, Value};

use super::{Activity, ActivityKind, ActivityReader, Arrival, SIGNALS, ShopHistory, Signal};
use crate::cel::{Kind, Slot};

const BOUNDS: Bounds = Bounds { keys_max: 10_000, kept_max: 200 };

/// One event at that second.
fn event(second: i64, log_type: LogType, body: &str) -> Event {
    let Ok(Value::Object(body)) = serde_json::from_str(body) else { panic!("{body} is no object") };
    let timestamp = Timestamp::from_seconds(second);
    Event { id: None, timestamp, ingested_at: timestamp, log_type, body }
}

fn payment(second: i64, id: &str, more: &str) -> Event {
    let body = format!(r#"{{"transaction_id":"{id}","amount":20.5,"user_id":"u-1","card_hash":"c-1"{more}}}"#);
    event(second, LogType::Transaction, &body)
}

fn action(second: i64, action: &str, more: &str) -> Event {
    event(second, LogType::UserBehavior, &format!(r#"{{"action":"{action}","user_id":"u-1"{more}}}"#))
}

/// Calls `visit` with every activity among the events.
fn read(events: &[Event], mut visit: impl FnMut(&Activity<'_>)) {
    let mut batch = EventBatch::default();
    events.iter().for_each(|event| batch.push(event));
    let mut reader = ActivityReader::default();
    for row in batch.rows() {
        if let Some(activity) = reader.read(&row) {
            visit(&activity);
        }
    }
}

/// The signals of the last payment, after all have arrived.
fn signals_of_last(events: &[Event], check: impl Fn(&dyn Fn(&str) -> Slot<'static>)) {
    let mut shop = ShopHistory::new(BOUNDS);
    let mut last = Vec::new();
    read(events, |activity| {
        shop.arrive(activity);
        let fixed = |value: &Slot<'_>| match *value {
            Slot::Text(_) | Slot::Texts(_) => Slot::Text("a text"),
            Slot::Missing => Slot::Missing,
            Slot::Bool(flag) => Slot::Bool(flag),
            Slot::Int(number) => Slot::Int(number),
            Slot::Double(number) => Slot::Double(number),
            Slot::Instant(nanos) => Slot::Instant(nanos),
        };
        if activity.is_transaction() {
            last = shop.signals(activity).iter().map(fixed).collect();
        }
    });
    check(&|name| last[Signal::place(name).unwrap()]);
}

#[test]
fn events_are_read_as_activities() {
    let check = |event: Event, expected: Option<ActivityKind>| {
        let mut found = None;
        read(std::slice::from_ref(&event), |activity| found = Some(activity.kind));
        assert_eq!(found, expected, "{event:?}");
    };
    let transaction = |body: &str| event(1, LogType::Transaction, body);
    check(payment(1, "t-1", ""), Some(ActivityKind::Payment));
    check(payment(1, "t-1", r#","status":"refunded""#), Some(ActivityKind::Refund));
    check(payment(1, "t-1", r#","transaction_type":"refund""#), Some(ActivityKind::Refund));
    check(transaction(r#"{"transaction_id":7,"amount":"12.5"}"#), Some(ActivityKind::Payment));
    check(transaction(r#"{"transaction_id":"t","amount":"much"}"#), None);
    check(transaction(r#"{"transaction_id":"t"}"#), None);
    check(transaction(r#"{"amount":1}"#), None);
    check(transaction(r#"{"transaction_id":"","amount":1}"#), None);
    check(action(1, "login", ""), Some(ActivityKind::Login));
    check(action(1, "login_failed", ""), Some(ActivityKind::LoginFailed));
    check(action(1, "password_change", ""), Some(ActivityKind::AccountChange));
    check(action(1, "product_view", ""), Some(ActivityKind::PageView));
    check(action(1, "add_to_cart", ""), None);
    check(event(1, LogType::Error, r#"{"transaction_id":"t","amount":1}"#), None);
}

#[test]
fn every_signal_has_a_name_of_its_own_and_its_kind() {
    let all = payment(
        9,
        "t-1",
        r#","currency":"EUR","status":"completed","transaction_type":"purchase","payment_method":"card","device_id":"d",
        "client_ip":"90.1.2.3","card_bin":497010,"card_country":"FR","email_hash":"e","email_domain":"yopmail.com","billing_country":"FR",
        "shipping_country":"FR","geo":{"country":"FR"},"coupon":"C","merchant_id":"m","account_created_at":"1970-01-01T00:00:01Z",
        "user_agent":{"is_bot":false}"#,
    );
    let earlier = payment(3, "t-0", r#","geo":{"country":"NG"}"#);
    let mut shop = ShopHistory::new(BOUNDS);
    read(&[earlier, all], |activity| {
        shop.arrive(activity);
        let values = shop.signals(activity);
        assert_eq!(values.len(), SIGNALS.len());
        if activity.at == Timestamp::from_seconds(3) {
            return;
        }
        for (signal, value) in SIGNALS.iter().zip(values) {
            let (name, kind) = (signal.name, signal.kind());
            let is_right = match value {
                Slot::Missing | Slot::Texts(_) => false,
                Slot::Bool(_) => kind == Kind::Bool,
                Slot::Int(_) => kind == Kind::Int,
                Slot::Double(_) => kind == Kind::Double,
                Slot::Text(_) => kind == Kind::Text,
                Slot::Instant(_) => kind == Kind::Instant,
            };
            assert!(is_right, "{name} is {value:?}");
        }
    });
    let names: std::collections::HashSet<&str> = SIGNALS.iter().map(|signal| signal.name).collect();
    assert_eq!(names.len(), SIGNALS.len());
}

#[test]
fn cards_that_are_tried_leave_their_trace() {
    let tried = |number: i64| {
        let more = format!(r#","status":"declined","device_id":"d","client_ip":"51.70.1.1","x_card":{number}"#);
        let body = format!(r#"{{"transaction_id":"t-{number}","amount":1.2,"card_hash":"c-{number}"{more}}}"#);
        event(100 + number, LogType::Transaction, &body)
    };
    signals_of_last(&(0..5).map(tried).collect::<Vec<_>>(), |value| {
        assert_eq!(value("device.card_count_24h"), Slot::Int(5));
        assert_eq!(value("device.declined_count_1h"), Slot::Int(5));
        assert_eq!(value("ip.card_count_1h"), Slot::Int(5));
        assert_eq!(value("network.card_count_1h"), Slot::Int(5));
        assert_eq!(value("card.declined_count_1h"), Slot::Int(1));
        assert_eq!(value("user.count_1h"), Slot::Int(0));
    });
}

#[test]
fn a_payment_that_is_told_of_twice_is_counted_once() {
    let told = [
        payment(10, "t-1", r#","status":"pending""#),
        payment(12, "t-1", r#","status":"declined","decline_reason":"expired""#),
        payment(12, "t-1", r#","status":"declined","decline_reason":"expired""#),
        payment(40, "t-2", r#","status":"pending""#),
    ];
    signals_of_last(&told, |value| {
        assert_eq!(value("user.count_1h"), Slot::Int(2));
        assert_eq!(value("user.count_before"), Slot::Int(1));
        assert_eq!(value("card.declined_count_1h"), Slot::Int(1));
    });
}

#[test]
fn failed_logins_changes_and_journeys_are_seen_by_the_payment() {
    let told = [
        action(1_000, "login", r#","device_id":"old","ip_country":"FR""#),
        action(90_000, "login_failed", r#","device_id":"new","client_ip":"105.112.1.1""#),
        action(90_001, "login_failed", r#","device_id":"new","client_ip":"105.112.1.1""#),
        action(93_600, "login", r#","device_id":"old","ip_country":"FR""#),
        action(93_700, "login", r#","device_id":"new","ip_country":"NG""#),
        action(93_800, "password_change", ""),
        payment(93_600 + 1_800, "t-1", r#","device_id":"new","ip_country":"NG","client_ip":"105.112.1.1""#),
    ];
    signals_of_last(&told, |value| {
        assert_eq!(value("user.failed_login_count_1h"), Slot::Int(0));
        assert_eq!(value("user.change_count_1h"), Slot::Int(1));
        let Slot::Double(hours) = value("user.device_age_hours") else { panic!("no age") };
        assert!((hours - 1_700.0 / 3_600.0).abs() < 1e-9, "{hours}");
        let Slot::Double(speed) = value("user.speed_kmh") else { panic!("no speed") };
        assert!(speed > 50_000.0, "{speed}");
    });
}

#[test]
fn a_confirmed_fraud_weighs_on_everything_that_it_touched() {
    let mut shop = ShopHistory::new(BOUNDS);
    let told = [payment(10, "t-1", r#","device_id":"d""#), payment(20, "t-2", r#","device_id":"d""#)];
    read(&told[..1], |activity| {
        assert!(!shop.mark_fraud(activity));
        assert_eq!(shop.arrive(activity), Arrival::New);
        assert!(shop.mark_fraud(activity) && !shop.mark_fraud(activity));
    });
    read(&told[1..], |activity| {
        shop.arrive(activity);
        let values = shop.signals(activity);
        for name in ["user.fraud_count", "card.fraud_count", "device.fraud_count"] {
            let place = Signal::place(name).unwrap();
            assert_eq!(values[place], Slot::Int(1), "{name}");
        }
    });
}

#[test]
fn a_label_that_is_taken_back_leaves_nothing() {
    let (mut labelled, mut untouched) = (ShopHistory::new(BOUNDS), ShopHistory::new(BOUNDS));
    let told: Vec<Event> =
        (0..5).map(|number| payment(10 + number, &format!("t-{number}"), r#","device_id":"d""#)).collect();
    read(&told, |activity| {
        labelled.arrive(activity);
        untouched.arrive(activity);
    });
    read(&told[2..3], |activity| {
        assert!(!labelled.clear_fraud(activity));
        assert!(labelled.mark_fraud(activity) && labelled != untouched);
        assert!(labelled.clear_fraud(activity));
    });
    assert!(labelled == untouched);
}

/// A busy quarter of an hour of few people.
fn busy() -> Vec<Event> {
    let mut events = Vec::new();
    for number in 0..300_i64 {
        let (second, who) = (1_000 + 3 * number, number * 7 % 5);
        let more = format!(r#","user_id":"u-{who}","device_id":"d-{}","client_ip":"90.1.2.{who}""#, number % 3);
        let status = if number % 4 == 0 { "declined" } else { "completed" };
        let body = format!(
            r#"{{"transaction_id":"t-{}","amount":{}.25,"status":"{status}","card_hash":"c-{who}"{more}}}"#,
            number / 2,
            number / 2
        );
        events.push(if number % 6 == 5 {
            event(second, LogType::UserBehavior, &format!(r#"{{"action":"login_failed"{more}}}"#))
        } else {
            event(second, LogType::Transaction, &body)
        });
    }
    events
}

#[test]
fn events_up_to_five_minutes_late_leave_the_state_of_the_ordered_stream() {
    let mut ordered = ShopHistory::new(BOUNDS);
    read(&busy(), |activity| assert_ne!(ordered.arrive(activity), Arrival::TooLate));
    let mut shuffled = busy();
    // Each within five minutes of its place.
    shuffled.chunks_mut(90).for_each(<[Event]>::reverse);
    let mut late = ShopHistory::new(BOUNDS);
    read(&shuffled, |activity| assert_ne!(late.arrive(activity), Arrival::TooLate));
    assert!(ordered == late);
    read(&[payment(1_000, "t-late", "")], |activity| {
        assert_eq!(late.arrive(activity), Arrival::TooLate);
    });
    assert!(ordered == late);
}

#[test]
fn a_clock_that_is_ahead_makes_nobody_late() {
    let mut shop = ShopHistory::new(BOUNDS);
    let ahead = Event { ingested_at: Timestamp::from_seconds(1_000), ..payment(1_600, "t-ahead", "") };
    read(&[ahead, payment(1_001, "t-1", "")], |activity| assert_eq!(shop.arrive(activity), Arrival::New));
    assert_eq!(shop.newest_at(), Timestamp::from_seconds(1_001));
}

#[test]
fn what_goes_on_from_a_snapshot_is_what_was_never_interrupted() {
    let (mut undisturbed, mut restored) = (ShopHistory::new(BOUNDS), ShopHistory::new(BOUNDS));
    let mut number = 0;
    read(&busy(), |activity| {
        number += 1;
        if number % 100 == 0 {
            let mut bytes = Vec::new();
            restored.write_snapshot(&mut bytes);
            let mut rest = bytes.as_slice();
            restored = ShopHistory::read_snapshot(&mut rest, BOUNDS).unwrap();
            assert_eq!(rest, [0_u8; 0]);
            assert!(ShopHistory::read_snapshot(&mut &bytes[..bytes.len() - 1], BOUNDS).is_err());
        }
        assert_eq!(undisturbed.arrive(activity), restored.arrive(activity));
        assert_eq!(undisturbed.signals(activity), restored.signals(activity));
    });
    assert!(undisturbed == restored);
}

/// Events that touch every track, from few people who share much.
fn crowd() -> Vec<Event> {
    let mut events = Vec::new();
    for number in 0..300_i64 {
        let (user, shared, second) = (number % 7, number % 3, number * 97);
        let place = ["FR", "JP", "BR"][(number % 3) as usize];
        let who = format!(
            r#""user_id":"u-{user}","device_id":"d-{shared}","client_ip":"10.0.{shared}.{user}","ip_country":"{place}""#
        );
        let actions = ["login", "login_failed", "password_change", "page_view"];
        let action = actions[(number % 4) as usize];
        events.push(event(second, LogType::UserBehavior, &format!(r#"{{"action":"{action}",{who}}}"#)));
        let status = if number % 5 == 0 { "declined" } else { "completed" };
        let status = if number % 11 == 0 { "refunded" } else { status };
        let body = format!(
            r#"{{"transaction_id":"t-{number}","amount":{},"card_hash":"c-{}","card_bin":"49707{shared}","email_hash":"e-{user}",
                "merchant_id":"m-{shared}","coupon":"WELCOME","status":"{status}",{who}}}"#,
            10 + number % 50,
            number % 13
        );
        events.push(event(second + 30, LogType::Transaction, &body));
    }
    events
}

#[test]
fn the_fields_that_are_needed_say_the_same_as_the_whole_event() {
    let told = |events: &[Event]| {
        let mut told = Vec::new();
        read(events, |activity| told.push(format!("{activity:?}")));
        told
    };
    let more = r#","message":"paid","trace_id":"a","geo":{"country":"DE","city":"Ulm"},"user_agent":{"is_bot":true,"name":"x"}"#;
    let whole: Vec<Event> = crowd().into_iter().chain([payment(9, "t-x", more)]).collect();
    let trim = |event: &Event| Event { body: ActivityReader::needed().of(event.body.clone()), ..event.clone() };
    let trimmed: Vec<Event> = whole.iter().map(trim).collect();
    assert!(trimmed.iter().zip(&whole).all(|(trimmed, whole)| trimmed.body.len() <= whole.body.len()));
    assert_eq!(trimmed[trimmed.len() - 1].body.iter().filter(|(name, _)| name == "message").count(), 0);
    assert_eq!(told(&trimmed), told(&whole));
}

#[test]
fn a_signal_is_the_same_when_nothing_else_is_remembered() {
    let events = crowd();
    let told = |shop: ShopHistory, signal: Option<usize>| {
        let (mut shop, mut told) = (shop, Vec::new());
        read(&events, |activity| {
            shop.arrive(activity);
            if activity.is_transaction() {
                let values = shop.signals(activity);
                told.push(signal.map_or_else(|| format!("{values:?}"), |signal| format!("{:?}", values[signal])));
                if told.len() % 9 == 0 {
                    shop.mark_fraud(activity);
                }
            }
        });
        told
    };
    let mut varying = 0;
    for (signal, Signal { name, .. }) in SIGNALS.iter().enumerate() {
        let full = told(ShopHistory::new(BOUNDS), Some(signal));
        let alone = told(ShopHistory::for_signals(BOUNDS, [signal]), Some(signal));
        assert_eq!(full, alone, "{name}");
        varying += usize::from(full.iter().any(|value| *value != full[0]));
    }
    assert!(varying > 40, "{varying} signals say anything of these events");
    assert_ne!(told(ShopHistory::new(BOUNDS), None), told(ShopHistory::for_signals(BOUNDS, []), None));
}

#[test]
fn a_fraud_weighs_on_whoever_used_the_same_card_or_device_before() {
    // u-1 and u-2 share a device once; u-2 then pays from another device with another card.
    let from = |second: i64, id: &str, user: &str, device: &str, card: &str| {
        let body = format!(
            r#"{{"transaction_id":"{id}","amount":20.5,"user_id":"{user}","device_id":"{device}","card_hash":"{card}"}}"#
        );
        event(second, LogType::Transaction, &body)
    };
    let check = |users_of_device: i64, expected: i64| {
        let mut events = vec![from(1, "fraud", "u-1", "d-1", "c-1"), from(2, "t-2", "u-2", "d-1", "c-2")];
        events.extend(
            (3..=users_of_device).map(|user| from(2, &format!("t-{user}"), &format!("u-{user}"), "d-1", "c-9")),
        );
        events.push(from(3_600, "last", "u-2", "d-2", "c-3"));
        let mut shop = ShopHistory::new(BOUNDS);
        let place = Signal::place("user.linked_fraud_count").unwrap();
        let mut last = None;
        read(&events, |activity| {
            shop.arrive(activity);
            if activity.text(crate::stream::Field::TransactionId) == Some("fraud") {
                shop.mark_fraud(activity);
            }
            let Slot::Int(count) = shop.signals(activity)[place] else { panic!("the signal is no count") };
            last = Some(count);
        });
        assert_eq!(last, Some(expected), "{users_of_device} users of the device");
    };
    check(2, 1);
    check(20, 1);
    check(21, 0);
}
