//! A spool that is torn, flipped, filled and opened again: what was appended comes out once and in order.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use std::path::PathBuf;

use rand::Rng;

use super::*;

const BYTES_MAX: u64 = 1024 * 1024;

/// A spool in a folder that can be opened again.
struct Shop {
    folder: TempDir,
}

impl Shop {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Arc<Spool> {
        Arc::new(Spool::open(self.folder.path(), BYTES_MAX).unwrap())
    }

    fn segments(&self) -> Vec<PathBuf> {
        let segments = segments::list(self.folder.path()).unwrap();
        segments.iter().map(|segment| segments::path_of(self.folder.path(), segment.number)).collect()
    }
}

fn cursor(number: usize) -> Place {
    Place::Journald { cursor: format!("c{number}") }
}

fn events(number: usize) -> Events {
    Events { lines: format!("{{\"n\":{number}}}\n").into_bytes(), count: 1 }
}

fn append(spool: &Spool, numbers: std::ops::Range<usize>) {
    for number in numbers {
        spool.append(cursor(number), &events(number), 10).unwrap();
    }
    spool.sync().unwrap();
}

/// The numbers of everything that waits.
fn waiting(spool: &Arc<Spool>) -> Vec<usize> {
    let mut reader = SpoolReader::new(Arc::clone(spool));
    let batch = reader.next_batch(usize::MAX).unwrap();
    let lines = String::from_utf8(batch.map(|batch| batch.lines).unwrap_or_default()).unwrap();
    let number = |line: &str| line.trim_start_matches("{\"n\":").trim_end_matches('}').parse().unwrap();
    lines.lines().map(number).collect()
}

#[test]
fn what_waits_is_there_again_after_a_crash_with_its_positions() {
    let shop = Shop::new();
    let spool = shop.open();
    append(&spool, 0..5);
    let mut reader = SpoolReader::new(Arc::clone(&spool));
    let batch = reader.next_batch(1).unwrap().unwrap();
    spool.acknowledge(&batch, 0).unwrap();
    assert_eq!(spool.numbers().waiting.count, 4);
    let id = spool.id();
    drop((spool, reader));
    let spool = shop.open();
    assert_eq!((waiting(&spool), spool.id()), (vec![1, 2, 3, 4], id));
    assert_eq!(spool.journal_cursor().as_deref(), Some("c4"));
    let numbers = spool.numbers();
    assert_eq!(
        (numbers.waiting.count, numbers.sources[0].sent_count(), numbers.sources[0].entry.read_count),
        (4, 1, 5)
    );
    append(&spool, 5..6);
    assert_eq!(waiting(&spool), [1, 2, 3, 4, 5]);
}

#[test]
fn what_is_not_synced_is_not_given_out() {
    let shop = Shop::new();
    let spool = shop.open();
    append(&spool, 0..1);
    spool.append(cursor(1), &events(1), 10).unwrap();
    assert_eq!(waiting(&spool), [0]);
    spool.sync().unwrap();
    assert_eq!(waiting(&spool), [0, 1]);
}

#[test]
fn a_torn_tail_is_cut_off_and_its_position_with_it() {
    let shop = Shop::new();
    append(&shop.open(), 0..3);
    let path = shop.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    let third = whole.len() / 3 * 2;
    for length in (third + 1..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let spool = shop.open();
        assert_eq!((waiting(&spool), spool.journal_cursor()), (vec![0, 1], Some("c1".into())), "{length}");
        append(&spool, 2..3);
        assert_eq!(waiting(&spool), [0, 1, 2]);
    }
}

#[test]
fn any_flipped_bit_in_the_middle_sets_only_its_record_aside() {
    let shop = Shop::new();
    append(&shop.open(), 0..3);
    let path = shop.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    let second = whole.len() / 3;
    // Each bit of a record is tried where records are read; here it is what is made of it.
    for bit in (second * 8..second * 2 * 8).step_by(11) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &flipped).unwrap();
        let spool = shop.open();
        assert_eq!(waiting(&spool), [0, 2], "bit {bit}");
        assert_eq!(spool.numbers().damaged_bytes, second as u64);
    }
}

#[test]
fn damage_that_comes_while_it_is_open_is_passed_over() {
    let shop = Shop::new();
    let spool = shop.open();
    append(&spool, 0..3);
    let path = shop.segments().remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(waiting(&spool), [0, 2]);
}

/// Fills the spool; gives how many events found room.
fn fill(spool: &Spool) -> usize {
    for number in 0.. {
        // Random, so that it cannot be packed.
        let text: String = (0..20_000).map(|_| rand::rng().random_range('a'..='z')).collect();
        let events = Events { lines: format!("{{\"n\":{number},\"text\":\"{text}\"}}\n").into_bytes(), count: 1 };
        match spool.append(cursor(number), &events, 10) {
            Ok(()) => {}
            Err(AppendError::Full(_)) => return number,
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!()
}

#[test]
fn a_full_spool_takes_nothing_until_something_was_sent() {
    let shop = Shop::new();
    let spool = shop.open();
    let count = fill(&spool);
    assert!(count > 40, "{count}");
    assert_eq!(spool.journal_cursor(), Some(format!("c{}", count - 1)), "what found no room has moved no position");
    spool.sync().unwrap();
    assert!(spool.numbers().bytes <= BYTES_MAX);
    let segments_before = shop.segments().len();
    let mut reader = SpoolReader::new(Arc::clone(&spool));
    let mut seen = 0;
    while let Some(batch) = reader.next_batch(100_000).unwrap() {
        seen += batch.count;
        spool.acknowledge(&batch, 0).unwrap();
    }
    assert_eq!((seen as usize, spool.numbers().waiting), (count, Amount::default()));
    assert!(segments_before > 1 && shop.segments().len() == 1, "whole segments are removed");
    assert!(fill(&spool) > 30);
}

#[test]
fn positions_outlive_the_segments_that_held_them() {
    let shop = Shop::new();
    let spool = shop.open();
    spool.append(Place::Stdin, &events(0), 10).unwrap();
    fill(&spool);
    spool.sync().unwrap();
    let mut reader = SpoolReader::new(Arc::clone(&spool));
    while let Some(batch) = reader.next_batch(usize::MAX).unwrap() {
        spool.acknowledge(&batch, 2).unwrap();
    }
    drop((spool, reader));
    let spool = shop.open();
    assert_eq!(spool.read_count(SourceKey::Stdin), 1);
    assert_eq!((spool.numbers().waiting.count, spool.numbers().set_aside_count), (0, 2));
}

#[test]
fn a_note_that_cannot_be_read_is_named() {
    let shop = Shop::new();
    fs::write(shop.folder.path().join("sources.json"), "{").unwrap();
    let error = Spool::open(shop.folder.path(), BYTES_MAX).err().unwrap().to_string();
    assert!(error.contains("sources.json") && error.contains("mend or remove it"), "{error}");
}
