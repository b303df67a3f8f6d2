//! Words, numbers, texts and signs of a rule.
//!
//! As CEL's language definition has them (github.com/google/cel-spec, doc/langdef.md, "Syntax"), without bytes, unsigned numbers and
//! texts over several lines.

use super::CompileError;
use super::syntax::Span;

/// Signs, longer ones before those that they begin with. `in` is one as well, as it stands between values.
const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]", ",", ".",
];

/// What a rule is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Without its sign, so up to 2^63.
    Int(u64),
    /// Finite, without its sign.
    Double(f64),
    /// Without quotes and escapes.
    Text(String),
    /// A name or a part of one: the text at its place.
    Word,
    /// One of [`SIGNS`] or `in`.
    Sign(&'static str),
    /// Behind the last.
    End,
}

/// All tokens of a text with their places, [`Token::End`] as the last.
///
/// # Errors
/// At characters that begin nothing, at numbers and texts that are none.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, CompileError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((token, Span::new(start, lexer.at)));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn skip_while(&mut self, is_skipped: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|next| !is_skipped(next)).unwrap_or(rest.len());
    }

    /// Blanks, line ends, and `//` up to the end of its line.
    fn skip_blanks(&mut self) {
        loop {
            self.skip_while(|next| matches!(next, ' ' | '\t' | '\n' | '\r' | '\x0c'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.skip_while(|next| next != '\n');
        }
    }

    fn error(&self, start: usize, message: impl Into<String>) -> CompileError {
        CompileError::new(Span::new(start, self.at), message)
    }

    fn token(&mut self) -> Result<Token, CompileError> {
        let Some(first) = self.peek() else { return Ok(Token::End) };
        let second = self.rest().chars().nth(1).unwrap_or(' ');
        if matches!(first, 'r' | 'R') && matches!(second, '\'' | '"') {
            self.at += 1;
            return self.quoted(false);
        }
        if matches!(first, '\'' | '"') {
            return self.quoted(true);
        }
        if first.is_ascii_digit() || (first == '.' && second.is_ascii_digit()) {
            return self.number();
        }
        if is_of_word(first) {
            let start = self.at;
            self.skip_while(is_of_word);
            return Ok(if &self.text[start..self.at] == "in" { Token::Sign("in") } else { Token::Word });
        }
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.at += sign.len();
            return Ok(Token::Sign(sign));
        }
        let start = self.at;
        self.next();
        Err(match first {
            '=' => self.error(start, "\"=\" alone means nothing: write == to compare"),
            '&' => self.error(start, "\"&\" alone means nothing: write && for \"and\""),
            '|' => self.error(start, "\"|\" alone means nothing: write || for \"or\""),
            other => self.error(start, format!("the character {other:?} has no meaning here")),
        })
    }

    fn number(&mut self) -> Result<Token, CompileError> {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            self.skip_while(|next| next.is_ascii_alphanumeric());
            let digits = &self.text[start + 2..self.at];
            let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            return if is_number {
                self.int(start, u64::from_str_radix(digits, 16).ok())
            } else {
                Err(self.error(start, format!("\"{}\" is no number", &self.text[start..self.at])))
            };
        }
        self.skip_while(|next| next.is_ascii_digit());
        let mut is_double = self.skip_fraction();
        is_double |= self.skip_exponent();
        let digits = &self.text[start..self.at];
        if self.peek().is_some_and(is_of_word) {
            self.skip_while(is_of_word);
            return Err(self.error(start, format!("\"{}\" is no number", &self.text[start..self.at])));
        }
        if !is_double {
            return self.int(start, digits.parse().ok());
        }
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Double(number)),
            Ok(_) | Err(_) => Err(self.error(start, "this number is too large for a double")),
        }
    }

    fn int(&self, start: usize, number: Option<u64>) -> Result<Token, CompileError> {
        match number {
            Some(number) if number <= i64::MIN.unsigned_abs() => Ok(Token::Int(number)),
            Some(_) | None => Err(self.error(start, "this number is too large for an int")),
        }
    }

    fn skip_fraction(&mut self) -> bool {
        let is_fraction =
            self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()));
        if is_fraction {
            self.at += 1;
            self.skip_while(|next| next.is_ascii_digit());
        }
        is_fraction
    }

    fn skip_exponent(&mut self) -> bool {
        let Some(rest) = self.rest().strip_prefix(['e', 'E']) else { return false };
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let is_exponent = digits.starts_with(|next: char| next.is_ascii_digit());
        if is_exponent {
            self.at = self.text.len() - digits.len();
            self.skip_while(|next| next.is_ascii_digit());
        }
        is_exponent
    }

    /// A text from its opening quote; raw ones have no escapes.
    fn quoted(&mut self, has_escapes: bool) -> Result<Token, CompileError> {
        let start = self.at;
        let quote = self.next();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                next if next == quote && next.is_some() => return Ok(Token::Text(text)),
                Some('\\') if has_escapes => text.push(self.escaped(at)?),
                Some(next) if next != '\n' && next != '\r' => text.push(next),
                Some(_) | None => {
                    self.at = at;
                    return Err(self.error(start, "this text has no closing quote on its line"));
                }
            }
        }
    }

    /// The character that an escape stands for, from behind its backslash, which is at `start`.
    fn escaped(&mut self, start: usize) -> Result<char, CompileError> {
        let escape = self.next();
        let code = match escape {
            Some('a') => return Ok('\x07'),
            Some('b') => return Ok('\x08'),
            Some('f') => return Ok('\x0c'),
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('v') => return Ok('\x0b'),
            Some(same @ ('\\' | '?' | '"' | '\'' | '`')) => return Ok(same),
            Some('x' | 'X') => self.code(2, 16),
            Some('u') => self.code(4, 16),
            Some('U') => self.code(8, 16),
            Some('0'..='3') => {
                self.at -= 1;
                self.code(3, 8)
            }
            Some(_) | None => None,
        };
        code.and_then(char::from_u32).ok_or_else(|| {
            let written = &self.text[start..self.at];
            self.error(start, format!("\"{written}\" is no escape: for a backslash write two, or r'…'"))
        })
    }

    /// A number of exactly so many digits.
    fn code(&mut self, digit_count: usize, radix: u32) -> Option<u32> {
        let digits = self.rest().get(..digit_count)?;
        let is_number = digits.chars().all(|digit| digit.is_digit(radix));
        let code = if is_number { u32::from_str_radix(digits, radix).ok() } else { None };
        if code.is_some() {
            self.at += digit_count;
        }
        code
    }
}

