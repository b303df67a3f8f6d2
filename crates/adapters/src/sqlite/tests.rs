//! What the conformance suite cannot know: the file, other processes, a full disk.

use std::sync::Arc;

use serde_json::json;
use vigie_domain::ports::Filter;

use super::*;

fn opened(folder: &tempfile::TempDir) -> SqliteMetadataStore {
    SqliteMetadataStore::open(&folder.path().join("vigie.db")).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A store and the folder that its file is in.
struct Housed {
    store: SqliteMetadataStore,
    _folder: tempfile::TempDir,
}

impl Housed {
    fn new() -> Self {
        let folder = folder();
        Self { store: opened(&folder), _folder: folder }
    }
}

#[async_trait]
impl MetadataStore for Housed {
    async fn insert(&self, collection: &str, id: &str, body: Json, unique: &[&str]) -> Result<Document> {
        self.store.insert(collection, id, body, unique).await
    }

    async fn replace(&self, collection: &str, id: &str, expected_revision: u64, body: Json) -> Result<Document> {
        self.store.replace(collection, id, expected_revision, body).await
    }

    async fn get(&self, collection: &str, id: &str) -> Result<Option<Document>> {
        self.store.get(collection, id).await
    }

    async fn find(&self, collection: &str, request: &FindRequest) -> Result<Vec<Document>> {
        self.store.find(collection, request).await
    }

    async fn count(&self, collection: &str, filters: &[Filter]) -> Result<u64> {
        self.store.count(collection, filters).await
    }

    async fn delete(&self, collection: &str, id: &str) -> Result<bool> {
        self.store.delete(collection, id).await
    }
}

mod suite {
    vigie_testkit::metadata_store_suite!(super::Housed::new());
}

fn all() -> FindRequest {
    FindRequest { filters: Vec::new(), limit: 1_000, after: None }
}

fn filter(field: &str, value: Json) -> FindRequest {
    FindRequest { filters: vec![Filter { field: field.into(), value }], limit: 10, after: None }
}

async fn ids(store: &SqliteMetadataStore, request: &FindRequest) -> Vec<String> {
    store.find("things", request).await.unwrap().into_iter().map(|document| document.id).collect()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = folder();
    let body = json!({"name": "a\u{0}b\u{1F600}", "big": u64::MAX, "pi": 0.1, "z": 1, "a": [null, {"b": true}]});
    let store = opened(&folder);
    store.insert("things", "one", body.clone(), &["name"]).await.unwrap();
    store.replace("things", "one", 1, body.clone()).await.unwrap();
    drop(store);
    let store = opened(&folder);
    let found = store.get("things", "one").await.unwrap().unwrap();
    assert_eq!((found.revision, &found.body), (2, &body));
    assert_eq!(found.body.to_string(), body.to_string(), "the order of fields is kept");
    let again = store.insert("things", "two", body, &["name"]).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn unique_fields_stay_unique_through_replacements() {
    let folder = folder();
    let store = opened(&folder);
    let insert = |id: &'static str, name: Json| {
        let store = &store;
        async move { store.insert("things", id, json!({"name": name}), &["name"]).await.map(|d| d.revision) }
    };
    let kind = |answer: Result<Document>| answer.unwrap_err().kind;
    insert("one", json!("anne")).await.unwrap();
    insert("two", json!("bruno")).await.unwrap();
    insert("none", json!(null)).await.unwrap();
    insert("none either", json!(null)).await.unwrap();
    store.insert("others", "one", json!({"name": "anne"}), &["name"]).await.unwrap();
    assert_eq!(kind(store.replace("things", "two", 1, json!({"name": "anne"})).await), ErrorKind::Conflict);
    assert_eq!(store.get("things", "two").await.unwrap().unwrap().body["name"], "bruno", "nothing was written");
    store.replace("things", "one", 1, json!({"name": "anna"})).await.unwrap();
    store.replace("things", "two", 1, json!({"name": "anne"})).await.unwrap();
    assert_eq!(insert("three", json!("anna")).await.unwrap_err().kind, ErrorKind::Conflict);
    insert("three", json!("bruno")).await.unwrap();
    assert_eq!(kind(store.replace("things", "none", 1, json!({"name": "anne"})).await), ErrorKind::Conflict);
    assert!(store.delete("things", "two").await.unwrap());
    store.replace("things", "none", 1, json!({"name": "anne"})).await.unwrap();
}

#[tokio::test]
async fn a_refused_document_leaves_nothing_behind() {
    let folder = folder();
    let store = opened(&folder);
    store.insert("things", "one", json!({"a": 1, "b": 1}), &["a", "b"]).await.unwrap();
    let refused = store.insert("things", "two", json!({"a": 2, "b": 1}), &["a", "b"]).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(store.get("things", "two").await.unwrap(), None);
    store.insert("things", "three", json!({"a": 2, "b": 3}), &["a", "b"]).await.unwrap();
}

#[tokio::test]
async fn filters_tell_types_apart_and_take_any_field_name() {
    let folder = folder();
    let store = opened(&folder);
    let bodies = [
        ("number", json!({"v": 1})),
        ("float", json!({"v": 1.5})),
        ("text", json!({"v": "1"})),
        ("true", json!({"v": true})),
        ("null", json!({"v": null})),
        ("missing", json!({"w": 1})),
        ("accent", json!({"v": "été \"quoted\" \\ \n"})),
        ("nested", json!({"v": {"x": 1}})),
        ("dotted", json!({"v.x": 1, "é[0]": 2, "": 3})),
    ];
    for (id, body) in bodies {
        store.insert("things", id, body, &[]).await.unwrap();
    }
    for (value, expected) in [
        (json!(1), "number"),
        (json!(1.5), "float"),
        (json!("1"), "text"),
        (json!(true), "true"),
        (json!(null), "null"),
        (json!("été \"quoted\" \\ \n"), "accent"),
    ] {
        assert_eq!(ids(&store, &filter("v", value.clone())).await, [expected], "{value}");
    }
    assert_eq!(ids(&store, &filter("v.x", json!(1))).await, ["dotted"]);
    assert_eq!(ids(&store, &filter("é[0]", json!(2))).await, ["dotted"]);
    assert_eq!(ids(&store, &filter("", json!(3))).await, ["dotted"]);
    assert!(ids(&store, &filter("v", json!("2"))).await.is_empty());
    for request in [filter("v", json!([1])), filter("v", json!({})), filter("v\" OR 1=1 --", json!(1))] {
        assert_eq!(store.find("things", &request).await.unwrap_err().kind, ErrorKind::Invalid, "{request:?}");
    }
    let many = FindRequest { filters: vec![Filter { field: "v".into(), value: json!(1) }; 17], limit: 1, after: None };
    assert_eq!(store.find("things", &many).await.unwrap_err().kind, ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_deletion_does_not_disturb_the_order_of_writing() {
    let folder = folder();
    let store = opened(&folder);
    for id in ["a", "b", "c", "d"] {
        store.insert("things", id, json!({}), &[]).await.unwrap();
    }
    store.replace("things", "a", 1, json!({})).await.unwrap();
    store.delete("things", "a").await.unwrap();
    store.insert("things", "e", json!({}), &[]).await.unwrap();
    store.replace("things", "b", 1, json!({})).await.unwrap();
    assert_eq!(ids(&store, &all()).await, ["b", "e", "d", "c"]);
}

#[tokio::test]
async fn of_many_writers_at_once_each_revision_has_one() {
    let folder = folder();
    let (one, other) = (Arc::new(opened(&folder)), Arc::new(opened(&folder)));
    one.insert("things", "counter", json!({"n": 0}), &[]).await.unwrap();
    let count_up = |store: Arc<SqliteMetadataStore>| async move {
        for _ in 0..20 {
            loop {
                let now = store.get("things", "counter").await.unwrap().unwrap();
                let next = json!({"n": now.body["n"].as_u64().unwrap() + 1});
                match store.replace("things", "counter", now.revision, next).await {
                    Ok(_) => break,
                    Err(error) => assert_eq!(error.kind, ErrorKind::Conflict),
                }
            }
        }
    };
    let runs = [&one, &one, &other, &other].map(|store| tokio::spawn(count_up(Arc::clone(store))));
    for run in runs {
        run.await.unwrap();
    }
    let counted = one.get("things", "counter").await.unwrap().unwrap();
    assert_eq!((counted.body["n"].as_u64(), counted.revision), (Some(80), 81));
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_there_stays() {
    let folder = folder();
    let store = opened(&folder);
    store.insert("things", "before", json!({"n": 1}), &[]).await.unwrap();
    {
        let writer = store.writer.lock().await;
        let pages: i64 = writer.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        writer.pragma_update_and_check(None, "max_page_count", pages + 1, |_| Ok(())).unwrap();
    }
    let large = json!({"text": "x".repeat(100_000)});
    let error = store.insert("things", "large", large, &[]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::DiskFull);
    assert_eq!(ids(&store, &all()).await, ["before"]);
    store.replace("things", "before", 1, json!({"n": 2})).await.unwrap();
}

#[tokio::test]
async fn documents_that_could_not_be_read_back_are_not_stored() {
    let folder = folder();
    let store = opened(&folder);
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let error = store.insert("things", "deep", json!({"deep": deep}), &[]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let long = json!({"text": "x".repeat(16 * 1_024 * 1_024)});
    assert_eq!(store.insert("things", "long", long, &[]).await.unwrap_err().kind, ErrorKind::TooLarge);
    assert!(ids(&store, &all()).await.is_empty());
}

#[tokio::test]
async fn a_damaged_document_is_an_error_that_names_it() {
    let folder = folder();
    let store = opened(&folder);
    store.insert("things", "one", json!({}), &[]).await.unwrap();
    store.writer.lock().await.execute("UPDATE documents SET body = '{'", []).unwrap();
    let error = store.get("things", "one").await.unwrap_err();
    assert!(error.kind == ErrorKind::Internal && error.message.contains("\"one\""), "{error}");
}

#[tokio::test]
async fn calls_beyond_the_bound_are_told_to_come_back() {
    let folder = folder();
    let store = opened(&folder);
    let all_places = store.pending.try_acquire_many(u32::try_from(PENDING_MAX).unwrap()).unwrap();
    let error = store.get("things", "one").await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Unavailable, Some(RETRY_AFTER_S)));
    drop(all_places);
    assert_eq!(store.get("things", "one").await.unwrap(), None);
}
