//! What every `MetadataStore` must do. `metadata_store_suite!(make)` makes a test of each case.

use serde_json::{Value as Json, json};
use vigie_domain::ErrorKind;
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};

/// Makes a test of every case; `make` is an expression that gives a fresh store, and may own what it lives in.
#[macro_export]
macro_rules! metadata_store_suite {
    ($make:expr) => {
        $crate::metadata_store_suite!(@cases $make;
            inserted_documents_are_found
            an_id_exists_once
            unique_fields_are_unique_within_their_collection
            replacing_needs_the_current_revision
            what_was_deleted_is_gone
            finding_filters_and_bounds
            latest_written_comes_first
            pages_follow_one_another
            documents_are_counted
            racing_writers_cannot_overwrite_each_other
        );
    };
    (@cases $make:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let store = $make;
                $crate::metadata_suite::$case(&store).await;
            }
        )*
    };
}

fn where_field(field: &str, value: Json) -> FindRequest {
    FindRequest { filters: vec![Filter { field: field.into(), value }], limit: 100, after: None }
}

fn ids(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.id.as_str()).collect()
}

/// A document comes back as it was, with revision 1.
pub async fn inserted_documents_are_found(store: &dyn MetadataStore) {
    let body = json!({"name": "anne", "nested": {"list": [1, null, "é"]}});
    let inserted = store.insert("users", "one", body.clone(), &[]).await.unwrap();
    assert_eq!(inserted, Document { id: "one".into(), revision: 1, body });
    assert_eq!(store.get("users", "one").await.unwrap(), Some(inserted));
    assert_eq!(store.get("users", "two").await.unwrap(), None);
    assert_eq!(store.get("others", "one").await.unwrap(), None);
}

/// A second document of one id is refused, in another collection it is not.
pub async fn an_id_exists_once(store: &dyn MetadataStore) {
    store.insert("users", "one", json!({}), &[]).await.unwrap();
    assert_eq!(store.insert("users", "one", json!({}), &[]).await.unwrap_err().kind, ErrorKind::Conflict);
    store.insert("others", "one", json!({}), &[]).await.unwrap();
}

/// A unique field's value exists once in a collection, also after replacements.
pub async fn unique_fields_are_unique_within_their_collection(store: &dyn MetadataStore) {
    let named = |name: &str| json!({ "name": name });
    store.insert("users", "one", named("anne"), &["name"]).await.unwrap();
    let taken = store.insert("users", "two", named("anne"), &["name"]).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Conflict);
    assert_eq!(store.get("users", "two").await.unwrap(), None);
    store.insert("others", "one", named("anne"), &["name"]).await.unwrap();
    store.replace("users", "one", 1, named("bruno")).await.unwrap();
    store.insert("users", "two", named("anne"), &["name"]).await.unwrap();
    let taken = store.replace("users", "one", 2, named("anne")).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Conflict);
}

