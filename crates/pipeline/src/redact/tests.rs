//! Whole events and texts, as they come in and as they may be stored.

use serde_json::{Value as Json, json};
use vigie_domain::value::object_to_json;

use super::*;

const KEY: [u8; 32] = [7; 32];
/// HMAC-SHA-256 of 4111111111111111 under `KEY`.
const HASH: &str = "33ecfa1b0ba87f45471dd64ba36a9bde71e092d5eb4aa6aceb5c3710f027c28e";

fn redactor() -> Redactor {
    Redactor::new(&KEY).unwrap()
}

/// Sends the body through; the counts are compared as words.
fn check(body: Json, expected: Json, kinds: &str) {
    let Value::Object(mut object) = Value::from_json(&body) else { panic!("{body} is no object") };
    let mut counts = RedactionCounts::default();
    let redactor = redactor();
    redactor.redact(&mut object, &mut counts);
    assert_eq!(object_to_json(&object), expected, "{body}");
    let words: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    assert_eq!(words.join(", "), kinds, "{body}");
    let mut again = RedactionCounts::default();
    let once = object.clone();
    redactor.redact(&mut object, &mut again);
    assert_eq!((object, again.total()), (once, 0), "done twice: {body}");
}

fn check_text(text: &str, expected: &str) {
    let mut counts = RedactionCounts::default();
    let redactor = redactor();
    let found = redactor.redact_text(text, &mut counts);
    assert_eq!(found, expected, "{text}");
    assert_eq!(counts.total() > 0, text != expected, "{text}");
    assert_eq!(redactor.redact_text(expected, &mut counts), expected, "done twice: {text}");
}

/// What a card number of 4111 1111 1111 1111 adds to an event.
fn with_card(mut body: Json) -> Json {
    let fields = body.as_object_mut().unwrap();
    fields.insert("card_hash".into(), HASH.into());
    fields.insert("card_bin".into(), "411111".into());
    fields.insert("card_last4".into(), "1111".into());
    body
}

#[test]
fn cards_become_their_ends_and_a_hash() {
    let masked = "411111******1111";
    for sent in [json!("4111111111111111"), json!(4_111_111_111_111_111_i64), json!("4111 1111 1111 1111")] {
        check(json!({"pan": sent}), with_card(json!({"pan": masked})), "card 1");
        check(json!({"a": {"b": [1, {"c": sent}]}}), with_card(json!({"a": {"b": [1, {"c": masked}]}})), "card 1");
    }
    check(
        json!({"message": "paid with 4111-1111-1111-1111 and 5555555555554444"}),
        with_card(json!({"message": "paid with 411111******1111 and 555555******4444"})),
        "card 2",
    );
    check(
        json!({"pan": "4111111111111111", "card_hash": "mine", "card_bin": null, "card_last4": "9"}),
        json!({"pan": masked, "card_hash": "mine", "card_last4": "9", "card_bin": "411111"}),
        "card 1",
    );
}

