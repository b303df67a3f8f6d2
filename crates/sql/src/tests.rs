//! Statements over an engine on disk: what they answer, what they leave unread, what is refused.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use vigie_domain::ports::{Append, LogStore, SqlAnswer, SqlRequest, SqlStore};
use vigie_domain::query::parse;
use vigie_domain::{Error, ErrorKind, Event, LogType, Scope, Timestamp, Value};
use vigie_storage::{EngineOptions, LogEngine, MemoryBounds};
use vigie_testkit::generate;

use super::SqlEngine;

/// 2026-11-23T00:00:00Z.
const START_S: i64 = 1_795_392_000;

struct Shop {
    sql: SqlEngine,
    _folder: tempfile::TempDir,
}

impl Shop {
    /// An engine with these events, those of every batch but the last in parts.
    async fn with(batches: Vec<Vec<Event>>, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.path()) };
        change(&mut options);
        let logs = std::sync::Arc::new(LogEngine::open(options).unwrap());
        for (place, events) in batches.into_iter().enumerate() {
            if place > 0 {
                logs.flush().await;
            }
            logs.append(&Scope::main(), Append { key: None, events: events.into() }).await.unwrap();
        }
        Self { sql: SqlEngine::new(logs, 2), _folder: folder }
    }

    async fn small() -> Self {
        Self::with(vec![(0..600).map(payment).collect(), (600..900).map(payment).collect()], |_| {}).await
    }

    async fn ask_as(&self, scope: &Scope, text: &str, rows_max: usize) -> Result<SqlAnswer, Error> {
        self.sql.query(scope, &SqlRequest { text: text.to_owned(), rows_max }).await
    }

    async fn rows(&self, text: &str) -> Json {
        let answer = self.ask_as(&Scope::main(), text, 1_000).await;
        let answer = answer.unwrap_or_else(|error| panic!("{text}: {error}"));
        answer.rows.iter().map(|row| row.iter().map(Value::to_json).collect::<Json>()).collect()
    }

    async fn refused(&self, text: &str) -> Error {
        self.ask_as(&Scope::main(), text, 1_000).await.expect_err(text)
    }
}

/// The payment number `number`, one a minute: services by turns, every tenth an error.
fn payment(number: i64) -> Event {
    let timestamp = Timestamp::from_seconds(START_S + 60 * number);
    let mut body: Vec<(vigie_domain::Text, Value)> = vec![
        ("service".into(), Value::text(["cart", "payment", "search"][number as usize % 3])),
        ("level".into(), Value::text(if number % 10 == 0 { "ERROR" } else { "INFO" })),
        ("amount".into(), Value::number(number as f64 / 4.0).unwrap()),
        ("message".into(), Value::text(format!("order {number} was paid"))),
    ];
    if number % 100 == 0 {
        body.push(("tags".into(), Value::List(vec![Value::text("first"), Value::text("second")])));
        body.push(("odd".into(), Value::text("five")));
    } else {
        body.push(("odd".into(), Value::Int(number)));
    }
    Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body }
}

#[tokio::test]
async fn events_are_counted_grouped_and_ordered() {
    let shop = Shop::small().await;
    let check = async |text: &str, expected: Json| assert_eq!(shop.rows(text).await, expected, "{text}");
    check("SELECT count(*) FROM logs", json!([[900]])).await;
    check("SELECT count(*) FROM error", json!([[0]])).await;
    check("SELECT count(*) FROM transaction WHERE level = 'ERROR'", json!([[90]])).await;
    check(
        "SELECT service, count(*) AS n, sum(amount) FROM logs GROUP BY service ORDER BY n, service",
        json!([["cart", 300, 33_637.5], ["payment", 300, 33_712.5], ["search", 300, 33_787.5]]),
    )
    .await;
    check(
        r#"SELECT "@timestamp", message, log_type FROM logs ORDER BY "@timestamp" DESC LIMIT 1"#,
        json!([["2026-11-23T14:59:00.000Z", "order 899 was paid", "transaction"]]),
    )
    .await;
    check("SELECT count(*) FROM logs WHERE message LIKE '%89_ was%'", json!([[10]])).await;
    check("SELECT count(*) FROM logs WHERE @timestamp >= '2026-11-23T14:00:00Z'", json!([[60]])).await;
    check("SELECT odd, tags FROM logs WHERE amount = 25", json!([["five", "first"]])).await;
    check("SELECT odd FROM logs WHERE amount = 25.25", json!([["101"]])).await;
    let per_hour =
        "SELECT date_trunc('hour', @timestamp) AS hour, count(*) FROM logs GROUP BY hour ORDER BY hour LIMIT 1";
    check(per_hour, json!([["2026-11-23T00:00:00.000Z", 60]])).await;
    check(
        "SELECT array_agg(service ORDER BY service) FROM logs WHERE amount < 0.75",
        json!([[["cart", "payment", "search"]]]),
    )
    .await;
    check("WITH errors AS (SELECT * FROM logs WHERE level = 'ERROR') SELECT max(amount) FROM errors", json!([[222.5]]))
        .await;
}

