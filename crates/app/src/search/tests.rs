//! What search promises, over doubles.

use serde_json::{Value as Json, json};
use vigie_domain::ErrorKind;

use super::*;
use crate::test_shop::{Shop, event};

fn page(query: &str, size: usize) -> SearchInput {
    SearchInput { query: query.into(), size, ..SearchInput::default() }
}

/// The numbers `n` of events.
fn numbers<'a>(hits: impl IntoIterator<Item = &'a Hit>) -> Vec<i64> {
    let number = |hit: &Hit| match hit.source.iter().find(|(name, _)| name == "n") {
        Some((_, Value::Int(number))) => *number,
        other => panic!("{other:?}"),
    };
    hits.into_iter().map(number).collect()
}

async fn found(shop: &Shop, input: SearchInput) -> Vec<i64> {
    let page = shop.search.search(&shop.scope, &input).await.unwrap();
    numbers(page.hits.iter().map(|found| &found.hit))
}

/// Events 0 (oldest) to 9; 3, 4 and 5 lie at one instant.
async fn ten() -> Shop {
    let seconds_ago = |n: i64| if (3..=5).contains(&n) { 60 } else { 100 - n * 10 };
    let fields = |n: i64| {
        json!({"n": n, "level": (if n % 2 == 0 { "INFO" } else { "ERROR" }), "service": (if n % 2 == 0 { "cart" } else { "payment" }),
            "message": format!("step number {n} is done"), "ok": n > 4})
    };
    let events: Vec<Json> = (0..10).map(|n| event(seconds_ago(n), &fields(n))).collect();
    Shop::with(&events).await
}

#[tokio::test]
async fn pages_hold_every_event_once_in_order() {
    let shop = ten().await;
    for oldest_first in [false, true] {
        let mut expected: Vec<i64> = (0..10).collect();
        if !oldest_first {
            expected.reverse();
        }
        for size in [1, 2, 3, 4, 9, 10, 11] {
            let mut seen = Vec::new();
            let mut cursor = None;
            let mut pages = 0;
            loop {
                let input = SearchInput { oldest_first, cursor, ..page("", size) };
                let answer = shop.search.search(&shop.scope, &input).await.unwrap();
                assert_eq!(answer.total, 10, "the total does not depend on the page");
                seen.extend(numbers(answer.hits.iter().map(|found| &found.hit)));
                pages += 1;
                cursor = answer.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!((&seen, pages), (&expected, 10usize.div_ceil(size)), "pages of {size}");
        }
    }
}

#[tokio::test]
async fn events_can_be_left_out_or_only_counted() {
    let shop = ten().await;
    assert_eq!(found(&shop, SearchInput { from: 8, ..page("", 5) }).await, [1, 0]);
    let counted = shop.search.search(&shop.scope, &page("level:error", 0)).await.unwrap();
    assert_eq!((counted.total, counted.hits.len(), counted.next_cursor), (5, 0, None));
}

#[tokio::test]
async fn filters_narrow_what_was_typed() {
    let shop = ten().await;
    let filtered = async |query: &str, filters: &[(&str, &[&str])]| {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let filters = filters.iter().map(|(field, any)| ((*field).to_owned(), values(any))).collect();
        found(&shop, SearchInput { filters, ..page(query, 10) }).await
    };
    assert_eq!(filtered("", &[("level", &["ERROR"])]).await, [9, 7, 5, 3, 1]);
    assert_eq!(filtered("", &[("level", &["ERROR", "INFO"])]).await.len(), 10);
    assert_eq!(filtered("n<5", &[("level", &["error"]), ("ok", &["false"])]).await, [3, 1]);
    assert_eq!(filtered("n:1 OR n:2", &[("service.name", &["payment"])]).await, [1], "an alias is the field");
    assert_eq!(filtered("", &[("n", &["4"]), ("service", &["payment"])]).await, [0; 0]);
}

#[tokio::test]
async fn filters_count_as_conditions() {
    let shop = ten().await;
    let asked = async |count: usize| {
        let values = (0..count).map(|number| number.to_string()).collect();
        let filters = BTreeMap::from([("n".to_owned(), values)]);
        shop.search.search(&shop.scope, &SearchInput { filters, ..page("level:error", 10) }).await
    };
    assert_eq!(asked(query::CLAUSES_MAX - 1).await.unwrap().total, 5);
    let error = asked(query::CLAUSES_MAX).await.unwrap_err();
    assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Invalid, "filters.n"), "{error}");
}

