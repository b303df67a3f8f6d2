//! Reads every record of the write-ahead log without changing it.

use std::io;
use std::path::Path;

use super::report::{Damaged, FileKind, ScrubReport};
use crate::engine::WAL_FOLDER;
use crate::files::{self, Files};
use crate::part::Place;
use crate::wal::record::{self, Found, HEADER_BYTES};
use crate::wal::replay::next_record;
use crate::wal::{self, Segment};

/// Reads the log of the folder; events up to `consumed` are in parts as well.
///
/// # Errors
/// What the file system answers.
pub fn check_log(files: &dyn Files, folder: &Path, consumed: u64, report: &mut ScrubReport) -> io::Result<()> {
    let wal_folder = folder.join(WAL_FOLDER);
    if !files::is_folder(files, &wal_folder) {
        return Ok(());
    }
    let mut reading = Reading { files, consumed, expected: 0, open: None, report };
    let segments = wal::segments(files, &wal_folder)?;
    for (number, segment) in segments.iter().enumerate() {
        reading.arrive_at(segment.first_sequence);
        reading.segment(segment, number + 1 == segments.len())?;
    }
    Ok(())
}

struct Reading<'a> {
    files: &'a dyn Files,
    consumed: u64,
    /// The first sequence number that no record so far uses.
    expected: u64,
    /// Damage behind which no whole record was met yet.
    open: Option<usize>,
    report: &'a mut ScrubReport,
}

impl Reading<'_> {
    /// The next whole record or segment tells how many events the damage before it took.
    fn arrive_at(&mut self, sequence: u64) {
        if let Some(damaged) = self.open.take() {
            let lost = sequence.saturating_sub(self.expected.max(self.consumed));
            self.report.damaged[damaged].lost_events = Some(lost);
        }
        self.expected = self.expected.max(sequence);
    }

    fn segment(&mut self, segment: &Segment, is_newest: bool) -> io::Result<()> {
        let name = segment.path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{WAL_FOLDER}/{name}");
        let bytes = self.files.read(&segment.path)?;
        let mut at = 0;
        loop {
            match record::read(&bytes[at..]) {
                Found::End => return Ok(()),
                Found::Record(record, length) => {
                    at += length;
                    self.arrive_at(record.first_sequence);
                    self.expected = self.expected.max(record.first_sequence + record.events.len() as u64);
                    self.report.log_record_count += 1;
                    self.report.log_event_count += record.events.len() as u64;
                }
                Found::Damaged => {
                    let next = next_record(&bytes, at);
                    let end = next.unwrap_or(bytes.len());
                    let is_cut_off = next.is_none() && is_newest && is_shorter_than_said(&bytes[at..]);
                    let what = if is_cut_off {
                        "its last record is not whole: a write that was cut off before it was acknowledged, or damage"
                    } else {
                        "a record fails its checksum"
                    };
                    let place = Place { byte: at as u64, length_bytes: (end - at) as u64 };
                    let damaged = Damaged::other(FileKind::Log, &name, what);
                    self.report.damaged.push(Damaged { places: vec![place], ..damaged });
                    self.open = Some(self.report.damaged.len() - 1);
                    match next {
                        Some(next) => at = next,
                        None => return Ok(()),
                    }
                }
            }
        }
    }
}

/// Whether the file ends before the record at the start of `bytes` does.
fn is_shorter_than_said(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
    length.is_none_or(|length| bytes.len() < HEADER_BYTES + length)
}
