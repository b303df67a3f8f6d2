//! Patterns with `*` (any run), `?` (any one character) and `\` (the next one means itself).
//!
//! Matched without recursion and in constant memory.

/// Bytes of a pattern at most.
pub const PATTERN_BYTES_MAX: usize = 1_024;

/// Whether the whole text matches.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    let (mut pattern_rest, mut text_rest) = (pattern.chars(), text.chars());
    // Where to go on when the run of the last `*` must take one character more.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let mut next_pattern = pattern_rest.clone();
        let mut next_text = text_rest.clone();
        match (next_pattern.next(), next_text.next()) {
            (Some('*'), _) => {
                retry = Some((next_pattern.clone(), text_rest.clone()));
                pattern_rest = next_pattern;
                continue;
            }
            (Some('?'), Some(_)) => {
                (pattern_rest, text_rest) = (next_pattern, next_text);
                continue;
            }
            (Some(expected), Some(found)) => {
                let expected = if expected == '\\' { next_pattern.next().unwrap_or('\\') } else { expected };
                if expected == found {
                    (pattern_rest, text_rest) = (next_pattern, next_text);
                    continue;
                }
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after_star, mut run)) = retry.take() else { return false };
        if run.next().is_none() {
            return false;
        }
        (pattern_rest, text_rest) = (after_star.clone(), run.clone());
        retry = Some((after_star, run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(glob_matches(pattern, text), expected, "{pattern} on {text}");
    }

    #[test]
    fn patterns_match_whole_texts() {
        check("a*c", "abbbc", true);
        check("a*c", "abbb", false);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("*", "", true);
        check("", "", true);
        check("", "a", false);
        check("*ab*ab", "ababxab", true);
        check("é*?", "éa", true);
        check("**b", "aab", true);
        check("a\\*b", "a*b", true);
        check("a\\*b", "axb", false);
        check("\\\\", "\\", true);
    }

    #[test]
    fn many_stars_stay_fast() {
        check(&"*a".repeat(500), &"a".repeat(20_000), true);
        check(&format!("{}b", "*a".repeat(500)), &"a".repeat(20_000), false);
    }
}
