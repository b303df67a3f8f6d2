//! Reads one JSON document into a value, exact, in one pass: RFC 8259, numbers without loss, depth bounded.
//!
//! It says only that a document is broken; `json_value` finds the words for it.

use vigie_domain::event_batch::ValueRef;
use vigie_domain::{Object, Text, Value};

use super::number::{EXACT_DIGITS, number_from_literal};

/// Levels of objects and lists in each other.
pub(super) const DEPTH_MAX: usize = 128;
/// Fields that an object is made room for at first.
const FIELDS_EXPECTED: usize = 16;
/// Digits that always fit into `i64`.
const WHOLE_DIGITS: usize = 18;

/// Powers of ten up to that of the longest fraction.
const POWERS_OF_TEN: [f64; EXACT_DIGITS] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// Why a document is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no JSON at this byte.
    Broken(usize),
    /// Objects and lists are nested too deep.
    TooDeep,
}

/// The value of a whole document.
pub(super) fn read(json: &str) -> Result<Value, Fault> {
    let mut reader = Reader::new(json);
    let value = reader.value(1)?;
    if reader.is_at_end() { Ok(value) } else { reader.fail() }
}

/// Reads a document from its beginning on.
pub(crate) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of this document.
    pub(crate) const fn new(json: &'a str) -> Self {
        Self { text: json, bytes: json.as_bytes(), at: 0 }
    }

    /// Whether nothing but space is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Passes this byte, if it is the next that is no space.
    pub(crate) fn pass(&mut self, byte: u8) -> bool {
        let is_it = self.peek() == Some(byte);
        self.at += usize::from(is_it);
        is_it
    }

    /// Passes the rest of a string, its closing quote included, if this is what is written there.
    pub(crate) fn pass_rest_of_string(&mut self, rest: &str) -> bool {
        let is_it =
            self.bytes[self.at..].strip_prefix(rest.as_bytes()).is_some_and(|after| after.first() == Some(&b'"'));
        self.at += if is_it { rest.len() + 1 } else { 0 };
        is_it
    }

    /// What is left of a string whose opening quote was passed; `None` when it is written with escapes, or broken.
    pub(crate) fn rest_of_plain_string(&mut self) -> Option<&'a str> {
        let piece = self.plain_piece().ok()?;
        let is_whole = self.bytes[self.at] == b'"';
        self.at += usize::from(is_whole);
        is_whole.then_some(piece)
    }

    /// The next value, if it is one that needs no memory of its own: no list, no object, no string with escapes and no number that is
    /// kept as it is written. `None` also when there is none.
    pub(crate) fn plain_value(&mut self) -> Option<ValueRef<'a>> {
        if self.pass(b'"') {
            return self.rest_of_plain_string().map(ValueRef::Text);
        }
        let value = match self.peek()? {
            b'0'..=b'9' | b'-' => self.number().ok()?,
            b't' | b'f' | b'n' => self.value(1).ok()?,
            _ => return None,
        };
        Some(match value {
            Value::Null => ValueRef::Null,
            Value::Bool(flag) => ValueRef::Bool(flag),
            Value::Int(number) => ValueRef::Int(number),
            Value::Float(number) => ValueRef::Float(number),
            Value::BigNumber(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => return None,
        })
    }

    fn fail<T>(&self) -> Result<T, Fault> {
        Err(Fault::Broken(self.at))
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is no space, not passed.
    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'{') => self.object(depth).map(Value::Object),
            Some(b'[') => self.list(depth).map(Value::List),
            Some(b'0'..=b'9' | b'-') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => self.fail(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fail();
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Object, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Object::new());
        }
        let mut fields = Object::with_capacity(if depth == 1 { FIELDS_EXPECTED } else { 0 });
        loop {
            if self.peek() != Some(b'"') {
                return self.fail();
            }
            let name = self.string()?;
            if self.peek() != Some(b':') {
                return self.fail();
            }
            self.at += 1;
            fields.push((name, self.value(depth + 1)?));
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(fields);
                }
                _ => return self.fail(),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(items);
                }
                _ => return self.fail(),
            }
        }
    }

    /// The string that begins here.
    fn string(&mut self) -> Result<Text, Fault> {
        self.at += 1;
        let piece = self.plain_piece()?;
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(Text::new(piece));
        }
        let mut text = String::from(piece);
        loop {
            // The piece before ended at a backslash.
            self.at += 1;
            text.push(self.escape()?);
            text.push_str(self.plain_piece()?);
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(text.into());
            }
        }
    }

    /// What comes before the next quote or backslash, which is not passed.
    fn plain_piece(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        self.at += plain_length(&self.bytes[start..]);
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\') => Ok(&self.text[start..self.at]),
            _ => self.fail(),
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let Some(byte) = self.bytes.get(self.at) else { return self.fail() };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.fail(),
        })
    }

    /// The character of `\u` and four digits, or of two of those.
    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.four_digits()?;
        let code = match first {
            0xd800..=0xdbff if self.bytes[self.at..].starts_with(b"\\u") => {
                self.at += 2;
                let second = self.four_digits()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return self.fail();
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or(Fault::Broken(self.at))
    }

    fn four_digits(&mut self) -> Result<u32, Fault> {
        let digits = self.bytes.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        self.at += 4;
        code.ok_or(Fault::Broken(self.at))
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let literal = &self.text[start..start + length];
        self.at += length;
        if let Some(value) = plain_number(literal) {
            return Ok(value);
        }
        number_from_literal(literal).ok_or(Fault::Broken(start))
    }
}

