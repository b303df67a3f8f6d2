//! Searches that go on by themselves, through both of their spellings. What keeps and bounds them is tested beside
//! `vigie_app::async_searches`; here, paths, parameters, shapes and who may ask.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::{KeyScope, NewKey, Role};

use crate::app::{PASSWORD, basic, request};
use crate::elasticsearch_search::{Client, count_of};

const ELASTICSEARCH: &str = "/_async_search";
const OPENSEARCH: &str = "/_plugins/_asynchronous_search";

fn errors() -> Json {
    json!({"query": {"term": {"level": "error"}}, "size": 1, "aggs": {"most": {"max": {"field": "n"}}}})
}

#[tokio::test]
async fn what_is_found_in_time_is_answered_at_once_and_not_kept() {
    let client = Client::new().await;
    for path in ["/_async_search", "/shop/_async_search", &format!("/{}/_async_search", client.index)] {
        let answer = client.ask(&format!("{path}?wait_for_completion_timeout=1m"), errors()).await;
        assert_eq!(answer.get("id"), None, "{path}: {answer}");
        assert_eq!((&answer["is_partial"], &answer["is_running"]), (&json!(false), &json!(false)));
        let times = ["start_time_in_millis", "completion_time_in_millis", "expiration_time_in_millis"];
        assert!(times.windows(2).all(|pair| answer[pair[0]].as_i64() <= answer[pair[1]].as_i64()), "{answer}");
        assert_eq!(count_of(&answer["response"]), 3);
        assert_eq!(answer["response"]["aggregations"], json!({"most": {"value": 4.0}}));
    }
    let path = format!("{OPENSEARCH}?index=shop&wait_for_completion_timeout=1m&typed_keys=true");
    let answer = client.ask(&path, errors()).await;
    assert_eq!((&answer["state"], answer.get("id")), (&json!("SUCCEEDED"), None));
    assert_eq!(answer["response"]["aggregations"], json!({"max#most": {"value": 4.0}}));
}

#[tokio::test]
async fn what_is_kept_is_found_by_its_id_until_it_is_deleted() {
    let client = Client::new().await;
    let begun = client.ask("/shop/_async_search?wait_for_completion_timeout=0&keep_on_completion=true", errors()).await;
    let id = begun["id"].as_str().unwrap();
    let found = client.get(&format!("{ELASTICSEARCH}/{id}?wait_for_completion_timeout=1m")).await;
    assert_eq!((&found["id"], &found["is_running"], count_of(&found["response"])), (&json!(id), &json!(false), 3));
    let typed = client.get(&format!("{ELASTICSEARCH}/{id}?typed_keys=true&rest_total_hits_as_int=true")).await;
    assert_eq!(
        (&typed["response"]["hits"]["total"], &typed["response"]["aggregations"]["max#most"]["value"]),
        (&json!(3), &json!(4.0))
    );
    let status = client.get(&format!("{ELASTICSEARCH}/status/{id}?keep_alive=1h")).await;
    assert_eq!((&status["completion_status"], &status["_shards"]["successful"]), (&json!(200), &json!(1)));
    assert_eq!(status.get("response"), None);
    assert!(status["expiration_time_in_millis"].as_i64() < found["expiration_time_in_millis"].as_i64());
    let opensearch = client.get(&format!("{OPENSEARCH}/{id}")).await;
    assert_eq!((&opensearch["state"], count_of(&opensearch["response"])), (&json!("STORE_RESIDENT"), 3));
    let deleted = client.call(Method::DELETE, &format!("{ELASTICSEARCH}/{id}"), "").await;
    assert_eq!(deleted.json(), json!({"acknowledged": true}));
    for path in [format!("{ELASTICSEARCH}/{id}"), format!("{ELASTICSEARCH}/status/{id}"), format!("{OPENSEARCH}/{id}")]
    {
        let answer = client.call(Method::GET, &path, "").await;
        assert_eq!((answer.status, &answer.json()["error"]["type"]), (404, &json!("resource_not_found_exception")));
    }
    assert_eq!(client.call(Method::DELETE, &format!("{OPENSEARCH}/{id}"), "").await.status, 404);
}

