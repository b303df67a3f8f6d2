//! Clients of Elasticsearch find events: what bodies mean is tested beside `vigie_app::dsl`; here, paths, parameters and shapes.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;

use crate::app::{Answer, PASSWORD, TestApp, basic, request};

/// A server with five events, and somebody who may read them.
pub(crate) struct Client {
    pub(crate) app: TestApp,
    pub(crate) index: String,
}

impl Client {
    pub(crate) async fn new() -> Self {
        let app = TestApp::new();
        app.token(Role::Analyst).await;
        let index = (app.state.clock)().day().index_name();
        let client = Self { app, index };
        let lines: String = (0..5)
            .map(|number| {
                let level = if number % 2 == 0 { "error" } else { "info" };
                format!("{{\"create\":{{\"_id\":\"{number}\"}}}}\n{{\"message\":\"number {number}\",\"level\":\"{level}\",\"n\":{number}}}\n")
            })
            .collect();
        let answer = client.call(Method::POST, "/shop/_bulk", &lines).await;
        assert_eq!(answer.json()["errors"], false, "{}", answer.text());
        client
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        let authorization = basic("analyst@example.com", PASSWORD);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        self.app.send(request(method, &format!("/elasticsearch{path}"), &headers, Body::from(body.to_owned()))).await
    }

