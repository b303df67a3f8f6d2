//! Queries by regular expressions in Lucene's words, and by words with mistakes.

use serde_json::{Map, Value as Json};
use vigie_domain::Result;
use vigie_domain::mapping::FieldKind;
use vigie_domain::query::{Predicate, Query, compile_regexp};

use super::place::Place;
use super::query::{Field, check_setting, of_field};

/// Signs that are operators of Lucene's alone.
const LUCENES_OWN: [char; 6] = ['~', '&', '<', '@', '#', '"'];

/// Signs that mean more than themselves to Rust's expressions.
const SPECIAL: [char; 18] = ['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$', '#', '&', '-', '~'];

/// Reads `regexp`.
///
/// # Errors
/// `Malformed` for an expression that is none, is too large, or has an operator that is not there.
pub(super) fn regexp(json: &Json, place: &Place) -> Result<Query> {
    let known = ["case_insensitive", "flags", "flags_value", "max_determinized_states"];
    let (name, value, settings) = of_field(json, place, &["value"], &known)?;
    let place = place.key(&name);
    let field = Field::check(&name, &place)?;
    let ignores_case = flag(settings, "case_insensitive", false, &place)?;
    let read = expression(&place.text(value)?, settings, &place)?;
    let pattern = if ignores_case { format!("(?i:{read})") } else { read };
    compile_regexp(&pattern).map_err(|words| place.wrong(&words))?;
    Ok(field.passing(Predicate::Regexp(pattern)))
}

/// An expression of Lucene's as one of Rust's.
///
/// # Errors
/// `Malformed` for an operator that is not there, or flags that are not.
pub(super) fn expression(text: &str, settings: Option<&Map<String, Json>>, place: &Place) -> Result<String> {
    check_setting(settings, "flags", |json| matches!(json.as_str(), Some("ALL" | "NONE")), place)?;
    check_setting(settings, "flags_value", |_| false, place)?;
    let has_flags = settings.and_then(|settings| settings.get("flags")).is_none_or(|json| *json != "NONE");
    Reader { text, has_flags, place }.read()
}

/// Whether a value is compared without regard to case, which makes a difference of strings that are compared whole.
///
/// # Errors
/// `Malformed` for a setting that is none.
pub(super) fn ignores_case(settings: Option<&Map<String, Json>>, field: &Field, place: &Place) -> Result<bool> {
    let is_whole = matches!(field.kind(), None | Some(FieldKind::Keyword));
    Ok(flag(settings, "case_insensitive", false, place)? && is_whole)
}

/// The field's values that match the expression.
///
/// # Errors
/// `Malformed` for one that is too large.
pub(super) fn expression_of(field: &Field, pattern: &str, place: &Place) -> Result<Query> {
    compile_regexp(pattern).map_err(|words| place.wrong(&words))?;
    Ok(field.passing(Predicate::Regexp(pattern.to_owned())))
}

/// An expression for a text, or for a pattern with `*`, `?` and `\\`, in which the case of the letters A to Z does not matter.
pub(super) fn any_case(text: &str, is_pattern: bool) -> String {
    let mut written = String::with_capacity(text.len() * 4);
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        let sign = match sign {
            '*' if is_pattern => {
                written.push_str(".*");
                continue;
            }
            '?' if is_pattern => {
                written.push('.');
                continue;
            }
            '\\' if is_pattern => signs.next().unwrap_or('\\'),
            plain => plain,
        };
        if sign.is_ascii_alphabetic() {
            written.extend(['[', sign.to_ascii_lowercase(), sign.to_ascii_uppercase(), ']']);
        } else {
            push_plain(sign, &mut written);
        }
    }
    written
}

/// Reads `fuzzy`.
///
/// # Errors
/// `Malformed` for a number of mistakes that is none.
pub(super) fn fuzzy(json: &Json, place: &Place) -> Result<Query> {
    let known = ["fuzziness", "prefix_length", "transpositions", "max_expansions"];
    let (name, value, settings) = of_field(json, place, &["value"], &known)?;
    let place = place.key(&name);
    let field = Field::check(&name, &place)?;
    let word = place.text(value)?;
    let (mistakes_max, exact_prefix, swaps_count_once) = mistaken(&word, settings, &place)?;
    Ok(field.passing(Predicate::Fuzzy { word, mistakes_max, exact_prefix, swaps_count_once }))
}

