//! One file that is followed: which bytes of it are to be stored next.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use crate::joined;
use crate::line_form::Joining;
use crate::lines::Each;

use super::identity::{Head, Inode, inode, read_at};
use super::positions::{NotedBlock, Position};

/// Bytes of a block; a line may be larger.
const BLOCK_BYTES: usize = 512 * 1024;
/// How long lines that go on with the last event are waited for, once a whole line of it is there.
const HOLD_TIME: Duration = Duration::from_secs(1);
/// How long a file that has lost its name is still read: its writer may not have noticed yet.
const NAMELESS_MAX: Duration = Duration::from_secs(5);

/// Whole lines to be stored together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The lines, each with its line feed; the last of a file may have none.
    pub bytes: Bytes,
    /// Where in the file it ends.
    pub end: u64,
    /// Names these bytes of this file.
    pub key: String,
    /// It is the beginning of a line that is too large.
    pub is_too_large: bool,
}

/// Length of a file and when it was last written to: while both stay, there is nothing new in it.
type Seen = (u64, Option<SystemTime>);

/// What a block ends with.
#[derive(Clone, Copy)]
enum Ending<'j> {
    /// Any line.
    Lines,
    /// A line that nothing goes on with.
    Events(&'j Joining),
}

/// A file that is followed.
pub struct Followed {
    path: PathBuf,
    inode: Inode,
    head: Head,
    generation: u64,
    file: File,
    line_bytes_max: usize,
    offset: u64,
    is_skipping: bool,
    /// What was about to be stored when the process ended.
    noted: Option<NotedBlock>,
    /// When the file was first seen to have no name any more.
    nameless_since: Option<Instant>,
    /// How the file was when there was nothing new in it.
    seen: Option<Seen>,
    /// Where the whole lines end that wait for what may go on with them, and since when they do.
    held: Option<(u64, Instant)>,
    is_over: bool,
}

impl Followed {
    /// Goes on where it is noted that reading ended, if it is still the same file.
    ///
    /// # Errors
    /// What the file system answers; when it is a packed file; as not found when the name is another file's by now.
    pub fn open(path: &Path, inode: Inode, known: Option<&Position>, line_bytes_max: usize) -> io::Result<Self> {
        let file = File::open(path)?;
        if super::identity::inode(&file.metadata()?) != inode {
            let words = "another file has got the name meanwhile; it is looked at again";
            return Err(io::Error::new(io::ErrorKind::NotFound, words));
        }
        if is_packed(&file)? {
            return Err(io::Error::other("it is packed, so nothing is appended to it; send it with \"vigie import\""));
        }
        let mut followed = Self {
            path: path.to_owned(),
            inode,
            head: Head::now(&file)?,
            generation: 0,
            file,
            line_bytes_max,
            offset: 0,
            is_skipping: false,
            noted: None,
            nameless_since: None,
            seen: None,
            held: None,
            is_over: false,
        };
        let Some(known) = known else { return Ok(followed) };
        if known.head.is_of(&followed.file)?
            && followed.file.metadata()?.len() >= known.block.as_ref().map_or(known.offset, |block| block.end)
        {
            followed.generation = known.generation;
            (followed.offset, followed.is_skipping) = (known.offset, known.is_skipping);
            followed.noted.clone_from(&known.block);
        } else {
            followed.generation = known.generation + 1;
        }
        Ok(followed)
    }

    /// Where the file system keeps it.
    pub const fn inode(&self) -> Inode {
        self.inode
    }

    /// The name that it was last seen under.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing more will come.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// It has this name now.
    pub fn found_at(&mut self, path: &Path) {
        if self.path != path {
            self.path = path.to_owned();
        }
        self.nameless_since = None;
    }

