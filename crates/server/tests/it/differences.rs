//! What is different in some events, over HTTP and counted by the engine itself.

use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::shop::Shop;

/// A hundred events, a fifth of them errors, all of one service that others seldom are of.
async fn shop() -> Shop {
    let event = |n: u64| {
        let is_error = n.is_multiple_of(5);
        json!({"level": if is_error { "ERROR" } else { "INFO" }, "n": n, "colour": if n.is_multiple_of(2) { "red" } else { "blue" },
                "service": if is_error || n == 1 { "payment" } else { "cart" }})
    };
    let events: Vec<Json> = (0..100).map(event).collect();
    Shop::on(TestApp::on_disk()).await.holding(&events).await
}

#[tokio::test]
async fn what_errors_have_and_others_have_not_is_told() {
    let shop = shop().await;
    let answer = shop.get("/api/search/differences?query=level:error").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let found = answer.json();
    assert_eq!((&found["total"], &found["elsewhere_total"], &found["too_large"]), (&json!(20), &json!(80), &json!([])));
    let payment = found["differences"].as_array().unwrap().iter().find(|one| one["field"] == "service").unwrap();
    let told =
        ["value", "count", "share", "elsewhere_count", "elsewhere_share", "factor"].map(|name| payment[name].clone());
    assert_eq!(told, [json!("payment"), json!(20), json!(1.0), json!(1), json!(0.0125), json!(80.0)]);
    let fields: Vec<&str> = found["fields"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    assert!(fields.contains(&"colour") && !fields.contains(&"level") && !fields.contains(&"n"), "{fields:?}");
    assert!(found["differences"].as_array().unwrap().iter().all(|one| one["field"] != "colour"), "{found}");
}

#[tokio::test]
async fn fields_and_what_is_compared_with_are_chosen() {
    let shop = shop().await;
    let chosen = shop.get("/api/search/differences?query=level:error&fields=level,%20colour&size=1").await.json();
    assert_eq!(chosen["fields"], json!(["level", "colour"]));
    let one = &chosen["differences"];
    assert_eq!(
        (one.as_array().unwrap().len(), &one[0]["value"], &one[0]["factor"]),
        (1, &json!("ERROR"), &json!(null))
    );
    let before = shop.get("/api/search/differences?against=before").await.json();
    assert_eq!(
        (&before["total"], &before["elsewhere_total"], &before["differences"]),
        (&json!(100), &json!(0), &json!([]))
    );
}

#[tokio::test]
async fn wrong_questions_are_refused_by_name() {
    let shop = shop().await;
    let many = (0..41).map(|n| format!("f{n}")).collect::<Vec<_>>().join(",");
    for (path, status, field) in [
        ("/api/search/differences?against=yesterday".to_owned(), 422, "against"),
        (format!("/api/search/differences?fields={many}"), 422, "fields"),
        ("/api/search/differences?fields=@timestamp".to_owned(), 422, "fields"),
        ("/api/search/differences?size=201".to_owned(), 422, "size"),
        ("/api/search/differences?query=level:(".to_owned(), 400, "query"),
        ("/api/search/differences?from=never".to_owned(), 400, "from"),
    ] {
        let answer = shop.get(&path).await;
        answer.assert_problem(status);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{path}: {}", answer.text());
    }
    assert_eq!(shop.app.get("/api/search/differences").await.status, 401);
}
