//! Bank accounts in groups of four: parts of them look like card numbers, their checksum (ISO 13616, modulo 97) tells them.

/// Bytes that are looked at before a number.
const LOOK_BACK_MAX: usize = 48;
/// Signs of the shortest IBAN, and of the longest.
const SIGNS_MIN: usize = 15;
/// See `SIGNS_MIN`.
const SIGNS_MAX: usize = 34;

/// Whether the digits from `start` to `end` are part of an IBAN that begins before them.
pub(super) fn is_in_iban(bytes: &[u8], start: usize, end: usize) -> bool {
    let from = start.saturating_sub(LOOK_BACK_MAX);
    let run = bytes[from..start].iter().rev().take_while(|byte| is_sign(**byte) || is_gap(**byte)).count();
    (start - run..start).any(|at| begins_at(bytes, at) && is_iban(bytes, at, end))
}

/// Two capital letters and two digits, at the beginning of a word.
fn begins_at(bytes: &[u8], at: usize) -> bool {
    let is_word_start = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
    let begins = matches!(bytes[at..], [b'A'..=b'Z', b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9', ..]);
    is_word_start && begins
}

/// Whether an IBAN that begins at `at` ends at `end` or beyond.
fn is_iban(bytes: &[u8], at: usize, end: usize) -> bool {
    let mut signs = Vec::with_capacity(SIGNS_MAX);
    for (place, byte) in bytes.iter().enumerate().skip(at).take(LOOK_BACK_MAX * 2) {
        if is_sign(*byte) && signs.len() < SIGNS_MAX {
            signs.push(*byte);
        } else if !is_gap(*byte) {
            break;
        }
        let is_word_end = !bytes.get(place + 1).is_some_and(u8::is_ascii_alphanumeric);
        if is_word_end && place + 1 >= end && signs.len() >= SIGNS_MIN && has_checksum(&signs) {
            return true;
        }
    }
    false
}

const fn is_sign(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// The country and its check digits come last; letters count from ten.
fn has_checksum(signs: &[u8]) -> bool {
    let (country, account) = signs.split_at(4);
    let remainder = account.iter().chain(country).fold(0_u32, |remainder, sign| match sign {
        b'0'..=b'9' => (remainder * 10 + u32::from(sign - b'0')) % 97,
        _ => (remainder * 100 + u32::from(sign - b'A') + 10) % 97,
    });
    remainder == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, digits: &str, expected: bool) {
        let start = text.find(digits).unwrap();
        assert_eq!(is_in_iban(text.as_bytes(), start, start + digits.len()), expected, "{text}");
    }

    #[test]
    fn parts_of_an_iban_are_told_by_its_checksum() {
        check("DE89 3704 0044 0532 0130 00", "3704 0044 0532 0130", true);
        check("to FR14 2004 1010 0505 0001 3M02 606.", "1010 0505", true);
        check("GB82 WEST 1234 5698 7654 32, paid", "5698 7654", true);
        check("NO93 8601 1117 947", "8601 1117 947", true);
        check("DE88 3704 0044 0532 0130 00", "3704 0044 0532 0130", false);
        check("4111 1111 1111 1111", "1111 1111", false);
        check("DE 3704", "3704", false);
    }
}