#[tokio::test]
async fn ranges_are_half_open() {
    let shop = ten().await;
    let within = async |from: &str, to: &str| {
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        found(
            &shop,
            SearchInput {
                range: AskedRange { from: said(from), to: said(to), ..AskedRange::default() },
                ..page("", 10)
            },
        )
        .await
    };
    assert_eq!(within("now-60s", "now-30s").await, [6, 5, 4, 3]);
    assert_eq!(within("now-30s", "").await, [9, 8, 7]);
    assert_eq!(within("", "2026-11-23T14:02:35Z").await, [0]);
    assert_eq!(within("1795442625", "1795442635000").await, [8]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_at_its_place() {
    let shop = ten().await;
    let check = async |input: SearchInput, kind: ErrorKind, field: &str, span: Option<(usize, usize)>| {
        let error = shop.search.search(&shop.scope, &input).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!((error.details[0].field.as_str(), error.details[0].span), (field, span), "{error}");
    };
    check(page("level:error AND", 5), ErrorKind::Malformed, "query", Some((14, 15))).await;
    check(page("a \"b", 5), ErrorKind::Malformed, "query", Some((2, 4))).await;
    check(page("@timestamp>soon", 5), ErrorKind::Malformed, "query", Some((11, 15))).await;
    check(page("", SIZE_MAX + 1), ErrorKind::Invalid, "size", None).await;
    check(SearchInput { from: FROM_MAX + 1, ..page("", 5) }, ErrorKind::Invalid, "from", None).await;
    check(SearchInput { cursor: Some("x".into()), ..page("", 5) }, ErrorKind::Malformed, "cursor", None).await;
    let range = AskedRange { from: Some("soon".into()), ..AskedRange::default() };
    check(SearchInput { range, ..page("", 5) }, ErrorKind::Malformed, "from", None).await;
    assert!(shop.search.search(&shop.scope, &page("", SIZE_MAX)).await.is_ok());
}

#[tokio::test]
async fn words_are_marked_when_asked() {
    let shop = ten().await;
    let input = SearchInput { highlight: true, ..page("number n:7", 1) };
    let found = &shop.search.search(&shop.scope, &input).await.unwrap().hits[0];
    let expected = format!("step {HIGHLIGHT_START}number{HIGHLIGHT_END} 7 is done");
    assert_eq!(found.highlight.get("message"), Some(&vec![expected]));
    let found = &shop.search.search(&shop.scope, &page("number", 1)).await.unwrap().hits[0];
    assert!(found.highlight.is_empty());
}

#[tokio::test]
async fn an_event_is_shown_between_its_neighbours() {
    let shop = ten().await;
    let input = page("n:4", 1);
    let id = shop.search.search(&shop.scope, &input).await.unwrap().hits[0].hit.id.0.clone();
    let context = shop.search.context(&shop.scope, &id, 3, 2).await.unwrap();
    assert_eq!(numbers(&context.before), [1, 2, 3]);
    assert_eq!(numbers([&context.event]), [4]);
    assert_eq!(numbers(&context.after), [5, 6]);
    let alone = shop.search.context(&shop.scope, &id, 0, 0).await.unwrap();
    assert!(alone.before.is_empty() && alone.after.is_empty());
    let error = shop.search.context(&shop.scope, &id, CONTEXT_MAX + 1, 0).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let error = shop.search.context(&shop.scope, "no such id", 1, 1).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn the_store_is_described() {
    let shop = Shop::with(&[
        event(86_400, &json!({"log_type": "error", "n": 1})),
        event(30, &json!({"log_type": "transaction", "n": 2})),
        event(20, &json!({"log_type": "error", "n": 3})),
    ])
    .await;
    let types = shop.search.types(&shop.scope).await.unwrap();
    assert_eq!(types.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 2, 0, 0, 0, 0]);
    let stats = shop.search.stats(&shop.scope).await.unwrap();
    assert_eq!((stats.indices.len(), stats.by_type()), (2, types));
    assert_eq!(stats.first.unwrap().to_string(), "2026-11-22T14:04:05.000Z");
    assert_eq!(stats.last.unwrap().to_string(), "2026-11-23T14:03:45.000Z");
    let recent = async |log_type: Option<LogType>, limit: usize, cursor: Option<String>| {
        let page = shop.search.recent(&shop.scope, log_type, (limit, cursor)).await.unwrap();
        (numbers(page.hits.iter().map(|found| &found.hit)), page.total, page.next_cursor)
    };
    let (first, total, cursor) = recent(None, 2, None).await;
    assert_eq!((first, total), (vec![3, 2], 3));
    assert_eq!(recent(None, 2, cursor).await, (vec![1], 3, None));
    assert_eq!(recent(Some(LogType::Error), 9, None).await, (vec![3, 1], 2, None));
    let empty = Shop::new();
    let stats = empty.search.stats(&empty.scope).await.unwrap();
    assert_eq!((stats.indices.len(), stats.first, stats.last), (0, None, None));
}

#[tokio::test]
async fn services_fields_and_values_are_listed() {
    let shop = ten().await;
    let range = AskedRange { from: Some("now-30s".into()), ..AskedRange::default() };
    let services = shop.search.services(&shop.scope, &range).await.unwrap();
    assert_eq!(services, [("payment".to_owned(), 2), ("cart".to_owned(), 1)]);

    let fields = shop.search.fields(&shop.scope, &AskedRange::default()).await.unwrap();
    let service = fields.iter().find(|field| field.name == "service").unwrap();
    assert_eq!((kind_name(service.kind), service.aliases.contains(&"service.name")), ("keyword", true));
    assert!(fields.iter().any(|field| field.name == "n" && field.kind == mapping::FieldKind::Int));

    let page = shop.search.values(&shop.scope, "severity", "n<5", (&AskedRange::default(), 1)).await.unwrap();
    assert_eq!((page.field.as_str(), page.total, page.other_count), ("level", 5, 2));
    assert_eq!((page.values[0].value.as_text(), page.values[0].count), (Some("INFO"), 3));
    let refused = async |field: &str, limit: usize| {
        shop.search.values(&shop.scope, field, "", (&AskedRange::default(), limit)).await.unwrap_err().kind
    };
    assert_eq!((refused("", 1).await, refused("level", 1_001).await), (ErrorKind::Invalid, ErrorKind::Invalid));
}

#[tokio::test]
async fn what_may_be_typed_next_is_suggested() {
    let shop = Shop::with(&[
        event(1, &json!({"service": "Cart", "level": "ERROR", "path": "/a*b", "status_code": 200})),
        event(2, &json!({"service": "cart-api", "level": "INFO", "path": "/axb", "status_code": 204})),
        event(3, &json!({"service": "payment", "level": "INFO", "path": "/c", "status_code": 404})),
    ])
    .await;
    let suggested = async |text: &str, field: Option<&str>| {
        let found = shop.search.autocomplete(&shop.scope, text, field, &AskedRange::default()).await.unwrap();
        found.into_iter().map(|suggestion| suggestion.text).collect::<Vec<_>>()
    };
    assert_eq!(suggested("ser", None).await, ["service"]);
    assert_eq!(suggested("code", None).await, ["status_code"]);
    assert_eq!(suggested("severity", None).await, ["level"], "by an alias");
    assert_eq!(suggested("nothing like it", None).await, [""; 0]);
    assert_eq!(suggested("cart", Some("service")).await, ["cart-api", "Cart"], "the same case first");
    assert_eq!(suggested("", Some("service.name")).await.len(), 3);
    assert_eq!(suggested("e", Some("level")).await, ["ERROR"]);
    assert_eq!(suggested("/a*", Some("path")).await, ["/a*b"], "a star is a star");
    assert_eq!(suggested("20", Some("status_code")).await, ["200", "204"]);
    assert_eq!(suggested("x", Some("nowhere")).await, [""; 0]);
}

#[test]
fn queries_are_judged_without_being_asked() {
    let shop = Shop::new();
    let good = shop.search.validate("level:error   amount>100");
    assert_eq!((good.normalized.as_deref(), good.error), (Some("level:error AND amount>100"), None));
    let bad = shop.search.validate("level:error AND (");
    assert_eq!(bad.normalized, None);
    assert_eq!(bad.error.unwrap().details[0].field, "query");
    assert!(shop.search.validate("@timestamp>now-15m").error.is_none());
    assert!(shop.search.validate("@timestamp>soon").error.is_some());
}
