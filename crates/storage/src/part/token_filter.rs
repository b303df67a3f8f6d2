//! Which pages of a column may hold a word or a value: a split-block Bloom filter per page, asked of all pages at once.
//!
//! A filter never says no of what is there; it says yes of what is not in about three cases in a hundred, in nine of pages that are
//! looked through in no time. Every page of
//! a column has as many blocks, and the blocks of one number lie side by side, so one look-up reads one short run of
//! bytes. Each run ends with its CRC32C: a damaged one is taken for "may hold anything".
//!
//! Source of the block and its salts: the split-block Bloom filter of the Parquet format.

use vigie_domain::Value;
use vigie_domain::event::for_each_scalar;
use vigie_domain::query::tokens;

use crate::chunk::overflow;

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 32;
/// Bytes after the blocks of a run: their CRC32C, little-endian.
const SUM_BYTES: usize = 4;
/// Bits that a distinct hash takes: about three wrong yes in a hundred of a filter of its exact size. Two more would halve them.
pub const BITS_PER_HASH: usize = 8;
/// The same where a page that is read in vain costs little: about nine wrong yes in a hundred.
pub const BITS_PER_HASH_MIN: usize = 6;
/// Blocks of a page at most: 8 MiB.
const BLOCKS_MAX: usize = 1 << 18;
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// The hash of a word or a value; the same in every version and on every machine.
pub fn hash_of(text: &str) -> u64 {
    twox_hash::XxHash3_64::oneshot(text.as_bytes())
}

/// Which hashes of a column's values its filter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashed {
    /// Those of whole values and those of their words: of ids of senders, and of all that is no text in former versions.
    ValuesAndWords,
    /// Those of words alone: a whole value is looked for by all of its words.
    Words,
    /// Of cells of the overflow: those of the words of all strings in them, and `NO_STRING`.
    Cells,
}

/// Stands in filters of cells for every value that is no string. No word is like it.
pub const NO_STRING: &str = "\0";

/// Collects the hashes of a value: its own if the column has those, and those of its words; one if it is one word itself.
pub fn push_hashes(value: &str, hashed: Hashed, buffer: &mut String, hashes: &mut Vec<u64>) {
    if hashed == Hashed::Cells {
        return push_hashes_of_cell(value, buffer, hashes);
    }
    let is_word = tokens::is_folded_word(value);
    if is_word || hashed == Hashed::ValuesAndWords {
        hashes.push(hash_of(value));
    }
    if is_word {
        return;
    }
    tokens::for_each_folded(value, buffer, |word| {
        // The whole value may be a word that is no ASCII.
        if hashed == Hashed::Words || word.len() != value.len() || word != value {
            hashes.push(hash_of(word));
        }
    });
}

fn push_hashes_of_cell(cell: &str, buffer: &mut String, hashes: &mut Vec<u64>) {
    for (_, value) in overflow::parse(cell) {
        for_each_scalar("", &value, &mut |_, scalar| match scalar {
            Value::Text(text) => push_hashes(text, Hashed::Words, buffer, hashes),
            _ => hashes.push(hash_of(NO_STRING)),
        });
    }
}

fn block_of(hash: u64, block_count: usize) -> usize {
    (((hash >> 32) * block_count as u64) >> 32) as usize
}

/// The bit of each of the eight words of a block.
fn mask_of(hash: u64) -> [u32; 8] {
    SALTS.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

/// Filters of the pages of one column under construction.
pub struct FilterBuilder {
    block_count: usize,
    /// A page after the other, its blocks one after the other.
    pages: Vec<Vec<[u32; 8]>>,
}

impl FilterBuilder {
    /// For pages that hold about so many distinct hashes, each of which takes so many bits.
    pub fn new(hashes_per_page: usize, bits_per_hash: usize) -> Self {
        let block_count = (hashes_per_page * bits_per_hash).div_ceil(BLOCK_BYTES * 8).clamp(1, BLOCKS_MAX);
        Self { block_count, pages: Vec::new() }
    }

    /// Adds a page with these hashes.
    pub fn push_page(&mut self, hashes: &[u64]) {
        let mut blocks = vec![[0; 8]; self.block_count];
        for hash in hashes {
            let block = &mut blocks[block_of(*hash, self.block_count)];
            block.iter_mut().zip(mask_of(*hash)).for_each(|(word, bit)| *word |= bit);
        }
        self.pages.push(blocks);
    }

    /// Appends the runs to `out` and says how they lie.
    pub fn finish(&self, out: &mut Vec<u8>) -> FilterPlace {
        let offset = out.len() as u64;
        for block in 0..self.block_count {
            let start = out.len();
            for page in &self.pages {
                page[block].iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            }
            let sum = crc32c::crc32c(&out[start..]);
            out.extend_from_slice(&sum.to_le_bytes());
        }
        FilterPlace { offset, page_count: self.pages.len(), block_count: self.block_count }
    }
}

/// Where the filters of a column lie in the index of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterPlace {
    /// Place of the first run.
    pub offset: u64,
    /// Pages that have a filter: all of the part's, or one for the part as a whole.
    pub page_count: usize,
    /// Blocks of each.
    pub block_count: usize,
}

impl FilterPlace {
    /// Bytes of a run.
    pub const fn run_bytes(&self) -> usize {
        self.page_count * BLOCK_BYTES + SUM_BYTES
    }

