//! Systemd's journal: `journalctl` follows it as a process of its own, and is started again behind the entry that was read
//! last when it ends.

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::journal_entry::{self, FIELDS, JournalEntry};
use super::{Context, EVENTS_BYTES, EVENTS_MAX, Refused, Stopped};
use crate::backoff::Backoff;
use crate::event::{Beside, Told, id_of, push};
use crate::ledger::Place;
use crate::spool::Events;

/// The source's name.
const NAME: &str = "journald";
/// Bytes read of the process at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes kept of what it says on standard error.
const WORDS_BYTES_MAX: u64 = 4 * 1024;
/// How much more than a message a line of JSON may have: a byte of it takes up to four there.
const LINE_FACTOR: usize = 5;

/// What is read of the journal.
#[derive(Clone, Debug)]
pub struct JournaldSpec {
    /// The program.
    pub journalctl: PathBuf,
    /// Units; none means all.
    pub units: Vec<String>,
    /// How far back reading begins where nothing was read before, as `journalctl --since` takes it; empty means all.
    pub since: String,
    /// Fields of each event.
    pub beside: Beside,
}

impl JournaldSpec {
    /// Whether the program can be started.
    ///
    /// # Errors
    /// Says that it cannot, and what to do.
    pub fn check(&self) -> Result<(), String> {
        let mut command = Command::new(&self.journalctl);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().map(drop).map_err(|error| self.cannot_start(&error))
    }

    fn cannot_start(&self, error: &io::Error) -> String {
        let program = self.journalctl.display();
        if error.kind() == io::ErrorKind::NotFound {
            return format!(
                "the journal cannot be read: there is no program \"{program}\"; name it in journald.journalctl, \
                 or leave journald out on machines without systemd"
            );
        }
        format!("the journal cannot be read: \"{program}\" cannot be started: {error}")
    }

    fn command(&self, cursor: Option<&str>) -> Command {
        let mut command = Command::new(&self.journalctl);
        let fields = format!("--output-fields={}", FIELDS.join(","));
        command.args(["--output=json", "--follow", "--no-tail", "--all", "--quiet", "--no-pager", &fields]);
        match cursor {
            Some(cursor) => command.arg(format!("--after-cursor={cursor}")),
            None if self.since.is_empty() => &mut command,
            None => command.arg(format!("--since={}", self.since)),
        };
        command.args(self.units.iter().map(|unit| format!("--unit={unit}")));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The process that follows the journal, so that it can be ended.
#[derive(Clone, Default)]
pub struct Following(Arc<Mutex<Option<Child>>>);

impl Following {
    /// Ends it.
    pub fn end(&self) {
        if let Some(mut child) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }

    fn begin(&self, child: Child) {
        self.end();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    }
}

/// Follows the journal until it is over.
pub fn follow(spec: &JournaldSpec, following: &Following, context: &Context) {
    let mut backoff = Backoff::default();
    while !context.stop.is_set() {
        let cursor = context.spool.journal_cursor();
        let words = match spec.command(cursor.as_deref()).spawn() {
            Ok(child) => match follow_one(spec, child, following, context) {
                Ok((count, words)) => {
                    if count > 0 {
                        backoff = Backoff::default();
                    }
                    words
                }
                Err(Stopped) => break,
            },
            Err(error) => spec.cannot_start(&error),
        };
        if context.stop.is_set() {
            break;
        }
        context.problems.note(NAME, &words);
        if context.stop.wait(backoff.next_wait()) {
            break;
        }
    }
    following.end();
}

/// Reads what one process writes until it ends; gives how many entries came and why it ended.
fn follow_one(
    spec: &JournaldSpec,
    mut child: Child,
    following: &Following,
    context: &Context,
) -> Result<(u64, String), Stopped> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    following.begin(child);
    if context.stop.is_set() {
        return Err(Stopped);
    }
    // Its words are read beside its entries, so that it never waits for somebody to read them.
    let words = thread::spawn(move || last_words(err));
    let mut count = 0;
    let read = out.map_or(Ok(None), |out| read_entries(spec, out, &mut count, context));
    following.end();
    let words = words.join().unwrap_or_default();
    let ended = match read? {
        Some(error) => format!("\"{}\" cannot be read: {error}", spec.journalctl.display()),
        None => format!("\"{}\" has ended", spec.journalctl.display()),
    };
    let said = if words.is_empty() { String::new() } else { format!(", and said: {words}") };
    Ok((count, format!("{ended}{said}; it is started again")))
}

fn last_words(err: Option<impl Read>) -> String {
    let mut words = Vec::new();
    if let Some(mut err) = err {
        // The first of them say what is wrong; the others are read and forgotten.
        drop(err.by_ref().take(WORDS_BYTES_MAX).read_to_end(&mut words));
        drop(io::copy(&mut err, &mut io::sink()));
    }
    String::from_utf8_lossy(&words).trim().replace('\n', "; ")
}

/// Stores entries as they come; gives why it cannot go on when that is not the end of the process.
fn read_entries(
    spec: &JournaldSpec,
    out: impl Read,
    count: &mut u64,
    context: &Context,
) -> Result<Option<io::Error>, Stopped> {
    let mut out = BufReader::with_capacity(BUFFER_BYTES, out);
    let line_bytes_max = context.line_bytes_max.saturating_mul(LINE_FACTOR);
    let mut gathered = Gathered::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut out).take(line_bytes_max as u64).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return gathered.store(context).map(|()| Some(error)),
        }
        if !line.ends_with(b"\n") && line.len() >= line_bytes_max {
            let words = "an entry of the journal has more bytes than the setting \"line_bytes_max\" allows";
            gathered
                .refused
                .push(format!("{words}; this is its beginning"), &line[..context.line_bytes_max.min(line.len())]);
            if let Err(error) = pass_over(&mut out) {
                return gathered.store(context).map(|()| Some(error));
            }
            continue;
        }
        // A line without an end was cut off with the process; it is read again.
        if line.ends_with(b"\n") && !line.trim_ascii().is_empty() {
            gathered.take(spec, &line, context);
            *count += 1;
        }
        // What has been read already is put together; nobody waits for more.
        let is_full = gathered.events.count >= EVENTS_MAX || gathered.events.lines.len() >= EVENTS_BYTES;
        if is_full || memchr::memchr(b'\n', out.buffer()).is_none() {
            gathered.store(context)?;
        }
    }
    gathered.store(context).map(|()| None)
}

