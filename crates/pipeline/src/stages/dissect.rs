//! `dissect`: takes text apart at what stands between its fields, without patterns: `%{level} %{?skipped} [%{+ts} %{+ts}] %{message}`.
//!
//! The forms are Logstash's: `%{name}`, `%{}` or `%{?name}` passed over, `%{+name}` and `%{+name/2}` joined, `%{name->}` with
//! what follows it repeated, `%{*key}` and `%{&key}` a name and its value.

use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};

/// Fields of one mapping.
const KEYS_MAX: usize = 200;

#[derive(Debug)]
struct Dissect {
    mappings: Vec<(FieldPath, Mapping)>,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let pairs = options.needed_pairs("mapping", "{ message = \"%{level} %{text}\" }")?;
    let mapping = |(field, text): (FieldPath, String)| {
        Mapping::parse(&text).map(|mapping| (field, mapping)).map_err(|message| options.error("mapping", message))
    };
    Ok(Box::new(Dissect { mappings: pairs.into_iter().map(mapping).collect::<Result<_, _>>()? }))
}

impl Stage for Dissect {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let mut is_done = true;
        for (field, mapping) in &self.mappings {
            let Some(text) = field.text(&event.body) else { continue };
            match mapping.dissect(text) {
                Some(found) => {
                    found.into_iter().for_each(|(path, text)| path.put(&mut event.body, Value::text(text)));
                }
                None => is_done = false,
            }
        }
        if is_done { Outcome::Keep } else { Outcome::Failed }
    }

    fn failure_tag(&self) -> &'static str {
        "_dissectfailure"
    }
}

/// What a piece of the text is for.
#[derive(Clone, Debug, PartialEq)]
enum Role {
    Field(FieldPath),
    Skipped,
    /// Joined with others of that name, in the order of the numbers.
    Joined(FieldPath, u32),
    /// The name of a field.
    Key(String),
    /// The value of that field.
    ValueOf(String),
}

#[derive(Clone, Debug, PartialEq)]
struct Key {
    role: Role,
    /// What joins it to one before it.
    before: String,
    /// What ends it; empty at the end.
    delimiter: String,
    is_padded: bool,
}

#[derive(Debug)]
struct Mapping {
    prefix: String,
    keys: Vec<Key>,
}

impl Mapping {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(start) = text.find("%{") else {
            return Err(format!("{text:?} has no field; write for example \"%{{level}} %{{text}}\""));
        };
        let (prefix, mut rest) = text.split_at(start);
        let (mut keys, mut before): (Vec<Key>, String) = (Vec::new(), String::new());
        while let Some(inner) = rest.strip_prefix("%{") {
            let Some((name, after)) = inner.split_once('}') else {
                return Err(format!("{rest:?} is not closed; end the field with }}"));
            };
            let end = after.find("%{").unwrap_or(after.len());
            let delimiter = &after[..end];
            if delimiter.is_empty() && !after.is_empty() {
                return Err(format!("nothing stands between %{{{name}}} and the next field; put a delimiter there"));
            }
            let is_padded = name.ends_with("->");
            let role = role(name.strip_suffix("->").unwrap_or(name))?;
            // What stands before the first field is no delimiter.
            let before_it = if keys.is_empty() { delimiter.to_owned() } else { before };
            keys.push(Key { role, before: before_it, delimiter: delimiter.to_owned(), is_padded });
            before = delimiter.to_owned();
            rest = &after[end..];
        }
        if keys.len() > KEYS_MAX {
            return Err(format!("{} fields are more than {KEYS_MAX}", keys.len()));
        }
        let is_named = |name: &str| keys.iter().any(|key| matches!(&key.role, Role::Key(known) if known == name));
        let nameless = keys.iter().find_map(|key| match &key.role {
            Role::ValueOf(name) if !is_named(name) => Some(name),
            _ => None,
        });
        if let Some(name) = nameless {
            return Err(format!("%{{&{name}}} has no %{{*{name}}} that names it"));
        }
        Ok(Self { prefix: prefix.to_owned(), keys })
    }

    /// The fields in the text; `None` when it is not of this form.
    fn dissect(&self, text: &str) -> Option<Vec<(FieldPath, String)>> {
        let mut rest = text.strip_prefix(self.prefix.as_str())?;
        let mut pieces = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let end = if key.delimiter.is_empty() { rest.len() } else { rest.find(key.delimiter.as_str())? };
            pieces.push(&rest[..end]);
            rest = &rest[end + key.delimiter.len()..];
            while key.is_padded && !key.delimiter.is_empty() && rest.starts_with(key.delimiter.as_str()) {
                rest = &rest[key.delimiter.len()..];
            }
        }
        self.fields(&pieces)
    }

    fn fields(&self, pieces: &[&str]) -> Option<Vec<(FieldPath, String)>> {
        let mut found: Vec<(FieldPath, String)> = Vec::with_capacity(pieces.len());
        let mut joined: Vec<(&FieldPath, u32, &str, &str)> = Vec::new();
        for (key, piece) in self.keys.iter().zip(pieces) {
            match &key.role {
                Role::Skipped | Role::Key(_) => {}
                Role::Field(path) => found.push((path.clone(), (*piece).to_owned())),
                Role::Joined(path, order) => joined.push((path, *order, &key.before, piece)),
                Role::ValueOf(name) => {
                    let is_name = |key: &Key| matches!(&key.role, Role::Key(known) if known == name);
                    let at = self.keys.iter().position(is_name)?;
                    found.push((FieldPath::parse(pieces[at]).ok()?, (*piece).to_owned()));
                }
            }
        }
        joined.sort_by_key(|(_, order, ..)| *order);
        for (path, _, before, piece) in joined {
            match found.iter_mut().find(|(known, _)| known == path) {
                Some((_, text)) => {
                    text.push_str(before);
                    text.push_str(piece);
                }
                None => found.push((path.clone(), piece.to_owned())),
            }
        }
        Some(found)
    }
}