    /// Bytes of all runs.
    pub const fn size_bytes(&self) -> u64 {
        (self.run_bytes() * self.block_count) as u64
    }

    /// Where the run lies that knows the hash.
    pub fn run_of(&self, hash: u64) -> u64 {
        self.offset + (block_of(hash, self.block_count) * self.run_bytes()) as u64
    }
}

/// Which pages may hold the hash, from its run; `None` when the run is damaged.
pub fn pages_with(run: &[u8], hash: u64) -> Option<Vec<bool>> {
    let (blocks, sum) = run.split_at_checked(run.len().checked_sub(SUM_BYTES)?)?;
    if crc32c::crc32c(blocks).to_le_bytes() != sum {
        return None;
    }
    let mask = mask_of(hash);
    let holds = |block: &[u8]| {
        let words =
            block.chunks_exact(4).map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)));
        words.zip(mask).all(|(word, bit)| word & bit != 0)
    };
    Some(blocks.chunks_exact(BLOCK_BYTES).map(holds).collect())
}

/// How often the filters say yes of a hash that is not there: each of its eight bits is set by chance.
pub fn false_positive_share(runs: &[u8], place: &FilterPlace) -> f64 {
    let blocks =
        runs.chunks_exact(place.run_bytes()).flat_map(|run| run[..run.len() - SUM_BYTES].chunks_exact(BLOCK_BYTES));
    let share = |block: &[u8]| -> f64 {
        let set = |word: &[u8]| word.iter().map(|byte| byte.count_ones()).sum::<u32>();
        block.chunks_exact(4).map(|word| f64::from(set(word)) / 32.0).product()
    };
    let (sum, count) = blocks.fold((0.0, 0_u32), |(sum, count), block| (sum + share(block), count + 1));
    sum / f64::from(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(pages: &[Vec<u64>], hashes_per_page: usize) -> (Vec<u8>, FilterPlace) {
        let mut builder = FilterBuilder::new(hashes_per_page, BITS_PER_HASH);
        pages.iter().for_each(|page| builder.push_page(page));
        let mut bytes = vec![0; 7];
        let place = builder.finish(&mut bytes);
        assert_eq!(place.offset + place.size_bytes(), bytes.len() as u64);
        (bytes, place)
    }

    fn ask(bytes: &[u8], place: FilterPlace, hash: u64) -> Option<Vec<bool>> {
        let start = place.run_of(hash) as usize;
        pages_with(&bytes[start..start + place.run_bytes()], hash)
    }

    #[test]
    fn what_is_there_is_found_in_its_page() {
        let pages: Vec<Vec<u64>> =
            (0..5).map(|page| (0..1_000).map(|n| hash_of(&format!("{page}-{n}"))).collect()).collect();
        let (bytes, place) = built(&pages, 1_000);
        for (number, page) in pages.iter().enumerate() {
            assert!(page.iter().all(|hash| ask(&bytes, place, *hash).unwrap()[number]));
        }
    }

    #[test]
    fn what_is_not_there_is_seldom_found() {
        let page: Vec<u64> = (0..20_000).map(|n| hash_of(&format!("in {n}"))).collect();
        let (bytes, place) = built(&[page], 20_000);
        let wrong = (0..20_000).filter(|n| ask(&bytes, place, hash_of(&format!("out {n}"))).unwrap()[0]).count();
        assert!(wrong < 800, "{wrong} of 20,000");
        let told = false_positive_share(&bytes[place.offset as usize..], &place) * 20_000.0;
        assert!((told - wrong as f64).abs() < 60.0, "{told} told, {wrong} found");
    }

    #[test]
    fn every_flipped_bit_of_a_run_is_found() {
        let hash = hash_of("x");
        let (bytes, place) = built(&[vec![hash], vec![]], 1);
        let run = &bytes[place.run_of(hash) as usize..];
        for bit in 0..run.len() * 8 {
            let mut flipped = run.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(pages_with(&flipped, hash), None, "bit {bit}");
        }
        assert_eq!(pages_with(&run[..3], hash), None);
    }

    #[test]
    fn values_are_found_whole_and_by_their_words() {
        let (mut buffer, mut hashes) = (String::new(), Vec::new());
        let mut check = |value: &str, hashed: Hashed, expected: &[&str]| {
            hashes.clear();
            push_hashes(value, hashed, &mut buffer, &mut hashes);
            assert_eq!(hashes, expected.iter().map(|text| hash_of(text)).collect::<Vec<_>>(), "{value} {hashed:?}");
        };
        check("TX-5", Hashed::ValuesAndWords, &["TX-5", "tx", "5"]);
        check("TX-5", Hashed::Words, &["tx", "5"]);
        check("abc", Hashed::ValuesAndWords, &["abc"]);
        check("abc", Hashed::Words, &["abc"]);
        check("é", Hashed::Words, &["e"]);
        check("日本", Hashed::ValuesAndWords, &["日本"]);
        check("日本", Hashed::Words, &["日本"]);
        let cell = r#"{"3":["VIP customer",{"a":"x\ny"}],"9":{"$number":"1e999"},"shape":["tags"]}"#;
        check(cell, Hashed::Cells, &["vip", "customer", "x", "y", NO_STRING]);
    }
}
