//! Reading the log back at start.
//!
//! A torn tail of the newest segment is cut off: it was never acknowledged. Damage before whole records is set aside
//! in a file of its own and counted, and reading goes on behind it.

use std::io;
use std::path::Path;

use super::record::{self, Found, HEADER_BYTES, Record};
use super::{Segment, segments};
use crate::files::{self, Files};

/// What was found beside whole records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Records read.
    pub record_count: u64,
    /// The first sequence number that no record uses.
    pub next_sequence: u64,
    /// Bytes cut off the end of the newest segment.
    pub torn_bytes: u64,
    /// Bytes set aside.
    pub damaged_bytes: u64,
}

/// Reads every record in order, one segment in memory at a time.
///
/// # Errors
/// What the file system answers, or what `visit` does.
pub fn replay(
    files: &dyn Files,
    folder: &Path,
    visit: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<ReplayReport> {
    let mut report = ReplayReport::default();
    let segments = segments(files, folder)?;
    for (index, segment) in segments.iter().enumerate() {
        let is_newest = index + 1 == segments.len();
        report.next_sequence = report.next_sequence.max(segment.first_sequence);
        replay_segment(files, segment, is_newest, &mut report, visit)?;
    }
    Ok(report)
}

fn replay_segment(
    files: &dyn Files,
    segment: &Segment,
    is_newest: bool,
    report: &mut ReplayReport,
    visit: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<()> {
    let bytes = files.read(&segment.path)?;
    if is_newest {
        // Its end may be what a process wrote and was killed before it was synced. Senders are told that it is stored
        // when they send it again.
        files.sync_file(&segment.path)?;
    }
    let mut at = 0;
    loop {
        match record::read(&bytes[at..]) {
            Found::End => return Ok(()),
            Found::Record(record, length) => {
                at += length;
                report.record_count += 1;
                report.next_sequence = report.next_sequence.max(record.first_sequence + record.events.len() as u64);
                visit(*record)?;
            }
            Found::Damaged => match next_record(&bytes, at) {
                Some(next) => {
                    set_aside(files, segment, at, &bytes[at..next])?;
                    report.damaged_bytes += (next - at) as u64;
                    at = next;
                }
                None if is_newest => {
                    report.torn_bytes += (bytes.len() - at) as u64;
                    return files.cut(&segment.path, at as u64);
                }
                None => {
                    set_aside(files, segment, at, &bytes[at..])?;
                    report.damaged_bytes += (bytes.len() - at) as u64;
                    return Ok(());
                }
            },
        }
    }
}

/// Bytes searched behind damage for the next whole record.
const SEARCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes summed while doing so: places that look like a long record cost their length.
const SEARCH_SUMMED_MAX: usize = 512 * 1024 * 1024;

/// Where the next whole record begins behind damage.
pub fn next_record(bytes: &[u8], damaged: usize) -> Option<usize> {
    let end = bytes.len().min(damaged + SEARCH_BYTES_MAX);
    let mut summed = 0;
    for at in damaged + 1..end {
        let length = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        if length < 8 || at + HEADER_BYTES + length > bytes.len() {
            continue;
        }
        summed += length;
        if summed > SEARCH_SUMMED_MAX {
            return None;
        }
        if matches!(record::read(&bytes[at..]), Found::Record(..)) {
            return Some(at);
        }
    }
    None
}

fn set_aside(files: &dyn Files, segment: &Segment, at: usize, damaged: &[u8]) -> io::Result<()> {
    let path = segment.path.with_extension(format!("damaged-{at:x}"));
    tracing::error!(path = %path.display(), bytes = damaged.len(), "log record is damaged; its bytes are set aside");
    files::replace_file(files, &path, damaged)
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Event, LogType, Timestamp, Value};

    use super::super::OpenSegment;
    use super::super::record::EncodedBatch;
    use super::*;
    use crate::files::OsFiles;

    fn batch(name: &str) -> EncodedBatch {
        let event = Event {
            id: None,
            timestamp: Timestamp::from_nanos(1),
            ingested_at: Timestamp::from_nanos(2),
            log_type: LogType::Other,
            body: vec![("name".into(), Value::text(name))],
        };
        EncodedBatch::new(None, &vec![event].into())
    }

    /// Three records in one segment, and where the second and third begin.
    fn three_records() -> (Vec<u8>, [usize; 2]) {
        let mut bytes = Vec::new();
        let mut starts = [0; 2];
        for (sequence, name) in ["one", "two", "three"].iter().enumerate() {
            if sequence > 0 {
                starts[sequence - 1] = bytes.len();
            }
            batch(name).write(sequence as u64, &mut bytes);
        }
        (bytes, starts)
    }

    fn replay_bytes(bytes: &[u8]) -> (Vec<u64>, ReplayReport, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut segment = OpenSegment::create(&OsFiles, folder.path(), 0).unwrap();
        segment.append(bytes).unwrap();
        segment.sync().unwrap();
        let mut sequences = Vec::new();
        let report = replay(&OsFiles, folder.path(), &mut |record| {
            sequences.push(record.first_sequence);
            Ok(())
        });
        (sequences, report.unwrap(), folder)
    }

    #[test]
    fn a_log_cut_at_any_byte_of_its_last_record_keeps_the_ones_before() {
        let (bytes, [_, third]) = three_records();
        for length in third + 1..bytes.len() {
            let (sequences, report, folder) = replay_bytes(&bytes[..length]);
            assert_eq!((sequences, report.torn_bytes), (vec![0, 1], (length - third) as u64), "{length}");
            let left = segments(&OsFiles, folder.path()).unwrap()[0].path.metadata().unwrap().len();
            assert_eq!(left, third as u64, "the tail is cut off");
        }
    }

    #[test]
    fn any_flipped_bit_in_the_middle_sets_only_its_record_aside() {
        let (bytes, [second, third]) = three_records();
        for bit in second * 8..third * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (sequences, report, _folder) = replay_bytes(&flipped);
            assert_eq!((sequences, report.damaged_bytes), (vec![0, 2], (third - second) as u64), "bit {bit}");
        }
    }

    #[test]
    fn an_empty_log_begins_at_zero() {
        let (sequences, report, _folder) = replay_bytes(&[]);
        assert_eq!((sequences, report), (vec![], ReplayReport::default()));
    }
}
