//! A copy of the file as it is at one moment, while others write to it.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::params;
use vigie_domain::{Error, ErrorKind, Result};

use super::schema;

/// Writes a consistent copy of the database to a new file with the same permissions; it is on disk when this returns.
///
/// # Errors
/// `Unavailable` when the file cannot be read or the copy cannot be written, also when the target exists.
pub fn copy_database(source: &Path, target: &Path) -> Result<()> {
    let failed = |cause: &dyn std::fmt::Display| {
        let (from, to) = (source.display(), target.display());
        Error::new(
            ErrorKind::Unavailable,
            format!("the metadata store \"{from}\" cannot be copied to \"{to}\": {cause}"),
        )
    };
    // Made beforehand, so that it is never readable by others; SQLite accepts an empty file.
    schema::make_private(target)?;
    if target.metadata().map_err(|cause| failed(&cause))?.len() > 0 {
        return Err(failed(&"there is such a file already"));
    }
    let connection = schema::connect(source)?;
    let name = target.to_str().ok_or_else(|| failed(&"its name is not UTF-8"))?;
    connection.execute("VACUUM INTO ?1", params![name]).map_err(|cause| failed(&cause))?;
    let finish = || -> io::Result<()> {
        fs::set_permissions(target, fs::metadata(source)?.permissions())?;
        fs::File::open(target)?.sync_all()
    };
    finish().map_err(|cause| failed(&cause))
}
