//! Files and standard input that are read into a spool: every line once, over restarts, and none that finds no room.

use std::fs::{self, OpenOptions};
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::thread;

use tempfile::TempDir;

use super::files::{FileGroup, follow};
use super::stdin::{StdinSpec, read};
use super::*;
use crate::Joining;
use crate::multiline::Multiline;
use crate::spool::SpoolReader;

const LINE_BYTES_MAX: usize = 2_000;

/// A folder of logs and a spool that can be opened again.
struct Shop {
    folder: TempDir,
    spool_bytes_max: u64,
    multiline: Multiline,
}

impl Shop {
    fn new() -> Self {
        let multiline = Multiline { joining: Joining::Traces, flush_after: Duration::ZERO };
        Self { folder: tempfile::tempdir().unwrap(), spool_bytes_max: 64 * 1024 * 1024, multiline }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn context(&self) -> Context {
        let folder = self.path("spool");
        Context {
            spool: Arc::new(Spool::open(&folder, self.spool_bytes_max).unwrap()),
            set_aside: Arc::new(SetAside::new(&folder)),
            problems: Arc::default(),
            stop: Arc::default(),
            clock: Arc::new(|| Timestamp::from_seconds(0)),
            name: "till-1".into(),
            beside: Arc::default(),
            line_bytes_max: LINE_BYTES_MAX,
        }
    }

    /// Follows the logs until the condition holds; the process may then as well have been killed.
    fn follow_until(&self, condition: impl Fn(&Context) -> bool) -> Context {
        let context = self.context();
        let group = FileGroup {
            patterns: vec![self.path("*.log*").display().to_string()],
            multiline: self.multiline.clone(),
            beside: Beside::default(),
        };
        thread::scope(|scope| {
            let following = scope.spawn(|| follow(&[group], &context));
            while !condition(&context) {
                context.spool.wait(Duration::from_millis(20));
            }
            context.stop.set();
            following.join().unwrap();
        });
        context
    }

    fn follow_until_read(&self, count: u64) -> Context {
        self.follow_until(|context| context.spool.numbers().read_count >= count)
    }
}

/// Everything that waits: ids and messages.
fn waiting(context: &Context) -> Vec<(String, String)> {
    context.spool.sync().unwrap();
    let mut reader = SpoolReader::new(Arc::clone(&context.spool));
    let lines = reader.next_batch(usize::MAX).unwrap().map(|batch| batch.lines).unwrap_or_default();
    let text = String::from_utf8(lines).unwrap();
    let field = |json: &serde_json::Value, name: &str| json[name].as_str().unwrap_or_default().to_owned();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|json| (field(&json, "_id"), field(&json, "message")))
        .collect()
}

fn messages(context: &Context) -> Vec<String> {
    let mut messages: Vec<String> = waiting(context).into_iter().map(|(_, message)| message).collect();
    messages.sort();
    messages
}

