//! The layout of an event's body: the names of its leaves as they were sent, nested or dotted, in order.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;

use crate::codec::{CodecError, Reader, write_text, write_unsigned};
use crate::event::pseudo_fields;
use crate::mapping;
use crate::value::{Object, Text, Value};

/// Objects nested deeper than this are one leaf.
const DEPTH_MAX: usize = 20;

/// What a leaf tells of the event itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Nothing.
    Nothing,
    /// Its time.
    Time,
    /// Its log type.
    Type,
}

/// One leaf of a layout.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Names of the objects that it lies in, from the top.
    pub above: Vec<Text>,
    /// Its own name.
    pub name: Text,
    /// What it tells of the event itself.
    pub own: Own,
}

impl Leaf {
    fn new(above: Vec<Text>, name: Text) -> Self {
        let own = match mapping::canonical(&dotted(&above, &name)) {
            pseudo_fields::TIMESTAMP => Own::Time,
            pseudo_fields::LOG_TYPE => Own::Type,
            _ => Own::Nothing,
        };
        Self { above, name, own }
    }

    /// Its names from the top, joined by dots.
    pub fn path(&self) -> Text {
        dotted(&self.above, &self.name)
    }

    fn is_at(&self, above: &[&str], name: &str) -> bool {
        self.name == name && self.above.len() == above.len() && self.above.iter().zip(above).all(|(a, b)| a == b)
    }
}

/// Two leaves of the same names are the same leaf.
impl PartialEq for Leaf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.above == other.above
    }
}

fn dotted(above: &[Text], name: &Text) -> Text {
    let mut path = Text::default();
    for outer in above {
        path.push_str(outer);
        path.push('.');
    }
    path.push_str(name);
    path
}

/// The leaves of a body, in order.
#[derive(Clone, Debug)]
pub struct Layout {
    leaves: Vec<Leaf>,
    hash: u64,
    names_bytes: usize,
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.leaves == other.leaves
    }
}

impl Layout {
    fn new(leaves: Vec<Leaf>) -> Self {
        let hash =
            hash_of(|visit| leaves.iter().for_each(|leaf| visit(&mut leaf.above.iter().map(Text::as_str), &leaf.name)));
        let names_bytes = leaves.iter().map(|leaf| leaf.name.len()).sum();
        Self { leaves, hash, names_bytes }
    }

    /// The layout of a body.
    pub fn of(body: &Object) -> Self {
        let mut leaves = Vec::with_capacity(body.len());
        for_each_leaf(body, &mut |above, name, _| {
            leaves.push(Leaf::new(above.iter().map(|name| Text::new(name)).collect(), Text::new(name)));
            true
        });
        Self::new(leaves)
    }

    /// The leaves.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The same for equal layouts, in this process.
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Bytes of the names of its leaves.
    pub(super) const fn names_bytes(&self) -> usize {
        self.names_bytes
    }

    /// Whether it is the layout of the body.
    pub(super) fn is_of(&self, body: &Object) -> bool {
        are_of(&self.leaves, body)
    }

    /// Whether its leaves from the place on are those of the fields.
    pub fn ends_with(&self, place: usize, rest: &Object) -> bool {
        self.leaves.get(place..).is_some_and(|leaves| are_of(leaves, rest))
    }

    /// Appends its binary form.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_unsigned(out, self.leaves.len() as u64);
        for leaf in &self.leaves {
            write_unsigned(out, leaf.above.len() as u64);
            leaf.above.iter().for_each(|name| write_text(out, name));
            write_text(out, &leaf.name);
        }
    }

    /// Without a leaf.
    pub(super) fn empty() -> Self {
        Self::new(Vec::new())
    }

    /// Reads what `write` wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut leaves = Vec::new();
        for _ in 0..reader.count()? {
            let depth = reader.count()?;
            if depth >= DEPTH_MAX {
                return reader.fail();
            }
            let above = (0..depth).map(|_| reader.text().map(Text::new)).collect::<Result<_, _>>()?;
            leaves.push(Leaf::new(above, Text::new(reader.text()?)));
        }
        Ok(Self::new(leaves))
    }
}

fn are_of(leaves: &[Leaf], fields: &Object) -> bool {
    let mut left = leaves.iter();
    for_each_leaf(fields, &mut |above, name, _| left.next().is_some_and(|leaf| leaf.is_at(above, name)))
        && left.next().is_none()
}

/// The hash of the layout that a body has.
pub(super) fn layout_hash(body: &Object) -> u64 {
    hash_of(|visit| {
        for_each_leaf(body, &mut |above, name, _| {
            visit(&mut above.iter().copied(), name);
            true
        });
    })
}

/// Gets one leaf: the names above it, then its own.
type VisitNames<'v> = dyn FnMut(&mut dyn Iterator<Item = &str>, &str) + 'v;

fn hash_of(for_each: impl FnOnce(&mut VisitNames<'_>)) -> u64 {
    let mut hash = FixedState::default().build_hasher();
    for_each(&mut |above, name| {
        for outer in above {
            outer.hash(&mut hash);
            hash.write_u8(1);
        }
        name.hash(&mut hash);
        hash.write_u8(0);
    });
    hash.finish()
}

/// Calls `visit` with every leaf, its names and its value, until it answers `false`; whether it never did.
pub(crate) fn for_each_leaf<'a>(
    body: &'a Object,
    visit: &mut impl FnMut(&[&'a str], &'a str, &'a Value) -> bool,
) -> bool {
    walk(body, &mut Vec::new(), visit)
}

fn walk<'a>(
    fields: &'a Object,
    above: &mut Vec<&'a str>,
    visit: &mut impl FnMut(&[&'a str], &'a str, &'a Value) -> bool,
) -> bool {
    for (place, (name, value)) in fields.iter().enumerate() {
        // The same name twice in a row would be merged when the object is rebuilt.
        let is_repeated = || place > 0 && fields[place - 1].0 == *name;
        let goes_on = match value {
            Value::Object(inner) if !inner.is_empty() && above.len() + 1 < DEPTH_MAX && !is_repeated() => {
                above.push(name);
                let goes_on = walk(inner, above, visit);
                above.pop();
                goes_on
            }
            _ => visit(above, name, value),
        };
        if !goes_on {
            return false;
        }
    }
    true
}

/// Puts a leaf at its place; objects are continued only while they are the last thing inserted.
pub fn insert_leaf<N: AsRef<str>>(target: &mut Object, above: &[N], name: &str, value: Value) {
    let [outer, rest @ ..] = above else {
        target.push((name.into(), value));
        return;
    };
    let outer = outer.as_ref();
    let continues = matches!(target.last(), Some((last, Value::Object(_))) if last == outer);
    if !continues {
        target.push((outer.into(), Value::Object(Object::new())));
    }
    if let Some((_, Value::Object(inner))) = target.last_mut() {
        insert_leaf(inner, rest, name, value);
    }
}
