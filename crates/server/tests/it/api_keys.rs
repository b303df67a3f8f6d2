//! API keys over HTTP: made, used, listed, deleted; by their owner, by others, by admins.

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;

use crate::app::Answer;
use crate::house::House;

impl House {
    async fn make(&self, role: Role, scopes: &[&str]) -> Json {
        let answer = self.ask(role, Method::POST, "/api/api-keys", &json!({"name": "till", "scopes": scopes})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    async fn list(&self, role: Role, parameters: &str) -> Json {
        let answer = self.ask(role, Method::GET, &format!("/api/api-keys{parameters}"), &Json::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn delete(&self, role: Role, id: &str, parameters: &str) -> Answer {
        self.ask(role, Method::DELETE, &format!("/api/api-keys/{id}{parameters}"), &Json::Null).await
    }

    /// The status of who-am-I with this header.
    async fn knock(&self, authorization: &str) -> u16 {
        self.send(authorization, Method::GET, "/api/auth/me", &Json::Null).await.status
    }
}

fn id(made: &Json) -> &str {
    made["api_key"]["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_key_is_shown_once_and_works_in_every_form() {
    let house = House::new().await;
    let made = house.make(Role::Analyst, &["ingest", "read"]).await;
    let (key, encoded) = (made["key"].as_str().unwrap(), made["encoded"].as_str().unwrap());
    let pair = STANDARD.encode(format!("{}:{key}", id(&made)));
    for text in [key, encoded, &pair] {
        assert_eq!(house.knock(&format!("ApiKey {text}")).await, 200, "{text}");
        assert_eq!(house.knock(&format!("apikey  {text} ")).await, 200, "{text}");
        assert_eq!(house.knock(&format!("Bearer {text}")).await, 401, "{text}");
    }
    let ingest = house.send(&format!("ApiKey {key}"), Method::POST, "/api/logs/ingest", &json!({"message": "a"})).await;
    assert_eq!((ingest.status, ingest.json()["accepted"].as_u64()), (200, Some(1)));
    let found = house.send(&format!("ApiKey {encoded}"), Method::POST, "/api/logs/search", &json!({})).await;
    assert_eq!(found.json()["total"], 1);

    let listed = house.list(Role::Analyst, "").await;
    let shown = &listed["api_keys"][0];
    assert_eq!((&shown["owner"], &shown["scopes"]), (&json!("analyst@example.com"), &json!(["ingest", "read"])));
    assert!(shown["last_used_at"].is_string() && shown["expires_at"].as_str() > shown["created_at"].as_str());
    // `vigie_ID_SECRET`; the secret may itself hold a `_`.
    let secret = key.splitn(3, '_').nth(2).unwrap();
    assert_eq!(secret.len(), 43);
    assert!(!listed.to_string().contains(secret));
}

#[tokio::test]
async fn one_deletes_ones_own_key_and_an_admin_anybodys() {
    let house = House::new().await;
    // Owner, caller, and what they get: for their own key, for a foreign one.
    let cases = [
        (Role::Analyst, Role::Analyst, 200),
        (Role::Analyst, Role::Moderator, 404),
        (Role::Analyst, Role::Viewer, 403),
        (Role::Analyst, Role::Admin, 200),
        (Role::Admin, Role::Analyst, 404),
        (Role::Admin, Role::Moderator, 404),
        (Role::Admin, Role::Admin, 200),
    ];
    for (owner, caller, expected) in cases {
        let made = house.make(owner, &["read"]).await;
        let authorization = format!("ApiKey {}", made["key"].as_str().unwrap());
        let dry = house.delete(caller, id(&made), "?dry_run=true").await;
        assert_eq!((dry.status, house.knock(&authorization).await), (expected, 200), "{owner} {caller}");
        let done = house.delete(caller, id(&made), "").await;
        assert_eq!(done.status, expected, "{owner} {caller}: {}", done.text());
        let is_deleted = expected == 200;
        assert_eq!(house.knock(&authorization).await, if is_deleted { 401 } else { 200 }, "{owner} {caller}");
        if is_deleted {
            assert_eq!((&dry.json()["dry_run"], &done.json()["dry_run"]), (&json!(true), &json!(false)));
            assert_eq!(done.json()["api_key"]["id"], id(&made));
            house.delete(caller, id(&made), "").await.assert_problem(404);
        } else {
            done.assert_problem(expected);
        }
    }
    house.delete(Role::Admin, "nothing", "?dry_run=true").await.assert_problem(404);
    house.delete(Role::Admin, "nothing", "?dry_run=perhaps").await.assert_problem(400);
}

#[tokio::test]
async fn lists_go_page_by_page_and_hold_ones_own() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(id(&house.make(Role::Analyst, &["read"]).await).to_owned());
    }
    house.make(Role::Moderator, &["score"]).await;
    let (mut seen, mut parameters) = (Vec::new(), "?limit=2".to_owned());
    for pages_left in [2, 1, 0] {
        let page = house.list(Role::Analyst, &parameters).await;
        assert_eq!((&page["total"], &page["total_is_exact"]), (&json!(5), &json!(true)));
        seen.extend(page["api_keys"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()));
        let cursor = page["next_cursor"].as_str();
        assert_eq!(cursor.is_none(), pages_left == 0);
        parameters = format!("?limit=2&cursor={}", cursor.unwrap_or_default());
    }
    seen.sort();
    ids.sort();
    assert_eq!(seen, ids);
    assert_eq!(house.list(Role::Admin, "").await["total"], 6);
    for (parameters, status, field) in [
        ("?limit=0", 422, "limit"),
        ("?limit=201", 422, "limit"),
        ("?limit=x", 400, "limit"),
        ("?cursor=x", 400, "cursor"),
    ] {
        let answer = house.ask(Role::Admin, Method::GET, &format!("/api/api-keys{parameters}"), &Json::Null).await;
        answer.assert_problem(status);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{parameters}");
    }
}

#[tokio::test]
async fn wrong_wishes_are_refused_by_field() {
    let house = House::new().await;
    let check = async |wish: Json, field: &str| {
        let answer = house.ask(Role::Analyst, Method::POST, "/api/api-keys", &wish).await;
        answer.assert_problem(422);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{wish}: {}", answer.text());
    };
    check(json!({"name": "", "scopes": ["read"]}), "name").await;
    check(json!({"name": 5, "scopes": ["read"]}), "name").await;
    check(json!({"name": "a", "scopes": []}), "scopes").await;
    check(json!({"name": "a", "scopes": ["admin"]}), "scopes").await;
    check(json!({"name": "a", "scopes": ["read"], "expires_in_days": 0}), "expires_in_days").await;
    check(json!({"name": "a", "scopes": ["read"], "expires_in_days": -1}), "expires_in_days").await;
    check(json!({"name": "a", "scopes": ["read"], "expires_at": "2030-01-01"}), "expires_at").await;
    check(json!({"scopes": ["read"]}), "body").await;
    assert_eq!(house.list(Role::Analyst, "").await["total"], 0);
}

#[tokio::test]
async fn a_wish_that_is_sent_again_by_its_key_makes_no_second_one() {
    let house = House::new().await;
    let bearer = house.bearers[1].1.as_str();
    let send = async |key: &str, name: &str| {
        let wish = json!({"name": name, "scopes": ["read"]});
        house.app.post_with("/api/api-keys", &wish, &[("authorization", bearer), ("idempotency-key", key)]).await
    };
    let first = send("one", "a").await;
    assert_eq!(first.status, 201, "{}", first.text());
    let again = send("one", "a").await;
    again.assert_problem(409);
    assert!(again.text().contains(id(&first.json())) && !again.text().contains("vigie_"), "{}", again.text());
    assert_eq!((send("one", "b").await.status, send("two", "a").await.status), (201, 201));
    assert_eq!(house.list(Role::Analyst, "").await["total"], 3);
}

#[tokio::test]
async fn a_key_makes_no_key() {
    let house = House::new().await;
    let made = house.make(Role::Admin, &["ingest", "read", "score"]).await;
    let authorization = format!("ApiKey {}", made["key"].as_str().unwrap());
    let wish = json!({"name": "a", "scopes": ["read"]});
    let path = format!("/api/api-keys/{}", id(&made));
    for (method, path) in [(Method::POST, "/api/api-keys"), (Method::GET, "/api/api-keys"), (Method::DELETE, &path)] {
        let answer = house.send(&authorization, method, path, &wish).await;
        answer.assert_problem(403);
        assert!(answer.text().contains("no API key may do this"), "{}", answer.text());
    }
}
