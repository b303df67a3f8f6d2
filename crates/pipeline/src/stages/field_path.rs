//! The place of a field in an event: `service`, `http.request.method` or, as Logstash writes it, `[http][request][method]`.
//!
//! A name is found as it was sent: whole with its dots at the top, or nested along them. No alias is followed: a stage
//! changes exactly what it names. A number below a list is one item of it, `tags.0` the first and `tags.-1` the last.

use vigie_domain::{Object, Value};

/// Objects within objects that a name may go through, as deep as events are stored.
pub(crate) const PATH_DEPTH_MAX: usize = 20;
/// Bytes of a name.
pub(crate) const PATH_BYTES_MAX: usize = 512;

/// The place of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldPath {
    dotted: String,
}

impl FieldPath {
    /// Reads `a.b` or `[a][b]`.
    ///
    /// # Errors
    /// In words, when the text names no field.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let dotted = match text.strip_prefix('[') {
            None => text.to_owned(),
            Some(rest) => {
                let inner = rest.strip_suffix(']').filter(|inner| !inner.is_empty());
                inner
                    .ok_or_else(|| format!("{text:?} is no field; close its bracket, as in [a][b]"))?
                    .replace("][", ".")
            }
        };
        let is_named = dotted.split('.').all(|part| !part.is_empty()) && !dotted.contains(['[', ']']);
        if !is_named {
            return Err(format!("{text:?} is no field; write a name such as \"service\", \"a.b\" or \"[a][b]\""));
        }
        if dotted.len() > PATH_BYTES_MAX || dotted.split('.').count() > PATH_DEPTH_MAX {
            return Err(format!(
                "the name of a field has {} bytes; use at most {PATH_BYTES_MAX} bytes and {PATH_DEPTH_MAX} levels",
                dotted.len()
            ));
        }
        Ok(Self { dotted })
    }

    /// The name with dots.
    pub(crate) fn as_str(&self) -> &str {
        &self.dotted
    }

    /// The field one level below.
    ///
    /// # Errors
    /// As `parse`.
    pub(crate) fn child(&self, name: &str) -> Result<Self, String> {
        Self::parse(&format!("{}.{name}", self.dotted))
    }

    /// The value, if there is one.
    pub(crate) fn get<'b>(&self, body: &'b Object) -> Option<&'b Value> {
        find(body, &self.dotted)
    }

    /// The value, to be changed.
    pub(crate) fn get_mut<'b>(&self, body: &'b mut Object) -> Option<&'b mut Value> {
        find_mut(body, &self.dotted)
    }

    /// The text, if it is one that is not empty.
    pub(crate) fn text<'b>(&self, body: &'b Object) -> Option<&'b str> {
        self.get(body).and_then(Value::as_text).filter(|text| !text.is_empty())
    }

    /// Takes the value out; objects above it stay, even empty.
    pub(crate) fn take(&self, body: &mut Object) -> Option<Value> {
        take(body, &self.dotted)
    }

    /// Puts a value there. What is missing above it is made; where something else than an object is in the way, the
    /// field stands at the top under its whole name.
    pub(crate) fn put(&self, body: &mut Object, value: Value) {
        match self.get_mut(body) {
            Some(slot) => *slot = value,
            None => self.put_new(body, value),
        }
    }

    /// Puts a value where none is.
    fn put_new(&self, body: &mut Object, value: Value) {
        for (dot, _) in self.dotted.rmatch_indices('.') {
            let (above, rest) = (&self.dotted[..dot], &self.dotted[dot + 1..]);
            match find_mut(body, above) {
                Some(Value::Object(fields)) => {
                    fields.push(nested(rest, value));
                    return;
                }
                Some(_) => {
                    body.push((self.dotted.as_str().into(), value));
                    return;
                }
                None => {}
            }
        }
        body.push(nested(&self.dotted, value));
    }

    /// Adds a value beside those that are there: one becomes a list of two.
    pub(crate) fn append(&self, body: &mut Object, value: Value) {
        match self.get_mut(body) {
            None => self.put_new(body, value),
            Some(Value::List(items)) => items.push(value),
            Some(slot @ Value::Null) => *slot = value,
            Some(slot) => {
                let first = std::mem::replace(slot, Value::Null);
                *slot = Value::List(vec![first, value]);
            }
        }
    }
}

