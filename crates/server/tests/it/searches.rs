//! Saved and recent searches over HTTP: kept, listed, changed, deleted; by their owner, by others, by admins.

use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;

use crate::house::House;

impl House {
    async fn save(&self, role: Role, name: &str, shared: bool) -> Json {
        let wish = json!({"name": name, "shared": shared, "search": {"query": "level:error", "from": "now-1h"}});
        let answer = self.ask(role, Method::POST, "/api/logs/search/save", &wish).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    async fn names(&self, role: Role) -> Vec<String> {
        let answer = self.ask(role, Method::GET, "/api/logs/search/saved", &Json::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let searches = answer.json()["searches"].as_array().unwrap().clone();
        searches.iter().map(|search| search["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn recent(&self, role: Role) -> Json {
        let answer = self.ask(role, Method::GET, "/api/logs/search/recent", &Json::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

fn path_of(saved: &Json) -> String {
    format!("/api/logs/search/saved/{}", saved["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_saved_search_comes_back_as_it_was_typed() {
    let desk = House::new().await;
    let search = json!({
        "query": "level:error",
        "filters": [{"field": "service", "value": "cart", "negated": true, "disabled": false}],
        "columns": [{"field": "message", "width_px": 320}, {"field": "service", "width_px": null}],
        "sort": "oldest",
        "from": "now-15m",
        "to": "now",
    });
    let wish = json!({"name": "Errors", "search": search});
    let answer = desk.ask(Role::Analyst, Method::POST, "/api/logs/search/save", &wish).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let saved = answer.json();
    assert_eq!((&saved["search"], &saved["version"], &saved["shared"]), (&search, &json!(1), &json!(false)));
    assert_eq!(saved["owner"], "analyst@example.com");
    let read = desk.ask(Role::Analyst, Method::GET, &path_of(&saved), &Json::Null).await;
    assert_eq!((read.status, read.json()), (200, saved));
}

#[tokio::test]
async fn a_change_names_its_version_and_a_late_one_is_told_the_current() {
    let desk = House::new().await;
    let saved = desk.save(Role::Analyst, "Errors", false).await;
    desk.save(Role::Analyst, "Refunds", false).await;
    let change = async |version: u64, name: &str| {
        let wish = json!({"version": version, "name": name, "shared": true, "search": {"query": "refund"}});
        desk.ask(Role::Analyst, Method::PUT, &path_of(&saved), &wish).await
    };
    let changed = change(1, "Late refunds").await;
    assert_eq!((changed.status, &changed.json()["version"]), (200, &json!(2)), "{}", changed.text());
    assert_eq!((&changed.json()["shared"], &changed.json()["search"]["query"]), (&json!(true), &json!("refund")));
    let late = change(1, "Later refunds").await;
    late.assert_problem(409);
    assert_eq!(late.json()["errors"], json!([{"field": "version", "message": "2"}]));
    let taken = change(2, "refunds").await;
    taken.assert_problem(409);
    assert_eq!(taken.json()["errors"][0]["field"], "name");
    assert_eq!(desk.names(Role::Analyst).await, ["Refunds", "Late refunds"]);
}

#[tokio::test]
async fn who_may_read_change_and_delete() {
    let desk = House::new().await;
    // Whose search, whether it is shared, who comes, and what they get for reading and for writing.
    let cases = [
        (Role::Analyst, false, Role::Analyst, 200, 200),
        (Role::Analyst, false, Role::Moderator, 404, 404),
        (Role::Analyst, false, Role::Admin, 404, 404),
        (Role::Analyst, true, Role::Moderator, 200, 403),
        (Role::Analyst, true, Role::Admin, 200, 200),
        (Role::Admin, true, Role::Analyst, 200, 403),
        (Role::Analyst, true, Role::Viewer, 403, 403),
    ];
    for (owner, is_shared, caller, read, write) in cases {
        let saved = desk.save(owner, "Errors", is_shared).await;
        let (path, shown) = (path_of(&saved), format!("{owner} {is_shared} {caller}"));
        let dry = format!("{path}?dry_run=true");
        let wish = json!({"version": 1, "name": "Renamed", "shared": is_shared});
        assert_eq!(desk.ask(caller, Method::GET, &path, &Json::Null).await.status, read, "{shown}");
        assert_eq!(desk.ask(caller, Method::DELETE, &dry, &Json::Null).await.status, write, "{shown}");
        assert_eq!(desk.ask(caller, Method::PUT, &path, &wish).await.status, write, "{shown}");
        let deleted = desk.ask(caller, Method::DELETE, &path, &Json::Null).await;
        assert_eq!(deleted.status, write, "{shown}: {}", deleted.text());
        if write == 200 {
            assert_eq!((&deleted.json()["dry_run"], &deleted.json()["search"]["id"]), (&json!(false), &saved["id"]));
            desk.ask(owner, Method::GET, &path, &Json::Null).await.assert_problem(404);
        } else {
            deleted.assert_problem(write);
            assert_eq!(desk.ask(owner, Method::DELETE, &path, &Json::Null).await.status, 200);
        }
    }
}

#[tokio::test]
async fn wrong_wishes_are_refused_by_field() {
    let desk = House::new().await;
    let check = async |wish: Json, status: u16, field: &str| {
        let answer = desk.ask(Role::Analyst, Method::POST, "/api/logs/search/save", &wish).await;
        answer.assert_problem(status);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{wish}: {}", answer.text());
    };
    check(json!({"search": {}}), 422, "body").await;
    check(json!({"name": ""}), 422, "name").await;
    check(json!({"name": "a", "search": {"query": "level:("}}), 400, "query").await;
    check(json!({"name": "a", "search": {"sort": "amount"}}), 422, "search.sort").await;
    check(json!({"name": "a", "search": {"size": 10}}), 422, "search.size").await;
    check(json!({"name": "a", "search": {"query": "4111111111111111"}}), 422, "query").await;
    desk.save(Role::Analyst, "a", false).await;
    check(json!({"name": "A"}), 409, "name").await;
    assert_eq!(desk.names(Role::Analyst).await, ["a"]);
}

#[tokio::test]
async fn a_wish_that_is_sent_again_by_its_key_gets_its_first_answer() {
    let desk = House::new().await;
    let wish = json!({"name": "Errors", "search": {"query": "level:error"}});
    let bearer = desk.bearers[1].1.as_str();
    let headers = [("authorization", bearer), ("idempotency-key", "one")];
    let first = desk.app.post_with("/api/logs/search/save", &wish, &headers).await;
    let again = desk.app.post_with("/api/logs/search/save", &wish, &headers).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text());
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()));
}

#[tokio::test]
async fn what_a_person_runs_is_remembered_and_what_asks_by_itself_is_not() {
    let desk = House::new().await;
    let run = async |role: Role, body: Json| desk.ask(role, Method::POST, "/api/logs/search", &body).await.status;
    let typed = |query: &str| json!({"query": query, "remember": {"query": query, "from": "now-15m", "to": "now"}});
    assert_eq!(run(Role::Analyst, json!({"query": "polled"})).await, 200);
    for query in ["level:error", "refund", "level:error", ""] {
        assert_eq!(run(Role::Analyst, typed(query)).await, 200);
    }
    assert_eq!(run(Role::Analyst, json!({"query": "level:(", "remember": {"query": "unread"}})).await, 400);
    let recent = desk.recent(Role::Analyst).await;
    let queries: Vec<&str> =
        recent["searches"].as_array().unwrap().iter().map(|one| one["search"]["query"].as_str().unwrap()).collect();
    assert_eq!((queries, &recent["count"]), (vec!["level:error", "refund"], &json!(2)));
    assert_eq!(recent["searches"][0]["search"]["from"], "now-15m");
    assert!(recent["searches"][0]["ran_at"].as_str().unwrap().ends_with('Z'));

    assert_eq!(run(Role::Viewer, typed("seen")).await, 200, "a viewer searches, and nothing is kept");
    assert_eq!(desk.recent(Role::Moderator).await["count"], 0);
    for (body, field) in
        [(typed("level:("), "query"), (json!({"query": "a", "remember": {"query": "level:("}}), "remember.query")]
    {
        let wrong = desk.ask(Role::Analyst, Method::POST, "/api/logs/search", &body).await;
        wrong.assert_problem(400);
        assert_eq!(wrong.json()["errors"][0]["field"], field, "{}", wrong.text());
    }

    let path = "/api/logs/search/recent";
    desk.ask(Role::Viewer, Method::DELETE, path, &Json::Null).await.assert_problem(403);
    let dry = desk.ask(Role::Analyst, Method::DELETE, &format!("{path}?dry_run=true"), &Json::Null).await;
    assert_eq!(dry.json(), json!({"dry_run": true, "deleted": 2}));
    let done = desk.ask(Role::Analyst, Method::DELETE, path, &Json::Null).await;
    assert_eq!(done.json(), json!({"dry_run": false, "deleted": 2}));
    assert_eq!(desk.recent(Role::Analyst).await["count"], 0);
}

#[tokio::test]
async fn a_key_keeps_no_searches() {
    let desk = House::new().await;
    let wish = json!({"name": "till", "scopes": ["read"]});
    let made = desk.ask(Role::Analyst, Method::POST, "/api/api-keys", &wish).await.json();
    let key = format!("ApiKey {}", made["key"].as_str().unwrap());
    desk.send(&key, Method::GET, "/api/logs/search/saved", &Json::Null).await.assert_problem(403);
    let body = json!({"query": "a", "remember": {"query": "a"}});
    assert_eq!(desk.send(&key, Method::POST, "/api/logs/search", &body).await.status, 200);
    assert_eq!(desk.recent(Role::Analyst).await["count"], 0);
}
