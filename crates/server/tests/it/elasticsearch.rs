//! Elsewhere it is held that every route asks for its permission; here, that clients of Elasticsearch get what they read.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};
use tower::ServiceExt;
use vigie_app::accounts::{KeyScope, NewKey, Role};
use vigie_server::http::routes::elasticsearch;

use crate::app::{Answer, PASSWORD, TestApp, basic, request};

/// A server, and somebody who may send and read.
struct Client {
    app: TestApp,
    authorization: String,
}

impl Client {
    async fn new() -> Self {
        let app = TestApp::new();
        app.token(Role::Analyst).await;
        Self { app, authorization: basic("analyst@example.com", PASSWORD) }
    }

    async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    async fn call_with(&self, method: Method, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("authorization", &self.authorization));
        headers.push(("content-type", "application/x-ndjson"));
        let path = format!("/elasticsearch{path}");
        self.app.send(request(method, &path, &headers, Body::from(body.to_owned()))).await
    }

    async fn bulk(&self, path: &str, body: &str) -> Json {
        let answer = self.call(Method::POST, path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    async fn found(&self, query: &str) -> Vec<Json> {
        let bearer = [("authorization", self.authorization.as_str())];
        let answer = self.app.post_with("/api/logs/search", &json!({"query": query}), &bearer).await;
        answer.json()["hits"].as_array().unwrap().clone()
    }
}

fn today(client: &Client) -> String {
    (client.app.state.clock)().day().index_name()
}

#[tokio::test]
async fn every_item_of_a_bulk_request_is_answered_as_elasticsearch_does() {
    let client = Client::new().await;
    let body = "{\"create\":{\"_index\":\"shop\",\"_id\":\"a\"}}\n{\"message\":\"one\",\"service\":\"cart\"}\n\n\
        {\"index\":{\"_type\":\"_doc\",\"routing\":\"x\",\"unknown\":{}}}\n{\"message\":\"two\"}\n\
        {\"create\":{\"_index\":\"shop\",\"_id\":\"a\"}}\n{\"message\":\"again\"}\n{\"index\":{\"_index\":\"shop\",\"_id\":\"a\"}}\n{\"message\":\"again\"}\n\
        {\"index\":{\"_id\":\"b\"}}\nbroken\n{\"update\":{\"_id\":\"a\"}}\n{\"doc\":{}}\n{\"delete\":{\"_id\":\"a\"}}\n\
        {\"index\":{\"_id\":\"~7\"}}\n{}";
    let answer = client.bulk("/_bulk", body).await;
    let index = today(&client);
    let shards = json!({"total": 1, "successful": 1, "failed": 0});
    assert_eq!(answer["errors"], true);
    assert!(answer["took"].is_u64());
    let items = answer["items"].as_array().unwrap();
    let stored = |index: &str, id: &str, sequence: u64| {
        json!({"_index": index, "_id": id, "_version": 1, "result": "created", "_shards": shards, "_seq_no": sequence,
            "_primary_term": 1, "status": 201})
    };
    assert_eq!(items[0], json!({"create": stored("shop", "a", 0)}));
    assert_eq!(items[1], json!({"index": stored(&index, "~1", 1)}));
    assert_eq!((&items[2]["create"]["status"], &items[2]["create"]["_index"]), (&json!(409), &json!("shop")));
    assert_eq!(items[2]["create"]["error"]["type"], "version_conflict_engine_exception");
    assert_eq!((&items[3]["index"]["status"], &items[3]["index"]["result"]), (&json!(200), &json!("noop")));
    let refused = |place: usize, action: &str, words: &str| {
        let item = &items[place][action];
        assert_eq!(item["status"], 400, "{item}");
        assert!(item["error"]["reason"].as_str().unwrap().contains(words), "{item}");
    };
    refused(4, "index", "broken JSON");
    refused(5, "update", "logs do not change");
    refused(6, "delete", "a deletion must name the index");
    refused(7, "index", "looks like one that is made here");
    assert_eq!(items.len(), 8);
    let found = client.found("sent_index:shop").await;
    assert_eq!((found.len(), &found[0]["_id"], &found[0]["_index"]), (1, &json!("~shop/a"), &json!(index)));
    assert_eq!(client.found("_id:a").await.len(), 1, "it is found under the id that it was sent with");
    assert_eq!(client.found("again").await.len(), 0, "what was there before is not changed");
    assert_eq!(client.found("two").await[0]["_id"], "~1", "it is found under the id that was answered");
}

#[tokio::test]
async fn an_update_stores_what_is_not_there_and_changes_nothing() {
    let client = Client::new().await;
    let update =
        |n: u8| format!("{{\"update\":{{\"_id\":\"a\"}}}}\n{{\"doc\":{{\"n\":{n}}},\"doc_as_upsert\":true}}\n");
    let answer = client.bulk("/_bulk", &(update(1) + &update(2))).await;
    let results: Vec<_> = (0..2).map(|place| &answer["items"][place]["update"]).collect();
    assert_eq!((&results[0]["status"], &results[0]["result"]), (&json!(201), &json!("created")), "{answer}");
    assert_eq!((&results[1]["status"], &results[1]["result"]), (&json!(200), &json!("noop")), "{answer}");
    assert_eq!((client.found("n:1").await.len(), client.found("n:2").await.len()), (1, 0));
}

#[tokio::test]
async fn only_the_fields_that_are_asked_for_are_answered() {
    let client = Client::new().await;
    let body = "{\"create\":{}}\n{\"n\":1}\n{\"index\":{}}\nbroken\n";
    let check = async |filter: &str, expected: Json| {
        let mut answer = client.bulk(&format!("/_bulk?filter_path={filter}"), body).await;
        if let Some(reason) = answer.pointer_mut("/items/1/index/error/reason").or(None) {
            *reason = json!("r");
        }
        assert_eq!(answer, expected, "{filter}");
    };
    let error = json!({"type": "document_parsing_exception", "reason": "r"});
    let both = json!([{"create": {"status": 201}}, {"index": {"status": 400, "error": error}}]);
    check("errors,items.*.error,items.*.status", json!({"errors": true, "items": both})).await;
    check("errors", json!({"errors": true})).await;
    check("items.*.error.type", json!({"items": [{"index": {"error": {"type": "document_parsing_exception"}}}]})).await;
    check("items.create.status", json!({"items": [{"create": {"status": 201}}]})).await;
    check("nothing", json!({})).await;
    let fine = client.bulk("/_bulk?filter_path=errors,items.*.error", "{\"create\":{}}\n{}\n").await;
    assert_eq!(fine, json!({"errors": false}));
    let many = format!("/_bulk?filter_path={}", "a,".repeat(100));
    client.call(Method::POST, &many, "{\"create\":{}}\n{\"n\":77}\n").await.assert_refusal("/elasticsearch", 400);
    assert!(client.found("n:77").await.is_empty(), "what is refused is not stored");
    let info = client.call(Method::GET, "/?filter_path=version.number,tagline", "").await.json();
    assert_eq!(info, json!({"version": {"number": "8.19.0"}, "tagline": "You Know, for Search"}));
}

#[tokio::test]
async fn parameters_of_shippers_are_accepted_and_bad_ones_named() {
    let client = Client::new().await;
    let body = "{\"index\":{}}\n{}\n";
    let accepted = "/filebeat-8.19.0/_bulk?refresh=wait_for&require_alias=true&require_data_stream=false&timeout=1m&_source=false\
        &list_executed_pipelines=true&routing=x&wait_for_active_shards=1&type=_doc&error_trace&pretty&pipeline=_none";
    let answer = client.call(Method::PUT, accepted, body).await;
    assert_eq!((answer.status, answer.header("warning")), (200, ""), "{}", answer.text());
    let piped = client.call(Method::POST, "/_bulk/?pipeline=nginx", body).await;
    assert!(piped.status == 200 && piped.header("warning").contains("there is no file"), "{:?}", piped.headers);
    let refused = async |path: &str, body: &str, words: &str| {
        let answer = client.call(Method::POST, path, body).await;
        answer.assert_refusal("/elasticsearch", 400);
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
    };
    refused("/_bulk?refresh=soon", body, "refresh: [soon]").await;
    refused("/_bulk?log_type=cats", body, "cats").await;
    refused("/a*/_bulk", body, "cannot be the name of an index").await;
    refused("/_bulk", "", "the body is empty").await;
    refused("/_bulk", "{\"index\":{}}\n{}\n{}\n", "line [3], expected FIELD_NAME").await;
    refused("/_bulk", "{\"upsert\":{}}\n{}\n", "upsert").await;
    refused("/shop/_doc?op_type=delete", "{}", "opType").await;
    refused("/shop/_doc/a?if_seq_no=3&if_primary_term=1", "{}", "on condition of its version").await;
    let old = "{\"index\":{}}\n{\"@timestamp\":\"2001-01-01T00:00:00Z\"}\n";
    assert_eq!(client.bulk("/_bulk", old).await["items"][0]["index"]["status"], 400);
    let kept = client.bulk("/_bulk?any_time=true", old).await;
    assert_eq!(kept["items"][0]["index"]["_index"], "ecommerce-logs-2001.01.01");
    let encoding = [("content-encoding", "br")];
    client.call_with(Method::POST, "/_bulk", body, &encoding).await.assert_refusal("/elasticsearch", 415);
}

#[tokio::test]
async fn one_document_at_a_time() {
    let client = Client::new().await;
    let check = async |method: Method, path: &str, status: u16, result: &str| {
        let answer = client.call(method, path, "{\n  \"message\": \"hello\"\n}\n").await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let json = answer.json();
        let told = json["result"].as_str().or_else(|| json["error"]["type"].as_str()).unwrap();
        assert_eq!(told, result, "{path}: {json}");
        assert!(json.get("status").is_none() || status >= 400, "{json}");
    };
    check(Method::POST, "/shop/_doc", 201, "created").await;
    check(Method::PUT, "/shop/_doc/a%20b", 201, "created").await;
    check(Method::POST, "/shop/_doc/a%20b?refresh", 200, "noop").await;
    check(Method::PUT, "/shop/_create/a%20b", 409, "version_conflict_engine_exception").await;
    check(Method::POST, "/shop/_create/c", 201, "created").await;
    check(Method::PUT, "/shop/_doc/c?op_type=create", 409, "version_conflict_engine_exception").await;
    assert_eq!(client.found("_id:\"a b\"").await.len(), 1);
    let broken = client.call(Method::POST, "/shop/_doc", "nothing").await;
    broken.assert_refusal("/elasticsearch", 400);
    assert_eq!(broken.json()["error"]["type"], "document_parsing_exception");
}

#[tokio::test]
async fn whoever_asks_learns_with_whom_they_speak() {
    let client = Client::new().await;
    for path in ["", "/"] {
        let info = client.call(Method::GET, path, "").await;
        assert_eq!((info.status, info.header("x-elastic-product")), (200, "Elasticsearch"));
        assert_eq!(info.json()["version"]["number"], "8.19.0");
        assert_eq!(info.json()["version"]["build_flavor"], "default");
        assert_eq!(client.call(Method::HEAD, path, "").await.status, 200);
    }
    let compatible = [("accept", "application/vnd.elasticsearch+json; compatible-with=9")];
    let answer = client.call_with(Method::GET, "/_cluster/health", "", &compatible).await;
    assert_eq!(answer.header("content-type"), "application/vnd.elasticsearch+json;compatible-with=9");
    assert_eq!(answer.json()["status"], "green");
    let refused = client.call_with(Method::POST, "/_bulk", "", &compatible).await;
    assert_eq!(refused.header("content-type"), "application/vnd.elasticsearch+json;compatible-with=9");
    assert_eq!(client.call(Method::GET, "/_license", "").await.json()["license"]["status"], "active");
    assert_eq!(client.call(Method::GET, "/_xpack", "").await.json()["features"]["ilm"]["enabled"], true);
    let nodes = client.call(Method::GET, "/_nodes/_all/http", "").await.json();
    assert_eq!(nodes["nodes"]["vigie"]["http"]["publish_address"], "localhost:8642");
    assert_eq!(client.call(Method::POST, "/shop/_refresh", "").await.json()["_shards"]["failed"], 0);
    client.app.state.readiness.stop();
    assert_eq!(client.call(Method::GET, "/_cluster/health", "").await.json()["status"], "red");
}

#[tokio::test]
async fn what_shippers_set_up_is_listed_again_and_said_to_be_not_applied() {
    let client = Client::new().await;
    let body = json!({"index_patterns": ["filebeat-*"]});
    for (path, place) in [
        ("/_index_template/filebeat", "/index_templates/0/index_template"),
        ("/_component_template/filebeat", "/component_templates/0/component_template"),
        ("/_template/filebeat", "/filebeat"),
        ("/_ilm/policy/filebeat", "/filebeat/policy"),
        ("/_ingest/pipeline/filebeat", "/filebeat"),
        ("/_data_stream/filebeat", "/data_streams/0"),
    ] {
        assert_eq!(client.call(Method::HEAD, path, "").await.status, 404, "{path}");
        let put = client.call(Method::PUT, path, &body.to_string()).await;
        assert_eq!(put.json(), json!({"acknowledged": true}), "{path}");
        assert!(put.header("warning").contains("not applied"), "{path}");
        let listed = client.call(Method::GET, path, "").await.json();
        let kept = listed.pointer(place).unwrap_or_else(|| panic!("{path}: {listed}"));
        assert!(*kept == body || kept["name"] == "filebeat", "{path}: {listed}");
        let all = client.call(Method::GET, &path.replace("filebeat", "file*"), "").await.json();
        assert_eq!(all, listed, "{path}");
        client.call(Method::PUT, path, "[]").await.assert_refusal("/elasticsearch", 400);
        assert_eq!(client.call(Method::DELETE, path, "").await.status, 200, "{path}");
        assert_eq!(client.call(Method::DELETE, path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn indices_are_there_when_they_were_made_or_hold_events() {
    let client = Client::new().await;
    let index = today(&client);
    let status = async |path: &str| client.call(Method::HEAD, path, "").await.status;
    assert_eq!(status(&format!("/{index}")).await, 404);
    assert_eq!(status("/shop").await, 404);
    client.bulk("/_bulk", "{\"index\":{}}\n{\"n\":1}\n{\"index\":{}}\n{\"n\":2}\n").await;
    let aliases = json!({"aliases": {"shop": {"is_write_index": true}}}).to_string();
    let made = client.call(Method::PUT, "/shop-000001", &aliases).await.json();
    assert_eq!(made, json!({"acknowledged": true, "shards_acknowledged": true, "index": "shop-000001"}));
    let again = client.call(Method::PUT, "/shop-000001", "").await;
    again.assert_refusal("/elasticsearch", 400);
    assert_eq!(again.json()["error"]["type"], "resource_already_exists_exception");
    for path in [format!("/{index}").as_str(), "/ecommerce-logs", "/shop-000001", "/nothing-*", "/_alias/shop"] {
        assert_eq!(status(path).await, 200, "{path}");
    }
    assert_eq!(status("/_alias/other").await, 404);
    let table = client.call(Method::GET, "/_cat/indices?v&h=index,docs.count", "").await.text();
    assert_eq!(table, format!("index                     docs.count\n{index} 2\nshop-000001               0\n"));
    let json = client.call(Method::GET, "/_cat/count?format=json&h=count", "").await.json();
    assert_eq!(json, json!([{"count": "2"}]));
    assert!(client.call(Method::GET, "/_cat/health", "").await.text().contains(" vigie green "));
}

#[tokio::test]
async fn what_is_not_there_says_so_and_is_never_an_empty_success() {
    let client = Client::new().await;
    for (method, path) in
        [(Method::POST, "/_search_template/x/y"), (Method::GET, "/_sql/close/now"), (Method::PUT, "/_scripts/x/y")]
    {
        let answer = client.call(method, path, "{}").await;
        answer.assert_refusal("/elasticsearch", 400);
        assert!(answer.text().contains("no handler found"), "{path}: {}", answer.text());
    }
    client.call(Method::PUT, "/_settings", "{}").await.assert_refusal("/elasticsearch", 405);
}

#[tokio::test]
async fn keys_in_the_form_of_elasticsearch_may_send_and_not_read() {
    let client = Client::new().await;
    let accounts = &client.app.state.accounts;
    let maker = accounts.authenticate_password("analyst@example.com", PASSWORD, [127, 0, 0, 1].into()).await.unwrap();
    let new = NewKey { name: "filebeat".into(), scopes: vec![KeyScope::Ingest], expires_in_days: None };
    let key = format!("ApiKey {}", accounts.make_key(&maker, &new).await.unwrap().text.encoded());
    let call = async |method: Method, path: &str, body: &'static str| {
        let headers = [("authorization", key.as_str())];
        client.app.send(request(method, path, &headers, Body::from(body))).await.status
    };
    assert_eq!(call(Method::POST, "/elasticsearch/_bulk", "{\"create\":{}}\n{}\n").await, 200);
    assert_eq!(call(Method::GET, "/elasticsearch/", "").await, 200);
    assert_eq!(call(Method::PUT, "/elasticsearch/_index_template/x", "{}").await, 200);
    assert_eq!(call(Method::GET, "/elasticsearch/_cat/indices", "").await, 403);
}

#[tokio::test]
async fn a_listener_of_its_own_has_this_api_at_its_root_and_nothing_else() {
    let client = Client::new().await;
    let router = elasticsearch::at_the_root(client.app.router.clone());
    let send = async |method: Method, path: &str, body: &'static str| {
        let headers = [("authorization", client.authorization.as_str())];
        let response = router.clone().oneshot(request(method, path, &headers, Body::from(body))).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice::<Json>(&body).unwrap_or_default())
    };
    assert_eq!(send(Method::GET, "/", "").await.1["tagline"], "You Know, for Search");
    let (status, answer) = send(Method::POST, "/shop/_bulk?filter_path=errors", "{\"create\":{}}\n{}\n").await;
    assert_eq!((status, answer), (200, json!({"errors": false})));
    for path in ["/api/logs/recent", "/livez/x", "/metrics/x", "/index.html/x", "//api/logs/recent"] {
        let (status, answer) = send(Method::GET, path, "").await;
        assert!(status >= 400 && answer["error"]["type"].is_string(), "{path}: {status} {answer}");
    }
}
