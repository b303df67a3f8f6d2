//! What is read of a Redis is stored once, whenever reading was cut off.

mod fake;

use std::path::PathBuf;
use std::sync::Arc;

use vigie_testkit::LinearStore;
use vigie_testkit::tls::{Certificates, TlsFront};

use super::*;
use crate::Protocol;
use crate::tests::{Bench, STOP_MAX};
use fake::FakeRedis;

const PROCESSING: &str = "logs:vigie:processing:till";
const BATCH: &str = "logs:vigie:batch:till";

fn spec_of(fake: &FakeRedis, source: RedisSource) -> RedisSpec {
    RedisSpec {
        host: fake.address.ip().to_string(),
        port: fake.address.port(),
        has_tls: false,
        tls_ca: None,
        username: None,
        password: None,
        db: 0,
        source,
        consumer: "till".to_owned(),
    }
}

fn list(fake: &FakeRedis) -> RedisSpec {
    spec_of(fake, RedisSource::List("logs".to_owned()))
}

fn stream(fake: &FakeRedis) -> RedisSpec {
    spec_of(fake, RedisSource::Stream { key: "logs".to_owned(), group: "vigie".to_owned() })
}

fn push(fake: &FakeRedis, key: &str, elements: &[&str]) {
    let elements = elements.iter().map(|element| element.as_bytes().to_vec());
    fake.data().lists.entry(key.to_owned()).or_default().extend(elements);
}

fn add(fake: &FakeRedis, id: u64, fields: &[(&str, &str)]) {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    fake.data().entries.insert(id, fields);
}

fn length(fake: &FakeRedis, key: &str) -> usize {
    fake.data().lists.get(key).map_or(0, std::collections::VecDeque::len)
}

/// Waits until it is so in the server.
async fn until(fake: &FakeRedis, is_so: impl Fn(&fake::Data) -> bool) {
    let wait = async {
        while !is_so(&fake.data()) {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(STOP_MAX, wait).await.is_ok(), "it never came: {:?}", fake.data().commands);
}

async fn messages(bench: &Bench) -> Vec<String> {
    let mut messages = bench.texts("message").await;
    messages.sort();
    messages
}

#[tokio::test]
async fn elements_of_a_list_are_stored_and_then_removed() {
    let fake = FakeRedis::start().await;
    push(&fake, "logs", &["one", "{\"message\":\"two\"}", "one"]);
    let bench = Bench::new(Protocol::Redis(list(&fake)));
    bench.until(|numbers| numbers.stored == 3).await;
    assert_eq!(messages(&bench).await, ["one", "one", "two"], "the same text twice is two events");
    until(&fake, |data| !data.texts.contains_key(BATCH)).await;
    assert_eq!((length(&fake, "logs"), length(&fake, PROCESSING)), (0, 0));
    let state = &bench.inputs.states()[0];
    assert_eq!(state.server.as_deref(), Some(fake.address.to_string().as_str()));
    assert_eq!((state.numbers.connections, state.numbers.unaccounted()), (1, 0));
    push(&fake, "logs", &["three"]);
    bench.until(|numbers| numbers.stored == 4).await;
    bench.inputs.stop(STOP_MAX).await;
}

#[tokio::test]
async fn nothing_is_removed_before_it_is_stored() {
    let fake = FakeRedis::start().await;
    push(&fake, "logs", &["one"]);
    let store = Arc::new(LinearStore::default());
    store.fail_next_appends(1_000_000);
    let bench = Bench::over(store.clone(), Protocol::Redis(list(&fake)));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!((length(&fake, "logs"), length(&fake, PROCESSING)), (0, 1));
    assert!(fake.data().texts.contains_key(BATCH));
    store.fail_next_appends(0);
    let bench = Bench::over(store, Protocol::Redis(list(&fake)));
    bench.until(|numbers| numbers.stored == 1).await;
    until(&fake, |data| !data.texts.contains_key(BATCH)).await;
    assert_eq!(length(&fake, PROCESSING), 0);
}

#[tokio::test]
async fn a_batch_that_was_stored_and_not_removed_is_stored_once() {
    for closes_at in ["WATCH", "MULTI", "EXEC"] {
        let fake = FakeRedis::start().await;
        push(&fake, "logs", &["one", "two"]);
        fake.data().closes_at = Some(closes_at);
        let store = Arc::new(LinearStore::default());
        let bench = Bench::over(store.clone(), Protocol::Redis(list(&fake)));
        bench.until(|numbers| numbers.last_error.is_some()).await;
        bench.inputs.stop(STOP_MAX).await;
        assert_eq!(length(&fake, PROCESSING), 2, "{closes_at}");
        push(&fake, "logs", &["three"]);
        let bench = Bench::over(store, Protocol::Redis(list(&fake)));
        bench.until(|numbers| numbers.stored == 1).await;
        assert_eq!(bench.numbers().deduplicated, 2, "{closes_at}");
        assert_eq!(messages(&bench).await, ["one", "three", "two"], "{closes_at}");
        until(&fake, |data| !data.texts.contains_key(BATCH)).await;
        assert_eq!(length(&fake, PROCESSING), 0, "{closes_at}");
    }
}

#[tokio::test]
async fn what_was_moved_and_never_stored_comes_first() {
    let fake = FakeRedis::start().await;
    push(&fake, PROCESSING, &["one", "two"]);
    push(&fake, "logs", &["three"]);
    let bench = Bench::new(Protocol::Redis(list(&fake)));
    bench.until(|numbers| numbers.stored == 3).await;
    assert_eq!(messages(&bench).await, ["one", "three", "two"]);
}

#[tokio::test]
async fn two_readers_of_one_name_are_told_and_lose_nothing() {
    let fake = FakeRedis::start().await;
    push(&fake, PROCESSING, &["one"]);
    fake.data().texts.insert(BATCH.to_owned(), b"theirs 2".to_vec());
    let bench = Bench::new(Protocol::Redis(list(&fake)));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    assert!(bench.numbers().last_error.unwrap().1.contains(BATCH));
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!((bench.numbers().received, length(&fake, PROCESSING)), (0, 1));
}

#[tokio::test]
async fn entries_of_a_stream_are_acknowledged_once_they_are_stored() {
    let fake = FakeRedis::start().await;
    add(&fake, 1, &[("message", "one")]);
    add(&fake, 2, &[("json", "{\"message\":\"two\"}")]);
    add(&fake, 3, &[("message", "three"), ("service", "cart")]);
    let bench = Bench::new(Protocol::Redis(stream(&fake)));
    bench.until(|numbers| numbers.stored == 3).await;
    assert_eq!(messages(&bench).await, ["one", "three", "two"]);
    assert_eq!(bench.texts("service").await, ["cart"]);
    until(&fake, |data| data.pending.is_empty()).await;
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(bench.numbers().unaccounted(), 0);
}

#[tokio::test]
async fn entries_that_were_stored_and_not_acknowledged_are_stored_once() {
    let fake = FakeRedis::start().await;
    add(&fake, 1, &[("json", "[{\"message\":\"one\"},{\"message\":\"two\"}]")]);
    fake.data().closes_at = Some("XACK");
    let store = Arc::new(LinearStore::default());
    let bench = Bench::over(store.clone(), Protocol::Redis(stream(&fake)));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!((bench.numbers().stored, fake.data().pending.len()), (2, 1));
    // Another consumer had one that it left.
    add(&fake, 2, &[("message", "three"), ("a", "1")]);
    fake.data().delivered = 2;
    fake.data().pending.insert(2, "gone".to_owned());
    // One was deleted before it was acknowledged.
    fake.data().pending.insert(9, "till".to_owned());
    let bench = Bench::over(store, Protocol::Redis(stream(&fake)));
    bench.until(|numbers| numbers.stored == 1).await;
    until(&fake, |data| data.pending.is_empty()).await;
    assert_eq!(bench.numbers().deduplicated, 2);
    assert_eq!(messages(&bench).await, ["one", "three", "two"]);
}

#[tokio::test]
async fn a_login_is_needed_where_there_is_one() {
    let fake = FakeRedis::start().await;
    fake.data().password = Some("secret".to_owned());
    push(&fake, "logs", &["one"]);
    let bench = Bench::new(Protocol::Redis(RedisSpec { password: None, ..list(&fake) }));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    let words = bench.numbers().last_error.unwrap().1;
    assert!(words.contains("input_redis.username"), "{words}");
    bench.inputs.stop(STOP_MAX).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "secret\n").unwrap();
    for password in [RedisPassword::File(path), RedisPassword::Text("secret".to_owned())] {
        push(&fake, "logs", &["one"]);
        let bench = Bench::new(Protocol::Redis(RedisSpec { password: Some(password), ..list(&fake) }));
        bench.until(|numbers| numbers.stored >= 1).await;
        bench.inputs.stop(STOP_MAX).await;
    }
    let wrong = Some(RedisPassword::Text("guessed".to_owned()));
    let bench = Bench::new(Protocol::Redis(RedisSpec { password: wrong, ..list(&fake) }));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    let words = bench.numbers().last_error.unwrap().1;
    assert!(words.contains("input_redis.username") && !words.contains("guessed"), "{words}");
    let missing = RedisPassword::File(PathBuf::from("/nowhere/password"));
    let bench = Bench::new(Protocol::Redis(RedisSpec { password: Some(missing), ..list(&fake) }));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    assert!(bench.numbers().last_error.unwrap().1.contains("/nowhere/password"));
}