#[tokio::test]
async fn a_search_that_fails_says_so_with_its_own_status() {
    let client = Client::new().await;
    let wait = "wait_for_completion_timeout=1m";
    client.fails(&format!("/nothing/_async_search?{wait}"), "{}", 404, "index_not_found_exception").await;
    let wrong = "illegal_argument_exception";
    client.fails(&format!("/_async_search?{wait}"), r#"{"query":{"nothing":{}}}"#, 400, wrong).await;
    client.fails(&format!("{OPENSEARCH}?{wait}&index=nothing"), "{}", 404, "index_not_found_exception").await;
    client.fails("/_async_search", "[]", 400, wrong).await;
    client.fails("/_async_search?scroll=1m", "{}", 400, wrong).await;
    client.fails("/_async_search?keep_alive=5", "{}", 400, wrong).await;
    client.fails("/_async_search?keep_alive=1ms", "{}", 400, wrong).await;
    client.fails("/_async_search?wait_for_completion_timeout=soon", "{}", 400, wrong).await;

    let path = format!("/nothing/_async_search?{wait}&keep_on_completion=true");
    let failed = client.call(Method::POST, &path, "{}").await.json();
    assert_eq!((&failed["is_partial"], &failed["is_running"]), (&json!(true), &json!(false)));
    let id = failed["id"].as_str().unwrap();
    assert_eq!(client.call(Method::GET, &format!("{ELASTICSEARCH}/{id}"), "").await.status, 404);
    let status = client.get(&format!("{ELASTICSEARCH}/status/{id}")).await;
    assert_eq!((&status["completion_status"], &status["_shards"]["failed"]), (&json!(404), &json!(1)));
    let opensearch = client.call(Method::GET, &format!("{OPENSEARCH}/{id}"), "").await.json();
    assert_eq!(opensearch["state"], "FAILED");
}

#[tokio::test]
async fn only_the_user_or_the_key_that_began_it_sees_it() {
    let client = Client::new().await;
    client.app.token(Role::Admin).await;
    let accounts = &client.app.state.accounts;
    let owner = accounts.authenticate_password("analyst@example.com", PASSWORD, [127, 0, 0, 1].into()).await.unwrap();
    let new = NewKey { name: "a test".into(), scopes: vec![KeyScope::Read], expires_in_days: None };
    let key = format!("ApiKey {}", accounts.make_key(&owner, &new).await.unwrap().text.plain());
    let (admin, analyst) = (basic("admin@example.com", PASSWORD), basic("analyst@example.com", PASSWORD));
    let proofs = [analyst, admin, key];
    for own in &proofs {
        let send = async |method: Method, path: &str, proof: &str| {
            let headers = [("authorization", proof), ("content-type", "application/json")];
            client.app.send(request(method, &format!("/elasticsearch{path}"), &headers, Body::from("{}"))).await
        };
        let begun = send(Method::POST, "/_async_search?keep_on_completion=true", own).await.json();
        let id = begun["id"].as_str().unwrap();
        let paths =
            [format!("{ELASTICSEARCH}/{id}"), format!("{ELASTICSEARCH}/status/{id}"), format!("{OPENSEARCH}/{id}")];
        for proof in &proofs {
            let expected = if proof == own { 200 } else { 404 };
            for path in &paths {
                assert_eq!(send(Method::GET, path, proof).await.status, expected, "{path}");
            }
        }
        for proof in proofs.iter().filter(|proof| *proof != own) {
            assert_eq!(send(Method::DELETE, &paths[0], proof).await.status, 404);
        }
        assert_eq!(send(Method::DELETE, &paths[0], own).await.status, 200);
    }
}
