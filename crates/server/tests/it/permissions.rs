//! Every route × nobody, each role and a disabled user × each way of proving who one is, a key of each scope included,
//! made from the table of routes: nothing here has to be remembered.

use axum::body::Body;
use axum::http::Method;
use vigie_app::accounts::{KeyScope, NewKey, Permission, Role};
use vigie_server::http::routes::Route;

use crate::app::{Answer, PASSWORD, TestApp, basic, request};

/// A path of the template that names nothing.
fn path_of(route: &Route) -> String {
    let segments = route.path.split('/').map(|segment| if segment.starts_with('{') { "nothing" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

async fn call(app: &TestApp, route: &Route, authorization: Option<&str>) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    if let Some(authorization) = authorization {
        headers.push(("authorization", authorization));
    }
    app.send(request(route.method.clone(), &path_of(route), &headers, Body::from("{}"))).await
}

/// What a user of that role may send as `Authorization`: an access token, or name and password.
async fn proofs(app: &TestApp, role: Role) -> [String; 2] {
    let token = app.token(role).await;
    [format!("Bearer {token}"), basic(&format!("{role}@example.com"), PASSWORD)]
}

/// A key of that user with these scopes, as it is sent.
async fn key(app: &TestApp, role: Role, scopes: &[KeyScope]) -> String {
    let username = format!("{role}@example.com");
    let maker = app.state.accounts.authenticate_password(&username, PASSWORD, [127, 0, 0, 1].into()).await.unwrap();
    let new = NewKey { name: "a test".into(), scopes: scopes.to_vec(), expires_in_days: None };
    format!("ApiKey {}", app.state.accounts.make_key(&maker, &new).await.unwrap().text.plain())
}

fn guarded(app: &TestApp) -> impl Iterator<Item = &Route> {
    app.table.iter().filter(|route| route.permission != Permission::Public)
}

#[tokio::test]
async fn every_route_asks_for_exactly_its_permission() {
    let app = TestApp::new();
    for role in Role::ALL {
        for proof in proofs(&app, role).await {
            for route in guarded(&app) {
                let answer = call(&app, route, Some(&proof)).await;
                let shown = format!("{} {} {role}: {}", route.method, route.path, answer.text());
                if role.allows(route.permission) {
                    assert!(!matches!(answer.status, 401 | 403 | 405), "{shown}");
                } else {
                    assert_eq!(answer.status, 403, "{shown}");
                    answer.assert_refusal(route.path, 403);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_may_do_what_its_scope_and_its_owners_role_both_allow() {
    let app = TestApp::new();
    for role in Role::ALL {
        app.token(role).await;
        for scope in KeyScope::ALL {
            let key = key(&app, role, &[scope]).await;
            for route in guarded(&app) {
                let is_scope = scope.covers(route.permission) || route.permission == Permission::Authenticated;
                let answer = call(&app, route, Some(&key)).await;
                let shown = format!("{} {} {role} {scope}: {}", route.method, route.path, answer.text());
                if role.allows(route.permission) && is_scope {
                    assert!(!matches!(answer.status, 401 | 403 | 405), "{shown}");
                } else {
                    assert_eq!(answer.status, 403, "{shown}");
                    answer.assert_refusal(route.path, 403);
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_proof_that_is_good() {
    let app = TestApp::new();
    let proofs = proofs(&app, Role::Admin).await;
    let key = key(&app, Role::Admin, &KeyScope::ALL).await;
    let no_proofs = ["Bearer no.such.token", "Basic ???", "Digest x", "Bearer", "", "ApiKey vigie_0a_b", "ApiKey ???"];
    for route in guarded(&app) {
        let nobody = call(&app, route, None).await;
        nobody.assert_refusal(route.path, 401);
        let challenge = nobody.header("www-authenticate");
        assert!(challenge.starts_with("Bearer") && !challenge.contains("Basic"), "{}: {challenge}", route.path);
        for proof in no_proofs {
            call(&app, route, Some(proof)).await.assert_refusal(route.path, 401);
        }
        assert_ne!(call(&app, route, Some(&proofs[1])).await.status, 401);
    }
    let another_admin = ("boss@example.com", Role::Admin);
    app.state.accounts.add_user(another_admin.0, another_admin.1, PASSWORD).await.unwrap();
    app.state.accounts.set_enabled("admin@example.com", false).await.unwrap();
    let mut guarded = guarded(&app);
    // A password of a disabled user is a failed login, and ten of those have to wait.
    let first = guarded.next().unwrap();
    call(&app, first, Some(&proofs[1])).await.assert_refusal(first.path, 401);
    for route in guarded {
        call(&app, route, Some(&proofs[0])).await.assert_refusal(route.path, 401);
        call(&app, route, Some(&key)).await.assert_refusal(route.path, 401);
    }
}

#[tokio::test]
async fn public_routes_answer_everyone_alike() {
    let app = TestApp::new();
    let [token, basic] = proofs(&app, Role::Viewer).await;
    let public: Vec<&Route> = app.table.iter().filter(|route| route.permission == Permission::Public).collect();
    assert!(public.len() >= 4);
    for route in public.iter().filter(|route| route.path != "/api/auth/logout") {
        let nobody = call(&app, route, None).await.status;
        for authorization in [&token, &basic, "Basic ???", "ApiKey ???"] {
            assert_eq!(call(&app, route, Some(authorization)).await.status, nobody, "{}", route.path);
        }
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
