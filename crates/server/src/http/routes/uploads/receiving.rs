//! Receiving the file of a form: streamed to a temporary file, its SHA-256 computed on the way, never whole in memory.
//!
//! The temporary file goes with its `ReceivedFile`, also when the client goes away in the middle.

use std::path::Path;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartRejection};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use vigie_app::uploads::{ReceivedFile, Uploads};
use vigie_domain::{Error, ErrorKind};

use crate::http::error::{ApiResult, Problem};

/// The field of the form that holds the file.
const FILE_FIELD: &str = "file";
/// Characters of a file's name that are kept.
const FILENAME_CHARS_MAX: usize = 255;
/// The name of a file that was sent without one.
const UNNAMED: &str = "unnamed";
/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// The file of the form, of at most `bytes_max` bytes.
pub(super) async fn receive_file(
    form: Result<Multipart, MultipartRejection>,
    uploads: &Uploads,
    bytes_max: u64,
) -> ApiResult<ReceivedFile> {
    let mut form = form.map_err(|_| {
        Problem::unsupported_media_type(
            "this route reads a form; send \"Content-Type: multipart/form-data\" with a field \"file\"",
        )
    })?;
    let mut received = None;
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != FILE_FIELD {
            let words = format!(
                "the form has a field \"{name}\"; send the file as \"{FILE_FIELD}\" and how to read it as query parameters"
            );
            return Err(Error::invalid_field(name, words).into());
        }
        if received.is_some() {
            return Err(Error::invalid_field(FILE_FIELD, "the form has several files; send them one by one").into());
        }
        received = Some(receive_field(field, &uploads.incoming_folder(), bytes_max).await?);
    }
    received.ok_or_else(|| {
        let words = format!("the form has no field \"{FILE_FIELD}\"; send the file in it");
        Error::invalid_field(FILE_FIELD, words).into()
    })
}

async fn receive_field(mut field: Field<'_>, folder: &Path, bytes_max: u64) -> ApiResult<ReceivedFile> {
    let filename = shown_name(field.file_name().unwrap_or_default());
    let path = folder.join(format!("{:032x}", rand::random::<u128>()));
    tokio::fs::create_dir_all(folder).await.map_err(|error| unwritable(&path, &error))?;
    let file = File::create_new(&path).await.map_err(|error| unwritable(&path, &error))?;
    let mut received =
        ReceivedFile { path: path.clone(), is_temporary: true, filename, size_bytes: 0, sha256: String::new() };
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    let mut hasher = Sha256::new();
    while let Some(piece) = field.chunk().await? {
        received.size_bytes += piece.len() as u64;
        if received.size_bytes > bytes_max {
            let words = format!(
                "the file is larger than {bytes_max} bytes; send it in pieces, or raise the setting \"upload.bytes_max\""
            );
            return Err(Error::new(ErrorKind::TooLarge, words).into());
        }
        hasher.update(&piece);
        out.write_all(&piece).await.map_err(|error| unwritable(&path, &error))?;
    }
    out.flush().await.map_err(|error| unwritable(&path, &error))?;
    if received.size_bytes == 0 {
        return Err(Error::invalid_field(FILE_FIELD, "the file is empty; there is nothing to store").into());
    }
    received.sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(received)
}

/// The last part of a name as sent, without what could not be shown.
fn shown_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|sign| !sign.is_control()).take(FILENAME_CHARS_MAX).collect();
    if kept.trim().is_empty() { UNNAMED.to_owned() } else { kept }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            return Error::new(ErrorKind::DiskFull, "the disk is full; free some space and send the file again").into();
        }
        _ => ErrorKind::Internal,
    };
    Error::new(kind, format!("\"{}\" cannot be written: {error}", path.display())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_their_folders() {
        let check = |sent: &str, expected: &str| assert_eq!(shown_name(sent), expected, "{sent}");
        check("orders.csv", "orders.csv");
        check("C:\\shop\\orders.csv", "orders.csv");
        check("../../etc/passwd", "passwd");
        check("a\r\nb", "ab");
        check("", "unnamed");
        check("x/", "unnamed");
        check(&"é".repeat(300), &"é".repeat(255));
    }
}