fn is_of_word(next: char) -> bool {
    next.is_ascii_alphanumeric() || next == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Token]) {
        let found: Vec<Token> = tokens(text).unwrap().into_iter().map(|(token, _)| token).collect();
        assert_eq!(found, [expected, &[Token::End]].concat(), "{text}");
    }

    fn check_text(text: &str, expected: &str) {
        check(text, &[Token::Text(expected.to_owned())]);
    }

    #[test]
    fn numbers_are_ints_or_doubles() {
        check("0", &[Token::Int(0)]);
        check("9223372036854775808", &[Token::Int(1 << 63)]);
        check("0xFf", &[Token::Int(255)]);
        check("1.5", &[Token::Double(1.5)]);
        check(".5", &[Token::Double(0.5)]);
        check("1e3", &[Token::Double(1_000.0)]);
        check("2.5E-1", &[Token::Double(0.25)]);
        check("1.size", &[Token::Int(1), Token::Sign("."), Token::Word]);
    }

    #[test]
    fn texts_have_the_escapes_of_cel() {
        check_text(r"'a'", "a");
        check_text(r#""it's""#, "it's");
        check_text(r"'\a\b\f\n\r\t\v\\\?\'\`'", "\x07\x08\x0c\n\r\t\x0b\\?'`");
        check_text(r#"'\"'"#, "\"");
        check_text(r"'\x41\u00e9\U0001F600\101'", "Aé😀A");
        check_text(r"r'\d+'", r"\d+");
        check_text(r#"R"\""#, r"\");
        check_text("'日本'", "日本");
    }

    #[test]
    fn signs_are_as_long_as_can_be() {
        check("a<=b", &[Token::Word, Token::Sign("<="), Token::Word]);
        check("!!a", &[Token::Sign("!"), Token::Sign("!"), Token::Word]);
        check("a in b", &[Token::Word, Token::Sign("in"), Token::Word]);
        check("index", &[Token::Word]);
        check("a // b\n-c", &[Token::Word, Token::Sign("-"), Token::Word]);
    }
}
