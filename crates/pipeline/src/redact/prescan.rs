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

/// Classes of bytes that are counted, each in a byte of its own of a number.
#[derive(Clone, Copy)]
enum Class {
    Digit,
    /// No ASCII.
    Wide,
    /// What other signs may be written with.
    Escape,
    Capital,
    /// What parts a name from its value.
    Parting,
    Space,
    /// Without one of them a text has no name of a secret and no beginning of a key: they are no part of numbers, instants, addresses
    /// and hexadecimal ids.
    Telling,
}

/// For each byte a one in the place of every class that it is of.
const CLASSES: [u64; 256] = {
    let (mut table, mut at) = ([0; 256], 0);
    while at < 256 {
        let byte = at as u8;
        let classes = [
            (Class::Digit, byte.is_ascii_digit()),
            (Class::Wide, byte >= 0x80),
            (Class::Escape, matches!(byte, b'%' | b'\\')),
            (Class::Capital, matches!(byte, b'I'..=b'P')),
            (Class::Parting, matches!(byte, b':' | b'=' | b'>')),
            (Class::Space, byte == b' '),
            (Class::Telling, matches!(byte, b'g'..=b'z' | b'G'..=b'S' | b'U'..=b'Y' | b'%' | b'/')),
        ];
        let mut place = 0;
        while place < classes.len() {
            let (class, is_of_it) = classes[place];
            table[at] |= (is_of_it as u64) << (class as u64 * 8);
            place += 1;
        }
        at += 1;
    }
    table
};

/// Counts bytes of each class, of all classes at once.
#[inline]
pub(super) fn prospects(bytes: &[u8]) -> Prospects {
    let mut counts = [0_usize; 8];
    for chunk in bytes.chunks(CHUNK) {
        let sum = chunk.iter().fold(0, |sum, byte| sum + CLASSES[usize::from(*byte)]);
        counts.iter_mut().zip(sum.to_le_bytes()).for_each(|(count, more)| *count += usize::from(more));
    }
    let of = |class: Class| counts[class as usize];
    let is_telling = of(Class::Telling) > 0;
    Prospects {
        // A digit of another script takes two bytes at least. Where every digit is written as itself, those of a card stand
        // together, as those of instants and ids seldom do.
        has_digits: of(Class::Digit) + of(Class::Wide) / 2 >= DIGITS_MIN
            && (of(Class::Wide) + of(Class::Escape) > 0 || stand_together(bytes)),
        has_base64: of(Class::Capital) >= CAPITALS_MIN && bytes.len() >= KEY_BYTES_MIN,
        has_pair: is_telling && of(Class::Parting) > 0 && bytes.len() >= PAIR_BYTES_MIN,
        has_word: is_telling
            && (bytes.len() >= KEY_BYTES_MIN || (of(Class::Space) > 0 && bytes.len() >= WORD_BYTES_MIN)),
    }
}

/// Whether as many digits as a card number has stand with nothing between them but what people put between groups of digits. A run of
/// so many bytes covers one of the places that are as far apart: only what stands around these is looked at.
fn stand_together(bytes: &[u8]) -> bool {
    let is_of_run = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'_' | b'+' | 0);
    let mut at = DIGITS_MIN - 1;
    while let Some(byte) = bytes.get(at) {
        if is_of_run(&byte) {
            let start = at - bytes[..at].iter().rev().take_while(is_of_run).count();
            let end = at + bytes[at..].iter().take_while(is_of_run).count();
            if bytes[start..end].iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS_MIN {
                return true;
            }
            at = end;
        }
        at += DIGITS_MIN;
    }
    false
}

impl Prospects {
    /// Whether nothing that is looked for can be there.
    #[inline]
    pub(super) const fn are_none(self) -> bool {
        !(self.has_digits | self.has_base64 | self.has_pair | self.has_word)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        check("４１１１１１１１１１１１", "d");
        check("pwd=a", "p");
        check("cvv 123", "w");
        check("4111-1111 1111.1111", "d");
        check("2026-11-23T14:04:05.000Z", "");
        check("%32026-11-23T14:04:05.000Z", "dpw");
        check("7c0d1e52-33a1-4f0e-9b60-51d2a8841a6b", "");
        check("00:1B:44:11:3a:b7", "");
        check("a://b:c@d", "p");
        check("NDExMTExMTExMTEx", "bw");
        check(&"1".repeat(700), "d");
        check("1a2b3c4d5e6f-2026-11-23 14.04", "d");
    }

    proptest! {
        #[test]
        fn digits_that_stand_together_are_found_wherever_they_are(text in "[0-9]{0,14}([0-9 a.]{0,9}[0-9]{0,6}){0,5}") {
            let (mut count, mut most) = (0, 0);
            for byte in text.bytes() {
                count = if byte == b'a' { 0 } else { count + usize::from(byte.is_ascii_digit()) };
                most = most.max(count);
            }
            prop_assert_eq!(stand_together(text.as_bytes()), most >= DIGITS_MIN);
        }
    }
}
