//! What is remembered as a file: replaced as a whole, with a checksum, and thrown away rather than trusted when it is damaged.

use std::fs;
use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

/// What the file begins with.
const MAGIC: &[u8; 8] = b"VGFRAUD1";
/// Bytes of the checksum behind it.
const DIGEST_BYTES: usize = 32;

/// A snapshot read back.
pub(super) struct Snapshot {
    /// Everything that was accepted before is in it.
    pub(super) taken_at: Timestamp,
    /// What was remembered.
    pub(super) state: Vec<u8>,
}

/// Writes the state to a file beside it, syncs it and puts it in its place.
pub(super) fn write(path: &Path, taken_at: Timestamp, state: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("\"{}\" cannot be written: {error}", path.display()))
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside).map_err(failed)?;
    let instant = taken_at.as_nanos().to_le_bytes();
    let digest = Sha256::new().chain_update(instant).chain_update(state).finalize();
    for part in [MAGIC.as_slice(), &digest[..], &instant, state] {
        file.write_all(part).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Reads a snapshot; `None` when there is none or it is damaged.
pub(super) fn read(path: &Path) -> Option<Snapshot> {
    let bytes = fs::read(path).ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (digest, content) = rest.split_at_checked(DIGEST_BYTES)?;
    let (instant, state) = content.split_first_chunk::<8>()?;
    if Sha256::digest(content)[..] != *digest {
        tracing::warn!(path = %path.display(), "what fraud detection remembered is damaged; it is read back from the logs");
        return None;
    }
    Some(Snapshot { taken_at: Timestamp::from_nanos(i64::from_le_bytes(*instant)), state: state.to_vec() })
}
