//! What may never be stored lies nowhere in the data folder, whichever way it came.

use std::path::Path;

use serde_json::json;
use vigie_app::accounts::Role;

use crate::app::TestApp;
use crate::shop::{Shop, lines};

/// Card numbers as they are sent, and what must not be found of them.
const CARDS: [(&str, &str); 7] = [
    ("4111111111111111", "4111111111111111"),
    ("5555-5555-5555-4444", "5555-5555-5555-4444"),
    ("3782 822463 10005", "3782 822463 10005"),
    ("6011%201111%201111%201117", "6011%201111%201111%201117"),
    ("%33%35%33%30%31%31%31%33%33%33%33%30%30%30%30%30", "%33%35%33%30"),
    ("MzA1NjkzMDkwMjU5MDQ=", "MzA1NjkzMDkwMjU5MDQ="),
    ("５１０５１０５１０５１０５１００", "５１０５１０５１０５１０５１００"),
];
/// Numbers of these cards without their disguise.
const NUMBERS: [&str; 7] = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "3530111333300000",
    "30569309025904",
    "5105105105105100",
];

/// Every file below the folder, with what is in it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn assert_nowhere(shop: &Shop, when: &str) {
    let files = files(shop.app.folder());
    assert!(files.len() > 4, "{when}: the wrong folder");
    for (path, bytes) in files {
        let texts = CARDS.iter().map(|(_, text)| *text).chain(NUMBERS).chain(["hunter2-lantern"]);
        let found: Vec<&str> = texts.filter(|text| holds(&bytes, text)).collect();
        assert!(found.is_empty(), "{when}: {path} holds {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_card_number_is_in_any_file() {
    let shop = Shop::on(TestApp::on_disk()).await;
    let event = |card: &str| {
        let fields = json!({
            "message": format!("payment with {card} refused, password=hunter2-lantern"), "cvv": "123",
            "request": {"pan": card}, "stack_trace": format!("Declined: {card}\n\tat Pay.charge(Pay.java:7)"),
        });
        Shop::event(20, &fields)
    };
    let mut events: Vec<_> = CARDS.iter().map(|(card, _)| event(card)).collect();
    events.push(Shop::event(20, &json!({"pan": 4_111_111_111_111_111_i64})));
    let broken: String =
        CARDS.iter().map(|(card, _)| format!("{{\"pan\": \"{card}\", \"password\": \"hunter2-lantern\"\n")).collect();
    let old: String = CARDS
        .iter()
        .map(|(card, _)| format!("{{\"timestamp\":\"2001-01-01\",\"_id\":\"{card}\",\"pan\":\"{card}\"}}\n"))
        .collect();
    let body = format!("{}{broken}{old}", lines(&events));

    let answer = shop.ingest("/api/logs/ingest", &body, &[("idempotency-key", "cards")]).await;
    assert_eq!(answer.json()["accepted"], json!(events.len()), "{}", answer.text());
    assert_eq!(answer.json()["rejected"], json!(2 * CARDS.len()), "{}", answer.text());
    assert!(NUMBERS.iter().all(|number| !answer.text().contains(number)), "{}", answer.text());
    assert_nowhere(&shop, "in the log");

    let upload = shop.upload("/api/logs/upload", "cards.ndjson", body.as_bytes()).await;
    assert_eq!(upload.json()["records_rejected"], json!(2 * CARDS.len()), "{}", upload.text());
    let rejects = shop.get(upload.json()["rejects_url"].as_str().unwrap()).await.text();
    assert!(rejects.contains("411111******1111") && rejects.contains("[redacted:password]"), "{rejects}");
    assert_nowhere(&shop, "after an upload");

    let found = shop.post("/api/logs/search", &json!({"query": "card_last4:1111 AND card_bin:411111"})).await.json();
    assert_eq!(found["total"], json!(4), "{found}");
    let metrics = shop.get("/metrics").await.text();
    for source in ["http", "upload"] {
        let line = format!("vigie_redactions_total{{kind=\"card\",source=\"{source}\"}}");
        assert!(metrics.contains(&line), "{metrics}");
    }
    // A backup writes what is in memory to parts first.
    let bearer = format!("Bearer {}", shop.app.token(Role::Admin).await);
    let backup = shop.app.post_with("/api/backups", &json!({}), &[("authorization", &bearer)]).await;
    assert_eq!(backup.status, 201, "{}", backup.text());
    assert_nowhere(&shop, "in the parts");
}
