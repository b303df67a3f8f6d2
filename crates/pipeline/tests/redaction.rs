//! How many card numbers are found among generated ones in every disguise, and how many other numbers are taken for one.
//!
//! Random numbers of an issuer's range and length with a right check digit are card numbers for all that anybody can tell;
//! the look-alikes here are made as shops make theirs, and those that are cards by accident count against precision.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are not marked as tests and stop at the first surprise as well"
)]

use std::sync::Arc;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vigie_domain::{Timestamp, Value};
use vigie_pipeline::{Assembler, DecodeOptions, Pipeline, RedactionCounts, RedactionKind, Redactor};

/// Generated values of each sort.
const VALUES: usize = 50_000;
/// Cards that must be found, of a thousand.
const RECALL_PER_MILLE_MIN: f64 = 999.0;
/// Of a thousand values taken for cards, those that must be one.
const PRECISION_PER_MILLE_MIN: f64 = 990.0;

/// Prefixes and lengths of issuers.
const ISSUERS: &[(&[&str], &[usize])] = &[
    (&["4"], &[16, 16, 16, 13, 19]),
    (&["51", "52", "53", "54", "55", "2221", "2345", "2500", "2699", "2720"], &[16]),
    (&["34", "37"], &[15]),
    (&["6011", "644", "645", "646", "647", "648", "649", "65"], &[16, 16, 19]),
    (&["300", "301", "302", "303", "304", "305", "3095", "36", "38", "39"], &[14]),
    (&["3528", "3540", "3566", "3589"], &[16]),
    (&["62"], &[16, 17, 18, 19]),
    (&["5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763"], &[12, 13, 14, 15, 16, 17, 18, 19]),
];

fn digits(dice: &mut ChaCha8Rng, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + dice.random_range(0..10_u8))).collect()
}