/// A writer that read an older revision is refused.
pub async fn replacing_needs_the_current_revision(store: &dyn MetadataStore) {
    store.insert("users", "one", json!({"n": 1}), &[]).await.unwrap();
    assert_eq!(store.replace("users", "one", 1, json!({"n": 2})).await.unwrap().revision, 2);
    assert_eq!(store.replace("users", "one", 1, json!({"n": 3})).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(store.replace("users", "no one", 1, json!({})).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(store.get("users", "one").await.unwrap().unwrap().body, json!({"n": 2}));
}

/// A deleted document is not found and frees what was unique.
pub async fn what_was_deleted_is_gone(store: &dyn MetadataStore) {
    store.insert("users", "one", json!({"name": "anne"}), &["name"]).await.unwrap();
    assert!(store.delete("users", "one").await.unwrap());
    assert!(!store.delete("users", "one").await.unwrap());
    assert_eq!(store.get("users", "one").await.unwrap(), None);
    store.insert("users", "two", json!({"name": "anne"}), &["name"]).await.unwrap();
}

/// Filters compare top-level fields by value and type; the limit holds.
pub async fn finding_filters_and_bounds(store: &dyn MetadataStore) {
    store.insert("users", "one", json!({"role": "admin", "n": 1, "on": true}), &[]).await.unwrap();
    store.insert("users", "two", json!({"role": "viewer", "n": 2, "on": false}), &[]).await.unwrap();
    store.insert("users", "three", json!({"role": "admin", "n": 1, "on": false}), &[]).await.unwrap();
    let found = |request: FindRequest| async move { store.find("users", &request).await.unwrap() };
    assert_eq!(ids(&found(where_field("role", json!("viewer"))).await), ["two"]);
    assert_eq!(ids(&found(where_field("n", json!(2))).await), ["two"]);
    assert_eq!(ids(&found(where_field("on", json!(true))).await), ["one"]);
    assert!(found(where_field("role", json!("nobody"))).await.is_empty());
    assert!(found(where_field("missing", json!("x"))).await.is_empty());
    let both = vec![
        Filter { field: "role".into(), value: json!("admin") },
        Filter { field: "on".into(), value: json!(false) },
    ];
    assert_eq!(ids(&found(FindRequest { filters: both, limit: 100, after: None }).await), ["three"]);
    assert_eq!(found(FindRequest { filters: Vec::new(), limit: 2, after: None }).await.len(), 2);
    assert!(found(FindRequest { filters: Vec::new(), limit: 0, after: None }).await.is_empty());
}

/// Replacing moves a document to the front.
pub async fn latest_written_comes_first(store: &dyn MetadataStore) {
    for id in ["a", "b", "c"] {
        store.insert("users", id, json!({}), &[]).await.unwrap();
    }
    store.replace("users", "a", 1, json!({"again": true})).await.unwrap();
    let all = store.find("users", &FindRequest { filters: Vec::new(), limit: 10, after: None }).await.unwrap();
    assert_eq!(ids(&all), ["a", "c", "b"]);
}

/// A page begins behind the last document of the one before; behind one that is gone there is nothing.
pub async fn pages_follow_one_another(store: &dyn MetadataStore) {
    for (id, role) in [("a", "admin"), ("b", "viewer"), ("c", "admin"), ("d", "admin")] {
        store.insert("users", id, json!({ "role": role }), &[]).await.unwrap();
    }
    store.insert("others", "d", json!({"role": "admin"}), &[]).await.unwrap();
    let page = |role: &str, after: Option<&str>| FindRequest {
        filters: vec![Filter { field: "role".into(), value: json!(role) }],
        limit: 2,
        after: after.map(str::to_owned),
    };
    let found = |request: FindRequest| async move { store.find("users", &request).await.unwrap() };
    assert_eq!(ids(&found(page("admin", None)).await), ["d", "c"]);
    assert_eq!(ids(&found(page("admin", Some("c"))).await), ["a"]);
    assert_eq!(ids(&found(page("admin", Some("b"))).await), ["a"], "the one before need not match");
    assert!(found(page("admin", Some("a"))).await.is_empty());
    store.delete("users", "c").await.unwrap();
    assert!(found(page("admin", Some("c"))).await.is_empty());
}

/// Documents are counted by the filters that find them.
pub async fn documents_are_counted(store: &dyn MetadataStore) {
    assert_eq!(store.count("users", &[]).await.unwrap(), 0);
    for (id, on) in [("a", true), ("b", false), ("c", true)] {
        store.insert("users", id, json!({ "on": on }), &[]).await.unwrap();
    }
    store.insert("others", "a", json!({}), &[]).await.unwrap();
    let on = [Filter { field: "on".into(), value: json!(true) }];
    assert_eq!((store.count("users", &[]).await.unwrap(), store.count("users", &on).await.unwrap()), (3, 2));
    store.delete("users", "c").await.unwrap();
    assert_eq!(store.count("users", &on).await.unwrap(), 1);
}

/// Of writers that read the same revision exactly one wins.
pub async fn racing_writers_cannot_overwrite_each_other(store: &dyn MetadataStore) {
    store.insert("users", "one", json!({"n": 0}), &[]).await.unwrap();
    let writes = (0..20).map(|n| store.replace("users", "one", 1, json!({ "n": n })));
    let mut winners = 0;
    for write in futures_util::future::join_all(writes).await {
        winners += usize::from(write.is_ok());
    }
    assert_eq!(winners, 1);
    assert_eq!(store.get("users", "one").await.unwrap().unwrap().revision, 2);
}

#[cfg(test)]
mod tests {
    crate::metadata_store_suite!(crate::MemoryMetadataStore::default());
}
