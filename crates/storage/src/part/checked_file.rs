//! A file of a part read block by block, each against its checksum: what is damaged on disk is told, never answered.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::files::StoredFile;

/// Bytes of a block that has a checksum: most pages that one row is read of are not much larger.
const BLOCK_BYTES: usize = 4 * 1024;
/// Of files that were written when blocks were larger.
const FORMER_BLOCK_BYTES: usize = 16 * 1024;
/// Bytes that are read ahead at most.
const AHEAD_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of a block of a file of so many bytes that has so many checksums.
pub fn block_bytes_of(size_bytes: u64, sum_count: usize) -> usize {
    match sum_count as u64 == size_bytes.div_ceil(FORMER_BLOCK_BYTES as u64) {
        true => FORMER_BLOCK_BYTES,
        false => BLOCK_BYTES,
    }
}

/// The file of a part.
#[derive(Clone)]
pub struct CheckedFile {
    file: Arc<dyn StoredFile>,
    size_bytes: u64,
    /// CRC32C of each block; none of parts written before there were any.
    sums: Option<Arc<[u32]>>,
    block_bytes: usize,
    bytes_read: Arc<AtomicU64>,
}

impl CheckedFile {
    /// The file, whose blocks have these checksums.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn new(file: Arc<dyn StoredFile>, sums: Option<Arc<[u32]>>) -> io::Result<Self> {
        let size_bytes = file.size_bytes()?;
        let block_bytes = block_bytes_of(size_bytes, sums.as_ref().map_or(0, |sums| sums.len()));
        Ok(Self { file, size_bytes, sums, block_bytes, bytes_read: Arc::default() })
    }

    /// How many bytes were asked of it so far; counts on while it is read.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        self.bytes_read.clone()
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        self.bytes_read.fetch_add(length as u64, Ordering::Relaxed);
        let Some(sums) = &self.sums else {
            let mut bytes = zeros(length);
            self.file.read_exact_at(&mut bytes, start)?;
            return Ok(bytes.into());
        };
        let block = self.block_bytes as u64;
        let (first, end) =
            (start / block * block, (start + length as u64).next_multiple_of(block).min(self.size_bytes));
        let mut bytes = zeros(end.saturating_sub(first) as usize);
        self.file.read_exact_at(&mut bytes, first)?;
        for (number, bytes) in (first / block..).zip(bytes.chunks(self.block_bytes)) {
            if sums.get(number as usize) != Some(&crc32c::crc32c(bytes)) {
                let place = number * block;
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "the block at byte {place} fails its checksum: the disk returned other bytes than were written"
                    ),
                ));
            }
        }
        let within = (start - first) as usize;
        if within + length > bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Bytes::from(bytes).slice(within..within + length))
    }
}

/// Memory to read into. Asked for zeros, the allocator gives pages back to the system and takes them again, each with a fault; clearing
/// what it has costs a tenth of that.
#[expect(clippy::slow_vector_initialization, reason = "measured: see above")]
fn zeros(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    bytes.resize(length, 0);
    bytes
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.size_bytes
    }
}

impl ChunkReader for CheckedFile {
    type T = BlockReader;

    fn get_read(&self, start: u64) -> Result<BlockReader, ParquetError> {
        Ok(BlockReader { file: self.clone(), at: start, step: self.block_bytes as u64, ready: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.read(start, length)?)
    }
}

/// Reads the file from a place on: a block first, since most want no more than the head of a page, then more and more.
pub struct BlockReader {
    file: CheckedFile,
    at: u64,
    step: u64,
    ready: Bytes,
}

impl Read for BlockReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            let end = ((self.at / self.step + 1) * self.step).min(self.file.size_bytes);
            self.step = (2 * self.step).min(AHEAD_BYTES_MAX);
            self.ready = self.file.read(self.at, end.saturating_sub(self.at) as usize)?;
            self.at = end.max(self.at);
        }
        let length = buffer.len().min(self.ready.len());
        buffer[..length].copy_from_slice(&self.ready.split_to(length));
        Ok(length)
    }
}

/// Writes a file and sums its blocks on the way.
pub struct SummingWriter<W> {
    inner: W,
    sums: Vec<u32>,
    /// Checksum and length of the block that is not full yet.
    open: (u32, usize),
}