    /// The next whole lines; `None` when there are none yet. Which of them are one event is for the caller to tell.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        self.next(Ending::Lines)
    }

    /// The next whole events: the last waits a while for lines that go on with it. `None` when there are none yet.
    ///
    /// # Errors
    /// What the file system answers.
    pub(super) fn next_events(&mut self, joining: &Joining) -> io::Result<Option<Block>> {
        self.next(Ending::Events(joining))
    }

    fn next(&mut self, ending: Ending<'_>) -> io::Result<Option<Block>> {
        if let Some(noted) = self.noted.clone() {
            let bytes = self.read((noted.end - self.offset) as usize)?;
            return Ok(Some(Block { bytes, end: noted.end, key: noted.key, is_too_large: noted.is_too_large }));
        }
        let metadata = self.file.metadata()?;
        let now = (metadata.len(), metadata.modified().ok());
        if self.seen == Some(now) && self.has_name() {
            return Ok(None);
        }
        self.begin_again_if_cut(&metadata)?;
        self.skip()?;
        let bytes = self.read(BLOCK_BYTES)?;
        if let Some(last) = memchr::memrchr(b'\n', &bytes) {
            let lines = bytes.slice(..=last);
            return Ok(match ending {
                Ending::Lines => Some(self.block(lines)),
                Ending::Events(joining) => self.settled_block(&lines, joining, bytes.len() == BLOCK_BYTES),
            });
        }
        self.block_of_large_line(bytes, now)
    }

    /// Of whole lines, those that nothing will go on with: all of them once that has been waited for. The others stay in the
    /// file, which is noted as stored only up to them.
    fn settled_block(&mut self, lines: &Bytes, joining: &Joining, is_more_there: bool) -> Option<Block> {
        let settled = joined::settled(Each::of_lines(lines), joining, self.line_bytes_max);
        if settled > 0 {
            self.held = None;
            return Some(self.block(lines.slice(..settled)));
        }
        let end = self.offset + lines.len() as u64;
        let (_, since) = *self.held.filter(|(held_end, _)| *held_end == end).get_or_insert((end, Instant::now()));
        if !is_more_there && since.elapsed() < HOLD_TIME {
            self.held = Some((end, since));
            return None;
        }
        self.held = None;
        Some(self.block(lines.clone()))
    }

    /// What begins with a line of which the end was not among the bytes of a block.
    fn block_of_large_line(&mut self, bytes: Bytes, now: Seen) -> io::Result<Option<Block>> {
        if bytes.len() >= BLOCK_BYTES.min(self.line_bytes_max) {
            let bytes = self.read(self.line_bytes_max + 1)?;
            if let Some(last) = memchr::memrchr(b'\n', &bytes) {
                return Ok(Some(self.block(bytes.slice(..=last))));
            }
            if bytes.len() > self.line_bytes_max {
                let mut block = self.block(bytes.slice(..self.line_bytes_max));
                block.is_too_large = true;
                return Ok(Some(block));
            }
        }
        let last = self.last_block(bytes);
        self.seen = last.is_none().then_some(now);
        Ok(last)
    }

    fn has_name(&self) -> bool {
        super::identity::inode_of(&self.path).is_ok_and(|inode| inode == self.inode)
    }

    /// The end of a file that has lost its name, once its writer must have noticed: a last line needs no line feed.
    fn last_block(&mut self, bytes: Bytes) -> Option<Block> {
        if self.has_name() {
            return None;
        }
        let since = *self.nameless_since.get_or_insert_with(Instant::now);
        if since.elapsed() < NAMELESS_MAX {
            return None;
        }
        // With a last line it is over only once that is stored: there is nothing behind it then.
        self.is_over = bytes.is_empty();
        (!bytes.is_empty()).then(|| self.block(bytes))
    }

    fn block(&self, bytes: Bytes) -> Block {
        let end = self.offset + bytes.len() as u64;
        let Inode { device, number } = self.inode;
        let (generation, head) = (self.generation, self.head.hash);
        let key = format!("files/{device:x}-{number:x}-{generation:x}-{head:x}/{}-{end}", self.offset);
        Block { bytes, end, key, is_too_large: false }
    }

    /// The block is stored.
    pub fn stored(&mut self, block: &Block) {
        self.offset = block.end;
        self.is_skipping = block.is_too_large;
        self.noted = None;
    }

    /// The block is stored up to here, which is the end of a line of it; what follows is given out again.
    pub fn stored_up_to(&mut self, end: u64) {
        self.offset = end;
        self.noted = None;
    }

    /// Where reading stands.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// How many files have had this inode before it.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// How far the file is stored, and which block is about to be.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn position(&mut self, block: Option<&Block>) -> io::Result<Position> {
        if self.head.may_grow() {
            self.head = Head::now(&self.file)?;
        }
        Ok(Position {
            inode: self.inode,
            head: self.head,
            generation: self.generation,
            path: self.path.clone(),
            offset: self.offset,
            is_skipping: self.is_skipping,
            block: block.map(|block| NotedBlock {
                end: block.end,
                key: block.key.clone(),
                is_too_large: block.is_too_large,
            }),
        })
    }

    /// A file that was cut and begins anew is read from its beginning.
    fn begin_again_if_cut(&mut self, metadata: &Metadata) -> io::Result<()> {
        if metadata.len() >= self.offset && self.head.is_of(&self.file)? {
            return Ok(());
        }
        tracing::info!(path = %self.path.display(), "a followed file begins anew");
        (self.offset, self.is_skipping) = (0, false);
        self.inode = inode(metadata);
        self.generation += 1;
        self.head = Head::now(&self.file)?;
        Ok(())
    }

    /// Passes over the rest of a line that is too large.
    fn skip(&mut self) -> io::Result<()> {
        while self.is_skipping {
            let bytes = self.read(BLOCK_BYTES)?;
            match memchr::memchr(b'\n', &bytes) {
                Some(at) => {
                    self.offset += at as u64 + 1;
                    self.is_skipping = false;
                }
                None if bytes.is_empty() => return Ok(()),
                None => self.offset += bytes.len() as u64,
            }
        }
        Ok(())
    }

    /// At most so many bytes from where reading stands.
    fn read(&self, bytes_max: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; bytes_max];
        let mut length = 0;
        while length < bytes_max {
            match read_at(&self.file, &mut bytes[length..], self.offset + length as u64)? {
                0 => break,
                more => length += more,
            }
        }
        bytes.truncate(length);
        Ok(bytes.into())
    }
}

/// Whether it begins as gzip, zstd or zip files do.
fn is_packed(file: &File) -> io::Result<bool> {
    let mut first = [0; 4];
    let length = read_at(file, &mut first, 0)?;
    let magics: [&[u8]; 3] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"];
    Ok(magics.iter().any(|magic| first[..length].starts_with(magic)))
}
