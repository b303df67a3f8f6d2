//! User name and password with every request, through the public door.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use vigie_domain::ErrorKind;
use vigie_domain::ports::MetadataStore;

use super::test_house::{FragileStore, House, OTHER_PASSWORD, PASSWORD, address, is_unauthenticated};
use super::{Permission, Proof, Role};

impl House {
    async fn knocks(&self, password: &str) -> vigie_domain::Result<super::Caller> {
        self.accounts.authenticate_password("anne", password, address(1)).await
    }
}

#[tokio::test]
async fn the_right_password_is_a_proof_and_no_session_begins() {
    let house = House::with_anne().await;
    let caller = house.accounts.authenticate_password(" Anne ", PASSWORD, address(1)).await.unwrap();
    assert_eq!((caller.username.as_str(), caller.role, &caller.proof), ("anne", Role::Analyst, &Proof::Password));
    assert_eq!(house.count("sessions").await, 0);
    assert!(caller.require(Permission::LogsIngest).is_ok());
    let forbidden = caller.require(Permission::UsersManage).unwrap_err();
    assert_eq!(forbidden.kind, ErrorKind::Forbidden);
    assert!(house.accounts.logout(&caller).await.is_ok(), "there is nothing to end");
    assert_eq!(house.knocks(PASSWORD).await.unwrap(), caller);
}

#[tokio::test]
async fn every_wrong_password_gets_the_answer_of_a_login() {
    let house = House::with_anne().await;
    assert!(house.knocks(PASSWORD).await.is_ok());
    let login = house.accounts.login("anne", OTHER_PASSWORD, address(9)).await.unwrap_err();
    for (username, password) in [("anne", OTHER_PASSWORD), ("anne", ""), ("nobody", PASSWORD), ("", "")] {
        let answer = house.accounts.authenticate_password(username, password, address(2)).await.unwrap_err();
        assert_eq!(answer, login, "{username}");
    }
}

#[tokio::test]
async fn wrong_passwords_count_with_those_of_logins() {
    let house = House::with_anne().await;
    for host in 0..5 {
        is_unauthenticated(house.accounts.login("anne", OTHER_PASSWORD, address(host)).await);
        is_unauthenticated(house.accounts.authenticate_password("ANNE", OTHER_PASSWORD, address(host)).await);
    }
    let error = house.knocks(PASSWORD).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Throttled, Some(900)));
    assert_eq!(house.accounts.login("anne", PASSWORD, address(77)).await.unwrap_err().kind, ErrorKind::Throttled);
}

#[tokio::test]
async fn who_was_right_a_moment_ago_does_not_wait_for_a_guesser() {
    let house = House::with_anne().await;
    assert!(house.knocks(PASSWORD).await.is_ok());
    for host in 10..20 {
        is_unauthenticated(house.accounts.authenticate_password("anne", OTHER_PASSWORD, address(host)).await);
    }
    assert!(house.knocks(PASSWORD).await.is_ok());
    house.pass(60);
    assert_eq!(house.knocks(PASSWORD).await.unwrap_err().kind, ErrorKind::Throttled);
}

#[tokio::test]
async fn many_requests_at_once_are_all_let_in() {
    let house = House::with_anne().await;
    let requests = (0..100).map(|_| house.knocks(PASSWORD));
    let answers = futures_util::future::join_all(requests).await;
    assert!(answers.iter().all(Result::is_ok), "one computes the hash and the others wait for it");
}

#[tokio::test]
async fn a_new_password_ends_the_old_one_at_once() {
    let house = House::with_anne().await;
    assert!(house.knocks(PASSWORD).await.is_ok());
    house.accounts.reset_password("anne", OTHER_PASSWORD).await.unwrap();
    is_unauthenticated(house.knocks(PASSWORD).await);
    assert!(house.knocks(OTHER_PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let house = House::with_anne().await;
    assert!(house.knocks(PASSWORD).await.is_ok());
    house.accounts.set_enabled("anne", false).await.unwrap();
    is_unauthenticated(house.knocks(PASSWORD).await);
    house.accounts.set_enabled("anne", true).await.unwrap();
    assert!(house.knocks(PASSWORD).await.is_ok());
}

#[tokio::test]
async fn what_another_process_changes_is_seen_within_a_second() {
    let house = House::with_anne().await;
    assert_eq!(house.knocks(PASSWORD).await.unwrap().role, Role::Analyst);
    house.change_user("anne", "role", json!("viewer")).await;
    house.pass(1);
    assert_eq!(house.knocks(PASSWORD).await.unwrap().role, Role::Viewer);
    house.change_user("anne", "enabled", json!(false)).await;
    house.pass(1);
    is_unauthenticated(house.knocks(PASSWORD).await);
    house.change_user("anne", "enabled", json!(true)).await;
    assert!(house.knocks(PASSWORD).await.is_ok());
    house.neighbour().accounts.reset_password("anne", OTHER_PASSWORD).await.unwrap();
    house.pass(1);
    is_unauthenticated(house.knocks(PASSWORD).await);
}

#[tokio::test]
async fn an_outage_of_the_store_lets_nobody_in_and_counts_for_nobody() {
    let store = Arc::new(FragileStore::default());
    let house = House::on(Arc::clone(&store) as Arc<dyn MetadataStore>, Arc::new(AtomicI64::new(1_800_000_000)));
    house.accounts.add_user("anne", Role::Analyst, PASSWORD).await.unwrap();
    assert!(house.knocks(PASSWORD).await.is_ok());
    store.is_down.store(true, Ordering::SeqCst);
    house.pass(1);
    for _ in 0..11 {
        assert_eq!(house.knocks(PASSWORD).await.unwrap_err().kind, ErrorKind::Unavailable);
    }
    store.is_down.store(false, Ordering::SeqCst);
    assert!(house.knocks(PASSWORD).await.is_ok());
}
