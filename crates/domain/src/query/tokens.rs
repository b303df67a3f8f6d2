//! Words of a text: maximal runs of letters, digits and `_`, lower-cased, accents folded.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || is_combining_mark(character)
}

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
