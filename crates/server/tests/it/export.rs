//! Exports over HTTP: every match as a file, refused in words before the first byte.

use serde_json::json;

use crate::shop::Shop;

async fn shop() -> Shop {
    let events: Vec<_> = (0..1_200)
        .map(|n| {
            Shop::event(
                n + 1,
                &json!({"service": if n % 3 == 0 { "a" } else { "b" }, "n": n, "message": format!("=m{n}")}),
            )
        })
        .collect();
    Shop::with(&events).await
}

#[tokio::test]
async fn every_match_is_in_the_file() {
    let shop = shop().await;
    let answer = shop.get("/api/logs/export?query=service:a").await;
    assert_eq!((answer.status, answer.header("x-total-count")), (200, "400"));
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let text = answer.text();
    let numbers: Vec<i64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (0..1_200).step_by(3).collect::<Vec<i64>>());

    let csv = shop.get("/api/logs/export?format=csv&fields=n,message&sort=asc&limit=2").await;
    assert_eq!(csv.text(), "n,message\r\n1199,\"'=m1199\"\r\n1198,\"'=m1198\"\r\n");
    assert!(csv.header("content-disposition").ends_with(".csv\""));
    let csv = shop.get("/api/logs/export?format=csv&query=service:nobody").await;
    assert_eq!(csv.text(), "@timestamp,level,log_type,service,message,_id\r\n");
    let parquet = shop.get("/api/logs/export?format=parquet").await;
    assert!(parquet.body.starts_with(b"PAR1") && parquet.body.ends_with(b"PAR1"));
}

#[tokio::test]
async fn what_cannot_be_exported_is_said_before_the_file_begins() {
    let shop = shop().await;
    for (path, status, field) in [
        ("format=xlsx", 422, "format"),
        ("sort=up", 422, "sort"),
        ("query=level:", 400, "query"),
        ("from=soon", 400, "from"),
        ("from=now&to=now-1h", 422, "to"),
    ] {
        let answer = shop.get(&format!("/api/logs/export?{path}")).await;
        answer.assert_problem(status);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{path}");
    }
    let many = vec!["x"; 1_001].join(",");
    shop.get(&format!("/api/logs/export?format=csv&fields={many}")).await.assert_problem(422);
}