fn card(dice: &mut ChaCha8Rng) -> String {
    let (prefixes, lengths) = ISSUERS.choose(dice).unwrap();
    let (prefix, length) = (prefixes.choose(dice).unwrap(), *lengths.choose(dice).unwrap());
    let body = format!("{prefix}{}", digits(dice, length - 1 - prefix.len()));
    let sum: u32 = body.bytes().rev().enumerate().fold(0, |sum, (place, byte)| {
        let digit = u32::from(byte - b'0') * if place % 2 == 0 { 2 } else { 1 };
        sum + digit / 10 + digit % 10
    });
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn grouped(number: &str, sizes: &[usize], separator: &str) -> String {
    let (mut rest, mut groups) = (number, Vec::new());
    for size in sizes.iter().chain(std::iter::repeat(sizes.last().unwrap())) {
        if rest.is_empty() {
            break;
        }
        let (group, after) = rest.split_at((*size).min(rest.len()));
        groups.push(group);
        rest = after;
    }
    groups.join(separator)
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The number as somebody may have written it.
fn disguised(dice: &mut ChaCha8Rng, number: &str) -> String {
    let separators = [" ", "-", ".", "_", "+", "%20", "%2D", "\u{a0}", " - ", "–", "%2B", "\\u0020", "  "];
    match dice.random_range(0..10) {
        0..4 => number.to_owned(),
        4 | 5 => grouped(number, &[4], separators.choose(dice).unwrap()),
        6 => match number.len() {
            15 => grouped(number, &[4, 6, 5], [" ", "-", "."].choose(dice).unwrap()),
            14 => grouped(number, &[4, 6, 4], [" ", "-", "."].choose(dice).unwrap()),
            _ => grouped(number, &[1], [" ", "-"].choose(dice).unwrap()),
        },
        7 => number.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        8 => number.chars().filter_map(|digit| char::from_u32(u32::from(digit) - 0x30 + 0xff10)).collect(),
        _ => {
            let around = ["", "{\"pan\":\"", "a", "card: "].choose(dice).unwrap();
            let is_word = *around == "a";
            base64(&format!("{}{number}{}", if is_word { "a " } else { around }, if is_word { "" } else { "\"" }))
        }
    }
}

/// What may stand around a number.
const CONTEXTS: &[(&str, &str)] = &[
    ("", ""),
    ("payment with card ", " declined"),
    ("{\"pan\":\"", "\",\"exp\":\"12/28\"}"),
    ("pan=", "&exp=1228"),
    ("GET /pay?card=", " HTTP/1.1"),
    ("(", ")."),
    ("2026-11-23 14:04:05 card ", ", order 17"),
    ("\tat Pay.charge(", ") line 12\n"),
    ("\"", "\""),
    ("#", ";"),
    ("order 17: ", "\r\n"),
];

fn is_redacted(redactor: &Redactor, text: &str) -> bool {
    let mut counts = RedactionCounts::default();
    let _ = redactor.redact_text(text, &mut counts);
    counts.of(RedactionKind::Card) + counts.of(RedactionKind::Track) > 0
}

fn hex(dice: &mut ChaCha8Rng, count: usize) -> String {
    (0..count).map(|_| char::from_digit(dice.random_range(0..16), 16).unwrap()).collect()
}

fn letters(dice: &mut ChaCha8Rng, count: usize) -> String {
    (0..count).map(|_| char::from(dice.random_range(b'A'..=b'Z'))).collect()
}

/// Country, check digits and an account.
fn iban(dice: &mut ChaCha8Rng) -> String {
    let (country, length) =
        [("DE", 18), ("ES", 20), ("BE", 12), ("DK", 14), ("NO", 11), ("FI", 14), ("FR", 23)].choose(dice).unwrap();
    let account = digits(dice, *length);
    let numeric: String =
        format!("{account}{country}00").chars().map(|sign| sign.to_digit(36).unwrap().to_string()).collect();
    let remainder = numeric.bytes().fold(0_u32, |remainder, byte| (remainder * 10 + u32::from(byte - b'0')) % 97);
    format!("{country}{:02}{account}", 98 - remainder)
}

/// A number, or what has digits, that is no card's.
fn look_alike(dice: &mut ChaCha8Rng) -> String {
    let epoch_s = dice.random_range(1_600_000_000_u64..1_900_000_000);
    match dice.random_range(0..27) {
        0 => format!("ORD-{}-{}", dice.random_range(2020..2027), digits(dice, 6)),
        1 => format!("{epoch_s}{}", digits(dice, 3)),
        2 => format!("{epoch_s}{}", digits(dice, 6)),
        3 => format!("{epoch_s}{}", digits(dice, 9)),
        4 => format!("2026{:02}{:02}{}", dice.random_range(1..13), dice.random_range(1..29), digits(dice, 8)),
        5 => format!("+{}{}", [33, 49, 44, 1, 34].choose(dice).unwrap(), digits(dice, 10)),
        6 => format!("+49 {} {}", digits(dice, 3), digits(dice, 8)),
        7 => iban(dice),
        8 => grouped(&iban(dice), &[4], " "),
        9 => format!("1Z{}{}", letters(dice, 3), digits(dice, 13)),
        10 => format!("94{}", digits(dice, 20)),
        11 => format!("{}{}{}", letters(dice, 2), digits(dice, 9), letters(dice, 2)),
        12 => format!("{}-{}-4{}-8{}-{}", hex(dice, 8), hex(dice, 4), hex(dice, 3), hex(dice, 3), hex(dice, 12)),
        13 => hex(dice, 32),
        14 => hex(dice, 64),
        15 => format!("{}", dice.random::<f64>() * 10_000.0),
        16 => format!("{}", dice.random::<f64>()),
        17 => {
            format!("{}.{}.{}.{}", dice.random::<u8>(), dice.random::<u8>(), dice.random::<u8>(), dice.random::<u8>())
        }
        18 => format!("1{}", digits(dice, 18)),
        19 => base64(&hex(dice, 30)),
        20 => format!("order_{}", digits(dice, 10)),
        21 => format!("978{}", digits(dice, 10)),
        22 => format!("tx_{}", hex(dice, 24)),
        // Article, parcel and message numbers that begin with any digit.
        23 => digits(dice, 12),
        24 => format!("{}{}", dice.random_range(1..10_u8), digits(dice, 17)),
        25 => digits(dice, 22),
        _ => format!("{} {} {}", digits(dice, 5), digits(dice, 3), digits(dice, 6)),
    }
}

#[test]
fn cards_are_found_and_other_numbers_stay() {
    let redactor = Redactor::new(&[7; 32]).unwrap();
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let (mut found, mut missed, mut taken) = (0, Vec::new(), Vec::new());
    for _ in 0..VALUES {
        let number = card(&mut dice);
        let (before, after) = CONTEXTS.choose(&mut dice).unwrap();
        let text = format!("{before}{}{after}", disguised(&mut dice, &number));
        if is_redacted(&redactor, &text) {
            found += 1;
        } else {
            missed.push(text);
        }
        let (before, after) = CONTEXTS.choose(&mut dice).unwrap();
        let text = format!("{before}{}{after}", look_alike(&mut dice));
        if is_redacted(&redactor, &text) {
            taken.push(text);
        }
    }
    let recall = 1_000.0 * f64::from(found) / VALUES as f64;
    let precision = 1_000.0 * f64::from(found) / (f64::from(found) + taken.len() as f64);
    println!("recall {recall:.2} ‰, precision {precision:.2} ‰ of {} values", 2 * VALUES);
    let some = |texts: &[String]| texts.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(recall >= RECALL_PER_MILLE_MIN, "recall {recall:.2} ‰, missed:\n{}", some(&missed));
    assert!(precision >= PRECISION_PER_MILLE_MIN, "precision {precision:.2} ‰, taken:\n{}", some(&taken));
}

#[test]
fn numbers_that_are_no_text_are_found_as_well() {
    let redactor = Redactor::new(&[7; 32]).unwrap();
    let mut dice = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..VALUES / 10 {
        let number = card(&mut dice);
        let Ok(sent) = number.parse::<i64>() else { continue };
        let mut body = vec![("n".into(), Value::Int(sent)), ("at".into(), Value::Int(1_795_446_000_000))];
        redactor.redact(&mut body, &mut RedactionCounts::default());
        let last4 = &number[number.len() - 4..];
        assert_eq!(body[0].1, Value::text(format!("{}******{last4}", &number[..6])), "{number}");
        assert_eq!(body[1].1, Value::Int(1_795_446_000_000));
        assert!(body.iter().any(|(name, value)| name == "card_last4" && *value == Value::text(last4)));
    }
}

#[test]
fn a_message_that_a_stage_changes_is_redacted_again() {
    let stage = "version = 1\n[[stage]]\ntype = 'replace'\nfields = ['message', 'other']\npattern = 'x'\nwith = ''\n";
    let options = DecodeOptions {
        pipeline: Some(Arc::new(Pipeline::from_toml(stage).unwrap())),
        ..DecodeOptions::new(Timestamp::from_seconds(0), Arc::new(Redactor::new(&[7; 32]).unwrap()))
    };
    let mut assembler = Assembler::new(&options);
    assembler.push_plain(b"paid with 4111x1111x1111x1111", false);
    assembler.push_json(br#"{"message":"paid with 5555555555554444","other":"4111x1111x1111x1111"}"#);
    let framed = assembler.finish();
    let texts: Vec<String> =
        framed.events.events().map(|event| serde_json::to_string(&Value::Object(event.body)).unwrap()).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| text.contains("411111") && !text.contains("4111111111111111")), "{texts:?}");
    assert!(texts[1].contains("555555") && !texts[1].contains("5555555555554444"), "{texts:?}");
    assert_eq!(framed.redactions.of(RedactionKind::Card), 3);
}