/// A name with dots as objects within one another.
fn nested(dotted: &str, value: Value) -> (vigie_domain::Text, Value) {
    let mut parts = dotted.rsplit('.');
    let mut entry = (parts.next().unwrap_or_default().into(), value);
    for part in parts {
        entry = (part.into(), Value::Object(vec![entry]));
    }
    entry
}

/// A field of an object that a path leads to, or through.
struct Step<'p> {
    /// Where in the object.
    place: usize,
    /// What of the path lies below; `None` when the field is it.
    below: Option<&'p str>,
}

/// The field of the object that is the path whole, else the one with the shortest name that the path goes on below.
fn step<'p>(body: &Object, path: &'p str, longer_than: usize) -> Option<Step<'p>> {
    let mut found: Option<(usize, usize)> = None;
    for (place, (name, _)) in body.iter().enumerate() {
        let length = name.len();
        if length == path.len() {
            if name.as_str() == path {
                return Some(Step { place, below: None });
            }
        } else if length > longer_than
            && path.as_bytes().get(length) == Some(&b'.')
            && found.is_none_or(|(_, shortest)| length < shortest)
            && path.starts_with(name.as_str())
        {
            found = Some((place, length));
        }
    }
    found.map(|(place, length)| Step { place, below: Some(&path[length + 1..]) })
}

/// The step that the value is found by: a name that leads nowhere is passed over for a longer one.
fn step_to_value<'p>(body: &Object, path: &'p str) -> Option<Step<'p>> {
    let mut longer_than = 0;
    loop {
        let step = step(body, path, longer_than)?;
        let Some(below) = step.below else { return Some(step) };
        if find_below(&body[step.place].1, below).is_some() {
            return Some(step);
        }
        longer_than = path.len() - below.len() - 1;
    }
}

/// The value of a name at the top, else within objects and lists along its dots.
pub(crate) fn find<'b>(body: &'b Object, path: &str) -> Option<&'b Value> {
    let mut longer_than = 0;
    loop {
        let step = step(body, path, longer_than)?;
        let value = &body[step.place].1;
        let Some(below) = step.below else { return Some(value) };
        if let Some(found) = find_below(value, below) {
            return Some(found);
        }
        longer_than = path.len() - below.len() - 1;
    }
}

fn find_below<'b>(value: &'b Value, path: &str) -> Option<&'b Value> {
    match value {
        Value::Object(inner) => find(inner, path),
        Value::List(items) => {
            let (place, below) = item_step(items, path)?;
            below.map_or(Some(&items[place]), |below| find_below(&items[place], below))
        }
        _ => None,
    }
}

fn find_mut<'b>(body: &'b mut Object, path: &str) -> Option<&'b mut Value> {
    let step = step_to_value(body, path)?;
    let value = &mut body[step.place].1;
    match step.below {
        None => Some(value),
        Some(below) => find_below_mut(value, below),
    }
}

fn find_below_mut<'b>(value: &'b mut Value, path: &str) -> Option<&'b mut Value> {
    match value {
        Value::Object(inner) => find_mut(inner, path),
        Value::List(items) => {
            let (place, below) = item_step(items, path)?;
            match below {
                None => Some(&mut items[place]),
                Some(below) => find_below_mut(&mut items[place], below),
            }
        }
        _ => None,
    }
}

fn take(body: &mut Object, path: &str) -> Option<Value> {
    let step = step_to_value(body, path)?;
    match step.below {
        None => Some(body.remove(step.place).1),
        Some(below) => take_below(&mut body[step.place].1, below),
    }
}

fn take_below(value: &mut Value, path: &str) -> Option<Value> {
    match value {
        Value::Object(inner) => take(inner, path),
        Value::List(items) => {
            let (place, below) = item_step(items, path)?;
            match below {
                None => Some(items.remove(place)),
                Some(below) => take_below(&mut items[place], below),
            }
        }
        _ => None,
    }
}

/// The item of a list that the beginning of a path numbers, and what of the path lies below.
fn item_step<'p>(items: &[Value], path: &'p str) -> Option<(usize, Option<&'p str>)> {
    let (number, below) = path.split_once('.').map_or((path, None), |(number, below)| (number, Some(below)));
    Some((item_number(number, items.len())?, below))
}

