//! Signing in and out, by token and by cookie.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;
use vigie_app::accounts::Role;

use crate::app::{Answer, PASSWORD, TestApp, basic, request};

const WEB: (&str, &str) = ("x-vigie-client", "web");

async fn me(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    app.send(request(Method::GET, "/api/auth/me", headers, Body::empty())).await
}

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").into_iter().map(|cookie| cookie.to_str().unwrap());
    set.map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

async fn user(app: &TestApp) -> serde_json::Value {
    app.state.accounts.add_user("marie@example.com", Role::Analyst, PASSWORD).await.unwrap();
    json!({"username": "marie@example.com", "password": PASSWORD})
}

#[tokio::test]
async fn programs_get_tokens_that_work_until_logout() {
    let app = TestApp::new();
    let login = app.post("/api/auth/login", &user(&app).await).await;
    assert_eq!(login.status, 200, "{}", login.text());
    assert_eq!(login.json()["user"]["role"], "analyst");
    assert_eq!(login.json()["expires_in"], 3600);
    assert!(cookies(&login).is_empty());
    assert_eq!(login.header("cache-control"), "no-store");

    let bearer = format!("Bearer {}", login.json()["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(me(&app, &headers).await.json()["username"], "marie@example.com");

    let logout = app.send(request(Method::POST, "/api/auth/logout", &headers, Body::empty())).await;
    assert_eq!(logout.status, 204);
    me(&app, &headers).await.assert_problem(401);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let app = TestApp::new();
    let login = app.post("/api/auth/login", &user(&app).await).await.json();
    let first = json!({"refresh_token": login["refresh_token"]});
    let refreshed = app.post("/api/auth/refresh", &first).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    assert_ne!(refreshed.json()["refresh_token"], login["refresh_token"]);

    app.post("/api/auth/refresh", &first).await.assert_problem(401);
    let second = json!({"refresh_token": refreshed.json()["refresh_token"]});
    app.post("/api/auth/refresh", &second).await.assert_problem(401);
    let bearer = format!("Bearer {}", refreshed.json()["access_token"].as_str().unwrap());
    me(&app, &[("authorization", &bearer)]).await.assert_problem(401);
}

#[tokio::test]
async fn the_web_client_gets_cookies_and_no_token() {
    let app = TestApp::new();
    let login = app.post_with("/api/auth/login", &user(&app).await, &[WEB]).await;
    let set: Vec<&str> = login.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(set.len(), 2);
    for (cookie, name) in set.iter().zip(["__Host-vigie_access=", "__Host-vigie_refresh="]) {
        assert!(cookie.starts_with(name), "{cookie}");
        for attribute in ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"] {
            assert!(cookie.contains(attribute), "{cookie} lacks {attribute}");
        }
    }
    assert!(login.json().get("access_token").is_none() && login.json().get("refresh_token").is_none());

    let first = cookies(&login);
    assert_eq!(me(&app, &[("cookie", &first)]).await.status, 200);
    let refreshed = app.post_with("/api/auth/refresh", &json!({}), &[WEB, ("cookie", &first)]).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    let second = cookies(&refreshed);
    let logout = app.send(request(Method::POST, "/api/auth/logout", &[WEB, ("cookie", &second)], Body::empty())).await;
    assert_eq!(logout.status, 204);
    assert_eq!(cookies(&logout), "__Host-vigie_access=; __Host-vigie_refresh=");
    me(&app, &[("cookie", &second)]).await.assert_problem(401);
}

#[tokio::test]
async fn cookies_alone_change_nothing() {
    let app = TestApp::new();
    let login = app.post_with("/api/auth/login", &user(&app).await, &[WEB]).await;
    let cookies = cookies(&login);
    let headers = [("cookie", cookies.as_str())];
    app.post_with("/api/auth/refresh", &json!({}), &headers).await.assert_problem(403);
    app.send(request(Method::POST, "/api/auth/logout", &headers, Body::empty())).await.assert_problem(403);
    assert_eq!(me(&app, &headers).await.status, 200);
}

#[tokio::test]
async fn a_web_client_whose_access_token_is_gone_can_still_sign_out() {
    let app = TestApp::new();
    let login = app.post_with("/api/auth/login", &user(&app).await, &[WEB]).await;
    let all = cookies(&login);
    let refresh_only = all.split("; ").find(|cookie| cookie.contains("refresh")).unwrap();
    let headers = [WEB, ("cookie", refresh_only)];
    assert_eq!(app.send(request(Method::POST, "/api/auth/logout", &headers, Body::empty())).await.status, 204);
    me(&app, &[("cookie", &all)]).await.assert_problem(401);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let app = TestApp::new();
    user(&app).await;
    let wrong = json!({"username": "marie@example.com", "password": "not-the-right-words"});
    for _ in 0..10 {
        app.post("/api/auth/login", &wrong).await.assert_problem(401);
    }
    let throttled = app.post("/api/auth/login", &wrong).await;
    throttled.assert_problem(429);
    assert!(throttled.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn a_password_may_come_with_every_request() {
    let app = TestApp::new();
    user(&app).await;
    let right = basic("marie@example.com", PASSWORD);
    let answer = me(&app, &[("authorization", &right)]).await;
    assert_eq!((answer.status, answer.json()["role"].as_str()), (200, Some("analyst")));
    assert!(cookies(&answer).is_empty());
    let headers = [("authorization", right.as_str())];
    let logout = app.send(request(Method::POST, "/api/auth/logout", &headers, Body::empty())).await;
    assert_eq!(logout.status, 204);
    assert_eq!(me(&app, &headers).await.status, 200, "there was nothing to end");

    let wrong = basic("marie@example.com", "not-the-right-words");
    for _ in 0..10 {
        me(&app, &[("authorization", &wrong)]).await.assert_problem(401);
    }
    let throttled = me(&app, &[("authorization", &wrong)]).await;
    throttled.assert_problem(429);
    assert!(throttled.header("retry-after").parse::<u64>().unwrap() > 0);
    let login = json!({"username": "marie@example.com", "password": PASSWORD});
    app.post("/api/auth/login", &login).await.assert_problem(429);
}

#[tokio::test]
async fn a_password_meant_for_a_proxy_is_not_taken_for_the_web_clients() {
    let app = TestApp::new();
    let login = app.post_with("/api/auth/login", &user(&app).await, &[WEB]).await;
    let cookies = cookies(&login);
    let proxys = basic("proxy", "something-else-42");
    for _ in 0..12 {
        let answer = me(&app, &[WEB, ("cookie", &cookies), ("authorization", &proxys)]).await;
        assert_eq!(answer.json()["username"], "marie@example.com");
    }
    me(&app, &[WEB, ("authorization", &proxys)]).await.assert_problem(401);
    me(&app, &[("cookie", &cookies), ("authorization", &proxys)]).await.assert_problem(401);
}
