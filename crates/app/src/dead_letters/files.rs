//! The files of dead letters: one per day, appended to, synced before anybody is told that a letter is kept.
//!
//! A line that cannot be read, such as one torn by a power cut, is passed over; the next letter begins a line of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use vigie_domain::{Day, Timestamp};

use super::{DeadLetter, DeadLetterNumbers};

/// What file names end with.
const EXTENSION: &str = "ndjson";

/// One day's file.
#[derive(Clone, Copy, Debug)]
struct DayFile {
    day: Day,
    size_bytes: u64,
    count: u64,
}

/// All files of the folder.
pub(super) struct LetterFiles {
    folder: PathBuf,
    bytes_max: u64,
    /// In the order of days.
    days: Vec<DayFile>,
    dropped: u64,
    last_id: i64,
}

impl LetterFiles {
    /// The files that the folder holds; there may be no such folder.
    pub(super) fn open(folder: PathBuf, bytes_max: u64) -> io::Result<Self> {
        let mut files = Self { folder, bytes_max, days: Vec::new(), dropped: 0, last_id: 0 };
        let entries = match fs::read_dir(&files.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let is_ours = path.extension().is_some_and(|extension| extension == EXTENSION);
            let Some(day) = stem.and_then(Day::parse).filter(|_| is_ours) else { continue };
            let size_bytes = end_last_line(&path)?;
            files.days.push(DayFile { day, size_bytes, count: letters_of(&path, &|_| true)?.len() as u64 });
        }
        files.days.sort_by_key(|file| file.day);
        Ok(files)
    }

    /// The next id: the instant in hexadecimal, one further when that is taken. Ids sort as they were given.
    pub(super) fn next_id(&mut self, at: Timestamp) -> String {
        self.last_id = at.as_nanos().max(self.last_id + 1);
        format!("{:016x}", self.last_id)
    }

    /// Puts letters at the end of the day's file, and syncs it.
    pub(super) fn append(&mut self, day: Day, letters: &[DeadLetter]) -> io::Result<()> {
        let mut lines = Vec::new();
        for letter in letters {
            serde_json::to_writer(&mut lines, letter)?;
            lines.push(b'\n');
        }
        let is_new = !self.days.iter().any(|file| file.day == day);
        if is_new {
            fs::create_dir_all(&self.folder)?;
        }
        let path = self.path(day);
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(&lines).and_then(|()| file.sync_data()) {
            // Half a line would be read as part of the next one.
            file.set_len(before)?;
            return Err(error);
        }
        if is_new {
            File::open(&self.folder)?.sync_all()?;
            self.days.push(DayFile { day, size_bytes: 0, count: 0 });
            self.days.sort_by_key(|file| file.day);
        }
        if let Some(file) = self.days.iter_mut().find(|file| file.day == day) {
            file.size_bytes += lines.len() as u64;
            file.count += letters.len() as u64;
        }
        self.drop_oldest()
    }

    /// Lets the oldest days go until the rest fits; the last one stays, whatever its size.
    fn drop_oldest(&mut self) -> io::Result<()> {
        while self.days.len() > 1 && self.numbers().size_bytes > self.bytes_max {
            let oldest = self.days[0];
            fs::remove_file(self.path(oldest.day))?;
            self.days.remove(0);
            self.dropped += oldest.count;
            tracing::warn!(day = %oldest.day, letters = oldest.count, "the folder of dead letters was full; its oldest day is gone");
        }
        Ok(())
    }

    /// The latest letters that are meant, at most so many, latest first.
    pub(super) fn latest(&self, max: usize, is_meant: &dyn Fn(&DeadLetter) -> bool) -> io::Result<Vec<DeadLetter>> {
        let mut latest = Vec::new();
        for file in self.days.iter().rev() {
            let letters = letters_of(&self.path(file.day), is_meant)?;
            latest.extend(letters.into_iter().rev().take(max - latest.len()));
            if latest.len() >= max {
                break;
            }
        }
        Ok(latest)
    }

    /// Removes the letters that are meant; how many it were.
    pub(super) fn remove(&mut self, is_meant: &dyn Fn(&DeadLetter) -> bool) -> io::Result<u64> {
        let mut removed = 0;
        for day in self.days.iter().map(|file| file.day).collect::<Vec<_>>() {
            let path = self.path(day);
            let kept = letters_of(&path, &|letter| !is_meant(letter))?;
            let before = self.days.iter().find(|file| file.day == day).map_or(0, |file| file.count);
            if kept.len() as u64 == before {
                continue;
            }
            let size_bytes = if kept.is_empty() {
                fs::remove_file(&path)?;
                0
            } else {
                replace(&path, &kept)?
            };
            removed += before - kept.len() as u64;
            self.days.retain_mut(|file| {
                if file.day == day {
                    (file.size_bytes, file.count) = (size_bytes, kept.len() as u64);
                }
                file.count > 0
            });
        }
        Ok(removed)
    }

    pub(super) fn numbers(&self) -> DeadLetterNumbers {
        DeadLetterNumbers {
            count: self.days.iter().map(|file| file.count).sum(),
            size_bytes: self.days.iter().map(|file| file.size_bytes).sum(),
            dropped: self.dropped,
        }
    }

    fn path(&self, day: Day) -> PathBuf {
        self.folder.join(format!("{day}.{EXTENSION}"))
    }
}

/// Ends the last line if it was torn; the file's size in bytes.
fn end_last_line(path: &Path) -> io::Result<u64> {
    let bytes = fs::read(path)?;
    if bytes.last().is_none_or(|last| *last == b'\n') {
        return Ok(bytes.len() as u64);
    }
    OpenOptions::new().append(true).open(path)?.write_all(b"\n")?;
    Ok(bytes.len() as u64 + 1)
}

/// The letters of a file that are meant and can be read, in order.
fn letters_of(path: &Path, is_meant: &dyn Fn(&DeadLetter) -> bool) -> io::Result<Vec<DeadLetter>> {
    let mut letters = Vec::new();
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        match serde_json::from_slice(&line?) {
            Ok(letter) if is_meant(&letter) => letters.push(letter),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "a line of dead letters cannot be read"),
        }
    }
    Ok(letters)
}

/// Puts a file with these letters in the place of the one that is there; its size in bytes.
fn replace(path: &Path, letters: &[DeadLetter]) -> io::Result<u64> {
    let new = path.with_extension("new");
    let mut lines = Vec::new();
    for letter in letters {
        serde_json::to_writer(&mut lines, letter)?;
        lines.push(b'\n');
    }
    let mut file = File::create(&new)?;
    file.write_all(&lines)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(lines.len() as u64)
}
