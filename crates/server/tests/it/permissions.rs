//! Every route × nobody and each role, made from the table of routes: nothing here has to be remembered.

use axum::body::Body;
use axum::http::Method;
use vigie_app::accounts::{Permission, Role};
use vigie_server::http::routes::Route;

use crate::app::{Answer, TestApp, request};

/// A path of the template that names nothing.
fn path_of(route: &Route) -> String {
    let segments = route.path.split('/').map(|segment| if segment.starts_with('{') { "nothing" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

async fn call(app: &TestApp, route: &Route, token: Option<&str>) -> Answer {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json"), ("x-vigie-client", "web")];
    if let Some(authorization) = &authorization {
        headers.push(("authorization", authorization));
    }
    app.send(request(route.method.clone(), &path_of(route), &headers, Body::from("{}"))).await
}

#[tokio::test]
async fn every_route_asks_for_exactly_its_permission() {
    let app = TestApp::new();
    let mut tokens = Vec::new();
    for role in Role::ALL {
        tokens.push((role, app.token(role).await));
    }
    for route in &app.table {
        let shown = format!("{} {}", route.method, route.path);
        let nobody = call(&app, route, None).await;
        if route.permission == Permission::Public {
            continue;
        }
        nobody.assert_problem(401);
        assert!(nobody.header("www-authenticate").starts_with("Bearer"), "{shown}");
        call(&app, route, Some("no.such.token")).await.assert_problem(401);
        for (role, token) in &tokens {
            let answer = call(&app, route, Some(token)).await;
            if role.allows(route.permission) {
                assert!(!matches!(answer.status, 401 | 403 | 405), "{shown} {role}: {}", answer.text());
            } else {
                answer.assert_problem(403);
            }
        }
    }
}

#[tokio::test]
async fn public_routes_answer_everyone_alike() {
    let app = TestApp::new();
    let token = app.token(Role::Viewer).await;
    let public: Vec<&Route> = app.table.iter().filter(|route| route.permission == Permission::Public).collect();
    assert!(public.len() >= 4);
    for route in public.iter().filter(|route| route.path != "/api/auth/logout") {
        let (nobody, viewer) = (call(&app, route, None).await, call(&app, route, Some(&token)).await);
        assert_eq!(nobody.status, viewer.status, "{}", route.path);
    }
}

#[tokio::test]
async fn odd_forms_of_a_path_do_not_get_around_its_permission() {
    let app = TestApp::new();
    for path in
        ["/api/auth/me/", "/API/auth/me", "/api/auth/../auth/me", "/api/auth%2fme", "//api/auth/me", "/api//auth/me"]
    {
        let answer = app.get(path).await;
        assert!(matches!(answer.status, 401 | 404), "{path}: {}", answer.status);
    }
    let head = app.send(request(Method::HEAD, "/api/auth/me", &[], Body::empty())).await;
    assert_eq!(head.status, 401);
    let overridden = [("x-http-method-override", "GET")];
    app.send(request(Method::POST, "/api/auth/me", &overridden, Body::empty())).await.assert_problem(405);
}
