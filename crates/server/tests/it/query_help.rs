//! Help with typing queries.

use serde_json::json;

use crate::shop::Shop;

async fn shop() -> Shop {
    Shop::with(&[
        Shop::event(20, &json!({"service": "cart", "level": "ERROR", "amount": 5.5, "log_type": "transaction"})),
        Shop::event(10, &json!({"service": "cart-api", "level": "INFO"})),
        Shop::event(5, &json!({"service": "payment", "level": "INFO"})),
    ])
    .await
}

#[tokio::test]
async fn fields_and_values_are_listed() {
    let shop = shop().await;
    let fields = shop.get("/api/search/fields").await.json();
    let of =
        |name: &str| fields["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap().clone();
    assert_eq!((of("amount")["kind"].as_str(), &of("amount")["log_types"]), (Some("decimal"), &json!(["transaction"])));
    assert!(of("service")["aliases"].as_array().unwrap().contains(&json!("service.name")));
    let values = shop.get("/api/search/values?field=level&limit=1&query=amount%3C10%20OR%20level:info").await.json();
    assert_eq!(values["values"], json!([{"value": "INFO", "count": 2}]));
    assert_eq!((values["total"].as_u64(), values["other_count"].as_u64()), (Some(3), Some(1)));
    shop.get("/api/search/values").await.assert_problem(422);
    shop.get("/api/search/values?field=level&query=level:").await.assert_problem(400);
    shop.get("/api/search/values?field=level&limit=1001").await.assert_problem(422);
    shop.get("/api/search/fields?from=soon").await.assert_problem(400);
}

#[tokio::test]
async fn what_may_be_typed_next_is_suggested() {
    let shop = shop().await;
    let suggested = async |parameters: &str| shop.get(&format!("/api/search/autocomplete?{parameters}")).await.json();
    let field = suggested("q=servi").await;
    assert_eq!(field["suggestions"], json!([{"text": "service", "kind": "field", "count": null, "detail": "keyword"}]));
    let values = suggested("q=cart&field=service&from=now-1h&to=now").await;
    let texts: Vec<_> = values["suggestions"].as_array().unwrap().iter().map(|found| found["text"].clone()).collect();
    assert_eq!(texts, [json!("cart"), json!("cart-api")]);
    assert_eq!((&values["suggestions"][0]["kind"], &values["suggestions"][0]["count"]), (&json!("value"), &json!(1)));
    shop.get("/api/search/autocomplete?q=a&field=service&from=soon").await.assert_problem(400);
}

#[tokio::test]
async fn queries_are_judged() {
    let shop = Shop::new().await;
    let judged = async |query: &str| shop.post("/api/search/validate", &json!({"query": query})).await.json();
    let good = judged("level:error   (amount>5)").await;
    assert_eq!(good, json!({"valid": true, "normalized": "level:error AND amount>5", "errors": []}));
    let bad = judged("level:error AND").await;
    assert_eq!((&bad["valid"], &bad["normalized"]), (&json!(false), &json!(null)));
    assert_eq!(bad["errors"][0]["span"], json!([14, 15]));
    shop.post("/api/search/validate", &json!({"query": 5})).await.assert_problem(422);
}

#[tokio::test]
async fn messages_are_told_by_their_patterns() {
    let events: Vec<_> = (0..6)
        .map(|n| Shop::event(n + 1, &json!({"message": format!("cart {n} is empty"), "level": "WARN"})))
        .collect();
    let shop = Shop::with(&events).await;
    let found = shop.get("/api/search/patterns?query=level:WARN").await.json();
    let pattern = &found["patterns"][0];
    assert_eq!(
        (&pattern["pattern"], &pattern["count"], &pattern["share"]),
        (&json!("cart <*> is empty"), &json!(6), &json!(1.0))
    );
    assert_eq!((&found["exact"], &pattern["levels"]), (&json!(true), &json!({"WARN": 6})));
    shop.get("/api/search/patterns?query=level:").await.assert_problem(400);
    shop.get("/api/search/patterns?limit=501").await.assert_problem(422);
}
