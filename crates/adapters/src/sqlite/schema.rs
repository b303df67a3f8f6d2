//! Opening the file: its mode, the settings of a connection, and the schema, version by version.
//!
//! A released migration is never changed; a new one is added to the end of `MIGRATIONS`.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use vigie_domain::{Error, ErrorKind, Result};

/// Tells our files from other SQLite files: "VIGI".
const APPLICATION_ID: i32 = 0x5649_4749;
/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of one connection; negative means KiB.
const CACHE_KIB: i32 = -1_024;
/// Size down to which the journal is cut after a checkpoint.
const JOURNAL_BYTES_MAX: i32 = 4 * 1_024 * 1_024;

/// Step `n` leads from version `n` to version `n + 1`.
const MIGRATIONS: [&str; 1] = [
    // Documents in order of writing; and for each the values that no other may share. A missing value
    // is kept as NULL: the document must still be checked once it has one.
    "CREATE TABLE documents (
         collection    TEXT    NOT NULL,
         id            TEXT    NOT NULL,
         revision      INTEGER NOT NULL,
         written_order INTEGER NOT NULL,
         body          TEXT    NOT NULL,
         PRIMARY KEY (collection, id)
     ) STRICT;
     CREATE UNIQUE INDEX documents_by_order ON documents (collection, written_order);
     CREATE TABLE unique_values (
         collection TEXT NOT NULL,
         id         TEXT NOT NULL,
         field      TEXT NOT NULL,
         value      TEXT,
         PRIMARY KEY (collection, id, field),
         FOREIGN KEY (collection, id) REFERENCES documents (collection, id) ON DELETE CASCADE
     ) STRICT, WITHOUT ROWID;
     CREATE UNIQUE INDEX unique_values_once ON unique_values (collection, field, value);",
];

/// Makes the file when it is not there, and lets nobody but its owner use it. SQLite gives its journal
/// the same mode.
pub(super) fn make_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let opened = options.open(path).and_then(|file| {
        restrict(&file)?;
        file.sync_all()?;
        // The name of a new file is durable only once its folder is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    });
    opened.map_err(|cause| {
        Error::new(ErrorKind::Unavailable, format!("cannot open the metadata store \"{}\": {cause}", path.display()))
    })
}

/// A connection that reads and writes.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    connected(path).map_err(|cause| cannot_open(path, &cause))
}

/// A connection that only reads.
pub(super) fn connect_for_reading(path: &Path) -> Result<Connection> {
    let only_reading = |path| {
        let connection = connected(path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    only_reading(path).map_err(|cause| cannot_open(path, &cause))
}

/// Brings the schema up to this version.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    migrate_to(connection, path, &MIGRATIONS)
}

fn migrate_to(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let cannot = |cause: rusqlite::Error| cannot_open(path, &cause);
    // Immediate: of two processes that start at once, the second finds the work done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(cannot)?;
    let application_id: i32 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(cannot)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(cannot)?;
    let is_new = application_id == 0 && version == 0 && is_empty(&transaction).map_err(cannot)?;
    if application_id != APPLICATION_ID && !is_new {
        return Err(Error::invalid(format!(
            "\"{}\" is a SQLite file of another program; name another data folder",
            path.display()
        )));
    }
    let Some(missing) = migrations.get(version as usize..) else {
        return Err(Error::invalid(format!(
            "the metadata store \"{}\" has version {version} and this program knows up to {}; run the newer program",
            path.display(),
            migrations.len()
        )));
    };
    let mut reached = version;
    for migration in missing {
        transaction.execute_batch(migration).map_err(cannot)?;
        reached += 1;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(cannot)?;
    transaction.pragma_update(None, "user_version", reached).map_err(cannot)?;
    transaction.commit().map_err(cannot)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn connected(path: &Path) -> rusqlite::Result<Connection> {
    // No CREATE: `make_private` has made it, with the right mode. No URI: a path is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let journal: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if journal != "wal" {
        tracing::warn!(journal, "this file system has no write-ahead journal: the metadata store will be slower");
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update_and_check(None, "journal_size_limit", JOURNAL_BYTES_MAX, |_| Ok(()))?;
    Ok(connection)
}

#[cfg(unix)]
fn restrict(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_file: &fs::File) -> std::io::Result<()> {
    Ok(())
}

/// At start the cause and the path are for whoever starts the program: both are told.
fn cannot_open(path: &Path, cause: &rusqlite::Error) -> Error {
    let kind = super::error::translated(cause).kind;
    Error::new(kind, format!("cannot open the metadata store \"{}\": {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(path: &Path, migrations: &[&str]) -> Result<Connection> {
        make_private(path)?;
        let mut connection = connect(path)?;
        migrate_to(&mut connection, path, migrations)?;
        Ok(connection)
    }

    #[test]
    fn only_missing_migrations_are_run_and_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vigie.db");
        let (first, second) = ("CREATE TABLE one (x)", "CREATE TABLE two (x)");
        opened(&path, &[first]).unwrap();
        opened(&path, &[first, second]).unwrap();
        let broken = opened(&path, &[first, second, "CREATE TABLE three (x)", "CREATE NONSENSE"]);
        assert_eq!(broken.err().map(|error| error.kind), Some(ErrorKind::Internal));
        let connection = opened(&path, &[first, second]).unwrap();
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 2);
        let newer = opened(&path, &[first]).err().unwrap();
        assert!(newer.kind == ErrorKind::Invalid && newer.message.contains("version 2"), "{newer}");
    }

    #[test]
    fn files_that_are_not_ours_are_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        let error = opened(&foreign, &MIGRATIONS).err().unwrap();
        assert!(error.kind == ErrorKind::Invalid && error.message.contains("another program"), "{error}");
        let text = folder.path().join("text.db");
        fs::write(&text, "this is not a database, and it is long enough to be looked at as one".repeat(20)).unwrap();
        let error = opened(&text, &MIGRATIONS).err().unwrap();
        assert!(error.kind == ErrorKind::Internal && error.message.contains("text.db"), "{error}");
        assert!(fs::read_to_string(&text).unwrap().starts_with("this is not"));
        let nowhere = opened(&folder.path().join("nowhere").join("vigie.db"), &MIGRATIONS).err().unwrap();
        assert!(nowhere.kind == ErrorKind::Unavailable && nowhere.message.contains("nowhere"), "{nowhere}");
    }

    #[test]
    fn connections_sync_fully_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vigie.db");
        let writer = opened(&path, &MIGRATIONS).unwrap();
        let reader = connect_for_reading(&path).unwrap();
        let pragma = |name: &str| writer.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((pragma("synchronous"), pragma("foreign_keys"), pragma("busy_timeout")), (2, 1, 5_000));
        let journal: String = writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(journal, "wal");
        assert!(reader.execute("DELETE FROM documents", []).is_err());
        assert!(writer.execute("DELETE FROM documents", []).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_but_the_owner_may_use_the_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vigie.db");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let connection = opened(&path, &MIGRATIONS).unwrap();
        let modes: Vec<u32> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
            .collect();
        assert_eq!(modes, [0o600; 3], "the file, its journal and its index");
        drop(connection);
    }
}
