//! SQLite's errors as ours. The cause goes to the log here, where it enters; callers get plain words.

use rusqlite::ErrorCode;
use vigie_domain::{Error, ErrorKind};

/// When a busy store is worth another try, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// What a failed call means to callers.
pub(super) fn translated(cause: &rusqlite::Error) -> Error {
    tracing::error!(%cause, "a call to the metadata store failed");
    let error = |kind, message: &str| Error::new(kind, message);
    match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            error(ErrorKind::DiskFull, "the disk of the metadata store is full; free some space on it")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            error(ErrorKind::Unavailable, "the metadata store is busy; try again in a second")
                .with_retry_after_s(RETRY_AFTER_S)
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory,
        ) => error(ErrorKind::Unavailable, "the metadata store cannot be read or written; its log says why"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            error(ErrorKind::Internal, "the file of the metadata store is damaged; restore it from a backup")
        }
        Some(ErrorCode::TooBig) => error(ErrorKind::TooLarge, "the document is too large for the metadata store"),
        _ => error(ErrorKind::Internal, "a call to the metadata store failed; its log says why"),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn every_failure_has_its_kind() {
        let check = |code: i32, kind: ErrorKind| {
            let cause = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(translated(&cause).kind, kind, "{cause}");
        };
        check(ffi::SQLITE_FULL, ErrorKind::DiskFull);
        check(ffi::SQLITE_BUSY, ErrorKind::Unavailable);
        check(ffi::SQLITE_LOCKED, ErrorKind::Unavailable);
        check(ffi::SQLITE_IOERR_FSYNC, ErrorKind::Unavailable);
        check(ffi::SQLITE_READONLY, ErrorKind::Unavailable);
        check(ffi::SQLITE_CANTOPEN, ErrorKind::Unavailable);
        check(ffi::SQLITE_CORRUPT, ErrorKind::Internal);
        check(ffi::SQLITE_NOTADB, ErrorKind::Internal);
        check(ffi::SQLITE_TOOBIG, ErrorKind::TooLarge);
        check(ffi::SQLITE_MISUSE, ErrorKind::Internal);
        assert_eq!(translated(&rusqlite::Error::QueryReturnedNoRows).kind, ErrorKind::Internal);
    }
}
