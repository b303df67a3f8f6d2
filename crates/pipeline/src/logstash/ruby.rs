//! Expressions and replacements of `gsub` as the stage `replace` reads them: Ruby's, written for another engine.

/// Classes that are those of ASCII in Ruby and those of all scripts in the other engine.
const CLASSES: [(char, &str); 4] = [('w', "[:word:]"), ('W', "[:^word:]"), ('h', "[:xdigit:]"), ('H', "[:^xdigit:]")];

/// The expression: `^` and `$` are those of lines, and what Ruby calls `m` is `s`.
pub(super) fn expression(ruby: &str) -> String {
    let (mut text, mut rest, mut class_depth) = (String::from("(?m)"), ruby.chars(), 0_usize);
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let escaped = rest.next();
                match CLASSES.iter().find(|(letter, _)| Some(*letter) == escaped) {
                    Some((_, class)) if class_depth > 0 => text.push_str(class),
                    Some((_, class)) => text.push_str(&format!("[{class}]")),
                    None => text.extend(std::iter::once('\\').chain(escaped)),
                }
                continue;
            }
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            '(' if class_depth == 0 => {
                if let Some((flags, after)) = flags(rest.as_str()) {
                    text.push_str(&format!("(?{flags}"));
                    rest = after.chars();
                    continue;
                }
            }
            _ => {}
        }
        text.push(character);
    }
    text
}

/// The flags of a group in the other engine's letters, and what follows them; `None` when it has none of its own.
fn flags(group: &str) -> Option<(String, &str)> {
    let inner = group.strip_prefix('?')?;
    let length = inner.find(|c| !matches!(c, 'm' | 'i' | 'x' | '-'))?;
    let (flags, after) = inner.split_at(length);
    (length > 0 && after.starts_with([')', ':'])).then(|| (flags.replace('m', "s"), after))
}

/// The replacement: Ruby's `\1` and `\k<name>` as `${1}` and `${name}`; `$` means itself there.
pub(super) fn replacement(ruby: &str) -> String {
    let (mut text, mut rest) = (String::new(), ruby.chars());
    while let Some(character) = rest.next() {
        match character {
            '$' => text.push_str("$$"),
            '\\' => match rest.clone().next() {
                Some(digit @ '0'..='9') => {
                    rest.next();
                    text.push_str(&format!("${{{digit}}}"));
                }
                Some('\\') => {
                    rest.next();
                    text.push('\\');
                }
                Some('k') if rest.as_str().starts_with("k<") && rest.as_str().contains('>') => {
                    let (name, after) = rest.as_str()[2..].split_once('>').unwrap_or_default();
                    text.push_str(&format!("${{{name}}}"));
                    rest = after.chars();
                }
                _ => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_ruby_are_written_anew() {
        let check = |ruby: &str, expected: &str| {
            assert_eq!(expression(ruby), format!("(?m){expected}"), "{ruby}");
            assert!(regex::Regex::new(&expression(ruby)).is_ok(), "{ruby}");
        };
        check("", "");
        check(r"[\s/]+", r"[\s/]+");
        check(r"\w+\\w", r"[[:word:]]+\\w");
        check(r"[^\w\H]\[\w\]", r"[^[:word:][:^xdigit:]]\[[[:word:]]\]");
        check(r"(?m)a.b|(?i-m:c)|(?:d)|(?<n>e)|\(?m|[(?m)]", r"(?s)a.b|(?i-s:c)|(?:d)|(?<n>e)|\(?m|[(?m)]");
    }

    #[test]
    fn letters_beyond_ascii_are_no_part_of_words() {
        let replaced = |pattern: &str, text: &str| {
            regex::Regex::new(&expression(pattern)).unwrap().replace_all(text, replacement("_")).into_owned()
        };
        assert_eq!(replaced(r"\W", "café 1"), "caf__1");
        assert_eq!(replaced(r"[^\w ]", "café 1"), "caf_ 1");
        assert_eq!(replaced(r"^a.b$", "x\na.b\ny"), "x\n_\ny");
        assert_eq!(replaced(r"(?m)a.b", "a\nb"), "_");
    }

    #[test]
    fn replacements_of_ruby_are_read() {
        let check = |ruby: &str, expected: &str| assert_eq!(replacement(ruby), expected, "{ruby}");
        check("", "");
        check(r"<\1> \0", "<${1}> ${0}");
        check(r"\k<name>!", "${name}!");
        check("5 $", "5 $$");
        check(r"a\\1", r"a\1");
        check(r"a\", r"a\");
    }
}
