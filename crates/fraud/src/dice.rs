//! Chance from a seed, the same in every version and on every machine.

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// True for this share of throws.
    pub(crate) fn is_within(&mut self, share: f64) -> bool {
        ((self.next() >> 11) as f64) < share * (1_u64 << 53) as f64
    }

    /// So many of `0..count`, in ascending order.
    pub(crate) fn choose(&mut self, chosen: usize, count: usize) -> Vec<usize> {
        let mut left = chosen.min(count);
        let mut picked = Vec::with_capacity(left);
        for place in 0..count {
            if self.is_within(left as f64 / (count - place) as f64) {
                picked.push(place);
                left -= 1;
            }
        }
        picked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_are_those_of_the_published_generator() {
        let mut dice = Dice::new(1_234_567);
        assert_eq!([dice.next(), dice.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn exactly_so_many_are_chosen() {
        for seed in 0..50 {
            let chosen = Dice::new(seed).choose(5, 12);
            assert!(chosen.len() == 5 && chosen.is_sorted() && chosen[4] < 12, "{chosen:?}");
        }
        assert_eq!(Dice::new(1).choose(9, 3), [0, 1, 2]);
    }
}