/// Which of so many items is meant, from the beginning or, below 0, from the end.
fn item_number(text: &str, count: usize) -> Option<usize> {
    match text.strip_prefix('-') {
        None => text.parse().ok().filter(|number| *number < count),
        Some(from_end) => count.checked_sub(from_end.parse().ok().filter(|number| *number > 0)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Object {
        match serde_json::from_str(json) {
            Ok(Value::Object(body)) => body,
            other => panic!("{json}: {other:?}"),
        }
    }

    fn json(body: Object) -> String {
        serde_json::to_string(&Value::Object(body)).unwrap()
    }

    #[test]
    fn names_are_found_dotted_and_nested() {
        let body = body(r#"{"a.b":1,"c":{"d":2,"e.f":{"g":3}},"h":4}"#);
        let check = |path: &str, expected: Option<i64>| {
            let found = FieldPath::parse(path).unwrap().get(&body).cloned();
            assert_eq!(found, expected.map(Value::Int), "{path}");
        };
        check("a.b", Some(1));
        check("[a][b]", Some(1));
        check("c.d", Some(2));
        check("[c][e][f][g]", Some(3));
        check("h", Some(4));
        check("a", None);
        check("h.x", None);
        let both = self::body(r#"{"a.b":{"x":1},"a":{"b":{"y":2}}}"#);
        assert_eq!(FieldPath::parse("a.b.x").unwrap().get(&both), Some(&Value::Int(1)), "the longer name has it");
        assert_eq!(FieldPath::parse("a.b.y").unwrap().get(&both), Some(&Value::Int(2)));
    }

    #[test]
    fn items_of_lists_have_numbers() {
        let mut sent = body(r#"{"tags":["a","b","c"],"items":[{"sku":"x"},{"sku":"y","n":[1,2]}],"o":{"0":"z"}}"#);
        let check = |path: &str, expected: Option<&str>| {
            let found = FieldPath::parse(path).unwrap().get(&sent).and_then(Value::as_text);
            assert_eq!(found, expected, "{path}");
        };
        check("[tags][0]", Some("a"));
        check("tags.-1", Some("c"));
        check("tags.3", None);
        check("tags.-4", None);
        check("tags.-0", None);
        check("tags.0.x", None);
        check("[items][1][sku]", Some("y"));
        check("o.0", Some("z"));
        assert_eq!(FieldPath::parse("items.1.n.-1").unwrap().get(&sent), Some(&Value::Int(2)));
        FieldPath::parse("[tags][1]").unwrap().put(&mut sent, Value::text("B"));
        assert_eq!(FieldPath::parse("tags.0").unwrap().take(&mut sent), Some(Value::text("a")));
        assert_eq!(FieldPath::parse("tags.7").unwrap().take(&mut sent), None);
        assert_eq!(json(sent), r#"{"tags":["B","c"],"items":[{"sku":"x"},{"sku":"y","n":[1,2]}],"o":{"0":"z"}}"#);
    }

    #[test]
    fn values_are_put_where_their_name_says() {
        let check = |sent: &str, path: &str, expected: &str| {
            let mut body = body(sent);
            FieldPath::parse(path).unwrap().put(&mut body, Value::Int(9));
            assert_eq!(json(body), expected, "{path}");
        };
        check("{}", "a", r#"{"a":9}"#);
        check("{}", "a.b.c", r#"{"a":{"b":{"c":9}}}"#);
        check(r#"{"a":{"x":1}}"#, "a.b", r#"{"a":{"x":1,"b":9}}"#);
        check(r#"{"a":"text"}"#, "a.b", r#"{"a":"text","a.b":9}"#);
        check(r#"{"a.b":1}"#, "[a][b]", r#"{"a.b":9}"#);
        check(r#"{"a":{"b":1}}"#, "a.b", r#"{"a":{"b":9}}"#);
    }

    #[test]
    fn values_are_taken_and_appended() {
        let mut sent = body(r#"{"a":{"b":1,"c":2}}"#);
        let path = FieldPath::parse("a.b").unwrap();
        assert_eq!(path.take(&mut sent), Some(Value::Int(1)));
        assert_eq!(path.take(&mut sent), None);
        path.append(&mut sent, Value::Int(3));
        path.append(&mut sent, Value::Int(4));
        path.append(&mut sent, Value::Int(5));
        assert_eq!(json(sent), r#"{"a":{"c":2,"b":[3,4,5]}}"#);
    }

    #[test]
    fn what_names_no_field_is_refused() {
        for text in ["", ".", "a..b", "a.", "[a", "[]", "[a][]", "a[b]", "[a]b]"] {
            assert!(FieldPath::parse(text).is_err(), "{text}");
        }
        assert!(FieldPath::parse(&"a.".repeat(30)).is_err());
        assert!(FieldPath::parse(&"a".repeat(600)).is_err());
    }
}
