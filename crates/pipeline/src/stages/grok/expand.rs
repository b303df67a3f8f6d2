//! From a pattern to one expression: `%{NAME:field:type}` becomes the expression of that name, its capture a numbered group.

use super::library;
use crate::stages::convert::Kind;
use crate::stages::field_path::FieldPath;

/// Patterns within patterns.
const DEPTH_MAX: usize = 30;
/// Bytes of the whole expression.
const EXPRESSION_BYTES_MAX: usize = 256 * 1024;
/// Captures of one pattern.
const CAPTURES_MAX: usize = 500;

/// What a group of the expression is captured as.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Capture {
    pub(super) path: FieldPath,
    pub(super) kind: Option<Kind>,
}

/// An expression whose only groups that capture are named `f0`, `f1` … in order.
#[derive(Debug, PartialEq)]
pub(super) struct Expanded {
    pub(super) expression: String,
    pub(super) captures: Vec<Capture>,
}

/// A pipeline's own expressions by name; they come before the library's.
pub(super) type Definitions = [(String, String)];

/// The name of the group with that number.
pub(super) fn group_name(number: usize) -> String {
    format!("f{number}")
}

/// Makes one expression of a pattern.
///
/// # Errors
/// In words, when a name is unknown, a field is none, or it grows beyond its bounds.
pub(super) fn expand(pattern: &str, definitions: &Definitions) -> Result<Expanded, String> {
    let mut expanded = Expanded { expression: String::new(), captures: Vec::new() };
    // Ruby's anchors are those of lines.
    expanded.expression.push_str("(?m)");
    expanded.add(pattern, definitions, DEPTH_MAX)?;
    Ok(expanded)
}

impl Expanded {
    fn add(&mut self, pattern: &str, definitions: &Definitions, depth: usize) -> Result<(), String> {
        let mut rest = pattern;
        let mut class_depth = 0_usize;
        while let Some(first) = rest.chars().next() {
            if self.expression.len() > EXPRESSION_BYTES_MAX {
                return Err(format!("the pattern grows to more than {EXPRESSION_BYTES_MAX} bytes; shorten it"));
            }
            if first == '\\' {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                self.add_escaped(&rest[..length], class_depth > 0);
                rest = &rest[length..];
                continue;
            }
            if class_depth == 0 && rest.starts_with("%{") {
                rest = self.add_reference(rest, definitions, depth)?;
                continue;
            }
            if class_depth == 0 && first == '(' {
                rest = self.open_group(rest)?;
                continue;
            }
            match first {
                '[' => class_depth += 1,
                ']' => class_depth = class_depth.saturating_sub(1),
                _ => {}
            }
            self.expression.push(first);
            rest = &rest[first.len_utf8()..];
        }
        Ok(())
    }

    /// Adds an escape. Ruby's classes are those of ASCII, which are also the smaller and faster ones.
    fn add_escaped(&mut self, escaped: &str, is_in_class: bool) {
        let (members, is_other) = match escaped {
            "\\d" => ("0-9", false),
            "\\D" => ("0-9", true),
            "\\h" => ("0-9A-Fa-f", false),
            "\\H" => ("0-9A-Fa-f", true),
            "\\s" => ("\\t\\n\\x0b\\x0c\\r ", false),
            "\\S" => ("\\t\\n\\x0b\\x0c\\r ", true),
            "\\w" => ("0-9A-Za-z_", false),
            "\\W" => ("0-9A-Za-z_", true),
            _ => return self.expression.push_str(escaped),
        };
        match (is_other, is_in_class) {
            (false, true) => self.expression.push_str(members),
            (false, false) => self.expression.push_str(&format!("[{members}]")),
            (true, _) => self.expression.push_str(&format!("[^{members}]")),
        }
    }

    /// Adds what `%{NAME:field:type}` stands for; gives what follows it.
    fn add_reference<'p>(&mut self, text: &'p str, definitions: &Definitions, depth: usize) -> Result<&'p str, String> {
        let Some((inner, rest)) = text[2..].split_once('}') else {
            return Err(format!("{text:?} is not closed; end it with }}"));
        };
        if depth == 0 {
            return Err(format!("%{{{inner}}} lies within more than {DEPTH_MAX} others, or within itself"));
        }
        let mut parts = inner.split(':');
        let name = parts.next().unwrap_or_default();
        let own = definitions.iter().find(|(known, _)| known == name).map(|(_, expression)| expression.as_str());
        let Some(expression) = own.or_else(|| library::expression(name)) else {
            return Err(format!("{name:?} is no pattern; {}", nearest(name)));
        };
        match parts.next().filter(|field| !field.is_empty()) {
            None => self.expression.push_str("(?:"),
            Some(field) => {
                let kind =
                    match parts.next() {
                        None => None,
                        Some(kind) => Some(Kind::of(kind).ok_or_else(|| {
                            format!("{kind:?} in %{{{inner}}} is no kind; use one of {}", Kind::names())
                        })?),
                    };
                self.open_capture(field, kind)?;
            }
        }
        self.add(expression, definitions, depth - 1)?;
        self.expression.push(')');
        Ok(rest)
    }

    fn open_capture(&mut self, field: &str, kind: Option<Kind>) -> Result<(), String> {
        if self.captures.len() >= CAPTURES_MAX {
            return Err(format!("the pattern has more than {CAPTURES_MAX} captures; shorten it"));
        }
        self.expression.push_str(&format!("(?P<{}>", group_name(self.captures.len())));
        self.captures.push(Capture { path: FieldPath::parse(field)?, kind });
        Ok(())
    }

    /// Adds the beginning of a group; gives what follows it. Groups without a name capture nothing, as in Ruby.
    fn open_group<'p>(&mut self, text: &'p str) -> Result<&'p str, String> {
        let rest = &text[1..];
        if !rest.starts_with('?') {
            self.expression.push_str("(?:");
            return Ok(rest);
        }
        // What Ruby calls m is s elsewhere, and its m is always on.
        if let Some(rest) = rest.strip_prefix("?m)").or_else(|| rest.strip_prefix("?m-ix)")) {
            self.expression.push_str("(?s)");
            return Ok(rest);
        }
        let named = rest.strip_prefix("?<").or_else(|| rest.strip_prefix("?P<"));
        if let Some(named) = named.filter(|named| !named.starts_with(['=', '!'])) {
            let Some((field, rest)) = named.split_once('>') else {
                return Err(format!("the name of a group in {text:?} is not closed; end it with >"));
            };
            self.open_capture(field, None)?;
            return Ok(rest);
        }
        self.expression.push_str("(?");
        Ok(&rest[1..])
    }
}

/// What may be meant, for a message.
fn nearest(name: &str) -> String {
    let folded = name.to_ascii_uppercase();
    let is_near = |known: &&str| folded.len() > 2 && (known.starts_with(&folded) || folded.starts_with(*known));
    match library::names().filter(is_near).max_by_key(|known| (known.len().min(folded.len()), *known)) {
        Some(known) => format!("is {known} meant? Define your own in pattern_definitions"),
        None => "define it in pattern_definitions".to_owned(),
    }
}
