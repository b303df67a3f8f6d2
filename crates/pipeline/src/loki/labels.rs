//! The labels of a stream as text: `{job="shop", path="C:\\logs"}`, quoted as Go quotes.

use vigie_domain::{Object, Value};

/// The labels; of an empty text, none.
pub(super) fn parse(text: &str) -> Result<Object, String> {
    let wrong = |what: &str| format!("the labels {} {what}; send {{name=\"value\"}}", quoted(text));
    let inner = text.trim();
    if inner.is_empty() {
        return Ok(Object::new());
    }
    let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
    let mut rest = inner.ok_or_else(|| wrong("are not within braces"))?.trim();
    let mut labels = Object::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or_else(|| wrong("have a name without \"=\""))?;
        let name = name.trim();
        if name.is_empty() {
            return Err(wrong("have a value without a name"));
        }
        let (value, after) = value_of(after.trim_start()).ok_or_else(|| wrong("have a value that is not quoted"))?;
        labels.push((name.into(), Value::text(value)));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return Err(wrong("have no comma between two")),
        };
    }
    Ok(labels)
}

fn quoted(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    format!("{:?}", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
}

/// The quoted value that the text begins with, and what follows it.
fn value_of(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (value, rest) = raw.split_once('`')?;
        return Some((value.to_owned(), rest));
    }
    let quoted = text.strip_prefix('"')?;
    let mut value = Vec::new();
    let mut chars = quoted.char_indices();
    loop {
        let (at, next) = chars.next()?;
        match next {
            '"' => return Some((String::from_utf8_lossy(&value).into_owned(), &quoted[at + 1..])),
            '\\' => {
                let length = unescape(&quoted[at + 1..], &mut value)?;
                chars = quoted.char_indices();
                // The characters of an escape are ASCII, so this is a boundary.
                chars.by_ref().take_while(|(place, _)| *place < at + length).for_each(drop);
            }
            other => value.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Appends what an escape stands for; the number of its characters behind the backslash.
fn unescape(text: &str, value: &mut Vec<u8>) -> Option<usize> {
    let first = text.chars().next()?;
    let simple = match first {
        'a' => 7,
        'b' => 8,
        't' => b'\t',
        'n' => b'\n',
        'v' => 11,
        'f' => 12,
        'r' => b'\r',
        '\\' | '"' | '\'' => first as u8,
        'x' => {
            value.push(u8::from_str_radix(text.get(1..3)?, 16).ok()?);
            return Some(3);
        }
        'u' | 'U' => {
            let length = if first == 'u' { 5 } else { 9 };
            let sign = char::from_u32(u32::from_str_radix(text.get(1..length)?, 16).ok()?)?;
            value.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(length);
        }
        '0'..='7' => {
            value.push(u8::from_str_radix(text.get(..3)?, 8).ok()?);
            return Some(3);
        }
        _ => return None,
    };
    value.push(simple);
    Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&[(&str, &str)], &str>) {
        match (parse(text), expected) {
            (Ok(labels), Ok(expected)) => {
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| (name.as_str(), value.as_text().unwrap())).collect();
                assert_eq!(labels, expected, "{text}");
            }
            (Err(reason), Err(words)) => assert!(reason.contains(words), "{text}: {reason}"),
            (parsed, _) => panic!("{text}: {parsed:?}"),
        }
    }

    #[test]
    fn labels_are_read_as_go_quotes_them() {
        check("", Ok(&[]));
        check("{}", Ok(&[]));
        check(r#"{job="shop"}"#, Ok(&[("job", "shop")]));
        check(r#" { job = "shop" , env="a,b=}\"" , } "#, Ok(&[("job", "shop"), ("env", "a,b=}\"")]));
        check(r#"{p="C:\\a\tb\n",e="été ☃"}"#, Ok(&[("p", "C:\\a\tb\n"), ("e", "été ☃")]));
        check(r#"{u="\u00e9\x41\101\U0001F600z"}"#, Ok(&[("u", "éAA😀z")]));
        check(r#"{u="\xc3\xa9"}"#, Ok(&[("u", "é")]));
        check("{raw=`a\\b`}", Ok(&[("raw", "a\\b")]));
    }

    #[test]
    fn what_are_no_labels_says_so() {
        check("job=\"shop\"", Err("not within braces"));
        check("{job}", Err("without \"=\""));
        check("{=\"a\"}", Err("without a name"));
        check("{job=shop}", Err("not quoted"));
        check("{job=\"shop}", Err("not quoted"));
        check(r#"{job="a\q"}"#, Err("not quoted"));
        check(r#"{job="a\u12"}"#, Err("not quoted"));
        check(r#"{job="a\xé"}"#, Err("not quoted"));
        check(r#"{a="1" b="2"}"#, Err("no comma"));
    }
}
