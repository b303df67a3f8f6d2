//! Events by bucket: of a question without others above or below by number of key alone, else by parent as well.

use super::keys::FastMap;

/// Tables by number of key are used up to this size.
const TABLE_MAX: usize = 1 << 22;
/// Bytes of an entry of the maps here, its control byte and free slots included.
pub const SLOT_BYTES: usize = 20;
/// No bucket yet.
const NONE: u32 = u32::MAX;

/// Parent, number of the key, events.
pub type BucketCount = (u32, u32, u64);

/// Buckets by parent and number of key.
#[derive(Default)]
pub struct Buckets {
    /// Events of each key, where nobody asks which bucket a row is in.
    flat: Option<Vec<u64>>,
    /// Bucket of each key of parent 0.
    table: Vec<u32>,
    map: FastMap<(u32, u32), u32>,
    entries: Vec<BucketCount>,
}

impl Buckets {
    /// Of a question that has no other above or below.
    pub fn flat() -> Self {
        Self { flat: Some(Vec::new()), ..Self::default() }
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        let table = self.table.capacity() * size_of::<u32>();
        let flat = self.flat.as_ref().map_or(0, Vec::capacity) * size_of::<u64>();
        flat + table + self.map.capacity() * SLOT_BYTES + self.entries.capacity() * size_of::<BucketCount>()
    }

    /// The bucket, with so many events more in it; flat ones all are 0.
    pub fn add(&mut self, parent: u32, key: u32, count: u64) -> u32 {
        if let Some(counts) = &mut self.flat {
            if counts.len() <= key as usize {
                counts.resize((key as usize + 1).next_power_of_two(), 0);
            }
            counts[key as usize] += count;
            return 0;
        }
        let next = self.entries.len() as u32;
        let place = if parent == 0 && (key as usize) < TABLE_MAX {
            if self.table.len() <= key as usize {
                self.table.resize((key as usize + 1).next_power_of_two(), NONE);
            }
            &mut self.table[key as usize]
        } else {
            self.map.entry((parent, key)).or_insert(NONE)
        };
        if *place == NONE {
            *place = next;
            self.entries.push((parent, key, 0));
        }
        self.entries[*place as usize].2 += count;
        *place
    }

    /// What was counted.
    pub fn into_entries(self) -> Vec<BucketCount> {
        let Some(counts) = self.flat else { return self.entries };
        (0..).zip(counts).filter(|(_, count)| *count > 0).map(|(key, count)| (0, key, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_buckets_count_as_others_do() {
        let (mut flat, mut others) = (Buckets::flat(), Buckets::default());
        let before = flat.bytes();
        for key in [5, 0, 5, 70_000, 3, 0, 5] {
            flat.add(0, key, 2);
            others.add(0, key, 2);
        }
        assert!(flat.bytes() >= before + 70_000 * 8);
        let mut expected = others.into_entries();
        expected.sort_unstable();
        assert_eq!(flat.into_entries(), expected);
        assert_eq!(expected, [(0, 0, 4), (0, 3, 2), (0, 5, 6), (0, 70_000, 2)]);
    }

    #[test]
    fn buckets_are_numbered_as_they_appear() {
        let mut buckets = Buckets::default();
        let numbers = [(0, 9), (1, 9), (0, 9), (1, 2), (0, 9)].map(|(parent, key)| buckets.add(parent, key, 1));
        assert_eq!(numbers, [0, 1, 0, 2, 0]);
        assert_eq!(buckets.into_entries(), [(0, 9, 3), (1, 9, 1), (1, 2, 1)]);
    }
}
