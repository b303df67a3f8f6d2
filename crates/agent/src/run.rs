//! The agent as a whole: a thread for each source, one that sends, and this one, which watches them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::event::Beside;
use crate::sender::{Destination, Sender, SendingNow};
use crate::set_aside::SetAside;
use crate::sources::files::{self, FileGroup};
use crate::sources::journald::{self, Following, JournaldSpec};
use crate::sources::stdin::{self, StdinSpec};
use crate::sources::{Clock, Context};
use crate::spool::Spool;
use crate::state::{AgentState, Who};
use crate::stop::Stop;

/// How often the state is written.
const STATE_INTERVAL: Duration = Duration::from_secs(1);
/// How often a line about it is logged.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);
/// How long to try for the folder's lock, and how often.
const LOCK_MAX: Duration = Duration::from_secs(2);
const LOCK_INTERVAL: Duration = Duration::from_millis(50);
/// How long a request that is under way may take once it is over; what it sent is sent again if it takes longer.
const END_MAX: Duration = Duration::from_secs(10);

/// What an agent reads and how it keeps it.
#[derive(Clone, Debug)]
pub struct AgentSpec {
    /// Its name: part of every id, so no two may have the same.
    pub name: String,
    /// Where it sends to, for its state.
    pub url: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes of the spool.
    pub spool_bytes_max: u64,
    /// Bytes of a request, unless one event has more.
    pub batch_bytes: usize,
    /// Bytes of a line.
    pub line_bytes_max: usize,
    /// Fields of every event.
    pub beside: Beside,
    /// Files to be followed.
    pub files: Vec<FileGroup>,
    /// The journal.
    pub journald: Option<JournaldSpec>,
    /// Standard input.
    pub stdin: Option<StdinSpec>,
}

/// Why an agent could not run, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Another one has the folder.
    #[error("another agent uses the folder \"{0}\"; stop it, or give this one another with --data")]
    InUse(String),
    /// The folder cannot be used.
    #[error("the folder \"{folder}\" cannot be used: {error}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the file system says.
        error: io::Error,
    },
    /// What is on disk is unknown.
    #[error("the spool could not be synced: {0}; start the agent again, it goes on with what is on disk")]
    Broken(String),
    /// Something that was asked for cannot be read.
    #[error("{0}")]
    Source(String),
}

/// Whether an agent uses the folder now.
pub fn is_in_use(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Runs until it is over, or until standard input ends and everything is sent when there is nothing else to be read.
///
/// # Errors
/// When it cannot begin, or what is on disk is unknown.
pub fn run(
    spec: AgentSpec,
    destination: Box<dyn Destination>,
    clock: Clock,
    stop: &Arc<Stop>,
) -> Result<(), AgentError> {
    let in_folder = |error: io::Error| AgentError::Folder { folder: spec.folder.display().to_string(), error };
    if let Some(journald) = &spec.journald {
        journald.check().map_err(AgentError::Source)?;
    }
    let spool_folder = spec.folder.join("spool");
    std::fs::create_dir_all(&spec.folder).map_err(in_folder)?;
    let _lock = lock(&spec.folder, stop)?;
    let spool = Arc::new(Spool::open(&spool_folder, spec.spool_bytes_max).map_err(in_folder)?);
    let context = Context {
        set_aside: Arc::new(SetAside::new(&spool_folder)),
        problems: Arc::default(),
        stop: Arc::clone(stop),
        clock,
        name: spec.name.as_str().into(),
        beside: Arc::new(spec.beside.clone()),
        line_bytes_max: spec.line_bytes_max,
        spool,
    };
    let told = (Arc::clone(&context.spool), Arc::clone(&context.set_aside), Arc::clone(stop));
    let sender = Sender::new(told, destination, spec.batch_bytes);
    let watch = Watch::new(&spec, &context, sender.now());
    let sending = thread::spawn(move || sender.send_all());
    let following = Following::default();
    let reading = begin_reading(&spec, &following, &context);
    let ended = watch.until_over(&reading, spec.files.is_empty() && spec.journald.is_none());
    stop.set();
    context.spool.wake();
    following.end();
    join_within(reading.threads, END_MAX);
    join_within(vec![sending], END_MAX);
    let closed = context.spool.close().map_err(in_folder);
    watch.write_state();
    ended.and(closed)
}

/// One agent a folder: the system drops the lock with the process. Whoever asks for the state holds it for a moment too.
fn lock(folder: &Path, stop: &Stop) -> Result<File, AgentError> {
    let shown = folder.display().to_string();
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"));
    let file = file.map_err(|error| AgentError::Folder { folder: shown.clone(), error })?;
    let end = Instant::now() + LOCK_MAX;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end && !stop.wait(LOCK_INTERVAL) => {}
            Err(TryLockError::WouldBlock) => return Err(AgentError::InUse(shown)),
            Err(TryLockError::Error(error)) => return Err(AgentError::Folder { folder: shown, error }),
        }
    }
}