#[test]
fn lines_are_read_once_over_rotation_and_restarts() {
    let shop = Shop::new();
    shop.append("a.log", "one\ntwo\nthr");
    assert_eq!(messages(&shop.follow_until_read(2)), ["one", "two"], "a line that is not finished waits");
    shop.append("a.log", "ee\n");
    fs::rename(shop.path("a.log"), shop.path("a.log.1")).unwrap();
    shop.append("a.log", "four\n");
    let context = shop.follow_until_read(4);
    assert_eq!(messages(&context), ["four", "one", "three", "two"]);
    let mut ids: Vec<String> = waiting(&context).into_iter().map(|(id, _)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_file_that_begins_anew_with_the_same_line_has_other_ids() {
    let shop = Shop::new();
    shop.append("a.log", "begin\nmore\n");
    drop(shop.follow_until_read(2));
    fs::write(shop.path("a.log"), "begin\n").unwrap();
    let ids = waiting(&shop.follow_until_read(3));
    assert_eq!((ids[0].1.as_str(), ids[2].1.as_str()), ("begin", "begin"));
    assert_ne!(ids[0].0, ids[2].0);
}

#[test]
fn an_event_waits_for_its_lines_and_not_for_ever() {
    let mut shop = Shop::new();
    shop.multiline.flush_after = Duration::from_secs(3_600);
    shop.append("a.log", "one\npay failed\n\tat a.B.c(B.java:1)\n");
    assert_eq!(messages(&shop.follow_until_read(1)), ["one"]);
    shop.append("a.log", "\tat a.B.d(B.java:2)\nnext\n");
    let read = messages(&shop.follow_until_read(2));
    assert_eq!(read, ["one", "pay failed\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)"]);
    shop.multiline.flush_after = Duration::from_millis(1);
    assert_eq!(messages(&shop.follow_until_read(3))[0], "next");
}

#[test]
fn a_full_spool_stops_reading_and_goes_on_where_it_stopped() {
    let mut shop = Shop::new();
    shop.spool_bytes_max = 512 * 1024;
    // Digits of a hash, so that they cannot be packed well.
    let lines: String =
        (0..20_000_u64).map(|number| format!("{}\n", crate::event::id_of(&[&number.to_le_bytes()]))).collect();
    shop.append("a.log", &lines);
    let is_full = |context: &Context| context.problems.all().values().any(|words| words.contains("spool is full"));
    let mut seen = Vec::new();
    let mut full_count = 0;
    while seen.len() < 20_000 {
        let context = shop.follow_until(|context| is_full(context) || context.spool.numbers().read_count >= 20_000);
        full_count += usize::from(is_full(&context));
        seen.extend(messages(&context));
        // What waits is sent; then there is room again.
        let mut reader = SpoolReader::new(Arc::clone(&context.spool));
        while let Some(batch) = reader.next_batch(100_000).unwrap() {
            context.spool.acknowledge(&batch, 0).unwrap();
        }
    }
    assert!(full_count > 1, "{full_count}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 20_000);
}

#[test]
fn what_cannot_be_sent_is_set_aside_and_what_is_around_it_is_read() {
    let shop = Shop::new();
    let large = "x".repeat(3 * LINE_BYTES_MAX);
    shop.append("a.log", &format!("before\na\0b\n{large}"));
    let is_aside = |context: &Context| context.spool.numbers().set_aside_count == 2;
    drop(shop.follow_until(is_aside));
    shop.append("a.log", "more of it\nafter\n");
    let context = shop.follow_until_read(2);
    assert_eq!(messages(&context), ["after", "before"]);
    let aside = fs::read_to_string(context.set_aside.path()).unwrap();
    assert_eq!(aside.lines().count(), 2);
    assert!(aside.contains("NUL") && aside.contains("line_bytes_max") && aside.contains("a.log"), "{aside}");
}

#[test]
fn standard_input_is_read_to_its_end() {
    let shop = Shop::new();
    let context = shop.context();
    let large = "x".repeat(3 * LINE_BYTES_MAX);
    let input = format!("pay failed\n\tat a.B.c(B.java:1)\n\n{large}\nsame\nsame\nlast");
    read(&StdinSpec::default(), Cursor::new(input.into_bytes()), &context).unwrap();
    let read_events = waiting(&context);
    let texts: Vec<&str> = read_events.iter().map(|(_, message)| message.as_str()).collect();
    assert_eq!(
        (texts[0], &texts[texts.len() - 3..]),
        ("pay failed\n\tat a.B.c(B.java:1)", &["same", "same", "last"][..])
    );
    let (one, other) = (&read_events[read_events.len() - 3].0, &read_events[read_events.len() - 2].0);
    assert_ne!(one, other, "lines that say the same are two events");
}

#[test]
fn a_line_of_standard_input_that_is_too_large_is_set_aside() {
    /// Gives one piece at a time, so that the line comes in several.
    struct Pieces(Vec<Vec<u8>>);
    impl std::io::Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Some(piece) = (!self.0.is_empty()).then(|| self.0.remove(0)) else { return Ok(0) };
            buffer[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }
    let shop = Shop::new();
    let context = shop.context();
    let large = vec![b'x'; LINE_BYTES_MAX + 1];
    let pieces = vec![b"before\n".to_vec(), large.clone(), large, b"\nafter\n".to_vec()];
    read(&StdinSpec::default(), Pieces(pieces), &context).unwrap();
    assert_eq!(messages(&context), ["after", "before"]);
    assert_eq!(context.spool.numbers().set_aside_count, 1);
}
