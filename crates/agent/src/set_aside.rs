//! What can never be stored, kept in a file with the reason: lines that are no text or too large, and events that the server
//! refuses for good. It is bounded; when it is full nothing more is read or sent until somebody has looked at it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Bytes of the file.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The file.
pub struct SetAside {
    path: PathBuf,
    bytes_max: u64,
    open: Mutex<Option<File>>,
}

/// One thing that is kept.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Kept<'k> {
    /// Why it can never be stored.
    pub reason: &'k str,
    /// Where it comes from.
    pub source: &'k str,
    /// What was read or sent, as text.
    pub raw: &'k str,
}

impl SetAside {
    /// In this folder.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("set-aside.ndjson"), bytes_max: BYTES_MAX, open: Mutex::new(None) }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps these; they are on disk when this returns.
    ///
    /// # Errors
    /// When the file is full or cannot be written; then none of them is kept.
    pub fn keep(&self, kept: &[Kept<'_>]) -> io::Result<()> {
        if kept.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for one in kept {
            serde_json::to_writer(&mut lines, one)?;
            lines.push(b'\n');
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // It is opened anew when somebody has moved it away.
        if !self.path.exists() {
            *open = None;
        }
        let file = match &mut *open {
            Some(file) => file,
            open => open.insert(OpenOptions::new().create(true).append(true).open(&self.path)?),
        };
        let before = file.metadata()?.len();
        if before + lines.len() as u64 > self.bytes_max {
            let words = "is full; look at it, move it away, and what waits goes on";
            return Err(io::Error::other(format!("\"{}\" {words}", self.path.display())));
        }
        let written = file.write_all(&lines).and_then(|()| file.sync_data());
        if written.is_err() {
            drop(file.set_len(before));
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_there_and_a_full_file_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut aside = SetAside::new(folder.path());
        let one = Kept { reason: "too old", source: "a.log", raw: "{\"n\":1}" };
        aside.keep(&[one, one]).unwrap();
        let text = std::fs::read_to_string(aside.path()).unwrap();
        assert_eq!(text, "{\"reason\":\"too old\",\"source\":\"a.log\",\"raw\":\"{\\\"n\\\":1}\"}\n".repeat(2));
        aside.bytes_max = text.len() as u64;
        assert!(aside.keep(&[one]).unwrap_err().to_string().contains("is full"));
        std::fs::rename(aside.path(), folder.path().join("looked-at")).unwrap();
        aside.keep(&[one]).unwrap();
        assert!(std::fs::read_to_string(aside.path()).unwrap().starts_with("{\"reason\""));
    }
}