/// How many mistakes the word may have, how many signs at its beginning must be as they are, and whether a swap is one mistake.
///
/// # Errors
/// `Malformed` for a number of mistakes that is none.
pub(super) fn mistaken(word: &str, settings: Option<&Map<String, Json>>, place: &Place) -> Result<(u8, usize, bool)> {
    let setting = |key: &str| settings.and_then(|settings| settings.get(key));
    let mistakes_max = mistakes(setting("fuzziness"), word.chars().count(), &place.key("fuzziness"))?;
    let exact_prefix = setting("prefix_length").map_or(Ok(0), |json| place.key("prefix_length").count(json))?;
    Ok((mistakes_max, exact_prefix, flag(settings, "transpositions", true, place)?))
}

fn flag(settings: Option<&Map<String, Json>>, key: &str, unless_said: bool, place: &Place) -> Result<bool> {
    settings.and_then(|settings| settings.get(key)).map_or(Ok(unless_said), |json| place.key(key).flag(json))
}

/// How many mistakes a word of so many signs may have: 0 to 2, or `AUTO`, which may name the lengths from which one and two are.
fn mistakes(json: Option<&Json>, length: usize, place: &Place) -> Result<u8> {
    let text = json.map_or(Ok("AUTO".to_owned()), |json| place.text(json))?;
    let wrong = || place.wrong(&format!("\"{text}\" must be 0, 1, 2, AUTO or such as AUTO:3,6"));
    if let Ok(number) = text.parse::<f64>() {
        return [0, 1, 2].into_iter().find(|mistakes| f64::from(*mistakes) == number).ok_or_else(wrong);
    }
    let upper = text.to_ascii_uppercase();
    let (one, two) = match upper.strip_prefix("AUTO").ok_or_else(wrong)?.strip_prefix(':') {
        None if upper == "AUTO" => (3, 6),
        None => return Err(wrong()),
        Some(lengths) => {
            let (one, two) = lengths.split_once(',').ok_or_else(wrong)?;
            let lengths: Option<(usize, usize)> = one.trim().parse().ok().zip(two.trim().parse().ok());
            lengths.filter(|(one, two)| one <= two).ok_or_else(wrong)?
        }
    };
    Ok(u8::from(length >= one) + u8::from(length >= two))
}

/// Writes an expression of Lucene's as one of Rust's.
struct Reader<'a> {
    text: &'a str,
    /// Whether signs that are operators of Lucene's alone are so.
    has_flags: bool,
    place: &'a Place,
}

impl Reader<'_> {
    fn read(&self) -> Result<String> {
        let mut written = String::with_capacity(self.text.len() * 2);
        let mut signs = self.text.chars().peekable();
        let mut repeats = false;
        while let Some(sign) = signs.next() {
            let is_repeat = matches!(sign, '*' | '+' | '?' | '{');
            if is_repeat && repeats {
                return Err(self.place.wrong("one repetition follows another; put the first into parentheses"));
            }
            repeats = is_repeat;
            match sign {
                '\\' => written.push_str(&class_or_sign(signs.next().unwrap_or('\\'))),
                '[' => self.class(&mut signs, &mut written)?,
                '(' => written.push_str("(?:"),
                '{' => {
                    written.push('{');
                    for sign in signs.by_ref() {
                        written.push(sign);
                        if sign == '}' {
                            break;
                        }
                    }
                }
                ')' | '|' | '.' | '*' | '+' | '?' => written.push(sign),
                own if LUCENES_OWN.contains(&own) && (self.has_flags || own == '"') => {
                    return Err(self.place.wrong(&format!(
                        "the operator {own} of an expression is not there in Vigie; write \\{own} for the sign itself"
                    )));
                }
                plain => push_plain(plain, &mut written),
            }
        }
        Ok(written)
    }

    /// Writes what stands in brackets.
    fn class(&self, signs: &mut std::iter::Peekable<std::str::Chars<'_>>, written: &mut String) -> Result<()> {
        written.push('[');
        if signs.next_if_eq(&'^').is_some() {
            written.push('^');
        }
        while let Some(sign) = signs.next() {
            match sign {
                ']' => {
                    written.push(']');
                    return Ok(());
                }
                '-' => written.push('-'),
                '\\' => written.push_str(&class_or_sign(signs.next().unwrap_or('\\'))),
                plain => push_plain(plain, written),
            }
        }
        Err(self.place.wrong("a bracket in the expression is not closed"))
    }
}