fn role(name: &str) -> Result<Role, String> {
    if name.is_empty() || name.starts_with('?') {
        return Ok(Role::Skipped);
    }
    if let Some(name) = name.strip_prefix('*') {
        return Ok(Role::Key(name.to_owned()));
    }
    if let Some(name) = name.strip_prefix('&') {
        return Ok(Role::ValueOf(name.to_owned()));
    }
    let Some(name) = name.strip_prefix('+') else { return FieldPath::parse(name).map(Role::Field) };
    let (name, order) = match name.rsplit_once('/') {
        None => (name, 0),
        Some((name, order)) => {
            let number = order.parse().map_err(|_| format!("{order:?} in %{{+{name}/{order}}} is no number"))?;
            (name, number)
        }
    };
    FieldPath::parse(name).map(|path| Role::Joined(path, order))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mapping: &str, text: &str, expected: Option<&[(&str, &str)]>) {
        let found = Mapping::parse(mapping).unwrap().dissect(text);
        let shown = found.map(|found| found.iter().map(|(p, t)| format!("{}={t}", p.as_str())).collect::<Vec<_>>());
        let expected = expected.map(|list| list.iter().map(|(p, t)| format!("{p}={t}")).collect::<Vec<_>>());
        assert_eq!(shown, expected, "{mapping} on {text}");
    }

    #[test]
    fn text_is_taken_apart_at_its_delimiters() {
        check("%{a} %{b}", "1 2 3", Some(&[("a", "1"), ("b", "2 3")]));
        check("[%{a}] %{b}", "[x] y", Some(&[("a", "x"), ("b", "y")]));
        check("%{a->} %{b}", "1    2", Some(&[("a", "1"), ("b", "2")]));
        check("%{a} %{?b} %{} %{c}", "1 2 3 4", Some(&[("a", "1"), ("c", "4")]));
        check("%{+t} %{+t} %{b}", "1 2 3", Some(&[("b", "3"), ("t", "1 2")]));
        check("%{+t/2} %{+t/1} %{+t/4} %{+t/3}", "1 2 3 go", Some(&[("t", "2 1 go 3")]));
        check("%{*k}=%{&k};", "name=x;", Some(&[("name", "x")]));
        check("%{[a][b]}|%{c}", "1|2", Some(&[("a.b", "1"), ("c", "2")]));
        check("%{a} %{b};", "é ü;", Some(&[("a", "é"), ("b", "ü")]));
    }

    #[test]
    fn other_text_is_not() {
        check("%{a} %{b}", "one", None);
        check("[%{a}]", "x]", None);
        check("%{*k}=%{&k}", "a..b=x", None);
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        for mapping in ["", "text", "%{a", "%{a}%{b}", "%{a..b} x", "%{&k} %{a}", "%{+a/x} b"] {
            assert!(Mapping::parse(mapping).is_err(), "{mapping}");
        }
    }
}
