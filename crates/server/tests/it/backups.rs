//! Backups of a running server: who may take one, and what comes back.

use std::path::Path;

use serde_json::json;
use vigie_app::accounts::Role;
use vigie_domain::Scope;
use vigie_domain::ports::IndexInfo;
use vigie_domain::ports::LogStore;
use vigie_server::config::{Environment, Settings};
use vigie_server::wire::{self, Stores, care};

use crate::app::TestApp;

fn settings_of(data: &Path) -> Settings {
    let flags = [("data.dir", data.display().to_string())];
    Settings::load(None, &Environment::default(), &flags).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_takes_a_backup_that_brings_logs_accounts_and_keys_back() {
    let app = TestApp::on_disk();
    let token = app.token(Role::Admin).await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    for number in 0..20 {
        let event = json!({"service": "cart", "message": format!("event {number}")});
        assert_eq!(app.post_with("/api/logs/ingest", &event, &headers).await.status / 100, 2);
    }
    let moderator = format!("Bearer {}", app.token(Role::Moderator).await);
    app.post_with("/api/backups", &json!({}), &[("authorization", &moderator)]).await.assert_problem(403);
    app.post("/api/backups", &json!({})).await.assert_problem(401);

    let answer = app.post_with("/api/backups", &json!({}), &headers).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!((&answer.json()["number"], &answer.json()["event_count"]), (&json!(1), &json!(20)));

    let restored = settings_of(&app.folder().join("restored"));
    care::restore(&restored, &app.folder().join("backups"), None).unwrap();
    let key = |data: &Path| {
        ["token.keys", "card-hash.key"].map(|name| {
            let path = data.join("keys").join(name);
            (std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().permissions())
        })
    };
    assert_eq!(key(&restored.data.dir), key(&app.folder().join("data")));
    let stores = Stores::open(&restored, std::sync::Arc::new(|_| {})).unwrap();
    let indices = stores.logs.indices(&Scope::main()).await.unwrap();
    assert_eq!(indices.iter().map(IndexInfo::events_count).sum::<u64>(), 20);
    let accounts = wire::open_accounts(&restored, stores.metadata.clone()).unwrap();
    let login = accounts.add_user("admin@example.com", Role::Admin, crate::app::PASSWORD).await;
    assert_eq!(login.unwrap_err().kind, vigie_domain::ErrorKind::Conflict, "the accounts are those of before");
}

#[tokio::test]
async fn stores_of_others_are_not_backed_up_here() {
    let app = TestApp::new();
    let bearer = format!("Bearer {}", app.token(Role::Admin).await);
    app.post_with("/api/backups", &json!({}), &[("authorization", &bearer)]).await.assert_problem(409);
}
