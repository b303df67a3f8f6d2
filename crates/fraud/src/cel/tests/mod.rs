//! What rules answer, what is refused, and that the closures say what a plain walk through the tree says.

mod generated;
mod manual;
mod outcomes;
mod reference;
mod refusals;

use super::{Kind, Schema, Slot};

const NAMES: [(&str, Kind); 16] = [
    ("transaction.amount", Kind::Double),
    ("transaction.billing_country", Kind::Text),
    ("transaction.shipping_country", Kind::Text),
    ("user.count_1h", Kind::Int),
    ("b", Kind::Bool),
    ("c", Kind::Bool),
    ("i", Kind::Int),
    ("j", Kind::Int),
    ("x", Kind::Double),
    ("y", Kind::Double),
    ("s", Kind::Text),
    ("t", Kind::Text),
    ("at", Kind::Instant),
    ("since", Kind::Instant),
    ("l", Kind::Texts),
    ("m", Kind::Texts),
];

fn schema() -> Schema {
    Schema::new(&NAMES)
}

/// Slots by their names, all others missing.
fn slots<'a>(schema: &Schema, given: &[(&str, Slot<'a>)]) -> Vec<Slot<'a>> {
    let mut slots = vec![Slot::Missing; NAMES.len()];
    for (name, slot) in given {
        slots[schema.place(name).unwrap()] = *slot;
    }
    slots
}
