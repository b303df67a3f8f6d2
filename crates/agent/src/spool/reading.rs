//! Taking events out of the spool, in order, a batch at a time. One thread does it; a batch is taken again until it is
//! acknowledged or the process ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::record::{self, Found, HEADER_BYTES};
use super::segments::{self, Piece};
use super::{Mark, Spool};
use crate::ledger::{Amount, SourceKey};

/// Events that wait, of whole records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// One JSON object a line.
    pub lines: Vec<u8>,
    /// How many.
    pub count: u64,
    pub(super) amounts: Vec<(SourceKey, Amount)>,
    pub(super) next_sequence: u64,
    pub(super) end: Mark,
    pub(super) damaged_bytes: u64,
}

/// Reads the spool from the first event that was not sent.
pub struct SpoolReader {
    spool: Arc<Spool>,
    mark: Option<Mark>,
    open: Option<(u64, File)>,
}

/// What one step of reading gave.
enum Step {
    Events { lines: Vec<u8>, key: SourceKey, next_sequence: u64 },
    Nothing,
    Damaged(u64),
    End,
}

impl SpoolReader {
    /// Of this spool.
    pub const fn new(spool: Arc<Spool>) -> Self {
        Self { spool, mark: None, open: None }
    }

    /// The events that wait, whole records until they have `bytes` bytes; `None` when nothing waits.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn next_batch(&mut self, bytes: usize) -> io::Result<Option<Batch>> {
        let mut batch: Option<Batch> = None;
        let mut damaged_bytes = 0;
        while batch.as_ref().is_none_or(|batch| batch.lines.len() < bytes) {
            match self.step()? {
                Step::End => break,
                Step::Nothing => {}
                Step::Damaged(bytes) => damaged_bytes += bytes,
                Step::Events { lines, key, next_sequence } => {
                    let end = self.mark.unwrap_or(Mark { segment: 0, offset: 0 });
                    let batch = batch.get_or_insert_with(|| Batch {
                        lines: Vec::new(),
                        count: 0,
                        amounts: Vec::new(),
                        next_sequence,
                        end,
                        damaged_bytes: 0,
                    });
                    let count = memchr::memchr_iter(b'\n', &lines).count() as u64;
                    batch.count += count;
                    batch.amounts.push((key, Amount { count, bytes: lines.len() as u64 }));
                    (batch.next_sequence, batch.end) = (next_sequence, end);
                    batch.lines.extend_from_slice(&lines);
                }
            }
        }
        if let Some(batch) = &mut batch {
            batch.damaged_bytes = damaged_bytes;
        }
        Ok(batch)
    }

    /// Reads the next record, or passes over what is none.
    fn step(&mut self) -> io::Result<Step> {
        let Some((mark, end, sent_sequence)) = self.here() else { return Ok(Step::End) };
        if mark.offset >= end {
            return Ok(Step::End);
        }
        let bytes = match self.read_record(mark, end)? {
            Some(bytes) => bytes,
            None => return self.pass_over_damage(mark, end),
        };
        let Found::Record(record) = record::read(&bytes) else { return self.pass_over_damage(mark, end) };
        let after = Mark { segment: mark.segment, offset: mark.offset + record.length as u64 };
        let next_sequence = record.next_sequence();
        if record.event_count == 0 || next_sequence <= sent_sequence {
            self.mark = Some(after);
            return Ok(Step::Nothing);
        }
        let (Some(lines), Some(source)) = (record.events(), record.source()) else {
            return self.pass_over_damage(mark, end);
        };
        self.mark = Some(after);
        Ok(Step::Events { lines, key: source.place.key(), next_sequence })
    }

    /// Where reading stands, where what can be read of that segment ends, and what was sent.
    fn here(&mut self) -> Option<(Mark, u64, u64)> {
        let inner = self.spool.lock();
        let synced = inner.synced?;
        let first = inner.segments.front()?.number;
        let mut mark = self.mark.filter(|mark| mark.segment >= first).unwrap_or(Mark { segment: first, offset: 0 });
        let end_of = |number: u64| {
            if number == synced.segment {
                return synced.offset;
            }
            inner.segments.iter().find(|segment| segment.number == number).map_or(0, |segment| segment.bytes)
        };
        while mark.segment < synced.segment && mark.offset >= end_of(mark.segment) {
            mark = Mark { segment: mark.segment + 1, offset: 0 };
        }
        let (end, sent) = (end_of(mark.segment), inner.sent.sequence);
        drop(inner);
        self.mark = Some(mark);
        Some((mark, end, sent))
    }

    fn file(&mut self, number: u64) -> io::Result<&mut File> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != number) {
            let path = segments::path_of(&self.spool.lock().folder, number);
            self.open = Some((number, File::open(path)?));
        }
        self.open.as_mut().map(|(_, file)| file).ok_or_else(|| io::Error::other("the segment is not open"))
    }

    /// As many bytes as the record says that it has; `None` when it cannot have so many.
    fn read_record(&mut self, mark: Mark, end: u64) -> io::Result<Option<Vec<u8>>> {
        let mut header = [0; HEADER_BYTES];
        let left = end - mark.offset;
        if left < HEADER_BYTES as u64 {
            return Ok(None);
        }
        let file = self.file(mark.segment)?;
        file.seek(SeekFrom::Start(mark.offset))?;
        file.read_exact(&mut header)?;
        let Some(length) = record::body_length(&header) else { return Ok(None) };
        if (HEADER_BYTES + length) as u64 > left {
            return Ok(None);
        }
        let mut bytes = header.to_vec();
        bytes.resize(HEADER_BYTES + length, 0);
        file.read_exact(&mut bytes[HEADER_BYTES..])?;
        Ok(Some(bytes))
    }

    /// Sets the bytes aside that are no record, up to the next that is one.
    fn pass_over_damage(&mut self, mark: Mark, end: u64) -> io::Result<Step> {
        let mut bytes = vec![0; (end - mark.offset) as usize];
        let file = self.file(mark.segment)?;
        file.seek(SeekFrom::Start(mark.offset))?;
        file.read_exact(&mut bytes)?;
        let damaged = match segments::piece_at(&bytes, 0) {
            Some(Piece::Damaged(damaged) | Piece::Torn(damaged)) => damaged,
            // Its checksum is right and its content is not: only it is passed over.
            Some(Piece::Record(record)) => &bytes[..record.length],
            None => return Ok(Step::End),
        };
        segments::set_aside(&self.spool.lock().folder, mark.segment, mark.offset, damaged)?;
        self.mark = Some(Mark { segment: mark.segment, offset: mark.offset + damaged.len() as u64 });
        Ok(Step::Damaged(damaged.len() as u64))
    }
}
