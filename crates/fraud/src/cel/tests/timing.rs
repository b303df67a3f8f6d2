//! What rules cost in time; printed on demand, not checked: `cargo test --release -p vigie-fraud cel::tests::timing -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use super::super::{Rule, Slot};
use super::{schema, slots};

const ROUND_COUNT: u32 = 2_000_000;

fn print(text: &str) {
    let schema = schema();
    let countries = ["FR", "DE", "IT"].map(ToOwned::to_owned);
    let payment = slots(
        &schema,
        &[
            ("transaction.amount", Slot::Double(900.0)),
            ("transaction.billing_country", Slot::Text("FR")),
            ("transaction.shipping_country", Slot::Text("RU")),
            ("user.count_1h", Slot::Int(3)),
            ("s", Slot::Text("somebody@example.fr")),
            ("at", Slot::Instant(1_772_407_800_000_000_000)),
            ("l", Slot::Texts(&countries)),
        ],
    );
    let rule = Rule::compile(text, &schema).unwrap();
    let mut fired_count = 0;
    let start = Instant::now();
    for _ in 0..ROUND_COUNT {
        fired_count += u32::from(black_box(&rule).evaluate(black_box(&payment)) == Ok(true));
    }
    let nanos = start.elapsed().as_nanos() as f64 / f64::from(ROUND_COUNT);
    println!("{nanos:6.1} ns, cost {:3}, fires {}: {text}", rule.cost(), fired_count > 0);
}

#[test]
#[ignore = "prints times, checks nothing"]
fn rules_are_timed() {
    print(
        "transaction.amount > 500 && transaction.billing_country != transaction.shipping_country && user.count_1h >= 3",
    );
    print("transaction.amount > 500");
    print("i > 3");
    print("transaction.shipping_country in ['RU', 'CN', 'NG']");
    print("transaction.shipping_country in ['A1','A2','A3','A4','A5','A6','A7','A8','A9','RU']");
    print("s.lowerAscii().endsWith('.fr')");
    print("s.matches('@example[.](fr|de)$')");
    print("l.exists(n, n == transaction.shipping_country)");
    print("at.getHours() < 6 || at.getHours() >= 22");
}
