//! Words of a text: maximal runs of letters, digits and `_`, lower-cased, accents folded.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || is_combining_mark(character)
}

/// `is_word` of every ASCII character.
const IS_ASCII_WORD: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

/// The words of a text as they are written, not folded.
pub fn raw_words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|character: char| !is_word(character)).filter(|word| !word.is_empty())
}

/// One word folded: lower case, without accents.
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.nfkd().filter(|character| !is_combining_mark(*character)).flat_map(char::to_lowercase).collect()
}

/// The folded words of a text.
pub fn words(text: &str) -> Vec<String> {
    raw_words(text).map(fold).filter(|word| !word.is_empty()).collect()
}

/// Whether a word as written folds to `folded`; without allocation when it is ASCII.
pub fn folds_to(word: &str, folded: &str) -> bool {
    if word.is_ascii() { word.len() == folded.len() && word.eq_ignore_ascii_case(folded) } else { fold(word) == folded }
}

/// Whether a text is one word that is folded already, ids mostly: lower-case ASCII letters, digits and `_`.
pub fn is_folded_word(text: &str) -> bool {
    // Without a way out in between, so that many bytes are looked at at once.
    const STEP_BYTES: usize = 16;
    let is_word = |byte: &u8| byte.is_ascii_lowercase() | byte.is_ascii_digit() | (*byte == b'_');
    let is_all = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_word(byte));
    let (steps, rest) = text.as_bytes().as_chunks::<STEP_BYTES>();
    !text.is_empty() && steps.iter().all(|step| is_all(step)) && is_all(rest)
}

/// Calls `visit` with each folded word of a text; `buffer` is scratch space that is kept between calls.
pub fn for_each_folded(text: &str, buffer: &mut String, mut visit: impl FnMut(&str)) {
    if text.is_ascii() {
        // Most texts are: folded at once, their words lie in one piece of scratch space.
        buffer.clear();
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
        let is_word = |byte: &u8| IS_ASCII_WORD[usize::from(*byte)];
        let mut start = 0;
        for (at, byte) in buffer.bytes().chain(std::iter::once(b' ')).enumerate() {
            if !is_word(&byte) {
                if start < at {
                    visit(&buffer[start..at]);
                }
                start = at + 1;
            }
        }
        return;
    }
    for word in raw_words(text) {
        if word.is_ascii() {
            buffer.clear();
            buffer.push_str(word);
            buffer.make_ascii_lowercase();
            visit(buffer);
        } else {
            let folded = fold(word);
            if !folded.is_empty() {
                visit(&folded);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let (mut buffer, mut seen) = (String::new(), Vec::new());
        for_each_folded(text, &mut buffer, |word| seen.push(word.to_owned()));
        assert_eq!(seen, expected, "{text}");
        assert_eq!(words(text), expected, "{text}");
    }

    #[test]
    fn folded_words_are_their_only_word() {
        for text in ["", "a", "cart_5", "0123456789abcdef_x", "Cart", "a-b", "0123456789abcdefX", "é", "a b"] {
            assert_eq!(is_folded_word(text), words(text) == [text], "{text}");
        }
    }

    #[test]
    fn words_are_folded() {
        check("Gateway TIMEOUT: order_5 (x-y)", &["gateway", "timeout", "order_5", "x", "y"]);
        check("Échec à 5½", &["echec", "a", "51\u{2044}2"]);
        check("--- \u{301}", &[]);
    }
}