fn pass_over(out: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = out.fill_buf()?;
        let (length, is_end) = match memchr::memchr(b'\n', buffer) {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        out.consume(length);
        if is_end {
            return Ok(());
        }
    }
}

/// Entries that were read and are not in the spool yet.
#[derive(Default)]
struct Gathered {
    events: Events,
    refused: Refused,
    read_bytes: u64,
    cursor: Option<String>,
}

impl Gathered {
    fn take(&mut self, spec: &JournaldSpec, line: &[u8], context: &Context) {
        self.read_bytes += line.len() as u64;
        let entry = match journal_entry::parse(line) {
            Ok(entry) => entry,
            Err(reason) => return self.refused.push(reason, line),
        };
        if let Err(reason) = push_entry(&mut self.events, &entry, spec, context) {
            self.refused.push(reason, line);
        }
        self.cursor = Some(entry.cursor);
    }

    /// Puts them into the spool, with the cursor of the last one.
    fn store(&mut self, context: &Context) -> Result<(), Stopped> {
        let gathered = std::mem::take(self);
        let Some(cursor) = gathered.cursor.or_else(|| context.spool.journal_cursor()) else {
            // Nothing of it was an entry: that is no journal.
            if let Some(reason) = gathered.refused.first_reason() {
                context.problems.note(NAME, reason);
            }
            return Ok(());
        };
        if gathered.read_bytes > 0 {
            let place = Place::Journald { cursor };
            context.append_when_room(&place, &gathered.events, gathered.read_bytes, &gathered.refused)?;
        }
        context.spool.sync().map_err(|_| Stopped)
    }
}

fn push_entry(events: &mut Events, entry: &JournalEntry, spec: &JournaldSpec, context: &Context) -> Result<(), String> {
    let id = id_of(&[context.name.as_bytes(), b"journald", entry.cursor.as_bytes()]);
    let beside = [&entry.beside, &spec.beside, &*context.beside];
    let told = Told { id: &id, beside: &beside, read_at: (context.clock)(), at: entry.at };
    push(events, &entry.message, &told)
}