/// How many bytes come before the next quote, backslash or control character. Eight at a time: most strings are short.
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk() {
        let special = special_bytes(u64::from_le_bytes(*eight));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += eight.len();
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + bytes[at..].iter().position(is_special).unwrap_or(bytes.len() - at)
}

/// The high bit of each byte that is a quote, a backslash or a control character. Bits above the lowest may be wrong.
const fn special_bytes(eight: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    const fn below(bytes: u64, bound: u8) -> u64 {
        bytes.wrapping_sub(all(bound)) & !bytes
    }
    (below(eight ^ all(b'"'), 1) | below(eight ^ all(b'\\'), 1) | below(eight, 0x20)) & all(0x80)
}

/// The value of a number that is written plainly: few digits and no exponent. Others are looked at more closely.
fn plain_number(literal: &str) -> Option<Value> {
    let digits = literal.strip_prefix('-').unwrap_or(literal).as_bytes();
    let is_negative = digits.len() < literal.len();
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (&digits[..point], Some(&digits[point + 1..])),
        None => (digits, None),
    };
    if whole.is_empty() || whole.len() > WHOLE_DIGITS || whole[0] == b'0' && whole.len() > 1 {
        return None;
    }
    let number = |number: i64, digits: &[u8]| {
        digits
            .iter()
            .try_fold(number, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
    };
    let Some(fraction) = fraction else {
        let value = number(0, whole)?;
        return Some(Value::Int(if is_negative { -value } else { value }));
    };
    if fraction.is_empty() || whole.len() + fraction.len() > EXACT_DIGITS {
        return None;
    }
    // Both are exact as floats, so that dividing rounds once, as reading the digits would.
    let value = number(number(0, whole)?, fraction)? as f64 / POWERS_OF_TEN[fraction.len()];
    Value::number(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers apart, which it rounds, `serde_json` judges what is JSON and what it says.
    fn check(json: &str) {
        match (read(json), serde_json::from_str::<serde_json::Value>(json)) {
            (Ok(value), Ok(expected)) => {
                let without_numbers = |json: &serde_json::Value| {
                    json.to_string()
                        .replace(|character: char| character.is_ascii_digit() || ".-+e".contains(character), "")
                };
                assert_eq!(without_numbers(&value.to_json()), without_numbers(&expected), "{json}");
            }
            (Err(_), Err(_)) => {}
            (read, expected) => panic!("{json}: {read:?}, serde_json says {expected:?}"),
        }
    }

    proptest! {
        #[test]
        fn what_is_json_is_read_and_what_is_not_is_refused(
            json in "[\\[\\]{}:,\" \\\\u0-9a-f.eE+\\-tnrlsé\u{1}]{0,24}"
        ) {
            check(&json);
            check(&format!("{{\"a\":{json}}}"));
            check(&format!("[\"{json}\",{json}]"));
        }
    }

    #[test]
    fn the_end_of_a_string_is_found_wherever_it_is() {
        for special in 0..=u8::MAX {
            for place in 0..20 {
                let mut bytes = vec![b'a'; 20];
                bytes[place] = special;
                let is_special = matches!(special, b'"' | b'\\' | 0..0x20);
                assert_eq!(plain_length(&bytes), if is_special { place } else { 20 }, "{special} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn plain_numbers_are_those_that_the_standard_library_reads(literal in "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,14})?") {
            if let Some(value) = plain_number(&literal) {
                let expected: f64 = literal.parse().unwrap();
                prop_assert_eq!(value.as_f64().map(f64::to_bits), Some((expected + 0.0).to_bits()), "{}", literal);
            }
        }
    }

    #[test]
    fn escapes_are_read() {
        check(r#"["\u00e9\ud83d\ude00\n\"\\\/\b\f\r\t"]"#);
        for broken in
            [r#""\ud83d""#, r#""\ud83d\u0041""#, r#""\ude00""#, r#""\u12""#, r#""\x""#, "\"\u{1f}\"", "\"", "\"\\"]
        {
            assert!(matches!(read(broken), Err(Fault::Broken(_))), "{broken}");
            check(broken);
        }
    }

    #[test]
    fn numbers_lose_nothing() {
        let number = |json: &str| read(json).unwrap();
        assert_eq!(number("-0"), Value::Int(0));
        assert_eq!(number("12.50"), Value::Float(12.5));
        assert_eq!(number("58.65947130554738"), Value::Float(58.659_471_305_547_38));
        assert_eq!(number("9223372036854775807"), Value::Int(i64::MAX));
        assert_eq!(number("9223372036854775808"), Value::BigNumber("9223372036854775808".into()));
        assert_eq!(number("1e3"), Value::Int(1000));
        for broken in ["01", "-", "1.", ".5", "1e", "1-1", "+1", "0x1", "00.5"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
