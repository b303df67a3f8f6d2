//! Facets and statistics of fields over HTTP, counted by the engine itself.

use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::shop::Shop;

/// Six payments in two currencies, two of them without a country.
async fn shop() -> Shop {
    let event = |n: u64| {
        let mut event = json!({"log_type": "transaction", "n": n, "level": "INFO",
                "amount": 10.5 * n as f64, "currency": if n < 4 { "EUR" } else { "USD" }, "message": format!("payment {n}")});
        if n > 1 {
            event["country"] = json!(["", "", "FR", "FR", "FR", "DE"][n as usize]);
        }
        event
    };
    let events: Vec<Json> = (0..6).map(event).collect();
    Shop::on(TestApp::on_disk()).await.holding(&events).await
}

#[tokio::test]
async fn facets_of_several_fields_are_counted_in_one_answer() {
    let shop = shop().await;
    let answer = shop.get("/api/search/facets?fields=country,currency.code,currency,absent&size=1").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let facets = answer.json();
    assert_eq!((&facets["total"], &facets["cached"]), (&json!(6), &json!(false)));
    let country = &facets["fields"][0];
    assert_eq!(country["values"], json!([{"value": "FR", "count": 3, "share": 0.5}]));
    let told = ["kind", "present", "missing", "distinct", "other_count"].map(|name| country[name].clone());
    assert_eq!(told, [json!("keyword"), json!(4), json!(2), json!(2), json!(1)]);
    let absent = facets["fields"].as_array().unwrap().last().unwrap();
    assert_eq!((&absent["kind"], &absent["present"], &absent["values"]), (&json!(null), &json!(0), &json!([])));
    let some = shop.get("/api/search/facets?fields=country&query=currency:USD").await.json();
    assert_eq!((&some["total"], &some["fields"][0]["present"]), (&json!(2), &json!(2)));
    let none = shop.get("/api/search/facets?fields=country&query=currency:GBP").await.json();
    assert_eq!((&none["total"], &none["fields"][0]["missing"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_field_of_numbers_tells_its_spread() {
    let shop = shop().await;
    let answer = shop.get("/api/search/fields/n/stats").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let stats = answer.json();
    let numbers = &stats["numbers"];
    assert_eq!((&stats["field"], &stats["kind"], &stats["present"]), (&json!("n"), &json!("int"), &json!(6)));
    let told = ["count", "min", "max", "mean", "sum", "interval"].map(|name| numbers[name].as_f64().unwrap());
    assert_eq!(told, [6.0, 0.0, 5.0, 2.5, 15.0, 0.5]);
    assert_eq!(numbers["percentiles"][2], json!({"percent": 50.0, "value": 2.5}));
    let spans = numbers["histogram"].as_array().unwrap();
    assert_eq!((spans.len(), &spans[2]), (11, &json!({"from": 1.0, "count": 1})));
    assert_eq!(spans.iter().map(|span| span["count"].as_u64().unwrap()).sum::<u64>(), 6);
    let deviation = numbers["standard_deviation"].as_f64().unwrap();
    assert!((deviation - 1.7078).abs() < 0.001, "{deviation}");
}

#[tokio::test]
async fn amounts_of_several_currencies_are_not_added() {
    let shop = shop().await;
    let mixed = shop.get("/api/search/fields/amount/stats").await.json();
    assert_eq!((&mixed["kind"], &mixed["currencies"]), (&json!("decimal"), &json!(["EUR", "USD"])));
    let numbers = &mixed["numbers"];
    let told = ["max", "mean", "sum", "standard_deviation"].map(|name| numbers[name].clone());
    assert_eq!(told, [json!(52.5), json!(null), json!(null), json!(null)]);
    let euros = shop.get("/api/search/fields/amount/stats?query=currency:EUR").await.json();
    assert_eq!((&euros["currencies"], &euros["numbers"]["sum"]), (&json!(["EUR"]), &json!(63.0)));
}

#[tokio::test]
async fn fields_of_words_and_of_time_tell_theirs() {
    let shop = shop().await;
    let words = shop.get("/api/search/fields/currency/stats?size=5").await.json();
    assert_eq!((&words["numbers"], &words["first"]), (&json!(null), &json!(null)));
    assert_eq!(words["values"].as_array().unwrap().len(), 2);
    let time = shop.get("/api/search/fields/@timestamp/stats?size=0").await.json();
    let (first, last) = (time["first"].as_str().unwrap(), time["last"].as_str().unwrap());
    assert!(first <= last && first.ends_with('Z'), "{first} {last}");
    assert_eq!((&time["kind"], &time["present"]), (&json!("instant"), &json!(6)));
}

#[tokio::test]
async fn wrong_questions_are_refused_by_name() {
    let shop = shop().await;
    let many = (0..21).map(|n| format!("f{n}")).collect::<Vec<_>>().join(",");
    for (path, status, field) in [
        ("/api/search/facets".to_owned(), 422, "fields"),
        ("/api/search/facets?fields=,%20".to_owned(), 422, "fields"),
        (format!("/api/search/facets?fields={many}"), 422, "fields"),
        ("/api/search/facets?fields=a&size=101".to_owned(), 422, "size"),
        ("/api/search/facets?fields=a&size=x".to_owned(), 400, "size"),
        ("/api/search/facets?fields=a&query=level:(".to_owned(), 400, "query"),
        ("/api/search/facets?fields=a&from=never".to_owned(), 400, "from"),
        ("/api/search/fields/amount/stats?size=101".to_owned(), 422, "size"),
        ("/api/search/fields/amount/stats?to=never".to_owned(), 400, "to"),
    ] {
        let answer = shop.get(&path).await;
        answer.assert_problem(status);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{path}: {}", answer.text());
    }
    let unknown = shop.get("/api/search/fields/nowhere/stats").await;
    unknown.assert_problem(404);
    assert!(unknown.text().contains("nowhere"), "{}", unknown.text());
    assert_eq!(shop.app.get("/api/search/facets?fields=a").await.status, 401);
}
