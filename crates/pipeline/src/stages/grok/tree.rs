//! The fields of a pattern as objects within one another, for events that have none of them yet: the usual ones.

use vigie_domain::{Object, Text, Value};

use super::expand::Capture;

/// The captures of a pattern, each in its place.
#[derive(Debug)]
pub(super) struct Tree {
    branches: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    name: Text,
    below: Below,
}

#[derive(Debug)]
enum Below {
    Capture(usize),
    Object(Tree),
}

impl Tree {
    /// `None` when a field is captured twice, or is also an object that holds another one: what comes of them depends on which
    /// are found.
    pub(super) fn of(captures: &[Capture]) -> Option<Self> {
        let mut tree = Self { branches: Vec::new() };
        captures.iter().enumerate().try_for_each(|(number, capture)| tree.add(capture.path.as_str(), number))?;
        Some(tree)
    }

    fn add(&mut self, path: &str, number: usize) -> Option<()> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let known = self.branches.iter_mut().find(|branch| branch.name == name);
        match (known, rest) {
            (Some(Branch { below: Below::Object(tree), .. }), Some(rest)) => tree.add(rest, number),
            (Some(_), _) => None,
            (None, None) => {
                self.branches.push(Branch { name: name.into(), below: Below::Capture(number) });
                Some(())
            }
            (None, Some(rest)) => {
                let mut tree = Self { branches: Vec::new() };
                tree.add(rest, number)?;
                self.branches.push(Branch { name: name.into(), below: Below::Object(tree) });
                Some(())
            }
        }
    }

    /// Whether an event has nothing under the names of these fields, neither nested nor with dots.
    pub(super) fn is_new_to(&self, body: &Object) -> bool {
        let is_below = |known: &str, name: &str| {
            known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        body.iter().all(|(known, _)| !self.branches.iter().any(|branch| is_below(known, &branch.name)))
    }

    /// Adds what was captured to an event to which it is new; the values are by number of their capture.
    pub(super) fn put(&self, values: &mut [Option<Value>], body: &mut Object) {
        for branch in &self.branches {
            let value = match &branch.below {
                Below::Capture(number) => values[*number].take(),
                Below::Object(tree) => {
                    let mut inner = Object::new();
                    tree.put(values, &mut inner);
                    (!inner.is_empty()).then_some(Value::Object(inner))
                }
            };
            if let Some(value) = value {
                body.push((branch.name.clone(), value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::field_path::FieldPath;

    fn captures(paths: &[&str]) -> Vec<Capture> {
        paths.iter().map(|path| Capture { path: FieldPath::parse(path).unwrap(), kind: None }).collect()
    }

    /// Every subset of the captures gives the same as if each were appended alone, but for the order of fields.
    fn check(paths: &[&str]) {
        let captures = captures(paths);
        let tree = Tree::of(&captures).unwrap();
        for found in 0_u32..1 << paths.len() {
            let value = |number: usize| (found >> number & 1 == 1).then_some(Value::Int(number as i64));
            let mut values: Vec<_> = (0..paths.len()).map(value).collect();
            let (mut one_by_one, mut body) = (Object::new(), Object::new());
            for (capture, value) in captures.iter().zip(&values) {
                value.iter().for_each(|value| capture.path.append(&mut one_by_one, value.clone()));
            }
            assert!(tree.is_new_to(&body));
            tree.put(&mut values, &mut body);
            assert_eq!(sorted(body), sorted(one_by_one), "{paths:?}, {found:b}");
        }
    }

    fn sorted(mut body: Object) -> Object {
        body.sort_by(|(left, _), (right, _)| left.cmp(right));
        let inner = |value: Value| if let Value::Object(inner) = value { Value::Object(sorted(inner)) } else { value };
        body.into_iter().map(|(name, value)| (name, inner(value))).collect()
    }

    #[test]
    fn fields_are_put_as_they_would_be_one_by_one() {
        check(&["a"]);
        check(&["a", "b.c", "b.d.e", "b.d.f", "g"]);
        check(&["http.request.method", "url.original", "http.version", "http.response.status_code", "url.query"]);
    }

    #[test]
    fn fields_that_meet_each_other_are_left_to_their_order() {
        for paths in [&["a", "a"][..], &["a", "a.b"], &["a.b", "a"], &["a.b.c", "a.b"]] {
            assert!(Tree::of(&captures(paths)).is_none(), "{paths:?}");
        }
    }

    #[test]
    fn events_that_have_such_names_are_told() {
        let tree = Tree::of(&captures(&["host.name", "took"])).unwrap();
        let is_new = |name: &str| tree.is_new_to(&vec![(name.into(), Value::Int(1))]);
        for name in ["hostname", "hos", "name", "took_ms", ""] {
            assert!(is_new(name), "{name}");
        }
        for name in ["host", "host.name", "host.os", "took", "took.x"] {
            assert!(!is_new(name), "{name}");
        }
    }
}