#[test]
fn cards_are_found_in_every_disguise() {
    for (text, expected) in [
        ("4111111111111111", "411111******1111"),
        ("a=4111.1111.1111.1111;", "a=411111******1111;"),
        ("4111_1111_1111_1111", "411111******1111"),
        ("n=4111+1111+1111+1111&x", "n=411111******1111&x"),
        ("4111%201111%201111%201111", "411111******1111"),
        ("4111%2D1111%2D1111%2D1111", "411111******1111"),
        ("%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31", "411111******1111"),
        ("q=%204111111111111111%20", "q=%20411111******1111%20"),
        ("name%3D4111111111111111", "name%3D411111******1111"),
        ("４１１１１１１１１１１１１１１１", "411111******1111"),
        ("卡号4111111111111111。", "卡号411111******1111。"),
        ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "411111******1111"),
        ("4111–1111–1111–1111", "411111******1111"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "411111******1111"),
        ("4111 - 1111 - 1111 - 1111", "411111******1111"),
        ("378282 246310005 3782-822463-10005", "378282******0005 378282******0005"),
        ("card4111111111111111exp1228", "card411111******1111exp1228"),
        (r#""a\n4111111111111111""#, r#""a\n411111******1111""#),
        (r#"{"pan":4111111111111111}"#, r#"{"pan":411111******1111}"#),
        ("4111111111111111.0", "411111******1111.0"),
        ("order 12 4111 1111 1111 1111 99", "order 12 411111******1111 99"),
        ("2026-11-23 14:04:05 4111111111111111 12/28", "2026-11-23 14:04:05 411111******1111 12/28"),
        ("to NDExMTExMTExMTExMTExMQ== now", "to [redacted:card] now"),
        ("4\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\0", "411111******1111\0"),
    ] {
        check_text(text, expected);
    }
}

#[test]
fn other_numbers_stay() {
    for text in [
        "1795446000000",
        "1795446000000000",
        "1795446000000000000",
        "20261123140405123",
        "41111111111111111111",
        "a4111111111111111b",
        "4111111111111111abcdef",
        "tx4111111111111111",
        "0.4111111111111111",
        "4111111111111111.25",
        "4.111111111111111",
        "4111.111111111111",
        "+4222222222222",
        "tel +4222222222222",
        "DE89 3704 0044 0532 0130 00",
        "192.168.100.200",
        "c0ffee00-4111-4111-8111-111111111111",
        "4111 1111,1111 1111",
        "4111-1111 1111-1111",
        "978-3-16-148410-0",
    ] {
        check_text(text, text);
    }
    check(
        json!({"ean": "4222222222222", "order_id": 4_222_222_222_222_i64}),
        json!({"ean": "4222222222222", "order_id": 4_222_222_222_222_i64}),
        "",
    );
    check(
        json!({"at": 1_795_446_000_000_000_i64, "n": -5, "big": u64::MAX}),
        json!({"at": 1_795_446_000_000_000_i64, "n": -5, "big": u64::MAX}),
        "",
    );
}

#[test]
fn cvv_and_tracks_are_removed() {
    check(
        json!({"cvv": 123, "card": {"securityCode": "999"}}),
        json!({"cvv": "[redacted:cvv]", "card": {"securityCode": "[redacted:cvv]"}}),
        "cvv 2",
    );
    check_text("cvv=123&exp=1228", "cvv=[redacted:cvv]&exp=1228");
    check_text(r#"{"cvv": "123"}"#, r#"{"cvv": "[redacted:cvv]"}"#);
    check_text("swipe %B4111111111111111^DOE/JOHN^28121011234? ok", "swipe [redacted:track] ok");
    check_text("swipe ;4111111111111111=28121011234567890? ok", "swipe [redacted:track] ok");
    check_text("4111111111111111D28121011234567890", "[redacted:track]");
    check_text("%25B4111111111111111%5EDOE%2FJOHN%5E28121011234", "[redacted:track]");
    check(
        json!({"track2": ";4111111111111111=28121011234567890?"}),
        with_card(json!({"track2": "[redacted:track]"})),
        "track 1",
    );
}

#[test]
fn secrets_are_replaced_by_their_kind() {
    check(
        json!({"user": {"Password": "hunter2", "api-key": ["a", "b"]}, "session_id": "s-1", "token": null}),
        json!({"user": {"Password": "[redacted:password]", "api-key": ["[redacted:api_key]", "[redacted:api_key]"]}, "session_id": "s-1", "token": null}),
        "password 1, api_key 2",
    );
    check(
        json!({"headers": [{"name": "Cookie", "value": "a=b"}, {"name": "Host", "value": "x"}], "cookies": {"sid": "1"}}),
        json!({"headers": [{"name": "Cookie", "value": "[redacted:cookie]"}, {"name": "Host", "value": "x"}], "cookies": {"sid": "[redacted:cookie]"}}),
        "cookie 2",
    );
    check(
        json!({"message": "GET /a?token=abc&x=1 as https://u:p@h/", "authorization": {"status": "approved"}, "token": 5}),
        json!({"message": "GET /a?token=[redacted:token]&x=1 as https://u:[redacted:password]@h/", "authorization": {"status": "approved"}, "token": 5}),
        "password 1, token 1",
    );
    check_text("password=4111111111111111", "password=[redacted:password]");
}

#[test]
fn ids_with_cards_become_hashes() {
    let (redactor, mut counts) = (redactor(), RedactionCounts::default());
    assert_eq!(redactor.redact_id("order-1", &mut counts), "order-1");
    let (one, other) =
        (redactor.redact_id("4111111111111111-1", &mut counts), redactor.redact_id("4111111111111111-2", &mut counts));
    assert!(one != other && one.len() == 64 && counts.total() == 2, "{one} {other}");
}

#[test]
fn the_hash_depends_on_the_key_alone() {
    let other = Redactor::new(&[8; 32]).unwrap();
    assert_eq!(redactor().hash("4111111111111111"), HASH);
    assert_ne!(other.hash("4111111111111111"), HASH);
    assert_eq!(format!("{other:?}"), "Redactor { .. }");
}

#[test]
fn cut_and_changed_texts_are_taken() {
    let whole = "%B4111111111111111^D^2812101? ;4111=281 \"cvv\": \"123\" Bearer abc123def eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.x \
        -----BEGIN PRIVATE KEY----- %25%34%3 \\u00 password=\"a\\\" Cookie: a=b https://u:p@h NDExMTExMTExMTExMTExMQ ４１%EF%BC";
    let redactor = redactor();
    let mut counts = RedactionCounts::default();
    for (at, _) in whole.char_indices() {
        for text in [&whole[at..], &whole[..at], &format!("{}\0é{}", &whole[..at], &whole[at..])] {
            let once = redactor.redact_text(text, &mut counts).into_owned();
            assert!(!once.contains("4111111111111111"), "{text}");
        }
    }
}
