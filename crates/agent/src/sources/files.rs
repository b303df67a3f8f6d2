//! Files that are followed: their lines become events, through rotation and restarts, each once.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vigie_domain::Value;
use vigie_inputs::files::{Block, Followed, Inode, inode_of, matching};

use super::{Context, EVENTS_BYTES, EVENTS_MAX, Refused, Stopped};
use crate::event::{Beside, Told, id_of, push};
use crate::ledger::Place;
use crate::multiline::Multiline;
use crate::spool::Events;

/// How often files are looked at when there was nothing new.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How often it is looked for new files.
const FIND_INTERVAL: Duration = Duration::from_secs(1);
/// Files followed at once; more are named as a problem.
const FILES_MAX: usize = 1_000;
/// Records of one file before the next has its turn.
const TURN_RECORDS_MAX: usize = 16;

/// Files that are read alike.
#[derive(Clone, Debug)]
pub struct FileGroup {
    /// Paths with `*`, `?`, `[…]` and `**`.
    pub patterns: Vec<String>,
    /// Which lines are one event.
    pub multiline: Multiline,
    /// Fields of each event.
    pub beside: Beside,
}

/// A file that is followed, and its event that may not be whole.
struct Reading {
    group: usize,
    file: Followed,
    open: Option<Open>,
}

/// What matches and is not followed.
#[derive(Default)]
struct Left {
    /// Packed files: only another file under the name is tried again.
    passed_over: HashMap<PathBuf, Inode>,
    /// What may be mended, and is tried again each time.
    unreadable: HashSet<PathBuf>,
}

impl Left {
    fn forget_those_gone(&mut self, context: &Context) {
        self.passed_over.retain(|path, _| path.exists());
        self.unreadable.retain(|path| {
            let is_there = path.exists();
            if !is_there {
                context.problems.forget(&path.display().to_string());
            }
            is_there
        });
    }
}

/// An event that waits for more lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    offset: u64,
    length: usize,
    since: Instant,
}

/// How one step of reading went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Something was read.
    Read,
    /// There is nothing whole to be read.
    Nothing,
}

/// Follows the files until it is over.
pub fn follow(groups: &[FileGroup], context: &Context) {
    let mut readings: Vec<Reading> = Vec::new();
    let mut left = Left::default();
    let mut found_at: Option<Instant> = None;
    loop {
        if found_at.is_none_or(|at| at.elapsed() >= FIND_INTERVAL) {
            find(groups, &mut readings, &mut left, context);
            found_at = Some(Instant::now());
        }
        let Ok(progress) = read_all(groups, &mut readings, context) else { return };
        if context.spool.sync().is_err() {
            return;
        }
        readings.retain(|reading| !reading.file.is_over());
        let pause = if progress == Progress::Read { Duration::ZERO } else { LOOK_INTERVAL };
        if context.stop.wait(pause) {
            return;
        }
    }
}

