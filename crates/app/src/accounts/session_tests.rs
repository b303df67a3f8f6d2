//! How sessions go on and how they end, through the public door.

use serde_json::json;
use vigie_domain::ports::FindRequest;
use vigie_domain::{ErrorKind, Timestamp};

use super::test_house::{House, OTHER_PASSWORD, PASSWORD, address, is_unauthenticated};
use super::{Caller, Proof, Role};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

#[tokio::test]
async fn a_refresh_gives_new_tokens_and_keeps_the_session() {
    let house = House::with_anne().await;
    let first = house.login().await;
    house.pass(HOUR_S);
    is_unauthenticated(house.accounts.authenticate(&first.access_token).await);
    let second = house.accounts.refresh(&first.refresh_token).await.unwrap();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_eq!(second.user, first.user);
    assert!(house.accepts(&second).await);
    assert!(house.accounts.refresh(&second.refresh_token).await.is_ok());
}

#[tokio::test]
async fn a_reused_refresh_token_ends_the_whole_family() {
    let house = House::with_anne().await;
    let elsewhere = house.login().await;
    let first = house.login().await;
    let second = house.accounts.refresh(&first.refresh_token).await.unwrap();
    let third = house.accounts.refresh(&second.refresh_token).await.unwrap();
    assert!(house.accepts(&third).await);
    is_unauthenticated(house.accounts.refresh(&first.refresh_token).await);
    for session in [&first, &second, &third] {
        is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
        is_unauthenticated(house.accounts.refresh(&session.refresh_token).await);
    }
    assert!(house.accepts(&elsewhere).await, "another login of the same user goes on");
}

#[tokio::test]
async fn of_two_refreshes_at_once_at_most_one_succeeds_and_the_family_ends() {
    let house = House::with_anne().await;
    let first = house.login().await;
    let refresh = || house.accounts.refresh(&first.refresh_token);
    let (one, other) = tokio::join!(refresh(), refresh());
    assert!(one.is_err() || other.is_err());
    for session in [one, other].into_iter().flatten() {
        assert!(!house.accepts(&session).await);
    }
    assert!(!house.accepts(&first).await);
}

#[tokio::test]
async fn a_made_up_refresh_token_ends_nothing() {
    let house = House::with_anne().await;
    let session = house.login().await;
    let caller = house.accounts.authenticate(&session.access_token).await.unwrap();
    let Proof::Session { id } = &caller.proof else { panic!("{caller:?}") };
    for made_up in ["", "x", id, &session.access_token, &"A".repeat(86)] {
        is_unauthenticated(house.accounts.refresh(made_up).await);
        house.accounts.logout_by_refresh_token(made_up).await.unwrap();
    }
    assert!(house.accepts(&session).await);
}

