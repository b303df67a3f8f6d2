//! Follows files: what is appended to them becomes events, through rotation and restarts, each line once.
//!
//! A file is what its inode and its first bytes say, not its name. Before a block of lines is stored, it is written down
//! which bytes it has and under which key; a start after a crash stores the same bytes under the same key again, so that
//! nothing is doubled and nothing is left out.

mod follow;
mod identity;
mod positions;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use vigie_app::ingest::{Fill, FramedReport};
use vigie_pipeline::Assembler;

use crate::door::{Door, Stopped};
use crate::joined;
use crate::line_form::LineForm;
use crate::lines::Each;
pub use follow::{Block, Followed};
pub use identity::{Head, Inode, inode_of};
use positions::Positions;
pub use positions::{NotedBlock, Position};

/// How often files are looked at when there was nothing new.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// Files followed at once; more are named in the input's state.
const FILES_MAX: usize = 1_000;

/// Which files.
#[derive(Clone, Debug)]
pub struct FileSpec {
    /// Paths with `*`, `?`, `[…]` and `**`.
    pub patterns: Vec<String>,
    /// Where it is kept how far each file has been read.
    pub positions: PathBuf,
    /// How their lines become events.
    pub form: LineForm,
}

/// Follows the files until the process is to end. It blocks: files are read, and what is noted of them is synced, here.
pub(crate) fn follow(spec: &FileSpec, door: &Door, runtime: &Handle) {
    let mut positions = match Positions::load(&spec.positions) {
        Ok(positions) => positions,
        Err(error) => {
            let path = spec.positions.display();
            door.numbers().failed(format!("\"{path}\" cannot be read: {error}; mend or remove it, and start again"));
            tracing::error!(%path, %error, "it is not known how far files have been read; none is followed");
            return;
        }
    };
    let form = Arc::new(spec.form.clone());
    let mut followed: Vec<Followed> = Vec::new();
    loop {
        let found = matching(&spec.patterns);
        if found.len() > FILES_MAX {
            let words = format!("{} files match, more than {FILES_MAX}; name fewer in input_files.paths", found.len());
            door.numbers().failed(words);
        }
        for path in found.into_iter().take(FILES_MAX) {
            look_at(&path, &mut followed, &positions, door);
        }
        for file in &mut followed {
            let stored = store_all(file, &form, &mut positions, &mut |block, fill| {
                let size_bytes = block.bytes.len();
                runtime.block_on(door.store_named(block.key.clone(), None, size_bytes, fill))
            });
            match stored {
                Ok(()) => {}
                Err(Failure::Stopped) => return,
                Err(Failure::Files(error)) => {
                    door.numbers().failed(format!("\"{}\" cannot be followed: {error}", file.path().display()));
                }
            }
        }
        followed.retain(|file| !file.is_over());
        let stopped = runtime.block_on(async { tokio::time::timeout(LOOK_INTERVAL, door.stopped()).await });
        if stopped.is_ok() {
            return;
        }
    }
}

/// Why a file is not read any further now.
enum Failure {
    Stopped,
    Files(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Files(error)
    }
}

impl From<Stopped> for Failure {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// Whether the pattern is one of paths.
///
/// # Errors
/// Says where it is none.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    glob::Pattern::new(pattern).map(drop).map_err(|error| error.to_string())
}

/// Every file that matches, in the order of their names; what cannot be read is passed over.
pub fn matching(patterns: &[String]) -> Vec<PathBuf> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let paths = patterns.iter().filter_map(|pattern| glob::glob_with(pattern, options).ok());
    let mut found: Vec<PathBuf> = paths.flatten().flatten().filter(|path| path.is_file()).collect();
    found.sort();
    found.dedup();
    found
}

/// Begins to follow the file at the path, unless it is followed already; it may have had another name.
fn look_at(path: &Path, followed: &mut Vec<Followed>, positions: &Positions, door: &Door) {
    let outcome = inode_of(path).and_then(|inode| {
        if let Some(known) = followed.iter_mut().find(|file| file.inode() == inode) {
            known.found_at(path);
            return Ok(());
        }
        followed.push(Followed::open(path, inode, positions.of(inode), door.record_bytes_max())?);
        Ok(())
    });
    if let Err(error) = outcome
        && error.kind() != io::ErrorKind::NotFound
    {
        door.numbers().failed(format!("\"{}\" cannot be followed: {error}", path.display()));
    }
}

/// Stores everything that is new in the file.
fn store_all(
    file: &mut Followed,
    form: &Arc<LineForm>,
    positions: &mut Positions,
    store: &mut dyn FnMut(&Block, Fill) -> Result<FramedReport, Stopped>,
) -> Result<(), Failure> {
    let mut is_noted = true;
    while let Some(block) = file.next_events(&form.joining)? {
        positions.note(file.position(Some(&block))?)?;
        store(&block, fill_of(&block, file.path(), form))?;
        file.stored(&block);
        is_noted = false;
    }
    if !is_noted {
        positions.note(file.position(None)?)?;
    }
    Ok(())
}

fn fill_of(block: &Block, path: &Path, form: &Arc<LineForm>) -> Fill {
    let (block, form) = (block.clone(), Arc::clone(form));
    let path = path.display().to_string();
    Arc::new(move |assembler: &mut Assembler<'_>| push(&block, &path, &form, assembler))
}

fn push(block: &Block, path: &str, form: &LineForm, assembler: &mut Assembler<'_>) {
    if block.is_too_large {
        let bytes_max = assembler.record_bytes_max();
        let reason = format!("a line of \"{path}\" has more than the {bytes_max} bytes that are allowed");
        return assembler.refuse(reason, &block.bytes);
    }
    assembler.add_to_each("log.file.path", path);
    joined::push_all(Each::of_lines(&block.bytes), form, assembler);
}
