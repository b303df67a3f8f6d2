//! The state of windows as bytes, and back. The same state gives the same bytes; reading never trusts a length.
//!
//! Not a file: whoever writes one adds checksum and place in the log.

use super::history::{Kept, Mark};
use super::hours::Hours;
use super::{Amount, Bounds, History, Occurrence, Totals, Windows};
use crate::Timestamp;

/// The first byte: the version of what follows.
const VERSION: u8 = 1;

/// The bytes are no snapshot of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no snapshot of windows, {left} before their end")]
pub struct SnapshotError {
    /// How many bytes were not read.
    pub left: usize,
}

impl Windows {
    /// Appends the state.
    pub fn write_snapshot(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        write_i64(out, self.newest_at.as_nanos());
        write_u64(out, self.histories.len() as u64);
        for (key, history) in self.histories.sorted() {
            write_u64(out, key);
            write_history(out, history);
        }
    }

    /// Reads a state from the front of `bytes`, with the bounds that are to hold from now on.
    ///
    /// # Errors
    /// When the bytes are not what [`Self::write_snapshot`] writes.
    pub fn read_snapshot(bytes: &mut &[u8], bounds: Bounds) -> Result<Self, SnapshotError> {
        let mut windows = Self::new(bounds);
        if read::<1>(bytes)? != [VERSION] {
            return Err(SnapshotError { left: bytes.len() });
        }
        windows.newest_at = read_at(bytes)?;
        for _ in 0..read_u64(bytes)? {
            let key = read_u64(bytes)?;
            windows.histories.entry(key).insert_entry(read_history(bytes)?);
        }
        Ok(windows)
    }
}

fn write_history(out: &mut Vec<u8>, history: &History) {
    let none = Hours::default();
    let hours = history.hours.as_deref().unwrap_or(&none);
    write_totals(out, &hours.before);
    out.push(u8::from(hours.newest_at.is_some()));
    write_i64(out, hours.newest_at.unwrap_or_default().as_nanos());
    let by_hour = hours.by_hour();
    write_u64(out, by_hour.len() as u64);
    for (hour, totals) in by_hour {
        write_i64(out, hour);
        write_totals(out, &totals);
    }
    write_u64(out, history.kept.len() as u64);
    for kept in &history.kept {
        write_kept(out, kept);
    }
}

fn read_history(bytes: &mut &[u8]) -> Result<History, SnapshotError> {
    let mut hours = Hours::behind(read_totals(bytes)?);
    let has_newest = read::<1>(bytes)? == [1];
    hours.newest_at = Some(read_at(bytes)?).filter(|_| has_newest);
    for _ in 0..read_u64(bytes)? {
        let hour = read_i64(bytes)?;
        hours.add(hour, read_totals(bytes)?);
    }
    let hours = Some(Box::new(hours)).filter(|hours| **hours != Hours::default());
    let mut history = History { hours, ..History::default() };
    for _ in 0..read_u64(bytes)? {
        let (occurrence, mark) = read_kept(bytes)?;
        if !history.insert_kept(occurrence, mark) {
            return Err(SnapshotError { left: bytes.len() });
        }
    }
    Ok(history)
}

fn write_kept(out: &mut Vec<u8>, kept: &Kept) {
    let Occurrence { at, id, amount, item } = kept.occurrence;
    write_i64(out, at.as_nanos());
    write_u64(out, id);
    write_i64(out, amount.parts());
    write_u64(out, item);
    out.push(match kept.mark {
        Mark::Unmarked => 0,
        Mark::UnusualFraud => 1,
        Mark::UsualFraud => 2,
    });
}

fn read_kept(bytes: &mut &[u8]) -> Result<(Occurrence, Mark), SnapshotError> {
    let (at, id) = (read_at(bytes)?, read_u64(bytes)?);
    let (amount, item) = (Amount::from_parts(read_i64(bytes)?), read_u64(bytes)?);
    let mark = match read::<1>(bytes)? {
        [0] => Mark::Unmarked,
        [1] => Mark::UnusualFraud,
        [2] => Mark::UsualFraud,
        _ => return Err(SnapshotError { left: bytes.len() }),
    };
    Ok((Occurrence { at, id, amount, item }, mark))
}

fn write_totals(out: &mut Vec<u8>, totals: &Totals) {
    write_u64(out, totals.count.into());
    out.extend_from_slice(&totals.amount_parts.to_le_bytes());
    write_u64(out, totals.fraud_count.into());
    write_u64(out, totals.usual_fraud_count.into());
}

fn read_totals(bytes: &mut &[u8]) -> Result<Totals, SnapshotError> {
    let count = read_count(bytes)?;
    let amount_parts = i128::from_le_bytes(read(bytes)?);
    Ok(Totals { count, amount_parts, fraud_count: read_count(bytes)?, usual_fraud_count: read_count(bytes)? })
}

fn read_count(bytes: &mut &[u8]) -> Result<u32, SnapshotError> {
    u32::try_from(read_u64(bytes)?).map_err(|_| SnapshotError { left: bytes.len() })
}

fn write_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn write_i64(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn read_u64(bytes: &mut &[u8]) -> Result<u64, SnapshotError> {
    read(bytes).map(u64::from_le_bytes)
}

fn read_i64(bytes: &mut &[u8]) -> Result<i64, SnapshotError> {
    read(bytes).map(i64::from_le_bytes)
}

fn read_at(bytes: &mut &[u8]) -> Result<Timestamp, SnapshotError> {
    read_i64(bytes).map(Timestamp::from_nanos)
}

fn read<const LENGTH: usize>(bytes: &mut &[u8]) -> Result<[u8; LENGTH], SnapshotError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(SnapshotError { left: bytes.len() })?;
    *bytes = rest;
    Ok(*first)
}
