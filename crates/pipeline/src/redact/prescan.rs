//! One fast look at a string: what could be in it at all. Most strings of most events need no second one.
//!
//! The counts are upper bounds: a string that is passed over holds nothing of what is looked for.

use super::card::DIGITS_MIN;

/// Bytes of the shortest text in which a name with its secret is looked for: `pwd=a`.
const PAIR_BYTES_MIN: usize = 5;
/// Bytes of the shortest text in which a word before a secret is looked for: `cvv 123`.
const WORD_BYTES_MIN: usize = 7;
/// Bytes of the shortest key that is told by how it begins.
const KEY_BYTES_MIN: usize = 16;
/// Capitals that digits in base64 have at least.
const CAPITALS_MIN: usize = 2;
/// Bytes that are counted before a count of one byte could overflow.
const CHUNK: usize = 192;

/// What could be in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prospects {
    /// A card number.
    pub(super) has_digits: bool,
    /// A card number in base64.
    pub(super) has_base64: bool,
    /// A name, what parts it from its value, and the value.
    pub(super) has_pair: bool,
    /// A secret that is told by the word before it or by its own beginning.
    pub(super) has_word: bool,
}

/// Counts bytes of each class; written so that the compiler counts many at once.
#[inline]
pub(super) fn prospects(bytes: &[u8]) -> Prospects {
    let mut counts = [0_usize; 5];
    for chunk in bytes.chunks(CHUNK) {
        let (mut digits, mut wide, mut capitals, mut parting, mut spaces) = (0_u8, 0_u8, 0_u8, 0_u8, 0_u8);
        for byte in chunk {
            digits += u8::from(byte.wrapping_sub(b'0') < 10);
            wide += u8::from(*byte >= 0x80);
            capitals += u8::from(byte.wrapping_sub(b'I') < 8);
            parting += u8::from(*byte == b':') | u8::from(*byte == b'=') | u8::from(*byte == b'>');
            spaces += u8::from(*byte == b' ');
        }
        for (count, more) in counts.iter_mut().zip([digits, wide, capitals, parting, spaces]) {
            *count += usize::from(more);
        }
    }
    let [digits, wide, capitals, parting, spaces] = counts;
    Prospects {
        // A digit of another script takes two bytes at least.
        has_digits: digits + wide / 2 >= DIGITS_MIN,
        has_base64: capitals >= CAPITALS_MIN && bytes.len() >= KEY_BYTES_MIN,
        has_pair: parting > 0 && bytes.len() >= PAIR_BYTES_MIN,
        has_word: bytes.len() >= KEY_BYTES_MIN || (spaces > 0 && bytes.len() >= WORD_BYTES_MIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = prospects(text.as_bytes());
        let letters = [('d', found.has_digits), ('b', found.has_base64), ('p', found.has_pair), ('w', found.has_word)];
        let found: String = letters.iter().filter(|(_, is_there)| *is_there).map(|(letter, _)| letter).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_could_be_there_is_told() {
        check("", "");
        check("completed", "");
        check("411111111111", "d");
        check("４１１１１１１１１１１１", "dw");
        check("pwd=a", "p");
        check("cvv 123", "w");
        check("2026-11-23T14:04:05.000Z", "dpw");
        check("NDExMTExMTExMTEx", "bw");
        check(&"1".repeat(700), "dw");
    }
}