#[tokio::test]
async fn refresh_and_access_tokens_are_not_each_other() {
    let house = House::with_anne().await;
    let session = house.login().await;
    is_unauthenticated(house.accounts.authenticate(&session.refresh_token).await);
    is_unauthenticated(house.accounts.refresh(&session.access_token).await);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_30_days_and_a_session_for_90() {
    let house = House::with_anne().await;
    let unused = house.login().await;
    house.pass(30 * DAY_S);
    is_unauthenticated(house.accounts.refresh(&unused.refresh_token).await);

    let mut session = house.login().await;
    for _ in 0..3 {
        house.pass(29 * DAY_S);
        session = house.accounts.refresh(&session.refresh_token).await.unwrap();
    }
    assert_eq!(session.refresh_expires_in_s, 3 * 86_400);
    house.pass(3 * DAY_S - 1_800);
    let last = house.accounts.refresh(&session.refresh_token).await.unwrap();
    assert_eq!((last.expires_in_s, last.refresh_expires_in_s), (1_800, 1_800));
    house.pass(1_800);
    is_unauthenticated(house.accounts.refresh(&last.refresh_token).await);
    is_unauthenticated(house.accounts.authenticate(&last.access_token).await);
}

#[tokio::test]
async fn logout_ends_the_session_at_once_and_no_other() {
    let house = House::with_anne().await;
    let (session, other) = (house.login().await, house.login().await);
    let caller = house.accounts.authenticate(&session.access_token).await.unwrap();
    house.accounts.logout(&caller).await.unwrap();
    is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
    is_unauthenticated(house.accounts.refresh(&session.refresh_token).await);
    assert!(house.accepts(&other).await);
    house.accounts.logout(&caller).await.unwrap();
    house.accounts.logout_by_refresh_token(&other.refresh_token).await.unwrap();
    assert!(!house.accepts(&other).await);
}

#[tokio::test]
async fn a_new_password_ends_every_session() {
    let house = House::with_anne().await;
    let sessions = [house.login().await, house.login().await];
    assert!(house.accepts(&sessions[0]).await);
    house.pass(60);
    let user = house.accounts.reset_password("ANNE", OTHER_PASSWORD).await.unwrap();
    assert_eq!(user.password_changed_at, Timestamp::from_seconds(1_800_000_060));
    for session in &sessions {
        is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
        is_unauthenticated(house.accounts.refresh(&session.refresh_token).await);
    }
    is_unauthenticated(house.accounts.login("anne", PASSWORD, address(1)).await);
    assert!(house.accounts.login("anne", OTHER_PASSWORD, address(1)).await.is_ok());
}

#[tokio::test]
async fn a_reset_needs_a_known_user_and_a_good_password() {
    let house = House::with_anne().await;
    let unknown = house.accounts.reset_password("bruno", OTHER_PASSWORD).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NotFound);
    let weak = house.accounts.reset_password("anne", "passwordpassword").await.unwrap_err();
    assert_eq!(weak.kind, ErrorKind::Invalid);
    assert!(house.accounts.login("anne", PASSWORD, address(1)).await.is_ok());
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_old_sessions_do_not_come_back() {
    let house = House::with_anne().await;
    let session = house.login().await;
    assert!(house.accepts(&session).await);
    house.accounts.set_enabled("anne", false).await.unwrap();
    is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
    is_unauthenticated(house.accounts.refresh(&session.refresh_token).await);
    is_unauthenticated(house.accounts.login("anne", PASSWORD, address(1)).await);
    house.accounts.set_enabled("anne", true).await.unwrap();
    is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
    assert!(house.accounts.login("anne", PASSWORD, address(1)).await.is_ok());
}

#[tokio::test]
async fn a_changed_role_ends_access_tokens_and_the_refreshed_one_has_the_new_role() {
    let house = House::with_anne().await;
    let session = house.login().await;
    assert!(house.accepts(&session).await);
    house.change_user("anne", "role", json!("viewer")).await;
    house.pass(1);
    is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
    let refreshed = house.accounts.refresh(&session.refresh_token).await.unwrap();
    let caller = house.accounts.authenticate(&refreshed.access_token).await.unwrap();
    assert_eq!(caller.role, Role::Viewer);
}

#[tokio::test]
async fn whoever_is_marked_as_disabled_in_the_store_is_out_whatever_else_it_says() {
    let house = House::with_anne().await;
    let session = house.login().await;
    assert!(house.accepts(&session).await);
    house.change_user("anne", "enabled", json!(false)).await;
    house.pass(1);
    is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
    is_unauthenticated(house.accounts.refresh(&session.refresh_token).await);
}

#[tokio::test]
async fn what_another_process_changes_is_seen_within_a_second() {
    let house = House::with_anne().await;
    let neighbour = house.neighbour();
    let (reset, logged_out) = (house.login().await, house.login().await);
    let caller: Caller = house.accounts.authenticate(&logged_out.access_token).await.unwrap();
    assert!(house.accepts(&reset).await);
    neighbour.accounts.logout(&caller).await.unwrap();
    house.pass(1);
    assert!(!house.accepts(&logged_out).await);
    assert!(house.accepts(&reset).await, "tokens of one process are good in the other");
    neighbour.accounts.reset_password("anne", OTHER_PASSWORD).await.unwrap();
    house.pass(1);
    assert!(!house.accepts(&reset).await);
}

#[tokio::test]
async fn a_session_begun_with_the_old_password_during_a_reset_is_worth_nothing() {
    let house = House::with_anne().await;
    let session = house.login().await;
    let sessions =
        house.store.find("sessions", &FindRequest { filters: Vec::new(), limit: 1, after: None }).await.unwrap();
    house.accounts.reset_password("anne", OTHER_PASSWORD).await.unwrap();
    // The login had read the user before the reset and stored its session after it.
    house.store.insert("sessions", &sessions[0].id, sessions[0].body.clone(), &[]).await.unwrap();
    is_unauthenticated(house.accounts.authenticate(&session.access_token).await);
    is_unauthenticated(house.accounts.refresh(&session.refresh_token).await);
}

#[tokio::test]
async fn a_user_has_at_most_50_sessions_and_the_oldest_goes_first() {
    let house = House::with_anne().await;
    let oldest = house.login().await;
    let second = house.login().await;
    for _ in 0..48 {
        house.login().await;
    }
    assert!(house.accepts(&oldest).await);
    house.login().await;
    assert_eq!(house.count("sessions").await, 50);
    house.pass(1);
    assert!(!house.accepts(&oldest).await);
    assert!(house.accepts(&second).await);
}

#[tokio::test]
async fn expired_sessions_are_cleared_away_at_the_next_login() {
    let house = House::with_anne().await;
    house.login().await;
    house.login().await;
    house.pass(31 * DAY_S);
    house.login().await;
    assert_eq!(house.count("sessions").await, 1);
}