/// The threads that read.
struct Reading {
    threads: Vec<JoinHandle<()>>,
    has_stdin_ended: Arc<Stop>,
}

fn begin_reading(spec: &AgentSpec, following: &Following, context: &Context) -> Reading {
    let mut threads = Vec::new();
    let has_stdin_ended = Arc::new(Stop::default());
    if !spec.files.is_empty() {
        let (groups, context) = (spec.files.clone(), context.clone());
        threads.push(thread::spawn(move || files::follow(&groups, &context)));
    }
    if let Some(journald) = spec.journald.clone() {
        let (following, context) = (following.clone(), context.clone());
        threads.push(thread::spawn(move || journald::follow(&journald, &following, &context)));
    }
    if let Some(spec) = spec.stdin.clone() {
        let (ended, context) = (Arc::clone(&has_stdin_ended), context.clone());
        threads.push(thread::spawn(move || {
            if stdin::read(&spec, io::stdin(), &context).is_ok() {
                ended.set();
            }
        }));
    }
    Reading { threads, has_stdin_ended }
}

/// Waits for the threads, no longer than this: one may wait for an answer.
fn join_within(threads: Vec<JoinHandle<()>>, time_max: Duration) {
    let all_ended = Arc::new(Stop::default());
    let ended = Arc::clone(&all_ended);
    thread::spawn(move || {
        threads.into_iter().for_each(|thread| drop(thread.join()));
        ended.set();
    });
    if !all_ended.wait(time_max) {
        tracing::warn!("something did not end in time and is cut off; what was not acknowledged is sent again");
    }
}

/// Looks after the others.
struct Watch<'w> {
    spec: &'w AgentSpec,
    context: &'w Context,
    sending: Arc<Mutex<SendingNow>>,
}

impl<'w> Watch<'w> {
    fn new(spec: &'w AgentSpec, context: &'w Context, sending: Arc<Mutex<SendingNow>>) -> Self {
        Self { spec, context, sending }
    }

    fn until_over(&self, reading: &Reading, is_stdin_all: bool) -> Result<(), AgentError> {
        let mut summed_at = Instant::now();
        let mut before = self.state();
        self.write_state();
        while !self.context.stop.wait(STATE_INTERVAL) {
            self.write_state();
            if let Some(words) = self.context.spool.broken() {
                return Err(AgentError::Broken(words));
            }
            if is_stdin_all && reading.has_stdin_ended.is_set() && self.state().waiting_count == 0 {
                return Ok(());
            }
            if summed_at.elapsed() >= SUMMARY_INTERVAL {
                let now = self.state();
                summarise(&before, &now, summed_at.elapsed());
                (before, summed_at) = (now, Instant::now());
            }
        }
        Ok(())
    }

    fn state(&self) -> AgentState {
        let who = Who { name: &self.spec.name, url: &self.spec.url };
        let sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner).clone();
        AgentState::of(who, (self.context.clock)(), self.context.spool.numbers(), &sending, &self.context.problems)
    }

    fn write_state(&self) {
        if let Err(error) = self.state().save(&self.spec.folder) {
            tracing::warn!(%error, "the agent's state cannot be written");
        }
    }
}

fn summarise(before: &AgentState, now: &AgentState, time: Duration) {
    let read = |state: &AgentState| state.sources.iter().map(|source| source.read_count).sum::<u64>();
    let sent = |state: &AgentState| state.sources.iter().map(|source| source.sent_count).sum::<u64>();
    let read_count = read(now).saturating_sub(read(before));
    let sent_count = sent(now).saturating_sub(sent(before));
    tracing::info!(
        read_count,
        sent_count,
        waiting_count = now.waiting_count,
        spool_bytes = now.spool_bytes,
        set_aside_count = now.set_aside_count,
        problem = now.sending_problem.as_deref().unwrap_or("none"),
        "what the agent did in the last {} s",
        time.as_secs()
    );
}
