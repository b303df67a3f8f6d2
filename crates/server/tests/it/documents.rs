//! The API document: complete, without clashes, and the same as the one that the UI's types are made from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use vigie_server::http::routes::elasticsearch::{PREFIX, is_below};
use vigie_server::http::{all_routes, openapi};

use crate::app::TestApp;

const ELASTICSEARCH_PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/elasticsearch.md");
const UI_DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/api/openapi.json");

fn document() -> Json {
    serde_json::from_str(&openapi::document_text(&all_routes()).unwrap()).unwrap()
}

/// Elasticsearch's API is documented by Elasticsearch; what of it there is stands on a page of its own.
#[test]
fn every_route_of_elasticsearch_stands_on_its_page() {
    let page = std::fs::read_to_string(ELASTICSEARCH_PAGE).unwrap();
    let mut missing: Vec<String> = all_routes()
        .table()
        .iter()
        .filter(|route| is_below(route.path))
        .map(|route| format!("`{} {}`", route.method, route.path.strip_prefix(PREFIX).unwrap()))
        .filter(|call| !page.contains(call.as_str()))
        .collect();
    missing.sort();
    assert!(missing.is_empty(), "docs/elasticsearch.md does not name these calls:\n{}", missing.join("\n"));
}

#[test]
fn documented_are_exactly_the_routes_there_are() {
    let routes = all_routes();
    let ours = routes.table().iter().filter(|route| !is_below(route.path));
    let there: BTreeSet<(String, String)> =
        ours.map(|route| (route.method.as_str().to_lowercase(), route.path.to_owned())).collect();
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let documented: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone())))
        .collect();
    assert_eq!(documented, there);
}

#[test]
fn operations_have_a_known_tag_an_id_and_words() {
    let document = document();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            assert!(tags.contains(tag), "{method} {path} has the unknown tag \"{tag}\"");
            assert!(operation["summary"].as_str().is_some_and(|words| !words.is_empty()), "{method} {path}");
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(ids.insert(id.to_owned()), "{method} {path}: the operation id \"{id}\" is taken");
        }
    }
}

#[test]
fn one_name_means_one_schema() {
    let mut seen: BTreeMap<String, Json> = BTreeMap::new();
    for part in all_routes().documents() {
        let part = serde_json::to_value(part).unwrap();
        let Some(schemas) = part["components"]["schemas"].as_object() else { continue };
        for (name, schema) in schemas {
            let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(first, schema, "two schemas are named {name}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not there");
    }
}

#[test]
fn the_ui_has_the_document_of_this_code() {
    let text = openapi::document_text(&all_routes()).unwrap();
    let kept = std::fs::read_to_string(UI_DOCUMENT).unwrap_or_default();
    assert!(
        kept == text,
        "web/src/api/openapi.json is not the document of this code; \
         run: cargo run -p vigie -- openapi > web/src/api/openapi.json"
    );
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let app = TestApp::new();
    for path in ["/api/docs", "/api/docs/page.js", "/api/docs/page.css"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains("://"), "{path} names another place");
    }
    let policy = app.get("/api/docs").await.header("content-security-policy").to_owned();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(app.get("/api/openapi.json").await.json(), document());
}
