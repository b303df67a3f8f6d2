//! Changes to valid inputs, the same in every run: bits flipped, lengths replaced, pieces cut out, repeated and put elsewhere.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Changes of one input at most.
const CHANGES_MAX: usize = 4;
/// Bytes of a piece that is cut out or repeated.
const PIECE_BYTES_MAX: usize = 64;
/// How often a piece is repeated.
const REPEATS_MAX: usize = 200;
/// Bytes of what comes out, about.
const BYTES_MAX: usize = 32 * 1024;
/// What lengths and counts are replaced by, in both orders of bytes.
const LENGTHS: [u32; 9] = [0, 1, 0x7f, 0xff, 0x100, 0xffff, 0x00ff_ffff, 0x7fff_ffff, 0xffff_ffff];
/// What stands for something in one format or another.
const WORDS: [&[u8]; 14] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"[",
    b"{",
    b"}",
    b"%{",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x98\x80",
    b"1e999",
    b"18446744073709551616",
];

/// Makes inputs out of others.
pub struct Mutator(ChaCha8Rng);

impl Mutator {
    /// Of a target; each has its own.
    pub fn of(target: &str) -> Self {
        Self(ChaCha8Rng::seed_from_u64(crc32c::crc32c(target.as_bytes()).into()))
    }

    /// One of the inputs with some changes.
    pub fn next(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds.choose(&mut self.0).cloned().unwrap_or_default();
        for _ in 0..self.0.random_range(1..=CHANGES_MAX) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.0.random_range(0..=bytes.len());
        let end = (at + self.0.random_range(1..=PIECE_BYTES_MAX)).min(bytes.len());
        match self.0.random_range(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.0.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = self.0.random(),
            2 | 3 => self.replace_length(bytes, at),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let times = self.0.random_range(1..=REPEATS_MAX).min((BYTES_MAX / bytes.len().max(1)).max(1));
                let piece = bytes[at..end].repeat(times);
                bytes.splice(at..at, piece);
            }
            6 => {
                let other = seeds.choose(&mut self.0).map_or(&[][..], Vec::as_slice);
                let from = self.0.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let word = WORDS.choose(&mut self.0).copied().unwrap_or_default();
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }

    /// Writes a number over one, two or four bytes.
    fn replace_length(&mut self, bytes: &mut [u8], at: usize) {
        let number = LENGTHS.choose(&mut self.0).copied().unwrap_or_default();
        let width = [1, 2, 4].choose(&mut self.0).copied().unwrap_or(1).min(bytes.len() - at);
        let (big, little) = (number.to_be_bytes(), number.to_le_bytes());
        let written = if self.0.random() { &big[4 - width..] } else { &little[..width] };
        bytes[at..at + width].copy_from_slice(written);
    }
}
