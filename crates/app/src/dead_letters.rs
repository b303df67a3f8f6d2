//! Records that may not be stored and whose sender cannot be told: kept whole with the reason, until somebody decides.
//!
//! One file per day of arrival, one JSON object a line. What `keep` was given is on disk when it returns. The folder is
//! bounded: when it is full, the oldest day goes, and that is counted and logged.

mod files;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};
use vigie_pipeline::Refused;

use crate::Clock;
use crate::listing::{ListRequest, Listed};
use files::LetterFiles;

/// Letters that are looked through for one list or replay, latest first.
const READ_MAX: usize = 10_000;

/// A record that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Names it.
    pub id: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The input that it came through.
    pub input: String,
    /// Who sent it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<IpAddr>,
    /// Why it was not stored, and what to do.
    pub reason: String,
    /// What was sent, when it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// What was sent, in base64, when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
}

impl DeadLetter {
    /// What was sent.
    pub fn bytes(&self) -> Vec<u8> {
        match (&self.raw, &self.raw_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(packed)) => STANDARD.decode(packed).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

/// How many letters there are and what became of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterNumbers {
    /// Letters in the folder.
    pub count: u64,
    /// Bytes of them.
    pub size_bytes: u64,
    /// Letters that had to go because the folder was full, since the start.
    pub dropped: u64,
}

/// Which letters are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those with these ids.
    Ids(Vec<String>),
}

impl Selection {
    fn has(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&letter.id),
        }
    }
}

/// The folder of letters.
#[derive(Clone)]
pub struct DeadLetters {
    files: Arc<Mutex<LetterFiles>>,
    clock: Clock,
}

impl DeadLetters {
    /// Over this folder, which is made when it is needed; it holds no more than `bytes_max` bytes.
    ///
    /// # Errors
    /// `Unavailable` when the folder is there and cannot be read.
    pub fn open(folder: PathBuf, bytes_max: u64, clock: Clock) -> Result<Self> {
        let files = LetterFiles::open(folder, bytes_max).map_err(|error| unusable(&error))?;
        Ok(Self { files: Arc::new(Mutex::new(files)), clock })
    }

    /// Keeps what was refused; it is on disk when this returns.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be written to.
    pub async fn keep(&self, input: &str, sender: Option<IpAddr>, refused: Vec<Refused>) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let (at, input) = ((self.clock)(), input.to_owned());
        self.with_files(move |files| {
            let letters: Vec<DeadLetter> = refused
                .into_iter()
                .map(|Refused { reason, raw }| {
                    let (raw, raw_base64) = match String::from_utf8(raw) {
                        Ok(text) => (Some(text), None),
                        Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
                    };
                    DeadLetter { id: files.next_id(at), at, input: input.clone(), sender, reason, raw, raw_base64 }
                })
                .collect();
            files.append(at.day(), &letters)
        })
        .await
    }

    /// A page of the letters, latest first.
    ///
    /// # Errors
    /// `Invalid` or `Malformed` for a wrong page; `Unavailable` when the folder cannot be read.
    pub async fn list(&self, asked: &ListRequest) -> Result<Listed<DeadLetter>> {
        let letters = self.with_files(|files| files.latest(READ_MAX, &|_| true)).await?;
        let count = self.numbers().count;
        let is_exact = letters.len() as u64 == count;
        let mut listed = asked.page(letters, is_exact, |letter| (letter.at, letter.id.clone()))?;
        listed.total = listed.total.max(count);
        listed.is_total_exact = true;
        Ok(listed)
    }

    /// The letters that are meant, latest first, up to a bound.
    pub(crate) async fn selected(&self, selection: &Selection) -> Result<Vec<DeadLetter>> {
        let selection = selection.clone();
        self.with_files(move |files| files.latest(READ_MAX, &|letter| selection.has(letter))).await
    }

    /// How many letters are meant.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be read.
    pub async fn count(&self, selection: &Selection) -> Result<u64> {
        match selection {
            Selection::All => Ok(self.numbers().count),
            Selection::Ids(_) => Ok(self.selected(selection).await?.len() as u64),
        }
    }

    /// Deletes letters for good; how many it were.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be written to.
    pub async fn remove(&self, selection: &Selection) -> Result<u64> {
        let selection = selection.clone();
        self.with_files(move |files| files.remove(&|letter| selection.has(letter))).await
    }

    /// How many there are.
    pub fn numbers(&self) -> DeadLetterNumbers {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).numbers()
    }

    async fn with_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut LetterFiles) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = Arc::clone(&self.files);
        let done =
            tokio::task::spawn_blocking(move || work(&mut files.lock().unwrap_or_else(PoisonError::into_inner))).await;
        match done {
            Ok(result) => result.map_err(|error| unusable(&error)),
            Err(error) => Err(Error::internal(format!("work on dead letters stopped: {error}"))),
        }
    }
}

