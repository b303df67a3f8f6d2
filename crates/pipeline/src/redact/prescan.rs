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
    let mut counts = [0_usize; 6];
    for chunk in bytes.chunks(CHUNK) {
        let (mut digits, mut wide, mut escapes) = (0_u8, 0_u8, 0_u8);
        let (mut capitals, mut parting, mut spaces) = (0_u8, 0_u8, 0_u8);
        for byte in chunk {
            digits += u8::from(byte.wrapping_sub(b'0') < 10);
            wide += u8::from(*byte >= 0x80);
            escapes += u8::from(*byte == b'%') | u8::from(*byte == b'\\');
            capitals += u8::from(byte.wrapping_sub(b'I') < 8);
            parting += u8::from(*byte == b':') | u8::from(*byte == b'=') | u8::from(*byte == b'>');
            spaces += u8::from(*byte == b' ');
        }
        for (count, more) in counts.iter_mut().zip([digits, wide, escapes, capitals, parting, spaces]) {
            *count += usize::from(more);
        }
    }
    let [digits, wide, escapes, capitals, parting, spaces] = counts;
    Prospects {
        // A digit of another script takes two bytes at least. Where every digit is written as itself, those of a card stand
        // together, as those of instants and ids seldom do.
        has_digits: digits + wide / 2 >= DIGITS_MIN && (wide + escapes > 0 || stand_together(bytes)),
        has_base64: capitals >= CAPITALS_MIN && bytes.len() >= KEY_BYTES_MIN,
        has_pair: parting > 0 && bytes.len() >= PAIR_BYTES_MIN,
        has_word: bytes.len() >= KEY_BYTES_MIN || (spaces > 0 && bytes.len() >= WORD_BYTES_MIN),
    }
}

/// Whether as many digits as a card number has stand with nothing between them but what people put between groups of digits.
fn stand_together(bytes: &[u8]) -> bool {
    let mut count = 0;
    bytes.iter().any(|byte| {
        match byte {
            b'0'..=b'9' => count += 1,
            b' ' | b'-' | b'.' | b'_' | b'+' | 0 => {}
            _ => count = 0,
        }
        count >= DIGITS_MIN
    })
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
        check("4111-1111 1111.1111", "dw");
        check("2026-11-23T14:04:05.000Z", "pw");
        check("%32026-11-23T14:04:05.000Z", "dpw");
        check("7c0d1e52-33a1-4f0e-9b60-51d2a8841a6b", "w");
        check("NDExMTExMTExMTEx", "bw");
        check(&"1".repeat(700), "dw");
    }
}