/// Begins to follow what is not followed yet. What cannot be is tried again once another file has its name.
fn find(groups: &[FileGroup], readings: &mut Vec<Reading>, left: &mut Left, context: &Context) {
    left.forget_those_gone(context);
    let Left { passed_over, unreadable } = left;
    for (group, spec) in groups.iter().enumerate() {
        for path in matching(&spec.patterns) {
            let Ok(inode) = inode_of(&path) else { continue };
            if let Some(known) = readings.iter_mut().find(|reading| reading.file.inode() == inode) {
                if known.group == group {
                    known.file.found_at(&path);
                }
                continue;
            }
            if passed_over.get(&path) == Some(&inode) {
                continue;
            }
            if readings.len() >= FILES_MAX {
                let words = format!("it is not read: {FILES_MAX} files are followed already; name fewer");
                context.problems.note(&path.display().to_string(), &words);
                continue;
            }
            let known = context.spool.position_of(inode);
            match Followed::open(&path, inode, known.as_ref(), context.line_bytes_max) {
                Ok(file) => {
                    context.problems.clear(&path.display().to_string());
                    readings.push(Reading { group, file, open: None });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // It was read before it was packed, or is for "vigie import": that is no problem.
                Err(error) if error.kind() == io::ErrorKind::Other => {
                    tracing::info!(path = %path.display(), %error, "a file is not followed");
                    passed_over.insert(path, inode);
                }
                Err(error) => {
                    let words = format!("it cannot be followed: {error}");
                    context.problems.note(&path.display().to_string(), &words);
                    unreadable.insert(path);
                }
            }
        }
    }
}

/// Each file in turn.
fn read_all(groups: &[FileGroup], readings: &mut [Reading], context: &Context) -> Result<Progress, Stopped> {
    let mut progress = Progress::Nothing;
    for reading in readings {
        let name = reading.file.path().display().to_string();
        for _ in 0..TURN_RECORDS_MAX {
            if context.stop.is_set() {
                return Err(Stopped);
            }
            match reading.read(&groups[reading.group], context)? {
                Ok(Progress::Read) => progress = Progress::Read,
                Ok(Progress::Nothing) => break,
                Err(error) => {
                    context.problems.note(&name, &format!("it cannot be read: {error}"));
                    break;
                }
            }
        }
    }
    Ok(progress)
}

impl Reading {
    /// Reads at most one record's worth of whole events into the spool.
    fn read(&mut self, group: &FileGroup, context: &Context) -> Result<io::Result<Progress>, Stopped> {
        let block = match self.file.next_block() {
            Ok(Some(block)) => block,
            Ok(None) => return Ok(Ok(Progress::Nothing)),
            Err(error) => return Ok(Err(error)),
        };
        if block.is_too_large {
            return self.leave_out(&block, context);
        }
        let start = self.file.offset();
        let mut split = group.multiline.split(&block.bytes);
        let is_last_line = !block.bytes.ends_with(b"\n");
        if split.is_open && !is_last_line && !self.is_whole_by_now(start, &split.events, group.multiline.flush_after) {
            split.events.pop();
            if split.events.is_empty() {
                return Ok(Ok(Progress::Nothing));
            }
        } else {
            split.is_open = false;
        }
        let (mut events, mut refused, mut taken) = (Events::default(), Refused::default(), 0);
        for range in &split.events {
            if events.count >= EVENTS_MAX || events.lines.len() >= EVENTS_BYTES {
                break;
            }
            let record = &block.bytes[range.clone()];
            if let Err(reason) = self.push(&mut events, record, start + range.start as u64, (group, context)) {
                refused.push(reason, record);
            }
            taken += 1;
        }
        // Up to the next event, or to the end when there is none that is still open.
        let end = match split.events.get(taken) {
            Some(next) => next.start,
            None if split.is_open => split.events.last().map_or(0, |last| last.end),
            None => block.bytes.len(),
        };
        self.advance(start + end as u64, end as u64, false, (&events, &refused, context))
    }

    /// Whether nothing was added to the last event for long enough.
    fn is_whole_by_now(&mut self, start: u64, events: &[std::ops::Range<usize>], flush_after: Duration) -> bool {
        let Some(last) = events.last() else { return false };
        let (offset, length) = (start + last.start as u64, last.len());
        match self.open {
            Some(open) if (open.offset, open.length) == (offset, length) => open.since.elapsed() >= flush_after,
            _ => {
                self.open = Some(Open { offset, length, since: Instant::now() });
                flush_after.is_zero()
            }
        }
    }

    fn push(
        &self,
        events: &mut Events,
        record: &[u8],
        offset: u64,
        spec: (&FileGroup, &Context),
    ) -> Result<(), String> {
        let (group, context) = spec;
        let inode = self.file.inode();
        let place = [inode.device, inode.number, self.file.generation(), offset].map(u64::to_le_bytes);
        let id = id_of(&[context.name.as_bytes(), b"file", place.as_flattened(), record]);
        let mut beside = Beside::default().with("log.file.path", &self.file.path().display().to_string());
        beside.push("log.offset", &Value::Int(i64::try_from(offset).unwrap_or(i64::MAX)));
        let beside = [&beside, &group.beside, &*context.beside];
        push(events, record, &Told { id: &id, beside: &beside, read_at: (context.clock)(), at: None })
    }

    /// The beginning of a line that is too large is set aside, and its rest is passed over.
    fn leave_out(&mut self, block: &Block, context: &Context) -> Result<io::Result<Progress>, Stopped> {
        let mut refused = Refused::default();
        let words = "a line has more bytes than the setting \"line_bytes_max\" allows; this is its beginning";
        refused.push(words.to_owned(), &block.bytes);
        let advanced =
            self.advance(block.end, block.bytes.len() as u64, true, (&Events::default(), &refused, context))?;
        self.file.stored(block);
        Ok(advanced)
    }

    /// Puts events and the new position into the spool together, then reads on from there.
    fn advance(
        &mut self,
        end: u64,
        read_bytes: u64,
        is_skipping: bool,
        what: (&Events, &Refused, &Context),
    ) -> Result<io::Result<Progress>, Stopped> {
        let (events, refused, context) = what;
        let mut position = match self.file.position(None) {
            Ok(position) => position,
            Err(error) => return Ok(Err(error)),
        };
        (position.offset, position.is_skipping) = (end, is_skipping);
        context.append_when_room(&Place::File(position), events, read_bytes, refused)?;
        self.file.stored_up_to(end);
        self.open = None;
        Ok(Ok(Progress::Read))
    }
}

/// Whether a pattern can be one.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.trim().is_empty() {
        return Err("a path of files is empty; name a file or a pattern such as /var/log/nginx/*.log".to_owned());
    }
    if !Path::new(pattern).is_absolute() && pattern.starts_with('~') {
        return Err(format!("\"{pattern}\": \"~\" is no folder here; write the whole path"));
    }
    vigie_inputs::files::check_pattern(pattern)
        .map_err(|error| format!("\"{pattern}\" is no pattern of paths: {error}; use *, ?, [...] and **"))
}
