//! What a text says one sign after the other, whatever it is written as: `4`, `%34`, `%2534`, `\u0034` and `４` are the digit 4.
//!
//! It looks at a few bytes at one place and keeps nothing. Bytes that are no UTF-8 are signs like any other.

/// What one sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A decimal digit, 0 to 9.
    Digit(u8),
    /// What people put between groups of digits; named by the ASCII sign that it stands for.
    Separator(u8),
    /// An ASCII letter that is written as itself.
    Letter,
    /// Anything else.
    Other,
}

/// Times that a percent sign may itself be escaped.
const ESCAPES_MAX: usize = 3;
/// Zeros of decimal digits in Unicode: Arabic, Persian, Devanagari, Bengali, Thai, fullwidth.
const ZEROS: [u32; 6] = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50, 0xff10];
/// Mathematical digits: five alphabets of ten, one after the other.
const MATHEMATICAL: std::ops::RangeInclusive<u32> = 0x1d7ce..=0x1d7ff;

/// The sign at that place and its bytes; at the end `Other` with none.
#[inline]
pub(super) fn unit_at(bytes: &[u8], at: usize) -> (Unit, usize) {
    match bytes.get(at) {
        None => (Unit::Other, 0),
        Some(byte @ b'0'..=b'9') => (Unit::Digit(byte - b'0'), 1),
        Some(b'%') => percent_at(bytes, at),
        Some(b'\\') => backslash_at(bytes, at),
        Some(0x80..) => wide_at(bytes, at),
        Some(byte) if byte.is_ascii_alphabetic() => (Unit::Letter, 1),
        Some(byte) => (unit_of_ascii(*byte), 1),
    }
}

/// A sign that is written as an escape is never a letter: what follows it begins anew.
fn unit_of_ascii(byte: u8) -> Unit {
    match byte {
        b'0'..=b'9' => Unit::Digit(byte - b'0'),
        // A NUL stands between the signs of UTF-16 that is read as UTF-8.
        b' ' | b'-' | b'.' | b'_' | b'+' | 0 => Unit::Separator(byte),
        _ => Unit::Other,
    }
}

fn unit_of_char(sign: char) -> Unit {
    let code = u32::from(sign);
    if let Ok(byte) = u8::try_from(code)
        && byte.is_ascii()
    {
        return unit_of_ascii(byte);
    }
    if let Some(zero) = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)) {
        return Unit::Digit((code - zero) as u8);
    }
    match code {
        _ if MATHEMATICAL.contains(&code) => Unit::Digit(((code - MATHEMATICAL.start()) % 10) as u8),
        // Spaces of every width, also of none.
        0xa0 | 0x2000..=0x200d | 0x202f | 0x205f | 0x2060 | 0x3000 | 0xfeff => Unit::Separator(b' '),
        // Hyphens, dashes, the minus sign.
        0xad | 0x2010..=0x2015 | 0x2212 | 0xfe63 | 0xff0d => Unit::Separator(b'-'),
        // Full stops and middle dots.
        0xb7 | 0x2022 | 0x2024 | 0xff0e => Unit::Separator(b'.'),
        _ => Unit::Other,
    }
}

/// `%XX`, also of a sign of several bytes, also escaped again.
fn percent_at(bytes: &[u8], at: usize) -> (Unit, usize) {
    let Some((first, mut length)) = escaped_byte(bytes, at) else { return (Unit::Other, 1) };
    let wanted = utf8_length(first);
    if wanted == 1 {
        return (unit_of_ascii(first), length);
    }
    let mut encoded = [first, 0, 0, 0];
    for byte in encoded.iter_mut().take(wanted).skip(1) {
        let Some((next, next_length)) = escaped_byte(bytes, at + length) else { return (Unit::Other, length) };
        *byte = next;
        length += next_length;
    }
    (unit_of_utf8(&encoded[..wanted]), length)
}

/// The byte that `%XX` stands for, and how many bytes it is written in.
fn escaped_byte(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    if bytes.get(at) != Some(&b'%') {
        return None;
    }
    let mut length = 1;
    for _ in 0..ESCAPES_MAX {
        let byte = hex_at(bytes, at + length, 2)? as u8;
        length += 2;
        let is_escape_again = byte == b'%' && hex_at(bytes, at + length, 2).is_some();
        if !is_escape_again {
            return Some((byte, length));
        }
    }
    None
}

/// `\u0034`, as JSON escapes signs.
fn backslash_at(bytes: &[u8], at: usize) -> (Unit, usize) {
    if bytes.get(at + 1) != Some(&b'u') {
        return (Unit::Other, 1);
    }
    let sign = hex_at(bytes, at + 2, 4).and_then(char::from_u32);
    sign.map_or((Unit::Other, 1), |sign| (unit_of_char(sign), 6))
}

fn wide_at(bytes: &[u8], at: usize) -> (Unit, usize) {
    let length = utf8_length(bytes[at]);
    bytes.get(at..at + length).map_or((Unit::Other, 1), |encoded| match unit_of_utf8(encoded) {
        Unit::Other => (Unit::Other, 1),
        unit => (unit, length),
    })
}

fn unit_of_utf8(encoded: &[u8]) -> Unit {
    let sign = std::str::from_utf8(encoded).ok().and_then(|text| text.chars().next());
    sign.map_or(Unit::Other, unit_of_char)
}

/// Bytes of a sign that begins with this one.
const fn utf8_length(first: u8) -> usize {
    match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

fn hex_at(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let digits = bytes.get(at..at + count)?;
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Unit) {
        assert_eq!(unit_at(text.as_bytes(), 0), (expected, text.len()), "{text:?}");
    }

    #[test]
    fn digits_are_found_however_they_are_written() {
        for text in ["4", "%34", "%2534", "%252534", "\\u0034", "４", "%EF%BC%94", "\\uff14", "٤", "۴", "४", "𝟒", "𝟜"]
        {
            check(text, Unit::Digit(4));
        }
    }

    #[test]
    fn separators_are_found_however_they_are_written() {
        for text in [" ", "%20", "%2520", "\\u0020", "\u{a0}", "\u{2009}", "\u{200b}", "%C2%A0"] {
            check(text, Unit::Separator(b' '));
        }
        for text in ["-", "%2D", "%2d", "–", "\u{2011}", "−"] {
            check(text, Unit::Separator(b'-'));
        }
        check("_", Unit::Separator(b'_'));
        check("%5F", Unit::Separator(b'_'));
        check("+", Unit::Separator(b'+'));
        check("·", Unit::Separator(b'.'));
    }

    #[test]
    fn other_signs_are_neither() {
        check("", Unit::Other);
        check("a", Unit::Letter);
        check("=", Unit::Other);
        check("%", Unit::Other);
        check("%3D", Unit::Other);
        check("%41", Unit::Other);
        check("\\u0041", Unit::Other);
        assert_eq!(unit_at("é".as_bytes(), 0), (Unit::Other, 1));
        assert_eq!(unit_at(&[0xff, 0xef], 1), (Unit::Other, 1));
        assert_eq!(unit_at(b"%25252534", 0), (Unit::Other, 1), "escaped too often");
        assert_eq!(unit_at(b"%zz", 0), (Unit::Other, 1));
    }
}
