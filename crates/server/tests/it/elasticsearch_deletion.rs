//! Deleting events, as Elasticsearch's clients do it.

use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;

use crate::elasticsearch_client::Client;

/// Somebody who may delete, and three events of `shop` and one of `till`.
async fn shop() -> Client {
    let client = Client::of(Role::Admin).await;
    for (path, n) in [("/shop/_doc/1", 1), ("/shop/_doc/2", 2), ("/shop/_doc/3", 3), ("/till/_doc/1", 4)] {
        client.done(Method::PUT, path, json!({"n": n})).await;
    }
    client
}

async fn count(client: &Client, index: &str) -> u64 {
    client.get(&format!("/{index}/_count")).await["count"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_document_is_deleted_by_its_index_and_id() {
    let client = shop().await;
    let answer = client.done(Method::DELETE, "/shop/_doc/1?refresh=true", json!({})).await;
    let shards = json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0});
    let expected = json!({"_index": "shop", "_id": "1", "_version": 2, "result": "deleted", "_shards": shards, "_seq_no": 0, "_primary_term": 1});
    assert_eq!(answer, expected);
    let again = client.call(Method::DELETE, "/shop/_doc/1", "").await;
    assert_eq!((again.status, &again.json()["result"]), (404, &json!("not_found")));
    assert_eq!(client.status("/till/_doc/1").await, 200, "an id is one of an index");
    assert_eq!((count(&client, "shop").await, count(&client, "till").await), (2, 1));
    client.done(Method::DELETE, "/till/_doc/1", json!({})).await;
    let empty = client.call(Method::DELETE, "/till/_doc/1", "").await;
    assert_eq!((empty.status, &empty.json()["result"]), (404, &json!("not_found")), "an index stays without events");
    client.refused(Method::DELETE, "/none/_doc/1", json!({}), (404, "index_not_found_exception")).await;
    client.refused(Method::DELETE, "/shop/_doc/2?if_seq_no=1", json!({}), (400, "illegal_argument_exception")).await;
    client.refused(Method::DELETE, "/shop/_doc/2?colour=red", json!({}), (400, "illegal_argument_exception")).await;
    let stored = client.done(Method::PUT, "/shop/_create/1", json!({"n": 9})).await;
    assert_eq!(stored["result"], "created", "what is gone can be stored again");
    assert_eq!(client.get("/shop/_doc/1").await["_source"]["n"], 9);
}

#[tokio::test]
async fn events_are_deleted_by_a_query() {
    let client = shop().await;
    let delete = async |path: &str, body: Json| client.done(Method::POST, path, body).await;
    let answer =
        delete("/shop/_delete_by_query?conflicts=proceed", json!({"query": {"range": {"n": {"gte": 2}}}})).await;
    assert_eq!((&answer["deleted"], &answer["total"], &answer["failures"]), (&json!(2), &json!(2), &json!([])));
    assert!(answer["took"].is_u64(), "{answer}");
    assert_eq!((count(&client, "shop").await, count(&client, "till").await), (1, 1));
    assert_eq!(delete("/shop/_delete_by_query?q=n:7", json!({})).await["deleted"], 0);
    assert_eq!(
        delete("/none/_delete_by_query?ignore_unavailable=true", json!({"query": {"match_all": {}}})).await["deleted"],
        0
    );
    for (path, body) in [
        ("/shop/_delete_by_query", json!({})),
        ("/shop/_delete_by_query", json!({"query": null})),
        ("/shop/_delete_by_query", json!({"query": {"unheard_of": {}}})),
        ("/shop/_delete_by_query", json!({"query": {"match_all": {}}, "max_docs": 1})),
        ("/shop/_delete_by_query?max_docs=1", json!({"query": {"match_all": {}}})),
        ("/shop/_delete_by_query?wait_for_completion=false", json!({"query": {"match_all": {}}})),
    ] {
        client.refused(Method::POST, path, body, (400, "illegal_argument_exception")).await;
    }
    client
        .refused(
            Method::POST,
            "/none/_delete_by_query",
            json!({"query": {"match_all": {}}}),
            (404, "index_not_found_exception"),
        )
        .await;
    assert_eq!(delete("/*/_delete_by_query", json!({"query": {"match_all": {}}})).await["deleted"], 2);
    assert_eq!(
        (count(&client, "_all").await, client.status("/till").await),
        (0, 404),
        "of nobody's index nothing is left"
    );
    client.done(Method::PUT, "/till/_doc/1", json!({})).await;
    assert_eq!(delete("/till/_delete_by_query", json!({"query": {"match_all": {}}})).await["deleted"], 1);
    assert_eq!(client.status("/till").await, 200, "one that was named stays");
}

