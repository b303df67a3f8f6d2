//! Files of the store, made by the store itself: its write-ahead log, manifest and the index of a part.

use std::io;
use std::path::{Path, PathBuf};

use vigie_domain::ports::{Append, LogStore};
use vigie_domain::{Event, EventId, LogType, Scope, Timestamp, Value};
use vigie_storage::{EngineOptions, LogEngine};

use crate::seeds::{SeedError, Seeds};

/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;
const EVENTS: i64 = 12;
/// Length and checksum before the body of a record of the log.
const RECORD_HEADER_BYTES: usize = 8;
/// Length and checksum of the head, and the magic behind it.
const INDEX_TAIL_BYTES: usize = 16;

fn event(number: i64) -> Event {
    let timestamp = Timestamp::from_seconds(DAY_S + number);
    let body = vec![
        ("message".into(), Value::text(format!("step {number} of many"))),
        ("service".into(), Value::text(["cart", "web"][(number % 2) as usize])),
        ("items".into(), Value::from(number)),
    ];
    let id = (number % 3 == 0).then(|| EventId(format!("sent-{number}")));
    Event { id, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body }
}

/// What the store has written of some events: first to its log, then to a part.
struct Stored {
    log: Vec<u8>,
    manifest: Vec<u8>,
    index: Vec<u8>,
}

fn stored() -> Result<Stored, SeedError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let folder = tempfile::tempdir()?;
    let engine = LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.path()) })?;
    let append = Append { key: Some("key".to_owned()), events: (0..EVENTS).map(event).collect() };
    runtime.block_on(engine.append(&Scope::main(), append))?;
    let log = std::fs::read(only_file(&folder.path().join("wal"), "wal")?)?;
    runtime.block_on(engine.flush());
    let index = std::fs::read(only_file(&folder.path().join("indices/2026.11.23"), "index")?)?;
    Ok(Stored { log, manifest: std::fs::read(folder.path().join("manifest"))?, index })
}

/// The first file of that ending.
fn only_file(folder: &Path, extension: &str) -> io::Result<PathBuf> {
    let paths = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut found = paths
        .filter(|path| path.as_ref().map_or(true, |path| path.extension().is_some_and(|found| found == extension)));
    found.next().unwrap_or_else(|| {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("no .{extension} in {}", folder.display())))
    })
}

/// A record of the log, and its body alone.
pub fn log_record() -> Result<Seeds, SeedError> {
    let log = stored()?.log;
    Ok(vec![log[RECORD_HEADER_BYTES..].to_vec(), log])
}

/// A manifest, and what its checksum is of.
pub fn manifest() -> Result<Seeds, SeedError> {
    let manifest = stored()?.manifest;
    let head = manifest.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Ok(vec![manifest[head..].to_vec(), manifest])
}

/// The head of an index.
pub fn part_index() -> Result<Seeds, SeedError> {
    let index = stored()?.index;
    let end = index.len().saturating_sub(INDEX_TAIL_BYTES);
    let length = index[end..].iter().take(4).rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    Ok(vec![index[end.saturating_sub(length)..end].to_vec()])
}

/// Pages of codes: some repeated and some packed, with and without rows that lack one.
pub fn codes_page() -> Result<Seeds, SeedError> {
    /// Three bits each: a run of twelve fives, then the numbers from 0 to 7.
    const CODES: [u8; 7] = [3, 12 << 1, 5, 1 << 1 | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010];
    /// Of twenty-eight rows the first twelve and the last eight have a value.
    const LEVELS: [u8; 10] = [6, 0, 0, 0, 12 << 1, 1, 8 << 1, 0, 8 << 1, 1];
    let with = |head: [u8; 3], bytes: &[&[u8]]| [&head[..], &bytes.concat()].concat();
    Ok(vec![with([20, 0, 0], &[&CODES]), with([28, 0, 1], &[&LEVELS, &CODES])])
}

/// Three strings of a dictionary, each behind its length, and one that is longer than the page.
pub fn dictionary() -> Result<Seeds, SeedError> {
    let with_length = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let strings = ["", "EUR", "é"].map(with_length).concat();
    let long = [&[1, 0, 9, 0, 0, 0], &b"EUR"[..]].concat();
    Ok(vec![[&[3, 0], &strings[..]].concat(), long])
}
