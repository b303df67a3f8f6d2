//! Uploading files.

use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::shop::{Shop, lines};

fn left_behind(shop: &Shop) -> usize {
    std::fs::read_dir(shop.app.state.uploads.incoming_folder()).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_file_is_stored_once_and_described() {
    let shop = Shop::new().await;
    let content =
        format!("{}{{broken\n", lines(&[Shop::event(20, &json!({"n": 1})), Shop::event(10, &json!({"n": 2}))]));
    let answer = shop.upload("/api/logs/upload", "a/shop.ndjson", content.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let upload = answer.json();
    let expected = json!({
        "filename": "shop.ndjson", "format": "ndjson", "compression": "none", "size_bytes": content.len(),
        "state": "done", "duplicate_of_earlier": false, "records_processed": 2, "records_rejected": 1,
        "records_deduplicated": 0, "log_types": {"other": 2}, "created_by": "analyst@example.com", "error": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&upload[name], value, "{name}");
    }
    assert_eq!((&upload["rejects"][0]["line"], &upload["rejects"][0]["raw"]), (&json!(3), &json!("{broken")));
    let id = upload["file_id"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/api/logs/uploads/{id}")).await.json(), upload);
    let recent = shop.get("/api/logs/uploads/recent?limit=5").await.json();
    assert_eq!(recent, json!({"uploads": [upload], "total": 1, "next_cursor": null}));
    let rejects = shop.get(upload["rejects_url"].as_str().unwrap()).await;
    assert_eq!((rejects.status, rejects.header("content-type")), (200, "application/x-ndjson"));
    assert_eq!(serde_json::from_slice::<Json>(&rejects.body).unwrap(), upload["rejects"][0]);

    let second = shop.upload("/api/logs/upload", "other.name", content.as_bytes()).await.json();
    assert_eq!((&second["duplicate_of_earlier"], &second["file_id"]), (&json!(true), &upload["file_id"]));
    assert_eq!(shop.total().await, 2);
    let again = shop.upload("/api/logs/upload?again=true", "shop.ndjson", content.as_bytes()).await.json();
    assert_eq!((&again["duplicate_of_earlier"], &again["records_processed"]), (&json!(false), &json!(2)));
    assert_eq!((shop.total().await, left_behind(&shop)), (4, 0));
    let first = shop.get("/api/logs/uploads/recent?limit=1").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = shop.get(&format!("/api/logs/uploads/recent?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&first["uploads"][0]["file_id"], &first["total"]), (&again["file_id"], &json!(2)));
    assert_eq!((&rest["uploads"][0]["file_id"], &rest["next_cursor"]), (&upload["file_id"], &Json::Null));
}

#[tokio::test]
async fn a_file_that_is_sent_again_by_its_key_is_stored_once() {
    let shop = Shop::new().await;
    let file = lines(&[Shop::event(20, &json!({"n": 1}))]);
    let send = async |key: &str| {
        let fields = [("file", "shop.ndjson", file.as_bytes())];
        shop.form_with("/api/logs/upload?again=true", &fields, &[("idempotency-key", key)]).await
    };
    let (first, again, other) = (send("one").await, send("one").await, send("two").await);
    assert_eq!((first.status, again.status, again.json()), (200, 200, first.json()));
    assert_eq!((again.header("idempotency-replayed"), other.header("idempotency-replayed")), ("true", ""));
    assert_ne!(other.json()["file_id"], first.json()["file_id"]);
    assert_eq!((shop.total().await, left_behind(&shop)), (2, 0));
    send("").await.assert_problem(400);
}

#[tokio::test]
async fn columns_are_mapped_in_preview_and_upload() {
    let shop = Shop::new().await;
    let content = b"Price,Land,When\n5.50,FR,2011-12-09 12:50:00\n7,DE,2011-12-09 12:51:00\n";
    let reading = "log_type=transaction&map=Price%3Damount,Land%3Dbilling_country&time_field=When&any_time=true";
    let preview = shop.upload(&format!("/api/logs/upload/preview?{reading}"), "x.csv", content).await;
    assert_eq!(preview.status, 200, "{}", preview.text());
    let preview = preview.json();
    assert_eq!((&preview["format"], &preview["compression"]), (&json!("csv"), &json!("none")));
    assert!(preview["fields"].as_array().unwrap().contains(&json!({"name": "amount", "kind": "decimal"})));
    assert_eq!(
        (&preview["events"][0]["_source"]["amount"], &preview["log_types"]),
        (&json!(5.5), &json!({"transaction": 2}))
    );
    assert_eq!((shop.total().await, left_behind(&shop)), (0, 0));

    let upload = shop.upload(&format!("/api/logs/upload?{reading}"), "x.csv", content).await.json();
    assert_eq!(upload["first_timestamp"], "2011-12-09T12:50:00.000Z");
    let found = shop.post("/api/logs/search", &json!({"query": "amount>6"})).await.json();
    assert_eq!((&found["total"], &found["hits"][0]["_source"]["billing_country"]), (&json!(1), &json!("DE")));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_words() {
    let shop = Shop::new().await;
    for path in ["/api/logs/upload", "/api/logs/upload/preview"] {
        shop.upload(path, "x", b"%PDF-1.7").await.assert_problem(422);
        shop.upload(path, "x", b"").await.assert_problem(422);
        shop.upload(&format!("{path}?log_type=cats"), "x", b"a").await.assert_problem(422);
        shop.upload(&format!("{path}?map=nonsense"), "x", b"a").await.assert_problem(400);
        shop.form(path, &[]).await.assert_problem(422);
        shop.form(path, &[("photo", "x", b"a")]).await.assert_problem(422);
        shop.form(path, &[("file", "x", b"a"), ("file", "y", b"b")]).await.assert_problem(422);
        shop.post(path, &json!({})).await.assert_problem(415);
    }
    let junk = shop.upload("/api/logs/upload", "x", b"a\0b\n\0\0\0").await;
    junk.assert_problem(422);
    assert!(junk.json()["detail"].as_str().unwrap().contains("ndjson"), "{}", junk.text());
    shop.get("/api/logs/uploads/nothing").await.assert_problem(404);
    shop.get("/api/logs/uploads/nothing/rejects").await.assert_problem(404);
    shop.get("/api/logs/uploads/recent?limit=many").await.assert_problem(400);
    assert_eq!((shop.total().await, left_behind(&shop)), (0, 0));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_with_the_setting() {
    let shop = Shop::on(TestApp::with_uploads_up_to(1_000)).await;
    let answer = shop.upload("/api/logs/upload", "x", &[b'a'; 1_001]).await;
    answer.assert_problem(413);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("1000 bytes") && detail.contains("\"upload.bytes_max\""), "{detail}");
    assert_eq!(left_behind(&shop), 0);
    assert_eq!(shop.upload("/api/logs/upload", "x", &[b'a'; 1_000]).await.status, 200);
}

#[tokio::test]
async fn a_bomb_is_refused_with_its_bound() {
    let shop = Shop::new().await;
    // 16 MiB of zeros as one zstd frame of repeated blocks, 50 bytes.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    let block = |is_last: u32| ((128 * 1024) << 3 | 1 << 1 | is_last).to_le_bytes();
    for index in 0..128 {
        bomb.extend_from_slice(&block(u32::from(index == 127))[..3]);
        bomb.push(b'a');
    }
    let answer = shop.upload("/api/logs/upload", "bomb.zst", &bomb).await;
    answer.assert_problem(413);
    assert!(answer.json()["detail"].as_str().unwrap().contains("times its size"), "{}", answer.text());
}
