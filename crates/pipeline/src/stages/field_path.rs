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
        let Some((last, above)) = locate(body, &self.dotted).map(split_last) else { return self.item_mut(body) };
        let object = descend(body, &above)?;
        object.get_mut(last).map(|(_, value)| value)
    }

    /// One item of a list, to be changed.
    fn item_mut<'b>(&self, body: &'b mut Object) -> Option<&'b mut Value> {
        let (list, number) = self.list_and_number(body)?;
        match list.get_mut(body)? {
            Value::List(items) => items.get_mut(number),
            _ => None,
        }
    }

    /// The list that this is an item of, and which.
    fn list_and_number(&self, body: &Object) -> Option<(Self, usize)> {
        let (list, number) = self.dotted.rsplit_once('.')?;
        let list = Self { dotted: list.to_owned() };
        let Some(Value::List(items)) = list.get(body) else { return None };
        let number = item_number(number, items.len())?;
        Some((list, number))
    }

    /// The text, if it is one that is not empty.
    pub(crate) fn text<'b>(&self, body: &'b Object) -> Option<&'b str> {
        self.get(body).and_then(Value::as_text).filter(|text| !text.is_empty())
    }

    /// Takes the value out; objects above it stay, even empty.
    pub(crate) fn take(&self, body: &mut Object) -> Option<Value> {
        let Some((last, above)) = locate(body, &self.dotted).map(split_last) else { return self.take_item(body) };
        let object = descend(body, &above)?;
        (last < object.len()).then(|| object.remove(last).1)
    }

    fn take_item(&self, body: &mut Object) -> Option<Value> {
        let (list, number) = self.list_and_number(body)?;
        match list.get_mut(body)? {
            Value::List(items) => Some(items.remove(number)),
            _ => None,
        }
    }

    /// Puts a value there. What is missing above it is made; where something else than an object is in the way, the
    /// field stands at the top under its whole name.
    pub(crate) fn put(&self, body: &mut Object, value: Value) {
        if let Some(slot) = self.get_mut(body) {
            *slot = value;
            return;
        }
        for (dot, _) in self.dotted.rmatch_indices('.') {
            let (above, rest) = (&self.dotted[..dot], &self.dotted[dot + 1..]);
            let above = Self { dotted: above.to_owned() };
            match above.get_mut(body) {
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
            None => self.put(body, value),
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

/// The value of a name at the top, else within objects along its dots.
pub(crate) fn find<'b>(body: &'b Object, path: &str) -> Option<&'b Value> {
    if let Some((_, value)) = body.iter().find(|(name, _)| name == path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| {
        match body.iter().find(|(name, _)| *name == path[..at]).map(|(_, value)| value) {
            Some(Value::Object(inner)) => find(inner, &path[at + 1..]),
            Some(Value::List(items)) => item(items, &path[at + 1..]),
            _ => None,
        }
    })
}

/// The item of a list that the beginning of a path numbers, or what is below it.
fn item<'b>(items: &'b [Value], path: &str) -> Option<&'b Value> {
    let (number, below) = path.split_once('.').map_or((path, None), |(number, below)| (number, Some(below)));
    let item_there = items.get(item_number(number, items.len())?)?;
    match (below, item_there) {
        (None, value) => Some(value),
        (Some(below), Value::Object(inner)) => find(inner, below),
        (Some(below), Value::List(inner)) => item(inner, below),
        (Some(_), _) => None,
    }
}

/// Which of so many items is meant, from the beginning or, below 0, from the end.
fn item_number(text: &str, count: usize) -> Option<usize> {
    match text.strip_prefix('-') {
        None => text.parse().ok().filter(|number| *number < count),
        Some(from_end) => count.checked_sub(from_end.parse().ok().filter(|number| *number > 0)?),
    }
}

/// Where `find` finds it: the index in each object, the innermost first.
fn locate(body: &Object, path: &str) -> Option<Vec<usize>> {
    if let Some(at) = body.iter().position(|(name, _)| name == path) {
        return Some(vec![at]);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        let at = body.iter().position(|(name, _)| *name == path[..dot])?;
        let Value::Object(inner) = &body[at].1 else { return None };
        let mut places = locate(inner, &path[dot + 1..])?;
        places.push(at);
        Some(places)
    })
}

/// The innermost index and those above it, the outermost last.
fn split_last(mut places: Vec<usize>) -> (usize, Vec<usize>) {
    let last = if places.is_empty() { 0 } else { places.remove(0) };
    (last, places)
}

fn descend<'b>(body: &'b mut Object, above: &[usize]) -> Option<&'b mut Object> {
    let mut object = body;
    for at in above.iter().rev() {
        match object.get_mut(*at) {
            Some((_, Value::Object(inner))) => object = inner,
            _ => return None,
        }
    }
    Some(object)
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
