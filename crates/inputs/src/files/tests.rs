//! Files that grow, are renamed, cut and read again after a crash: every line is stored once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use vigie_testkit::LinearStore;

use super::*;
use crate::Protocol;
use crate::line_form::{Joining, LineFormat};
use crate::tests::{Bench, RECORD_BYTES_MAX, STOP_MAX};

/// A folder of logs that is followed, stopped and followed again over the same store.
struct Shop {
    folder: TempDir,
    store: Arc<LinearStore>,
}

impl Shop {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), store: Arc::default() }
    }

    fn follow(&self) -> Bench {
        self.follow_as(LineForm::default())
    }

    fn follow_as(&self, form: LineForm) -> Bench {
        let patterns = vec![self.path("*.log*").display().to_string()];
        let spec = FileSpec { patterns, positions: self.path("positions.json"), form };
        Bench::over(self.store.clone(), Protocol::Files(spec))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

/// Waits until so many events came through this bench, and tells all messages in the store.
async fn messages(bench: &Bench, received: u64) -> Vec<String> {
    bench.until(|numbers| numbers.received >= received).await;
    let mut messages = bench.texts("message").await;
    messages.sort();
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_appended_is_stored_once_over_restarts() {
    let shop = Shop::new();
    shop.append("a.log", "one\ntwo\nthr");
    let bench = shop.follow();
    assert_eq!(messages(&bench, 2).await, ["one", "two"], "a line that is not finished waits");
    shop.append("a.log", "ee\n");
    shop.append("b.log", "four\n");
    assert_eq!(messages(&bench, 4).await, ["four", "one", "three", "two"]);
    assert_eq!(bench.texts("log.file.path").await.len(), 4);
    bench.inputs.stop(STOP_MAX).await;
    shop.append("a.log", "five\n");
    let bench = shop.follow();
    assert_eq!(messages(&bench, 1).await, ["five", "four", "one", "three", "two"]);
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(bench.numbers().received, 1, "nothing is read a second time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_renamed_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    let shop = Shop::new();
    shop.append("a.log", "one\n");
    let bench = shop.follow();
    messages(&bench, 1).await;
    fs::rename(shop.path("a.log"), shop.path("a.log.1")).unwrap();
    shop.append("a.log.1", "two\n");
    shop.append("a.log", "three\n");
    assert_eq!(messages(&bench, 3).await, ["one", "three", "two"]);
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(bench.numbers().received, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_cut_begins_anew() {
    let shop = Shop::new();
    shop.append("a.log", "one\ntwo\n");
    let bench = shop.follow();
    messages(&bench, 2).await;
    fs::write(shop.path("a.log"), "three, which is longer than what was there before\n").unwrap();
    assert_eq!(messages(&bench, 3).await.len(), 3);
    bench.inputs.stop(STOP_MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_too_large_is_a_letter_and_those_around_it_are_events() {
    let shop = Shop::new();
    let large = "x".repeat(3 * RECORD_BYTES_MAX);
    shop.append("a.log", &format!("before\n{large}"));
    let bench = shop.follow();
    bench.until(|numbers| numbers.received == 2).await;
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(bench.letters().await[0].bytes().len(), RECORD_BYTES_MAX);
    shop.append("a.log", &format!("{large}\nafter\n"));
    let bench = shop.follow();
    assert_eq!(messages(&bench, 1).await, ["after", "before"], "its rest is passed over after a restart too");
    bench.inputs.stop(STOP_MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_file_is_named_and_left_alone() {
    let shop = Shop::new();
    fs::write(shop.path("a.log.2.gz"), b"\x1f\x8b\x08\0packed\n").unwrap();
    shop.append("a.log", "one\n");
    let bench = shop.follow();
    assert_eq!(messages(&bench, 1).await, ["one"]);
    bench.until(|numbers| numbers.last_error.as_ref().is_some_and(|(_, words)| words.contains("a.log.2.gz"))).await;
    bench.inputs.stop(STOP_MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_go_on_are_one_event_over_restarts() {
    let shop = Shop::new();
    shop.append("a.log", "one\npay failed\n");
    let bench = shop.follow();
    assert_eq!(messages(&bench, 1).await, ["one"], "what may go on is waited for");
    bench.inputs.stop(STOP_MAX).await;
    shop.append("a.log", "a.b.CException: no\n\tat a.B.c(B.java:1)\n");
    let bench = shop.follow();
    assert_eq!(messages(&bench, 1).await, ["one", "pay failed"], "it ends by itself when nothing more comes");
    assert_eq!(bench.texts("stack_trace").await, ["a.b.CException: no\n\tat a.B.c(B.java:1)"]);
    shop.append("a.log", "\tat too.Late.x(L.java:1)\n{\"message\":\"two\"}\n");
    assert_eq!(messages(&bench, 3).await, ["\tat too.Late.x(L.java:1)", "one", "pay failed", "two"]);
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(bench.numbers().received, 3, "nothing is read a second time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_are_left_whole_and_joined_as_a_pattern_says() {
    let shop = Shop::new();
    let first = "2026-11-23 14:04:05,123 ERROR shop.Cart - failed\n{\"a\":1}\n\n  level=warn x=1";
    shop.append("a.log", &format!("{first}\n2026-11-23 14:04:06 next\n"));
    let joining = Joining::starting_with(r"^\d{4}-").unwrap();
    let bench = shop.follow_as(LineForm { format: LineFormat::Plain, joining });
    assert_eq!(messages(&bench, 2).await, [first, "2026-11-23 14:04:06 next"]);
    assert_eq!(bench.texts("level").await, Vec::<String>::new());
    bench.inputs.stop(STOP_MAX).await;
    assert_eq!(bench.numbers().unaccounted(), 0);
}

/// Reads the file as far as the crash lets it; what was stored until then.
fn crash_after(file: &Path, positions: &Path, blocks: usize, is_last_stored: bool) -> Vec<String> {
    let mut stored = Vec::new();
    let mut positions = Positions::load(positions).unwrap();
    let inode = inode_of(file).unwrap();
    let mut followed = Followed::open(file, inode, positions.of(inode), RECORD_BYTES_MAX).unwrap();
    let form = Arc::new(LineForm::default());
    let _ = store_all(&mut followed, &form, &mut positions, &mut |block, _| {
        let is_last = stored.len() + 1 == blocks;
        if !is_last || is_last_stored {
            stored.push(block.key.clone());
        }
        if is_last { Err(Stopped) } else { Ok(FramedReport::default()) }
    });
    stored
}

/// A line that nothing goes on with, so that it is stored at once.
const MORE: &str = "{\"message\":\"more that came meanwhile\"}\n";

#[test]
fn after_a_crash_the_same_bytes_have_the_same_key() {
    for is_last_stored in [true, false] {
        let shop = Shop::new();
        let lines: String = (0..60_000).map(|number| format!("{{\"message\":\"the number {number}\"}}\n")).collect();
        shop.append("a.log", &lines);
        let (file, positions) = (shop.path("a.log"), shop.path("positions.json"));
        let before = crash_after(&file, &positions, 2, is_last_stored);
        shop.append("a.log", MORE);
        let after = crash_after(&file, &positions, usize::MAX, true);
        let keys: std::collections::BTreeSet<&String> = before.iter().chain(&after).collect();
        let twice = before.len() + after.len() - keys.len();
        assert_eq!(twice, usize::from(is_last_stored), "only the block that was stored comes again, and is recognised");
        let end = lines.len() + MORE.len();
        let mut ranges: Vec<(usize, usize)> = keys
            .iter()
            .map(|key| key.rsplit_once('/').unwrap().1.split_once('-').unwrap())
            .map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap()))
            .collect();
        ranges.sort_unstable();
        assert_eq!(
            ranges.iter().fold(0, |at, (from, to)| if at == *from { *to } else { at }),
            end,
            "no byte is left out"
        );
    }
}

#[test]
fn what_was_noted_before_a_crash_is_given_out_until_it_is_stored() {
    let shop = Shop::new();
    shop.append("a.log", "{\"message\":\"one\"}\n");
    let (file, positions) = (shop.path("a.log"), shop.path("positions.json"));
    crash_after(&file, &positions, 1, true);
    shop.append("a.log", "{\"message\":\"two\"}\n");
    let positions = Positions::load(&positions).unwrap();
    let inode = inode_of(&file).unwrap();
    let mut followed = Followed::open(&file, inode, positions.of(inode), RECORD_BYTES_MAX).unwrap();
    let first = followed.next_block().unwrap().unwrap();
    assert_eq!(followed.next_block().unwrap().as_ref(), Some(&first), "noting it may have failed");
    followed.stored(&first);
    assert_eq!(followed.next_block().unwrap().unwrap().bytes, "{\"message\":\"two\"}\n");
}