impl<W> SummingWriter<W> {
    /// Over a file that is empty.
    pub const fn new(inner: W) -> Self {
        Self { inner, sums: Vec::new(), open: (0, 0) }
    }

    /// The file, the checksums of its blocks and its bytes, once all are written.
    pub fn finish(&mut self) -> (&W, Vec<u32>, u64) {
        let size_bytes = (self.sums.len() * BLOCK_BYTES + self.open.1) as u64;
        if self.open.1 > 0 {
            self.sums.push(self.open.0);
        }
        (&self.inner, std::mem::take(&mut self.sums), size_bytes)
    }
}

impl<W: Write> Write for SummingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let mut rest = &bytes[..written];
        while !rest.is_empty() {
            let (sum, length) = self.open;
            let (now, later) = rest.split_at(rest.len().min(BLOCK_BYTES - length));
            self.open = (crc32c::crc32c_append(sum, now), length + now.len());
            if self.open.1 == BLOCK_BYTES {
                self.sums.push(self.open.0);
                self.open = (0, 0);
            }
            rest = later;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Files, OsFiles};

    fn written(bytes: &[u8]) -> (tempfile::NamedTempFile, Arc<[u32]>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = SummingWriter::new(file.reopen().unwrap());
        bytes.chunks(1_000).for_each(|piece| writer.write_all(piece).unwrap());
        (file, writer.finish().1.into())
    }

    #[test]
    fn any_range_is_read_back() {
        let bytes: Vec<u8> = (0..BLOCK_BYTES * 2 + 77).map(|n| (n % 251) as u8).collect();
        let (file, sums) = written(&bytes);
        let checked = CheckedFile::new(OsFiles.open(file.path()).unwrap(), Some(sums)).unwrap();
        for (start, length) in
            [(0, 1), (0, bytes.len()), (BLOCK_BYTES - 1, 2), (BLOCK_BYTES, BLOCK_BYTES), (bytes.len() - 1, 1)]
        {
            assert_eq!(checked.get_bytes(start as u64, length).unwrap(), bytes[start..start + length]);
        }
        assert!(checked.get_bytes(bytes.len() as u64 - 1, 2).is_err());
        let mut all = Vec::new();
        checked.get_read(5).unwrap().read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes[5..]);
    }

    #[test]
    fn a_file_with_larger_blocks_is_read() {
        let bytes: Vec<u8> = (0..FORMER_BLOCK_BYTES * 2 + 77).map(|n| (n % 251) as u8).collect();
        let (file, _) = written(&bytes);
        let sums: Arc<[u32]> = bytes.chunks(FORMER_BLOCK_BYTES).map(crc32c::crc32c).collect();
        let checked = CheckedFile::new(OsFiles.open(file.path()).unwrap(), Some(sums)).unwrap();
        assert_eq!(
            checked.get_bytes(BLOCK_BYTES as u64 + 1, bytes.len() / 2).unwrap(),
            bytes[BLOCK_BYTES + 1..][..bytes.len() / 2]
        );
    }

    #[test]
    fn the_number_of_checksums_tells_how_large_blocks_are() {
        for size in
            [1, BLOCK_BYTES, BLOCK_BYTES + 1, FORMER_BLOCK_BYTES, FORMER_BLOCK_BYTES + 1, 10 * FORMER_BLOCK_BYTES]
        {
            for block in [BLOCK_BYTES, FORMER_BLOCK_BYTES] {
                let told = block_bytes_of(size as u64, size.div_ceil(block));
                // Of one block it does not matter.
                assert!(told == block || size <= BLOCK_BYTES, "{size} {block}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_told() {
        let bytes: Vec<u8> = (0..300).map(|n| (n % 7) as u8).collect();
        let (_, sums) = written(&bytes);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (file, _) = written(&flipped);
            let checked = CheckedFile::new(OsFiles.open(file.path()).unwrap(), Some(sums.clone())).unwrap();
            let error = checked.get_bytes(0, bytes.len()).unwrap_err().to_string();
            assert!(error.contains("fails its checksum"), "{bit}: {error}");
        }
    }
}
