//! A disk in memory that can fail at any operation, be full, be read-only, stop, and lose its power.
//!
//! It keeps apart what programs see and what would be left after a power cut, and promises no more than POSIX does: the
//! bytes of a file last once it is synced, a name once its folder is. After a sync of a file that failed the system
//! thinks that its bytes are clean, as Linux does: syncing again succeeds and writes nothing. Names are different: file
//! systems keep them in a journal that goes on or stops for good, so that syncing a folder again does write.

mod calls;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Number of a file or folder; never used twice.
type Number = u64;
const ROOT: Number = 0;

/// Everything on the disk at one moment. Copies share what they have in common.
#[derive(Clone, PartialEq)]
pub struct Contents {
    nodes: BTreeMap<Number, Node>,
}

#[derive(Clone, PartialEq)]
enum Node {
    File(Arc<FileNode>),
    Folder(Arc<FolderNode>),
}

#[derive(Clone, Default, PartialEq)]
struct FileNode {
    bytes: Vec<u8>,
    /// What a power cut leaves.
    durable: Vec<u8>,
    /// Written since the last sync.
    dirty: Vec<Range<usize>>,
    is_size_dirty: bool,
}

#[derive(Clone, Default, PartialEq)]
struct FolderNode {
    names: BTreeMap<OsString, Number>,
    /// What a power cut leaves.
    durable: BTreeMap<OsString, Number>,
    /// Changed since the last sync.
    dirty: BTreeSet<OsString>,
}