    pub(crate) async fn ask(&self, path: &str, body: Json) -> Json {
        let answer = self.call(Method::POST, path, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn get(&self, path: &str) -> Json {
        let answer = self.call(Method::GET, path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// The call is answered with this status and sort of error.
    pub(crate) async fn fails(&self, path: &str, body: &str, status: u16, kind: &str) {
        let answer = self.call(Method::POST, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["type"], kind, "{path}: {}", answer.text());
    }
}

pub(crate) fn count_of(answer: &Json) -> u64 {
    answer["hits"]["total"]["value"].as_u64().unwrap()
}

#[tokio::test]
async fn searches_are_answered_below_every_path() {
    let client = Client::new().await;
    let errors = json!({"query": {"term": {"level": "ERROR"}}, "sort": [{"@timestamp": "desc"}], "size": 2});
    for path in ["/_search", "/shop/_search", "/sho*/_search", &format!("/{}/_search", client.index)] {
        let answer = client.ask(path, errors.clone()).await;
        assert_eq!((count_of(&answer), answer["hits"]["hits"].as_array().unwrap().len()), (3, 2), "{path}");
        assert_eq!((&answer["timed_out"], &answer["_shards"]["failed"]), (&json!(false), &json!(0)));
        assert!(answer["took"].is_u64());
    }
    assert_eq!(count_of(&client.get("/_search?q=level:error&size=0").await), 3);
    assert_eq!(count_of(&client.get("/_search?q=level:info%20n:4&default_operator=AND").await), 0);
    let as_number =
        client.get("/_search?rest_total_hits_as_int=true&_source_includes=n&sort=@timestamp:asc&size=1").await;
    assert_eq!((&as_number["hits"]["total"], &as_number["hits"]["hits"][0]["_source"]), (&json!(5), &json!({"n": 0})));
    let typed =
        client.ask("/_search?typed_keys=true", json!({"size": 0, "aggs": {"a": {"max": {"field": "n"}}}})).await;
    assert_eq!(typed["aggregations"], json!({"max#a": {"value": 4.0}}));
    assert_eq!(client.ask("/_count", json!({"query": {"range": {"n": {"gte": 2}}}})).await["count"], 3);
    assert_eq!(client.get("/shop/_count").await["count"], 5);
    assert_eq!(client.ask("/_validate/query", json!({"query": {"match_all": {}}})).await["valid"], true);
    assert_eq!(client.ask("/_validate/query?explain=true", json!({"query": {"nothing": {}}})).await["valid"], false);
}

#[tokio::test]
async fn what_is_wrong_has_elasticsearchs_shape() {
    let client = Client::new().await;
    let wrong = "illegal_argument_exception";
    client.fails("/_search", "{", 400, wrong).await;
    client.fails("/_search", "[]", 400, wrong).await;
    client.fails("/_search", r#"{"query":{"fuzzy":{"a":{"value":"b","fuzziness":3}}}}"#, 400, wrong).await;
    client.fails("/_search?size=many", "", 400, wrong).await;
    client.fails("/_count", r#"{"size":1}"#, 400, wrong).await;
    client.fails("/nothing/_search", "", 404, "index_not_found_exception").await;
    client.fails("/_search/scroll", r#"{"scroll_id":"x"}"#, 400, wrong).await;
    client.fails("/_mget", r#"{"docs":[]}"#, 400, "action_request_validation_exception").await;
    client.fails("/_mget", r#"{"docs":[{"_index":"shop"}]}"#, 400, "action_request_validation_exception").await;
    client.fails("/_mget", r#"{"docs":[{"_index":"shop","_id":1,"_routing":"x"}]}"#, 400, wrong).await;
    client.fails("/_field_caps", "", 400, wrong).await;
    client.fails("/_msearch", "{}\n", 400, wrong).await;
    assert_eq!(count_of(&client.ask("/nothing/_search?ignore_unavailable=true", json!({})).await), 0);
    // An index that was made and has no event yet is there.
    assert_eq!(client.call(Method::PUT, "/made", "{}").await.status, 200);
    assert_eq!(count_of(&client.ask("/made/_search", json!({})).await), 0);
}

#[tokio::test]
async fn several_searches_are_answered_one_by_one() {
    let client = Client::new().await;
    let body = "{\"index\":\"shop\"}\n{\"size\":0}\n{\"index\":[\"shop\",\"x\"],\"ignore_unavailable\":true}\n{\"query\":{\"ids\":{\"values\":[\"3\"]}}}\n{}\n{\"query\":{\"fuzzy\":{}}}\n\n";
    let answer = client.call(Method::POST, "/_msearch", body).await.json();
    let responses = answer["responses"].as_array().unwrap();
    assert_eq!((count_of(&responses[0]), count_of(&responses[1]), &responses[2]["status"]), (5, 1, &json!(400)));
    assert_eq!(
        (&responses[0]["status"], &responses[2]["error"]["type"]),
        (&json!(200), &json!("illegal_argument_exception"))
    );
}

#[tokio::test]
async fn every_event_is_reached_by_scroll_and_by_point_in_time() {
    let client = Client::new().await;
    let mut page = client.ask("/shop/_search?scroll=1m", json!({"size": 2, "sort": ["_doc"]})).await;
    let mut found = Vec::new();
    while !page["hits"]["hits"].as_array().unwrap().is_empty() {
        found
            .extend(page["hits"]["hits"].as_array().unwrap().iter().map(|hit| hit["_id"].as_str().unwrap().to_owned()));
        page = client.ask("/_search/scroll", json!({"scroll": "1m", "scroll_id": page["_scroll_id"]})).await;
    }
    assert_eq!(found, ["0", "1", "2", "3", "4"]);
    assert_eq!(client.call(Method::DELETE, "/_search/scroll", "{}").await.json()["succeeded"], true);
    for (path, name) in [("/shop/_pit?keep_alive=1m", "id"), ("/shop/_search/point_in_time?keep_alive=1m", "pit_id")] {
        let id = client.ask(path, json!({})).await[name].clone();
        let body = |after: Json| {
            let mut body = json!({"size": 3, "pit": {"id": id, "keep_alive": "1m"}, "sort": [{"@timestamp": "asc"}]});
            if after != Json::Null {
                body["search_after"] = after;
            }
            body
        };
        let first = client.ask("/_search", body(Json::Null)).await;
        let last = first["hits"]["hits"][2]["sort"].clone();
        assert_eq!(last.as_array().unwrap().len(), 2);
        let second = client.ask("/_search", body(last)).await;
        assert_eq!((count_of(&first), second["hits"]["hits"].as_array().unwrap().len()), (5, 2), "{path}");
    }
    client.fails("/shop/_search", r#"{"pit":{"id":"x"}}"#, 400, "illegal_argument_exception").await;
}

#[tokio::test]
async fn documents_and_fields_are_told() {
    let client = Client::new().await;
    let document = client.get("/shop/_doc/3").await;
    assert_eq!(
        (&document["found"], &document["_source"]["n"], &document["_index"]),
        (&json!(true), &json!(3), &json!("shop"))
    );
    assert_eq!(client.call(Method::GET, "/shop/_doc/none", "").await.status, 404);
    assert_eq!(client.call(Method::HEAD, "/shop/_doc/3", "").await.status, 200);
    assert_eq!(client.get("/shop/_source/3").await["n"], 3);
    let many = client
        .ask("/_mget", json!({"docs": [{"_index": "shop", "_id": "1"}, {"_index": "shop", "_id": "none"}]}))
        .await;
    assert_eq!((&many["docs"][0]["found"], &many["docs"][1]["found"]), (&json!(true), &json!(false)));
    assert_eq!(client.ask("/shop/_mget", json!({"ids": ["4"]})).await["docs"][0]["_source"]["n"], 4);
    let caps = client.get("/_field_caps?fields=n,mess*,@timestamp,_id").await;
    assert_eq!(caps["indices"], json!([client.index, "shop"]));
    let kinds: Vec<(&str, &str)> = caps["fields"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, types)| (name.as_str(), types.as_object().unwrap().keys().next().unwrap().as_str()))
        .collect();
    assert_eq!(kinds, [("@timestamp", "date"), ("_id", "_id"), ("message", "text"), ("n", "long")]);
    let mapping = client.get("/ecommerce-logs-*/_mapping").await;
    assert_eq!(mapping[&client.index]["mappings"]["properties"]["n"], json!({"type": "long"}));
}