#[tokio::test]
async fn an_answer_is_cut_where_it_was_asked_to_be() {
    let shop = Shop::small().await;
    let ask = async |rows_max| shop.ask_as(&Scope::main(), "SELECT service, _id FROM logs", rows_max).await.unwrap();
    let cut = ask(10).await;
    assert_eq!((cut.rows.len(), cut.is_cut), (10, true));
    let whole = ask(900).await;
    assert_eq!((whole.rows.len(), whole.is_cut), (900, false));
    let names: Vec<(&str, &str)> = whole.columns.iter().map(|column| (&*column.name, &*column.type_name)).collect();
    assert_eq!(names, [("service", "varchar"), ("_id", "varchar")]);
}

/// What is asked of the newest rows of several parts must not read all of them.
#[tokio::test]
async fn the_newest_rows_are_found_without_the_others() {
    let batches = (0..4).map(|batch| (batch * 20_000..(batch + 1) * 20_000).map(payment).collect()).collect();
    let shop = Shop::with(batches, |_| {}).await;
    let text = r#"SELECT * FROM logs ORDER BY "@timestamp" DESC LIMIT 5"#;
    let newest = shop.ask_as(&Scope::main(), text, 10).await.unwrap();
    assert_eq!(newest.rows.len(), 5);
    assert!(newest.stats.rows_scanned <= 40_000, "{:?}", newest.stats);
    let counted = shop.ask_as(&Scope::main(), "SELECT count(*) FROM logs", 10).await.unwrap();
    assert_eq!((counted.rows, counted.stats.rows_scanned), (vec![vec![Value::Int(80_000)]], 0));
}