/// What a sign behind a backslash means.
fn class_or_sign(sign: char) -> String {
    match sign {
        'd' => "[0-9]".to_owned(),
        'D' => "[^0-9]".to_owned(),
        'w' => "[0-9A-Za-z_]".to_owned(),
        'W' => "[^0-9A-Za-z_]".to_owned(),
        's' => r"[ \t\n\r]".to_owned(),
        'S' => r"[^ \t\n\r]".to_owned(),
        plain => {
            let mut written = String::new();
            push_plain(plain, &mut written);
            written
        }
    }
}

/// A sign that means itself.
fn push_plain(sign: char, written: &mut String) {
    if SPECIAL.contains(&sign) {
        written.push('\\');
    }
    written.push(sign);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions_are_read_as_lucene_reads_them() {
        let check = |text: &str, expected: &str| match regexp(&json!({"a": text}), &Place::of("regexp")) {
            Ok(Query::Field { predicate: Predicate::Regexp(pattern), .. }) => assert_eq!(pattern, expected, "{text}"),
            found => panic!("{text}: {found:?}"),
        };
        check("ca.t", "ca.t");
        check("(a|b){2,3}c?", "(?:a|b){2,3}c?");
        check("a^b$", r"a\^b\$");
        check(r"\d+\.", r"[0-9]+\.");
        check("[^a-c&&]x", r"[^a-c\&\&]x");
        check(r"[\]\d]", r"[\][0-9]]");
        check("a>b/1", "a>b/1");
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let check = |query: Json, words: &str| {
            let error = regexp(&query, &Place::of("regexp")).unwrap_err();
            assert!(
                error.message.starts_with("[regexp.a] ") && error.message.contains(words),
                "{query}: {}",
                error.message
            );
        };
        check(json!({"a": "a~b"}), "the operator ~");
        check(json!({"a": "<1-5>"}), "the operator <");
        check(json!({"a": "(a"}), "cannot be read");
        check(json!({"a": "a)"}), "cannot be read");
        check(json!({"a": "[a"}), "not closed");
        check(json!({"a": "a+?"}), "one repetition follows another");
        check(json!({"a": "((a{90}){90}){90}"}), "too large");
        check(json!({"a": {"value": "b", "flags": "INTERSECTION"}}), "[flags]");
        let plain = json!({"a": {"value": "a~b", "flags": "NONE", "case_insensitive": true}});
        let Ok(Query::Field { predicate, .. }) = regexp(&plain, &Place::of("regexp")) else { panic!("it was refused") };
        assert_eq!(predicate, Predicate::Regexp(r"(?i:a\~b)".to_owned()));
    }

    #[test]
    fn mistakes_go_by_the_length_of_the_word() {
        let check = |json: Json, length: usize, expected: Option<u8>| {
            assert_eq!(mistakes(Some(&json), length, &Place::of("f")).ok(), expected, "{json} {length}");
        };
        for (length, expected) in [(2, 0), (3, 1), (5, 1), (6, 2)] {
            check(json!("AUTO"), length, Some(expected));
        }
        check(json!("auto:2,4"), 4, Some(2));
        check(json!(1), 9, Some(1));
        check(json!("2.0"), 1, Some(2));
        check(json!(3), 9, None);
        check(json!(-1), 9, None);
        check(json!("AUTO:6,3"), 9, None);
        check(json!("AUTOS"), 9, None);
    }
}