fn unusable(error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("the folder of dead letters cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_shop::clock;

    fn refused(raw: &[u8]) -> Refused {
        Refused { reason: "too old".to_owned(), raw: raw.to_vec() }
    }

    async fn listed(letters: &DeadLetters) -> Vec<Vec<u8>> {
        let request = ListRequest { limit: Some(200), cursor: None };
        letters.list(&request).await.unwrap().entries.iter().map(DeadLetter::bytes).collect()
    }

    #[tokio::test]
    async fn letters_are_kept_over_a_restart_latest_first() {
        let folder = tempfile::tempdir().unwrap();
        let open = || DeadLetters::open(folder.path().join("dead-letters"), 1 << 20, clock()).unwrap();
        let letters = open();
        assert_eq!(letters.numbers(), DeadLetterNumbers::default());
        letters.keep("tcp", Some([127, 0, 0, 1].into()), vec![refused(b"one"), refused(b"a\xff\0b")]).await.unwrap();
        let letters = open();
        letters.keep("udp", None, vec![refused(b"three")]).await.unwrap();
        assert_eq!(listed(&letters).await, [b"three".as_slice(), b"a\xff\0b", b"one"]);
        assert_eq!(letters.numbers().count, 3);
    }

    #[tokio::test]
    async fn pages_follow_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(folder.path().to_owned(), 1 << 20, clock()).unwrap();
        letters.keep("tcp", None, (0..5).map(|n| refused(&[b'0' + n])).collect()).await.unwrap();
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = letters.list(&ListRequest { limit: Some(2), cursor }).await.unwrap();
            assert_eq!((page.total, page.is_total_exact), (5, true));
            found.extend(page.entries.iter().flat_map(DeadLetter::bytes));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, b"43210");
    }

    #[tokio::test]
    async fn letters_are_removed_one_or_all() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(folder.path().to_owned(), 1 << 20, clock()).unwrap();
        letters.keep("tcp", None, vec![refused(b"one"), refused(b"two"), refused(b"three")]).await.unwrap();
        let all = letters.selected(&Selection::All).await.unwrap();
        let middle = Selection::Ids(vec![all[1].id.clone(), "nothing".to_owned()]);
        assert_eq!(letters.remove(&middle).await.unwrap(), 1);
        assert_eq!(listed(&letters).await, [b"three".as_slice(), b"one"]);
        assert_eq!(letters.remove(&Selection::All).await.unwrap(), 2);
        assert_eq!(letters.numbers(), DeadLetterNumbers::default());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no empty file stays");
    }

    #[tokio::test]
    async fn a_torn_line_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(folder.path().to_owned(), 1 << 20, clock()).unwrap();
        letters.keep("tcp", None, vec![refused(b"one")]).await.unwrap();
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, [&whole[..], &whole[..20]].concat()).unwrap();
        let letters = DeadLetters::open(folder.path().to_owned(), 1 << 20, clock()).unwrap();
        letters.keep("tcp", None, vec![refused(b"two")]).await.unwrap();
        assert_eq!(listed(&letters).await, [b"two".as_slice(), b"one"]);
    }

    #[tokio::test]
    async fn a_full_folder_lets_the_oldest_day_go() {
        let folder = tempfile::tempdir().unwrap();
        let day = Arc::new(std::sync::atomic::AtomicI64::new(1));
        let now = Arc::clone(&day);
        let clock: Clock =
            Arc::new(move || Timestamp::from_seconds(now.load(std::sync::atomic::Ordering::Relaxed) * 86_400));
        let letters = DeadLetters::open(folder.path().to_owned(), 1_000, clock).unwrap();
        for number in 1..=4_i64 {
            day.store(number, std::sync::atomic::Ordering::Relaxed);
            letters.keep("tcp", None, vec![refused(&[b'0' + number as u8; 300])]).await.unwrap();
        }
        let numbers = letters.numbers();
        assert!(numbers.size_bytes <= 1_000, "{numbers:?}");
        assert_eq!((numbers.count, numbers.dropped), (2, 2));
        assert_eq!(listed(&letters).await, [[b'4'; 300], [b'3'; 300]]);
    }
}
