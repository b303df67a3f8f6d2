//! What kept searches promise, over a store in memory.

use std::sync::Arc;

use vigie_domain::ErrorKind;
use vigie_domain::ports::MetadataStore;
use vigie_testkit::MemoryMetadataStore;

use super::*;
use crate::listing::ListRequest;
use crate::test_shop::{clock, settings};

/// Both kinds over one store.
struct Desk {
    saved: SavedSearches,
    recent: RecentSearches,
}

impl Desk {
    fn new() -> Self {
        let store: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
        let redactor = settings().redactor;
        Self {
            saved: SavedSearches::new(store.clone(), redactor.clone(), clock()),
            recent: RecentSearches::new(store, redactor, clock()),
        }
    }

    async fn names(&self, keeper: &SearchKeeper) -> Vec<String> {
        let listed = self.saved.list(keeper, &ListRequest::default()).await.unwrap();
        let mut names: Vec<String> = listed.entries.into_iter().map(|search| search.name).collect();
        names.sort();
        names
    }

    async fn recent_queries(&self, keeper: &SearchKeeper) -> Vec<String> {
        self.recent.list(keeper).await.unwrap().into_iter().map(|search| search.content.query).collect()
    }
}

fn keeper(name: &str) -> SearchKeeper {
    SearchKeeper { tenant: "main".into(), user_id: format!("id-{name}"), username: name.into(), is_admin: false }
}

fn admin() -> SearchKeeper {
    SearchKeeper { is_admin: true, ..keeper("ada") }
}

fn asking(query: &str) -> SearchContent {
    SearchContent { query: query.into(), ..SearchContent::default() }
}

fn draft(name: &str, is_shared: bool) -> SearchDraft {
    SearchDraft { name: name.into(), is_shared, content: asking("level:error") }
}

#[tokio::test]
async fn what_was_saved_comes_back_as_it_was_typed() {
    let desk = Desk::new();
    let filter = KeptFilter { field: "service".into(), value: Some("cart".into()), negated: true, disabled: false };
    let content = SearchContent {
        query: "  level:error  ".into(),
        filters: vec![filter.clone()],
        columns: Some(vec![KeptColumn { field: "message".into(), width_px: Some(300) }]),
        oldest_first: true,
        from: Some("now-1h".into()),
        to: Some("now".into()),
    };
    let wish = SearchDraft { name: " Errors  of the cart ".into(), is_shared: false, content: content.clone() };
    let saved = desk.saved.save(&keeper("anne"), wish).await.unwrap();
    assert_eq!((saved.name.as_str(), saved.version, saved.owner.as_str()), ("Errors of the cart", 1, "anne"));
    assert_eq!(saved.content, SearchContent { query: "level:error".into(), ..content });
    assert_eq!(desk.saved.get(&keeper("anne"), &saved.id).await.unwrap(), saved);
}

#[tokio::test]
async fn a_name_exists_once_per_owner_in_any_case() {
    let desk = Desk::new();
    let first = desk.saved.save(&keeper("anne"), draft("Errors", false)).await.unwrap();
    desk.saved.save(&keeper("bruno"), draft("Errors", true)).await.unwrap();
    let taken = desk.saved.save(&keeper("anne"), draft("errors ", true)).await.unwrap_err();
    assert_eq!((taken.kind, taken.details[0].field.as_str()), (ErrorKind::Conflict, "name"));
    let other = desk.saved.save(&keeper("anne"), draft("Refunds", false)).await.unwrap();
    let taken = desk.saved.change(&keeper("anne"), (&other.id, 1), draft("ERRORS", false)).await.unwrap_err();
    assert_eq!((taken.kind, taken.details[0].field.as_str()), (ErrorKind::Conflict, "name"));
    desk.saved.delete(&keeper("anne"), &first.id).await.unwrap();
    desk.saved.change(&keeper("anne"), (&other.id, 1), draft("ERRORS", false)).await.unwrap();
}

#[tokio::test]
async fn private_searches_are_not_there_for_others_and_shared_ones_are_read() {
    let desk = Desk::new();
    let (anne, bruno) = (keeper("anne"), keeper("bruno"));
    let private = desk.saved.save(&anne, draft("private", false)).await.unwrap();
    let shared = desk.saved.save(&anne, draft("shared", true)).await.unwrap();
    let abroad = SearchKeeper { tenant: "other".into(), ..admin() };
    for (who, names) in [(&anne, vec!["private", "shared"]), (&bruno, vec!["shared"]), (&admin(), vec!["shared"])] {
        assert_eq!(desk.names(who).await, names, "{}", who.username);
    }
    assert!(desk.names(&abroad).await.is_empty());
    for (who, id, kind) in [
        (&bruno, &private.id, ErrorKind::NotFound),
        (&admin(), &private.id, ErrorKind::NotFound),
        (&bruno, &shared.id, ErrorKind::Forbidden),
        (&abroad, &shared.id, ErrorKind::NotFound),
    ] {
        assert_eq!(desk.saved.delete(who, id).await.unwrap_err().kind, kind, "{}", who.username);
        let refused = desk.saved.change(who, (id, 1), draft("mine", true)).await.unwrap_err();
        assert_eq!(refused.kind, kind, "{}", who.username);
    }
    let renamed = desk.saved.change(&admin(), (&shared.id, 1), draft("renamed", true)).await.unwrap();
    assert_eq!((renamed.owner.as_str(), renamed.version), ("anne", 2), "an admin does not become the owner");
    desk.saved.delete(&admin(), &shared.id).await.unwrap();
    assert!(desk.names(&bruno).await.is_empty());
}

