//! What every `LogStore` must give back of an event: cases of `log_store_suite!`.

use vigie_domain::Scope;
use vigie_domain::ports::{Fields, LogStore, SearchRequest, SortOrder};

use crate::log_store_suite::{append, body, event, request, search};

/// Nesting, order, nulls, odd names and numbers survive.
pub async fn sources_come_back_as_they_were_sent(store: &dyn LogStore) {
    let sent = [
        r#"{"a":{"b":1,"c":{"d":null}},"a.b":3,"e":[],"f":{},"g":[1,{"x":2.5}]}"#,
        r#"{"amount":"abc","quantity":1.5,"status":7,"message":5,"ok":"yes"}"#,
        r#"{"service":null,"app":"cart","application":"x","é ü":"日本\u0000"}"#,
        r#"{"big":18446744073709551615,"small":1e-300,"z":{"a":1},"y":1,"z":{"b":2}}"#,
        r#"{"@timestamp":"2026-11-23T00:00:04.000Z","ts":1795392004000,"time":"x","log_type":"transaction"}"#,
        "{}",
    ];
    append(store, (0..).zip(sent).map(|(second, json)| event(second, json)).collect()).await;
    let oldest = SearchRequest { order: SortOrder::OldestFirst, ..request("") };
    for (hit, json) in search(store, oldest).await.hits.iter().zip(sent) {
        assert_eq!(hit.source, body(json), "{json}");
    }
}

/// Lines have what was sent, the time and the type where these were not, and nothing that is hidden.
pub async fn lines_are_the_events_that_a_search_finds(store: &dyn LogStore) {
    let sent = [
        event(1, r#"{"msg":"a \"b\"","n":1,"deep":{"x":[1,{"y":null}],"z":18446744073709551615}}"#),
        event(2, r#"{"log_type":"Transaction","time":"2026-11-23 00:00:02","n":2.5}"#),
        event(3, "{}"),
    ];
    append(store, sent.to_vec()).await;
    let asked = SearchRequest { limit: 2, count_total: false, ..request("") };
    let lines = store.lines(&Scope::main(), &asked).await.unwrap();
    let expected = concat!(
        r#"{"@timestamp":"2026-11-23T00:00:03.000Z","log_type":"transaction"}"#,
        "\n",
        r#"{"log_type":"Transaction","time":"2026-11-23 00:00:02","n":2.5,"@timestamp":"2026-11-23T00:00:02.000Z"}"#,
        "\n",
    );
    assert_eq!((std::str::from_utf8(&lines.texts.concat()).unwrap(), lines.count), (expected, 2));
    let rest = SearchRequest { after: lines.last, ..asked.clone() };
    let scope = Scope { hidden_fields: vec!["deep.x".into()], ..Scope::main() };
    let lines = store.lines(&scope, &rest).await.unwrap();
    let expected = r#"{"msg":"a \"b\"","n":1,"deep":{"z":18446744073709551615},"@timestamp":"2026-11-23T00:00:01.000Z","log_type":"transaction"}"#;
    assert_eq!(std::str::from_utf8(&lines.texts.concat()).unwrap().trim_end(), expected);
    let end = store.lines(&scope, &SearchRequest { after: lines.last, ..asked }).await.unwrap();
    assert_eq!((end.count, end.last, end.texts.concat().is_empty()), (0, None, true));
}

/// Of events only the fields that are asked for need be there, under the names by which they were sent, and nothing else is.
pub async fn only_the_fields_that_are_asked_for_are_found(store: &dyn LogStore) {
    let sent = r#"{"app":"cart","n":1,"http":{"route":"/pay","size":7},"items":[{"sku":"a"}],"source":[{"ip":"::1"}],"geo":{"country":"DE","city":"Ulm"},"geo.city":"x","x":null}"#;
    append(store, vec![event(1, sent)]).await;
    let check = async |names: &[&str], expected: &str| {
        let asked = SearchRequest { fields: Fields::only(names.iter().copied()), ..request("n:1") };
        let found = search(store, asked.clone()).await;
        assert_eq!(found.total, Some(1));
        assert_eq!(found.hits[0].source, body(expected), "{names:?}");
        let whole = store.lines(&Scope::main(), &request("n:1")).await.unwrap();
        assert_eq!(store.lines(&Scope::main(), &asked).await.unwrap(), whole);
    };
    check(&[], "{}").await;
    check(&["service", "endpoint"], r#"{"app":"cart","http":{"route":"/pay"}}"#).await;
    check(&["items.sku", "x"], r#"{"items":[{"sku":"a"}],"x":null}"#).await;
    check(&["client_ip"], r#"{"source":[{"ip":"::1"}]}"#).await;
    check(&["geo"], r#"{"geo":{"country":"DE","city":"Ulm"},"geo.city":"x"}"#).await;
    check(&["geo.city", "nothing"], r#"{"geo":{"city":"Ulm"},"geo.city":"x"}"#).await;
    let hidden = Scope { hidden_fields: vec!["service".into()], ..Scope::main() };
    let asked = SearchRequest { fields: Fields::only(["service", "n"]), ..request("") };
    let found = store.search(&hidden, &asked).await.unwrap();
    assert_eq!(found.hits[0].source, body(r#"{"n":1}"#));
}
