//! Unpacking gzip, zlib and zstd while reading, within bounds that a zip bomb runs into.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::archive;
use crate::detect::DETECT_BYTES_MAX;
use crate::error::DecodeError;

/// Unpacked bytes of one request body.
pub const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Unpacked bytes of one file.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// Unpacked bytes for each packed one. Logs reach 10 to 60, very repetitive ones 150.
pub const RATIO_MAX: u64 = 400;

/// Unpacked bytes before the ratio is looked at: small inputs may well be all alike.
const RATIO_FREE_BYTES: u64 = 8 * 1024 * 1024;

/// zstd's window in powers of two, 64 MiB: what `zstd -19` needs is 8 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;

/// How bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, any number of members.
    Gzip,
    /// zlib, what HTTP calls deflate.
    Zlib,
    /// Zstandard, any number of frames.
    Zstd,
    /// A zip archive; all its files are read, one after the other.
    Zip,
}

impl Compression {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
        }
    }

    /// Tells it by the first bytes; zlib's two could begin a text, so more is looked at.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) && inflates(head) => Self::Zlib,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether bytes that begin like zlib are: they unpack, and are no text, as `x^2` is.
fn inflates(head: &[u8]) -> bool {
    const TEXT_BYTES_MAX: usize = 64;
    let beginning = &head[..head.len().min(TEXT_BYTES_MAX)];
    let is_utf8 = std::str::from_utf8(beginning).map_or_else(|error| error.error_len().is_none(), |_| true);
    let is_text = is_utf8 && !beginning.contains(&0);
    !is_text && ZlibDecoder::new(head).read(&mut [0]).is_ok_and(|count| count == 1)
}

/// What an input may still unpack to; shared by the files of one archive.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    packed: Arc<AtomicU64>,
    unpacked: Arc<AtomicU64>,
    bytes_max: u64,
}

impl Budget {
    /// A budget of so many unpacked bytes.
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { packed: Arc::default(), unpacked: Arc::default(), bytes_max }
    }

    /// Packed bytes read so far.
    pub(crate) fn packed_bytes(&self) -> u64 {
        self.packed.load(Ordering::Relaxed)
    }

    /// Notes bytes that were read by other means.
    pub(crate) fn add_packed_bytes(&self, count: u64) {
        self.packed.fetch_add(count, Ordering::Relaxed);
    }

    fn spend(&self, count: u64, compression: Compression) -> Result<(), DecodeError> {
        let unpacked = self.unpacked.fetch_add(count, Ordering::Relaxed) + count;
        if compression == Compression::None {
            return Ok(());
        }
        if unpacked > self.bytes_max {
            return Err(DecodeError::TooManyBytes { compression, bytes_max: self.bytes_max });
        }
        if unpacked > RATIO_FREE_BYTES && unpacked > self.packed_bytes().saturating_mul(RATIO_MAX) {
            return Err(DecodeError::RatioTooHigh { compression, ratio_max: RATIO_MAX });
        }
        Ok(())
    }
}

/// How the bytes of one stream are packed. Archives are taken apart before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Stored,
    Gzip,
    Zlib,
    Zstd,
    /// Bare deflate, within zip archives.
    Deflate,
}

/// A reader of the unpacked bytes, which fails when the budget is spent.
pub(crate) fn unpack<'a>(
    packed: Box<dyn Read + Send + 'a>,
    codec: Codec,
    compression: Compression,
    budget: &Budget,
) -> Result<Box<dyn Read + Send + 'a>, DecodeError> {
    let counted = BufReader::new(CountedReader { inner: packed, count: Arc::clone(&budget.packed) });
    let unpacked: Box<dyn Read + Send + 'a> = match codec {
        Codec::Stored => Box::new(counted),
        Codec::Gzip => Box::new(MultiGzDecoder::new(counted)),
        Codec::Zlib => Box::new(ZlibDecoder::new(counted)),
        Codec::Deflate => Box::new(DeflateDecoder::new(counted)),
        Codec::Zstd => {
            let damaged = |error: io::Error| DecodeError::Damaged { compression, cause: error.to_string() };
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted).map_err(damaged)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(damaged)?;
            Box::new(decoder)
        }
    };
    Ok(Box::new(BoundedReader { inner: unpacked, compression, budget: budget.clone() }))
}

/// The bytes of a body or message, unpacked if they are gzip, zlib or zstd; at most `bytes_max` of them.
///
/// # Errors
/// When they are damaged or unpack to more.
pub fn unpack_bytes(bytes: &[u8], bytes_max: u64) -> Result<Cow<'_, [u8]>, DecodeError> {
    let compression = Compression::of(bytes);
    let codec = match compression {
        Compression::None | Compression::Zip => return Ok(Cow::Borrowed(bytes)),
        Compression::Gzip => Codec::Gzip,
        Compression::Zlib => Codec::Zlib,
        Compression::Zstd => Codec::Zstd,
    };
    let mut unpacked = Vec::new();
    let mut reader = unpack(Box::new(bytes), codec, compression, &Budget::new(bytes_max))?;
    reader.read_to_end(&mut unpacked).map_err(DecodeError::from_read)?;
    Ok(Cow::Owned(unpacked))
}

/// Counts what was read.
struct CountedReader<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Keeps the budget, and says what was packed when unpacking fails.
struct BoundedReader<R> {
    inner: R,
    compression: Compression,
    budget: Budget,
}

impl<R: Read> Read for BoundedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let compression = self.compression;
        let count = self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ if compression == Compression::None => error,
            _ => io::Error::other(DecodeError::Damaged { compression, cause: error.to_string() }),
        })?;
        self.budget.spend(count as u64, compression).map_err(io::Error::other)?;
        Ok(count)
    }
}

/// As much as can be unpacked of a beginning, at most `DETECT_BYTES_MAX`, and the name of the file inside if it has one.
pub(crate) fn unpack_head(head: &[u8], compression: Compression) -> (Vec<u8>, Option<String>) {
    let (packed, codec, name) = match compression {
        Compression::None => return (head.to_vec(), None),
        Compression::Gzip => (head, Codec::Gzip, None),
        Compression::Zlib => (head, Codec::Zlib, None),
        Compression::Zstd => (head, Codec::Zstd, None),
        Compression::Zip => match archive::first_entry(head) {
            Some(entry) => (entry.packed, entry.codec, Some(entry.name)),
            None => return (Vec::new(), None),
        },
    };
    let budget = Budget::new(FILE_BYTES_MAX);
    let Ok(reader) = unpack(Box::new(packed), codec, compression, &budget) else { return (Vec::new(), name) };
    let mut reader = BufReader::new(reader);
    let mut unpacked = Vec::new();
    // A beginning is cut off somewhere, so an error only ends it.
    while let Ok(chunk) = reader.fill_buf() {
        let count = chunk.len().min(DETECT_BYTES_MAX - unpacked.len());
        if count == 0 {
            break;
        }
        unpacked.extend_from_slice(&chunk[..count]);
        reader.consume(count);
    }
    (unpacked, name)
}
