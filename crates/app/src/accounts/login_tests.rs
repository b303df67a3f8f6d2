//! Adding users, logging in and being kept from it, through the public door.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use vigie_domain::ports::{FindRequest, MetadataStore};
use vigie_domain::{ErrorKind, Result, Timestamp};

use super::test_house::{FragileStore, House, OTHER_PASSWORD, PASSWORD, address, is_unauthenticated};
use super::{Role, User};

#[tokio::test]
async fn the_first_admin_gets_a_generated_password_once() {
    let house = House::new();
    let first = house.accounts.ensure_first_admin(None).await.unwrap().unwrap();
    assert_eq!(first.username, "admin@localhost");
    let password = first.generated_password.unwrap();
    assert!(password.len() >= 20, "{password}");
    let session = house.accounts.login("admin@localhost", &password, address(1)).await.unwrap();
    assert_eq!(session.user.role, Role::Admin);
    assert!(house.accounts.ensure_first_admin(None).await.unwrap().is_none());
    assert_eq!(house.count("users").await, 1);
}

#[tokio::test]
async fn the_first_admins_password_can_be_given_but_not_weak() {
    let house = House::new();
    let weak = house.accounts.ensure_first_admin(Some("admin".into())).await.unwrap_err();
    assert_eq!(weak.kind, ErrorKind::Invalid);
    assert!(house.accounts.ensure_first_admin(Some(String::new())).await.is_err());
    let first = house.accounts.ensure_first_admin(Some(PASSWORD.into())).await.unwrap().unwrap();
    assert_eq!(first.generated_password, None);
    assert!(house.accounts.login("Admin@LocalHost", PASSWORD, address(1)).await.is_ok());
}

#[tokio::test]
async fn no_admin_is_made_where_there_is_any_user() {
    let house = House::with_anne().await;
    assert!(house.accounts.ensure_first_admin(None).await.unwrap().is_none());
}

#[tokio::test]
async fn names_are_unique_in_whatever_case_and_passwords_follow_the_rule() {
    let house = House::with_anne().await;
    let kind = |answer: Result<User>| answer.unwrap_err().kind;
    let accounts = &house.accounts;
    assert_eq!(kind(accounts.add_user("ANNE", Role::Viewer, PASSWORD).await), ErrorKind::Conflict);
    assert_eq!(kind(accounts.add_user("anne marie", Role::Viewer, PASSWORD).await), ErrorKind::Invalid);
    let error = accounts.add_user("bruno", Role::Viewer, "too short").await.unwrap_err();
    assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Invalid, "password"));
    let bruno = accounts.add_user(" Bruno ", Role::Viewer, PASSWORD).await.unwrap();
    assert_eq!((bruno.username.as_str(), bruno.role, bruno.enabled), ("Bruno", Role::Viewer, true));
    assert_eq!(bruno.created_at, Timestamp::from_seconds(1_800_000_000));
}

#[tokio::test]
async fn nothing_secret_is_stored_as_it_is() {
    let house = House::with_anne().await;
    let session = house.login().await;
    let everything = FindRequest { filters: Vec::new(), limit: 100, after: None };
    let users = house.store.find("users", &everything).await.unwrap();
    let sessions = house.store.find("sessions", &everything).await.unwrap();
    let stored = format!("{users:?} {sessions:?}");
    assert_eq!((users.len(), sessions.len()), (1, 1));
    assert!(stored.contains("$argon2id$"), "{stored}");
    for secret in [PASSWORD, &session.access_token, &session.refresh_token, &session.refresh_token[..43]] {
        assert!(!stored.contains(secret), "{secret}");
    }
    assert!(!format!("{session:?}").contains(&session.refresh_token));
}

#[tokio::test]
async fn a_login_tells_who_the_caller_is() {
    let house = House::with_anne().await;
    let session = house.login().await;
    assert_eq!((session.expires_in_s, session.refresh_expires_in_s), (3_600, 30 * 86_400));
    let caller = house.accounts.authenticate(&session.access_token).await.unwrap();
    assert_eq!((caller.username.as_str(), caller.role, &caller.user_id), ("anne", Role::Analyst, &session.user.id));
    assert_eq!(house.accounts.me(&caller).await.unwrap(), session.user);
    let other = house.accounts.authenticate(&house.login().await.access_token).await.unwrap();
    assert_ne!(caller.proof, other.proof);
}