#[tokio::test]
async fn items_of_a_bulk_request_delete_too() {
    let client = shop().await;
    let lines = |items: &[Json]| items.iter().map(|item| format!("{item}\n")).collect::<String>();
    let body = lines(&[
        json!({"delete": {"_index": "shop", "_id": "1"}}),
        json!({"delete": {"_index": "shop", "_id": "1"}}),
        json!({"delete": {"_index": "none", "_id": "1"}}),
        json!({"index": {"_index": "shop", "_id": "1"}}),
        json!({"n": 8}),
    ]);
    let answer = client.call(Method::POST, "/_bulk", &body).await.json();
    let told = |place: usize, action: &str| {
        let item = &answer["items"][place][action];
        (
            item["status"].as_u64().unwrap(),
            item["result"].as_str().or(item["error"]["type"].as_str()).unwrap().to_owned(),
        )
    };
    assert_eq!(told(0, "delete"), (200, "deleted".to_owned()));
    assert_eq!(told(1, "delete"), (404, "not_found".to_owned()));
    assert_eq!(told(2, "delete"), (404, "index_not_found_exception".to_owned()));
    assert_eq!(told(3, "index"), (201, "created".to_owned()));
    assert_eq!(answer["errors"], true);
    assert_eq!(client.get("/shop/_doc/1").await["_source"]["n"], 8);
    let gone = client.call(Method::POST, "/shop/_bulk", &lines(&[json!({"delete": {"_id": "7"}})])).await.json();
    assert_eq!(gone["errors"], false, "that nothing was there is no error: {gone}");
}

#[tokio::test]
async fn who_may_send_may_not_delete() {
    let mut client = shop().await;
    client.become_one(Role::Moderator).await;
    let body =
        "{\"delete\":{\"_index\":\"shop\",\"_id\":\"1\"}}\n{\"index\":{\"_index\":\"shop\",\"_id\":\"5\"}}\n{}\n";
    let answer = client.call(Method::POST, "/_bulk", body).await.json();
    let (refused, stored) = (&answer["items"][0]["delete"], &answer["items"][1]["index"]);
    assert_eq!(
        (&refused["status"], &refused["error"]["type"]),
        (&json!(403), &json!("security_exception")),
        "{answer}"
    );
    assert_eq!(stored["status"], 201);
    client.refused(Method::DELETE, "/shop/_doc/1", json!({}), (403, "security_exception")).await;
    assert_eq!(count(&client, "shop").await, 4);
}

#[tokio::test]
async fn an_index_is_deleted_with_its_events() {
    let client = shop().await;
    client.done(Method::PUT, "/empty", json!({})).await;
    client.refused(Method::DELETE, "/sh*", json!({}), (400, "illegal_argument_exception")).await;
    client.done(Method::DELETE, "/shop,empty", json!({})).await;
    assert_eq!((client.status("/shop").await, client.status("/empty").await), (404, 404));
    assert_eq!((count(&client, "till").await, count(&client, "_all").await), (1, 1));
    let today = (client.app.state.clock)().day().index_name();
    client.done(Method::DELETE, &format!("/{today}"), json!({})).await;
    assert_eq!(count(&client, "_all").await, 0);
    client.refused(Method::DELETE, &format!("/{today}"), json!({}), (404, "index_not_found_exception")).await;
}

#[tokio::test]
async fn a_policy_holds_where_one_who_may_delete_put_it_and_the_index() {
    let mut client = Client::of(Role::Admin).await;
    let policy = json!({"policy": {"phases": {"delete": {"min_age": "7d", "actions": {"delete": {}}}}}});
    let settings = json!({"settings": {"index.lifecycle.name": "week"}});
    client.done(Method::PUT, "/_ilm/policy/week", policy.clone()).await;
    client.done(Method::PUT, "/shop", settings.clone()).await;
    client.done(Method::PUT, "/shop/_settings", json!({"index.lifecycle.name": "week"})).await;
    let shown = client.get("/_ilm/policy/week").await;
    assert_eq!(shown["week"]["policy"], policy["policy"], "{shown}");
    client.become_one(Role::Moderator).await;
    for (path, body) in [
        ("/_ilm/policy/day", json!({"policy": policy["policy"], "vigie_agreed": true})),
        ("/till", json!({"settings": settings["settings"], "vigie_agreed": "week"})),
        ("/till/_settings", json!({"index.lifecycle.name": "week"})),
    ] {
        let answer = client.call(Method::PUT, path, &body.to_string()).await;
        assert!(answer.status == 200 && answer.header("warning").contains("not applied"), "{path}: {}", answer.text());
    }
    client.done(Method::PUT, "/shop/_settings", json!({"number_of_replicas": 0})).await;
}