/// Which operations are counted and may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Writes, syncs, and changes of names.
    Change,
    /// Opening, listing, reading whole files.
    Open,
    /// Reading parts of open files.
    Read,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`.
    Io,
    /// `ENOSPC`, before anything is written.
    Full,
    /// `ENOSPC` after half the bytes were written.
    HalfWritten,
}

/// What the disk does with operations.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// All succeed.
    Healthy,
    /// The operation of this number fails, and every one from there on if it lasts.
    Fail { kind: Kind, number: usize, fault: Fault, lasts: bool },
    /// Every change fails: a read-only file system.
    ReadOnly,
}

/// The disk just before an operation.
pub struct Moment {
    /// What was on it.
    pub contents: Contents,
    /// What the script had noted.
    pub note: usize,
    /// The operation.
    pub what: String,
}

/// The disk. Clones are the same one.
#[derive(Clone)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    changed: Arc<Condvar>,
}

struct State {
    contents: Contents,
    next: Number,
    plan: Plan,
    /// Operations so far, by kind.
    counts: [usize; 3],
    capacity_bytes: u64,
    note: usize,
    moments: Option<Vec<Moment>>,
    failed: Vec<String>,
    syncs: usize,
    /// Syncs of files wait as long as this is so.
    is_slow: bool,
    /// Making a file with such an end of its name waits as long as there is one.
    held_name: Option<&'static str>,
    /// Whether somebody waits for that.
    is_creation_held: bool,
    waiting: usize,
    locked: BTreeSet<PathBuf>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Disk")
    }
}

/// How a disk loses power.
#[derive(Clone, Copy, Debug)]
pub enum PowerCut {
    /// Everything that was not synced is gone.
    All,
    /// Of everything that was not synced some is gone, some is there in part, chosen by this seed.
    Some(u64),
}

impl Contents {
    fn empty() -> Self {
        Self { nodes: BTreeMap::from([(ROOT, Node::Folder(Arc::default()))]) }
    }

    fn folder(&self, number: Number) -> io::Result<&FolderNode> {
        match self.nodes.get(&number) {
            Some(Node::Folder(folder)) => Ok(folder),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn file(&self, number: Number) -> io::Result<&FileNode> {
        match self.nodes.get(&number) {
            Some(Node::File(file)) => Ok(file),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn folder_mut(&mut self, number: Number) -> io::Result<&mut FolderNode> {
        match self.nodes.get_mut(&number) {
            Some(Node::Folder(folder)) => Ok(Arc::make_mut(folder)),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn file_mut(&mut self, number: Number) -> io::Result<&mut FileNode> {
        match self.nodes.get_mut(&number) {
            Some(Node::File(file)) => Ok(Arc::make_mut(file)),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn find(&self, path: &Path) -> io::Result<Number> {
        path.iter().filter(|name| *name != "/").try_fold(ROOT, |folder, name| {
            self.folder(folder)?.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn find_above(&self, path: &Path) -> io::Result<(Number, OsString)> {
        let above = self.find(path.parent().unwrap_or(Path::new("/")))?;
        Ok((above, path.file_name().unwrap_or_default().to_owned()))
    }

    /// Bytes of everything that has a name.
    fn used_bytes(&self, folder: Number) -> u64 {
        let Ok(folder) = self.folder(folder) else { return 0 };
        let sizes = folder.names.values().map(|number| match self.nodes.get(number) {
            Some(Node::File(file)) => file.bytes.len() as u64,
            Some(Node::Folder(_)) => self.used_bytes(*number),
            None => 0,
        });
        sizes.sum()
    }

    /// What is left when the power is cut now.
    #[must_use]
    pub fn after(&self, cut: PowerCut) -> Self {
        let mut dice = Dice(match cut {
            PowerCut::All => 0,
            PowerCut::Some(seed) => seed,
        });
        let is_kind = matches!(cut, PowerCut::Some(_));
        let mut left = self.clone();
        for node in left.nodes.values_mut() {
            match node {
                Node::File(file) if !file.dirty.is_empty() || file.is_size_dirty || file.bytes != file.durable => {
                    let file = Arc::make_mut(file);
                    file.bytes = if is_kind { dice.bytes_of(file) } else { file.durable.clone() };
                    file.durable.clone_from(&file.bytes);
                    (file.dirty, file.is_size_dirty) = (Vec::new(), false);
                }
                Node::Folder(folder) if folder.names != folder.durable => {
                    let folder = Arc::make_mut(folder);
                    for name in std::mem::take(&mut folder.dirty) {
                        if is_kind && dice.next().is_multiple_of(2) {
                            match folder.names.get(&name).copied() {
                                Some(number) => folder.durable.insert(name, number),
                                None => folder.durable.remove(&name),
                            };
                        }
                    }
                    folder.names.clone_from(&folder.durable);
                }
                _ => {}
            }
        }
        left
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// What may be left of a file that was not synced: the old, the new, part of it, or its size with zeros.
    fn bytes_of(&mut self, file: &FileNode) -> Vec<u8> {
        match self.next() % 4 {
            0 => file.durable.clone(),
            1 => file.bytes.clone(),
            2 => {
                let common = file.durable.iter().zip(&file.bytes).take_while(|(left, right)| left == right).count();
                let more = file.bytes.len() - common;
                file.bytes[..common + (self.next() % (more as u64 + 1)) as usize].to_vec()
            }
            _ => {
                let mut bytes = file.bytes.clone();
                file.dirty.iter().cloned().for_each(|range| bytes[range].fill(0));
                bytes
            }
        }
    }
}

impl Disk {
    /// An empty one.
    pub fn new() -> Self {
        Self::with(Contents::empty())
    }

    /// A healthy one that holds this.
    pub fn with(contents: Contents) -> Self {
        let state = State {
            next: contents.nodes.keys().next_back().map_or(1, |last| last + 1),
            contents,
            plan: Plan::Healthy,
            counts: [0; 3],
            capacity_bytes: u64::MAX,
            note: 0,
            moments: None,
            failed: Vec::new(),
            syncs: 0,
            is_slow: false,
            held_name: None,
            is_creation_held: false,
            waiting: 0,
            locked: BTreeSet::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every moment before a change is kept.
    pub fn record(&self) {
        self.state().moments = Some(Vec::new());
    }

    /// The moments kept, and the present one.
    pub fn moments(&self) -> Vec<Moment> {
        let mut state = self.state();
        state.keep("the end");
        state.moments.take().unwrap_or_default()
    }

    /// What the next moments remember of the script.
    pub fn note(&self, note: usize) {
        self.state().note = note;
    }

    /// Changes what goes wrong.
    pub fn set(&self, plan: Plan) {
        self.state().plan = plan;
    }

    /// Changes how much fits.
    pub fn set_capacity(&self, capacity_bytes: u64) {
        self.state().capacity_bytes = capacity_bytes;
    }

    /// What is on it.
    pub fn contents(&self) -> Contents {
        self.state().contents.clone()
    }

    /// Bytes on it.
    pub fn used_bytes(&self) -> u64 {
        self.state().contents.used_bytes(ROOT)
    }

    /// How many operations of the kind there were.
    pub fn count(&self, kind: Kind) -> usize {
        self.state().counts[kind as usize]
    }

    /// How many syncs of files and folders there were.
    pub fn sync_count(&self) -> usize {
        self.state().syncs
    }

    /// From now on syncs of files take until `go_on`.
    pub fn slow_down(&self) {
        self.state().is_slow = true;
    }

    /// From now on whoever makes a file whose name ends so waits, until `go_on` or another end is held.
    pub fn hold_creation(&self, name_end: &'static str) {
        let mut state = self.state();
        (state.held_name, state.is_creation_held) = (Some(name_end), false);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until somebody waits to make such a file.
    pub fn wait_for_a_creation(&self) {
        let nobody_waits = |state: &mut State| !state.is_creation_held;
        drop(self.changed.wait_while(self.state(), nobody_waits).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until somebody waits for a sync.
    pub fn wait_for_a_sync(&self) {
        let nobody_waits = |state: &mut State| state.waiting == 0;
        drop(self.changed.wait_while(self.state(), nobody_waits).unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets all go on.
    pub fn go_on(&self) {
        let mut state = self.state();
        (state.is_slow, state.held_name) = (false, None);
        drop(state);
        self.changed.notify_all();
    }

    /// The state, once a file of that name may be made.
    fn state_for_creation(&self, path: &Path) -> MutexGuard<'_, State> {
        let is_held = |state: &State| state.held_name.is_some_and(|end| path.to_string_lossy().ends_with(end));
        let mut state = self.state();
        while is_held(&state) {
            state.is_creation_held = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// The state, once syncs go on.
    fn state_for_a_sync(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.waiting += 1;
        self.changed.notify_all();
        state = self.changed.wait_while(state, |state| state.is_slow).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    /// The operations that failed.
    pub fn failed(&self) -> Vec<String> {
        self.state().failed.clone()
    }
}

impl State {
    fn keep(&mut self, what: &str) {
        let moment = Moment { contents: self.contents.clone(), note: self.note, what: what.to_owned() };
        if let Some(moments) = &mut self.moments {
            moments.push(moment);
        }
    }

    fn step(&mut self, kind: Kind, what: &str, path: &Path) -> Result<(), Fault> {
        let number = self.counts[kind as usize];
        self.counts[kind as usize] += 1;
        let what = format!("{what} {}", path.display());
        if kind == Kind::Change {
            self.keep(&what);
        }
        match self.plan {
            Plan::Fail { kind: failing, number: first, fault, lasts }
                if failing == kind && (number == first || lasts && number > first) =>
            {
                self.failed.push(what);
                Err(fault)
            }
            Plan::ReadOnly if kind == Kind::Change => Err(Fault::Io),
            _ => Ok(()),
        }
    }

    fn change(&mut self, what: &str, path: &Path) -> io::Result<()> {
        let is_read_only = matches!(self.plan, Plan::ReadOnly);
        self.step(Kind::Change, what, path).map_err(|fault| match fault {
            _ if is_read_only => io::ErrorKind::ReadOnlyFilesystem.into(),
            fault => fault.into(),
        })
    }

    fn look(&mut self, kind: Kind, what: &str, path: &Path) -> io::Result<()> {
        self.step(kind, what, path).map_err(io::Error::from)
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<Number> {
        let (above, name) = self.contents.find_above(path)?;
        let folder = self.contents.folder_mut(above)?;
        if folder.names.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let number = self.next;
        self.next += 1;
        folder.names.insert(name.clone(), number);
        folder.dirty.insert(name);
        self.contents.nodes.insert(number, node);
        Ok(number)
    }

    fn write(&mut self, number: Number, path: &Path, bytes: &[u8]) -> io::Result<usize> {
        let half = &bytes[..bytes.len() / 2];
        let is_full = self.contents.used_bytes(ROOT) + bytes.len() as u64 > self.capacity_bytes;
        match self.step(Kind::Change, "write", path) {
            _ if is_full => {
                self.append(number, half)?;
                return Err(Fault::Full.into());
            }
            Ok(()) => {}
            Err(Fault::HalfWritten) => {
                self.append(number, half)?;
                return Err(Fault::HalfWritten.into());
            }
            Err(fault) => return Err(fault.into()),
        }
        // A process may be killed in the middle of a write, too.
        if self.moments.is_some() && bytes.len() > 1 {
            self.append(number, half)?;
            self.keep(&format!("the second half of a write {}", path.display()));
            self.append(number, &bytes[half.len()..])?;
        } else {
            self.append(number, bytes)?;
        }
        Ok(bytes.len())
    }

    fn append(&mut self, number: Number, bytes: &[u8]) -> io::Result<()> {
        let file = self.contents.file_mut(number)?;
        let start = file.bytes.len();
        file.bytes.extend_from_slice(bytes);
        file.dirty.push(start..file.bytes.len());
        Ok(())
    }

    fn sync(&mut self, number: Number, path: &Path) -> io::Result<()> {
        self.syncs += 1;
        let result = self.change("sync", path);
        let file = self.contents.file_mut(number)?;
        let (dirty, is_size_dirty) = (std::mem::take(&mut file.dirty), std::mem::take(&mut file.is_size_dirty));
        result?;
        if is_size_dirty {
            file.durable.truncate(file.bytes.len());
        }
        for range in dirty {
            if file.durable.len() < range.end {
                file.durable.resize(range.end, 0);
            }
            let range = range.start..range.end.min(file.bytes.len());
            file.durable[range.clone()].copy_from_slice(&file.bytes[range]);
        }
        Ok(())
    }

    fn set_size(&mut self, number: Number, size_bytes: u64) -> io::Result<()> {
        let file = self.contents.file_mut(number)?;
        file.bytes.truncate(size_bytes as usize);
        file.is_size_dirty = true;
        let end = file.bytes.len();
        file.dirty.retain_mut(|range| {
            range.end = range.end.min(end);
            range.start < range.end
        });
        Ok(())
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io => Self::other("input/output error"),
            Fault::Full | Fault::HalfWritten => io::ErrorKind::StorageFull.into(),
        }
    }
}