#[tokio::test]
async fn a_plan_shows_what_is_left_out() {
    let shop = Shop::small().await;
    let text = "EXPLAIN SELECT service FROM logs WHERE @timestamp >= '2026-11-23T14:00:00Z' AND level = 'ERROR'";
    let plan = shop.rows(text).await.to_string();
    assert!(plan.contains("LogScan: units=1 of 2"), "{plan}");
    assert!(plan.contains("query=[level:ERROR], from=2026-11-23T14:00:00.000Z"), "{plan}");
    assert!(plan.contains("fields=[level, service]") || plan.contains("fields=[service, level]"), "{plan}");
    let described = shop.rows("DESCRIBE logs").await.to_string();
    assert!(described.contains(r#"["amount","Decimal128(18, 4)","YES"]"#), "{described}");
    let listed = shop.rows("SHOW TABLES").await.to_string();
    assert!(listed.contains("user_behavior") && listed.contains("logs"), "{listed}");
}

#[tokio::test]
async fn what_would_change_something_or_reach_outside_is_refused() {
    let shop = Shop::small().await;
    let statements = [
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY logs TO '/tmp/stolen.csv'",
        "INSERT INTO logs (service) VALUES ('x')",
        "DELETE FROM logs",
        "UPDATE logs SET service = 'x'",
        "DROP TABLE logs",
        "SET datafusion.execution.batch_size = 1",
        "PREPARE x AS SELECT 1",
        "BEGIN",
        "SELECT 1; SELECT 2",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM generate_series(1, 1000000000)",
        "SELECT version()",
        "SELECT * FROM nothing",
    ];
    for statement in statements {
        let error = shop.refused(statement).await;
        assert!(matches!(error.kind, ErrorKind::Invalid | ErrorKind::Malformed), "{statement}: {error:?}");
        assert_eq!(error.details.first().map(|detail| &*detail.field), Some("query"), "{statement}: {error:?}");
    }
    assert_eq!(shop.rows("SELECT count(*) FROM logs").await, json!([[900]]), "nothing has changed");
}

#[tokio::test]
async fn errors_name_the_place_and_what_to_write_instead() {
    let shop = Shop::small().await;
    let check = async |text: &str, words: &str, place: Option<&str>| {
        let error = shop.refused(text).await;
        assert!(error.message.contains(words), "{text}: {}", error.message);
        let span = error.details.first().and_then(|detail| detail.span);
        assert_eq!(span.map(|(start, end)| &text[start..end]), place, "{text}: {error:?}");
    };
    check("SELECT service FRM logs", "SQL cannot be read", Some("logs")).await;
    check("SELECT servce FROM logs", r#"there is no field "servce"; did you mean "service"?"#, Some("servce")).await;
    check("SELECT Service FROM logs", r#"did you mean "service"?"#, Some("Service")).await;
    check("SELECT amount, count(*) FROM logs", "GROUP BY", Some("amount")).await;
    check("SELECT user.id FROM logs", "in double quotes", None).await;
    check("SELECT 1 FROM logz", "SHOW TABLES", Some("logz")).await;
    check("SELECT nosuch(1)", "nosuch", Some("nosuch")).await;
    let deep = format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500));
    assert!(shop.refused(&deep).await.message.contains("nests too deep"));
    let long = format!("SELECT '{}'", "x".repeat(100_000));
    assert!(shop.refused(&long).await.message.contains("at most 65536"));
}

#[tokio::test]
async fn what_a_caller_may_not_see_is_in_no_answer() {
    let shop = Shop::small().await;
    let scope = Scope {
        restriction: Some(parse("service:cart").unwrap()),
        hidden_fields: vec!["amount".to_owned()],
        ..Scope::main()
    };
    let counted = shop.ask_as(&scope, "SELECT count(*) FROM logs", 10).await.unwrap();
    assert_eq!(counted.rows, [[Value::Int(300)]]);
    let error = shop.ask_as(&scope, "SELECT amount FROM logs", 10).await.unwrap_err();
    assert!(error.message.contains(r#"there is no field "amount""#), "{error}");
    let all = shop.ask_as(&scope, "SELECT * FROM logs LIMIT 1", 10).await.unwrap();
    assert!(all.columns.iter().all(|column| column.name != "amount"));
}

#[tokio::test]
async fn too_much_memory_ends_a_statement_and_gives_all_of_it_back() {
    let bounds = MemoryBounds { one_bytes_max: 2 * 1024 * 1024, all_bytes_max: 3 * 1024 * 1024 };
    // Far more than fits: how much is held at once depends on which thread is ahead.
    let shop = Shop::with(vec![(0..80_000).map(payment).collect()], |options| options.query_memory = bounds).await;
    for text in ["SELECT message, count(*) FROM logs GROUP BY message", "SELECT * FROM logs ORDER BY message"] {
        let error = shop.ask_as(&Scope::main(), text, 10_000).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge, "{text}: {error}");
        assert!(error.message.contains("query.bytes_max"), "{text}: {error}");
    }
    assert_eq!(shop.rows("SELECT count(DISTINCT service) FROM logs").await, json!([[3]]));
    assert_eq!(shop.sql.held_bytes(), 0);
}

#[tokio::test]
async fn long_texts_end_a_statement_before_they_are_made() {
    let bounds = MemoryBounds { one_bytes_max: 8 * 1024 * 1024, all_bytes_max: 16 * 1024 * 1024 };
    let shop = Shop::with(vec![(0..20_000).map(payment).collect()], |options| options.query_memory = bounds).await;
    let joined = format!("SELECT {} FROM logs", vec!["message"; 300].join(" || "));
    let constant = format!("SELECT '{}' FROM logs", "x".repeat(60_000));
    let statements = [
        "SELECT repeat('x', 1000000000)",
        "SELECT repeat(message, 1000000) FROM logs",
        "SELECT lpad(service, 100000000, 'ab') FROM logs LIMIT 1",
        "SELECT rpad('x', 9000000) FROM logs",
        "SELECT replace(message, '', repeat('y', 10000)) FROM logs",
        "SELECT regexp_replace(message, '.', repeat('y', 1000), 'g') FROM logs",
        "SELECT concat(repeat('y', 100000), message) FROM logs",
        "SELECT concat_ws(repeat('y', 1000), message, service, level) FROM logs",
        "SELECT string_agg(repeat(message, 100), ',') FROM logs",
        "SELECT string_agg(repeat(message, 100), ',') FROM logs GROUP BY service",
        "SELECT array_agg(repeat(message, 100)) FROM logs",
        "SELECT count(*) FROM logs WHERE repeat(message, 100000) LIKE '%x'",
        "SELECT to_char(@timestamp, repeat('%A', 100000)) FROM logs",
        &joined,
        &constant,
    ];
    for statement in statements {
        let error = shop.ask_as(&Scope::main(), statement, 10_000).await.unwrap_err();
        let begin = &statement[..statement.len().min(80)];
        assert_eq!(error.kind, ErrorKind::TooLarge, "{begin}: {error}");
        assert!(error.message.contains("query.bytes_max"), "{begin}: {error}");
        // Other threads may still be ending their part.
        let given_back = async {
            while shop.sql.held_bytes() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let given_back = tokio::time::timeout(std::time::Duration::from_secs(60), given_back).await;
        assert!(given_back.is_ok(), "{begin}: {} bytes are still held", shop.sql.held_bytes());
    }
    let check = async |text: &str, expected: Json| assert_eq!(shop.rows(text).await, expected, "{text}");
    check("SELECT repeat('ab', 3), lpad('x', 3, '-'), rpad('é', 3, 'ab')", json!([["ababab", "--x", "éab"]])).await;
    check("SELECT 'a' || 1 || 'b', 'a' || NULL, concat('a', NULL, 2)", json!([["a1b", null, "a2"]])).await;
    let first = "SELECT service || '-' || level AS both, upper(service) FROM logs WHERE amount = 0 LIMIT 1";
    check(first, json!([["cart-ERROR", "CART"]])).await;
    check("SELECT max(length(repeat(service, 1000))) FROM logs WHERE amount < 10", json!([[7_000]])).await;
    check("SELECT string_agg(DISTINCT service, ',' ORDER BY service) FROM logs", json!([["cart,payment,search"]]))
        .await;
    let long = format!("SELECT length('{}') FROM logs LIMIT 1", "x".repeat(5_000));
    check(&long, json!([[5_000]])).await;
    check("SELECT length(repeat(message, 100000)) > 0 FROM logs WHERE amount = 0", json!([[true]])).await;
}

#[tokio::test]
async fn a_statement_ends_with_its_time() {
    let second = std::time::Duration::from_millis(200);
    let shop =
        Shop::with(vec![(0..5_000).map(payment).collect()], |options| options.query_timeout = Some(second)).await;
    let text = "SELECT count(*) FROM logs a, logs b, logs c WHERE a.amount + b.amount < c.amount";
    let error = shop.refused(text).await;
    assert_eq!(error.kind, ErrorKind::TimedOut, "{error}");
    let endless = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    assert!(matches!(shop.refused(endless).await.kind, ErrorKind::TimedOut | ErrorKind::TooLarge));
}

#[tokio::test]
async fn statements_that_would_take_for_ever_to_plan_are_refused() {
    let shop = Shop::small().await;
    let chain = |count: usize, one: &str, joiner: &str| vec![one; count].join(joiner);
    let mut doubled = "WITH t0 AS (SELECT count(*) AS n FROM logs)".to_owned();
    for level in 1..25 {
        doubled.push_str(&format!(", t{level} AS (SELECT count(*) AS n FROM t{0} x, t{0} y)", level - 1));
    }
    let statements = [
        format!("SELECT count(*) FROM logs WHERE {}", chain(9_000, "odd", " OR ")),
        format!("SELECT count(*) FROM logs a, logs b WHERE {}", chain(4_000, "a.odd>b.odd", " OR ")),
        format!("SELECT {}", chain(20_000, "1", " + ")),
        chain(3_000, "SELECT 1", " UNION ALL "),
        format!("SELECT {} FROM logs", chain(20_000, "*", ",")),
        format!("SELECT 1 FROM {}", chain(10_000, "logs", ",")),
        format!("{doubled} SELECT * FROM t24"),
    ];
    for statement in statements {
        let error = shop.refused(&statement).await;
        assert_eq!(error.kind, ErrorKind::Invalid, "{}: {error}", &statement[..60]);
        assert!(error.message.contains("at most"), "{}: {error}", &statement[..60]);
    }
    let bearable = format!("SELECT count(*) FROM logs WHERE {}", chain(400, "amount > 5", " OR "));
    assert_eq!(shop.rows(&bearable).await, json!([[879]]));
    let listed: Vec<String> = (0..9_000).map(|number| number.to_string()).collect();
    let listed = format!("SELECT count(*) FROM logs WHERE amount IN ({})", listed.join(","));
    assert_eq!(shop.rows(&listed).await, json!([[225]]));
}

/// Conditions that the scan decides in part, and the same hidden from it, must leave the same rows.
#[test]
fn what_the_scan_leaves_out_would_be_left_out_anyway() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = || proptest::collection::vec(generate::any_event(), 60..200);
    let mut runner = TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() });
    let run = runner.run(&(events(), events()), |(mut first, second)| {
        // A dynamic field has the type of what is met: strings, whatever else was made.
        let strings = ["x", "x.y", "tags", "é"].map(|name| (name.into(), Value::text("a b")));
        first.push(Event { body: strings.into(), ..payment(0) });
        runtime.block_on(async {
            let shop = Shop::with(vec![first, second], |_| {}).await;
            let counts = async |form: fn(&str) -> String| {
                let one = |(place, condition): (usize, &&str)| {
                    format!("SELECT {place} AS place, count(*) FROM logs WHERE {}", form(condition))
                };
                let all: Vec<String> = CONDITIONS.iter().enumerate().map(one).collect();
                shop.rows(&format!("{} ORDER BY place", all.join(" UNION ALL "))).await
            };
            let pushed = counts(str::to_owned).await;
            let hidden = counts(|condition| format!("(({condition}) IS TRUE)")).await;
            for (place, condition) in CONDITIONS.iter().enumerate() {
                prop_assert_eq!(&pushed[place], &hidden[place], "{}", condition);
            }
            let all = shop.rows("SELECT count(*), count(_id), count(@timestamp) FROM (SELECT * FROM logs)").await;
            prop_assert_eq!(&all[0][0], &all[0][1]);
            prop_assert_eq!(&all[0][0], &all[0][2]);
            Ok(())
        })
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}

const CONDITIONS: &[&str] = &[
    "service = 'cart'",
    "service = '5'",
    "x = '5'",
    "x = 'true'",
    "\"x.y\" = '5'",
    "level IN ('error', 'ERROR', 'info')",
    "level = 'error' OR amount > 10",
    "amount > 10",
    "amount >= 10.5 AND amount < 1000",
    "amount = 5",
    "5 < quantity",
    "quantity BETWEEN 1 AND 5",
    "response_time_ms <= 100.5",
    "cache_hit",
    "cache_hit = false",
    "message = 'gateway timeout'",
    "message LIKE '%timeout%'",
    "service LIKE 'c%t'",
    "x LIKE '_'",
    "tags = 'a b'",
    "tags IS NOT NULL",
    "x IS NOT NULL",
    "x IS NULL",
    "NOT (service = 'cart')",
    "log_type = 'error' AND service IS NOT NULL",
    "@timestamp >= '2026-11-22T00:00:00Z'",
    "@timestamp BETWEEN '2026-11-21T12:00:00Z' AND '2026-11-22T12:00:00Z' AND level = 'ERROR'",
    "@timestamp > TIMESTAMP '2026-11-21 06:00:00'",
    "account_created_at < '2026-11-22T00:00:00Z'",
    "_id = '~0' OR _id LIKE '~%'",
    "client_ip = '2001:db8::1'",
    "client_ip LIKE '10.%'",
    "status = 'completed' AND NOT cache_hit",
    "\"é\" = 'cart'",
];
