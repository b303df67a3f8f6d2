//! Regular expressions, and words with mistakes in them.

use regex::{Regex, RegexBuilder};

use super::glob::PATTERN_BYTES_MAX;

/// Bytes that a compiled expression may take, and as many again while it looks.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Levels of groups within groups.
const NEST_MAX: u32 = 50;

/// The expression made ready for whole values; its time grows with the value alone.
///
/// # Errors
/// What is wrong with it, in words.
pub fn compile_regexp(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        let count = pattern.len();
        return Err(format!("the expression has {count} bytes, at most {PATTERN_BYTES_MAX} are allowed; shorten it"));
    }
    // Alone first: what leaves a group would close the one around it.
    let build = |text: &str| {
        let mut builder = RegexBuilder::new(text);
        builder.size_limit(COMPILED_BYTES_MAX).dfa_size_limit(COMPILED_BYTES_MAX).nest_limit(NEST_MAX);
        builder.build()
    };
    let built = build(pattern).and_then(|_| build(&format!("\\A(?s:{pattern})\\z")));
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the expression is too large; repeat less in it".to_owned(),
        other => {
            let words = other.to_string();
            let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("the expression cannot be read: {last}")
        }
    })
}

/// A word that may have mistakes in it: signs left out, added or taken for others, or two that changed places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FuzzyTest {
    word: Vec<char>,
    mistakes_max: usize,
    /// Signs at the beginning that must be as they are.
    exact_prefix: usize,
    swaps_count_once: bool,
}

impl FuzzyTest {
    pub(super) fn new(word: &str, mistakes_max: u8, exact_prefix: usize, swaps_count_once: bool) -> Self {
        let word: Vec<char> = word.chars().take(PATTERN_BYTES_MAX).collect();
        Self { exact_prefix: exact_prefix.min(word.len()), word, mistakes_max: mistakes_max.into(), swaps_count_once }
    }

    /// Whether the text is the word but for so many mistakes.
    ///
    /// Source: optimal string alignment, the distance of Lucene's automata: no pair of signs is changed twice.
    pub(super) fn matches(&self, text: &str) -> bool {
        let longest = self.word.len() + self.mistakes_max;
        let found: Vec<char> = text.chars().take(longest + 1).collect();
        if found.len() > longest
            || found.len() + self.mistakes_max < self.word.len()
            || !found.starts_with(&self.word[..self.exact_prefix])
        {
            return false;
        }
        let (left, right) = (&self.word[self.exact_prefix..], &found[self.exact_prefix..]);
        let mut before_last = vec![0; right.len() + 1];
        let mut last: Vec<usize> = (0..=right.len()).collect();
        for (row, sign) in left.iter().enumerate() {
            let mut next = vec![row + 1; right.len() + 1];
            for (column, other) in right.iter().enumerate() {
                let replaced = last[column] + usize::from(sign != other);
                next[column + 1] = replaced.min(last[column + 1] + 1).min(next[column] + 1);
                let is_swap = self.swaps_count_once
                    && row > 0
                    && column > 0
                    && *sign == right[column - 1]
                    && left[row - 1] == *other;
                if is_swap {
                    next[column + 1] = next[column + 1].min(before_last[column - 1] + 1);
                }
            }
            (before_last, last) = (last, next);
            if last.iter().chain(&before_last).all(|mistakes| *mistakes > self.mistakes_max) {
                return false;
            }
        }
        last[right.len()] <= self.mistakes_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_for_whole_values_and_bounded() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(compile_regexp(pattern).unwrap().is_match(text), expected, "{pattern} {text}");
        };
        check("ca.t", "cart", true);
        check("ca", "cart", false);
        check("a|b", "ab", false);
        check("a.b", "a\nb", true);
        check("[a-c]+", "abcabc", true);
        let refuses = |pattern: &str, words: &str| {
            let error = compile_regexp(pattern).unwrap_err();
            assert!(error.contains(words), "{pattern}: {error}");
        };
        refuses("a)|(b", "cannot be read: unopened group");
        refuses("((a{100}){100}){100}", "too large");
        refuses(&"a".repeat(1_025), "at most 1024");
        refuses(&format!("{}a{}", "(".repeat(60), ")".repeat(60)), "nest");
    }

    #[test]
    fn mistakes_are_counted() {
        let check = |word: &str, text: &str, mistakes: u8, expected: bool| {
            assert_eq!(FuzzyTest::new(word, mistakes, 0, true).matches(text), expected, "{word} {text} {mistakes}");
        };
        check("cart", "cart", 0, true);
        check("cart", "card", 0, false);
        check("cart", "card", 1, true);
        check("cart", "crat", 1, true);
        check("cart", "art", 1, true);
        check("cart", "carts", 1, true);
        check("cart", "scarts", 1, false);
        check("cart", "scarts", 2, true);
        check("été", "ete", 2, true);
        check("ca", "abc", 2, false);
        check("", "ab", 2, true);
        check("ab", "", 2, true);
        assert!(!FuzzyTest::new("cart", 1, 0, false).matches("crat"), "a swap is two mistakes");
        assert!(!FuzzyTest::new("cart", 2, 1, true).matches("bart"), "the beginning must be as it is");
        assert!(FuzzyTest::new("cart", 2, 9, true).matches("cart"));
    }
}
