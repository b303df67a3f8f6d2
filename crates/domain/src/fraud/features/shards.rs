//! Values by key in shards, so that room is made, and memory grown, in a small part of them at a time: nobody who waits for a payment to be
//! judged waits while hundreds of thousands of keys are looked through.

use std::collections::hash_map::Entry;

use foldhash::HashMap;

/// Keys of a shard, about; of fewer in all there is one.
const SHARD_KEYS: usize = 4_096;
/// Of a full shard, the share that is forgotten at a time.
const FORGOTTEN_SHARE: usize = 8;
/// 2⁶⁴ divided by the golden ratio: its multiples spread keys that are alike (Knuth, The Art of Computer Programming, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Values by key, within a bound. Which shard a key is in follows from the key and the bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shards<V> {
    maps: Vec<HashMap<u64, V>>,
    /// Keys of a shard at most.
    keys_max: usize,
}

impl<V> Shards<V> {
    /// None, and so many at most.
    pub fn new(keys_max: usize) -> Self {
        let count = 1 << (keys_max / SHARD_KEYS).max(1).ilog2();
        Self { maps: (0..count).map(|_| HashMap::default()).collect(), keys_max: keys_max / count }
    }

    fn place(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> u32::BITS) as usize & (self.maps.len() - 1)
    }

    /// The value of a key.
    pub fn get(&self, key: u64) -> Option<&V> {
        self.maps[self.place(key)].get(&key)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let place = self.place(key);
        self.maps[place].get_mut(&key)
    }

    /// The place of a key. Who puts a value into one that is vacant makes room afterwards.
    pub fn entry(&mut self, key: u64) -> Entry<'_, u64, V> {
        let place = self.place(key);
        self.maps[place].entry(key)
    }

    /// When there are too many beside this key, forgets those of the least `rank`, never the key itself.
    pub fn make_room<R: Ord>(&mut self, key: u64, rank: impl Fn(&V) -> R) {
        let place = self.place(key);
        let map = &mut self.maps[place];
        if map.len() <= self.keys_max {
            return;
        }
        let others = || map.iter().filter(|(other, _)| **other != key);
        let mut ranks: Vec<R> = others().map(|(_, value)| rank(value)).collect();
        let count = (self.keys_max / FORGOTTEN_SHARE).max(1);
        if count >= ranks.len() {
            return map.retain(|other, _| *other == key);
        }
        let (less, least_kept, _) = ranks.select_nth_unstable(count);
        // Of those alike the ones with the least keys go, whatever order they came in.
        let alike_count = less.iter().filter(|rank| **rank == *least_kept).count();
        let mut alike: Vec<u64> =
            others().filter(|(_, value)| rank(value) == *least_kept).map(|(other, _)| *other).collect();
        alike.sort_unstable();
        let first_kept = (&*least_kept, alike[alike_count]);
        map.retain(|other, value| *other == key || (&rank(value), *other) >= first_kept);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.maps.iter().map(HashMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.maps.iter().all(HashMap::is_empty)
    }

    /// All of them by key.
    pub fn sorted(&self) -> Vec<(u64, &V)> {
        let mut sorted: Vec<(u64, &V)> = self.maps.iter().flatten().map(|(key, value)| (*key, value)).collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many keys put one after the other, the value of each its number.
    fn filled(keys_max: usize, count: u64) -> Shards<u64> {
        let mut shards = Shards::new(keys_max);
        for key in 0..count {
            shards.entry(key).insert_entry(key);
            shards.make_room(key, |value| *value);
        }
        shards
    }

    #[test]
    fn few_keys_share_one_shard_and_the_least_go_first() {
        let shards = filled(16, 17);
        assert_eq!(shards.maps.len(), 1);
        let keys: Vec<u64> = shards.sorted().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, (2..17).collect::<Vec<u64>>());
        assert_eq!(filled(0, 3).len(), 1, "the key itself is never forgotten");
    }

    #[test]
    fn of_those_alike_the_least_keys_go() {
        // Ranks of 17 keys by how many have each; two are forgotten, never the last key.
        for (ranks, expected) in [
            ([0; 17], [0, 1]),
            ([1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [3, 4]),
            ([1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0], [0, 7]),
            ([2, 1, 0, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], [1, 2]),
        ] {
            let mut shards = Shards::new(16);
            for key in 0..17 {
                shards.entry(key).insert_entry(ranks[key as usize]);
            }
            shards.make_room(16, |rank| *rank);
            let forgotten: Vec<u64> = (0..17).filter(|key| shards.get(*key).is_none()).collect();
            assert_eq!(forgotten, expected, "{ranks:?}");
        }
    }

    #[test]
    fn many_keys_stay_within_the_bound_wherever_they_are() {
        let (bound, count) = (20_000, 60_000);
        let shards = filled(bound, count);
        assert!(shards.maps.len() > 2, "{}", shards.maps.len());
        assert!(shards.len() <= bound && shards.len() > bound * 3 / 4, "{}", shards.len());
        // Keys that follow each other are spread evenly, so that what was put last is in none of the shards forgotten.
        assert!((count - 15_000..count).all(|key| shards.get(key) == Some(&key)));
        assert_eq!((shards.get(0), shards.get(count)), (None, None));
    }

    #[test]
    fn values_are_found_and_changed() {
        let mut shards = Shards::new(5_000);
        assert!(shards.is_empty());
        shards.entry(7).or_insert(1);
        *shards.get_mut(7).unwrap() += 2;
        assert!(shards.get_mut(8).is_none());
        assert_eq!((shards.get(7), shards.is_empty()), (Some(&3), false));
    }
}