#[tokio::test]
async fn every_wrong_login_gets_the_same_answer() {
    let house = House::with_anne().await;
    house.accounts.add_user("disabled", Role::Viewer, PASSWORD).await.unwrap();
    house.accounts.set_enabled("disabled", false).await.unwrap();
    let long = "x".repeat(100_000);
    let mut answers = Vec::new();
    for (username, password) in [
        ("anne", OTHER_PASSWORD),
        ("anne", ""),
        ("anne", &long),
        ("nobody", PASSWORD),
        ("disabled", PASSWORD),
        ("", PASSWORD),
        (&long, PASSWORD),
    ] {
        answers.push(house.accounts.login(username, password, address(9)).await.unwrap_err());
    }
    assert_eq!(answers[0].kind, ErrorKind::Unauthenticated);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn ten_wrong_logins_make_the_account_wait_wherever_they_come_from() {
    let house = House::with_anne().await;
    for host in 0..10 {
        is_unauthenticated(house.accounts.login("Anne", OTHER_PASSWORD, address(host)).await);
    }
    let error = house.accounts.login("anne", PASSWORD, address(99)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Throttled, Some(900)));
    house.pass(900);
    assert!(house.accounts.login("anne", PASSWORD, address(99)).await.is_ok());
}

#[tokio::test]
async fn unknown_names_wait_like_known_ones() {
    let house = House::with_anne().await;
    for host in 0..10 {
        is_unauthenticated(house.accounts.login("nobody", PASSWORD, address(host)).await);
    }
    let error = house.accounts.login("nobody", PASSWORD, address(99)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
}

#[tokio::test]
async fn logins_during_an_outage_of_the_store_do_not_count_and_nobody_gets_in() {
    let store = Arc::new(FragileStore::default());
    let house = House::on(Arc::clone(&store) as Arc<dyn MetadataStore>, Arc::new(AtomicI64::new(1_800_000_000)));
    house.accounts.add_user("anne", Role::Analyst, PASSWORD).await.unwrap();
    let session = house.login().await;
    let caller = house.accounts.authenticate(&session.access_token).await.unwrap();
    store.is_down.store(true, Ordering::SeqCst);
    house.pass(1);
    for _ in 0..11 {
        let error = house.accounts.login("anne", PASSWORD, address(1)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
    }
    let error = house.accounts.authenticate(&session.access_token).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(house.accounts.logout(&caller).await.unwrap_err().kind, ErrorKind::Unavailable);
    store.is_down.store(false, Ordering::SeqCst);
    assert!(house.accepts(&session).await, "the session goes on: it could not be ended");
    assert!(house.accounts.login("anne", PASSWORD, address(1)).await.is_ok());
}

#[tokio::test]
async fn many_logins_at_once_guess_no_more_often_than_one_after_the_other() {
    let house = House::with_anne().await;
    let guesses = (0..30).map(|host| house.accounts.login("anne", OTHER_PASSWORD, address(host)));
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.into_iter().filter(|a| a.as_ref().is_err_and(|e| e.kind == ErrorKind::Unauthenticated));
    assert_eq!(looked_at.count(), 10);
}

#[tokio::test]
async fn the_last_admin_stays() {
    let house = House::with_anne().await;
    house.accounts.ensure_first_admin(None).await.unwrap();
    house.accounts.add_user("root", Role::Admin, PASSWORD).await.unwrap();
    house.accounts.add_user("boss", Role::Admin, PASSWORD).await.unwrap();
    house.accounts.set_enabled("root", false).await.unwrap();
    let error = house.accounts.set_enabled("boss", false).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    house.accounts.set_enabled("root", true).await.unwrap();
    let both = tokio::join!(house.accounts.set_enabled("boss", false), house.accounts.set_enabled("root", false));
    assert!(both.0.is_ok() != both.1.is_ok(), "two at once leave one admin");
}