#[tokio::test]
async fn an_encrypted_server_is_read_when_its_authority_is_trusted() {
    let fake = FakeRedis::start().await;
    push(&fake, "logs", &["one"]);
    let (certificates, others) = (Certificates::default(), Certificates::default());
    let front = TlsFront::start(&certificates, fake.address);
    let encrypted = |tls_ca: PathBuf| RedisSpec {
        host: "localhost".to_owned(),
        port: front.address.port(),
        has_tls: true,
        tls_ca: Some(tls_ca),
        ..list(&fake)
    };
    let bench = Bench::new(Protocol::Redis(encrypted(others.authority())));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    let words = bench.numbers().last_error.unwrap().1;
    assert!(words.to_lowercase().contains("certificate"), "{words}");
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!((bench.numbers().received, fake.data().commands.len()), (0, 0), "nothing is said to a stranger");

    let bench = Bench::new(Protocol::Redis(encrypted("/nowhere/ca.pem".into())));
    bench.until(|numbers| numbers.last_error.is_some()).await;
    assert!(bench.numbers().last_error.unwrap().1.contains("/nowhere/ca.pem"));
    bench.inputs.stop(STOP_MAX).await;

    let bench = Bench::new(Protocol::Redis(encrypted(certificates.authority())));
    bench.until(|numbers| numbers.stored == 1).await;
    assert_eq!(messages(&bench).await, ["one"]);
    bench.inputs.stop(STOP_MAX).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_again() {
    let fake = FakeRedis::start().await;
    push(&fake, "logs", &["one"]);
    fake.data().closes_at = Some("BLMOVE");
    let bench = Bench::new(Protocol::Redis(list(&fake)));
    bench.until(|numbers| numbers.stored == 1).await;
    assert_eq!(bench.numbers().connections_total, 2);
}
