//! What a store of many parts costs to open and to have open: `bench/run.sh parts`.
//!
//! `write FOLDER DAYS PARTS ROWS` makes as many parts a day, `open FOLDER` opens them in a process of its own and says how
//! long that took and how much memory it keeps. Parts are not merged, however small they are: their number is the point.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use vigie_domain::ports::{Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::parse;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, Event, EventBatch, LogType, Scope, TimeRange, Timestamp, Value};
use vigie_storage::{EngineOptions, LogEngine};

/// 2026-08-01T00:00:00Z.
const FIRST_DAY_S: i64 = 1_785_542_400;
const USAGE: &str = "usage: many_parts write FOLDER DAYS PARTS ROWS | many_parts open FOLDER";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder, days, parts, rows] => write(folder, days.parse()?, parts.parse()?, rows.parse()?).await,
        ["open", folder] => open(folder).await,
        _ => Err(USAGE.into()),
    }
}

fn engine(folder: &str) -> Result<LogEngine, Error> {
    LogEngine::open(EngineOptions { merge_fan_in: usize::MAX, free_bytes_min: 0, ..EngineOptions::new(folder) })
}

fn event(day: i64, part: i64, row: i64) -> Event {
    let second = FIRST_DAY_S + day * 86_400 + part * 3_600;
    let timestamp = Timestamp::from_seconds(second).saturating_add_nanos(row * 1_000_000);
    let number = (day * 24 + part) * 1_000_003 + row;
    let body = vec![
        ("message".into(), Value::text(format!("payment {number} of order {} went through", row * 7))),
        ("service".into(), Value::text(["cart", "web", "payment"][(number % 3) as usize])),
        ("trace_id".into(), Value::text(format!("{:032x}", (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c)))),
        ("user_id".into(), Value::text(format!("u{}", number * 31 % 200_000))),
        ("amount".into(), Value::Float(number as f64 / 8.0 + 0.01)),
    ];
    Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body }
}

async fn write(folder: &str, days: i64, parts: i64, rows: i64) -> Outcome<()> {
    let engine = engine(folder)?;
    for part in 0..parts {
        for day in 0..days {
            let events: EventBatch = (0..rows).map(|row| event(day, part, row)).collect();
            engine.append(&Scope::main(), Append { key: None, events }).await?;
        }
        engine.flush().await;
    }
    Ok(())
}

async fn open(folder: &str) -> Outcome<()> {
    let before_mb = resident_mb()?;
    let begun = Instant::now();
    let engine = engine(folder)?;
    let open_ms = begun.elapsed().as_millis();
    let open_mb = resident_mb()?;
    println!("opened in {open_ms} ms; {open_mb:.1} MB resident, {before_mb:.1} MB before");
    let day = TimeRange {
        from: Timestamp::from_seconds(FIRST_DAY_S),
        to: Timestamp::from_seconds(FIRST_DAY_S).saturating_add_nanos(NANOS_PER_DAY),
    };
    for (name, query, range, limit) in [
        ("newest 50", "", TimeRange::ALL, 50),
        ("a trace that is nowhere, all days", "trace_id:deadbeef", TimeRange::ALL, 50),
        ("a user of one day", "user_id:u31", day, 50),
    ] {
        let selection = Selection { query: parse(query)?, range };
        let order = SortOrder::NewestFirst;
        let request =
            SearchRequest { selection, order, after: None, skip: 0, limit, count_total: false, fields: Fields::All };
        for attempt in ["first", "again"] {
            let begun = Instant::now();
            let hits = engine.search(&Scope::main(), &request).await?.hits.len();
            println!("{name}, {attempt}: {:.1} ms, {hits} hits", begun.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    println!("{:.1} MB resident after these questions", resident_mb()?);
    Ok(())
}

/// Memory of this process in MB, as Linux has it.
fn resident_mb() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kib / 1_024.0)
}