#[tokio::test]
async fn a_change_needs_the_version_that_is_there() {
    let desk = Desk::new();
    let anne = keeper("anne");
    let saved = desk.saved.save(&anne, draft("errors", false)).await.unwrap();
    desk.saved.change(&anne, (&saved.id, 1), draft("errors", true)).await.unwrap();
    for version in [1, 3] {
        let refused = desk.saved.change(&anne, (&saved.id, version), draft("late", false)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert_eq!((refused.details[0].field.as_str(), refused.details[0].message.as_str()), ("version", "2"));
    }
    assert_eq!(desk.names(&anne).await, ["errors"]);
}

#[tokio::test]
async fn wishes_beyond_the_bounds_are_refused_by_field() {
    let desk = Desk::new();
    let filter = |field: &str| KeptFilter { field: field.into(), value: None, negated: false, disabled: false };
    let column = |width_px| KeptColumn { field: "message".into(), width_px };
    let long = "x".repeat(101);
    let check = async |name: &str, content: SearchContent, field: &str| {
        let wish = SearchDraft { name: name.into(), is_shared: false, content };
        let error = desk.saved.save(&keeper("anne"), wish).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Invalid | ErrorKind::Malformed), "{error}");
        assert_eq!(error.details[0].field, field, "{error}");
    };
    check(" ", asking(""), "name").await;
    check(&long, asking(""), "name").await;
    check("a\u{7}b", asking(""), "name").await;
    check("a", asking("level:("), "query").await;
    check("a", asking(&"x ".repeat(4_001)), "query").await;
    check("a", asking("4111 1111 1111 1111"), "query").await;
    check("4111111111111111", asking(""), "query").await;
    check("a", SearchContent { filters: vec![filter("")], ..asking("") }, "filters").await;
    check("a", SearchContent { filters: vec![filter("a"); 51], ..asking("") }, "filters").await;
    check("a", SearchContent { columns: Some(vec![column(None); 51]), ..asking("") }, "columns").await;
    check("a", SearchContent { columns: Some(vec![column(Some(4_001))]), ..asking("") }, "columns").await;
    check("a", SearchContent { from: Some(long.clone()), ..asking("") }, "from").await;
    check("a", SearchContent { to: Some(long.clone()), ..asking("") }, "to").await;
    assert!(desk.names(&keeper("anne")).await.is_empty());
}

#[tokio::test]
async fn nobody_saves_more_than_they_may() {
    let desk = Desk::new();
    for n in 0..SAVED_PER_USER_MAX {
        desk.saved.save(&keeper("anne"), draft(&format!("search {n}"), false)).await.unwrap();
    }
    let refused = desk.saved.save(&keeper("anne"), draft("one more", false)).await.unwrap_err();
    assert!(refused.kind == ErrorKind::Conflict && refused.message.contains("delete one first"), "{refused}");
    desk.saved.save(&keeper("bruno"), draft("one more", false)).await.unwrap();
}

#[tokio::test]
async fn recent_searches_are_latest_first_each_once_and_bounded() {
    let desk = Desk::new();
    let (anne, bruno) = (keeper("anne"), keeper("bruno"));
    for query in ["a", "b", "", "a", "card 4111 1111 1111 1111"] {
        desk.recent.remember(&anne, &asking(query)).await.unwrap();
    }
    assert_eq!(desk.recent_queries(&anne).await, ["a", "b"]);
    assert!(desk.recent_queries(&bruno).await.is_empty());
    let later = SearchContent { from: Some("now-1h".into()), ..asking("b") };
    desk.recent.remember(&anne, &later).await.unwrap();
    let listed = desk.recent.list(&anne).await.unwrap();
    assert_eq!((listed.len(), &listed[0].content), (2, &later), "the same search of another range is the same");
    for n in 0..60 {
        desk.recent.remember(&anne, &asking(&format!("n:{n}"))).await.unwrap();
    }
    let queries = desk.recent_queries(&anne).await;
    assert_eq!((queries.len(), queries[0].as_str(), queries[49].as_str()), (RECENT_MAX, "n:59", "n:10"));
    assert_eq!(desk.recent.forget(&anne).await.unwrap(), RECENT_MAX);
    assert!(desk.recent_queries(&anne).await.is_empty());
}

#[tokio::test]
async fn searches_run_at_once_are_all_remembered() {
    let desk = Desk::new();
    let queries: Vec<SearchContent> = (0..4).map(|n| asking(&format!("n:{n}"))).collect();
    let anne = keeper("anne");
    let runs = queries.iter().map(|content| desk.recent.remember(&anne, content));
    for run in futures_util::future::join_all(runs).await {
        run.unwrap();
    }
    let mut seen = desk.recent_queries(&anne).await;
    seen.sort();
    assert_eq!(seen, ["n:0", "n:1", "n:2", "n:3"]);
}
