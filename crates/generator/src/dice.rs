//! Repeatable chance: one generator per purpose and number, so that no session disturbs another.
//! Not a source of secrets. Invariant: the same seed, purpose and number give the same throws on every machine.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a generator is for; two purposes never share throws.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Arrivals = 1,
    Session = 2,
    Visitor = 3,
    Incidents = 4,
    Attacks = 5,
    Pulse = 6,
}

/// A stream of throws.
#[derive(Clone, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

/// Spreads the bits of a number (the finaliser of SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// The throws of one thing.
    pub(crate) fn new(seed: u64, purpose: Purpose, number: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(mixed(mixed(seed ^ mixed(purpose as u64)) ^ number)))
    }

    /// From 0 (included) to 1 (not included).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// True in this share of throws.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A whole number below `end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    /// A whole number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// A place in a list of that length.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// One of the list, all equally likely. The list is never empty: they are tables of this crate.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.place(list.len())]
    }

    /// One of the list by weight.
    pub(crate) fn weighted<'a, T>(&mut self, list: &'a [(u32, T)]) -> &'a T {
        let total: u64 = list.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut throw = self.below(total);
        for (weight, thing) in list {
            if throw < u64::from(*weight) {
                return thing;
            }
            throw -= u64::from(*weight);
        }
        &list[0].1
    }

    /// Waiting time with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Around `median`, with a tail to the right that `spread` widens.
    pub(crate) fn skewed(&mut self, median: f64, spread: f64) -> f64 {
        let normal = self.unit() + self.unit() + self.unit() + self.unit() - 2.0;
        median * (normal * 1.73 * spread).exp()
    }

    /// So many hexadecimal digits; every eighth is a letter, so that no run of digits looks like a card number.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        let mut bits = 0_u64;
        for place in 0..length {
            if place % 16 == 0 {
                bits = self.0.random();
            }
            let nibble = (bits & 15) as u8;
            bits >>= 4;
            let nibble = if place % 8 == 7 { 10 + nibble % 6 } else { nibble };
            text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
        }
        text
    }
}
